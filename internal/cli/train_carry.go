package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"coigwriter/internal/record"
	"coigwriter/internal/train"
)

type trainExportCmd struct {
	Mix string `arg:"" help:"Name (the newest of that name), ID or hash of the mix that the runs read."`
	Out string `short:"o" help:"File to write; .gz and .zst compress." required:"" type:"path" placeholder:"FILE"`
}

// Run writes a file that appears whole or not at all.
func (c trainExportCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	m, err := train.FindMix(ctx, d, c.Mix)
	if err != nil {
		return err
	}
	x, err := train.Export(ctx, d, m.ID)
	if err != nil {
		return err
	}
	w, err := record.Create(c.Out)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Write(x); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return con.print(map[string]any{"mix": m.Name, "hash": m.Hash, "runs": len(x.Runs), "models": len(x.Models), "file": c.Out}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s, %d runs and %d models in %s; rows and weights stay where they are\n", m.Name, len(x.Runs), len(x.Models), c.Out)
		return err
	})
}

type trainImportCmd struct {
	File string `arg:"" help:"File that train export wrote." type:"existingfile"`
}

// Run takes an experiment of another database in.
func (c trainImportCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	x, err := train.ReadExperiment(c.File, f)
	if err != nil {
		return err
	}
	t, err := train.Import(ctx, d, "system", x)
	if err != nil {
		return err
	}
	return con.print(t, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s: %d new runs, %d brought up to date, %d new models\n", t.Mix.Name, t.New, t.Updated, t.Models)
		return err
	})
}
