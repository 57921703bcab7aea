package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"coigwriter/internal/stats"
)

// Eliminating the units gives the same effects as the whole regression, with values missing; raters
// who share no unit have none.
func TestSeverity(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r := make(stats.Ratings, 30)
		var values []float64
		var unit, rater []int
		for i := range r {
			r[i] = make([]float64, 4)
			for j := range r[i] {
				r[i][j] = math.NaN()
				if rng.IntN(3) > 0 {
					r[i][j] = float64(rng.IntN(4))
					values, unit, rater = append(values, r[i][j]), append(unit, i), append(rater, j)
				}
			}
		}
		want := stats.Additive(values, [][]int{unit, rater})[1]
		for j, got := range r.Severity() {
			if math.Abs(got-want[j]) > 1e-9 {
				t.Fatalf("rater %d: %v, want %v", j, got, want[j])
			}
		}
	}
	nan := math.NaN()
	for _, x := range (stats.Ratings{{1, 2, nan, nan}, {nan, nan, 1, 0}}).Severity() {
		if !math.IsNaN(x) {
			t.Errorf("raters without a common unit have severity %v", x)
		}
	}
}

// Ranks are those of a sort, with few and with many different values.
func TestRanks(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, values := range []int{2, 99, 100, 101, 5000} {
		xs := make([]float64, 1000)
		for i := range xs {
			xs[i] = float64(rng.IntN(values))
		}
		ranks, ties := stats.Ranks(xs)
		wantTies := 0.0
		for i, x := range xs {
			less, same := 0.0, 0.0
			for _, y := range xs {
				if y < x {
					less++
				} else if y == x {
					same++
				}
			}
			wantTies += same*same - 1 // of each of the same: together t³-t
			if want := less + (same+1)/2; ranks[i] != want {
				t.Fatalf("%d values: %v has rank %v, want %v", values, x, ranks[i], want)
			}
		}
		if ties != wantTies {
			t.Errorf("%d values: ties %v, want %v", values, ties, wantTies)
		}
	}
}

// A resample that is the sample gives the estimates; one without common units is left out.
func TestResamplesOfRaters(t *testing.T) {
	nan := math.NaN()
	r := stats.Ratings{{1, 2, nan}, {2, 2, 1}, {0, 3, 1}, {nan, 1, 1}}
	draws := r.BootstrapSeverity([][]int{{0, 1, 2, 3}, {0, 0, 0, 0}})
	for j, x := range r.Severity() {
		if len(draws[j]) != 1 || math.Abs(draws[j][0]-x) > 1e-12 {
			t.Errorf("rater %d: %v, want %v alone", j, draws[j], x)
		}
	}
	if got := r.BootstrapPercent(0, 1, [][]int{{0, 1, 2, 3}, {3, 3, 3, 3}, {1, 1, 0, 3}}); len(got) != 2 || math.Abs(got[0]-1.0/3) > 1e-12 || math.Abs(got[1]-2.0/3) > 1e-12 {
		t.Error(got)
	}
}

// Queries are the unit of the sign test, however many votes each has.
func TestSignByQuery(t *testing.T) {
	var votes []stats.Vote
	for q, o := range []string{"aab", "a", "bbb", "ab", "aaaa", "a", "a"} {
		for _, x := range o {
			votes = append(votes, stats.Vote{Query: string(rune('0' + q)), Left: 0, Right: 1, Outcome: map[rune]stats.Outcome{'a': stats.LeftWins, 'b': stats.RightWins}[x]})
		}
	}
	per := stats.CountByQuery([]string{"x", "y"}, votes, []string{"0", "1", "2", "3", "4", "5", "6"})
	s, back := per.Sign(0, 1), per.Sign(1, 0)
	if s.For != 5 || s.Against != 1 || s.Even != 1 || math.Abs(s.P-14.0/64) > 1e-12 || back.P != s.P || back.For != 1 {
		t.Errorf("%+v %+v", s, back)
	}
}
