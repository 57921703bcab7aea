package stats

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// A LengthControl is a win rate with and without what length alone explains.
type LengthControl struct {
	N               int
	Raw, RawSE      float64   // mean preference, 0 to 1
	Controlled      float64   // fitted preference at equal length
	ControlledSE    float64   // delta method on the sandwich covariance
	Coefficient     float64   // of tanh(length difference / its standard deviation), in logits
	CoefficientSE   float64   // sandwich
	PrefersLonger   float64   // share of the votes that choose between unequal lengths and choose the longer
	SDOfDifferences float64   // of the lengths
	cov             mat.Dense // of intercept and coefficient
}

// ControlLength fits preference ~ 1 + tanh((own - other)/sd) as a logistic regression and reads the
// win rate at no difference, in the minimal form of AlpacaEval 2 (Dubois et al. 2024). preference is
// from 0 (the other wins) to 1, 0.5 a tie; difference is own length less the other's, in any unit.
func ControlLength(preference, difference []float64) (LengthControl, error) {
	n := len(preference)
	if n < 3 || n != len(difference) {
		return LengthControl{}, errors.New("length control needs at least three votes, each with a length difference")
	}
	sd := stat.StdDev(difference, nil)
	if sd == 0 || math.IsNaN(sd) {
		return LengthControl{}, errors.New("all votes have the same length difference; there is nothing to control")
	}
	out := LengthControl{N: n, SDOfDifferences: sd, Raw: Mean(preference), RawSE: SD(preference) / math.Sqrt(float64(n))}
	rows := make([][]float64, n)
	longer, told := 0, 0
	for i, d := range difference {
		rows[i] = []float64{1, math.Tanh(d / sd)}
		if d != 0 && preference[i] != 0.5 {
			told++
			if (preference[i] > 0.5) == (d > 0) {
				longer++
			}
		}
	}
	out.PrefersLonger = float64(longer) / float64(told)
	f, err := Logit(rows, preference, nil)
	if err != nil {
		return LengthControl{}, err
	}
	out.cov.CloneFrom(f.HC0)
	out.Coefficient, out.CoefficientSE = f.Coef[1], math.Sqrt(f.HC0.At(1, 1))
	p := logistic(f.Coef[0])
	out.Controlled, out.ControlledSE = p, p*(1-p)*math.Sqrt(f.HC0.At(0, 0))
	return out, nil
}

// Correlation returns Pearson's r of two variables; NaN where one does not vary.
func Correlation(x, y []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	return stat.Correlation(x, y, nil)
}

// Partial returns the correlation of x and y once z's linear part is taken out of both.
func Partial(x, y, z []float64) float64 {
	xy, xz, yz := Correlation(x, y), Correlation(x, z), Correlation(y, z)
	return (xy - xz*yz) / math.Sqrt((1-xz*xz)*(1-yz*yz))
}
