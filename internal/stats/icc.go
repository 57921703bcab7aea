package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// An ICC is an intraclass correlation with its F test and interval.
type ICC struct {
	Value    float64
	F        float64
	DF1, DF2 float64
	P        float64
	Interval Interval // 95%
}

// ICC2 returns ICC(2,1), the agreement of single raters drawn from many, and ICC(2,k), that of
// the mean of all of them (Shrout and Fleiss 1979). It needs a complete design: with a missing
// value, one unit or one rater all is NaN.
func (r Ratings) ICC2() (single, mean ICC) {
	nan := math.NaN()
	undefined := ICC{nan, nan, nan, nan, nan, Interval{nan, nan}}
	if len(r) < 2 || len(r[0]) < 2 {
		return undefined, undefined
	}
	n, k := float64(len(r)), float64(len(r[0]))
	rows, cols, grand := make([]float64, len(r)), make([]float64, len(r[0])), 0.0
	for i, row := range r {
		for j, x := range row {
			rows[i], cols[j], grand = rows[i]+x/k, cols[j]+x/n, grand+x/(n*k)
		}
	}
	if math.IsNaN(grand) {
		return undefined, undefined
	}
	msr, msc, mse := 0.0, 0.0, 0.0
	for i, row := range r {
		msr += k * (rows[i] - grand) * (rows[i] - grand) / (n - 1)
		for j, x := range row {
			e := x - rows[i] - cols[j] + grand
			mse += e * e / ((n - 1) * (k - 1))
		}
	}
	for _, c := range cols {
		msc += n * (c - grand) * (c - grand) / (k - 1)
	}
	f := msr / mse
	df1, df2 := n-1, (n-1)*(k-1)
	p := distuv.F{D1: df1, D2: df2}.Survival(f)
	icc := (msr - mse) / (msr + (k-1)*mse + k*(msc-mse)/n)
	if math.IsNaN(icc) || mse == 0 {
		return undefined, undefined
	}
	fj := msc / mse
	a := k * icc * fj
	b := n*(1+(k-1)*icc) - k*icc
	v := (k - 1) * (n - 1) * (a + b) * (a + b) / ((n-1)*a*a + b*b)
	up := distuv.F{D1: n - 1, D2: v}.Quantile(0.975)
	down := distuv.F{D1: v, D2: n - 1}.Quantile(0.975)
	rest := k*msc + (k*n-k-n)*mse
	iv := Interval{n * (msr - up*mse) / (up*rest + n*msr), n * (down*msr - mse) / (rest + n*down*msr)}
	many := func(x float64) float64 { return x * k / (1 + x*(k-1)) }
	single = ICC{icc, f, df1, df2, p, iv}
	mean = ICC{(msr - mse) / (msr + (msc-mse)/n), f, df1, df2, p, Interval{many(iv.Lo), many(iv.Hi)}}
	return single, mean
}

// KendallW returns the agreement of raters who order the same units (Kendall and Babington
// Smith 1939), corrected for ties, with its chi-squared test. NaN where a value is missing or
// a rater puts all units level.
func (r Ratings) KendallW() (w, chi2, p float64) {
	nan := math.NaN()
	if len(r) < 2 || len(r[0]) < 2 {
		return nan, nan, nan
	}
	n, m := float64(len(r)), float64(len(r[0]))
	sums, ties := make([]float64, len(r)), 0.0
	for j := range r[0] {
		col := make([]float64, len(r))
		for i := range r {
			col[i] = r[i][j]
		}
		ranks, t := Ranks(col)
		ties += t
		for i, x := range ranks {
			sums[i] += x
		}
	}
	s, mean := 0.0, m*(n+1)/2
	for _, x := range sums {
		s += (x - mean) * (x - mean)
	}
	w = 12 * s / (m*m*(n*n*n-n) - m*ties)
	chi2 = m * (n - 1) * w
	return w, chi2, distuv.ChiSquared{K: n - 1}.Survival(chi2)
}

// Ranks returns the ranks of xs from 1, equal values sharing their mean rank, and the sum over
// groups of equal values of t³-t. Where a value is NaN all are.
func Ranks(xs []float64) (ranks []float64, ties float64) {
	ranks = make([]float64, len(xs))
	if slices.ContainsFunc(xs, math.IsNaN) {
		for i := range ranks {
			ranks[i] = math.NaN()
		}
		return ranks, math.NaN()
	}
	values, counts := distinct(xs)
	mean, before := make([]float64, len(values)), 0.0
	for i, t := range counts {
		ties += t*t*t - t
		mean[i] = before + (t+1)/2
		before += t
	}
	for i, x := range xs {
		at, _ := slices.BinarySearch(values, x)
		ranks[i] = mean[at]
	}
	return ranks, ties
}

// distinct returns the values of xs in order and how often each occurs. Scores are few, and then this is
// faster than sorting them all.
func distinct(xs []float64) (values, counts []float64) {
	for _, x := range xs {
		at, ok := slices.BinarySearch(values, x)
		if ok {
			counts[at]++
			continue
		}
		if len(values) == 100 {
			break
		}
		values, counts = slices.Insert(values, at, x), slices.Insert(counts, at, 1)
	}
	if len(values) < 100 {
		return values, counts
	}
	values, counts = nil, nil
	for _, x := range slices.Sorted(slices.Values(xs)) {
		if n := len(values); n > 0 && values[n-1] == x {
			counts[n-1]++
			continue
		}
		values, counts = append(values, x), append(counts, 1)
	}
	return values, counts
}

// Additive fits value = constant + one effect of each factor by least squares and returns the
// effects of each factor, summing to zero: with raters and units, rater severity net of what
// they happened to rate. levels[f][i] is the level of factor f in observation i, counted from 0.
// Effects that the data do not determine are NaN.
func Additive(values []float64, levels [][]int) [][]float64 {
	sizes := make([]int, len(levels))
	dim := 1
	offset := make([]int, len(levels))
	for f, ls := range levels {
		offset[f] = dim
		sizes[f] = slices.Max(ls) + 1
		dim += sizes[f]
	}
	normal, right := mat.NewSymDense(dim, nil), mat.NewVecDense(dim, nil)
	at := make([]int, len(levels)+1)
	for i, y := range values {
		for f := range levels {
			at[f+1] = offset[f] + levels[f][i]
		}
		for _, a := range at {
			right.SetVec(a, right.AtVec(a)+y)
			for _, b := range at {
				if b >= a {
					normal.SetSym(a, b, normal.At(a, b)+1)
				}
			}
		}
	}
	for f := range levels { // effects of a factor sum to zero; this pins what is free and moves nothing else
		for a := range sizes[f] {
			for b := a; b < sizes[f]; b++ {
				normal.SetSym(offset[f]+a, offset[f]+b, normal.At(offset[f]+a, offset[f]+b)+1)
			}
		}
	}
	out := make([][]float64, len(levels))
	var chol mat.Cholesky
	solved := chol.Factorize(normal)
	solution := mat.NewVecDense(dim, nil)
	if solved {
		solved = chol.SolveVecTo(solution, right) == nil
	}
	for f := range levels {
		out[f] = make([]float64, sizes[f])
		for l := range out[f] {
			out[f][l] = math.NaN()
			if solved {
				out[f][l] = solution.AtVec(offset[f] + l)
			}
		}
	}
	return out
}

// Severity returns how much higher each rater scores than the others on the same units, in points,
// summing to zero: the rater effects of value = unit + rater by least squares. Units are eliminated,
// so the work is linear in them. All are NaN where the raters are not linked by common units.
func (r Ratings) Severity() []float64 {
	if len(r) == 0 {
		return nil
	}
	e := newSeverity(len(r[0]))
	for _, row := range r {
		e.add(severityOf(row))
	}
	return e.solve()
}

// BootstrapSeverity recomputes [Ratings.Severity] on resamples of units; samples are indices of rows.
// The draws are by rater; resamples in which raters are not linked are left out.
func (r Ratings) BootstrapSeverity(samples [][]int) (draws [][]float64) {
	if len(r) == 0 {
		return nil
	}
	units := make([]severityUnit, len(r))
	for i, row := range r {
		units[i] = severityOf(row)
	}
	draws = make([][]float64, len(r[0]))
	e := newSeverity(len(r[0]))
	for _, sample := range samples {
		clear(e.normal)
		clear(e.right)
		for _, i := range sample {
			e.add(units[i])
		}
		for j, x := range e.solve() {
			if !math.IsNaN(x) {
				draws[j] = append(draws[j], x)
			}
		}
	}
	return draws
}

// A severityUnit is what one unit says of its raters: how far each is from their mean.
type severityUnit struct {
	raters []int
	from   []float64
}

func severityOf(row []float64) (u severityUnit) {
	mean := 0.0
	for j, x := range row {
		if !math.IsNaN(x) {
			u.raters, u.from = append(u.raters, j), append(u.from, x)
			mean += x
		}
	}
	for i := range u.from {
		u.from[i] -= mean / float64(len(u.raters))
	}
	return u
}

// A severity is the normal equations of the rater effects.
type severity struct{ normal, right []float64 }

func newSeverity(k int) severity { return severity{make([]float64, k*k), make([]float64, k)} }

func (e severity) add(u severityUnit) {
	m, k := float64(len(u.raters)), len(e.right)
	if m < 2 {
		return
	}
	for i, a := range u.raters {
		e.right[a] += u.from[i]
		e.normal[a*k+a]++
		for _, b := range u.raters {
			e.normal[a*k+b] -= 1 / m
		}
	}
}

func (e severity) solve() []float64 {
	k := len(e.right)
	normal := mat.NewSymDense(k, nil)
	for a := range k { // the effects sum to zero
		for b := a; b < k; b++ {
			normal.SetSym(a, b, e.normal[a*k+b]+1)
		}
	}
	solution := mat.NewVecDense(k, nil)
	var chol mat.Cholesky
	if !chol.Factorize(normal) || chol.SolveVecTo(solution, mat.NewVecDense(k, e.right)) != nil || chol.Cond() > 1e12 {
		out := make([]float64, k)
		for i := range out {
			out[i] = math.NaN()
		}
		return out
	}
	return solution.RawVector().Data
}
