package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

type restoreCmd struct {
	File    string `arg:"" help:"File that coigwriter backup wrote." type:"existingfile"`
	Replace bool   `help:"Put it in the place of the database that is there, which is kept beside it under another name."`
}

// Run puts a backup in the place of the project's database once it has proved to be whole. Nothing is
// overwritten: what was there before stays beside it.
func (c restoreCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	path := cfg.database()
	if strings.HasPrefix(path, "postgres") {
		return errs.Invalidf("restore is for SQLite; use pg_restore or psql for PostgreSQL")
	}
	_, err := os.Stat(path)
	there := err == nil
	switch {
	case there && !c.Replace:
		return errs.Conflictf("there is a project at %s: --replace puts the backup in its place and keeps it beside it", path)
	case there:
		if err := db.Alone(ctx, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return errs.Unavailablef("%w", err)
	}
	fresh := path + ".restoring"
	defer os.Remove(fresh)
	if err := copyWhole(c.File, fresh); err != nil {
		return errs.Unavailablef("copy %s: %w", c.File, err)
	}
	proved, err := prove(ctx, c.File, fresh)
	if err != nil {
		return err
	}
	if err := db.Alone(ctx, fresh); err != nil { // all of it is in the file that moves
		return fmt.Errorf("%s: %w", fresh, err)
	}
	kept := ""
	if there {
		kept = path + ".before-" + time.Now().UTC().Format("20060102T150405")
		if err := os.Rename(path, kept); err != nil {
			return errs.Unavailablef("%w", err)
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return errs.Unavailablef("%w (what was there before is %s)", err, kept)
	}
	return con.print(map[string]any{"database": path, "kept": kept, "history": proved}, func(w io.Writer) error {
		if kept != "" {
			fmt.Fprintf(w, "before    %s\n", kept)
		}
		_, err := fmt.Fprintf(w, "database  %s\nhistory   %d entries, whole\n", path, proved.Entries)
		return err
	})
}

// prove holds a copy of a backup to what this program can go on with: whole pages, a schema that it
// knows, a history without a fault.
func prove(ctx context.Context, name, path string) (res audit.Result, err error) {
	defer errs.Wrap(&err, "%s", name)
	if err := db.Alone(ctx, path); err != nil {
		return res, err
	}
	d, err := db.Open(ctx, path)
	if err != nil {
		return res, err
	}
	defer d.Close()
	have, want, err := d.SchemaVersion(ctx)
	switch {
	case err != nil:
		return res, err
	case have == 0:
		return res, errs.Invalidf("is a database, but not coigwriter's")
	case have > want:
		return res, errs.Conflictf("has schema %d, this program knows %d: use a newer coigwriter", have, want)
	}
	if err := d.Migrate(ctx); err != nil {
		return res, err
	}
	if res, err = audit.Verify(ctx, d); err == nil && len(res.Faults) > 0 {
		err = errs.Conflictf("its history has %d faults; coigwriter audit verify names them", len(res.Faults))
	}
	return res, err
}

// copyWhole copies a file and returns once the copy is durable.
func copyWhole(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
