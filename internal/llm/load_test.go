package llm

import (
	"testing"
	"time"

	"coigwriter/internal/dbtest"
)

// The load of a server is what the living say; a pause that is over is none.
func TestLoadOf(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	now := d.Now()
	if l, err := LoadOf(t.Context(), d, "http://e/v1"); err != nil || l != (Load{}) {
		t.Errorf("%+v, %v", l, err)
	}
	for _, p := range []struct {
		id, endpoint string
		seen         time.Time
	}{{"a", "http://e/v1", now}, {"b", "http://e/v1", now}, {"dead", "http://e/v1", now.Add(-time.Hour)}, {"other", "http://f/v1", now}} {
		if _, err := d.Exec(t.Context(), `INSERT INTO llm_process (id, host, pid, endpoint, started_at, seen_at, in_flight) VALUES (?, 'h', 1, ?, ?, ?, 4)`, p.id, p.endpoint, now, p.seen); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Exec(t.Context(), `INSERT INTO llm_endpoint (endpoint, ceiling, paused_until, pause_reason, updated_at) VALUES ('http://e/v1', 12, ?, 'busy', ?)`, now.Add(time.Minute), now); err != nil {
		t.Fatal(err)
	}
	l, err := LoadOf(t.Context(), d, "http://e/v1/")
	if err != nil || l.Ceiling != 12 || l.InFlight != 8 || l.Processes != 2 || l.PausedUntil == nil || l.PauseReason != "busy" {
		t.Errorf("%+v, %v", l, err)
	}
	d.Clock = func() time.Time { return now.Add(2 * time.Minute) }
	if l, err := LoadOf(t.Context(), d, "http://e/v1"); err != nil || l.PausedUntil != nil || l.PauseReason != "" || l.Processes != 0 {
		t.Errorf("%+v, %v", l, err)
	}
}

// What is not known is said, in both languages, and never as 0.
func TestLedgerWords(t *testing.T) {
	t.Parallel()
	e := Entry{NoPrice: 3, Scripted: 1, Estimated: 2, Failures: map[string]int{"refused": 1, "bad_output": 4}}
	if zh, en := e.CostWords("zh-CN"), e.CostWords("en"); zh != "没有价格" || en != "no price" {
		t.Errorf("%s, %s", zh, en)
	}
	e.Cost = []Amount{{"CNY", 2_500_000}, {"USD", 100_000}}
	if zh, en := e.CostWords("zh-CN"), e.CostWords("en"); zh != "2.50 CNY + 0.10 USD + 3 次没有价格" || en != "2.50 CNY + 0.10 USD + 3 calls without a price" {
		t.Errorf("%s, %s", zh, en)
	}
	if zh, en := e.Notes("zh-CN"), e.Notes("en"); len(zh) != 3 || len(en) != 3 {
		t.Errorf("%v, %v", zh, en)
	}
	if k := e.ByKind(); len(k) != 2 || k[0] != (FailureCount{"bad_output", 4}) {
		t.Errorf("%v", k)
	}
	if n := (Entry{}).Notes("en"); len(n) != 0 {
		t.Errorf("%v", n)
	}
}
