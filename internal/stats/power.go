package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// SampleSize returns how many decisive votes tell a true share of p from one half, two-sided at
// alpha, with the given power (normal approximation), as a real number: round it up. NaN for p = 0.5.
// Multiply by [DesignEffect] where votes share queries.
func SampleSize(p, alpha, power float64) float64 {
	a := distuv.UnitNormal.Quantile(1 - alpha/2)
	b := distuv.UnitNormal.Quantile(power)
	d := math.Abs(p - 0.5)
	if d == 0 {
		return math.NaN()
	}
	n := (a*0.5 + b*math.Sqrt(p*(1-p))) / d
	return n * n
}

// ExactSampleSize returns the same for the exact binomial test, whose power rises in saw teeth: first
// is the least number of votes that reaches the power, forGood the least from which every number up to a
// quarter beyond the approximate size does.
func ExactSampleSize(p, alpha, power float64) (first, forGood int) {
	size := SampleSize(p, alpha, power)
	if math.IsNaN(size) || size > 1e6 {
		return 0, 0
	}
	last := int(1.25*size) + 20
	for n := 1; n <= last; n++ {
		switch reached := BinomialPower(p, n, alpha) >= power; {
		case !reached:
			forGood = 0
		case first == 0:
			first, forGood = n, n
		case forGood == 0:
			forGood = n
		}
	}
	return first, forGood
}

// BinomialPower returns the chance that n decisive votes with a true share of p give an exact
// two-sided p-value of at most alpha against one half.
func BinomialPower(p float64, n int, alpha float64) float64 {
	k := LeastSignificant(n, alpha)
	if k == 0 {
		return 0
	}
	b := distuv.Binomial{N: float64(n), P: p}
	// Both tails: k or more wins, or k or more losses.
	return 1 - b.CDF(float64(k-1)) + b.CDF(float64(n-k))
}

// LeastSignificant returns the least number of wins of n that an exact two-sided test against one
// half calls significant at alpha; 0 where even n of n is not.
func LeastSignificant(n int, alpha float64) int {
	low, high := n/2+1, n
	if n == 0 || BinomialTest(n, n, 0.5) > alpha {
		return 0
	}
	for low < high {
		if mid := (low + high) / 2; BinomialTest(mid, n, 0.5) <= alpha {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// Detectable returns the least share above one half that n decisive votes detect with the given power
// (normal approximation solved for the share).
func Detectable(n, alpha, power float64) float64 {
	low, high := 0.5, 1.0
	for range 200 {
		if mid := (low + high) / 2; mid > 0.5 && SampleSize(mid, alpha, power) <= n {
			high = mid
		} else {
			low = mid
		}
	}
	return (low + high) / 2
}

// DesignEffect is by how much the needed number of votes grows when m votes share a query whose
// votes correlate by icc (Kish 1965).
func DesignEffect(m, icc float64) float64 { return 1 + (m-1)*icc }
