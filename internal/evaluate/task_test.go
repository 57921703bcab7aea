package evaluate

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// first returns a rater's next task.
func (l *lab) first(t *testing.T, s Study, person string) string {
	t.Helper()
	id, err := Next(t.Context(), l.d, person, s.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A double click is one vote; another verdict is refused until the first is taken back, which is possible
// for a minute; all of it stays in the history.
func TestVerdictOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, 6, 2, nil)
	s := l.begin(t, "一", Pair, l.plan(nil))
	ctx, me := t.Context(), l.eyes[0]
	id := l.first(t, s, me)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := Give(ctx, l.d, me, id, Given{Winner: "a"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var n int
	if err := l.d.One(ctx, &n, `SELECT COUNT(*) FROM study_verdict WHERE task_id = ?`, id); err != nil || n != 1 {
		t.Errorf("%d verdicts, %v", n, err)
	}
	if _, err := Give(ctx, l.d, me, id, Given{Winner: "b"}); !errors.Is(err, errs.Conflict) {
		t.Errorf("another verdict: %v", err)
	}
	if sh, err := Show(ctx, l.d, me, id, true); err != nil || !sh.Done || sh.Given.Winner != "a" || sh.Back <= 0 {
		t.Errorf("%+v, %v", sh, err)
	}
	l.now = l.now.Add(TakeBackFor - time.Second)
	if last, left, err := Last(ctx, l.d, me, s.ID); err != nil || last != id || left != time.Second {
		t.Errorf("%s, %v, %v", last, left, err)
	}
	if err := TakeBack(ctx, l.d, me, id); err != nil {
		t.Fatal(err)
	}
	if err := TakeBack(ctx, l.d, me, id); err != nil {
		t.Errorf("taking back twice: %v", err)
	}
	if _, err := Give(ctx, l.d, me, id, Given{Winner: "tie"}); err != nil {
		t.Fatal(err)
	}
	l.now = l.now.Add(TakeBackFor + time.Second)
	if err := TakeBack(ctx, l.d, me, id); !errors.Is(err, errs.Conflict) {
		t.Errorf("after a minute: %v", err)
	}
	r, err := RecordsOf(ctx, l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(r.Found, func(f Found) bool { return f.Rule == RuleTakenBack }); i < 0 || r.Found[i].Count != 1 {
		t.Errorf("%+v", r.Found)
	}
}

func TestVerdictsThatAreNone(t *testing.T) {
	t.Parallel()
	l := newLab(t, 6, 2, nil)
	ctx, me := t.Context(), l.eyes[0]
	pair := l.begin(t, "一", Pair, l.plan(nil))
	rank := l.begin(t, "二", Rank, l.plan(nil))
	rate := l.begin(t, "三", Rate, l.plan(nil))
	all := map[string]int{}
	for _, d := range Dimensions {
		all[d.Key] = 3
	}
	more := map[string]int{"wit": 3}
	for k := range all {
		more[k] = 1
	}
	for name, tt := range map[string]struct {
		study Study
		given Given
		field string
	}{
		"no winner":       {pair, Given{}, "winner"},
		"a model's name":  {pair, Given{Winner: "alpha"}, "winner"},
		"a stored winner": {pair, Given{Winner: "0"}, "winner"},
		"a long note":     {pair, Given{Winner: "a", Note: strings.Repeat("长", 2001)}, "note"},
		"no ranking":      {rank, Given{}, "ranked"},
		"a gap":           {rank, Given{Ranked: []int{0, 1, 2, 3}}, "ranked"},
		"a tie":           {rank, Given{Ranked: []int{0, 1, 1, 2, 3}}, "ranked"},
		"one too many":    {rank, Given{Ranked: []int{0, 1, 2, 3, 4, 5}}, "ranked"},
		"below zero":      {rank, Given{Ranked: []int{-1, 1, 2, 3, 4}}, "ranked"},
		"no marks":        {rate, Given{}, "content_quality"},
		"a mark of 4":     {rate, Given{Marks: map[string]int{"content_quality": 4}}, "content_quality"},
		"no dimension":    {rate, Given{Marks: more}, "wit"},
	} {
		id := l.first(t, tt.study, me)
		_, err := Give(ctx, l.d, me, id, tt.given)
		if fs := errs.FieldsOf(err); !errors.Is(err, errs.Invalid) || len(fs) == 0 || !slices.ContainsFunc(fs, func(f errs.Field) bool { return f.Name == tt.field }) {
			t.Errorf("%s: %v", name, err)
		}
		if again := l.first(t, tt.study, me); again != id {
			t.Errorf("%s: the task is done", name)
		}
	}
	// Somebody else's task is none of one's business.
	id := l.first(t, pair, l.eyes[1])
	if _, err := Give(ctx, l.d, me, id, Given{Winner: "a"}); !errors.Is(err, errs.NotFound) {
		t.Errorf("somebody else's task: %v", err)
	}
	if _, err := Show(ctx, l.d, me, id, true); !errors.Is(err, errs.NotFound) {
		t.Errorf("somebody else's task: %v", err)
	}
	if _, err := Move(ctx, l.d, l.lead, pair.ID, Closed, " "); !errors.Is(err, errs.Invalid) {
		t.Errorf("closed before its end without a reason: %v", err)
	}
	if _, err := Move(ctx, l.d, l.lead, pair.ID, Closed, "够了"); err != nil {
		t.Fatal(err)
	}
	if _, err := Give(ctx, l.d, me, l.first(t, pair, me), Given{Winner: "a"}); !errors.Is(err, errs.Conflict) {
		t.Errorf("a closed study: %v", err)
	}
}

// Answers that are missing, failed, empty, the same, in another language, cut, or that name their model:
// each by its rule, counted, by model.
func TestAnswersThatAreOdd(t *testing.T) {
	t.Parallel()
	l := newLab(t, 12, 2, func(gs []record.Generation) (out []record.Generation) {
		for _, g := range gs {
			switch {
			case g.QueryID == "q-000" && g.Model == "alpha":
				continue // missing
			case g.QueryID == "q-001" && g.Model == "alpha":
				g.Output = " \n" // empty
			case g.QueryID == "q-002" && (g.Model == "alpha" || g.Model == "beta"):
				g.Output = "一字不差的两篇。"
			case g.QueryID == "q-003" && g.Model == "gamma":
				g.Output = "这一篇用中文答了英文的题目，从头到尾都是中文，没有一个英文字母。" // switched
			case g.QueryID == "q-004" && g.Model == "gamma":
				g.Finish = "length" // cut
			case g.QueryID == "q-006" && g.Model == "delta":
				g.Output = "我是通义千问。" + g.Output
			case g.QueryID == "q-008" && g.Model != "alpha":
				continue // only one answer is left
			}
			out = append(out, g)
		}
		return out
	})
	for _, kind := range []string{Pair, Rank} {
		o, err := Look(t.Context(), l.d, kind, l.plan(nil))
		if err != nil {
			t.Fatal(err)
		}
		for rule, want := range map[string]int{RuleMissing: 5, RuleEmpty: 1, RuleIdentical: 1, RuleSwitched: 1, RuleCut: 1, RuleNamed: 1, RuleFew: 1} {
			if got := o.Drawn.Count(rule); got != want {
				t.Errorf("%s: %s %d times, want %d; %+v", kind, rule, got, want, o.Drawn)
			}
		}
		if o.Drawn.Queries != 11 {
			t.Errorf("%s: %d queries", kind, o.Drawn.Queries)
		}
	}
	o, err := Look(t.Context(), l.d, Pair, l.plan(nil))
	if err != nil {
		t.Fatal(err)
	}
	// 11 queries of ten pairs, less the four of a model without an answer in three of them, less one
	// pair of answers that are the same.
	if want := 110 - 3*4 - 1; o.Drawn.Items != want {
		t.Errorf("%d pairs, want %d", o.Drawn.Items, want)
	}
	s := l.begin(t, "排序", Rank, l.plan(nil))
	items, err := Items(t.Context(), l.d, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[int]int{}
	for _, it := range items {
		if it.Kind == Real {
			sizes[len(it.Answers.V)]++
		}
	}
	if sizes[5] != 7 || sizes[4] != 4 || s.Drawn.V.Count(RuleFewer) != 4 {
		t.Errorf("rankings of %v answers, %d of fewer", sizes, s.Drawn.V.Count(RuleFewer))
	}
}

// A query withdrawn after it was voted on: its votes stay and count no more, its tasks are passed over.
func TestQueryWithdrawnAfterVotes(t *testing.T) {
	t.Parallel()
	l := newLab(t, 6, 2, nil)
	s := l.begin(t, "一", Pair, l.plan(func(p *Plan) { p.Attention, p.Repeats = 0, 0 }))
	l.everybody(t, s, careful(Pair))
	before, err := RecordsOf(t.Context(), l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	qs, err := bench.Queries(t.Context(), l.d, l.set.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := bench.Withdraw(t.Context(), l.d, l.lead, qs[0].ID, "题面有误"); err != nil {
		t.Fatal(err)
	}
	after, err := RecordsOf(t.Context(), l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	gone := 0
	for _, v := range before.Votes {
		if v.QueryID == qs[0].Code {
			gone++
		}
	}
	i := slices.IndexFunc(after.Found, func(f Found) bool { return f.Rule == RuleNotCounted })
	if gone == 0 || len(after.Votes) != len(before.Votes)-gone || i < 0 || after.Found[i].Count != gone {
		t.Errorf("%d votes after %d, %d of them on the query; %+v", len(after.Votes), len(before.Votes), gone, after.Found)
	}
	open := l.begin(t, "二", Pair, l.plan(func(p *Plan) { p.Attention, p.Repeats = 0, 0 }))
	if open.Drawn.V.Count(RuleWithdrawn) != 1 || open.Drawn.V.Queries != 5 {
		t.Errorf("%+v", open.Drawn.V)
	}
	if err := bench.Withdraw(t.Context(), l.d, l.lead, qs[1].ID, "与另一题相同"); err != nil {
		t.Fatal(err)
	}
	l.everybody(t, open, careful(Pair))
	r, err := RecordsOf(t.Context(), l.d, open)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Votes {
		if v.QueryID == qs[1].Code {
			t.Fatalf("a withdrawn query was voted on: %+v", v)
		}
	}
}

// A rater who stops half way: their open tasks go to another, which is a deviation; and a rater who fails
// the attention items does not count, by the rule of the plan.
func TestRatersWhoStopOrDoNotRead(t *testing.T) {
	t.Parallel()
	l := newLab(t, 12, 3, nil)
	ctx := t.Context()
	s := l.begin(t, "一", Pair, l.plan(func(p *Plan) { p.Overlap, p.Shared, p.Repeats, p.Attention, p.MaxFailed = 1, 0, 0.1, 3, 1 }))
	for range 5 {
		if _, err := Give(ctx, l.d, l.eyes[2], l.first(t, s, l.eyes[2]), Given{Winner: "tie"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Reassign(ctx, l.d, l.lead, s.ID, l.eyes[2], l.eyes[0], " "); !errors.Is(err, errs.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	if _, err := Reassign(ctx, l.d, l.lead, s.ID, l.eyes[2], l.lead, "病了"); !errors.Is(err, errs.Conflict) {
		t.Errorf("to somebody who may not evaluate: %v", err)
	}
	moved, err := Reassign(ctx, l.d, l.lead, s.ID, l.eyes[2], l.eyes[0], "病了")
	if err != nil || moved < 30 {
		t.Fatalf("%d tasks moved, %v", moved, err)
	}
	read := careful(Pair)
	l.everybody(t, s, func(rng *rand.Rand, rater int, shown []string, foil int) Given {
		if rater == 1 {
			return Given{Winner: sides[rng.IntN(2)]}
		}
		return read(rng, rater, shown, foil)
	})
	r, err := RecordsOf(ctx, l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]Rater{}
	for _, p := range r.Raters {
		byID[p.PersonID] = p
	}
	if p := byID[l.eyes[0]]; p.Excluded || p.Passed != 3 {
		t.Errorf("who reads: %+v", p)
	}
	failed := byID[l.eyes[1]]
	if failed.Excluded != (failed.Checked-failed.Passed > 1) || failed.Excluded != failed.ByRule {
		t.Errorf("who guesses: %+v", failed)
	}
	if err := Exclude(ctx, l.d, l.lead, s.ID, l.eyes[2], "没做完"); err != nil {
		t.Fatal(err)
	}
	r, err = RecordsOf(ctx, l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.Votes {
		if v.Rater == byID[l.eyes[2]].Pseudonym {
			t.Fatalf("an excluded rater's vote counts: %+v", v)
		}
	}
	ds, err := Deviations(ctx, l.d, s.ID)
	if err != nil || len(ds) != 2 || ds[0].What != "reassign" || ds[1].What != "exclude" {
		t.Errorf("%+v, %v", ds, err)
	}
	if _, err := Move(ctx, l.d, l.lead, s.ID, Closed, ""); err != nil {
		t.Fatal(err)
	}
	if ds, err = Deviations(ctx, l.d, s.ID); err != nil || len(ds) != 2 {
		t.Errorf("closing when all is done is as planned: %+v, %v", ds, err)
	}
	early := l.begin(t, "二", Pair, l.plan(nil))
	for _, to := range []string{Closed, Open} {
		if _, err := Move(ctx, l.d, l.lead, early.ID, to, "时间不够"); err != nil {
			t.Fatal(err)
		}
	}
	if ds, err = Deviations(ctx, l.d, early.ID); err != nil || len(ds) != 2 || ds[0].What != "close-early" || ds[1].What != "reopen" {
		t.Errorf("%+v, %v", ds, err)
	}
}

func TestPlansThatAreNone(t *testing.T) {
	t.Parallel()
	l := newLab(t, 6, 2, nil)
	ctx := t.Context()
	stranger := dbtest.Person(t, l.d, "writer", "annotator")
	for name, tt := range map[string]struct {
		kind, field string
		change      func(*Plan)
	}{
		"no kind":             {"quiz", "kind", nil},
		"one model":           {Pair, "models", func(p *Plan) { p.Models = models[:1] }},
		"a model twice":       {Pair, "models", func(p *Plan) { p.Models = []string{"alpha", "alpha"} }},
		"two to rank":         {Rank, "models", func(p *Plan) { p.Models = models[:2] }},
		"nobody":              {Pair, "evaluators", func(p *Plan) { p.Evaluators = nil }},
		"somebody else":       {Pair, "evaluators", func(p *Plan) { p.Evaluators, p.Overlap = []string{stranger}, 1 }},
		"more raters than":    {Pair, "overlap", func(p *Plan) { p.Overlap = 3 }},
		"pairs by model":      {Pair, "assignment", func(p *Plan) { p.Assignment = ByModel }},
		"eleven pairs of ten": {Pair, "pairs_per_query", func(p *Plan) { p.Pairs = 11 }},
		"a share of two":      {Pair, "shared", func(p *Plan) { p.Shared = 2 }},
		"no set":              {Pair, "set_id", func(p *Plan) { p.SetID = "" }},
	} {
		_, err := New(ctx, l.d, l.lead, name, tt.kind, l.plan(tt.change))
		if !slices.ContainsFunc(errs.FieldsOf(err), func(f errs.Field) bool { return f.Name == tt.field }) {
			t.Errorf("%s: %v", name, err)
		}
	}
	draft, _, err := bench.ImportQueries(ctx, l.d, nil, l.lead, "草稿", "", nil, false)
	if err == nil {
		t.Errorf("an empty set: %+v", draft)
	}
	s, err := New(ctx, l.d, l.lead, "名字", Pair, l.plan(func(p *Plan) { p.Genres = []string{"nothing"} }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Begin(ctx, l.d, l.lead, s.ID); !errors.Is(err, errs.Invalid) {
		t.Errorf("nothing to compare: %v", err)
	}
	if _, err := New(ctx, l.d, l.lead, "名字", Pair, l.plan(nil)); !errors.Is(err, errs.Invalid) {
		t.Errorf("a name that is taken: %v", err)
	}
	if _, err := New(ctx, l.d, l.lead, "Alpha 对其余", Pair, l.plan(nil)); !slices.ContainsFunc(errs.FieldsOf(err), func(f errs.Field) bool { return f.Key == "study.names_model" }) {
		t.Errorf("a name that tells raters a model: %v", err)
	}
	// The frozen document is what its hash is of, and the plan changes no more.
	s = l.begin(t, "定稿", Pair, l.plan(nil))
	if s.PlanHash != hashOf(s.Frozen) || !strings.Contains(s.Frozen, `"seed": 1`) {
		t.Errorf("%s of %s", s.PlanHash, s.Frozen)
	}
	if _, err := Change(ctx, l.d, l.lead, s.ID, "别的", l.plan(nil)); !errors.Is(err, errs.Conflict) {
		t.Errorf("a frozen plan changed: %v", err)
	}
	if _, err := Begin(ctx, l.d, l.lead, s.ID); !errors.Is(err, errs.Conflict) {
		t.Errorf("begun twice: %v", err)
	}
}
