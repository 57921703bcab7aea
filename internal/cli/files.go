package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/plot"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

// refusals are the records that a computing command could not count; they are part of its document.
type refusals struct {
	Refused  int      `json:"refused"`
	Problems []string `json:"problems,omitempty"`
}

func (r *refusals) add(why string) {
	r.Refused++
	if len(r.Problems) < 20 {
		r.Problems = append(r.Problems, why)
	}
}

// addAll notes n records, of which the first are named.
func (r *refusals) addAll(named []string, n int) {
	for _, why := range named {
		r.add(why)
	}
	r.Refused += n - len(named)
}

// nothing is the error of a command that was left without records.
func (r *refusals) nothing(what string, files []string) error {
	err := errs.Invalidf("there are no %s in %s", what, strings.Join(files, ", "))
	if len(r.Problems) > 0 {
		err = errs.Invalidf("there are no %s in %s; %d records were refused, the first because %s", what, strings.Join(files, ", "), r.Refused, r.Problems[0])
	}
	return err
}

// eachRecord calls f with every record of the files; - is stdin. A record that cannot be read, or that
// f refuses with a *record.BadRecord, is noted and the rest goes on.
func eachRecord(ctx context.Context, con *console, files []string, bad *refusals, f func(record.Raw) error) error {
	bar := con.progress("reading")
	defer func() { _ = bar.Finish() }()
	total := int64(0)
	for _, name := range files {
		if st, err := os.Stat(name); err == nil {
			total += st.Size()
		}
	}
	bar.ChangeMax64(max(total, 1))
	for _, name := range files {
		if err := recordsOf(ctx, con, name, bar, bad, f); err != nil {
			return err
		}
	}
	return nil
}

func recordsOf(ctx context.Context, con *console, name string, bar io.Writer, bad *refusals, f func(record.Raw) error) error {
	in := con.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return errs.Invalidf("%w", err)
		}
		defer file.Close()
		in = io.TeeReader(file, bar) // the bar counts bytes
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
		if err == nil {
			err = f(raw)
		}
		var refused *record.BadRecord
		switch {
		case errors.As(err, &refused):
			bad.add(refused.Error())
		case err != nil:
			return err
		}
	}
	return ctx.Err()
}

// writeTables writes tables as CSV files into a directory; "" writes none.
func writeTables(dir string, tables []*table.Table) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errs.Unavailablef("output directory: %w", err)
	}
	taken := map[string]int{}
	for _, t := range tables {
		f, err := os.Create(filepath.Join(dir, table.FileName(t.Name, taken)+".csv"))
		if err != nil {
			return errs.Unavailablef("output: %w", err)
		}
		if err := errors.Join(t.CSV(f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// outputOptions are where and how results are written.
type outputOptions struct {
	Lang  string `help:"Language of tables and figures: ${enum}." enum:"zh,en" default:"en"`
	Theme string `help:"Look of the figures: ${enum}." enum:"light,dark" default:"light"`
	Out   string `short:"o" help:"Directory for tables (CSV) and figures (SVG, PNG)." type:"path"`
}

func (o outputOptions) theme() plot.Theme {
	if o.Theme == "dark" {
		return plot.Dark
	}
	return plot.Light
}

// write writes tables and figures; without a directory it writes none.
func (o outputOptions) write(tables []*table.Table, figures []analysis.Named) error {
	if err := writeTables(o.Out, tables); err != nil || o.Out == "" {
		return err
	}
	taken := map[string]int{}
	for _, f := range figures {
		name := table.FileName(f.Name, taken)
		for ext, draw := range map[string]func(io.Writer) error{".svg": f.SVG, ".png": f.PNG} {
			file, err := os.Create(filepath.Join(o.Out, name+ext))
			if err != nil {
				return errs.Unavailablef("output: %w", err)
			}
			if err := errors.Join(draw(file), file.Close()); err != nil {
				return fmt.Errorf("%s%s: %w", name, ext, err)
			}
		}
	}
	return nil
}

// finish prints the document or its tables, names what was refused, and ends with the exit code for that.
func finish(con *console, doc any, tables []*table.Table, bad refusals) error {
	err := con.print(doc, func(w io.Writer) error {
		for _, t := range tables {
			if err := t.Terminal(w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return bad.report(con)
}

// report names what was refused; the error it returns has the exit code for that.
func (r *refusals) report(con *console) error {
	if r.Refused == 0 {
		return nil
	}
	for _, p := range r.Problems {
		fmt.Fprintln(con.err, p)
	}
	return fmt.Errorf("%w: %d records were not counted; they are named above", errRefused, r.Refused)
}
