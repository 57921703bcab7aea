package stats

import "math"

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
func (c Counts) Alpha(m Metric) float64 {
	q := len(c.Categories)
	counts := make([]float64, q) // of pairable values
	total := 0.0
	for i, n := range c.patterns {
		if c.rated[i] >= 2 {
			for a, x := range n {
				counts[a] += c.weight[i] * x
			}
			total += c.weight[i] * c.rated[i]
		}
	}
	d := make([][]float64, q)
	expected := 0.0
	for a := range q {
		d[a] = make([]float64, q)
		for b := range q {
			d[a][b] = m(c.Categories, counts, a, b)
			expected += counts[a] * counts[b] * d[a][b]
		}
	}
	if expected == 0 {
		return math.NaN()
	}
	observed := 0.0
	for i, n := range c.patterns {
		if c.weight[i] == 0 || c.rated[i] < 2 {
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
		observed += c.weight[i] * sum / (c.rated[i] - 1)
	}
	return 1 - (total-1)*observed/expected
}

func sumOf(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x
	}
	return s
}
