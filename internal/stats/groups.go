package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat/distuv"
)

// FisherTest returns the exact two-sided p-value of a table of two rows (a of a+b, c of c+d): the
// summed probability of all tables of these margins no likelier than the one seen, as R's fisher.test.
func FisherTest(a, b, c, d int) float64 {
	n1, n2, k := a+b, c+d, a+c
	if n1 == 0 || n2 == 0 {
		return math.NaN()
	}
	choose := func(n, k int) float64 {
		x, _ := math.Lgamma(float64(n + 1))
		y, _ := math.Lgamma(float64(k + 1))
		z, _ := math.Lgamma(float64(n - k + 1))
		return x - y - z
	}
	logp := func(i int) float64 { return choose(n1, i) + choose(n2, k-i) - choose(n1+n2, k) }
	seen, sum := logp(a), 0.0
	for i := max(0, k-n2); i <= min(k, n1); i++ {
		if l := logp(i); l <= seen+math.Log1p(1e-7) {
			sum += math.Exp(l)
		}
	}
	return min(sum, 1)
}

// Heterogeneity tests whether all groups have one share of wins: Pearson's chi-squared with groups-1
// degrees of freedom. NaN where nobody won or nobody lost. Cells are small for few votes a
// group, so it is an indication only.
func Heterogeneity(wins, n []int) (chi2 float64, df int, p float64) {
	won, all := 0, 0
	for i := range n {
		won, all = won+wins[i], all+n[i]
	}
	share := float64(won) / float64(all)
	df = -1
	for i := range n {
		if n[i] == 0 {
			continue
		}
		df++
		e := share * float64(n[i])
		d := float64(wins[i]) - e
		chi2 += d*d/e + d*d/(float64(n[i])-e)
	}
	if df < 1 || math.IsNaN(chi2) {
		return math.NaN(), df, math.NaN()
	}
	return chi2, df, distuv.ChiSquared{K: float64(df)}.Survival(chi2)
}

// A BetaBinomial says how shares of wins spread over groups: each group's own share is drawn
// from Beta(Alpha, Beta). It lets groups of few votes borrow from the others (empirical Bayes).
type BetaBinomial struct {
	Alpha, Beta float64
	LogLik      float64 // with the binomial coefficients
}

// FitBetaBinomial fits the spread by maximum likelihood. Where the groups differ no more than
// chance makes them, the fit goes to a large Alpha + Beta (bounded at 10⁶): every group gets the
// pooled share. At least two groups with votes are needed; else the result is NaN.
func FitBetaBinomial(wins, n []int) BetaBinomial {
	groups, won, all := 0, 0, 0
	constant := 0.0
	for i := range n {
		if n[i] > 0 {
			groups++
		}
		won, all = won+wins[i], all+n[i]
		constant -= mathext.Lbeta(float64(wins[i]+1), float64(n[i]-wins[i]+1)) + math.Log(float64(n[i]+1))
	}
	if groups < 2 || won == 0 || won == all {
		return BetaBinomial{math.NaN(), math.NaN(), math.NaN()}
	}
	const most = 1e6
	at := func(x []float64) (alpha, beta float64) {
		mu := logistic(x[0])
		size := min(math.Exp(x[1]), most)
		return mu * size, (1 - mu) * size
	}
	loss := func(x []float64) float64 {
		alpha, beta := at(x)
		sum := 0.0
		for i := range n {
			sum += mathext.Lbeta(float64(wins[i])+alpha, float64(n[i]-wins[i])+beta) - mathext.Lbeta(alpha, beta)
		}
		return -sum
	}
	share := float64(won) / float64(all)
	start := []float64{math.Log(share / (1 - share)), math.Log(10)}
	res, err := optimize.Minimize(optimize.Problem{Func: loss}, start, &optimize.Settings{Converger: &optimize.FunctionConverge{Absolute: 1e-13, Iterations: 200}}, &optimize.NelderMead{})
	if err != nil && res == nil {
		return BetaBinomial{math.NaN(), math.NaN(), math.NaN()}
	}
	alpha, beta := at(res.X)
	return BetaBinomial{alpha, beta, constant - res.F}
}

// Mean returns the mean share over groups, and Rho how alike the votes of one group are (0 to 1).
func (b BetaBinomial) Mean() float64 { return b.Alpha / (b.Alpha + b.Beta) }

// Rho is the correlation between two votes of one group.
func (b BetaBinomial) Rho() float64 { return 1 / (b.Alpha + b.Beta + 1) }

// AtMost returns the same spread knowing its mean no better than n votes do. Where groups differ no
// more than chance makes them, the fit says that all share one share exactly; an interval from it
// would forget that this share is itself an estimate.
func (b BetaBinomial) AtMost(n float64) BetaBinomial {
	if size := b.Alpha + b.Beta; size > n {
		b.Alpha, b.Beta = b.Alpha*n/size, b.Beta*n/size
	}
	return b
}

// Shrunk returns a group's share after borrowing from the others, with the posterior interval at
// a level: k wins of n.
func (b BetaBinomial) Shrunk(k, n int, level float64) (share float64, interval Interval) {
	p := distuv.Beta{Alpha: b.Alpha + float64(k), Beta: b.Beta + float64(n-k)}
	if math.IsNaN(p.Alpha) {
		return math.NaN(), Interval{math.NaN(), math.NaN()}
	}
	a := (1 - level) / 2
	return p.Mean(), Interval{p.Quantile(a), p.Quantile(1 - a)}
}
