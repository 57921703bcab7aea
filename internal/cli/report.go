package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/dossier"
	"coigwriter/internal/errs"
	"coigwriter/internal/record"
	"coigwriter/internal/report"
)

type reportCmd struct {
	Make   reportMakeCmd   `cmd:"" default:"withargs" help:"Tell the whole story of any records as one HTML file, with tables (CSV, LaTeX) and figures (SVG, PNG) beside it."`
	Verify reportVerifyCmd `cmd:"" help:"Make a report again from its frozen inputs and compare every file."`
}

type reportMakeCmd struct {
	Files       []string  `arg:"" optional:"" help:"Files of votes, rankings, ratings, generations, labels, triplets or queries, mixed as they come (JSON Lines or JSON, .gz, .zst); - reads stdin. A file of outputs whose records name no model is one model's, called as the file. Votes and ratings whose only rater is a judge are a model's."`
	Study       []string  `help:"Without files: studies of the project, by name (default: all that are closed)." placeholder:"NAME"`
	Release     string    `help:"Without files: a release of the project whose triplets are told of too, such as latest." placeholder:"VERSION"`
	Judges      []string  `help:"Files of votes, rankings or ratings that models gave, which are kept apart from people's." type:"existingfile" placeholder:"FILE"`
	Studies     string    `help:"File that says how the studies were planned and what became of them (a list, see docs/ANALYSIS.md)." type:"existingfile" placeholder:"FILE"`
	Out         string    `short:"o" required:"" help:"Directory of the report; one that holds a report is replaced." type:"path"`
	Title       string    `help:"Title of the page." placeholder:"TEXT"`
	Date        string    `help:"Date on the page; today without it." placeholder:"DATE"`
	Lang        string    `help:"Language of the page: ${enum}; both makes two pages." enum:"zh,en,both" default:"en"`
	Models      string    `help:"Models that take part in votes, in the order of the tables, separated by commas; votes about others are left out and counted." placeholder:"A,B,…"`
	Punctuation bool      `help:"Count punctuation as tokens in lexical diversity."`
	Categories  []float64 `help:"Scores that could be given, such as 0,1,2,3; without it those that were." placeholder:"N,…"`
	successFlags
	Taxonomy  string `help:"Own taxonomy file." type:"existingfile" placeholder:"FILE"`
	Bootstrap int    `help:"Resamples of queries, outputs or items; 0 for none." default:"1000"`
	Seed      uint64 `help:"Seed of the resampling." default:"1"`
}

type reportDoc struct {
	Out      string `json:"out"`
	Manifest string `json:"manifest_sha256"`
	report.Summary
	refusals
}

// Run computes on files alone, or without any on what the project knows of its studies.
func (c reportMakeCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	files := len(c.Files)+len(c.Judges) > 0
	if files && (len(c.Study) > 0 || c.Release != "") {
		return usagef("--study and --release are of a project: leave the files out")
	}
	if err := report.Free(c.Out); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.Out), 0o755); err != nil {
		return errs.Unavailablef("output directory: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(c.Out), ".report-*")
	if err != nil {
		return errs.Unavailablef("output directory: %w", err)
	}
	defer os.RemoveAll(temp) // it is in its place by then, or half made
	doc := reportDoc{Out: c.Out}
	m, err := c.freeze(ctx, con, cfg, temp, &doc.refusals)
	if err != nil {
		return err
	}
	if doc.Summary, err = report.Build(ctx, filepath.Join(temp, "inputs"), m, temp); err != nil {
		return err
	}
	if len(doc.Results) == 0 {
		return doc.nothing("votes, rankings, ratings, generations or triplets", slices.Concat(c.Files, c.Judges))
	}
	if err := report.Replace(temp, c.Out); err != nil {
		return err
	}
	doc.Manifest = m.Hash()
	doc.addAll(doc.Summary.Problems, doc.NotCount)
	doc.Summary.Problems = nil // they are among those refused
	err = con.print(doc, func(w io.Writer) error {
		for _, f := range doc.Findings {
			fmt.Fprintln(w, f.In(map[string]string{report.Both: report.English}[c.Lang]+c.Lang))
		}
		for _, page := range doc.Pages {
			fmt.Fprintln(w, filepath.Join(c.Out, page))
		}
		_, err := fmt.Fprintf(w, "%d tables, %d figures; manifest %s\n", doc.Tables, doc.Figures, doc.Manifest)
		return err
	})
	if err != nil {
		return err
	}
	return doc.report(con)
}

// freeze writes what the files hold as the inputs of a report.
func (c reportMakeCmd) freeze(ctx context.Context, con *console, cfg *Config, dir string, bad *refusals) (m report.Manifest, err error) {
	in, err := report.NewInputs(dir)
	if err != nil {
		return m, err
	}
	defer in.Abort() // after Freeze it does nothing
	v := buildVersion()
	m = report.Manifest{
		Title: c.Title, Date: c.Date, Program: report.Program{Version: v.Version, Revision: v.Revision, Platform: v.Platform},
		Options: report.Options{
			Lang: c.Lang, Seed: c.Seed, Bootstrap: c.Bootstrap, Models: voteFlags{Models: c.Models}.models(), Punctuation: c.Punctuation,
			Categories: slices.Sorted(slices.Values(c.Categories)), Success: c.Success, Dimension: c.Dimension,
		},
	}
	if m.Date == "" {
		m.Date = time.Now().UTC().Format(time.DateOnly)
	}
	if c.Taxonomy != "" {
		data, err := os.ReadFile(c.Taxonomy)
		if err == nil {
			err = in.Taxonomy(data)
		}
		if err != nil {
			return m, errs.Invalidf("%s: %w", c.Taxonomy, err)
		}
	}
	if c.Studies != "" {
		data, err := os.ReadFile(c.Studies)
		if err == nil {
			err = in.StudiesJSON(data)
		}
		if err != nil {
			return m, errs.Invalidf("%s: %w", c.Studies, err)
		}
	}
	if len(c.Files)+len(c.Judges) == 0 {
		order, err := c.collect(ctx, cfg, in)
		if err != nil {
			return m, err
		}
		if m.Options.Models == nil {
			m.Options.Models = order
		}
		return in.Freeze(m)
	}
	for _, part := range []struct {
		files  []string
		judged bool
	}{{c.Files, false}, {c.Judges, true}} {
		err := eachRecord(ctx, con, part.files, bad, func(raw record.Raw) error {
			r, ok, err := record.Decode(raw, modelOf(raw.File))
			switch {
			case err != nil:
			case !ok:
				m.Refused.Missing++
			default:
				err = in.Add(r, part.judged)
				if errors.Is(err, errs.Invalid) {
					err = &record.BadRecord{File: raw.File, Line: raw.Line, Msg: err.Error()}
				}
			}
			return err
		})
		if err != nil {
			return m, err
		}
	}
	m.Refused.Count = bad.Refused
	for _, p := range bad.Problems { // a path is of the machine, not of the data
		for _, f := range slices.Concat(c.Files, c.Judges) {
			if strings.HasPrefix(p, f+":") {
				p = filepath.Base(f) + strings.TrimPrefix(p, f)
				break
			}
		}
		m.Refused.Problems = append(m.Refused.Problems, p)
	}
	return in.Freeze(m)
}

// collect writes what the project knows.
func (c reportMakeCmd) collect(ctx context.Context, cfg *Config, in *report.Inputs) ([]string, error) {
	d, err := cfg.open(ctx)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return dossier.Collect(ctx, d, dossier.Scope{Studies: c.Study, Release: c.Release}, in)
}

type reportVerifyCmd struct {
	Dir string `arg:"" help:"Directory of the report." type:"existingdir"`
}

// Run computes on files alone: no database, no configuration.
func (c reportVerifyCmd) Run(ctx context.Context, con *console) error {
	temp, err := os.MkdirTemp("", "report-*")
	if err != nil {
		return errs.Unavailablef("temporary directory: %w", err)
	}
	defer os.RemoveAll(temp)
	m, faults, err := report.Verify(ctx, c.Dir, temp)
	if err != nil {
		return err
	}
	doc := struct {
		Same     bool           `json:"same"`
		Manifest string         `json:"manifest_sha256"`
		Faults   []report.Fault `json:"faults"`
	}{len(faults) == 0, m.Hash(), faults}
	err = con.print(doc, func(w io.Writer) error {
		for _, f := range faults {
			fmt.Fprintf(w, "%s: %s\n", f.File, f.Msg)
		}
		if doc.Same {
			fmt.Fprintf(w, "%d inputs are as they were frozen, and everything made from them again is the same; manifest %s\n", len(m.Inputs), doc.Manifest)
		}
		return nil
	})
	if err != nil || doc.Same {
		return err
	}
	why := ""
	if v := buildVersion(); v.Version != m.Program.Version || v.Revision != m.Program.Revision || v.Platform != m.Program.Platform {
		why = fmt.Sprintf("; it was made by %s %s on %s, this is %s %s on %s, which may be why", m.Program.Version, m.Program.Revision, m.Program.Platform, v.Version, v.Revision, v.Platform)
	}
	return fmt.Errorf("%d files are not as they were made%s", len(faults), why)
}
