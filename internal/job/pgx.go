package job

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// onPgx gives f the native connection under a database/sql transaction, dressed as a pgx.Tx:
// River's PostgreSQL driver speaks pgx only, the rest of the program database/sql.
func onPgx(conn *sql.Conn, f func(pgx.Tx) error) error {
	return conn.Raw(func(driverConn any) error {
		c, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("job: unexpected driver connection %T", driverConn)
		}
		return f(outerTx{c.Conn()})
	})
}

// An outerTx is a pgx.Tx whose commit and rollback belong to somebody else.
type outerTx struct{ c *pgx.Conn }

func (t outerTx) Commit(context.Context) error   { return nil }
func (t outerTx) Rollback(context.Context) error { return nil }

func (t outerTx) Begin(ctx context.Context) (pgx.Tx, error) {
	_, err := t.c.Exec(ctx, "SAVEPOINT jobs")
	return savepoint{t}, err
}

func (t outerTx) CopyFrom(ctx context.Context, n pgx.Identifier, cols []string, s pgx.CopyFromSource) (int64, error) {
	return t.c.CopyFrom(ctx, n, cols, s)
}

func (t outerTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.c.SendBatch(ctx, b)
}

func (t outerTx) LargeObjects() pgx.LargeObjects {
	panic("job: large objects are not used") // unreachable: River has none
}

func (t outerTx) Prepare(ctx context.Context, n, q string) (*pgconn.StatementDescription, error) {
	return t.c.Prepare(ctx, n, q)
}

func (t outerTx) Exec(ctx context.Context, q string, a ...any) (pgconn.CommandTag, error) {
	return t.c.Exec(ctx, q, a...)
}

func (t outerTx) Query(ctx context.Context, q string, a ...any) (pgx.Rows, error) {
	return t.c.Query(ctx, q, a...)
}

func (t outerTx) QueryRow(ctx context.Context, q string, a ...any) pgx.Row {
	return t.c.QueryRow(ctx, q, a...)
}
func (t outerTx) Conn() *pgx.Conn { return t.c }

type savepoint struct{ outerTx }

func (s savepoint) Commit(ctx context.Context) error {
	_, err := s.c.Exec(ctx, "RELEASE SAVEPOINT jobs")
	return err
}

func (s savepoint) Rollback(ctx context.Context) error {
	_, err := s.c.Exec(ctx, "ROLLBACK TO SAVEPOINT jobs")
	return err
}
