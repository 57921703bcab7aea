// Package stats computes what a report of votes and ratings rests on: intervals and exact tests
// for proportions, corrections for many tests, strengths from pairwise comparisons, agreement
// between raters, and resampling that respects what belongs together.
//
// All functions are pure. What is not defined for its input (no data, no variation) is NaN,
// never 0 or 1; the callers say so in words. Randomness comes from a seed that the caller
// passes and prints.
package stats

import (
	"math"
	"slices"
)

// An Interval is a confidence or credible interval, [Lo, Hi]; NaN where it is not defined.
type Interval struct {
	Lo float64 `json:"lo"`
	Hi float64 `json:"hi"`
}

// Quantile returns the p-quantile (0 to 1) of xs by linear interpolation between order
// statistics (type 7 of Hyndman and Fan, the default of R and numpy). xs must be sorted; NaN
// for none.
func Quantile(sorted []float64, p float64) float64 {
	n := len(sorted)
	if n == 0 || math.IsNaN(p) {
		return math.NaN()
	}
	h := float64(n-1) * min(max(p, 0), 1)
	i := int(h)
	if i+1 >= n {
		return sorted[n-1]
	}
	return sorted[i] + (h-float64(i))*(sorted[i+1]-sorted[i])
}

// Percentiles returns the interval between the a/2 and 1-a/2 quantiles of draws, a = 1-level;
// it sorts a copy.
func Percentiles(draws []float64, level float64) Interval {
	s := slices.Clone(draws)
	slices.Sort(s)
	a := (1 - level) / 2
	return Interval{Quantile(s, a), Quantile(s, 1-a)}
}

// Mean returns the arithmetic mean, NaN for none.
func Mean(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// SD returns the standard deviation with n-1 in the denominator, NaN for fewer than two values.
func SD(xs []float64) float64 {
	if len(xs) < 2 {
		return math.NaN()
	}
	m, sum := Mean(xs), 0.0
	for _, x := range xs {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / float64(len(xs)-1))
}
