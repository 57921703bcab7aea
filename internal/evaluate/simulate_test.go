package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"coigwriter/internal/analysis"
	"coigwriter/internal/bench"
	"coigwriter/internal/record"
)

// A world is models of known strengths in front of raters of known habits.
type world struct {
	strength []float64 // logits
	spread   float64   // of how much better or worse a model does on one query
	first    []float64 // by rater: liking of what is shown first, in logits
	lapse    float64   // share of votes given without looking
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// votes simulates a study: its real drawing, with votes drawn from the world.
func (w world) votes(p Plan, queries int, rng *rand.Rand) (out []record.Vote) {
	field := fieldFor(queries, p.Models)
	form := map[string]float64{} // of a model on a query
	for _, e := range field {
		for _, m := range p.Models {
			form[e.query.ID+m] = rng.NormFloat64() * w.spread
		}
	}
	items := drawItems(Pair, p, field, &Drawn{})
	for r, ts := range drawTasks(Pair, p, items) {
		for _, task := range ts {
			it := items[task.item]
			if it.kind != Real || task.repeat >= 0 {
				continue
			}
			worth := func(a bench.Answer) float64 {
				return w.strength[slices.Index(p.Models, a.Model)] + form[it.query.ID+a.Model]
			}
			one := logistic(worth(it.answers[task.shown[0]]) - worth(it.answers[task.shown[1]]) + w.first[r])
			if rng.Float64() < w.lapse {
				one = 0.5
			}
			chosen := task.shown[0]
			if rng.Float64() >= one {
				chosen = task.shown[1]
			}
			out = append(out, record.Vote{
				QueryID: it.query.Code, Language: "zh", Genre: it.query.Genre, ModelA: it.answers[0].Model, ModelB: it.answers[1].Model,
				Winner: sides[chosen], First: sides[task.shown[0]], Rater: p.Evaluators[r],
			})
		}
	}
	return out
}

// truth is the share of wins of model i against j over all queries and raters, by numerical integration
// over how well both do on a query.
func (w world) truth(i, j int) float64 {
	const steps = 2000
	sum, weight := 0.0, 0.0
	for k := range steps {
		z := -5 + 10*(float64(k)+0.5)/steps
		density := math.Exp(-z * z / 2)
		gap := w.strength[i] - w.strength[j] + z*w.spread*math.Sqrt2
		p := 0.0
		for _, first := range w.first {
			p += (logistic(gap+first) + logistic(gap-first)) / 2 / float64(len(w.first))
		}
		sum, weight = sum+density*((1-w.lapse)*p+w.lapse/2), weight+density
	}
	return sum / weight
}

// A study as we draw it, in front of simulated raters of known strengths, likings of places and lapses:
// the intervals that resample queries hold the truth in 93 to 97 of 100 cases, and the sides are balanced
// well enough that a liking of the first place moves no win rate.
func TestSimulatedStudiesCover(t *testing.T) {
	t.Parallel()
	w := world{strength: []float64{-0.5, -0.2, 0.1, 0.5, 0.1}, spread: 0.6, first: []float64{0, 0.3, -0.2, 0.5, 0, 0.8}, lapse: 0.04}
	p := DefaultPlan()
	p.Models, p.Evaluators, p.Overlap, p.Shared, p.Attention, p.Repeats = models, evaluators(6), 2, 0.5, 0, 0
	truth := map[[2]string]float64{}
	for i, a := range models {
		for j, b := range models {
			truth[[2]string{a, b}] = w.truth(i, j)
		}
	}
	const runs = 120
	rng := rand.New(rand.NewPCG(2026, 11))
	hit, n := 0, 0
	var bias float64
	for run := range runs {
		p.Seed = uint64(run + 1)
		v := analysis.NewVotes(models...)
		for _, x := range w.votes(p, 80, rng) {
			v.Add(x)
		}
		for _, pair := range v.WinRates("zh", analysis.VoteOptions{Bootstrap: 300, Seed: uint64(run)}).Pairs {
			want := truth[[2]string{pair.A, pair.B}]
			n++
			bias += (float64(pair.Rate) - want) / (runs * 10)
			if float64(pair.Cluster.Lo) <= want && want <= float64(pair.Cluster.Hi) {
				hit++
			}
		}
	}
	cover := float64(hit) / float64(n)
	t.Logf("%d intervals, %.1f%% hold the truth; mean error of the rates %+.4f", n, 100*cover, bias)
	if cover < 0.93 || cover > 0.97 {
		t.Errorf("intervals hold the truth in %.1f%% of cases, want 93 to 97", 100*cover)
	}
	if math.Abs(bias) > 0.005 {
		t.Errorf("rates are off by %+.4f on average", bias)
	}
}

// Raters who like the first place are flagged after correction over raters, fair ones hardly ever.
func TestBiasedRatersAreFlagged(t *testing.T) {
	t.Parallel()
	w := world{strength: []float64{-0.5, -0.2, 0.1, 0.5, 0.1}, spread: 0.6, first: []float64{0, 0, 0, 0, 1.2, -1.2}, lapse: 0.04}
	p := DefaultPlan()
	p.Models, p.Evaluators, p.Overlap, p.Shared, p.Attention, p.Repeats = models, evaluators(6), 1, 0, 0, 0
	rng := rand.New(rand.NewPCG(5, 5))
	caught, falsely, fair, biased := 0, 0, 0, 0
	for run := range 30 {
		p.Seed = uint64(run + 1)
		v := analysis.NewVotes(models...)
		for _, x := range w.votes(p, 100, rng) {
			v.Add(x)
		}
		s, err := v.Strengths("zh", analysis.VoteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for r, line := range s.Raters {
			flagged := line.FirstHolm < 0.05
			switch {
			case w.first[r] == 0:
				fair++
				falsely += map[bool]int{true: 1}[flagged]
			default:
				biased++
				caught += map[bool]int{true: 1}[flagged]
			}
		}
	}
	t.Logf("%d of %d biased raters flagged, %d of %d fair ones", caught, biased, falsely, fair)
	if caught < biased*95/100 || falsely > fair*3/100 {
		t.Errorf("%d of %d biased raters flagged, %d of %d fair ones", caught, biased, falsely, fair)
	}
}

// The rule of attention items, as planned: who reads stays, who guesses goes. Of four items a guesser
// passes all with a chance of one in sixteen.
func TestAttentionRule(t *testing.T) {
	t.Parallel()
	l := newLab(t, 12, 20, nil)
	s := l.begin(t, "注意力", Pair, l.plan(func(p *Plan) { p.Attention, p.Repeats, p.Overlap, p.Shared, p.MaxFailed = 6, 0, 1, 0, 1 }))
	read := careful(Pair)
	l.everybody(t, s, func(rng *rand.Rand, rater int, shown []string, foil int) Given {
		switch {
		case rater < 10: // reads, with lapses
			if rng.Float64() < 0.02 {
				return Given{Winner: sides[rng.IntN(2)]}
			}
			return read(rng, rater, shown, foil)
		case rater < 15: // clicks at random
			return Given{Winner: sides[rng.IntN(2)]}
		case rater < 17: // always the first
			return Given{Winner: "a"}
		}
		return Given{Winner: winTie} // never decides
	})
	rs, err := Raters(t.Context(), l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for i, id := range l.eyes {
		place[id] = i
	}
	var kept, gone int
	for _, r := range rs {
		if r.Checked != 6 {
			t.Errorf("%d attention items", r.Checked)
		}
		i := place[r.PersonID]
		if i < 10 && r.Excluded {
			t.Errorf("a rater who reads is excluded: %+v", r)
		}
		if i >= 17 && !r.Excluded {
			t.Errorf("who never decides stays: %+v", r)
		}
		if i >= 10 && r.Excluded {
			gone++
		}
		if !r.Excluded {
			kept++
		}
	}
	if gone < 8 || kept+gone != len(rs) {
		t.Errorf("%d of 10 careless raters are excluded, %s", gone, fmt.Sprint(kept, " kept"))
	}
}
