package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
)

type setting struct {
	bun.BaseModel `bun:"table:setting"`

	Key       string
	Value     db.JSON[map[string]int]
	UpdatedAt time.Time
	UpdatedBy string
}

func TestRoundTrip(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	at := d.Now()
	in := setting{Key: "a", Value: db.AsJSON(map[string]int{"雨": 1}), UpdatedAt: at, UpdatedBy: "x"}
	if err := d.Insert(ctx, &in); err != nil {
		t.Fatal(err)
	}
	var got setting
	if err := d.One(ctx, &got, `SELECT * FROM setting WHERE key = ?`, "a"); err != nil {
		t.Fatal(err)
	}
	if got.Value.V["雨"] != 1 || !got.UpdatedAt.Equal(at) {
		t.Errorf("got %+v, want time %v", got, at)
	}
	var n int
	if err := d.One(ctx, &n, `SELECT COUNT(*) FROM setting WHERE key IN (?)`, bun.List([]string{"a", "b"})); err != nil || n != 1 {
		t.Errorf("count %d, %v", n, err)
	}
	if err := d.One(ctx, &got, `SELECT * FROM setting WHERE key = ?`, "none"); !errors.Is(err, errs.NotFound) {
		t.Errorf("absence gave %v, want NotFound", err)
	}
	if err := d.Insert(ctx, &in); !d.IsUnique(err) {
		t.Errorf("second insert gave %v, want a unique violation", err)
	}
	seen := 0
	err := db.Each(ctx, d, func(s *setting) error { seen++; return nil }, `SELECT * FROM setting`)
	if err != nil || seen != 1 {
		t.Errorf("Each saw %d, %v", seen, err)
	}
}

// A row that is answered as JSON holds the value, not the column around it.
func TestJSONOutside(t *testing.T) {
	row := struct {
		Content db.JSON[map[string]int] `json:"content"`
	}{db.AsJSON(map[string]int{"a": 1})}
	b, err := json.Marshal(row)
	if err != nil || string(b) != `{"content":{"a":1}}` {
		t.Fatalf("%s, %v", b, err)
	}
	row.Content.V = nil
	if err := json.Unmarshal(b, &row); err != nil || row.Content.V["a"] != 1 {
		t.Errorf("%+v, %v", row, err)
	}
}

func TestTransactRollsBack(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	boom := errors.New("boom")
	err := d.Transact(ctx, func(tx *db.DB) error {
		if _, err := tx.Exec(ctx, `INSERT INTO setting VALUES ('k', '1', ?, 'x')`, tx.Now()); err != nil {
			return err
		}
		if err := tx.Transact(ctx, func(*db.DB) error { return nil }); err == nil {
			t.Error("a nested transaction must be refused")
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	var n int
	if err := d.One(ctx, &n, `SELECT COUNT(*) FROM setting`); err != nil || n != 0 {
		t.Errorf("rows after rollback: %d, %v", n, err)
	}
}

// Hostile text goes through the formatter that writes parameters into SQL.
func TestHostileText(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	for _, s := range []string{`'; DROP TABLE setting; --`, `\'`, `\`, `?`, "a?b '?' ?0", "\u2028'", strings.Repeat("'", 99), "雨\U0001F327", `$1 $$ E'\x'`} {
		if _, err := d.Exec(ctx, `INSERT INTO setting VALUES (?, ?, ?, 'x')`, s, s, d.Now()); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		var got string
		if err := d.One(ctx, &got, `SELECT value FROM setting WHERE key = ?`, s); err != nil || got != s {
			t.Errorf("%q came back as %q, %v", s, got, err)
		}
	}
	// A NUL byte is refused as bad input, not cut short and not blamed on the program.
	var n int
	if _, err := d.Exec(ctx, `INSERT INTO setting VALUES (?, '1', ?, 'x')`, "a\x00b", d.Now()); !errors.Is(err, errs.Invalid) {
		t.Errorf("writing a NUL: %v", err)
	}
	if err := d.One(ctx, &n, `SELECT COUNT(*) FROM setting WHERE key LIKE ? ESCAPE '!'`, "%\x00%"); !errors.Is(err, errs.Invalid) {
		t.Errorf("asking for a NUL: %v", err)
	}
}

func TestWritersQueueInsteadOfFailing(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	if _, err := d.Exec(ctx, `INSERT INTO setting VALUES ('n', '0', ?, 'x')`, d.Now()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				err := d.Transact(ctx, func(tx *db.DB) error {
					_, err := tx.Exec(ctx, `UPDATE setting SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'n'`)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var got string
	if err := d.One(ctx, &got, `SELECT value FROM setting WHERE key = 'n'`); err != nil || got != "80" {
		t.Errorf("got %s, %v", got, err)
	}
}

// A context that ends while a transaction runs is why the transaction failed, at whichever statement.
func TestTransactSaysThatItWasCancelled(t *testing.T) {
	d := dbtest.Open(t)
	ctx, cancel := context.WithCancel(context.Background())
	err := d.Transact(ctx, func(tx *db.DB) error {
		cancel()
		time.Sleep(20 * time.Millisecond) // database/sql rolls back meanwhile
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancelled context", err)
	}
}

// InsertNew adds what is new and goes on in the same transaction.
func TestInsertNew(t *testing.T) {
	d := dbtest.Open(t)
	err := d.Transact(t.Context(), func(tx *db.DB) error {
		for i, want := range []int64{1, 0} {
			if n, err := tx.InsertNew(t.Context(), &setting{Key: "k", Value: db.AsJSON(map[string]int{"n": i}), UpdatedAt: tx.Now()}); n != want || err != nil {
				t.Errorf("added %d, %v", n, err)
			}
		}
		n, err := tx.InsertNew(t.Context(), &[]setting{{Key: "k", UpdatedAt: tx.Now()}, {Key: "l", UpdatedAt: tx.Now()}})
		if n != 1 {
			t.Errorf("added %d of two", n)
		}
		return err
	})
	var v string
	if err := errors.Join(err, d.One(t.Context(), &v, `SELECT value FROM setting WHERE key = 'k'`)); err != nil || v != `{"n":0}` {
		t.Errorf("%q, %v", v, err)
	}
}
