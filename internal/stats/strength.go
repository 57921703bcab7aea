package stats

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/num/hyperdual"
	"gonum.org/v1/gonum/stat/distuv"
)

// Strengths are fitted abilities of models.
type Strengths struct {
	Models []string
	Theta  []float64  // natural log; sum zero, except for Grounded, where 0 is "not acceptable"
	Cov    *mat.Dense // K × K, in the same gauge
	Extra  float64    // Davidson: nu; Rao-Kupper: eta; Grounded: theta; else 0
	// SEExtra is the standard error of the parameter behind Extra on its log scale: log nu,
	// log(eta-1), log(theta-1).
	SEExtra float64
	LogLik  float64 // kernel: without the multinomial constants
}

// SE returns the standard errors of Theta.
func (s Strengths) SE() []float64 {
	out := make([]float64, len(s.Theta))
	for i := range out {
		out[i] = math.Sqrt(s.Cov.At(i, i))
	}
	return out
}

// Elo puts the strengths on the scale people know: 1000 + 400/ln 10 · theta.
func (s Strengths) Elo() []float64 {
	out := make([]float64, len(s.Theta))
	for i, t := range s.Theta {
		out[i] = 1000 + 400/math.Ln10*t
	}
	return out
}

// Prob returns the fitted probability that i is preferred to j when one of them is
// (Bradley-Terry form).
func (s Strengths) Prob(i, j int) float64 { return 1 / (1 + math.Exp(s.Theta[j]-s.Theta[i])) }

// Difference returns theta_i - theta_j and its standard error, from the full covariance.
func (s Strengths) Difference(i, j int) (diff, se float64) {
	v := s.Cov.At(i, i) + s.Cov.At(j, j) - 2*s.Cov.At(i, j)
	return s.Theta[i] - s.Theta[j], math.Sqrt(v)
}

// ErrNotRankable marks votes for which no finite strengths exist; the error's text says which
// models cannot be ranked together.
var ErrNotRankable = errors.New("no finite strengths exist")

// A family says how likely the outcomes of one vote are, as log probabilities, for log
// strengths a and b and one further parameter x on its log scale.
type family struct {
	outcomes func(a, b, x hyperdual.Number) (win, loss, tie, bad hyperdual.Number)
	extra    bool                    // whether x is fitted
	ground   bool                    // whether strengths have an absolute zero
	report   func(x float64) float64 // x as people know it
}

var zero = hyperdual.Number{}

func logSum(xs ...hyperdual.Number) hyperdual.Number {
	top := math.Inf(-1)
	for _, x := range xs {
		top = max(top, x.Real)
	}
	sum := zero
	for _, x := range xs {
		sum = hyperdual.Add(sum, hyperdual.Exp(hyperdual.Sub(x, hyperdual.Number{Real: top})))
	}
	return hyperdual.Add(hyperdual.Log(sum), hyperdual.Number{Real: top})
}

var (
	// P(i) = a / (a+b), Bradley and Terry 1952.
	bradleyTerry = family{outcomes: func(a, b, _ hyperdual.Number) (win, loss, tie, bad hyperdual.Number) {
		all := logSum(a, b)
		return hyperdual.Sub(a, all), hyperdual.Sub(b, all), zero, zero
	}}
	// P(tie) = nu sqrt(ab) / (a + b + nu sqrt(ab)), Davidson 1970; x = log nu.
	davidson = family{extra: true, report: math.Exp, outcomes: func(a, b, x hyperdual.Number) (win, loss, tie, bad hyperdual.Number) {
		t := hyperdual.Add(x, hyperdual.Scale(0.5, hyperdual.Add(a, b)))
		all := logSum(a, b, t)
		return hyperdual.Sub(a, all), hyperdual.Sub(b, all), hyperdual.Sub(t, all), zero
	}}
	// P(i) = a / (a + eta b), Rao and Kupper 1967; x = log(eta-1).
	raoKupper = family{extra: true, report: func(x float64) float64 { return 1 + math.Exp(x) }, outcomes: func(a, b, x hyperdual.Number) (win, loss, tie, bad hyperdual.Number) {
		eta := logSum(zero, x)
		wins, losses := logSum(a, hyperdual.Add(eta, b)), logSum(b, hyperdual.Add(eta, a))
		// P(tie) = (eta²-1) ab / ((a + eta b)(b + eta a)), and eta²-1 = (eta-1)(eta+1).
		top := hyperdual.Add(hyperdual.Add(x, logSum(zero, eta)), hyperdual.Add(a, b))
		return hyperdual.Sub(a, wins), hyperdual.Sub(b, losses), hyperdual.Sub(top, hyperdual.Add(wins, losses)), zero
	}}
	// P(i) = a / (a + theta b + 1), P(both bad) = 1 / (1+a+b), P(tie) is the rest; the ground
	// has strength 1. x = log(theta-1).
	grounded = family{extra: true, ground: true, report: func(x float64) float64 { return 1 + math.Exp(x) }, outcomes: func(a, b, x hyperdual.Number) (win, loss, tie, bad hyperdual.Number) {
		theta := logSum(zero, x)
		win = hyperdual.Sub(a, logSum(a, hyperdual.Add(theta, b), zero))
		loss = hyperdual.Sub(b, logSum(b, hyperdual.Add(theta, a), zero))
		bad = hyperdual.Sub(zero, logSum(zero, a, b))
		rest := hyperdual.Sub(hyperdual.Number{Real: 1}, hyperdual.Add(hyperdual.Exp(win), hyperdual.Add(hyperdual.Exp(loss), hyperdual.Exp(bad))))
		return win, loss, hyperdual.Log(rest), bad
	}}
)

// BradleyTerry fits strengths to the decided votes; ties and both-bad votes are left out (see
// [Comparisons.WithHalfTies] and [Davidson]). It returns [ErrNotRankable] where Ford's
// condition fails; see [Ridge] for an estimate all the same.
func BradleyTerry(c Comparisons) (Strengths, error) {
	c.Tie, c.BothBad = nil, nil
	return fit(c, bradleyTerry, 0)
}

// Davidson fits strengths and the readiness to call a tie, nu (Davidson 1970). Both-bad votes
// count as ties.
func Davidson(c Comparisons) (Strengths, error) {
	return fit(c.badAsTies(), davidson, 0)
}

// RaoKupper fits strengths and a threshold eta within which two outputs look alike (Rao and
// Kupper 1967). Both-bad votes count as ties.
func RaoKupper(c Comparisons) (Strengths, error) {
	return fit(c.badAsTies(), raoKupper, 0)
}

// Grounded fits Rao and Kupper's model with an absolute zero: a strength of 0 is as good as
// "not acceptable", so that a field of bad models shows as bad. It needs both-bad votes.
func Grounded(c Comparisons) (Strengths, error) {
	return fit(c, grounded, 0)
}

// Ridge fits Bradley-Terry strengths under the penalty lambda/2 · sum of squares, which exist
// for any votes; they are pulled towards 0 and must be labelled so.
func Ridge(c Comparisons, lambda float64) (Strengths, error) {
	c.Tie, c.BothBad = nil, nil
	return fit(c, bradleyTerry, lambda)
}

func (c Comparisons) badAsTies() Comparisons {
	if c.BothBad == nil {
		return c
	}
	m := NewComparisons(c.Models)
	m.Win, m.BothBad = c.Win, nil
	for i := range c.Models {
		for j := range c.Models {
			m.Tie[i][j] = at(c.Tie, i, j) + c.BothBad[i][j]
		}
	}
	return m
}

// allBeatAll reports whether every model beat every other one at least once: then all are connected.
func (c Comparisons) allBeatAll() bool {
	for i := range c.Models {
		for j := range c.Models {
			if i != j && c.Win[i][j] == 0 {
				return false
			}
		}
	}
	return true
}

// fit maximises the likelihood by Newton's method with step halving. Derivatives are exact: the
// likelihood of a pair depends on three numbers, and hyper-dual numbers carry its first and
// second derivatives along.
func fit(c Comparisons, f family, ridge float64) (Strengths, error) {
	k := len(c.Models)
	if k < 2 {
		return Strengths{}, fmt.Errorf("%w: there are fewer than two models", ErrNotRankable)
	}
	if ridge == 0 && !f.ground && !c.allBeatAll() { // the graph takes longer than the fit
		if g := c.Connections(); !g.Rankable() {
			return Strengths{}, fmt.Errorf("%w: %s", ErrNotRankable, g.Explain(c.Models))
		}
	}
	dim := k
	if f.extra {
		dim++
	}
	p := problem{Comparisons: c, family: f, ridge: ridge, dim: dim}
	p.grad, p.hess = mat.NewVecDense(dim, nil), mat.NewSymDense(dim, nil)
	x := make([]float64, dim)
	value := p.derive(x)
	for iter := 0; ; iter++ {
		if iter == 200 {
			return Strengths{}, fmt.Errorf("%w: the fit did not settle in %d steps", ErrNotRankable, iter)
		}
		step, err := p.step()
		if err != nil {
			return Strengths{}, err
		}
		largest := 0.0
		for shrink := 1.0; ; shrink /= 2 {
			next := make([]float64, dim)
			largest = 0
			for i := range next {
				d := shrink * step.AtVec(i)
				next[i], largest = x[i]+d, max(largest, math.Abs(d))
			}
			if v := p.value(next); v >= value-1e-12*math.Abs(value) || largest < 1e-13 {
				x = next
				break
			}
		}
		value = p.derive(x)
		if largest < 1e-11 {
			break
		}
	}
	return p.solution(x, value)
}

// A problem is one likelihood to maximise.
type problem struct {
	Comparisons
	family
	ridge float64
	dim   int
	grad  *mat.VecDense // of the log likelihood
	hess  *mat.SymDense // of the negative log likelihood
}

// free reports whether only differences of strengths are identified.
func (p *problem) free() bool { return !p.ground && p.ridge == 0 }

func (p *problem) extraOf(x []float64) float64 {
	if p.extra {
		return x[len(x)-1]
	}
	return 0
}

func (p *problem) eachPair(f func(i, j int, win, loss, tie, bad float64)) {
	for i := range p.Models {
		for j := i + 1; j < len(p.Models); j++ {
			w, l, t, b := p.Win[i][j], p.Win[j][i], at(p.Tie, i, j), at(p.BothBad, i, j)
			if w+l+t+b > 0 {
				f(i, j, w, l, t, b)
			}
		}
	}
}

func (p *problem) pair(a, b, x hyperdual.Number, win, loss, tie, bad float64) hyperdual.Number {
	lw, ll, lt, lb := p.outcomes(a, b, x)
	sum := zero
	for _, o := range []struct {
		n    float64
		logp hyperdual.Number
	}{{win, lw}, {loss, ll}, {tie, lt}, {bad, lb}} {
		if o.n > 0 {
			sum = hyperdual.Add(sum, hyperdual.Scale(o.n, o.logp))
		}
	}
	return sum
}

func (p *problem) penalty(x []float64) float64 {
	sum := 0.0
	for _, t := range x[:len(p.Models)] {
		sum += t * t
	}
	return p.ridge / 2 * sum
}

func (p *problem) value(x []float64) float64 {
	sum := -p.penalty(x)
	e := hyperdual.Number{Real: p.extraOf(x)}
	p.eachPair(func(i, j int, w, l, t, b float64) {
		sum += p.pair(hyperdual.Number{Real: x[i]}, hyperdual.Number{Real: x[j]}, e, w, l, t, b).Real
	})
	return sum
}

// derive fills grad and hess at x and returns the value there.
func (p *problem) derive(x []float64) float64 {
	p.grad.Zero()
	p.hess.Zero()
	sum := -p.penalty(x)
	for i := range p.Models {
		p.grad.SetVec(i, -p.ridge*x[i])
		p.hess.SetSym(i, i, p.ridge)
	}
	p.eachPair(func(i, j int, w, l, t, b float64) {
		at := []int{i, j}
		if p.extra {
			at = append(at, p.dim-1)
		}
		for u := range at {
			for v := u; v < len(at); v++ {
				arg := [3]hyperdual.Number{{Real: x[i]}, {Real: x[j]}, {Real: p.extraOf(x)}}
				arg[u].E1mag, arg[v].E2mag = 1, 1
				y := p.pair(arg[0], arg[1], arg[2], w, l, t, b)
				p.hess.SetSym(at[u], at[v], p.hess.At(at[u], at[v])-y.E1E2mag)
				if u == v {
					p.grad.SetVec(at[u], p.grad.AtVec(at[u])+y.E1mag)
				}
				if u == 0 && v == 0 {
					sum += y.Real
				}
			}
		}
	})
	return sum
}

// information returns the negative Hessian; where only differences are identified, the sum of
// the strengths is tied to zero, which changes no difference.
func (p *problem) information() *mat.SymDense {
	h := mat.NewSymDense(p.dim, nil)
	h.CopySym(p.hess)
	if p.free() {
		for i := range p.Models {
			for j := i; j < len(p.Models); j++ {
				h.SetSym(i, j, h.At(i, j)+1)
			}
		}
	}
	return h
}

func (p *problem) step() (*mat.VecDense, error) {
	h := p.information()
	var chol mat.Cholesky
	for add := 0.0; ; add = max(10*add, 1e-8*mat.Trace(h)) {
		if chol.Factorize(h) {
			break
		}
		if math.IsNaN(mat.Trace(h)) || math.IsInf(add, 0) {
			return nil, fmt.Errorf("%w: the likelihood has no curvature", ErrNotRankable)
		}
		for i := range p.dim {
			h.SetSym(i, i, h.At(i, i)+max(add, 1e-8))
		}
	}
	step := mat.NewVecDense(p.dim, nil)
	if err := chol.SolveVecTo(step, p.grad); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRankable, err)
	}
	return step, nil
}

func (p *problem) solution(x []float64, value float64) (Strengths, error) {
	k := len(p.Models)
	var inv mat.Dense
	if err := inv.Inverse(p.information()); err != nil {
		return Strengths{}, fmt.Errorf("%w: the information matrix is singular", ErrNotRankable)
	}
	s := Strengths{Models: p.Models, Theta: x[:k:k], LogLik: value + p.penalty(x), Cov: mat.NewDense(k, k, nil)}
	if p.free() {
		m := Mean(s.Theta)
		for i := range s.Theta {
			s.Theta[i] -= m
		}
		center(&inv, k)
	}
	s.Cov.Copy(inv.Slice(0, k, 0, k))
	if p.extra {
		s.Extra = p.report(x[k])
		s.SEExtra = math.Sqrt(inv.At(k, k))
	}
	return s, nil
}

// center moves the covariance of the first k parameters into the gauge in which they sum to zero.
func center(cov *mat.Dense, k int) {
	c := mat.NewDense(k, k, nil)
	for i := range k {
		for j := range k {
			c.Set(i, j, -1/float64(k))
		}
		c.Set(i, i, 1-1/float64(k))
	}
	block := mat.DenseCopyOf(cov.Slice(0, k, 0, k))
	var out mat.Dense
	out.Mul(c, block)
	block.Mul(&out, c.T())
	cov.Slice(0, k, 0, k).(*mat.Dense).Copy(block)
}

// A FitTest compares fitted Bradley-Terry strengths with the counts themselves.
type FitTest struct {
	Deviance float64 // from the saturated model
	DF       int     // pairs that met, less the free strengths
	P        float64 // chi-squared; small: one number per model does not describe the votes
	LogLik   float64 // of the grouped counts, with the binomial constants
}

// TestFit tests Bradley-Terry strengths against the decided votes they were fitted to.
func (s Strengths) TestFit(c Comparisons) FitTest {
	var t FitTest
	pairs := 0
	for i := range c.Models {
		for j := i + 1; j < len(c.Models); j++ {
			w, n := c.Win[i][j], c.Win[i][j]+c.Win[j][i]
			if n == 0 {
				continue
			}
			pairs++
			p := s.Prob(i, j)
			t.Deviance += 2 * (xlogy(w, w/(n*p)) + xlogy(n-w, (n-w)/(n*(1-p))))
			a, _ := math.Lgamma(n + 1)
			b, _ := math.Lgamma(w + 1)
			d, _ := math.Lgamma(n - w + 1)
			t.LogLik += a - b - d + xlogy(w, p) + xlogy(n-w, 1-p)
		}
	}
	t.DF, t.P = pairs-(len(c.Models)-1), math.NaN()
	if t.DF > 0 {
		t.P = distuv.ChiSquared{K: float64(t.DF)}.Survival(t.Deviance)
	}
	return t
}

// xlogy is x·log(y), and 0 where x is.
func xlogy(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(y)
}
