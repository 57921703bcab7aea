package stats

import (
	"maps"
	"runtime"
	"slices"
	"sync"
)

// BootstrapStrengths refits Bradley-Terry on resamples of whole queries: samples are indices
// into queries. It returns the strengths by resample; a resample in which no finite strengths
// exist is left out and counted.
func BootstrapStrengths(models []string, votes []Vote, queries []string, samples [][]int) (draws [][]float64, failed int) {
	per := CountByQuery(models, votes, queries)
	fits := make([][]float64, len(samples))
	var wg sync.WaitGroup
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		wg.Go(func() {
			c := NewComparisons(models)
			for b := part; b < len(samples); b += parts {
				per.sum(c.Win, samples[b])
				if s, err := BradleyTerry(c); err == nil {
					fits[b] = s.Theta
				}
			}
		})
	}
	wg.Wait()
	for _, theta := range fits {
		if theta == nil {
			failed++
			continue
		}
		draws = append(draws, theta)
	}
	return draws, failed
}

// ByQuery are the decided votes of each query, in the order of a list of queries: the wins of each pair of
// models that has any.
type ByQuery [][]queryWins

type queryWins struct {
	winner, loser int
	n             float64
}

// CountByQuery counts decided votes query by query.
func CountByQuery(models []string, votes []Vote, queries []string) ByQuery {
	index := make(map[string]int, len(queries))
	for i, q := range queries {
		index[q] = i
	}
	k := len(models)
	counts := make([]map[int]float64, len(queries))
	for _, v := range votes {
		at := v.Left*k + v.Right
		switch v.Outcome {
		case RightWins:
			at = v.Right*k + v.Left
		case Tie, BothBad:
			continue
		}
		q := index[v.Query]
		if counts[q] == nil {
			counts[q] = map[int]float64{}
		}
		counts[q][at]++
	}
	per := make(ByQuery, len(queries))
	for q, c := range counts {
		for _, at := range slices.Sorted(maps.Keys(c)) {
			per[q] = append(per[q], queryWins{at / k, at % k, c[at]})
		}
	}
	return per
}

// sum adds up the wins of a sample of queries.
func (per ByQuery) sum(win [][]float64, sample []int) {
	for i := range win {
		clear(win[i])
	}
	for _, q := range sample {
		for _, w := range per[q] {
			win[w.winner][w.loser] += w.n
		}
	}
}

// pair returns the wins and losses of model i against j by query.
func (per ByQuery) pair(i, j int) (wins, losses []float64) {
	wins, losses = make([]float64, len(per)), make([]float64, len(per))
	for q, ws := range per {
		for _, w := range ws {
			switch {
			case w.winner == i && w.loser == j:
				wins[q] = w.n
			case w.winner == j && w.loser == i:
				losses[q] = w.n
			}
		}
	}
	return wins, losses
}

// BootstrapRate returns the decided rate of model i against j by resample of whole queries: samples are
// indices into queries.
func (per ByQuery) BootstrapRate(samples [][]int, i, j int) []float64 {
	wins, losses := per.pair(i, j)
	out := make([]float64, 0, len(samples))
	for _, sample := range samples {
		w, l := 0.0, 0.0
		for _, q := range sample {
			w, l = w+wins[q], l+losses[q]
		}
		if w+l > 0 {
			out = append(out, w/(w+l))
		}
	}
	return out
}

// A SignTest asks whether more queries favour one model than the other. Each query counts once, however
// many votes it has, so the test holds where votes on one query are alike.
type SignTest struct {
	For, Against, Even int     // queries by what most of their decided votes say; Even ones do not count
	P                  float64 // exact, two-sided; NaN where no query says anything
}

// Sign tests model i against j with queries as the unit.
func (per ByQuery) Sign(i, j int) SignTest {
	var t SignTest
	wins, losses := per.pair(i, j)
	for q, w := range wins {
		switch l := losses[q]; {
		case w > l:
			t.For++
		case w < l:
			t.Against++
		case w > 0:
			t.Even++
		}
	}
	t.P = BinomialTest(t.For, t.For+t.Against, 0.5)
	return t
}
