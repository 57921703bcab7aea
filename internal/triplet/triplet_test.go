package triplet_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
)

const article = "雨停的时候，母亲还在灶前。锅里的水已经滚了三回，她把面条放下去，又捞起来，说等你爸。"

// pooled puts n sources of a genre into the pool and returns their IDs.
func pooled(t testing.TB, d *db.DB, genreID string, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = db.NewID()
		_, err := d.Exec(context.Background(), `INSERT INTO source (id, content_hash, text, chars, genre, language, date_verdict, state, created_at, updated_at)
			VALUES (?, ?, ?, 40, ?, 'zh', 'passed', 'pool', ?, ?)`, ids[i], ids[i], article, genreID, d.Now(), d.Now())
		if err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func content() triplet.Content {
	checks := map[string]bool{}
	for _, k := range triplet.Checks {
		checks[k] = true
	}
	return triplet.Content{
		Attributes: triplet.Attributes{Theme: "等待", Style: "白描", Structure: "一个场景", Cultural: "家宴"},
		Prompt:     "写一篇短的散文：一个家庭在雨天等一个迟迟不归的人吃饭，不写他为什么不归。",
		Facets:     triplet.Facets{Interpretation: "a", Structure: "b", Culture: "c", Narrative: "d", Refinement: "e"},
		Reasoning:  "题目要写等待而不写缘由，所以只能写手上的动作。我想让母亲反复下面条，水滚三回就是时间。",
		Checks:     checks,
	}
}

// drafted claims a source and fills the draft.
func drafted(t testing.TB, d *db.DB, by string) *triplet.Triplet {
	t.Helper()
	ctx := context.Background()
	tr, err := triplet.Claim(ctx, d, by, pooled(t, d, "essay", 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	if tr.Revision, err = triplet.Save(ctx, d, by, tr.ID, 0, 3, content(), ""); err != nil {
		t.Fatal(err)
	}
	return tr
}

func submitted(t testing.TB, d *db.DB, by string) *triplet.Triplet {
	t.Helper()
	tr := drafted(t, d, by)
	if err := triplet.Submit(context.Background(), d, by, tr.ID, tr.Revision); err != nil {
		t.Fatal(err)
	}
	return tr
}

func state(t testing.TB, d *db.DB, id string) string {
	t.Helper()
	tr, err := triplet.Get(context.Background(), d, id)
	if err != nil {
		t.Fatal(err)
	}
	return tr.State
}

func TestGate(t *testing.T) {
	g := triplet.Gate{MinTotal: 50, MinEach: 8}
	for _, tc := range []struct {
		s    triplet.Scores
		want string
	}{
		{triplet.Scores{8, 8, 8, 8, 9, 9}, ""},
		{triplet.Scores{8, 8, 8, 8, 8, 9}, "total"},
		{triplet.Scores{10, 10, 10, 10, 10, 7}, "each"},
		{triplet.Scores{7, 7, 7, 7, 7, 7}, "each each each each each each total"},
		{triplet.Scores{0, 10, 10, 10, 10, 10}, "invalid"},
		{triplet.Scores{11, 10, 10, 10, 10, 10}, "invalid"},
	} {
		var got []string
		for _, m := range g.Check(tc.s) {
			got = append(got, m.Rule)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%v misses %v, want %s", tc.s, got, tc.want)
		}
	}
}

// The gate is its definition: valid marks, each at least the least, the sum at least the least.
func TestGateProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s triplet.Scores
		for i := range s {
			s[i] = rapid.IntRange(0, 11).Draw(t, "mark")
		}
		g := triplet.Gate{MinTotal: rapid.IntRange(6, 60).Draw(t, "total"), MinEach: rapid.IntRange(1, 10).Draw(t, "each")}
		want := s.Valid() && s.Total() >= g.MinTotal
		for _, v := range s {
			want = want && v >= g.MinEach
		}
		if got := len(g.Check(s)) == 0; got != want {
			t.Fatalf("%v through %+v: %v", s, g, got)
		}
	})
}

// With each >= 8, the sum rule rejects 7 of the 729 sheets that are left (the paper's arithmetic).
func TestTheSumRuleHardlyBites(t *testing.T) {
	n := 0
	var walk func(s triplet.Scores, i int)
	walk = func(s triplet.Scores, i int) {
		if i == 6 {
			if ms := (triplet.Gate{MinTotal: 50, MinEach: 8}).Check(s); len(ms) > 0 {
				n++
			}
			return
		}
		for v := 8; v <= 10; v++ {
			s[i] = v
			walk(s, i+1)
		}
	}
	walk(triplet.Scores{}, 0)
	if n != 7 {
		t.Errorf("%d sheets are stopped by the sum alone, want 7", n)
	}
}

func TestCoherence(t *testing.T) {
	g, _ := genre.Default().Get("essay")
	keys := func(c triplet.Content) string {
		var out []string
		for _, f := range triplet.Coherence(c, strings.Repeat(article, 6), g) {
			k := strings.TrimPrefix(f.Key, "coherence.")
			if f.Block {
				k += "!"
			}
			out = append(out, k)
		}
		return strings.Join(out, " ")
	}
	good := content()
	good.Prompt, good.Reasoning = strings.Repeat(good.Prompt, 2), strings.Repeat(good.Reasoning, 12)
	if got := keys(good); got != "" {
		t.Errorf("a good content has %s", got)
	}
	for name, tc := range map[string]struct {
		change func(*triplet.Content)
		want   string
	}{
		"nothing written": {func(c *triplet.Content) { *c = triplet.Content{} }, "no_prompt! no_reasoning! unchecked! attributes facets"},
		"article in the prompt": {func(c *triplet.Content) {
			c.Prompt += "雨停的时候，母亲还在灶前。锅里的水已经滚了三回，她把面条放下去"
		}, "leak!"},
		"a clause in the prompt": {func(c *triplet.Content) { c.Prompt += "锅里的水已经滚了三回，她把面" }, "leak"},
		"copied reasoning":       {func(c *triplet.Content) { c.Reasoning += article }, "copied"},
		"about something else":   {func(c *triplet.Content) { c.Reasoning = strings.Repeat("股票市场波动加剧投资谨慎", 50) }, "unrelated"},
		"short reasoning":        {func(c *triplet.Content) { c.Reasoning = "母亲在灶前，水已经滚了" }, "reasoning_length"},
		"one box not ticked":     {func(c *triplet.Content) { c.Checks = map[string]bool{"facts_hold": true} }, "unchecked!"},
		"mostly pasted":          {func(c *triplet.Content) { c.Pasted = 5000 }, "pasted"},
	} {
		c := good
		tc.change(&c)
		if got := keys(c); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestClaimHasOneWinner(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	src := pooled(t, d, "essay", 1)[0]
	var won, lost atomic.Int32
	var wg sync.WaitGroup
	for _, login := range []string{"lin", "zhou", "gu", "he"} {
		by := dbtest.Person(t, d, login, "annotator")
		wg.Go(func() {
			switch _, err := triplet.Claim(ctx, d, by, src); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, errs.Conflict):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || lost.Load() != 3 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
}

func TestClaimNextFillsTheThinGenre(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	by := dbtest.Person(t, d, "lin", "annotator")
	pooled(t, d, "essay", 3)
	first, err := triplet.ClaimNext(ctx, d, by, "")
	if err != nil || first.Genre != "essay" {
		t.Fatal(first, err)
	}
	pooled(t, d, "poetry", 1)
	second, err := triplet.ClaimNext(ctx, d, by, "")
	if err != nil || second.Genre != "poetry" || second.Tier != genre.Specialist {
		t.Fatal(second, err)
	}
	if _, err := triplet.ClaimNext(ctx, d, by, "script"); !errors.Is(err, errs.NotFound) {
		t.Errorf("an empty genre gave %v", err)
	}
	if _, err := project.Update(ctx, d, "x", func(s *project.Settings) { s.MaxDrafts = 2 }); err != nil {
		t.Fatal(err)
	}
	if _, err := triplet.ClaimNext(ctx, d, by, ""); !errors.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a third draft gave %v", err)
	}
}

func TestSaveNeverLosesText(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	by, other := dbtest.Person(t, d, "lin", "annotator"), dbtest.Person(t, d, "zhou", "annotator")
	tr := drafted(t, d, by)
	c := content()
	if n, err := triplet.Save(ctx, d, by, tr.ID, tr.Revision, 3, c, ""); err != nil || n != tr.Revision {
		t.Errorf("an equal content gave revision %d, %v", n, err)
	}
	c.Prompt = "新的提示"
	n, err := triplet.Save(ctx, d, by, tr.ID, tr.Revision, 1, c, "")
	if err != nil || n != tr.Revision+1 {
		t.Fatal(n, err)
	}
	stale := content()
	stale.Prompt = "另一个窗口里写的"
	_, err = triplet.Save(ctx, d, by, tr.ID, tr.Revision, 1, stale, "")
	var se *triplet.StaleError
	if !errors.As(err, &se) || !errors.Is(err, errs.Conflict) || se.Current.Content.V.Prompt != "新的提示" || se.Current.Revision != n {
		t.Fatalf("a stale save gave %v", err)
	}
	if _, err := triplet.Save(ctx, d, other, tr.ID, n, 1, stale, ""); !errors.Is(err, errs.NotFound) {
		t.Errorf("somebody else's save gave %v", err)
	}
	if n, err = triplet.Restore(ctx, d, by, tr.ID, 1, n); err != nil || n != 3 {
		t.Fatal(n, err)
	}
	rs, err := triplet.Revisions(ctx, d, tr.ID, 10)
	if err != nil || len(rs) != 3 || rs[0].Note != "restore 1" {
		t.Fatalf("%+v, %v", rs, err)
	}
	got, err := triplet.RevisionAt(ctx, d, tr.ID, 2)
	if err != nil || got.Content.V.Prompt != "新的提示" {
		t.Errorf("what was overwritten is gone: %+v, %v", got, err)
	}
}

func TestConcurrentSaves(t *testing.T) {
	d, ctx := dbtest.Open(t), context.Background()
	by := dbtest.Person(t, d, "lin", "annotator")
	tr := drafted(t, d, by)
	var saved atomic.Int32
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			c := content()
			c.Prompt = strings.Repeat("字", i+1)
			if _, err := triplet.Save(ctx, d, by, tr.ID, tr.Revision, 1, c, ""); err == nil {
				saved.Add(1)
			} else if !errors.Is(err, errs.Conflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if saved.Load() != 1 {
		t.Errorf("%d of six saves on one revision were acknowledged", saved.Load())
	}
}

func TestTheRoadToReview(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	by, lead := dbtest.Person(t, d, "lin", "annotator"), dbtest.Person(t, d, "xu", "lead")
	tr := drafted(t, d, by)
	bare, err := triplet.Claim(ctx, d, by, pooled(t, d, "essay", 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := triplet.Submit(ctx, d, by, bare.ID, 0); len(errs.FieldsOf(err)) != 3 {
		t.Errorf("an empty draft was submitted: %v", err)
	}
	if err := triplet.Submit(ctx, d, by, tr.ID, 0); !errors.Is(err, errs.Conflict) {
		t.Errorf("a stale submit gave %v", err)
	}
	if err := triplet.Submit(ctx, d, by, tr.ID, tr.Revision); err != nil {
		t.Fatal(err)
	}
	if _, err := triplet.Save(ctx, d, by, tr.ID, tr.Revision, 1, triplet.Content{}, ""); !errors.Is(err, errs.Conflict) {
		t.Errorf("a submitted triplet was changed: %v", err)
	}
	if _, err := triplet.ScoreByHand(ctx, d, by, tr.ID, triplet.Scores{9, 9, 9, 9, 9, 9}, nil); !errors.Is(err, errs.Forbidden) {
		t.Errorf("scoring one's own gave %v", err)
	}
	if _, err := triplet.ScoreByHand(ctx, d, lead, tr.ID, triplet.Scores{9, 9, 9, 9, 9, 0}, nil); len(errs.FieldsOf(err)) != 1 {
		t.Errorf("a missing mark gave %v", err)
	}
	sheet, err := triplet.ScoreByHand(ctx, d, lead, tr.ID, triplet.Scores{9, 9, 9, 9, 9, 7}, map[string]string{"reasoning": "空泛"})
	if err != nil || sheet.Passed || state(t, d, tr.ID) != triplet.Returned {
		t.Fatal(sheet, err)
	}
	if err := triplet.Submit(ctx, d, by, tr.ID, tr.Revision); err != nil {
		t.Fatal(err)
	}
	if sheet, err = triplet.ScoreByHand(ctx, d, lead, tr.ID, triplet.Scores{9, 9, 9, 9, 9, 8}, nil); err != nil || !sheet.Passed {
		t.Fatal(sheet, err)
	}
	got, err := triplet.Get(ctx, d, tr.ID)
	if err != nil || got.State != triplet.InReview || got.Round != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	h, err := audit.History(ctx, d, "triplet", tr.ID)
	if err != nil || len(h) != 5 {
		t.Errorf("history has %d entries: %+v", len(h), h)
	}
	if err := triplet.Abandon(ctx, d, by, bare.ID, "不合适"); err != nil {
		t.Fatal(err)
	}
	if s, err := source.Get(ctx, d, bare.SourceID); err != nil || s.State != source.Pool {
		t.Errorf("the source of an abandoned draft is %s, %v", s.State, err)
	}
}

func TestScoreByModelFailsClosed(t *testing.T) {
	for _, mode := range llm.ScriptModes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			d, ctx := dbtest.Open(t), t.Context()
			tr := submitted(t, d, dbtest.Person(t, d, "lin", "annotator"))
			script, err := llm.StartScript(llm.ScriptRule{Mode: mode})
			if err != nil {
				t.Fatal(err)
			}
			defer script.Close()
			e := script.Endpoint()
			if mode == llm.ScriptHang {
				e.Timeout = 50 * time.Millisecond
			}
			c, err := llm.NewClient(e)
			if err != nil {
				t.Fatal(err)
			}
			c.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
			sheet, err := triplet.ScoreByModel(ctx, d, c, tr.ID)
			if err == nil {
				if !sheet.Scripted || len(sheet.CallIDs.V) != 3 {
					t.Errorf("the sheet does not say where it comes from: %+v", sheet)
				}
				if mode != llm.ScriptGood && mode != llm.ScriptThink && mode != llm.ScriptNoSchema {
					t.Errorf("mode %s gave a sheet", mode)
				}
				return
			}
			if got := state(t, d, tr.ID); got != triplet.Submitted {
				t.Errorf("after %v the triplet is %s", err, got)
			}
			if ss, err := triplet.Sheets(context.Background(), d, tr.ID); err != nil || len(ss) != 0 {
				t.Errorf("a failed judge left %d sheets, %v", len(ss), err)
			}
		})
	}
}

func TestTransitionsReachEveryState(t *testing.T) {
	reached := map[string]bool{"": true}
	for range triplet.Transitions {
		for _, tr := range triplet.Transitions {
			if reached[tr.From] {
				reached[tr.To] = true
			}
		}
	}
	for _, s := range triplet.States {
		if !reached[s] {
			t.Errorf("nothing leads to %s", s)
		}
	}
}

func TestList(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	by := dbtest.Person(t, d, "lin", "annotator")
	for range 3 {
		submitted(t, d, by)
	}
	drafted(t, d, by)
	rows, next, err := triplet.List(ctx, d, triplet.Filter{States: []string{triplet.Submitted}, Limit: 2})
	if err != nil || len(rows) != 2 || next == "" {
		t.Fatal(len(rows), next, err)
	}
	rows, next, err = triplet.List(ctx, d, triplet.Filter{States: []string{triplet.Submitted}, Limit: 2, After: next})
	if err != nil || len(rows) != 1 || next != "" {
		t.Fatal(len(rows), next, err)
	}
	if rows, _, err = triplet.List(ctx, d, triplet.Filter{Query: "100%_"}); err != nil || len(rows) != 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if c, err := triplet.Counts(ctx, d, by); err != nil || c["submitted"] != 3 || c["draft"] != 1 {
		t.Error(c, err)
	}
}

// A search looks through a bounded number of texts a page, and finds all in the end.
func TestListLooksThroughTextsBounded(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	by := dbtest.Person(t, d, "lin", "annotator")
	oldest := drafted(t, d, by)
	if _, err := d.Exec(ctx, `UPDATE triplet SET article = '找得到' WHERE id = ?`, oldest.ID); err != nil {
		t.Fatal(err)
	}
	var rows []triplet.Triplet
	for range triplet.TextsAtOnce {
		rows = append(rows, triplet.Triplet{ID: db.NewID(), SourceID: oldest.SourceID, AnnotatorID: by, State: triplet.Abandoned, CreatedAt: d.Now(), UpdatedAt: d.Now()})
	}
	if err := d.Insert(ctx, &rows); err != nil {
		t.Fatal(err)
	}
	found, next, err := triplet.List(ctx, d, triplet.Filter{Query: "找得到"})
	if err != nil || len(found) != 0 || next == "" {
		t.Fatal(found, next, err)
	}
	found, next, err = triplet.List(ctx, d, triplet.Filter{Query: "找得到", After: next})
	if err != nil || len(found) != 1 || found[0].ID != oldest.ID || next != "" {
		t.Error(found, next, err)
	}
}
