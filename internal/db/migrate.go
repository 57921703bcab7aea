package db

import (
	"context"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"coigwriter/internal/errs"
)

// The schema is the newcomer's first page: one folder for both databases, forward only.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema to this binary's version. A database that is newer than the
// binary is refused: an old program must not write into a schema it does not know.
func (d *DB) Migrate(ctx context.Context) error {
	p, err := d.migrations(ctx)
	if err != nil {
		return err
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if have > want {
		return errs.Conflictf("the database has schema %d, this program knows %d: use a newer coigwriter", have, want)
	}
	_, err = p.Up(ctx)
	return err
}

// SchemaVersion returns the version of the schema in the database, and the one this binary brings.
func (d *DB) SchemaVersion(ctx context.Context) (have, want int64, err error) {
	p, err := d.migrations(ctx)
	if err != nil {
		return 0, 0, err
	}
	return p.GetVersions(ctx)
}

func (d *DB) migrations(ctx context.Context) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.pool != nil {
		// One lock a schema: processes that start at once take turns, other schemas need not.
		var id int64
		if err := d.One(ctx, &id, `SELECT hashtextextended('coigwriter ' || current_schema(), 0)`); err != nil {
			return nil, err
		}
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(id), lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(d.d.goose, d.write.DB, files, opts...)
}
