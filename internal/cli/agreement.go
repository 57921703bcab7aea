package cli

import (
	"context"
	"fmt"
	"slices"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

type agreementCmd struct {
	Files      []string  `arg:"" help:"Rating files (JSON Lines or JSON, .gz, .zst): item_id, rater, dimension, score; or rankings: query_id, rater, ranked; - reads stdin."`
	Categories []float64 `help:"Scores that could be given, such as 0,1,2,3; without it those that were." placeholder:"N,…"`
	Bootstrap  int       `help:"Resamples of items, or of queries where ratings name them; 0 for none." default:"1000"`
	Seed       uint64    `help:"Seed of the resampling." default:"1"`
	outputOptions
}

type agreementDoc struct {
	Dimensions []analysis.Agreement    `json:"dimensions,omitempty"`
	Rankings   *analysis.RankAgreement `json:"rankings,omitempty"`
	refusals
	Missing    int `json:"missing_scores"` // records whose score is null: not given
	Duplicates int `json:"duplicate_ratings"`
	// JudgeRatings are ratings by model judges, left out because there are people's.
	JudgeRatings int `json:"judge_ratings_left_out,omitempty"`
}

// Run computes on files alone: no database, no configuration.
func (c agreementCmd) Run(ctx context.Context, con *console) error {
	if c.Bootstrap < 0 || c.Bootstrap > 100_000 {
		return errs.Invalidf("--bootstrap %d: give 0 to 100000", c.Bootstrap)
	}
	slices.Sort(c.Categories)
	var doc agreementDoc
	set, judged, rankings := analysis.NewRatingSet(), analysis.NewRatingSet(), analysis.NewRankings()
	err := eachRecord(ctx, con, c.Files, &doc.refusals, func(raw record.Raw) error {
		if ranking, ok, err := record.DecodeRanking(raw); err != nil || ok {
			if ok {
				rankings.Add(ranking.QueryID, ranking.Rater, ranking.Models)
			}
			return err
		}
		r, ok, err := record.DecodeRating(raw)
		switch {
		case err != nil:
			return err
		case !ok:
			doc.Missing++
			return nil
		case c.Categories != nil && !slices.Contains(c.Categories, r.Score):
			return &record.BadRecord{File: raw.File, Line: raw.Line, Field: "score", Msg: "is not one of --categories", Data: raw.Data}
		}
		if r.Judge != "" {
			judged.Add(r)
			doc.JudgeRatings++
		} else {
			set.Add(r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case len(set.Dimensions()) == 0:
		set, doc.JudgeRatings = judged, 0
	case doc.JudgeRatings > 0:
		fmt.Fprintf(con.err, "%d ratings by model judges are left out: they never count among people's; analyze all shows them apart\n", doc.JudgeRatings)
	}
	if len(set.Dimensions())+rankings.Len() == 0 {
		return doc.nothing("ratings", c.Files)
	}
	doc.Duplicates = set.Duplicates + rankings.Duplicates
	doc.addAll(append(set.Problems, rankings.Problems...), doc.Duplicates)
	var tables []*table.Table
	for _, d := range set.Dimensions() {
		a := set.Agreement(d, analysis.AgreementOptions{Categories: c.Categories, Bootstrap: c.Bootstrap, Seed: c.Seed})
		doc.Dimensions = append(doc.Dimensions, a)
		tables = append(tables, a.Tables(c.Lang)...)
	}
	if rankings.Len() > 0 {
		a := rankings.Agreement(c.Bootstrap, c.Seed)
		doc.Rankings = &a
		tables = append(tables, a.Table(c.Lang))
	}
	if err := c.write(tables, nil); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}
