package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

type statsCmd struct {
	Files    []string `arg:"" help:"Triplet files (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	Taxonomy string   `help:"Own taxonomy file." type:"existingfile" placeholder:"FILE"`
	Lang     string   `help:"Language of the tables: ${enum}." enum:"zh,en" default:"en"`
	Out      string   `short:"o" help:"Directory for CSV files." type:"path"`
}

type statsDoc struct {
	analysis.Summary
	Refused  int      `json:"refused"`
	Problems []string `json:"problems,omitempty"`
}

// Run computes on files alone: no database, no configuration.
func (c statsCmd) Run(ctx context.Context, con *console) error {
	tax := genre.Default()
	if c.Taxonomy != "" {
		data, err := os.ReadFile(c.Taxonomy)
		if err != nil {
			return err
		}
		if tax, err = genre.Parse(c.Taxonomy, data); err != nil {
			return err
		}
	}
	s := analysis.NewTripletStats(tax)
	var doc statsDoc
	for _, name := range c.Files {
		if err := c.read(ctx, con, name, s, &doc); err != nil {
			return err
		}
	}
	doc.Summary = s.Summary(c.Lang)
	tables := s.Tables(c.Lang)
	if c.Out != "" {
		if err := os.MkdirAll(c.Out, 0o755); err != nil {
			return errs.Unavailablef("output directory: %w", err)
		}
		for i, t := range tables {
			f, err := os.Create(filepath.Join(c.Out, fmt.Sprintf("table-%d.csv", i)))
			if err != nil {
				return errs.Unavailablef("output: %w", err)
			}
			if err := errors.Join(t.CSV(f), f.Close()); err != nil {
				return err
			}
		}
	}
	err := con.print(doc, func(w io.Writer) error {
		for _, t := range tables {
			if err := t.Terminal(w); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && doc.Refused > 0 {
		for _, p := range doc.Problems {
			fmt.Fprintln(con.err, p)
		}
		return fmt.Errorf("%w: %d records were not counted; they are named above", errRefused, doc.Refused)
	}
	return err
}

func (c statsCmd) read(ctx context.Context, con *console, name string, s *analysis.TripletStats, doc *statsDoc) error {
	in := con.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return errs.Invalidf("%w", err)
		}
		defer f.Close()
		in = f
	} else {
		name = "stdin"
	}
	r, err := record.NewReader(name, in)
	if err != nil {
		return err
	}
	defer r.Close()
	for ctx.Err() == nil {
		raw, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var t record.Triplet
		if err == nil {
			t, err = record.DecodeTriplet(raw)
		}
		var bad *record.BadRecord
		switch {
		case errors.As(err, &bad):
			doc.Refused++
			if len(doc.Problems) < 20 {
				doc.Problems = append(doc.Problems, bad.Error())
			}
		case err != nil:
			return err
		default:
			s.Add(t)
		}
	}
	return ctx.Err()
}
