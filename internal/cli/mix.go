package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
	"coigwriter/internal/table"
)

type mixCmd struct {
	Make   mixMakeCmd   `cmd:"" default:"withargs" help:"Make the training configurations of a plan: rows drawn by seed, without copies and benchmark texts, with a manifest."`
	Init   mixInitCmd   `cmd:"" help:"Write a plan to edit, with a comment on every key."`
	Show   mixShowCmd   `cmd:"" help:"Show what a mix holds."`
	Verify mixVerifyCmd `cmd:"" help:"Count and hash a mix again, or make it again from its plan."`
	Diff   mixDiffCmd   `cmd:"" help:"What differs between two mixes: plan, sources, rows and counts."`
}

type mixMakeCmd struct {
	Plan string `arg:"" help:"Plan file (mix init writes one)." type:"path"`
	Out  string `short:"o" required:"" help:"Directory of the mix; one that holds a mix is replaced." type:"path" placeholder:"DIR"`
}

type mixDoc struct {
	Out string `json:"out"`
	mix.Manifest
	refusals
}

// Run computes on files alone: no database, no configuration.
func (c mixMakeCmd) Run(ctx context.Context, con *console) error {
	p, err := mix.ReadPlan(c.Plan)
	if err != nil {
		return err
	}
	doc := mixDoc{Out: c.Out}
	if doc.Manifest, err = mix.Make(ctx, p, c.Out, con.mixing()); err != nil {
		return err
	}
	err = mix.EachLeftOut(c.Out, func(l mix.LeftOutRow) error {
		if l.Reason == mix.Bad {
			doc.add(fmt.Sprintf("%s %s: %s", l.Source, l.At, l.Why))
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = con.print(doc, func(w io.Writer) error {
		if err := showMix(w, doc.Manifest); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "%s  %s\n", c.Out, doc.ID)
		return err
	})
	if err != nil {
		return err
	}
	for _, p := range doc.Problems {
		fmt.Fprintln(con.err, p)
	}
	if doc.Refused > 0 {
		return fmt.Errorf("%w: %d rows could not be read; all are listed in %s", errRefused, doc.Refused, filepath.Join(c.Out, mix.LeftOutFile))
	}
	return nil
}

// mixing are the options of a mix that tells of its progress.
func (c *console) mixing() mix.Options {
	bar := c.progress("mix")
	last := ""
	return mix.Options{Tool: buildVersion().Version, Progress: func(stage string, done, total int64) {
		if stage != last {
			last = stage
			bar.Reset()
			bar.Describe(stage)
		}
		bar.ChangeMax64(max(total, 1))
		_ = bar.Set64(min(done, max(total, 1)))
	}}
}

type mixInitCmd struct {
	File   string `arg:"" optional:"" help:"File to write; one that is there stays." default:"mix.toml" type:"path"`
	Preset string `help:"Configurations to start from: ${enum}." enum:"${presets}" default:"${preset}"`
}

// Run writes a plan, never over a file that is there.
func (c mixInitCmd) Run(con *console) error {
	p, err := mix.PresetOf(c.Preset)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return errs.Conflictf("%s is there already; name another file", c.File)
	}
	if err != nil {
		return errs.Unavailablef("plan: %w", err)
	}
	_, err = f.Write(p.Render())
	if err = errors.Join(err, f.Close()); err != nil {
		return errs.Unavailablef("plan: %w", err)
	}
	return con.print(map[string]string{"file": c.File, "preset": p.Name}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s: %s\n", c.File, p.Doc)
		return err
	})
}

type mixShowCmd struct {
	Dir string `arg:"" help:"Directory of the mix." type:"existingdir"`
}

// Run prints a manifest's tables.
func (c mixShowCmd) Run(con *console) error {
	m, err := mix.OpenManifest(c.Dir)
	if err != nil {
		return err
	}
	return con.print(m, func(w io.Writer) error { return showMix(w, m) })
}

func showMix(w io.Writer, m mix.Manifest) error {
	tables := []*table.Table{mixConfigurations(m), mixSources(m), mixCounts(m)}
	if m.LeftOut.Rows > 0 {
		tables = append(tables, mixLeftOut(m))
	}
	for _, t := range tables {
		if err := t.Terminal(w); err != nil {
			return err
		}
	}
	for _, warning := range m.Warnings {
		fmt.Fprintln(w, "note:", warning.Msg)
	}
	return nil
}

func mixConfigurations(m mix.Manifest) *table.Table {
	t := table.New("Configurations", table.Text("name"), table.Num("rows"), table.Num("creative"), table.Num("general"), table.Num("thoughts"), table.Num("characters"),
		table.Num("tokens"), table.Num("median"), table.Num("p95"), table.Num("p99"), table.Num("longest"), table.Text("file"))
	for _, c := range m.Configurations {
		l := c.Lengths
		t.Add(c.Name, c.Rows, c.Creative, c.General, c.Thoughts, c.Characters, l.Total, l.Median, l.P95, l.P99, l.Max, c.File)
		t.Note = "tokens: " + l.Counted
	}
	return t
}

func mixSources(m mix.Manifest) *table.Table {
	t := table.New("Sources", table.Text("name"), table.Text("kind"), table.Text("release"), table.Num("files"), table.Num("rows"), table.Num("bad"), table.Num("filtered"), table.Num("pool"), table.Num("taken"))
	for _, s := range m.Sources {
		filtered := 0
		for _, n := range s.Filtered {
			filtered += n
		}
		t.Add(s.Name, s.Kind, s.Release, len(s.Files), s.Rows, s.Bad, filtered, s.Pool, s.Kept)
	}
	return t
}

// mixCounts counts every configuration by language and by genre.
func mixCounts(m mix.Manifest) *table.Table {
	cols := []table.Column{table.Text("by"), table.Text("")}
	for _, c := range m.Configurations {
		cols = append(cols, table.Num(c.Name))
	}
	t := table.New("Rows by language and genre", cols...)
	for _, by := range []struct {
		name string
		of   func(mix.Configuration) map[string]int
	}{
		{"language", func(c mix.Configuration) map[string]int { return c.ByLanguage }},
		{"genre", func(c mix.Configuration) map[string]int { return c.ByGenre }},
	} {
		all := map[string]bool{}
		for _, c := range m.Configurations {
			for k := range by.of(c) {
				all[k] = true
			}
		}
		for _, k := range slices.Sorted(maps.Keys(all)) {
			name := k
			if k == "" {
				name = "(none named)"
			}
			row := []any{by.name, name}
			for _, c := range m.Configurations {
				row = append(row, by.of(c)[k])
			}
			t.Add(row...)
		}
	}
	return t
}

func mixLeftOut(m mix.Manifest) *table.Table {
	t := table.New("Left out", table.Text("reason"), table.Num(mix.KindCreative), table.Num(mix.KindGeneral))
	for _, reason := range []string{mix.Bad, mix.Duplicate, mix.NearDuplicate, mix.Contaminated, mix.TooLong} {
		a, b := m.LeftOut.ByReason[mix.KindCreative][reason], m.LeftOut.ByReason[mix.KindGeneral][reason]
		if a+b > 0 {
			t.Add(reason, a, b)
		}
	}
	t.Note = "each is listed in " + mix.LeftOutFile + "; general rows that were not looked at, since there were enough, are not among them"
	return t
}

type mixVerifyCmd struct {
	Dir       string `arg:"" help:"Directory of the mix." type:"existingdir"`
	Tokenizer string `help:"Directory of the model, to count the tokens again too." type:"existingpath" placeholder:"DIR"`
	Plan      string `help:"Also make the mix again from this plan file and compare every byte." type:"existingfile" placeholder:"FILE"`
}

// Run exits with 1 when anything differs from what the manifest says.
func (c mixVerifyCmd) Run(ctx context.Context, con *console) error {
	faults, err := mix.Verify(ctx, c.Dir, c.Tokenizer)
	if err != nil {
		return err
	}
	if c.Plan != "" {
		p, err := mix.ReadPlan(c.Plan)
		if err != nil {
			return err
		}
		more, err := mix.Rebuild(ctx, c.Dir, p, con.mixing())
		if err != nil {
			return err
		}
		faults = append(faults, more...)
	}
	if faults == nil {
		faults = []mix.Fault{}
	}
	doc := map[string]any{"dir": c.Dir, "ok": len(faults) == 0, "made_again": c.Plan != "", "faults": faults}
	err = con.print(doc, func(w io.Writer) error {
		for _, f := range faults {
			fmt.Fprintf(w, "%s: %s\n", f.Where, f.Msg)
		}
		if len(faults) == 0 {
			fmt.Fprintf(w, "%s is as its manifest says\n", c.Dir)
		}
		return nil
	})
	if err == nil && len(faults) > 0 {
		return fmt.Errorf("%s is not as its manifest says: %d faults", c.Dir, len(faults))
	}
	return err
}

type mixDiffCmd struct {
	A    string `arg:"" help:"Directory of a mix." type:"existingdir"`
	B    string `arg:"" help:"Directory of another." type:"existingdir"`
	Rows int    `help:"Name so many rows of each kind of difference; --json names all." default:"10" placeholder:"N"`
}

// Run prints what differs.
func (c mixDiffCmd) Run(ctx context.Context, con *console) error {
	d, err := mix.Diff(ctx, c.A, c.B)
	if err != nil {
		return err
	}
	return con.print(d, func(w io.Writer) error { return printMixDiff(w, d, max(c.Rows, 0)) })
}

func printMixDiff(w io.Writer, d mix.Difference, most int) error {
	if d.Same {
		_, err := fmt.Fprintf(w, "they are the same mix: %s\n", d.A)
		return err
	}
	var tables []*table.Table
	changes := func(title string, list []mix.Change) {
		if len(list) == 0 {
			return
		}
		t := table.New(title, table.Text("what"), table.Text("a"), table.Text("b"))
		for _, x := range list {
			t.Add(x.Key, dash(x.A), dash(x.B))
		}
		tables = append(tables, t)
	}
	changes("Plan", d.Plan)
	if len(d.Sources) > 0 {
		t := table.New("Sources", table.Text("name"), table.Text(""), table.Num("rows a"), table.Num("rows b"), table.Num("taken a"), table.Num("taken b"))
		for _, s := range d.Sources {
			t.Add(s.Name, s.What, s.RowsA, s.RowsB, s.KeptA, s.KeptB)
		}
		tables = append(tables, t)
	}
	t := table.New("Rows", table.Text("configuration"), table.Text(""), table.Num("a"), table.Num("b"), table.Num("same"), table.Num("came"), table.Num("went"), table.Num("altered"))
	for _, c := range d.Configurations {
		t.Add(c.Name, c.What, c.RowsA, c.RowsB, c.Same, len(c.Came), len(c.Went), len(c.Altered))
	}
	if tables = append(tables, t); len(d.Configurations) == 0 {
		t.Note = "every configuration has the same rows"
	}
	for _, c := range d.Configurations {
		changes(c.Name, c.Counts)
		if r := mixRows(c, most); len(r.Rows) > 0 {
			tables = append(tables, r)
		}
	}
	for _, t := range tables {
		if err := t.Terminal(w); err != nil {
			return err
		}
	}
	return nil
}

func dash(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// mixRows names the rows that differ, at most so many of each sort.
func mixRows(c mix.ConfigurationChange, most int) *table.Table {
	t := table.New(c.Name+": rows", table.Text(""), table.Text("source"), table.Text("id"))
	for _, x := range []struct {
		what string
		rows []mix.RowRef
	}{{"came", c.Came}, {"went", c.Went}, {"altered", c.Altered}} {
		for _, r := range x.rows[:min(len(x.rows), most)] {
			t.Add(x.what, r.Source, r.ID)
		}
		if n := len(x.rows) - most; n > 0 && most > 0 {
			t.Add(x.what, fmt.Sprintf("and %d more", n), nil)
		}
	}
	return t
}
