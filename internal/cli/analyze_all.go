package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
	"coigwriter/internal/text"
)

type analyzeAllCmd struct {
	Files       []string  `arg:"" help:"Files of votes, rankings, ratings, generations, labels, triplets or queries, mixed as they come (JSON Lines or JSON, .gz, .zst); - reads stdin. A file of outputs whose records name no model is one model's, called as the file."`
	Models      string    `help:"Models that take part in votes, in the order of the tables, separated by commas; votes about others are left out and counted." placeholder:"A,B,…"`
	Tokenizer   string    `help:"Count tokens with a model's vocabulary (Qwen family): its directory, tokenizer.json or .tiktoken file; without it those that the server counted." type:"path" placeholder:"PATH"`
	Punctuation bool      `help:"Count punctuation as tokens in lexical diversity."`
	Categories  []float64 `help:"Scores that could be given, such as 0,1,2,3; without it those that were." placeholder:"N,…"`
	successFlags
	Taxonomy  string `help:"Own taxonomy file." type:"existingfile" placeholder:"FILE"`
	Bootstrap int    `help:"Resamples of queries, outputs or items; 0 for none." default:"1000"`
	Seed      uint64 `help:"Seed of the resampling." default:"1"`
	outputOptions
}

type analyzeAllDoc struct {
	Records  map[string]int `json:"records"`
	Analyses map[string]any `json:"analyses"`
	// OtherModels are those that --models does not list, with the votes about them that were left out.
	OtherModels map[string]int `json:"other_models,omitempty"`
	Missing     int            `json:"missing_scores"` // records whose score is null: not given
	refusals
}

// Run computes on files alone: no database, no configuration.
func (c analyzeAllCmd) Run(ctx context.Context, con *console) error {
	opt := analysis.Options{
		Lang: c.Lang, Theme: c.theme(), Bootstrap: c.Bootstrap, Seed: c.Seed, Models: voteFlags{Models: c.Models}.models(), Tokens: text.Tokens{Punctuation: c.Punctuation},
		AtLeast: c.Success, Dimension: c.Dimension, Categories: c.Categories,
	}
	if c.Bootstrap < 0 || c.Bootstrap > 100_000 {
		return errs.Invalidf("--bootstrap %d: give 0 to 100000", c.Bootstrap)
	}
	slices.Sort(opt.Categories)
	var err error
	if opt.Taxonomy, err = taxonomyOf(c.Taxonomy); err != nil {
		return err
	}
	if c.Tokenizer != "" {
		t, err := text.OpenTokenizer(c.Tokenizer)
		if err != nil {
			return errs.Invalidf("tokenizer: %w", err)
		}
		opt.Count = t.Count
	}
	corpus := analysis.NewCorpus(opt)
	doc := analyzeAllDoc{Records: corpus.Records, Analyses: map[string]any{}}
	err = eachRecord(ctx, con, c.Files, &doc.refusals, func(raw record.Raw) error {
		r, ok, err := record.Decode(raw, modelOf(raw.File))
		switch {
		case err != nil:
			return err
		case !ok:
			doc.Missing++
		default:
			corpus.Add(r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	results, err := corpus.Results()
	if err != nil {
		return err
	}
	doc.OtherModels = corpus.Votes.Other
	doc.addAll(corpus.Problems, corpus.NotCount)
	if len(results) == 0 {
		return doc.nothing("votes, rankings, ratings, generations or triplets", c.Files)
	}
	var tables []*table.Table
	var figures []analysis.Named
	for _, r := range results {
		doc.Analyses[r.Name] = r.Doc
		tables, figures = append(tables, r.Tables...), append(figures, r.Figures...)
	}
	if err := c.write(tables, figures); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}

// modelOf is the model that a file without model names is called after.
func modelOf(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".json")
	return name
}

// taxonomyOf reads a taxonomy file, or gives the one in the program.
func taxonomyOf(file string) (*genre.Taxonomy, error) {
	if file == "" {
		return genre.Default(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return genre.Parse(file, data)
}

// successFlags say what counts as a success of an output.
type successFlags struct {
	Success   float64 `help:"An output succeeds when its mean rating is at least this." default:"2"`
	Dimension string  `help:"The dimension that decides it; without it the only one, or the overall one." placeholder:"NAME"`
}

type genreCmd struct {
	Files    []string `arg:"" help:"Rating files (JSON Lines or JSON, .gz, .zst): query_id, model, genre, rater, dimension, score; - reads stdin."`
	Queries  []string `help:"Files of queries, votes or outputs that say of which genre a query is, where ratings do not." type:"existingfile" placeholder:"FILE"`
	By       string   `help:"Group by: ${enum}." enum:"genre,category" default:"genre"`
	Taxonomy string   `help:"Own taxonomy file." type:"existingfile" placeholder:"FILE"`
	successFlags
	outputOptions
}

// Run computes on files alone: no database, no configuration.
func (c genreCmd) Run(ctx context.Context, con *console) error {
	var doc struct {
		Success []analysis.SuccessRates `json:"success"`
		Missing int                     `json:"missing_scores"`
		Judged  int                     `json:"judge_ratings_left_out,omitempty"`
		refusals
	}
	tax, err := taxonomyOf(c.Taxonomy)
	if err != nil {
		return err
	}
	opt := analysis.Options{Lang: c.Lang, Taxonomy: tax}
	by := opt.Genres(c.By)
	s := analysis.NewSuccess(c.Success)
	err = eachRecord(ctx, con, c.Queries, &doc.refusals, func(raw record.Raw) error {
		r, _, err := record.Decode(raw, modelOf(raw.File))
		if err == nil {
			s.Learn(r)
		}
		return err
	})
	if err != nil {
		return err
	}
	n := 0
	err = eachRecord(ctx, con, c.Files, &doc.refusals, func(raw record.Raw) error {
		r, ok, err := record.DecodeRating(raw)
		switch {
		case err != nil:
			return err
		case !ok:
			doc.Missing++
		case r.Judge != "":
			doc.Judged++
		default:
			n++
			s.Add(r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n == 0 {
		return doc.nothing("ratings", c.Files)
	}
	dimension, err := s.Dimension(c.Dimension)
	if err != nil {
		return err
	}
	doc.Success = s.Rates(dimension, analysis.VoteOptions{Group: by.Of})
	doc.addAll(s.Problems, s.Duplicates)
	var tables []*table.Table
	var figures []analysis.Named
	for _, r := range doc.Success {
		tables = append(tables, r.Tables(c.Lang, by)...)
		if len(r.Models[0].Genres) > 0 {
			figures = append(figures, analysis.GenreFigure(r.Models, by, c.Lang, c.theme()))
		}
	}
	if len(figures) == 0 {
		return errs.Invalidf("no rating says of which genre it is: give genre in the ratings, or --queries FILE with query_id and genre")
	}
	if err := c.write(tables, figures); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}
