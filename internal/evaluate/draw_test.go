package evaluate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coigwriter/internal/bench"
)

// fieldFor makes a field of n queries over six genres with an answer of each model.
func fieldFor(n int, models []string) (field []entry) {
	for i := range n {
		e := entry{query: bench.Query{ID: fmt.Sprint("q", i), Code: fmt.Sprint("q", i), Language: []string{"zh", "en"}[i%2], Genre: fmt.Sprint("g", i%6)}}
		for k, m := range models {
			e.answers = append(e.answers, bench.Answer{ID: fmt.Sprint("q", i, m), QueryID: e.query.ID, Model: m, Output: fmt.Sprintf("%d的第%d种", i, k), Chars: 100 + 10*k, OutputLanguage: e.query.Language})
		}
		field = append(field, e)
	}
	return field
}

func evaluators(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprint("p", i))
	}
	return out
}

// Whatever the plan, every item has its raters, nobody has one twice, loads are level, every place of the
// screen is shared fairly, and nothing is shown that is not the item's.
func TestDrawIsBalanced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := DefaultPlan()
		kind := rapid.SampledFrom(Kinds).Draw(t, "kind")
		p.Models = models[:rapid.IntRange(3, 5).Draw(t, "models")]
		p.Evaluators = evaluators(rapid.IntRange(1, 9).Draw(t, "raters"))
		p.Overlap = rapid.IntRange(1, len(p.Evaluators)).Draw(t, "overlap")
		p.Shared = rapid.Float64Range(0, 1).Draw(t, "shared")
		p.Repeats = rapid.Float64Range(0, 0.3).Draw(t, "repeats")
		p.Attention = rapid.IntRange(0, 4).Draw(t, "attention")
		p.Seed = rapid.Uint64().Draw(t, "seed")
		if kind == Rate && rapid.Bool().Draw(t, "by model") {
			p.Assignment = ByModel
		}
		var d Drawn
		field := fieldFor(rapid.IntRange(2, 14).Draw(t, "queries"), p.Models)
		items := drawItems(kind, p, field, &d)
		needs := needsOf(p, items)
		tasks := drawTasks(kind, p, items)
		raters := make([]map[int]int, len(items)) // item → rater → times
		for i := range raters {
			raters[i] = map[int]int{}
		}
		least, most := math.MaxInt, 0
		for r, ts := range tasks {
			real := 0
			for i, task := range ts {
				it := items[task.item]
				if got := slices.Sorted(slices.Values(task.shown)); !slices.Equal(got, upTo(len(it.answers))) {
					t.Fatalf("%v is no order of %d answers", task.shown, len(it.answers))
				}
				if task.repeat < 0 {
					raters[task.item][r]++
					if it.kind == Real {
						real++
					}
					continue
				}
				first := ts[task.repeat]
				if task.repeat >= i || first.item != task.item || it.kind != Real {
					t.Fatalf("task %d repeats %d, which is not an earlier real task of the item", i, task.repeat)
				}
				turned := slices.Clone(first.shown)
				slices.Reverse(turned)
				if !slices.Equal(turned, task.shown) {
					t.Fatalf("a repeat shows %v after %v", task.shown, first.shown)
				}
			}
			least, most = min(least, real), max(most, real)
		}
		shared := 0
		for i, it := range items {
			for r, n := range raters[i] {
				if n != 1 {
					t.Fatalf("rater %d has item %d %d times", r, i, n)
				}
			}
			switch {
			case it.kind == Attention && len(raters[i]) != len(p.Evaluators):
				t.Fatalf("attention item %d has %d raters of %d", i, len(raters[i]), len(p.Evaluators))
			case it.kind == Real && p.Assignment == Balanced && len(raters[i]) != needs[i]:
				t.Fatalf("item %d has %d raters, want %d", i, len(raters[i]), needs[i])
			case it.kind == Real && len(raters[i]) == 0:
				t.Fatalf("item %d has no rater", i)
			case it.kind == Real && needs[i] == p.Overlap && p.Overlap > 1:
				shared++
			}
		}
		if p.Assignment == Balanced && most-least > 2 {
			t.Fatalf("loads from %d to %d", least, most)
		}
		if want := p.Shared * float64(d.Items); p.Overlap > 1 && math.Abs(float64(shared)-want) > 1 {
			t.Fatalf("%d of %d items are shared, want %.1f", shared, d.Items, want)
		}
		again := drawTasks(kind, p, drawItems(kind, p, field, &Drawn{}))
		if fmt.Sprint(again) != fmt.Sprint(tasks) {
			t.Fatal("the same plan drew other tasks")
		}
	})
}

func upTo(n int) (out []int) {
	for i := range n {
		out = append(out, i)
	}
	return out
}

// Within a rater a model stands on every place about equally often, also where few tasks are to be had.
func TestPlacesAreShared(t *testing.T) {
	for _, kind := range []string{Pair, Rank} {
		p := DefaultPlan()
		p.Models, p.Evaluators, p.Overlap, p.Shared, p.Repeats, p.Attention = models, evaluators(4), 1, 0, 0, 0
		items := drawItems(kind, p, fieldFor(40, models), &Drawn{})
		for r, ts := range drawTasks(kind, p, items) {
			stood := map[string][]int{}
			for _, task := range ts {
				for place, j := range task.shown {
					m := items[task.item].answers[j].Model
					if stood[m] == nil {
						stood[m] = make([]int, len(task.shown))
					}
					stood[m][place]++
				}
			}
			for m, places := range stood {
				if gap := slices.Max(places) - slices.Min(places); gap > 3 {
					t.Errorf("%s: rater %d has %s on places %v", kind, r, m, places)
				}
			}
		}
	}
}

// A query does not come again within a few tasks, where there are enough others.
func TestTasksOfAQueryLieApart(t *testing.T) {
	p := DefaultPlan()
	p.Models, p.Evaluators, p.Overlap, p.Repeats, p.Attention = models, evaluators(3), 1, 0, 0
	items := drawItems(Pair, p, fieldFor(60, models), &Drawn{})
	for _, ts := range drawTasks(Pair, p, items) {
		for i, task := range ts[:len(ts)-2*apart] { // the last ones are what is left
			for _, next := range ts[i+1 : min(i+apart, len(ts))] {
				if items[task.item].query.ID == items[next.item].query.ID {
					t.Fatalf("query %s again within %d tasks", items[task.item].query.ID, apart)
				}
			}
		}
	}
}

// Fewer pairs a query than there are: all pairs of models meet about equally often.
func TestPairsMeetEqually(t *testing.T) {
	p := DefaultPlan()
	p.Models, p.Evaluators, p.Pairs, p.Attention = models, evaluators(3), 3, 0
	met := map[string]int{}
	items := drawItems(Pair, p, fieldFor(50, models), &Drawn{})
	for _, it := range items {
		met[it.answers[0].Model+it.answers[1].Model]++
	}
	if len(items) != 150 || len(met) != 10 {
		t.Fatalf("%d items of %d pairs", len(items), len(met))
	}
	for pair, n := range met {
		if n != 15 {
			t.Errorf("%s met %d times, want 15", pair, n)
		}
	}
}

// By model: everybody has work, and every model as many raters as planned, or more.
func TestModelSets(t *testing.T) {
	for raters := 1; raters <= 12; raters++ {
		for overlap := 1; overlap <= raters; overlap++ {
			p := Plan{Models: models, Evaluators: evaluators(raters), Overlap: overlap}
			n := map[string]int{}
			for r, set := range modelSets(p) {
				if len(set) == 0 {
					t.Errorf("%d raters, overlap %d: rater %d has no model", raters, overlap, r)
				}
				for _, m := range set {
					n[m]++
				}
			}
			for _, m := range models {
				if n[m] < overlap {
					t.Errorf("%d raters, overlap %d: %s has %d", raters, overlap, m, n[m])
				}
			}
		}
	}
}

// A foil belongs to a query of another genre in the same language.
func TestFoils(t *testing.T) {
	p := DefaultPlan()
	p.Models, p.Evaluators, p.Attention = models, evaluators(2), 5
	field := fieldFor(12, models)
	genre := map[string]bench.Query{}
	for _, e := range field {
		genre[e.query.ID] = e.query
	}
	for _, kind := range Kinds {
		items := attentionItems(kind, p, field)
		if len(items) != 5 {
			t.Errorf("%s: %d attention items", kind, len(items))
		}
		for _, it := range items {
			for i, a := range it.answers {
				own, of := it.query, genre[a.QueryID]
				if i == it.foil && (of.Genre == own.Genre || of.Language != own.Language) {
					t.Errorf("%s: the foil is of %s/%s like the query", kind, of.Language, of.Genre)
				}
				if i != it.foil && a.QueryID != own.ID {
					t.Errorf("%s: answer %d belongs to %s", kind, i, a.QueryID)
				}
			}
		}
	}
	if one := attentionItems(Pair, p, field[:1]); len(one) != 0 {
		t.Errorf("a foil was found where there is no other genre")
	}
}

func TestNamesItself(t *testing.T) {
	for s, want := range map[string]bool{
		"我是通义千问，由阿里云开发。":                       true,
		"As ChatGPT, I cannot smell the rain.": true,
		"作为 alpha，我写下":                         false, // a space between
		"作为alpha，我写下这一篇":                       true,
		"他问：“ChatGPT 会写诗吗？”":                   false,
		"The Gemini capsule splashed down.":    false,
		"我是一个爱写字的人，作为母亲，我……":                   false,
		strings.Repeat("灯还亮着。", 100):           false,
	} {
		if got := namesItself(s, models); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
