package audit_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
)

func record(t *testing.T, d *db.DB, id, action string) {
	t.Helper()
	err := d.Transact(t.Context(), func(tx *db.DB) error {
		return audit.Record(t.Context(), tx, audit.Entry{
			Kind: "source", ID: id, Actor: "system", Action: action, From: "a", To: "b", Reason: "因为", Data: map[string]int{"n": 1},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerifyFindsEveryTampering(t *testing.T) {
	tamper := map[string]struct{ sql, want string }{
		"nothing":            {`SELECT 1`, ""},
		"changed reason":     {`UPDATE history SET reason = 'x' WHERE item_id = 's1' AND seq = 2`, "changed after"},
		"changed hash":       {`UPDATE history SET hash = 'x' WHERE item_id = 's1' AND seq = 2`, "changed"},
		"removed middle":     {`DELETE FROM history WHERE item_id = 's1' AND seq = 2`, "missing"},
		"removed newest":     {`DELETE FROM history WHERE item_id = 's1' AND seq = 3`, "root 1"},
		"removed item":       {`DELETE FROM history WHERE item_id = 's2'`, "root 1"},
		"changed root":       {`UPDATE history_root SET hash = 'x'`, "root 1"},
		"changed time":       {`UPDATE history SET at = '2001-01-01 00:00:00+00:00' WHERE item_id = 's2'`, "changed after"},
		"changed from state": {`UPDATE history SET from_state = 'z' WHERE item_id = 's2'`, "changed after"},
	}
	for name, tc := range tamper {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ctx := dbtest.Open(t), t.Context()
			for _, a := range []string{"import", "advance", "claim"} {
				record(t, d, "s1", a)
			}
			record(t, d, "s2", "import")
			d.Clock = func() time.Time { return time.Now().Add(2 * time.Minute) }
			if _, err := audit.MakeRoot(ctx, d); err != nil {
				t.Fatal(err)
			}
			if _, err := audit.MakeRoot(ctx, d); !errors.Is(err, errs.NotFound) {
				t.Fatalf("a second root over nothing new gave %v", err)
			}
			if _, err := d.Exec(ctx, tc.sql); err != nil {
				t.Fatal(err)
			}
			res, err := audit.Verify(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" {
				if len(res.Faults) != 0 || res.Items != 2 || res.Entries != 4 || res.Roots != 1 {
					t.Errorf("got %+v", res)
				}
				return
			}
			for _, f := range res.Faults {
				if strings.Contains(f.Msg, tc.want) {
					return
				}
			}
			t.Errorf("faults %+v, want one with %q", res.Faults, tc.want)
		})
	}
}

func TestRecordNeedsItsTransaction(t *testing.T) {
	d := dbtest.Open(t)
	err := audit.Record(t.Context(), d, audit.Entry{Kind: "a", ID: "b", Actor: "c", Action: "d"})
	if err == nil {
		t.Fatal("Record outside a transaction must be refused")
	}
}

// Writers of one item take turns instead of failing, on both databases.
func TestConcurrentWriters(t *testing.T) {
	d := dbtest.Open(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 5 {
				err := d.Transact(context.Background(), func(tx *db.DB) error {
					return audit.Record(context.Background(), tx, audit.Entry{Kind: "source", ID: "s", Actor: "system", Action: "note"})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	res, err := audit.Verify(t.Context(), d)
	if err != nil || res.Entries != 30 || len(res.Faults) != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestRecordNew(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	es := []audit.Entry{
		{Kind: "source", ID: "a", Actor: "system", Action: "import", To: "waiting"},
		{Kind: "source", ID: "b", Actor: "system", Action: "import", To: "held"},
	}
	if err := d.Transact(ctx, func(tx *db.DB) error { return audit.RecordNew(ctx, tx, es) }); err != nil {
		t.Fatal(err)
	}
	record(t, d, "a", "advance")
	evs, err := audit.History(ctx, d, "source", "a")
	if err != nil || len(evs) != 2 || evs[1].PrevHash != evs[0].Hash {
		t.Fatalf("history %+v, %v", evs, err)
	}
}
