package cli

import (
	"context"

	"coigwriter/internal/analysis"
	"coigwriter/internal/record"
)

type statsCmd struct {
	Files    []string `arg:"" help:"Triplet files (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	Taxonomy string   `help:"Own taxonomy file." type:"existingfile" placeholder:"FILE"`
	outputOptions
}

type statsDoc struct {
	analysis.Summary
	refusals
}

// Run computes on files alone: no database, no configuration.
func (c statsCmd) Run(ctx context.Context, con *console) error {
	tax, err := taxonomyOf(c.Taxonomy)
	if err != nil {
		return err
	}
	s := analysis.NewTripletStats(tax)
	var doc statsDoc
	err = eachRecord(ctx, con, c.Files, &doc.refusals, func(raw record.Raw) error {
		t, err := record.DecodeTriplet(raw)
		if err == nil {
			s.Add(t)
		}
		return err
	})
	if err != nil {
		return err
	}
	doc.Summary = s.Summary(c.Lang)
	tables := s.Tables(c.Lang)
	if err := c.write(tables, s.Figures(c.Lang, c.theme())); err != nil {
		return err
	}
	return finish(con, doc, tables, doc.refusals)
}
