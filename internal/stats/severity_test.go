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
