package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

type benchmarkCmd struct {
	List    benchmarkListCmd    `cmd:"" help:"List the sets of queries."`
	Show    benchmarkShowCmd    `cmd:"" help:"Show a set: its queries by genre, what the panel says, what models answered."`
	Add     benchmarkAddCmd     `cmd:"" help:"Make a draft of query files, or the next version of a set that is there."`
	Starter benchmarkStarterCmd `cmd:"" help:"Add our own queries over all genres as a frozen set."`
	Check   benchmarkCheckCmd   `cmd:"" help:"Look for genres with too few queries, near-duplicates, and queries that stand in training texts."`
	Freeze  benchmarkMoveCmd    `cmd:"" help:"Freeze a draft: its queries never change again, and models may answer it."`
	Retire  benchmarkMoveCmd    `cmd:"" help:"Offer a set no longer; what refers to it stays."`
	Restore benchmarkMoveCmd    `cmd:"" help:"Offer a retired set again."`
	Copy    benchmarkCopyCmd    `cmd:"" help:"Make a new draft of a set's queries, to be changed and frozen as its next version."`
	Export  benchmarkExportCmd  `cmd:"" help:"Write a set's queries, or the answers to them, as JSON Lines."`
}

type benchmarkListCmd struct{}

// Run lists the sets, newest first.
func (benchmarkListCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	sums, err := bench.Summaries(ctx, d)
	if err != nil {
		return err
	}
	return con.print(sums, func(w io.Writer) error {
		t := table.New("", table.Text("set"), table.Text("state"), table.Num("queries"), table.Num("zh"), table.Num("en"), table.Num("genres"), table.Num("models"), table.Text("hash"))
		for _, s := range sums {
			t.Add(s.Title(), s.State, s.Queries, s.Chinese, s.English, s.Genres, s.Models, s.Hash[:min(12, len(s.Hash))])
		}
		if len(sums) == 0 {
			t.Note = "there are none yet: coigwriter benchmark starter, or coigwriter benchmark add NAME FILE"
		}
		return t.Terminal(w)
	})
}

type benchmarkShowCmd struct {
	Set string `arg:"" help:"Name (its newest version), \"name v2\", or ID."`
}

type benchmarkDoc struct {
	bench.Set
	Queries   int                `json:"queries"`
	Withdrawn int                `json:"withdrawn"`
	Coverage  []bench.Coverage   `json:"coverage"`
	Short     int                `json:"short"`
	Models    []bench.ModelCount `json:"models"`
}

// Run shows one set.
func (c benchmarkShowCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onSet(ctx, cfg, c.Set, func(d *db.DB, tax *genre.Taxonomy, s bench.Set) error {
		qs, err := bench.Queries(ctx, d, s.ID)
		if err != nil {
			return err
		}
		standing := bench.Standing(qs)
		doc := benchmarkDoc{Set: s, Queries: len(standing), Withdrawn: len(qs) - len(standing)}
		doc.Coverage, doc.Short = bench.Cover(standing, tax)
		if doc.Models, err = bench.Counts(ctx, d, s.ID); err != nil {
			return err
		}
		return con.print(doc, func(w io.Writer) error {
			fmt.Fprintf(w, "%s  %s  %d queries, %d withdrawn  %s\n", s.Title(), s.State, doc.Queries, doc.Withdrawn, s.Hash)
			if err := coverageTable(doc.Coverage, tax, true).Terminal(w); err != nil {
				return err
			}
			return modelTable(doc.Models).Terminal(w)
		})
	})
}

func coverageTable(cs []bench.Coverage, tax *genre.Taxonomy, all bool) *table.Table {
	var langs []string
	if len(cs) > 0 {
		langs = slices.Sorted(maps.Keys(cs[0].Count))
	}
	cols := []table.Column{table.Text("genre")}
	for _, l := range langs {
		cols = append(cols, table.Num(l))
	}
	t := table.New("Queries by genre", append(cols, table.Text(""))...)
	for _, c := range cs {
		row := []any{tax.Title(c.Genre, "en")}
		for _, l := range langs {
			row = append(row, c.Count[l])
		}
		note := ""
		if c.Short {
			note = fmt.Sprintf("fewer than %d", bench.EachGenre)
		}
		if all || c.Short {
			t.Add(append(row, note)...)
		}
	}
	return t
}

func modelTable(ms []bench.ModelCount) *table.Table {
	t := table.New("Answers", table.Text("model"), table.Num("queries"), table.Num("answers"), table.Num("failed"), table.Num("empty"), table.Num("cut"), table.Num("other language"), table.Num("with reasoning"), table.Num("mean chars"), table.Num("tokens"))
	for _, m := range ms {
		name := m.Model
		if m.Scripted {
			name += " (a scripted fake)"
		}
		t.Add(name, m.Queries, m.Answers, m.Failed, m.Empty, m.Cut, m.Switched, m.Thought, fmt.Sprintf("%.0f", m.Chars), m.Tokens)
	}
	if len(ms) == 0 {
		t.Note = "no model has answered: coigwriter generate, or coigwriter import generations"
	}
	return t
}

// onSet opens the project and finds a set in it.
func onSet(ctx context.Context, cfg *Config, name string, f func(d *db.DB, tax *genre.Taxonomy, s bench.Set) error) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	s, err := bench.FindSet(ctx, d, name)
	if err != nil {
		return err
	}
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return err
	}
	return f(d, tax, s)
}

type benchmarkMoveCmd struct {
	Set string `arg:"" help:"Name (its newest version), \"name v2\", or ID."`
}

// moves are the states that the commands lead to.
var moves = map[string]string{"freeze": bench.Frozen, "retire": bench.Retired, "restore": bench.Frozen}

// Run brings a set into another state; the command's name says which.
func (c benchmarkMoveCmd) Run(ctx context.Context, con *console, cfg *Config, at commandName) error {
	to := moves[string(at)]
	return onSet(ctx, cfg, c.Set, func(d *db.DB, _ *genre.Taxonomy, s bench.Set) error {
		s, err := bench.Move(ctx, d, "system", s.ID, to)
		if err != nil {
			return err
		}
		return printSet(con, s)
	})
}

func printSet(con *console, s bench.Set) error {
	return con.print(s, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, strings.TrimSpace(fmt.Sprintf("%s  %s  %s", s.Title(), s.State, s.Hash)))
		return err
	})
}

type benchmarkCopyCmd struct {
	Set string `arg:"" help:"Name (its newest version), \"name v2\", or ID."`
}

// Run makes the next version of a set, as a draft.
func (c benchmarkCopyCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onSet(ctx, cfg, c.Set, func(d *db.DB, _ *genre.Taxonomy, s bench.Set) error {
		s, err := bench.CopySet(ctx, d, "system", s.ID)
		if err != nil {
			return err
		}
		return printSet(con, s)
	})
}

type benchmarkExportCmd struct {
	Set     string   `arg:"" help:"Name (its newest version), \"name v2\", or ID."`
	Out     string   `short:"o" help:"File to write; .gz and .zst compress." required:"" type:"path" placeholder:"FILE"`
	Answers bool     `help:"Write the answers and not the queries, as analyze and import generations read them."`
	Model   []string `help:"Answers of these models only." placeholder:"NAME"`
}

// Run writes a file that appears whole or not at all. Withdrawn queries are left out.
func (c benchmarkExportCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onSet(ctx, cfg, c.Set, func(d *db.DB, _ *genre.Taxonomy, s bench.Set) error {
		w, err := record.Create(c.Out)
		if err != nil {
			return err
		}
		defer w.Abort()
		n, err := exportSet(ctx, d, s, w, c.Answers, c.Model)
		if err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		what := "queries"
		if c.Answers {
			what = "answers"
		}
		return con.print(map[string]any{"set": s.Title(), "hash": s.Hash, what: n, "file": c.Out}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%d %s of %s in %s\n", n, what, s.Title(), c.Out)
			return err
		})
	})
}

func exportSet(ctx context.Context, d *db.DB, s bench.Set, w *record.Writer, answers bool, models []string) (n int, err error) {
	qs, err := bench.Queries(ctx, d, s.ID)
	if err != nil {
		return 0, err
	}
	if answers {
		return n, bench.EachAnswer(ctx, d, s.ID, models, func(r bench.AnswerRecord) error { n++; return w.Write(r) })
	}
	for _, q := range bench.Standing(qs) {
		n++
		if err := w.Write(q.Record()); err != nil {
			return n, err
		}
	}
	return n, nil
}
