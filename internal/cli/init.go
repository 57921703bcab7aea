package cli

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"coigwriter/internal/errs"
)

//go:embed coigwriter.toml
var configTemplate []byte

type initCmd struct {
	Dir string `arg:"" optional:"" help:"Directory to make (default: the data directory)." type:"path"`
}

// Run makes the data directory with a commented config file, and an empty project in it.
func (c initCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	dir := c.Dir
	if dir == "" {
		dir = cfg.Data
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return errs.Unavailablef("data directory: %w", err)
	}
	path := filepath.Join(dir, "coigwriter.toml")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return errs.Conflictf("%s is there already; nothing was changed", path)
	}
	if err != nil {
		return errs.Unavailablef("config file: %w", err)
	}
	if _, err := f.Write(configTemplate); err != nil {
		f.Close()
		return errs.Unavailablef("config file: %w", err)
	}
	if err := f.Close(); err != nil {
		return errs.Unavailablef("config file: %w", err)
	}
	own := *cfg
	own.Data = dir
	d, err := own.open(ctx)
	if err != nil {
		return err
	}
	if err := d.Close(); err != nil {
		return err
	}
	doc := map[string]string{"data": dir, "config": path, "database": own.database()}
	return con.print(doc, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "made %s\n  config    %s\n  database  %s\nnext: coigwriter serve --data %s\n", dir, path, own.database(), dir)
		return err
	})
}
