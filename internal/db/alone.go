package db

import (
	"context"
	"database/sql"
	"net/url"

	"coigwriter/internal/errs"
)

// Alone brings all of a SQLite database into its one file, so that the file may be moved, and holds it
// against itself. It is a Conflict where another program has it open, and Invalid where it is no database
// or a damaged one. The caller names it.
func Alone(ctx context.Context, path string) error {
	v := url.Values{"_pragma": {"busy_timeout(500)"}}
	d, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+v.Encode())
	if err != nil {
		return err
	}
	defer d.Close()
	d.SetMaxOpenConns(1)
	var found string
	if err := d.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&found); err != nil {
		return errs.Invalidf("it cannot be read as a database: %w", err)
	}
	if found != "ok" {
		return errs.Invalidf("it is damaged: %s", found)
	}
	if err := d.QueryRowContext(ctx, `PRAGMA journal_mode = DELETE`).Scan(&found); err != nil || found != "delete" {
		return errs.Conflictf("it is open in another program: stop that first")
	}
	return nil
}
