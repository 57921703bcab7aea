// Package db is the one SQL handle of the program: SQLite or PostgreSQL, pool or transaction.
//
// Queries are plain SQL that both databases understand, with ? for parameters; bun formats
// them and scans rows into structs. Nothing here knows what the tables mean. Times, IDs and
// defaults come from Go, JSON is TEXT (see [JSON]), and the few real differences between the
// databases stand in dialect.go.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/uptrace/bun"

	"coigwriter/internal/errs"
)

// A DB runs queries on a pool or, inside [DB.Transact], on one transaction.
// The zero value is not usable; get one from [Open].
type DB struct {
	// Clock tells the time; tests and replays set it. Nil means the wall clock.
	Clock func() time.Time

	d     *dialect
	write *bun.DB   // SQLite: one connection, since it has one writer
	read  *bun.DB   // SQLite: several read-only connections; PostgreSQL: the same as write
	tx    *bun.Tx   // nil outside a transaction
	conn  *bun.Conn // the connection tx runs on
	pool  *pgxpool.Pool
}

// Now returns the time in UTC with the microseconds both databases keep.
func (d *DB) Now() time.Time {
	if d.Clock != nil {
		return d.Clock().UTC().Truncate(time.Microsecond)
	}
	return time.Now().UTC().Truncate(time.Microsecond)
}

// NewID returns a fresh UUIDv7 as text: unique, and sorted by the time it was made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// InTx reports whether d is a transaction.
func (d *DB) InTx() bool { return d.tx != nil }

// Transact runs f in one transaction and commits when f returns nil. f must use only the DB
// it is given, and must not call models, files or the network: on SQLite it holds the only
// writer. PostgreSQL may ask to try again (deadlock, serialization): then f runs anew, at most
// three times in all. Nesting is an error.
func (d *DB) Transact(ctx context.Context, f func(tx *DB) error) error {
	if d.tx != nil {
		return errors.New("db: nested transaction")
	}
	var err error
	for range 3 {
		if err = d.transact(ctx, f); err == nil || !d.d.retry(err) {
			return err
		}
	}
	return err
}

func (d *DB) transact(ctx context.Context, f func(tx *DB) error) error {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer conn.Close()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // does nothing after Commit
	inner := *d
	inner.tx, inner.conn = &tx, &conn
	if err := f(&inner); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		if ended := ctx.Err(); ended != nil && errors.Is(err, sql.ErrTxDone) {
			err = ended // the context ended before the commit: database/sql has rolled back
		}
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Lock waits until no other transaction holds the lock of that name, and holds it until this
// one ends. On SQLite, where a transaction is the only writer anyway, it does nothing.
func (d *DB) Lock(ctx context.Context, name string) error {
	if d.tx == nil {
		return errors.New("db: Lock outside a transaction")
	}
	if d.d.lock == "" {
		return nil
	}
	_, err := d.Exec(ctx, d.d.lock, name)
	return err
}

func (d *DB) reader() bun.IDB {
	if d.tx != nil {
		return d.tx
	}
	return d.read
}

func (d *DB) writer() bun.IDB {
	if d.tx != nil {
		return d.tx
	}
	return d.write
}

// Exec runs a statement and returns the number of rows it touched.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	q := d.writer().NewRaw(query, args...)
	res, err := q.Exec(ctx)
	if err != nil {
		return 0, unfit(err, q)
	}
	return res.RowsAffected()
}

// One scans one row into dst, a pointer to a struct or to a scalar. No row is [errs.NotFound].
func (d *DB) One(ctx context.Context, dst any, query string, args ...any) error {
	q := d.reader().NewRaw(query, args...)
	return unfit(notFound(q.Scan(ctx, dst)), q)
}

// Returning is One for a statement that writes and returns a row (INSERT or UPDATE ... RETURNING).
func (d *DB) Returning(ctx context.Context, dst any, query string, args ...any) error {
	q := d.writer().NewRaw(query, args...)
	return unfit(notFound(q.Scan(ctx, dst)), q)
}

// All scans every row into dst, a pointer to a slice of structs or scalars. No row is no error.
func (d *DB) All(ctx context.Context, dst any, query string, args ...any) error {
	q := d.reader().NewRaw(query, args...)
	return unfit(q.Scan(ctx, dst), q)
}

// Each calls f with every row in turn, so that memory does not grow with the result.
// The row is only valid during the call.
func Each[T any](ctx context.Context, d *DB, f func(*T) error, query string, args ...any) error {
	rows, err := d.reader().QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var row T
		if err := d.read.ScanRow(ctx, rows, &row); err != nil {
			return err
		}
		if err := f(&row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Insert adds one bun model (a pointer to a struct) or several (a pointer to a slice).
func (d *DB) Insert(ctx context.Context, model any) error {
	q := d.writer().NewInsert().Model(model)
	_, err := q.Exec(ctx)
	return unfit(err, q)
}

// InsertNew is Insert that leaves out the rows whose unique values are there already, and returns how
// many it added. Where another transaction is about to add the same it waits for it, and no error ends
// the transaction, as a unique violation does on PostgreSQL.
func (d *DB) InsertNew(ctx context.Context, model any) (int64, error) {
	q := d.writer().NewInsert().Model(model).On("CONFLICT DO NOTHING")
	res, err := q.Exec(ctx)
	if err != nil {
		return 0, unfit(err, q)
	}
	return res.RowsAffected()
}

// unfit says of a statement that failed whether one of its texts was to blame: no database keeps
// a NUL, and PostgreSQL no invalid UTF-8.
func unfit(err error, q fmt.Stringer) error {
	if err == nil || errors.Is(err, errs.NotFound) {
		return err
	}
	switch sql := q.String(); {
	case strings.Contains(sql, "\x00") || strings.Contains(sql, "?!(bun: string contains a NUL"): // as bun writes it
		return errs.Invalidf("a text holds a NUL character, which cannot be stored; remove it: %w", err)
	case !utf8.ValidString(sql):
		return errs.Invalidf("a text is not valid UTF-8 and cannot be stored: %w", err)
	}
	return err
}

// IsUnique reports whether err says that a unique constraint was violated.
func (d *DB) IsUnique(err error) bool { return err != nil && d.d.isUnique(err) }

// Name returns "sqlite" or "postgres".
func (d *DB) Name() string { return d.d.name }

// Close ends every connection.
func (d *DB) Close() error {
	if d.tx != nil {
		return errors.New("db: Close inside a transaction")
	}
	err := d.write.Close()
	if d.read != d.write {
		err = errors.Join(d.read.Close(), err)
	}
	if d.pool != nil {
		d.pool.Close()
	}
	return err
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return errs.NotFound
	}
	return err
}
