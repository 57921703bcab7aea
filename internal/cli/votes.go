package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

// voteFlags are what the commands over votes share.
type voteFlags struct {
	Files     []string `arg:"" help:"Vote or ranking files (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	Models    string   `help:"Models that take part, in the order of the tables, separated by commas; votes about others are left out and counted." placeholder:"A,B,…"`
	Bootstrap int      `help:"Resamples of queries; 0 for none." default:"1000"`
	Seed      uint64   `help:"Seed of the resampling." default:"1"`
	outputOptions
}

// models are those that take part; nil for all.
func (f voteFlags) models() (order []string) {
	for m := range strings.SplitSeq(f.Models, ",") {
		if m = strings.TrimSpace(m); m != "" {
			order = append(order, m)
		}
	}
	return order
}

func (f voteFlags) options() analysis.VoteOptions {
	return analysis.VoteOptions{Bootstrap: f.Bootstrap, Seed: f.Seed}
}

// excluded are the votes that were read and do not count, beside the records that were refused.
type excluded struct {
	refusals
	Duplicates     int `json:"duplicate_votes"`
	MixedLanguages int `json:"mixed_language_votes"`
	// JudgeVotes are votes by model judges, left out because there are people's; ByJudges says that there
	// are none of people, so that theirs were counted.
	JudgeVotes int  `json:"judge_votes_left_out,omitempty"`
	ByJudges   bool `json:"by_model_judges,omitempty"`
	// OtherModels are those that --models does not list, with the votes about them that were left out.
	OtherModels map[string]int `json:"other_models,omitempty"`
}

// read collects the votes. Models that --models names and no vote knows are an error: most likely a
// slip of the pen.
func (f voteFlags) read(ctx context.Context, con *console, bad *excluded) (*analysis.Votes, error) {
	if f.Bootstrap < 0 || f.Bootstrap > 100_000 {
		return nil, errs.Invalidf("--bootstrap %d: give 0 to 100000", f.Bootstrap)
	}
	votes, judged := analysis.NewVotes(f.models()...), analysis.NewVotes(f.models()...)
	known := map[string]bool{}
	err := eachRecord(ctx, con, f.Files, &bad.refusals, func(raw record.Raw) error {
		vs, err := record.DecodeVotes(raw)
		for _, v := range vs {
			known[v.ModelA], known[v.ModelB] = true, true
			if v.Judge != "" {
				judged.Add(v)
			} else {
				votes.Add(v)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, m := range f.models() {
		if len(known) > 0 && !known[m] {
			return nil, errs.Invalidf("--models: no vote is about %q; they are about %s", m, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	switch {
	case votes.Len() == 0:
		votes, bad.ByJudges = judged, judged.Len() > 0
	case judged.Len() > 0:
		bad.JudgeVotes = judged.Len()
		fmt.Fprintf(con.err, "%d votes by model judges are left out: they never count among people's; analyze all shows them apart\n", bad.JudgeVotes)
	}
	if votes.Len() == 0 {
		return nil, bad.nothing("votes", f.Files)
	}
	bad.OtherModels = votes.Other
	bad.Duplicates, bad.MixedLanguages = votes.Duplicates, votes.Mixed
	bad.addAll(votes.Problems, votes.Duplicates+votes.Mixed)
	return votes, nil
}

type winrateCmd struct {
	voteFlags
	By string `help:"Also each model's rates by genre or category." enum:",genre,category" default:""`
}

type winrateDoc struct {
	TiePolicy analysis.Note         `json:"tie_policy"`
	Languages []analysis.WinRates   `json:"languages"`
	Genres    []analysis.GenreRates `json:"genres,omitempty"`
	excluded
}

// Run computes on files alone: no database, no configuration.
func (c winrateCmd) Run(ctx context.Context, con *console) error {
	doc := winrateDoc{TiePolicy: analysis.TiePolicy}
	votes, err := c.read(ctx, con, &doc.excluded)
	if err != nil {
		return err
	}
	opt := analysis.Options{Lang: c.Lang, Taxonomy: genre.Default()}
	by := opt.Genres(c.By)
	var tables []*table.Table
	var figures []analysis.Named
	for _, lang := range votes.Languages() {
		w := votes.WinRates(lang, c.options())
		doc.Languages = append(doc.Languages, w)
		tables = append(tables, w.Tables(c.Lang)...)
		figures = append(figures, w.Figure(c.Lang, c.theme()))
		if c.By == "" {
			continue
		}
		var rates []analysis.GenreRates
		for _, m := range w.Models {
			g := votes.Genres(lang, m, analysis.VoteOptions{Group: by.Of})
			rates, tables = append(rates, g), append(tables, g.Table(c.Lang, by))
		}
		if len(rates[0].Genres) > 0 {
			figures = append(figures, analysis.GenreFigure(rates, by, c.Lang, c.theme()))
		}
		doc.Genres = append(doc.Genres, rates...)
	}
	if err := c.write(tables, figures); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}

type ratingsCmd struct {
	voteFlags
	Elo float64 `help:"Also a picture of Elo over the votes as they came, with this K; it depends on their order and ranks nobody." placeholder:"K"`
}

type ratingsDoc struct {
	Languages []analysis.Strengths `json:"languages"`
	excluded
}

// Run computes on files alone: no database, no configuration.
func (c ratingsCmd) Run(ctx context.Context, con *console) error {
	var doc ratingsDoc
	votes, err := c.read(ctx, con, &doc.excluded)
	if err != nil {
		return err
	}
	var tables []*table.Table
	var figures []analysis.Named
	for _, lang := range votes.Languages() {
		s, err := votes.Strengths(lang, c.options())
		if err != nil {
			return err
		}
		doc.Languages = append(doc.Languages, s)
		tables = append(tables, s.Tables(c.Lang)...)
		figures = append(figures, s.Figure(c.Lang, c.theme()))
		if c.Elo > 0 {
			figures = append(figures, votes.EloFigure(lang, c.Elo, c.options(), c.Lang, c.theme()))
		}
	}
	if err := c.write(tables, figures); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}
