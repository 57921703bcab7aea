package screen

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/llm"
	"coigwriter/internal/source"
)

// failedCalls adds n sources, every other one waiting behind a failed call.
func failedCalls(t testing.TB, d *db.DB, n int) {
	t.Helper()
	for i := range n {
		id := db.NewID()
		_, err := d.Exec(t.Context(), `INSERT INTO source (id, content_hash, text, chars, date_verdict, state, created_at, updated_at)
			VALUES (?, ?, 'x', 1, 'passed', ?, ?, ?)`, id, id, source.Waiting, d.Now(), d.Now())
		if err != nil {
			t.Fatal(err)
		}
		failure := ""
		if i%2 == 0 {
			failure = string(llm.KindBadOutput)
		}
		call := &llm.Call{ID: db.NewID(), Key: id, Attempt: 1, Prompt: "x", ItemKind: "source", ItemID: id, Failure: failure, CreatedAt: d.Now()}
		if err := d.Insert(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFailuresAreCountedAsListed(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	failedCalls(t, d, 7)
	if _, err := d.Exec(t.Context(), `UPDATE source SET state = ? WHERE id = (SELECT MIN(item_id) FROM llm_call WHERE failure <> '')`, source.Refused); err != nil {
		t.Fatal(err)
	}
	listed, err := Failures(t.Context(), d, 500)
	if err != nil {
		t.Fatal(err)
	}
	n, err := CountFailures(t.Context(), d)
	if err != nil || n != len(listed) || n != 3 {
		t.Errorf("counted %d, %v; listed %d; want 3", n, err, len(listed))
	}
}

// The pages ask this often, and calls are many and long: only the failed ones may be read.
func TestFailuresUseTheirIndex(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	if d.Name() != "sqlite" {
		t.Skip("the plan is SQLite's; PostgreSQL plans by the size of tables")
	}
	var plan []struct {
		ID, Parent, Notused int
		Detail              string
	}
	if err := d.All(context.Background(), &plan, `EXPLAIN QUERY PLAN SELECT COUNT(*) `+failed, source.Waiting, source.Held, "x%"); err != nil {
		t.Fatal(err)
	}
	if p := fmt.Sprint(plan); !strings.Contains(p, "llm_call_failed") || strings.Contains(p, "SCAN") {
		t.Errorf("plan %s", p)
	}
}
