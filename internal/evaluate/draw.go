package evaluate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"coigwriter/internal/bench"
	"coigwriter/internal/text"
)

// The kinds of item.
const (
	Real      = "real"
	Attention = "attention" // one answer belongs to another query: who reads notices
)

// A drawnItem is what is compared or rated: answers to one query.
type drawnItem struct {
	kind    string
	query   bench.Query
	answers []bench.Answer
	foil    int // attention: which answer belongs to another query; else -1
}

// stratum is what items are spread over raters by: the models compared, or the model rated.
func (it drawnItem) stratum() string {
	s := it.query.Language
	for _, a := range it.answers {
		s += "\x00" + a.Model
	}
	return s
}

// A drawnTask is an item in front of one person.
type drawnTask struct {
	item   int
	rater  int   // index into the plan's evaluators
	shown  []int // the item's answers in the order they are shown
	repeat int   // index into the rater's tasks of the one it repeats; -1 for none
}

// The streams of one seed: each part of the drawing has its own, so that changing one leaves the others.
const (
	streamField = iota + 1
	streamItems
	streamAttention
	streamAssign
	streamOrder
)

func (p Plan) rng(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(p.Seed, stream)) }

// drawItems makes the items of a study; the same plan and field make the same ones.
func drawItems(kind string, p Plan, field []entry, d *Drawn) (items []drawnItem) {
	rng := p.rng(streamItems)
	met := map[[2]string]int{} // how often two models were paired
	ranked := map[string]int{} // how often a model was in a ranking
	for _, e := range field {
		switch kind {
		case Pair:
			items = append(items, pairsOf(e, p, met, rng, d)...)
		case Rank:
			items = append(items, rankingOf(e, p, ranked, rng, d))
		case Rate:
			for _, a := range e.answers {
				items = append(items, drawnItem{Real, e.query, []bench.Answer{a}, -1})
			}
		}
	}
	d.Items = len(items)
	items = append(items, attentionItems(kind, p, field)...)
	d.Attention = len(items) - d.Items
	return items
}

// pairsOf takes all pairs of a query's answers, or as many as planned: those whose models met least.
func pairsOf(e entry, p Plan, met map[[2]string]int, rng *rand.Rand, d *Drawn) (items []drawnItem) {
	type candidate struct {
		a, b   bench.Answer
		chance float64
	}
	var cs []candidate
	for i, a := range e.answers {
		for _, b := range e.answers[i+1:] {
			if text.ContentHash(a.Output) == text.ContentHash(b.Output) {
				d.found(RuleIdentical, "", e.query.Code+": "+a.Model+" = "+b.Model)
				continue
			}
			cs = append(cs, candidate{a, b, rng.Float64()})
		}
	}
	count := func(c candidate) int { return met[[2]string{c.a.Model, c.b.Model}] }
	slices.SortStableFunc(cs, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(count(x), count(y)), cmp.Compare(x.chance, y.chance))
	})
	if p.Pairs > 0 && len(cs) > p.Pairs {
		cs = cs[:p.Pairs]
	}
	for _, c := range cs {
		met[[2]string{c.a.Model, c.b.Model}]++
		items = append(items, drawnItem{Real, e.query, []bench.Answer{c.a, c.b}, -1})
	}
	return items
}

// rankingOf takes the answers of one ranking: where the plan asks for fewer than there are, those whose
// models were ranked least.
func rankingOf(e entry, p Plan, ranked map[string]int, rng *rand.Rand, d *Drawn) drawnItem {
	as := slices.Clone(e.answers)
	want := min(p.ranked(), MaxRanked)
	if len(as) > want {
		shuffle(rng, as)
		slices.SortStableFunc(as, func(x, y bench.Answer) int { return cmp.Compare(ranked[x.Model], ranked[y.Model]) })
		as = as[:want]
		slices.SortFunc(as, func(x, y bench.Answer) int {
			return cmp.Compare(slices.Index(p.Models, x.Model), slices.Index(p.Models, y.Model))
		})
	}
	if len(as) < want {
		d.found(RuleFewer, "", "")
	}
	for _, a := range as {
		ranked[a.Model]++
	}
	return drawnItem{Real, e.query, as, -1}
}

// attentionItems puts an answer to another query among answers to this one: of the same language, of
// another genre, and of the nearest length, so that only reading finds it. Where there is none of
// another genre there are no attention items.
func attentionItems(kind string, p Plan, field []entry) (items []drawnItem) {
	rng := p.rng(streamAttention)
	order := rng.Perm(len(field))
	for _, i := range order {
		if len(items) == p.Attention {
			break
		}
		e := field[i]
		own := rng.IntN(len(e.answers))
		foil, ok := foilFor(e, e.answers[own], field)
		if !ok {
			continue
		}
		it := drawnItem{kind: Attention, query: e.query}
		switch kind {
		case Pair:
			it.answers, it.foil = []bench.Answer{e.answers[own], foil}, 1
		case Rank:
			n := min(p.ranked(), MaxRanked, len(e.answers))
			it.answers = slices.Clone(e.answers[:n])
			it.foil = rng.IntN(n)
			it.answers[it.foil] = foil
		case Rate:
			it.answers, it.foil = []bench.Answer{foil}, 0
		}
		items = append(items, it)
	}
	return items
}

// foilFor finds an answer to another query that is nearest in length to one of this.
func foilFor(e entry, own bench.Answer, field []entry) (foil bench.Answer, ok bool) {
	best := math.MaxInt
	for _, other := range field {
		if other.query.Language != e.query.Language || other.query.Genre == e.query.Genre {
			continue
		}
		for _, a := range other.answers {
			gap := max(a.Chars-own.Chars, own.Chars-a.Chars)
			if gap < best && a.OutputLanguage == own.OutputLanguage {
				foil, best, ok = a, gap, true
			}
		}
	}
	return foil, ok
}

// drawTasks gives every item its raters, every rater an order, and every task the order of its answers.
func drawTasks(kind string, p Plan, items []drawnItem) (tasks [][]drawnTask) {
	rng := p.rng(streamOrder)
	of := assignRaters(p, items)
	tasks = make([][]drawnTask, len(p.Evaluators))
	for r := range tasks {
		tasks[r] = orderFor(p, items, of[r], r, rng)
		arrange(kind, items, tasks[r], rng)
	}
	return tasks
}

// orderFor puts a rater's items into an order: by chance, no query twice within a few tasks where that
// can be, some again much later, attention items spread evenly.
func orderFor(p Plan, items []drawnItem, own []int, rater int, rng *rand.Rand) (out []drawnTask) {
	own = spaced(items, own, rng)
	for _, i := range own {
		out = append(out, drawnTask{item: i, rater: rater, repeat: -1})
	}
	// Repeats are of the first half and come in the last third, so that nobody remembers the place.
	n := int(math.Round(p.Repeats * float64(len(own))))
	early := rng.Perm((len(own) + 1) / 2)
	for _, i := range early[:min(n, len(early))] {
		at := len(out) - rng.IntN(max(len(out)/3, 1))
		out = slices.Insert(out, at, drawnTask{item: out[i].item, rater: rater, repeat: i})
	}
	var checks []int
	for i, it := range items {
		if it.kind == Attention {
			checks = append(checks, i)
		}
	}
	shuffle(rng, checks)
	for k, i := range checks {
		part := float64(len(out)) / float64(len(checks))
		at := min(int(part*(float64(k)+0.2+0.6*rng.Float64()))+k, len(out))
		out = slices.Insert(out, at, drawnTask{item: i, rater: rater, repeat: -1})
		for j := range out {
			if out[j].repeat >= at {
				out[j].repeat++
			}
		}
	}
	return out
}

// apart is how many tasks should lie between two of the same query.
const apart = 6

// spaced shuffles items and then takes, step by step, the first whose query was not among the last few.
func spaced(items []drawnItem, own []int, rng *rand.Rand) []int {
	left := slices.Clone(own)
	shuffle(rng, left)
	out := make([]int, 0, len(left))
	for len(left) > 0 {
		recent := map[string]bool{}
		for _, i := range out[max(len(out)-apart, 0):] {
			recent[items[i].query.ID] = true
		}
		at := slices.IndexFunc(left, func(i int) bool { return !recent[items[i].query.ID] })
		at = max(at, 0)
		out = append(out, left[at])
		left = slices.Delete(left, at, at+1)
	}
	return out
}

// arrange decides the order in which each task's answers are shown, so that within a rater every model
// stands on every place about equally often. A repeat shows its item the other way round.
func arrange(kind string, items []drawnItem, tasks []drawnTask, rng *rand.Rand) {
	stood := map[string][]int{} // model → how often on each place
	for i := range tasks {
		t := &tasks[i]
		it := items[t.item]
		if t.repeat >= 0 {
			t.shown = slices.Clone(tasks[t.repeat].shown)
			slices.Reverse(t.shown)
			continue
		}
		t.shown = arrangement(it, stood, rng)
		if it.kind != Real {
			continue
		}
		for place, j := range t.shown {
			m := it.answers[j].Model
			if stood[m] == nil {
				stood[m] = make([]int, MaxRanked)
			}
			stood[m][place]++
		}
	}
}

// arrangement finds the order in which models stand where they stood least so far; chance breaks ties.
func arrangement(it drawnItem, stood map[string][]int, rng *rand.Rand) []int {
	best, least := []int(nil), math.Inf(1)
	for range 4 * len(it.answers) {
		order := rng.Perm(len(it.answers))
		cost := 0.0
		for place, j := range order {
			if s := stood[it.answers[j].Model]; s != nil {
				cost += float64(s[place] * s[place])
			}
		}
		if cost < least {
			best, least = order, cost
		}
	}
	return best
}
