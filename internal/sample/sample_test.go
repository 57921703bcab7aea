package sample_test

import (
	"errors"
	"testing"

	"coigwriter/internal/audit"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/release"
	"coigwriter/internal/sample"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
)

// The sample project has something in every state a newcomer should see, over many genres, and
// its history holds.
func TestLoad(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	if err := sample.Load(ctx, d, "", func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	ts, err := triplet.Counts(ctx, d, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("triplets %v", ts)
	for state, least := range map[string]int{
		triplet.Draft: 2, triplet.Submitted: 2, triplet.Returned: 2, triplet.InReview: 2, triplet.Accepted: 9,
	} {
		if ts[state] < least {
			t.Errorf("%d triplets are %s, want %d", ts[state], state, least)
		}
	}
	ss, err := source.Counts(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("sources %v", ss)
	var genres, scripted int
	if err := d.One(ctx, &genres, `SELECT COUNT(DISTINCT genre) FROM triplet`); err != nil || genres < 12 {
		t.Errorf("%d genres, %v", genres, err)
	}
	if err := d.One(ctx, &scripted, `SELECT COUNT(*) FROM verdict WHERE judge_kind = 'model' AND NOT scripted`); err != nil || scripted != 0 {
		t.Errorf("%d verdicts pretend to be a model's, %v", scripted, err)
	}
	if fs, err := release.Verify(ctx, d, "latest"); err != nil || len(fs) != 0 {
		t.Errorf("%v, %v", fs, err)
	}
	if res, err := audit.Verify(ctx, d); err != nil || len(res.Faults) != 0 || res.Entries < 100 {
		t.Errorf("%+v, %v", res, err)
	}
	if err := sample.Load(ctx, d, "", func(int, int) {}); !errors.Is(err, errs.Conflict) {
		t.Errorf("a second load gave %v", err)
	}
}
