package sample_test

import (
	"errors"
	"testing"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/bench"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/release"
	"coigwriter/internal/review"
	"coigwriter/internal/sample"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/train"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
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
	for _, state := range triplet.States {
		if ts[state] == 0 {
			t.Errorf("no triplet is %s: %v", state, ts)
		}
	}
	ss, err := source.Counts(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	for _, arrow := range source.Transitions {
		if ss[arrow.To] == 0 {
			t.Errorf("no source is %s: %v", arrow.To, ss)
		}
	}
	if n, err := screen.CountFailures(ctx, d); err != nil || n == 0 {
		t.Errorf("%d model failures, %v", n, err)
	}
	if n, err := triplet.CountFailures(ctx, d); err != nil || n != 1 {
		t.Errorf("%d failures to score, %v", n, err)
	}
	var genres, languages, scripted int
	if err := d.One(ctx, &genres, `SELECT COUNT(DISTINCT genre) FROM triplet`); err != nil || genres < 12 {
		t.Errorf("%d genres, %v", genres, err)
	}
	if err := d.One(ctx, &languages, `SELECT COUNT(DISTINCT language) FROM source`); err != nil || languages < 2 {
		t.Errorf("%d languages, %v", languages, err)
	}
	if err := d.One(ctx, &scripted, `SELECT COUNT(*) FROM verdict WHERE judge_kind = 'model' AND NOT scripted`); err != nil || scripted != 0 {
		t.Errorf("%d verdicts pretend to be a model's, %v", scripted, err)
	}
	rs, err := release.List(ctx, d)
	if err != nil || len(rs) != 2 {
		t.Fatalf("%d releases, %v", len(rs), err)
	}
	if changes, err := release.Diff(ctx, d, "0.1.0", "0.2.0"); err != nil || len(changes) < 2 {
		t.Errorf("between the releases: %v, %v", changes, err)
	}
	if fs, err := release.Verify(ctx, d, "latest"); err != nil || len(fs) != 0 {
		t.Errorf("%v, %v", fs, err)
	}
	if res, err := audit.Verify(ctx, d); err != nil || len(res.Faults) != 0 || res.Entries < 100 {
		t.Errorf("%+v, %v", res, err)
	}
	// A frozen set that three writers have answered whole, one of them with faults to see.
	set, err := bench.FindSet(ctx, d, "sample")
	if err != nil || set.State != bench.Frozen {
		t.Fatalf("%+v, %v", set, err)
	}
	cs, err := bench.Counts(ctx, d, set.ID)
	if err != nil || len(cs) != 3 {
		t.Fatalf("%+v, %v", cs, err)
	}
	for _, c := range cs {
		if faulty := c.Model == "writer-c"; c.Queries != 6 || c.Failed != 0 || (c.Cut == 1) != faulty {
			t.Errorf("%+v", c)
		}
	}
	if c, err := bench.CheckSet(ctx, d, genre.Default(), set.ID, nil); err != nil || !c.Intact || len(c.Twins)+len(c.Leaks) > 0 || c.Texts == 0 {
		t.Errorf("%+v, %v", c, err)
	}
	// Five configurations were trained, recorded from a real run, and nothing of them is started here.
	runs, err := train.Runs(ctx, d, "")
	if err != nil || len(runs) != 5 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for _, r := range runs {
		points, err := train.Points(ctx, d, r.ID)
		if err != nil || r.State != train.Finished || r.Here() || len(points) < 9 || points[len(points)-1].Loss >= points[0].Loss || r.EndedAt.After(d.Now()) {
			t.Errorf("%s: %s, %d points, %v", r.Name, r.State, len(points), err)
		}
	}
	if ms, err := train.Models(ctx, d); err != nil || len(ms) != 5 {
		t.Errorf("%d models, %v", len(ms), err)
	}
	// The history lies behind us, over more than a fortnight.
	var times []time.Time
	if err := d.All(ctx, &times, `SELECT at FROM history ORDER BY at`); err != nil || len(times) == 0 {
		t.Fatal(err)
	}
	if first, last := times[0], times[len(times)-1]; last.After(d.Now()) || last.Sub(first) < 14*24*time.Hour {
		t.Errorf("from %v to %v", first, last)
	}
	// Everybody finds work of their role.
	people, err := user.List(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		for _, r := range p.Roles {
			n := 0
			switch r {
			case user.Annotator:
				own, err := triplet.Counts(ctx, d, p.ID)
				if err != nil {
					t.Fatal(err)
				}
				n = own[triplet.Draft] + own[triplet.Returned]
			case user.Reviewer:
				if n, err = review.OpenCount(ctx, d, p.ID); err != nil {
					t.Fatal(err)
				}
			default:
				continue
			}
			if n == 0 {
				t.Errorf("%s has nothing to do as %s", p.Login, r)
			}
		}
	}
	if err := sample.Load(ctx, d, "", func(int, int) {}); !errors.Is(err, errs.Conflict) {
		t.Errorf("a second load gave %v", err)
	}
}
