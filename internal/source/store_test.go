package source_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/source"
)

// add stores n sources in a state and returns their ids, oldest first.
func add(t *testing.T, d *db.DB, n int, state, reason string) []string {
	t.Helper()
	drafts := make([]source.Draft, n)
	for i := range drafts {
		s := source.Source{
			Text: fmt.Sprintf("第%d篇（%s），一百%%的雨，落在_桥_上。%s", i, state, db.NewID()), URL: fmt.Sprintf("https://a.cn/%s/%d", state, i),
			Title:       fmt.Sprintf("%s 题%d", state, i),
			DateVerdict: source.DateAsk, State: state, Reason: reason,
		}
		s.Make()
		drafts[i] = source.Draft{Source: s}
	}
	if _, err := source.Insert(context.Background(), d, "p1", drafts); err != nil {
		t.Fatal(err)
	}
	var ids []string
	if err := d.All(context.Background(), &ids, `SELECT id FROM source WHERE state = ? ORDER BY id`, state); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	d, ctx := open(t), context.Background()
	states := []string{source.Held, source.Waiting, source.Pool, source.Claimed, source.Refused, source.Removed}
	allowed := map[string]bool{}
	for _, tr := range source.Transitions {
		if tr.Action == "" || tr.Who == "" {
			t.Errorf("%+v lacks its verb or its permission", tr)
		}
		if key := tr.From + ">" + tr.To; allowed[key] {
			t.Errorf("%s is in the table twice", key)
		} else {
			allowed[key] = true
		}
	}
	id := add(t, d, 1, source.Held, "date.single")[0]
	for _, from := range states {
		for _, to := range states {
			if _, err := d.Exec(ctx, `UPDATE source SET state = ? WHERE id = ?`, from, id); err != nil {
				t.Fatal(err)
			}
			err := d.Transact(ctx, func(tx *db.DB) error { return source.Advance(ctx, tx, id, to, "p1", "because", nil) })
			if want := allowed[from+">"+to]; (err == nil) != want || (!want && !errors.Is(err, errs.Conflict)) {
				t.Errorf("%s to %s: %v, allowed %v", from, to, err, want)
			}
		}
	}
	res, err := audit.Verify(ctx, d)
	if err != nil || len(res.Faults) > 0 {
		t.Errorf("history: %+v, %v", res, err)
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	d, ctx := open(t), context.Background()
	ids := add(t, d, 2, source.Held, "date.single")
	if err := source.Decide(ctx, d, ids[0], "lead", source.DecidePass, "the author says so"); err != nil {
		t.Fatal(err)
	}
	s, err := source.Get(ctx, d, ids[0])
	if err != nil || s.State != source.Waiting || s.DateVerdict != source.DatePassed {
		t.Errorf("%+v, %v", s, err)
	}
	if err := source.Decide(ctx, d, ids[0], "lead", source.DecidePass, ""); !errors.Is(err, errs.Conflict) {
		t.Errorf("twice: %v", err)
	}
	if err := source.Decide(ctx, d, ids[1], "lead", source.DecideRefuse, ""); !errors.Is(err, errs.Invalid) {
		t.Errorf("refused without a reason: %v", err)
	}
	if err := source.Decide(ctx, d, "none", "lead", source.DecidePass, ""); !errors.Is(err, errs.NotFound) {
		t.Errorf("absent: %v", err)
	}
	if err := source.SetGenre(ctx, d, ids[1], "poem", "lead"); err != nil {
		t.Error(err)
	}
	if err := source.Remove(ctx, d, ids[1], "lead", "the author asked"); err != nil {
		t.Error(err)
	}
	if err := source.Reopen(ctx, d, ids[1], "lead", "no"); !errors.Is(err, errs.Conflict) {
		t.Errorf("a removed source reopened: %v", err)
	}
	history, err := audit.History(ctx, d, "source", ids[1])
	if err != nil || len(history) != 3 {
		t.Errorf("%d lines of history, %v", len(history), err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	d, ctx := open(t), context.Background()
	waiting, held := add(t, d, 25, source.Waiting, ""), add(t, d, 3, source.Held, "date.none")
	var seen []string
	f := source.Filter{States: []string{source.Waiting}, Limit: 10}
	for pages := 0; ; pages++ {
		p, err := source.List(ctx, d, f)
		if err != nil || pages > 3 {
			t.Fatal(pages, err)
		}
		for _, r := range p.Rows {
			seen = append([]string{r.ID}, seen...)
		}
		if f.Cursor = p.Next; f.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(waiting, seen); diff != "" {
		t.Error("pages:", diff)
	}
	for name, tt := range map[string]struct {
		f    source.Filter
		want int
	}{
		"all":             {source.Filter{Limit: 200}, 28},
		"percent is one":  {source.Filter{Query: "一百%", InText: true, Limit: 200}, 28},
		"underscores":     {source.Filter{Query: "_桥_", InText: true, Limit: 200}, 28},
		"no wildcard":     {source.Filter{Query: "雨_落", InText: true, Limit: 200}, 0},
		"two words":       {source.Filter{Query: "第2篇 held", InText: true}, 1},
		"title":           {source.Filter{Query: "held 题2"}, 1},
		"title, not text": {source.Filter{Query: "一百"}, 0},
		"two states":      {source.Filter{States: []string{source.Held, source.Waiting}, Limit: 200}, 28},
		"language":        {source.Filter{Language: "zh", States: []string{source.Held}}, 3},
		"no genre":        {source.Filter{Genres: []string{""}, Limit: 200}, 28},
		"genre":           {source.Filter{Genres: []string{"poem"}}, 0},
		"dates":           {source.Filter{From: time.Unix(0, 0)}, 0},
		"quote":           {source.Filter{Query: "' OR 1=1 --"}, 0},
	} {
		p, err := source.List(ctx, d, tt.f)
		n, cerr := source.CountAll(ctx, d, tt.f)
		if err != nil || cerr != nil || len(p.Rows) != tt.want || n != tt.want {
			t.Errorf("%s: %d rows, count %d, want %d; %v %v", name, len(p.Rows), n, tt.want, err, cerr)
		}
	}
	if _, err := source.List(ctx, d, source.Filter{Cursor: "%%"}); !errors.Is(err, errs.Invalid) {
		t.Errorf("damaged cursor: %v", err)
	}
	counts, err := source.Counts(ctx, d)
	if diff := cmp.Diff(map[string]int{source.Waiting: 25, source.Held: 3}, counts); diff != "" || err != nil {
		t.Error(diff, err)
	}
	byGenre, err := source.CountsByGenre(ctx, d)
	if err != nil || len(byGenre) != 2 {
		t.Errorf("%+v, %v", byGenre, err)
	}
	_ = held
}

func TestFindingsAreStored(t *testing.T) {
	t.Parallel()
	d, ctx := open(t), context.Background()
	s := source.Source{Text: "她把伞收起来。", DateVerdict: source.DatePassed, State: source.Held, Reason: "rule.x"}
	s.Make()
	want := []source.Finding{
		{Rule: "r", Level: source.LevelRefuse, Message: "rule.y", Args: map[string]string{"n": "1"}, Excerpt: "伞"},
		{Rule: "q", Level: source.LevelNote, Message: "rule.x"},
	}
	if _, err := source.Insert(ctx, d, "p1", []source.Draft{{Source: s, Findings: []source.Finding{want[1], want[0]}}}); err != nil {
		t.Fatal(err)
	}
	var id string
	if err := d.One(ctx, &id, `SELECT id FROM source`); err != nil {
		t.Fatal(err)
	}
	got, err := source.Findings(ctx, d, id)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	err = d.Transact(ctx, func(tx *db.DB) error { return source.SetFindings(ctx, tx, id, want[:1]) })
	if got, gerr := source.Findings(ctx, d, id); err != nil || gerr != nil || len(got) != 1 {
		t.Errorf("replaced: %+v, %v %v", got, err, gerr)
	}
}

// A search in the texts looks through a bounded number of them a page, and finds all in the end.
func TestListLooksThroughTextsBounded(t *testing.T) {
	t.Parallel()
	d, ctx := open(t), context.Background()
	oldest := add(t, d, 1, source.Waiting, "")[0]
	err := d.Transact(ctx, func(tx *db.DB) error {
		var rows []source.Source
		for range source.TextsAtOnce {
			id := db.NewID()
			rows = append(rows, source.Source{ID: id, ContentHash: id, Text: "雪", DateVerdict: source.DatePassed, State: source.Waiting})
		}
		return tx.Insert(ctx, &rows)
	})
	if err != nil {
		t.Fatal(err)
	}
	f := source.Filter{Query: "一百%", InText: true}
	first, err := source.List(ctx, d, f)
	if err != nil || len(first.Rows) != 0 || first.Next == "" {
		t.Fatalf("first page %+v, %v", first, err)
	}
	f.Cursor = first.Next
	second, err := source.List(ctx, d, f)
	if err != nil || len(second.Rows) != 1 || second.Rows[0].ID != oldest || second.Next != "" {
		t.Errorf("second page %+v, %v", second, err)
	}
}
