package cli

import (
	"context"
	"fmt"
	"os"

	"coigwriter/internal/errs"
)

type backupCmd struct {
	File string `arg:"" help:"File to write; it must not exist." type:"path"`
}

// Run copies the SQLite database in one consistent state while others go on writing.
func (c backupCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	if _, err := os.Stat(c.File); err == nil {
		return errs.Conflictf("%s is there already: name a new file", c.File)
	}
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if d.Name() != "sqlite" {
		return errs.Invalidf("backup is for SQLite; use pg_dump for PostgreSQL")
	}
	if _, err := d.Exec(ctx, `VACUUM INTO ?`, c.File); err != nil {
		return errs.Unavailablef("backup to %s: %w", c.File, err)
	}
	fmt.Fprintln(con.err, "to restore it: coigwriter restore FILE --data DIR")
	fmt.Fprintln(con.out, c.File)
	return nil
}
