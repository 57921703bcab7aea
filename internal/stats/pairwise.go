package stats

import "math"

// Comparisons are the counts of a set of pairwise votes among K models.
type Comparisons struct {
	Models  []string    `json:"models"`
	Win     [][]float64 `json:"win"`      // Win[i][j]: how often i was preferred to j
	Tie     [][]float64 `json:"tie"`      // symmetric: both were as good; nil for none
	BothBad [][]float64 `json:"both_bad"` // symmetric: neither was acceptable; nil for none
}

// NewComparisons returns empty counts over the models.
func NewComparisons(models []string) Comparisons {
	square := func() [][]float64 {
		m := make([][]float64, len(models))
		for i := range m {
			m[i] = make([]float64, len(models))
		}
		return m
	}
	return Comparisons{Models: models, Win: square(), Tie: square(), BothBad: square()}
}

func at(m [][]float64, i, j int) float64 {
	if m == nil {
		return 0
	}
	return m[i][j]
}

// A PairResult is one cell of the win-rate matrix: the first model against the second.
type PairResult struct {
	I, J         int      // indices of the models, I < J
	Wins, Losses float64  // of I; what was decided
	Ties, Bad    float64  // counted, and not part of Rate
	Rate         float64  // Wins / (Wins + Losses); NaN where nothing was decided
	HalfTie      float64  // share of wins when ties and both-bad votes are half a win each
	Wilson       Interval // 95% interval of Rate, as if votes were independent
	Exact        Interval // Clopper-Pearson
	P            float64  // exact two-sided sign test of Rate = 1/2
	Holm, BH     float64  // P corrected over all pairs that were compared
}

// N is the number of decided votes.
func (p PairResult) N() float64 { return p.Wins + p.Losses }

// Pairs returns every pair of models in the order of Models, with tests corrected over the
// family of all pairs that have a decided vote.
func (c Comparisons) Pairs() []PairResult {
	var out []PairResult
	var ps []float64
	for i := range c.Models {
		for j := i + 1; j < len(c.Models); j++ {
			r := PairResult{
				I: i, J: j, Wins: c.Win[i][j], Losses: c.Win[j][i],
				Ties: at(c.Tie, i, j), Bad: at(c.BothBad, i, j),
			}
			n := r.N()
			r.Rate = r.Wins / n // 0/0 is NaN
			r.HalfTie = (r.Wins + (r.Ties+r.Bad)/2) / (n + r.Ties + r.Bad)
			r.Wilson, r.Exact = Wilson(r.Wins, n, 0.95), ClopperPearson(r.Wins, n, 0.95)
			r.P = BinomialTest(int(math.Round(r.Wins)), int(math.Round(n)), 0.5)
			out, ps = append(out, r), append(ps, r.P)
		}
	}
	holm, bh := Holm(ps), BenjaminiHochberg(ps)
	for k := range out {
		out[k].Holm, out[k].BH = holm[k], bh[k]
	}
	return out
}

// MeanRates returns, for each model, the mean over its opponents of the decided rate: every
// opponent counts the same, however often they met. NaN for a model that met nobody.
func (c Comparisons) MeanRates() []float64 {
	out := make([]float64, len(c.Models))
	for i := range out {
		var rates []float64
		for j := range c.Models {
			if n := c.Win[i][j] + c.Win[j][i]; i != j && n > 0 {
				rates = append(rates, c.Win[i][j]/n)
			}
		}
		out[i] = Mean(rates)
	}
	return out
}

// WithHalfTies counts a tie, and a both-bad vote, as half a win for each side.
func (c Comparisons) WithHalfTies() Comparisons {
	h := NewComparisons(c.Models)
	h.Tie, h.BothBad = nil, nil
	for i := range c.Models {
		for j := range c.Models {
			h.Win[i][j] = c.Win[i][j] + (at(c.Tie, i, j)+at(c.BothBad, i, j))/2
		}
	}
	return h
}
