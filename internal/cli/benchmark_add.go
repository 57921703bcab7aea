package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

type benchmarkAddCmd struct {
	Name   string   `arg:"" help:"Name of the set; one that is there gets its next version."`
	Files  []string `arg:"" help:"Query files (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	Note   string   `help:"What it is for."`
	Freeze bool     `help:"Freeze it at once, unless a record is refused."`
}

// Run makes a draft of files.
func (c benchmarkAddCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return addQueries(ctx, con, cfg, c.Name, c.Note, c.Files, c.Freeze)
}

type importQueriesCmd struct {
	Files  []string `arg:"" help:"Query files (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	Set    string   `help:"Name of the set (default: the first file's name)." placeholder:"NAME"`
	Note   string   `help:"What it is for."`
	Freeze bool     `help:"Freeze it at once, unless a record is refused."`
}

// Run imports queries as a new set.
func (c importQueriesCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return addQueries(ctx, con, cfg, cmp.Or(c.Set, baseName(c.Files[0])), c.Note, c.Files, c.Freeze)
}

// baseName is a file's name without its endings.
func baseName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".json")
	return name
}

// readQueries decodes the queries of files.
func readQueries(ctx context.Context, con *console, files []string, bad *refusals) (rs []record.Query, err error) {
	err = eachRecord(ctx, con, files, bad, func(raw record.Raw) error {
		q, err := record.DecodeQuery(raw)
		if err == nil {
			rs = append(rs, q)
		}
		return err
	})
	if err == nil && len(rs) == 0 {
		err = bad.nothing("queries", files)
	}
	return rs, err
}

type addedDoc struct {
	bench.Set
	Added int `json:"added"`
	refusals
}

func addQueries(ctx context.Context, con *console, cfg *Config, name, note string, files []string, freeze bool) error {
	d, err := cfg.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	var doc addedDoc
	rs, err := readQueries(ctx, con, files, &doc.refusals)
	if err != nil {
		return err
	}
	return doc.add(ctx, con, d, name, note, rs, freeze && doc.Refused == 0)
}

func (doc *addedDoc) add(ctx context.Context, con *console, d *db.DB, name, note string, rs []record.Query, freeze bool) error {
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return err
	}
	s, refused, err := bench.ImportQueries(ctx, d, tax, "system", name, note, rs, freeze)
	if err != nil {
		return err
	}
	doc.Set, doc.Added = s, len(rs)-len(refused)
	for _, r := range refused {
		doc.refusals.add(fmt.Sprintf("query %q: %v", r.Record.(record.Query).ID, r.Err))
	}
	err = con.print(doc, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, strings.TrimSpace(fmt.Sprintf("%s  %s  %d queries  %s", s.Title(), s.State, doc.Added, s.Hash)))
		return err
	})
	if err != nil {
		return err
	}
	return doc.report(con)
}

type benchmarkStarterCmd struct {
	Language string `help:"Queries of one language only: ${enum}." enum:"zh,en,both" default:"both"`
	Name     string `help:"Name of the set (default: starter, starter-zh or starter-en)."`
}

// Run adds our own queries, frozen, so that models can answer them at once.
func (c benchmarkStarterCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	lang := c.Language
	if lang == "both" {
		lang = ""
	}
	d, err := cfg.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	rs, err := bench.Starter(lang)
	if err != nil {
		return err
	}
	doc := addedDoc{}
	return doc.add(ctx, con, d, cmp.Or(c.Name, bench.StarterName(lang)), "our own queries, CC0", rs, true)
}

type benchmarkCheckCmd struct {
	Set     string   `arg:"" help:"Name (its newest version), \"name v2\", or ID."`
	Against []string `help:"Files of training texts to look into as well: releases, mixes, any JSON Lines." type:"path" placeholder:"FILE"`
}

type checkDoc struct {
	Set string `json:"set"`
	bench.Check
	refusals
}

// Run checks a set; what it finds is for people to judge and no failure.
func (c benchmarkCheckCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onSet(ctx, cfg, c.Set, func(d *db.DB, tax *genre.Taxonomy, s bench.Set) (err error) {
		doc := checkDoc{Set: s.Title()}
		doc.Check, err = bench.CheckSet(ctx, d, tax, s.ID, func(look func(where, id, text string)) error {
			return eachRecord(ctx, con, c.Against, &doc.refusals, func(raw record.Raw) error {
				id, text, err := record.AllText(raw)
				if err == nil {
					look(filepath.Base(raw.File), id, text)
				}
				return err
			})
		})
		if err != nil {
			return err
		}
		if err := con.print(doc, func(w io.Writer) error { return printCheck(w, doc, tax) }); err != nil {
			return err
		}
		return doc.report(con)
	})
}

func printCheck(w io.Writer, doc checkDoc, tax *genre.Taxonomy) error {
	fmt.Fprintf(w, "%s: %d genres and languages with fewer than %d queries, %d near-duplicates, %d leaks in %d texts\n",
		doc.Set, doc.Short, bench.EachGenre, len(doc.Twins), len(doc.Leaks), doc.Texts)
	if !doc.Intact {
		fmt.Fprintln(w, "its queries are not those that were frozen: the database was changed by something else")
	}
	if doc.Short > 0 {
		if err := coverageTable(doc.Genres, tax, false).Terminal(w); err != nil {
			return err
		}
	}
	if len(doc.Twins) > 0 {
		t := table.New("Nearly the same", table.Text("query"), table.Text("and"), table.Num("alike"))
		for _, x := range doc.Twins {
			t.Add(x.A, x.B, table.Percent(x.Share))
		}
		if err := t.Terminal(w); err != nil {
			return err
		}
	}
	if len(doc.Leaks) > 0 {
		t := table.New("Stand in other texts", table.Text("query"), table.Text("where"), table.Text("text"), table.Num("of the query"), table.Text("the longest run"))
		for _, x := range doc.Leaks {
			t.Add(x.Query, x.Where, x.ID, table.Percent(x.Share), x.Run)
		}
		return t.Terminal(w)
	}
	return nil
}
