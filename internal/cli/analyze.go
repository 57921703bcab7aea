package cli

import (
	"context"
	"encoding/json"
	"path/filepath"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
	"coigwriter/internal/text"
)

type analyzeCmd struct {
	Length    lengthCmd     `cmd:"" needs:"files" help:"Lengths of outputs in characters and tokens (the paper's Table 3 and Figure 4)."`
	Diversity diversityCmd  `cmd:"" needs:"files" help:"Lexical diversity of outputs, and whether it explains votes (Table 4 and Figure 5)."`
	All       analyzeAllCmd `cmd:"" needs:"files" help:"Everything that the records of the files allow: all tables and figures of the paper for that data."`
	Genre     genreCmd      `cmd:"" needs:"files" help:"How often outputs succeed by genre or category (section 3.3)."`
	Reasoning reasoningCmd  `cmd:"" needs:"files" help:"Reasoning behaviour over the course of outputs (appendix C, Figures 7 and 8)."`
	Language  languageCmd   `cmd:"" needs:"files" help:"Outputs that leave the language of their query (section 3.3)."`
}

// outputFlags are what the analyses of outputs share.
type outputFlags struct {
	Files     []string `arg:"" help:"Generation files (JSON Lines or JSON, .gz, .zst); - reads stdin. A file whose records name no model is one model's, called as the file."`
	Bootstrap int      `help:"Resamples of outputs for the intervals of means; 0 for none." default:"1000"`
	Seed      uint64   `help:"Seed of the resampling." default:"1"`
	outputOptions
}

// each calls f with every generation of the files.
func (o outputFlags) each(ctx context.Context, con *console, bad *refusals, f func(record.Generation)) error {
	n := 0
	err := eachRecord(ctx, con, o.Files, bad, func(raw record.Raw) error {
		g, err := record.DecodeGeneration(raw, modelOf(raw.File))
		if err == nil {
			n++
			f(g)
		}
		return err
	})
	if err == nil && n == 0 {
		return bad.nothing("generations", o.Files)
	}
	return err
}

type lengthCmd struct {
	outputFlags
	Tokenizer string `help:"Count tokens with a model's vocabulary (Qwen family): its directory, tokenizer.json or .tiktoken file; without it those that the server counted." type:"path" placeholder:"PATH"`
}

// Run computes on files alone: no database, no configuration.
func (c lengthCmd) Run(ctx context.Context, con *console) error {
	var doc struct {
		Lines []analysis.LengthLine `json:"lines"`
		refusals
	}
	l := analysis.NewLengths()
	if c.Tokenizer != "" {
		t, err := text.OpenTokenizer(c.Tokenizer)
		if err != nil {
			return errs.Invalidf("tokenizer: %w", err)
		}
		l.Count = t.Count
	}
	if err := c.each(ctx, con, &doc.refusals, l.Add); err != nil {
		return err
	}
	doc.Lines = l.Lines(c.Bootstrap, c.Seed)
	tables := []*table.Table{analysis.LengthTable(doc.Lines, c.Lang)}
	if err := c.write(tables, analysis.LengthFigures(doc.Lines, c.Lang, c.theme())); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}

type diversityCmd struct {
	outputFlags
	Punctuation bool     `help:"Count punctuation as tokens."`
	Votes       []string `help:"Vote files: does diversity explain the votes, net of length?" type:"existingfile" placeholder:"FILE"`
}

// Run computes on files alone: no database, no configuration.
func (c diversityCmd) Run(ctx context.Context, con *console) error {
	var doc struct {
		Tokens  string                   `json:"tokens"`
		Lines   []analysis.DiversityLine `json:"lines"`
		Paradox []analysis.Paradox       `json:"votes,omitempty"`
		excluded
	}
	tokens := text.Tokens{Punctuation: c.Punctuation}
	doc.Tokens = tokens.String()
	d := analysis.NewDiversity(tokens)
	if err := c.each(ctx, con, &doc.refusals, d.Add); err != nil {
		return err
	}
	doc.Lines = d.Lines(c.Bootstrap, c.Seed)
	tables := []*table.Table{analysis.DiversityTable(doc.Lines, tokens, c.Lang)}
	figures := analysis.DiversityFigures(doc.Lines, c.Lang, c.theme())
	if len(c.Votes) > 0 {
		votes, err := voteFlags{Files: c.Votes}.read(ctx, con, &doc.excluded)
		if err != nil {
			return err
		}
		for _, lang := range votes.Languages() {
			figures = append(figures, analysis.ParadoxFigures(votes.WinRates(lang, analysis.VoteOptions{}), doc.Lines, c.Lang, c.theme())...)
			p := d.Paradox(votes, lang)
			doc.Paradox = append(doc.Paradox, p)
			tables = append(tables, p.Table(c.Lang))
		}
	}
	if err := c.write(tables, figures); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}

type languageCmd struct {
	outputFlags
	Show int `help:"How many of the flagged outputs to show with their passages; --json has all." default:"10"`
}

// Run computes on files alone: no database, no configuration.
func (c languageCmd) Run(ctx context.Context, con *console) error {
	var doc struct {
		Lines   []analysis.LanguageLine `json:"lines"`
		Flagged []analysis.Flagged      `json:"flagged"`
		refusals
	}
	l := analysis.NewContamination()
	if err := c.each(ctx, con, &doc.refusals, l.Add); err != nil {
		return err
	}
	doc.Lines, doc.Flagged = l.Lines(), l.Flagged
	tables := []*table.Table{analysis.LanguageTable(doc.Lines, c.Lang), analysis.FlaggedTable(doc.Flagged, max(c.Show, 0), c.Lang)}
	if err := c.write(tables, analysis.LanguageFigures(doc.Lines, c.Lang, c.theme())); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}

type reasoningCmd struct {
	outputFlags
	Labels []string `help:"Files of labels, one a unit: query_id, model, unit (from 1), label, refers_to (the unit a reflection revises). Without them a keyword baseline labels, and says so." type:"existingfile" placeholder:"FILE"`
	Units  bool     `help:"Print the units as JSON lines to be labelled, and nothing else."`
}

// Run computes on files alone: no database, no configuration.
func (c reasoningCmd) Run(ctx context.Context, con *console) error {
	var doc struct {
		Lines []analysis.ReasoningLine `json:"lines"`
		refusals
	}
	if c.Units {
		return c.printUnits(ctx, con, &doc.refusals)
	}
	r := analysis.NewReasoning()
	err := eachRecord(ctx, con, c.Labels, &doc.refusals, func(raw record.Raw) error {
		l, err := record.DecodeLabel(raw)
		if err != nil {
			return err
		}
		if err := r.Label(analysis.LabelSource(filepath.Base(raw.File), l), l); err != nil {
			return &record.BadRecord{File: raw.File, Line: raw.Line, Field: "label", Msg: err.Error(), Data: raw.Data}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.each(ctx, con, &doc.refusals, r.Add); err != nil {
		return err
	}
	doc.Lines = r.Lines(c.Bootstrap, c.Seed)
	doc.addAll(r.Problems, r.Mismatched)
	tables := analysis.ReasoningTables(doc.Lines, c.Lang)
	if err := c.write(tables, analysis.ReasoningFigures(doc.Lines, c.Lang, c.theme())); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}

// printUnits writes every unit as a line that a person or a program can add a label to.
func (c reasoningCmd) printUnits(ctx context.Context, con *console, bad *refusals) error {
	enc := json.NewEncoder(con.out)
	enc.SetEscapeHTML(false)
	var failed error
	err := c.each(ctx, con, bad, func(g record.Generation) {
		for i, u := range analysis.UnitsOf(g) {
			if failed == nil {
				failed = enc.Encode(struct {
					QueryID string `json:"query_id"`
					Model   string `json:"model"`
					Unit    int    `json:"unit"`
					Text    string `json:"text"`
				}{g.QueryID, g.Model, i + 1, u})
			}
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return bad.report(con)
}
