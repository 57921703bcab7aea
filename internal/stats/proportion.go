package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// z95 and its like: the standard normal quantile that leaves (1-level)/2 on each side.
func normalQuantile(level float64) float64 {
	return distuv.UnitNormal.Quantile(1 - (1-level)/2)
}

// Wilson returns the score interval of a proportion of k in n (Wilson 1927): close to its
// level also for few observations and shares near 0 or 1. NaN for n = 0.
func Wilson(k, n, level float64) Interval {
	if n <= 0 {
		return Interval{math.NaN(), math.NaN()}
	}
	z := normalQuantile(level)
	p, zz := k/n, z*z
	mid := (p + zz/(2*n)) / (1 + zz/n)
	half := z / (1 + zz/n) * math.Sqrt(p*(1-p)/n+zz/(4*n*n))
	iv := Interval{mid - half, mid + half}
	if k == 0 {
		iv.Lo = 0
	}
	if k == n {
		iv.Hi = 1
	}
	return iv
}

// ClopperPearson returns the exact interval of a proportion (1934): never below its level, and
// wider for it.
func ClopperPearson(k, n, level float64) Interval {
	if n <= 0 {
		return Interval{math.NaN(), math.NaN()}
	}
	a := (1 - level) / 2
	iv := Interval{0, 1}
	if k > 0 {
		iv.Lo = mathext.InvRegIncBeta(k, n-k+1, a)
	}
	if k < n {
		iv.Hi = mathext.InvRegIncBeta(k+1, n-k, 1-a)
	}
	return iv
}

// BinomialTest returns the exact two-sided p-value of k in n under probability p: the summed
// probability of all outcomes no likelier than the one seen, as R's binom.test. With p = 0.5
// it is the sign test. NaN for n = 0.
func BinomialTest(k, n int, p float64) float64 {
	if n <= 0 || k < 0 || k > n {
		return math.NaN()
	}
	logp := func(i int) float64 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		s := a - b - c
		if i > 0 {
			s += float64(i) * math.Log(p)
		}
		if i < n {
			s += float64(n-i) * math.Log1p(-p)
		}
		return s
	}
	const slack = 1e-7 // outcomes whose probabilities are equal but for rounding count as equal
	seen := logp(k)
	sum := 0.0
	for i := range n + 1 {
		if l := logp(i); l <= seen+math.Log1p(slack) {
			sum += math.Exp(l)
		}
	}
	return min(sum, 1)
}
