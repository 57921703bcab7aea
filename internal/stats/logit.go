package stats

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// A LogitFit is a logistic regression with three covariances of its coefficients.
type LogitFit struct {
	Coef   []float64
	Model  *mat.Dense // inverse information: right if observations are independent and the model is
	HC0    *mat.Dense // sandwich, each observation its own cluster
	CR0    *mat.Dense // sandwich over clusters, no small-sample factor
	CR1    *mat.Dense // CR0 × G/(G-1) × (n-1)/(n-k)
	LogLik float64
}

// ErrSeparated marks a regression without finite coefficients: some combination of the columns
// predicts the outcome perfectly.
var ErrSeparated = errors.New("the outcome is predicted perfectly by the columns; no finite coefficients exist")

// Logit fits P(y=1) = 1/(1+exp(-x·b)) by maximum likelihood (Newton). rows are the columns' values
// of each observation, y is 0 to 1 (0.5 for a tie counted as half a win), cluster numbers the
// cluster each observation belongs to (such as its query); nil makes each its own.
func Logit(rows [][]float64, y []float64, cluster []int) (LogitFit, error) {
	n := len(rows)
	if n == 0 || len(rows[0]) == 0 {
		return LogitFit{}, errors.New("a regression needs observations and columns")
	}
	k := len(rows[0])
	var f LogitFit
	beta := make([]float64, k)
	value := logitLik(rows, y, beta)
	info := mat.NewSymDense(k, nil)
	grad := mat.NewVecDense(k, nil)
	for iter := 0; ; iter++ {
		info.Zero()
		grad.Zero()
		for i, x := range rows {
			p := logistic(dot(x, beta))
			w := p * (1 - p)
			for a := range k {
				if x[a] == 0 {
					continue
				}
				grad.SetVec(a, grad.AtVec(a)+(y[i]-p)*x[a])
				for b := a; b < k; b++ {
					info.SetSym(a, b, info.At(a, b)+w*x[a]*x[b])
				}
			}
		}
		var chol mat.Cholesky
		if !chol.Factorize(info) {
			return f, fmt.Errorf("%w, or two columns say the same", ErrSeparated)
		}
		step := mat.NewVecDense(k, nil)
		if err := chol.SolveVecTo(step, grad); err != nil && iter > 25 {
			return f, ErrSeparated
		}
		largest, next := 0.0, make([]float64, k)
		for shrink := 1.0; ; shrink /= 2 {
			largest = 0
			for a := range k {
				d := shrink * step.AtVec(a)
				next[a], largest = beta[a]+d, max(largest, math.Abs(d))
			}
			if v := logitLik(rows, y, next); v >= value-1e-12*math.Abs(value) || largest < 1e-13 {
				value = v
				break
			}
		}
		copy(beta, next)
		if largest < 1e-11 {
			break
		}
		if iter == 60 || floatsMax(beta) > 1e3 {
			return f, ErrSeparated
		}
	}
	f.Coef, f.LogLik, f.Model = beta, value, mat.NewDense(k, k, nil)
	if err := f.Model.Inverse(info); err != nil {
		return f, ErrSeparated
	}
	score := func(i int) []float64 {
		r := y[i] - logistic(dot(rows[i], beta))
		s := make([]float64, k)
		for a := range s {
			s[a] = r * rows[i][a]
		}
		return s
	}
	own := make([]int, n)
	for i := range own {
		own[i] = i
	}
	f.HC0, _ = sandwich(f.Model, score, own)
	if cluster == nil {
		cluster = own
	}
	var g int
	f.CR0, g = sandwich(f.Model, score, cluster)
	f.CR1 = mat.NewDense(k, k, nil)
	f.CR1.Scale(float64(g)/float64(g-1)*float64(n-1)/float64(n-k), f.CR0)
	return f, nil
}

// sandwich returns bread × sum over clusters of (summed scores)(summed scores)' × bread, and
// the number of clusters.
func sandwich(bread *mat.Dense, score func(i int) []float64, cluster []int) (*mat.Dense, int) {
	k, _ := bread.Dims()
	var order []int
	sums := map[int][]float64{}
	for i, c := range cluster {
		if sums[c] == nil {
			sums[c] = make([]float64, k)
			order = append(order, c)
		}
		for a, s := range score(i) {
			sums[c][a] += s
		}
	}
	meat := mat.NewDense(k, k, nil)
	for _, c := range order {
		v := mat.NewVecDense(k, sums[c])
		meat.RankOne(meat, 1, v, v)
	}
	var half, out mat.Dense
	half.Mul(bread, meat)
	out.Mul(&half, bread)
	return &out, len(order)
}

func logitLik(rows [][]float64, y, beta []float64) float64 {
	sum := 0.0
	for i, x := range rows {
		eta := dot(x, beta)
		sum += y[i]*eta - softplus(eta)
	}
	return sum
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

func floatsMax(xs []float64) float64 {
	m := 0.0
	for _, x := range xs {
		m = max(m, math.Abs(x))
	}
	return m
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softplus is log(1+exp(x)) without overflow.
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}
