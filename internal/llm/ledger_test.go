package llm

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
)

func day(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, shanghai)
	if err != nil {
		panic(err)
	}
	return t
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

var table = Prices{
	{"qwen*", day("2026-01-01"), "CNY", 2_400_000, 600_000, 9_600_000},
	{"qwen*", day("2026-02-01"), "CNY", 1_200_001, 300_000, 4_800_000},
	{"qwen-max", day("2026-01-10"), "CNY", 11_200_000, 2_800_000, 33_600_000},
	{"gpt-5", day("2026-01-15"), "USD", 1_250_000, 125_000, 10_000_000},
}

// generate stores n calls of two months, with everything that the ledger tells apart.
func generate(t testing.TB, d *db.DB, n int, text string) []Call {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	var calls []Call
	at := day("2025-12-28").Add(3*time.Hour + 123*time.Millisecond)
	for i := range n {
		at = at.Add(time.Duration(r.IntN(int(2 * 60 * 24 * time.Hour / time.Duration(n)))))
		k := Call{
			ID: fmt.Sprintf("c%07d", i), Key: fmt.Sprint("k", i), Attempt: 1, Prompt: pick("assessment", "screening", "usability"), PromptHash: "h",
			ItemKind: "source", ItemID: fmt.Sprint("s", r.IntN(50)), Model: pick("qwen-turbo", "qwen-max", "gpt-5", "local-7b", "scripted-judge"), Endpoint: "http://e/v1", Level: "json_schema",
			Request: text, Response: text, HTTPStatus: 200, Failure: pick("", "", "", "bad_output", "transient", "set_aside"),
			PromptTokens: int64(r.IntN(4000)), CompletionTokens: int64(r.IntN(900)), DurationMS: int64(r.IntN(5000)),
			PersonID: pick("", "p1", "p2"), TokensEstimated: r.IntN(9) == 0, CreatedAt: at.UTC().Truncate(time.Microsecond),
		}
		k.Scripted = IsScripted(k.Model)
		if k.Prompt == "usability" {
			k.ItemKind, k.ItemID = "triplet", fmt.Sprint("t", r.IntN(50))
		}
		if k.Failure == "transient" {
			k.HTTPStatus, k.PromptTokens, k.CompletionTokens = 0, 0, 0
		}
		k.CachedTokens, k.ReasoningTokens = int64(r.IntN(4000)), min(k.CompletionTokens, int64(r.IntN(300)))
		calls = append(calls, k)
	}
	for part := range slices.Chunk(calls, 500) {
		if err := d.Insert(t.Context(), &part); err != nil {
			t.Fatal(err)
		}
	}
	return calls
}

// naive adds the calls one by one, in rational numbers.
func naive(calls []Call, by By, f func(*Call) bool) map[entryKey]*Entry {
	out, priced := map[entryKey]*Entry{}, map[entryKey]map[Price]*big.Rat{}
	for i := range calls {
		k := &calls[i]
		if !f(k) {
			continue
		}
		key := map[By]entryKey{ByStage: {itemKind: k.ItemKind, prompt: k.Prompt}, ByModel: {model: k.Model}, ByPerson: {person: k.PersonID}, ByDay: {day: k.CreatedAt.In(shanghai).Format(time.DateOnly)}}[by]
		e := out[key]
		if e == nil {
			e = &Entry{ItemKind: key.itemKind, Prompt: key.prompt, Model: key.model, Person: key.person, Day: key.day, Cost: []Amount{}}
			out[key], priced[key] = e, map[Price]*big.Rat{}
		}
		cached := min(k.CachedTokens, k.PromptTokens)
		e.Calls++
		e.count(k, cached)
		p, ok := table.Of(k.Model, k.CreatedAt)
		if !ok {
			e.NoPrice++
			continue
		}
		cost := new(big.Rat)
		for _, part := range [][2]int64{{k.PromptTokens - cached, p.Input}, {cached, p.Cached}, {k.CompletionTokens, p.Output}} {
			cost.Add(cost, new(big.Rat).Mul(big.NewRat(part[0], 1_000_000), big.NewRat(part[1], 1)))
		}
		if priced[key][p] == nil {
			priced[key][p] = new(big.Rat)
		}
		priced[key][p].Add(priced[key][p], cost)
	}
	for key, ps := range priced {
		for p, sum := range ps {
			half := sum.Add(sum, big.NewRat(1, 2))
			out[key].Cost = addAmount(out[key].Cost, Amount{p.Currency, new(big.Int).Quo(half.Num(), half.Denom()).Int64()})
		}
	}
	return out
}

// count counts a call into the entry.
func (e *Entry) count(k *Call, cached int64) {
	if k.Scripted {
		e.Scripted++
	}
	if k.Failure != "" {
		e.Failed++
		if e.Failures == nil {
			e.Failures = map[string]int{}
		}
		e.Failures[k.Failure]++
	}
	if k.TokensEstimated {
		e.Estimated++
	}
	if k.HTTPStatus == 200 && k.PromptTokens+k.CompletionTokens == 0 {
		e.Unmetered++
	}
	e.Tokens.add(Tokens{k.PromptTokens, cached, k.CompletionTokens, k.ReasoningTokens})
	e.DurationMS += k.DurationMS
}

func TestLedgerEqualsNaiveSum(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	calls := generate(t, d, 1500, "{}")
	since, until := day("2026-01-12"), day("2026-02-03")
	within := func(k *Call) bool { return !k.CreatedAt.Before(since) && k.CreatedAt.Before(until) }
	for _, by := range Bys {
		for name, tt := range map[string]struct {
			f    Filter
			keep func(*Call) bool
		}{
			"all":     {Filter{}, func(*Call) bool { return true }},
			"period":  {Filter{Since: since, Until: until}, within},
			"stage":   {Filter{ItemKind: "source", Prompt: "screening"}, func(k *Call) bool { return k.Prompt == "screening" }},
			"model":   {Filter{Since: since, Until: until, Model: "qwen-max"}, func(k *Call) bool { return within(k) && k.Model == "qwen-max" }},
			"person":  {Filter{Person: "p1"}, func(k *Call) bool { return k.PersonID == "p1" }},
			"failed":  {Filter{Failure: AnyFailure}, func(k *Call) bool { return k.Failure != "" }},
			"good":    {Filter{Failure: NoFailure}, func(k *Call) bool { return k.Failure == "" }},
			"one":     {Filter{Failure: "bad_output"}, func(k *Call) bool { return k.Failure == "bad_output" }},
			"of some": {Filter{Items: []Items{{"source", `SELECT DISTINCT item_id FROM llm_call WHERE item_id = ?`, []any{"s7"}}, {"triplet", "?", []any{"t3"}}}}, func(k *Call) bool { return k.ItemID == "s7" || k.ItemID == "t3" }},
			"nothing": {Filter{Model: "no such"}, func(*Call) bool { return false }},
		} {
			tt.f.Zone = shanghai
			got, err := Ledger(t.Context(), d, table, tt.f, by)
			if err != nil {
				t.Fatalf("%s by %s: %v", name, by, err)
			}
			want := naive(calls, by, tt.keep)
			if len(got) != len(want) {
				t.Errorf("%s by %s: %d lines, want %d", name, by, len(got), len(want))
			}
			for _, e := range got {
				w := want[entryKey{e.ItemKind, e.Prompt, e.Model, e.Person, e.Day}]
				if w == nil {
					t.Errorf("%s by %s: a line too many: %+v", name, by, e)
				} else if diff := cmp.Diff(*w, e); diff != "" {
					t.Errorf("%s by %s: %s", name, by, diff)
				}
			}
			n := 0
			for i := range calls {
				if tt.keep(&calls[i]) {
					n++
				}
			}
			if count, err := CountCalls(t.Context(), d, tt.f); err != nil || count != n || Total(got).Calls != n {
				t.Errorf("%s by %s: %d counted, %d in all, want %d, %v", name, by, count, Total(got).Calls, n, err)
			}
		}
	}
	if _, err := Ledger(t.Context(), d, table, Filter{}, "mood"); err == nil {
		t.Error("a grouping that does not exist")
	}
}

func TestListCalls(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	calls := generate(t, d, 120, "long")
	var want, got []string
	for _, k := range slices.Backward(calls) {
		if k.Failure != "" && k.Model == "qwen-max" {
			want = append(want, k.ID)
		}
	}
	for after := ""; ; {
		page, next, err := ListCalls(t.Context(), d, Filter{Failure: AnyFailure, Model: "qwen-max"}, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page {
			got = append(got, k.ID)
			if k.Request != "" || k.Response != "" || k.CreatedAt.IsZero() {
				t.Errorf("%+v", k)
			}
		}
		if after = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 4 {
		t.Error(diff)
	}
	stages, models, err := Stages(t.Context(), d)
	if err != nil || !slices.Equal(stages, []Stage{{"source", "assessment"}, {"source", "screening"}, {"triplet", "usability"}}) || len(models) != 5 {
		t.Error(stages, models, err)
	}
}

func TestLedgerLost(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	now := d.Now()
	for _, sql := range []struct {
		q    string
		args []any
	}{
		{`INSERT INTO llm_process (id, host, pid, endpoint, started_at, seen_at) VALUES (?, 'h', 1, 'e', ?, ?)`, []any{"alive", now, now}},
		{`INSERT INTO llm_process (id, host, pid, endpoint, started_at, seen_at) VALUES (?, 'h', 2, 'e', ?, ?)`, []any{"dead", now, now.Add(-time.Hour)}},
		{`INSERT INTO llm_intent (key, process, prompt, item_kind, item_id, model, endpoint, started_at) VALUES ('k1', 'alive', 'screening', 'source', 's', 'm', 'e', ?)`, []any{now}},
		{`INSERT INTO llm_intent (key, process, prompt, item_kind, item_id, model, endpoint, started_at) VALUES ('k2', 'dead', 'screening', 'source', 's', 'm', 'e', ?)`, []any{now}},
		{`INSERT INTO llm_intent (key, process, prompt, item_kind, item_id, model, endpoint, started_at) VALUES ('k3', 'gone', 'usability', 'source', 's', 'm', 'e', ?)`, []any{now}},
	} {
		if _, err := d.Exec(t.Context(), sql.q, sql.args...); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Ledger(t.Context(), d, nil, Filter{}, ByStage)
	if err != nil || len(got) != 2 || Total(got).Lost != 2 || got[0].Calls != 0 {
		t.Errorf("%+v %v", got, err)
	}
}

// The ledger reads the index and nothing else: its time does not grow with the texts.
func TestLedgerReadsTheIndexOnly(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t)
	if d.Name() != "sqlite" {
		t.Skip("the plan is SQLite's")
	}
	generate(t, d, 50, "x")
	cond, args := Filter{Failure: AnyFailure}.where(Filter{}.span())
	type step struct {
		ID, Parent, Notused int
		Detail              string
	}
	var plan []step
	err := d.All(t.Context(), &plan, `EXPLAIN QUERY PLAN SELECT model, item_kind, prompt, person_id, failure, scripted, SUM(prompt_tokens), SUM(cached_tokens), SUM(completion_tokens),
		SUM(reasoning_tokens), SUM(duration_ms), SUM(http_status), SUM(tokens_estimated) FROM llm_call WHERE `+cond+` GROUP BY model, item_kind, prompt, person_id, failure, scripted`, args...)
	if err != nil || len(plan) == 0 {
		t.Fatal(plan, err)
	}
	if want := "USING COVERING INDEX llm_call_ledger"; !slices.ContainsFunc(plan, func(p step) bool { return strings.Contains(p.Detail, want) }) {
		t.Errorf("plan %+v", plan)
	}
}

func BenchmarkLedger(b *testing.B) {
	d := dbtest.Open(b)
	generate(b, d, 100_000, strings.Repeat("雨停之后。", 200))
	for b.Loop() {
		if _, err := Ledger(b.Context(), d, table, Filter{}, ByStage); err != nil {
			b.Fatal(err)
		}
	}
}
