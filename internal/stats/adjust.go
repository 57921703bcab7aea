package stats

import (
	"cmp"
	"math"
	"slices"
)

// order returns the indices of p from the smallest value to the greatest, NaN before all.
func order(p []float64) []int {
	idx := make([]int, len(p))
	for i := range idx {
		idx[i] = i
	}
	slices.SortStableFunc(idx, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	return idx
}

// Holm corrects the p-values of one family of tests so that the chance of any false finding
// stays below the level (Holm 1979). NaN entries are not part of the family and stay NaN.
func Holm(p []float64) []float64 {
	return adjust(p, func(sorted, out []float64) {
		n := float64(len(sorted))
		most := 0.0
		for i, x := range sorted {
			most = max(most, (n-float64(i))*x)
			out[i] = min(most, 1)
		}
	})
}

// Bonferroni multiplies each p-value by the size of the family.
func Bonferroni(p []float64) []float64 {
	return adjust(p, func(sorted, out []float64) {
		for i, x := range sorted {
			out[i] = min(float64(len(sorted))*x, 1)
		}
	})
}

// BenjaminiHochberg bounds the expected share of false findings among the findings instead
// (Benjamini and Hochberg 1995).
func BenjaminiHochberg(p []float64) []float64 {
	return adjust(p, func(sorted, out []float64) {
		n := float64(len(sorted))
		least := 1.0
		for i := len(sorted) - 1; i >= 0; i-- {
			least = min(least, n/float64(i+1)*sorted[i])
			out[i] = least
		}
	})
}

// adjust runs f on the defined values in ascending order and puts its results back in place.
func adjust(p []float64, f func(sorted, out []float64)) []float64 {
	var idx []int
	for _, i := range order(p) {
		if !math.IsNaN(p[i]) {
			idx = append(idx, i)
		}
	}
	sorted, out := make([]float64, len(idx)), make([]float64, len(idx))
	for k, i := range idx {
		sorted[k] = p[i]
	}
	f(sorted, out)
	res := make([]float64, len(p))
	for i := range res {
		res[i] = math.NaN()
	}
	for k, i := range idx {
		res[i] = out[k]
	}
	return res
}
