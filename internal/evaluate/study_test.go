package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// A lab is a database with a frozen set of queries, answers to them, and people.
type lab struct {
	d     *db.DB
	set   bench.Set
	lead  string
	eyes  []string // evaluators
	now   time.Time
	codes []string
}

var models = []string{"alpha", "beta", "gamma", "delta", "epsilon"}

// newLab makes n queries over six genres, in Chinese and English by turns, answered by the models; change
// may alter the answers before they are imported.
func newLab(t *testing.T, n, raters int, change func([]record.Generation) []record.Generation) *lab {
	t.Helper()
	return newLabIn(t, n, raters, func(i int) bool { return i%2 == 1 }, change)
}

func newLabIn(t *testing.T, n, raters int, english func(i int) bool, change func([]record.Generation) []record.Generation) *lab {
	t.Helper()
	d := dbtest.Open(t)
	l := &lab{d: d, now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), lead: dbtest.Person(t, d, "lead", "lead")}
	d.Clock = func() time.Time { return l.now }
	for i := range raters {
		l.eyes = append(l.eyes, dbtest.Person(t, d, fmt.Sprintf("eye-%02d", i), "evaluator"))
	}
	tax := genre.Default()
	var qs []record.Query
	var gs []record.Generation
	for i := range n {
		q := record.Query{ID: fmt.Sprintf("q-%03d", i), Genre: tax.Genres[i%6].ID, Language: "zh", Prompt: fmt.Sprintf("请写第%d篇短文，写一件小事，三百字左右。", i)}
		if english(i) {
			q.Language, q.Prompt = "en", fmt.Sprintf("Write piece number %d about a small matter, in about three hundred words.", i)
		}
		qs = append(qs, q)
		l.codes = append(l.codes, q.ID)
		for k, m := range models {
			text := fmt.Sprintf("第%d号作品，第%d种写法。", i, k) + strings.Repeat("灯还亮着，人已经走远了。", 3+(i+2*k)%5)
			if q.Language == "en" {
				text = fmt.Sprintf("Work %d in manner %d. ", i, k) + strings.Repeat("The lamp was still lit when they had gone. ", 3+(i+2*k)%5)
			}
			gs = append(gs, record.Generation{QueryID: q.ID, Model: m, Output: text, Finish: "stop"})
		}
	}
	if change != nil {
		gs = change(gs)
	}
	ctx := context.Background()
	set, refused, err := bench.ImportQueries(ctx, d, tax, l.lead, "测试题集", "", qs, true)
	if err != nil || len(refused) > 0 {
		t.Fatal(err, refused)
	}
	rep, err := bench.ImportAnswers(ctx, d, l.lead, set.ID, gs)
	if err != nil || len(rep.Refused) > 0 {
		t.Fatal(err, rep.Refused)
	}
	l.set = set
	return l
}

// plan is a plan of the lab's set, models and evaluators.
func (l *lab) plan(change func(*Plan)) Plan {
	p := DefaultPlan()
	p.SetID, p.Models, p.Evaluators = l.set.ID, models, l.eyes
	if change != nil {
		change(&p)
	}
	return p
}

// begin plans and opens a study.
func (l *lab) begin(t *testing.T, name, kind string, p Plan) Study {
	t.Helper()
	s, err := New(t.Context(), l.d, l.lead, name, kind, p)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Begin(t.Context(), l.d, l.lead, s.ID); err != nil {
		t.Fatal(err)
	}
	return s
}

// A chooser decides for a rater: what they say of a sheet whose texts were written by the models named.
type chooser func(rng *rand.Rand, rater int, models []string, foil int) Given

// everybody has all raters do their tasks in turn.
func (l *lab) everybody(t *testing.T, s Study, choose chooser) {
	t.Helper()
	ctx := t.Context()
	rng := rand.New(rand.NewPCG(7, 7))
	items, err := Items(ctx, l.d, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]Item{}
	for _, it := range items {
		byID[it.ID] = it
	}
	for r, person := range l.eyes {
		for {
			id, err := Next(ctx, l.d, person, s.ID, 0)
			if errors.Is(err, errs.NotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Show(ctx, l.d, person, id, true); err != nil {
				t.Fatal(err)
			}
			task, _, it, err := taskOf(ctx, l.d, person, id)
			if err != nil {
				t.Fatal(err)
			}
			var shown []string
			foil := -1
			for place, j := range task.Shown.V {
				shown = append(shown, it.Models.V[j])
				if j == it.Foil {
					foil = place
				}
			}
			l.now = l.now.Add(40 * time.Second)
			if _, err := Give(ctx, l.d, person, id, choose(rng, r, shown, foil)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// careful prefers models earlier in the list, and sees foils.
func careful(kind string) chooser {
	return func(_ *rand.Rand, _ int, shown []string, foil int) Given {
		worth := func(place int) int {
			if place == foil {
				return len(models)
			}
			return slices.Index(models, shown[place])
		}
		switch kind {
		case Pair:
			if worth(0) < worth(1) {
				return Given{Winner: "a"}
			}
			return Given{Winner: "b"}
		case Rank:
			order := make([]int, len(shown))
			for i := range order {
				order[i] = i
			}
			slices.SortFunc(order, func(a, b int) int { return worth(a) - worth(b) })
			return Given{Ranked: order}
		}
		marks := map[string]int{}
		for _, dim := range Dimensions {
			marks[dim.Key] = max(MaxMark-worth(0), 0)
		}
		return Given{Marks: marks}
	}
}

// A pair study from plan to records: what is stored is what was chosen, whichever side it stood on.
func TestPairStudy(t *testing.T) {
	t.Parallel()
	l := newLab(t, 12, 4, nil)
	s := l.begin(t, "盲评一", Pair, l.plan(func(p *Plan) { p.Overlap, p.Shared, p.Repeats, p.Attention = 2, 0.5, 0.1, 2 }))
	mine, err := Mine(t.Context(), l.d, l.eyes[0])
	if err != nil || len(mine) != 1 || mine[0].Done != 0 || mine[0].Of < 45 || mine[0].State != Open {
		t.Errorf("%+v, %v", mine, err)
	}
	if n, err := Waiting(t.Context(), l.d, l.eyes[0]); err != nil || n != mine[0].Of {
		t.Errorf("%d tasks wait, %v", n, err)
	}
	l.everybody(t, s, careful(Pair))
	if mine, err = Mine(t.Context(), l.d, l.eyes[0]); err != nil || mine[0].Done != mine[0].Of {
		t.Errorf("%+v, %v", mine, err)
	}
	r, err := RecordsOf(t.Context(), l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	if want := 12*10 + 60; len(r.Votes) != want {
		t.Errorf("%d votes, want %d", len(r.Votes), want)
	}
	for _, v := range r.Votes {
		better := v.ModelA
		if v.Winner == record.WinnerB {
			better = v.ModelB
		}
		if slices.Index(models, better) > min(slices.Index(models, v.ModelA), slices.Index(models, v.ModelB)) {
			t.Fatalf("%+v: the worse one won", v)
		}
		if v.First == "" || v.LengthA == 0 || v.Rater == "" || v.Seconds != 40 {
			t.Fatalf("%+v: side, length, rater or time is missing", v)
		}
	}
	for _, p := range r.Raters {
		if p.Checked != 2 || p.Passed != 2 || p.Excluded || p.Repeated == 0 || p.Consistent != 1 || p.Done != p.Tasks {
			t.Errorf("%+v", p)
		}
	}
	found := map[string]int{}
	for _, f := range r.Found {
		found[f.Rule] = f.Count
	}
	if found[RuleAttention] != 8 || found[RuleRepeat] == 0 || found[RuleUnfinished] != 0 {
		t.Errorf("%+v", r.Found)
	}
}

func TestRankStudy(t *testing.T) {
	t.Parallel()
	l := newLab(t, 10, 3, nil)
	s := l.begin(t, "排序", Rank, l.plan(func(p *Plan) { p.Overlap, p.Shared, p.Attention = 3, 0.3, 1 }))
	l.everybody(t, s, careful(Rank))
	r, err := RecordsOf(t.Context(), l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rankings) != 7+3*3 {
		t.Errorf("%d rankings", len(r.Rankings))
	}
	for _, k := range r.Rankings {
		if !slices.Equal(k.Ranked, models) {
			t.Errorf("%v", k.Ranked)
		}
		if slices.Equal(k.Shown, models) && k.Item == "1" {
			t.Logf("item 1 stood in the order of the plan by chance")
		}
	}
	for _, p := range r.Raters {
		if p.Passed != p.Checked || p.Checked != 1 {
			t.Errorf("%+v", p)
		}
	}
}

func TestRateStudy(t *testing.T) {
	t.Parallel()
	l := newLab(t, 8, 5, nil)
	s := l.begin(t, "评分", Rate, l.plan(func(p *Plan) { p.Assignment, p.Overlap, p.Shared, p.Attention = ByModel, 2, 1, 1 }))
	l.everybody(t, s, careful(Rate))
	r, err := RecordsOf(t.Context(), l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	if want := 8 * 5 * 2 * len(Dimensions); len(r.Ratings) != want {
		t.Errorf("%d marks, want %d", len(r.Ratings), want)
	}
	sets := map[string]map[string]bool{}
	for _, m := range r.Ratings {
		if sets[m.Rater] == nil {
			sets[m.Rater] = map[string]bool{}
		}
		sets[m.Rater][m.Model] = true
		if want := float64(max(MaxMark-slices.Index(models, m.Model), 0)); m.Score != want {
			t.Errorf("%+v, want %v", m, want)
		}
	}
	for rater, set := range sets {
		if len(set) != 2 {
			t.Errorf("%s has models %v, want a fixed set of two", rater, set)
		}
	}
}
