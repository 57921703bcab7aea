package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

type importGenerationsCmd struct {
	Files []string `arg:"" help:"Generation files (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	Set   string   `help:"The frozen set they answer: its name, \"name v2\", or ID." required:"" placeholder:"NAME"`
	Model string   `help:"Model of records that name none (default: their file's name)." placeholder:"NAME"`
}

type importedDoc struct {
	Set string `json:"set"`
	bench.ImportReport
	refusals
}

// Run imports answers; those that are there already, with the same output, are left alone.
func (c importGenerationsCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onSet(ctx, cfg, c.Set, func(d *db.DB, _ *genre.Taxonomy, s bench.Set) error {
		doc := importedDoc{Set: s.Title()}
		var gs []record.Generation
		err := eachRecord(ctx, con, c.Files, &doc.refusals, func(raw record.Raw) error {
			g, err := record.DecodeGeneration(raw, cmp.Or(c.Model, baseName(raw.File)))
			if err == nil {
				gs = append(gs, g)
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(gs) == 0 {
			return doc.nothing("generations", c.Files)
		}
		if doc.ImportReport, err = bench.ImportAnswers(ctx, d, "system", s.ID, gs); err != nil {
			return err
		}
		doc.Read += doc.refusals.Refused
		for _, r := range doc.ImportReport.Refused {
			doc.refusals.add(r.Err.Error())
		}
		err = con.print(doc, func(w io.Writer) error {
			t := table.New("", table.Text("import"), table.Num("answers"))
			t.Add("read", doc.Read)
			t.Add("added", doc.Added)
			if doc.Empty > 0 {
				t.Add("  empty", doc.Empty)
			}
			if doc.Cut > 0 {
				t.Add("  cut at the limit of tokens", doc.Cut)
			}
			t.Add("there already", doc.Same)
			t.Add("refused", doc.refusals.Refused)
			t.Note = fmt.Sprintf("of %d models, to %s", len(doc.Models), s.Title())
			return t.Terminal(w)
		})
		if err != nil {
			return err
		}
		return doc.report(con)
	})
}
