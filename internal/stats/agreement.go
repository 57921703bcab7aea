package stats

import (
	"encoding/binary"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Ratings are values by unit (row) and rater (column); NaN where a rater did not rate the unit.
// All rows have the same length.
type Ratings [][]float64

// A Weight says how much two values agree, from 0 (not at all) to 1 (the same), given the
// ordered categories.
type Weight func(categories []float64, a, b int) float64

// The weights.
var (
	Identity Weight = func(_ []float64, a, b int) float64 {
		if a == b {
			return 1
		}
		return 0
	}
	Linear Weight = func(c []float64, a, b int) float64 {
		return 1 - math.Abs(c[a]-c[b])/(c[len(c)-1]-c[0])
	}
	Quadratic Weight = func(c []float64, a, b int) float64 {
		d := (c[a] - c[b]) / (c[len(c)-1] - c[0])
		return 1 - d*d
	}
	// Ordinal counts the pairs of categories between the two, of all pairs (Gwet 2014).
	Ordinal Weight = func(c []float64, a, b int) float64 {
		if a == b {
			return 1
		}
		pairs := func(n int) float64 { return float64(n) * float64(n-1) / 2 }
		d := a - b
		if d < 0 {
			d = -d
		}
		return 1 - pairs(d+1)/pairs(len(c))
	}
)

// A Coefficient of agreement, with the standard error over units (Gwet 2008, 2014). Both are
// NaN where they are not defined: nobody rated twice, or nothing varies.
type Coefficient struct {
	Value float64 `json:"value"`
	SE    float64 `json:"se"`
	Units int     `json:"units"` // with at least one rating
}

// Interval returns Value ± t · SE with units-1 degrees of freedom, cut off at 1.
func (c Coefficient) Interval(level float64) Interval {
	if c.Units < 2 || math.IsNaN(c.SE) {
		return Interval{math.NaN(), math.NaN()}
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(c.Units - 1)}.Quantile(1 - (1-level)/2)
	return Interval{c.Value - t*c.SE, min(c.Value+t*c.SE, 1)}
}

// Categories returns the values that occur, in ascending order.
func (r Ratings) Categories() []float64 {
	var all []float64
	for _, row := range r {
		for _, x := range row {
			if !math.IsNaN(x) {
				all = append(all, x)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Counts are how often each category was given to each unit, whoever gave it. Units that got the same
// ratings are kept as one pattern with a weight, so that resampling moves weights and not units.
type Counts struct {
	Categories []float64 // ascending
	patterns   [][]float64
	rated      []float64 // by pattern: the sum of its counts
	weight     []float64 // by pattern: how many units have it
	of         []int     // unit → pattern
}

// Counts counts the ratings. categories are those that could be given, ascending; nil means those that
// were.
func (r Ratings) Counts(categories []float64) Counts {
	if categories == nil {
		categories = r.Categories()
	}
	c := Counts{Categories: categories, of: make([]int, len(r))}
	known := map[string]int{}
	n, key := make([]float64, len(categories)), []byte{}
	for i, row := range r {
		clear(n)
		for _, x := range row {
			if at, ok := slices.BinarySearch(categories, x); ok && !math.IsNaN(x) {
				n[at]++
			}
		}
		key = key[:0]
		for _, x := range n {
			key = binary.AppendUvarint(key, uint64(x))
		}
		at, ok := known[string(key)]
		if !ok {
			at = len(c.patterns)
			known[string(key)] = at
			c.patterns, c.rated, c.weight = append(c.patterns, slices.Clone(n)), append(c.rated, sumOf(n)), append(c.weight, 0)
		}
		c.of[i] = at
		c.weight[at]++
	}
	return c
}

// Bootstrap recomputes a coefficient on resamples of units; samples are indices of units. A resample
// in which it is not defined is left out, and counted.
func (c Counts) Bootstrap(samples [][]int, f func(Counts) float64) (draws []float64, undefined int) {
	again := c
	again.weight = make([]float64, len(c.weight))
	for _, sample := range samples {
		clear(again.weight)
		for _, i := range sample {
			again.weight[c.of[i]]++
		}
		if x := f(again); math.IsNaN(x) {
			undefined++
		} else {
			draws = append(draws, x)
		}
	}
	return draws, undefined
}

// BootstrapUnits is [Counts.Bootstrap] where what is drawn are groups of units: samples are indices of
// groups.
func (c Counts) BootstrapUnits(samples, groups [][]int, f func(Counts) float64) (draws []float64, undefined int) {
	type patterned struct {
		pattern int
		n       float64
	}
	per := make([][]patterned, len(groups)) // integers, so that their order does not matter
	for g, units := range groups {
		n := map[int]float64{}
		for _, i := range units {
			n[c.of[i]]++
		}
		for p, k := range n {
			per[g] = append(per[g], patterned{p, k})
		}
	}
	again := c
	again.weight = make([]float64, len(c.weight))
	for _, sample := range samples {
		clear(again.weight)
		for _, g := range sample {
			for _, x := range per[g] {
				again.weight[x.pattern] += x.n
			}
		}
		if x := f(again); math.IsNaN(x) {
			undefined++
		} else {
			draws = append(draws, x)
		}
	}
	return draws, undefined
}

// A tally is what the chance-corrected coefficients are made from.
type tally struct {
	Counts
	units   float64   // with a rating
	pairs   float64   // units with two ratings or more
	pi      []float64 // by category: the mean over units of the unit's share
	pa      float64   // observed weighted agreement, over units with two ratings or more
	unitPA  []float64 // by pattern; 0 where there is one rating
	weights [][]float64
}

func (c Counts) tally(w Weight) tally {
	q := len(c.Categories)
	t := tally{Counts: c, pi: make([]float64, q), weights: make([][]float64, q), unitPA: make([]float64, len(c.patterns))}
	for a := range q {
		t.weights[a] = make([]float64, q)
		for b := range q {
			t.weights[a][b] = w(c.Categories, a, b)
		}
	}
	for i, n := range c.patterns {
		if c.weight[i] == 0 || c.rated[i] == 0 {
			continue
		}
		t.units += c.weight[i]
		pa := 0.0
		for a := range q {
			if n[a] == 0 {
				continue
			}
			t.pi[a] += c.weight[i] * n[a] / c.rated[i]
			weighted := 0.0
			for b := range q {
				weighted += t.weights[a][b] * n[b]
			}
			pa += n[a] * (weighted - 1)
		}
		if c.rated[i] >= 2 {
			t.pairs += c.weight[i]
			t.unitPA[i] = pa / (c.rated[i] * (c.rated[i] - 1))
			t.pa += c.weight[i] * t.unitPA[i]
		}
	}
	for a := range t.pi {
		t.pi[a] /= t.units
	}
	t.pa /= t.pairs // 0/0 is NaN
	return t
}

// corrected is (pa - pe) / (1 - pe) with Gwet's variance; unitPE is each pattern's own part in
// chance agreement, times the factor by which it enters.
func (t tally) corrected(pe float64, unitPE func(i int) float64) Coefficient {
	c := Coefficient{Units: int(t.units), Value: (t.pa - pe) / (1 - pe), SE: math.NaN()}
	if pe >= 1 || math.IsNaN(t.pa) {
		c.Value = math.NaN()
		return c
	}
	sum := 0.0
	for i, weight := range t.weight {
		if weight == 0 || t.rated[i] == 0 {
			continue
		}
		own := 0.0 // a unit with one rating says nothing of agreement
		if t.rated[i] >= 2 {
			own = t.units / t.pairs * (t.unitPA[i] - pe) / (1 - pe)
		}
		if unitPE != nil {
			own -= 2 * (1 - c.Value) * (unitPE(i) - pe) / (1 - pe)
		}
		sum += weight * (own - c.Value) * (own - c.Value)
	}
	if t.units >= 2 {
		c.SE = math.Sqrt(sum / (t.units * (t.units - 1)))
	}
	return c
}

// PercentAgreement returns the mean over units of the share of agreeing pairs of raters.
func (c Counts) PercentAgreement() Coefficient {
	return c.tally(Identity).corrected(0, nil)
}

// Gwet returns AC1 (with Identity) or AC2 (Gwet 2008): chance agreement is that of raters who
// guess only where they are unsure, so that the coefficient does not collapse where nearly all
// values are the same.
func (c Counts) Gwet(w Weight) Coefficient {
	t := c.tally(w)
	q := float64(len(c.Categories))
	if q < 2 {
		return Coefficient{math.NaN(), math.NaN(), int(t.units)}
	}
	all, spread := 0.0, 0.0
	for a := range c.Categories {
		spread += t.pi[a] * (1 - t.pi[a])
		for b := range c.Categories {
			all += t.weights[a][b]
		}
	}
	factor := all / (q * (q - 1))
	return t.corrected(factor*spread, func(i int) float64 {
		sum := 0.0
		for a, n := range t.patterns[i] {
			sum += n * (1 - t.pi[a])
		}
		return factor * sum / t.rated[i]
	})
}

// Fleiss returns Fleiss' kappa, weighted or not: chance agreement is that of raters who all
// share the observed frequencies.
func (c Counts) Fleiss(w Weight) Coefficient {
	t := c.tally(w)
	expected := make([]float64, len(c.Categories)) // by category: agreement with a random rating
	pe := 0.0
	for a := range c.Categories {
		for b := range c.Categories {
			expected[a] += t.weights[a][b] * t.pi[b]
		}
		pe += t.pi[a] * expected[a]
	}
	if pe > 1-1e-12 {
		return Coefficient{math.NaN(), math.NaN(), int(t.units)}
	}
	return t.corrected(pe, func(i int) float64 {
		sum := 0.0
		for a, n := range t.patterns[i] {
			sum += n * expected[a]
		}
		return sum / t.rated[i]
	})
}

// CohenKappa returns the weighted kappa of two raters over the units that both rated, and the
// share of those on which they agree.
func (r Ratings) CohenKappa(i, j int, categories []float64, w Weight) (kappa Coefficient, percent float64) {
	q := len(categories)
	table := make([][]float64, q)
	for a := range table {
		table[a] = make([]float64, q)
	}
	for _, row := range r {
		a, ok := slices.BinarySearch(categories, row[i])
		b, ok2 := slices.BinarySearch(categories, row[j])
		if ok && ok2 {
			table[a][b]++
		}
	}
	return KappaOfTable(table, categories, w)
}

// KappaOfTable returns Cohen's weighted kappa (Cohen 1960, 1968) of a square table of counts
// with its asymptotic standard error (Fleiss, Cohen and Everitt 1969), and the share on the
// diagonal. It is NaN where chance agreement is 1.
func KappaOfTable(table [][]float64, categories []float64, w Weight) (kappa Coefficient, percent float64) {
	q := len(table)
	row, col, n := make([]float64, q), make([]float64, q), 0.0
	for a := range q {
		for b := range q {
			n += table[a][b]
		}
	}
	for a := range q {
		for b := range q {
			row[a], col[b] = row[a]+table[a][b]/n, col[b]+table[a][b]/n
		}
	}
	po, pe := 0.0, 0.0
	rowW, colW := make([]float64, q), make([]float64, q) // mean weights with the other's margins
	for a := range q {
		percent += table[a][a] / n
		for b := range q {
			x := w(categories, a, b)
			po += x * table[a][b] / n
			pe += x * row[a] * col[b]
			rowW[a] += x * col[b]
			colW[b] += x * row[a]
		}
	}
	kappa = Coefficient{Units: int(n), Value: math.NaN(), SE: math.NaN()}
	if n == 0 || pe > 1-1e-12 {
		return kappa, percent
	}
	kappa.Value = (po - pe) / (1 - pe)
	sum := 0.0
	for a := range q {
		for b := range q {
			d := w(categories, a, b)*(1-pe) - (rowW[a]+colW[b])*(1-po)
			sum += table[a][b] / n * d * d
		}
	}
	rest := po*pe - 2*pe + po
	kappa.SE = math.Sqrt((sum-rest*rest)/n) / ((1 - pe) * (1 - pe))
	return kappa, percent
}

// Bootstrap recomputes coefficients that need to know who rated on resamples of units; samples are
// indices of rows. The draws are by coefficient; NaN where one is not defined.
func (r Ratings) Bootstrap(samples [][]int, f func(Ratings) []float64) (draws [][]float64) {
	again := make(Ratings, 0, len(r))
	for _, sample := range samples {
		again = again[:0]
		for _, i := range sample {
			again = append(again, r[i])
		}
		for k, x := range f(again) {
			if k == len(draws) {
				draws = append(draws, nil)
			}
			draws[k] = append(draws[k], x)
		}
	}
	return draws
}

// Drawn counts how often each of n rows stands in each resample.
func Drawn(samples [][]int, n int) [][]uint32 {
	out := make([][]uint32, len(samples))
	for s, sample := range samples {
		out[s] = make([]uint32, n)
		for _, u := range sample {
			out[s][u]++
		}
	}
	return out
}

// BootstrapKappa recomputes the kappa of two raters on resamples of units, given by how often each row was
// drawn, see [Drawn]. Units that one of them did not rate are passed over; resamples without a value are
// left out.
func (r Ratings) BootstrapKappa(i, j int, categories []float64, w Weight, drawn [][]uint32) (draws []float64) {
	q := len(categories)
	type shared struct{ unit, cell int }
	var both []shared // of many raters a pair shares few units
	for u, row := range r {
		a, okA := slices.BinarySearch(categories, row[i])
		b, okB := slices.BinarySearch(categories, row[j])
		if okA && okB {
			both = append(both, shared{u, a*q + b})
		}
	}
	table := make([][]float64, q)
	flat := make([]float64, q*q)
	for a := range table {
		table[a] = flat[a*q : (a+1)*q]
	}
	for _, times := range drawn {
		clear(flat)
		for _, x := range both {
			flat[x.cell] += float64(times[x.unit])
		}
		if kappa, _ := KappaOfTable(table, categories, w); !math.IsNaN(kappa.Value) {
			draws = append(draws, kappa.Value)
		}
	}
	return draws
}

// BootstrapPercent recomputes how often two raters gave the same value, of the units that both rated, on
// resamples of units; samples are indices of rows. Resamples without such a unit are left out.
func (r Ratings) BootstrapPercent(i, j int, samples [][]int) (draws []float64) {
	both, same := make([]float64, len(r)), make([]float64, len(r))
	for u, row := range r {
		if !math.IsNaN(row[i]) && !math.IsNaN(row[j]) {
			both[u] = 1
			if row[i] == row[j] {
				same[u] = 1
			}
		}
	}
	for _, sample := range samples {
		agree, n := 0.0, 0.0
		for _, u := range sample {
			agree, n = agree+same[u], n+both[u]
		}
		if n > 0 {
			draws = append(draws, agree/n)
		}
	}
	return draws
}
