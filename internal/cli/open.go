package cli

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/job"
)

// open connects to the project's database and brings its schema up to date.
func (c *Config) open(ctx context.Context) (*db.DB, error) {
	d, err := db.Open(ctx, c.database())
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx); err != nil {
		d.Close()
		return nil, err
	}
	if err := job.Migrate(ctx, d); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// openExisting is open for commands that only make sense on a project that is there.
func (c *Config) openExisting(ctx context.Context) (*db.DB, error) {
	path := c.database()
	if !strings.HasPrefix(path, "postgres") {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return nil, errs.NotFoundf("there is no project at %s: start one with \"coigwriter init\" and \"coigwriter serve\", or name its directory with --data", path)
		}
	}
	return c.open(ctx)
}

// logger writes to w at the configured level and form.
func (c *Config) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo // unreachable: kong checks the enum
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
