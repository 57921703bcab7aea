package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"coigwriter/internal/release"
	"coigwriter/internal/table"
)

type releaseCmd struct {
	Cut    releaseCutCmd    `cmd:"" help:"Freeze the accepted triplets as a new version."`
	List   releaseListCmd   `cmd:"" help:"List the versions."`
	Show   releaseShowCmd   `cmd:"" help:"Show a version's manifest."`
	Diff   releaseDiffCmd   `cmd:"" help:"What changed between two versions."`
	Verify releaseVerifyCmd `cmd:"" help:"Recompute every hash of a version, or of an exported directory."`
}

type releaseCutCmd struct {
	Version string `arg:"" help:"Semantic version, such as 1.0.0."`
	Notes   string `help:"What is new."`
}

// Run cuts a release.
func (c releaseCutCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	r, err := release.Cut(ctx, d, release.Options{Version: c.Version, Notes: c.Notes})
	if err != nil {
		return err
	}
	return con.print(r.Manifest.V, func(w io.Writer) error {
		for _, warn := range r.Manifest.V.Warnings {
			fmt.Fprintln(con.err, "note:", warn.Text)
		}
		_, err := fmt.Fprintf(w, "%s  %d triplets  %s\n", r.Version, r.Items, r.ContentHash)
		return err
	})
}

type releaseListCmd struct{}

// Run lists the releases, newest first.
func (releaseListCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	rs, err := release.List(ctx, d)
	if err != nil {
		return err
	}
	return con.print(rs, func(w io.Writer) error {
		t := table.New("", table.Text("version"), table.Num("triplets"), table.Text("cut"), table.Text("content hash"))
		for _, r := range rs {
			t.Add(r.Version, r.Items, r.CutAt.Local().Format("2006-01-02 15:04"), r.ContentHash)
		}
		if len(rs) == 0 {
			t.Note = "nothing was released yet: coigwriter release cut 0.1.0"
		}
		return t.Terminal(w)
	})
}

type releaseShowCmd struct {
	Version string `arg:"" help:"Version, or latest."`
}

// Run prints a manifest.
func (c releaseShowCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	r, err := release.Get(ctx, d, c.Version)
	if err != nil {
		return err
	}
	forAll := *con
	forAll.json = true // a manifest is a document, for people too
	return forAll.print(r.Manifest.V, nil)
}

type releaseDiffCmd struct {
	From string `arg:"" help:"Older version."`
	To   string `arg:"" help:"Newer version, or latest."`
}

// Run prints what changed.
func (c releaseDiffCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	cs, err := release.Diff(ctx, d, c.From, c.To)
	if err != nil {
		return err
	}
	return con.print(cs, func(w io.Writer) error {
		t := table.New("", table.Text("change"), table.Text("triplet"))
		for _, ch := range cs {
			t.Add(ch.What, ch.TripletID)
		}
		return t.Terminal(w)
	})
}

type releaseVerifyCmd struct {
	What string `arg:"" help:"Version, latest, or an exported directory."`
}

// Run exits with 1 when anything differs from what was frozen.
func (c releaseVerifyCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	var faults []release.Fault
	if _, err := os.Stat(filepath.Join(c.What, "SHA256SUMS")); err == nil {
		if faults, err = release.VerifyDir(c.What); err != nil {
			return err
		}
	} else {
		d, err := cfg.openExisting(ctx)
		if err != nil {
			return err
		}
		defer d.Close()
		if faults, err = release.Verify(ctx, d, c.What); err != nil {
			return err
		}
	}
	doc := map[string]any{"what": c.What, "ok": len(faults) == 0, "faults": faults}
	err := con.print(doc, func(w io.Writer) error {
		for _, f := range faults {
			fmt.Fprintf(w, "%s: %s\n", f.Where, f.Msg)
		}
		if len(faults) == 0 {
			fmt.Fprintf(w, "%s is as it was frozen\n", c.What)
		}
		return nil
	})
	if err == nil && len(faults) > 0 {
		return fmt.Errorf("%s is not as it was frozen: %d faults", c.What, len(faults))
	}
	return err
}

type exportCmd struct {
	Version   string `arg:"" help:"Version, or latest."`
	Format    string `short:"f" help:"jsonl, parquet, coig, alpaca, sharegpt, messages or prompt-completion." default:"jsonl"`
	Reasoning string `help:"Where the reasoning goes in training formats: ${enum}." enum:"think,field,none" default:"think"`
	Out       string `short:"o" help:"Directory to write." required:"" type:"path"`
}

// Run writes an export with its manifest, card and check sums.
func (c exportCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	files, err := release.Export(ctx, d, c.Version, release.ExportOptions{Format: c.Format, Reasoning: c.Reasoning, Dir: c.Out})
	if err != nil {
		return err
	}
	return con.print(map[string]any{"dir": c.Out, "files": files}, func(w io.Writer) error {
		for _, f := range files {
			fmt.Fprintln(w, filepath.Join(c.Out, f))
		}
		return nil
	})
}
