package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"coigwriter/internal/analysis"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

type studyResultsCmd struct {
	Study string `arg:"" help:"Name or ID."`
	Lang  string `help:"Language of the tables: zh or en." enum:"zh,en" default:"en"`
}

// Run prints results; the same numbers stand in winrate and ratings over the exported files.
func (c studyResultsCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onStudy(ctx, cfg, c.Study, func(d *db.DB, s evaluate.Study) error {
		tax, err := project.Taxonomy(ctx, d)
		if err != nil {
			return err
		}
		r, err := evaluate.RecordsOf(ctx, d, s)
		if err != nil {
			return err
		}
		out, err := evaluate.ResultsOf(ctx, d, s, r, tax)
		if err != nil {
			return err
		}
		return con.print(out, func(w io.Writer) error {
			if err := printTables(w, findingsTables(out.People, c.Lang)); err != nil {
				return err
			}
			for _, j := range out.Judges {
				fmt.Fprintf(w, "\nmodel judge, apart from people: %s\n", j.Judge.Judge)
				if err := printTables(w, findingsTables(j.Findings, c.Lang)); err != nil {
					return err
				}
			}
			return printTables(w, []*table.Table{raterTable(out.Raters), foundTable(out.Found)})
		})
	})
}

func findingsTables(f evaluate.Findings, lang string) (out []*table.Table) {
	for _, w := range f.Languages {
		out = append(out, w.Tables(lang)...)
	}
	for _, s := range f.Strengths {
		out = append(out, s.Tables(lang)...)
	}
	if f.Rankings != nil {
		out = append(out, f.Rankings.Table(lang))
	}
	for _, m := range f.Marks {
		out = append(out, m.Table(lang, func(d string) string { return analysis.DimensionName(d, lang) }))
	}
	for _, a := range f.Agreement {
		out = append(out, a.Tables(lang)...)
	}
	return out
}

func printTables(w io.Writer, ts []*table.Table) error {
	for _, t := range ts {
		if len(t.Rows) == 0 {
			continue
		}
		if err := t.Terminal(w); err != nil {
			return err
		}
	}
	return nil
}

type studyExportCmd struct {
	Study string `arg:"" help:"Name or ID."`
	Out   string `short:"o" required:"" help:"Directory." type:"path"`
}

// Run writes a study's files.
func (c studyExportCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onStudy(ctx, cfg, c.Study, func(d *db.DB, s evaluate.Study) error {
		files, err := evaluate.Export(ctx, d, s, c.Out)
		if err != nil {
			return err
		}
		type written struct {
			File    string `json:"file"`
			Records int    `json:"records"`
		}
		var doc []written
		for _, f := range files {
			doc = append(doc, written{f.Name, f.Records})
		}
		return con.print(doc, func(w io.Writer) error {
			for _, f := range files {
				fmt.Fprintln(w, filepath.Join(c.Out, f.Name))
			}
			return nil
		})
	})
}

type studyPreferCmd struct {
	Study     string  `arg:"" help:"Name or ID."`
	Format    string  `help:"trl, trl-chat, llamafactory, reward or jsonl." default:"trl"`
	Out       string  `short:"o" required:"" help:"File (JSON Lines). Beside it stand FILE.manifest.json and, for LLaMA-Factory, dataset_info.json." type:"path"`
	MinMargin float64 `help:"Least margin: the share for what was chosen less that for the other, 0 to 1."`
	MinVotes  int     `help:"Least decided votes of a pair." default:"1"`
}

// Help warns of what such data does to a benchmark.
func (studyPreferCmd) Help() string { return "Mind that " + evaluate.PreferWarning + "." }

// Run writes preference data.
func (c studyPreferCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	f, err := evaluate.PreferFormatOf(c.Format)
	if err != nil {
		return err
	}
	return onStudy(ctx, cfg, c.Study, func(d *db.DB, s evaluate.Study) error {
		ps, rep, err := evaluate.Preferences(ctx, d, s, evaluate.PreferOptions{MinMargin: c.MinMargin, MinVotes: c.MinVotes})
		if err != nil {
			return err
		}
		rep.Format = f.Name
		if err := writePreferences(c.Out, f, ps, rep); err != nil {
			return err
		}
		return con.print(rep, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%d preferences of %d pairs in %s (left out: %d even, %d with few votes, %d with a low margin); chosen: %s\n%s\n",
				rep.Written, rep.Pairs, c.Out, rep.Even, rep.FewVotes, rep.LowMargin, rep.Words(), rep.Warning)
			return err
		})
	})
}

func writePreferences(path string, f evaluate.PreferFormat, ps []evaluate.Preference, rep evaluate.PreferReport) error {
	files := map[string]func(w io.Writer) error{
		path: func(w io.Writer) error { return f.Write(w, ps) },
		path + ".manifest.json": func(w io.Writer) error {
			con := &console{out: w, json: true}
			return con.print(rep, nil)
		},
	}
	info, err := f.DatasetInfo("preferences", filepath.Base(path))
	if err != nil {
		return err
	}
	if info != nil {
		files[filepath.Join(filepath.Dir(path), "dataset_info.json")] = func(w io.Writer) error {
			_, err := w.Write(info)
			return err
		}
	}
	for name, write := range files {
		out, err := os.Create(name)
		if err != nil {
			return errs.Unavailablef("output: %w", err)
		}
		if err := write(out); err != nil {
			out.Close()
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
	}
	return nil
}

type importVotesCmd struct {
	Files  []string `arg:"" help:"Files of votes, rankings or ratings made elsewhere (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	Study  string   `help:"Name of the closed study that they become." required:"" placeholder:"NAME"`
	Models []string `help:"Models that take part, in their order; records about others are refused." placeholder:"A,B,…"`
}

// Run imports; the same records again change nothing.
func (c importVotesCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	im := evaluate.NewImporter(c.Study, c.Models...)
	var broken refusals
	err = eachRecord(ctx, con, c.Files, &broken, func(raw record.Raw) error {
		im.Add(raw)
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range broken.Problems {
		im.Broken(p)
	}
	if _, err := im.Store(ctx, d, "system"); err != nil {
		return err
	}
	rep := im.Report
	err = con.print(rep, func(w io.Writer) error {
		t := table.New("", table.Text("import"), table.Num("records"))
		t.Add("read", rep.Read)
		t.Add("added", rep.Added)
		for _, k := range sortedKeys(rep.Refused) {
			t.Add("  refused: "+k, rep.Refused[k])
		}
		if rep.Same {
			t.Note = "the study is there already, with these very records"
		}
		if err := t.Terminal(w); err != nil {
			return err
		}
		for _, p := range rep.Problem {
			fmt.Fprintln(w, p)
		}
		return nil
	})
	if err == nil && rep.Total > 0 {
		err = fmt.Errorf("%w: %d of %d records", errRefused, rep.Total, rep.Read)
	}
	return err
}
