package triplet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
)

// A save that loses against another says which text stands now, whichever moment it lost at.
func TestEveryLostSaveShowsWhatStands(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	by := dbtest.Person(t, d, "lin", "annotator")
	tr := drafted(t, d, by)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			c := content()
			c.Prompt = strings.Repeat("字", i+1)
			_, err := triplet.Save(ctx, d, by, tr.ID, tr.Revision, 1, c, "")
			var se *triplet.StaleError
			if err != nil && (!errors.As(err, &se) || se.Current.Revision != tr.Revision+1) {
				t.Errorf("a lost save gave %T %v", err, err)
			}
		})
	}
	wg.Wait()
}

// What was submitted is what was checked: a save at the same moment comes before or not at all.
func TestSaveAgainstSubmit(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	by := dbtest.Person(t, d, "lin", "annotator")
	for i := range 25 {
		tr, err := triplet.Claim(ctx, d, by, pooled(t, d, "essay", 1)[0])
		if err != nil {
			t.Fatal(err)
		}
		if tr.Revision, err = triplet.Save(ctx, d, by, tr.ID, 0, 3, content(), ""); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var saveErr, submitErr error
		wg.Go(func() {
			c := content()
			c.Prompt = fmt.Sprint("改过的提示", i)
			_, saveErr = triplet.Save(ctx, d, by, tr.ID, tr.Revision, 1, c, "")
		})
		wg.Go(func() { submitErr = triplet.Submit(ctx, d, by, tr.ID, tr.Revision) })
		wg.Wait()
		got, err := triplet.Get(ctx, d, tr.ID)
		if err != nil {
			t.Fatal(err)
		}
		if (saveErr == nil) == (submitErr == nil) {
			t.Fatalf("save %v and submit %v: the triplet is %s at revision %d", saveErr, submitErr, got.State, got.Revision)
		}
		if got.State == triplet.Submitted && got.Revision != tr.Revision {
			t.Fatalf("revision %d was submitted, but %d was checked", got.Revision, tr.Revision)
		}
		if got.State == triplet.Draft {
			if err := triplet.Submit(ctx, d, by, tr.ID, got.Revision); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// As many people as texts: everybody gets one, nobody the same.
func TestEverybodyClaimsAtOnce(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	const n = 12
	pooled(t, d, "essay", n)
	var mu sync.Mutex
	got := map[string]bool{}
	var wg sync.WaitGroup
	for i := range n {
		by := dbtest.Person(t, d, fmt.Sprint("p", i), "annotator")
		wg.Go(func() {
			tr, err := triplet.ClaimNext(ctx, d, by, "")
			if err != nil {
				t.Errorf("person %d: %v", i, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got[tr.SourceID] = true
		})
	}
	wg.Wait()
	if len(got) != n {
		t.Errorf("%d sources for %d people", len(got), n)
	}
}

// A browser that never heard the answer sends the same text again; it is saved already.
func TestSavedTwiceByALostAnswer(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	by := dbtest.Person(t, d, "lin", "annotator")
	tr := drafted(t, d, by)
	if n, err := triplet.Save(ctx, d, by, tr.ID, 0, 3, content(), ""); err != nil || n != tr.Revision {
		t.Errorf("the same text again gave revision %d, %v; it is saved at %d", n, err, tr.Revision)
	}
}

// A text that was taken down does not keep its draft in somebody's hands.
func TestAbandonAfterTakeDown(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	by, lead := dbtest.Person(t, d, "lin", "annotator"), dbtest.Person(t, d, "xu", "lead")
	tr := drafted(t, d, by)
	if err := source.Remove(ctx, d, tr.SourceID, lead, "作者来信"); err != nil {
		t.Fatal(err)
	}
	if err := triplet.Submit(ctx, d, by, tr.ID, tr.Revision); !errors.Is(err, errs.Conflict) {
		t.Errorf("a triplet on a text that was taken down was submitted: %v", err)
	}
	if err := triplet.Abandon(ctx, d, by, tr.ID, "原文已撤"); err != nil {
		t.Fatal(err)
	}
	if s, err := source.Get(ctx, d, tr.SourceID); err != nil || s.State != source.Removed {
		t.Errorf("the source is %s, %v", s.State, err)
	}
}

// Databases refuse some characters; people's words must not fail on them.
func TestHostileWords(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	by := dbtest.Person(t, d, "lin", "annotator")
	tr := drafted(t, d, by)
	c := content()
	c.Prompt = "a\x00b\xff'; DROP TABLE triplet; --<script>"
	c.Checks = map[string]bool{strings.Repeat("x", 1000): true, triplet.Checks[0]: true, triplet.Checks[1]: false}
	c.Pasted = -5
	if _, err := triplet.Save(ctx, d, by, tr.ID, tr.Revision, 99, c, "a\x00\xff"); err != nil {
		t.Fatal(err)
	}
	got, err := triplet.Get(ctx, d, tr.ID)
	if err != nil || got.Content.V.Pasted != 0 || len(got.Content.V.Checks) != 1 || strings.Contains(got.Content.V.Prompt, "\x00") {
		t.Errorf("%+v, %v", got, err)
	}
	c.Facets.Culture = strings.Repeat("长", 100_000)
	if _, err := triplet.Save(ctx, d, by, tr.ID, got.Revision, 1, c, ""); len(errs.FieldsOf(err)) != 1 {
		t.Errorf("an endless facet gave %v", err)
	}
	if err := triplet.Abandon(ctx, d, by, tr.ID, " \x00 "); len(errs.FieldsOf(err)) != 1 {
		t.Errorf("an empty reason gave %v", err)
	}
	if err := triplet.Abandon(ctx, d, by, tr.ID, "不合适\x00\xff"); err != nil {
		t.Error(err)
	}
}
