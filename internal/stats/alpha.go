package stats

import (
	"math"
	"slices"
)

// A Metric is the squared difference between two values, for Krippendorff's alpha. counts are
// how often each category occurs among pairable values.
type Metric func(categories, counts []float64, a, b int) float64

// The metrics (Krippendorff 2011).
var (
	NominalMetric Metric = func(_, _ []float64, a, b int) float64 {
		if a == b {
			return 0
		}
		return 1
	}
	OrdinalMetric Metric = func(_, counts []float64, a, b int) float64 {
		if a > b {
			a, b = b, a
		}
		sum := -(counts[a] + counts[b]) / 2
		for g := a; g <= b; g++ {
			sum += counts[g]
		}
		if a == b {
			return 0
		}
		return sum * sum
	}
	IntervalMetric Metric = func(c, _ []float64, a, b int) float64 { return (c[a] - c[b]) * (c[a] - c[b]) }
)

// Alpha returns Krippendorff's alpha: 1 less observed over expected disagreement, with any
// number of raters and missing values. NaN where no unit has two ratings, or all values are
// the same.
func (r Ratings) Alpha(m Metric) float64 {
	categories := r.Categories()
	units := make([][]float64, 0, len(r))
	for _, row := range r {
		units = append(units, countRow(row, categories))
	}
	return alphaOf(units, categories, m)
}

func countRow(row, categories []float64) []float64 {
	n := make([]float64, len(categories))
	for _, x := range row {
		if i, ok := slices.BinarySearch(categories, x); ok && !math.IsNaN(x) {
			n[i]++
		}
	}
	return n
}

// alphaOf computes alpha from how often each category was given to each unit.
func alphaOf(units [][]float64, categories []float64, m Metric) float64 {
	q := len(categories)
	counts := make([]float64, q) // of pairable values
	total := 0.0
	for _, n := range units {
		if rated := sumOf(n); rated >= 2 {
			for a, x := range n {
				counts[a] += x
			}
			total += rated
		}
	}
	d := make([][]float64, q)
	expected := 0.0
	for a := range q {
		d[a] = make([]float64, q)
		for b := range q {
			d[a][b] = m(categories, counts, a, b)
			expected += counts[a] * counts[b] * d[a][b]
		}
	}
	if expected == 0 {
		return math.NaN()
	}
	observed := 0.0
	for _, n := range units {
		rated := sumOf(n)
		if rated < 2 {
			continue
		}
		sum := 0.0
		for a, x := range n {
			if x == 0 {
				continue
			}
			for b, y := range n {
				sum += x * y * d[a][b]
			}
		}
		observed += sum / (rated - 1)
	}
	return 1 - (total-1)*observed/expected
}

// BootstrapAlpha recomputes alpha on resamples of units; samples are indices of rows. A
// resample in which alpha is not defined is left out, and counted.
func (r Ratings) BootstrapAlpha(m Metric, samples [][]int) (draws []float64, undefined int) {
	categories := r.Categories()
	units := make([][]float64, len(r))
	for i, row := range r {
		units[i] = countRow(row, categories)
	}
	picked := make([][]float64, 0, len(r))
	for _, sample := range samples {
		picked = picked[:0]
		for _, i := range sample {
			picked = append(picked, units[i])
		}
		if a := alphaOf(picked, categories, m); math.IsNaN(a) {
			undefined++
		} else {
			draws = append(draws, a)
		}
	}
	return draws, undefined
}

func sumOf(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x
	}
	return s
}
