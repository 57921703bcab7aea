package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"coigwriter/internal/errs"
)

// A dialect is all that differs between the databases we support.
type dialect struct {
	name     string
	goose    goose.Dialect
	isUnique func(error) bool
	retry    func(error) bool // the transaction lost against another and may be tried again
	lock     string           // statement that waits for a named lock until the transaction ends, or ""
}

var sqliteDialect = &dialect{
	name:  "sqlite",
	goose: goose.DialectSQLite3,
	isUnique: func(err error) bool {
		var e *sqlite.Error
		return errors.As(err, &e) &&
			(e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
	},
	retry: func(error) bool { return false }, // one writer at a time: nothing to lose against
}

var postgresDialect = &dialect{
	name:  "postgres",
	goose: goose.DialectPostgres,
	isUnique: func(err error) bool {
		var e *pgconn.PgError
		return errors.As(err, &e) && e.Code == "23505"
	},
	retry: func(err error) bool {
		var e *pgconn.PgError
		return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01") // serialization failure, deadlock
	},
	lock: `SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`,
}

// Open connects to a database: a file path for SQLite (made when it does not exist), or a
// postgres:// URL. It does not migrate; see [DB.Migrate].
func Open(ctx context.Context, dsn string) (*DB, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return openPostgres(ctx, dsn)
	}
	if dsn == "" {
		return nil, errs.Invalidf("no database given: name a file, or a postgres:// URL")
	}
	return openSQLite(ctx, dsn)
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, errs.Unavailablef("database directory: %w", err)
	}
	// Immediate transactions avoid the upgrade from read to write, which fails with
	// SQLITE_BUSY whatever the timeout. NORMAL would lose the last commits on power loss;
	// what was acknowledged must be durable, so FULL.
	dsn := func(extra ...string) string {
		pragmas := append([]string{
			"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-16000)",
		}, extra...)
		v := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode()
	}
	open := func(dsn string, conns int) (*bun.DB, error) {
		pool, err := sql.Open("sqlite", dsn)
		if err != nil {
			return nil, err
		}
		pool.SetMaxOpenConns(conns)
		pool.SetMaxIdleConns(conns)
		if err := pool.PingContext(ctx); err != nil {
			pool.Close()
			return nil, errs.Unavailablef("open database %s: %w", path, err)
		}
		return bun.NewDB(pool, sqlitedialect.New()), nil
	}
	write, err := open(dsn(), 1)
	if err != nil {
		return nil, err
	}
	read, err := open(dsn("query_only(1)"), max(4, runtime.NumCPU()))
	if err != nil {
		write.Close()
		return nil, err
	}
	return &DB{d: sqliteDialect, write: write, read: read}, nil
}

func openPostgres(ctx context.Context, dsn string) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errs.Invalidf("database URL: %w", redact(err, dsn))
	}
	cfg.MaxConnIdleTime = 5 * time.Minute
	// bun sends finished SQL texts, so statement caching would only fill memory.
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, errs.Unavailablef("connect to PostgreSQL: %w", redact(err, dsn))
	}
	b := bun.NewDB(stdlib.OpenDBFromPool(pool), pgdialect.New())
	return &DB{d: postgresDialect, write: b, read: b, pool: pool}, nil
}

// redact keeps the password of a database URL out of an error message.
func redact(err error, dsn string) error {
	u, perr := url.Parse(dsn)
	if perr != nil || u.User == nil {
		return err
	}
	if pw, ok := u.User.Password(); ok && pw != "" {
		return fmt.Errorf("%s", strings.ReplaceAll(err.Error(), pw, "***"))
	}
	return err
}

// SQL returns the database/sql pool that writes, for libraries that need one (the job queue).
func (d *DB) SQL() *sql.DB { return d.write.DB }

// Pool returns PostgreSQL's native pool, or nil on SQLite.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Tx returns the transaction's database/sql handle and the connection it runs on; both nil
// outside a transaction. Only the job queue needs it, to enqueue in the caller's transaction.
func (d *DB) Tx() (*sql.Tx, *sql.Conn) {
	if d.tx == nil {
		return nil, nil
	}
	return d.tx.Tx, d.conn.Conn
}
