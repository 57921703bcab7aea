package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"coigwriter/internal/project"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/table"
)

type importCmd struct {
	Sources     importSourcesCmd     `cmd:"" help:"Import source texts: JSONL, JSON, Markdown, HTML, and folders of them."`
	Queries     importQueriesCmd     `cmd:"" help:"Import queries as a set that models can answer once it is frozen."`
	Generations importGenerationsCmd `cmd:"" help:"Import answers that were made elsewhere to a frozen set."`
	Votes       importVotesCmd       `cmd:"" help:"Import votes, rankings or ratings made elsewhere as a closed study."`
}

type importSourcesCmd struct {
	Paths    []string          `arg:"" help:"Files and folders." type:"path"`
	Map      map[string]string `help:"The file's own name of a field, such as text=正文." placeholder:"FIELD=NAME"`
	Genre    string            `help:"Genre of texts that name none."`
	Platform string            `help:"Platform of texts that name none."`
	Refused  string            `help:"File for records that could not be read (default: refused-<time>.jsonl in the data directory)." placeholder:"FILE"`
	Limit    int               `help:"Stop after so many records."`
}

// Run imports; what was there already is left alone, what cannot be read is written to a file
// that can be mended and imported again.
func (c importSourcesCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return err
	}
	set, err := project.Get(ctx, d)
	if err != nil {
		return err
	}
	opt := source.ImportOptions{
		Paths: c.Paths, By: "system", Mapping: c.Map, Taxonomy: tax, Platform: c.Platform, Refused: c.Refused, Limit: c.Limit,
		Gate:  source.DateGate{Cutoff: set.CutoffTime(), Tolerance: 24 * time.Hour, SingleEvidence: set.SingleEvidence},
		Check: screen.Checker(tax, set.Languages()...),
	}
	if c.Genre != "" {
		g, ok := tax.Find(c.Genre)
		if !ok {
			return usagef("unknown genre %q; near it are %s", c.Genre, strings.Join(tax.Nearest(c.Genre, 3), ", "))
		}
		opt.Genre = g.ID
	}
	if opt.Refused == "" {
		opt.Refused = filepath.Join(cfg.Data, "refused-"+time.Now().Format("20060102-150405")+".jsonl")
	}
	bar := con.progress("import")
	opt.Progress = func(read, total int64) {
		bar.ChangeMax64(max(total, 1))
		_ = bar.Set64(min(read, max(total, 1)))
	}
	rep, err := source.Import(ctx, d, opt)
	_ = bar.Finish()
	if err != nil {
		fmt.Fprintf(con.err, "%d sources were added before that and are kept\n", rep.Added)
		return err
	}
	if err := con.print(rep, func(w io.Writer) error { return printImport(w, rep) }); err != nil {
		return err
	}
	if rep.Refused > 0 {
		return fmt.Errorf("%w: %d of %d records were refused; mend %s and import it", errRefused, rep.Refused, rep.Read, rep.RefusedFile)
	}
	return nil
}

func printImport(w io.Writer, rep source.Report) error {
	t := table.New("", table.Text("import"), table.Num("records"))
	t.Add("read", rep.Read)
	t.Add("added", rep.Added)
	for _, state := range sortedKeys(rep.ByState) {
		t.Add("  "+state, rep.ByState[state])
	}
	t.Add("there already", rep.Same)
	if rep.OtherLicence > 0 {
		t.Add("  under another licence", rep.OtherLicence)
	}
	t.Add("copies of other sources", rep.Duplicate)
	t.Add("could not be read", rep.Refused)
	if err := t.Terminal(w); err != nil {
		return err
	}
	if len(rep.ByReason) > 0 {
		t = table.New("", table.Text("held or refused because"), table.Num("records"), table.Text("which means"))
		for _, reason := range sortedKeys(rep.ByReason) {
			t.Add(reason, rep.ByReason[reason], screen.Why(reason, "en"))
		}
		if err := t.Terminal(w); err != nil {
			return err
		}
	}
	for _, p := range rep.Problems {
		fmt.Fprintln(w, p)
	}
	return nil
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// progress returns a bar on stderr, or one that draws nothing where nobody watches.
func (c *console) progress(what string) *progressbar.ProgressBar {
	if c.quiet || c.json || !isTerminal(c.err) {
		return progressbar.DefaultSilent(1, what)
	}
	return progressbar.NewOptions64(1, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(c.err),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionClearOnFinish())
}
