package stats

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// An Outcome of a vote, as the rater saw it: A is the output shown left.
type Outcome uint8

// The outcomes.
const (
	LeftWins Outcome = iota
	RightWins
	Tie
	BothBad
)

// A Vote is one rater's choice between two outputs for one query.
type Vote struct {
	Query       string
	Genre       string
	Rater       string
	Left, Right int // indices of the models
	Outcome     Outcome
	// Covariates are differences between left and right, such as of length; all votes of a
	// set have the same ones.
	Covariates []float64
}

// Count adds up votes over the models.
func Count(models []string, votes []Vote) Comparisons {
	c := NewComparisons(models)
	for _, v := range votes {
		switch v.Outcome {
		case LeftWins:
			c.Win[v.Left][v.Right]++
		case RightWins:
			c.Win[v.Right][v.Left]++
		case Tie:
			c.Tie[v.Left][v.Right]++
			c.Tie[v.Right][v.Left]++
		case BothBad:
			c.BothBad[v.Left][v.Right]++
			c.BothBad[v.Right][v.Left]++
		}
	}
	return c
}

// Decided returns the votes that chose a side.
func Decided(votes []Vote) []Vote {
	return slices.DeleteFunc(slices.Clone(votes), func(v Vote) bool { return v.Outcome > RightWins })
}

// Outcomes lays votes out as ratings, to see how far raters agree: a row for each query and pair of
// models, a column for each rater by name, and as the rating who won (0 for the model of the lower
// index, 1 for the other), 2 for a tie and 3 for both bad, or 2 for either where bad is false. Votes
// without a rater are left out; of a rater's votes on one query and pair the first counts.
// queries are those of the rows.
func Outcomes(votes []Vote, bad bool) (ratings Ratings, queries []string) {
	type unit struct {
		query string
		i, j  int
	}
	columns := map[string]int{}
	for _, v := range votes {
		if v.Rater != "" {
			columns[v.Rater] = 0
		}
	}
	for i, r := range slices.Sorted(maps.Keys(columns)) {
		columns[r] = i
	}
	rows := map[unit]int{}
	for _, v := range votes {
		if v.Rater == "" {
			continue
		}
		u := unit{v.Query, min(v.Left, v.Right), max(v.Left, v.Right)}
		row, ok := rows[u]
		if !ok {
			row = len(ratings)
			rows[u], queries = row, append(queries, v.Query)
			ratings = append(ratings, slices.Repeat([]float64{math.NaN()}, len(columns)))
		}
		if !math.IsNaN(ratings[row][columns[v.Rater]]) {
			continue
		}
		said := 2.0
		switch {
		case v.Outcome <= RightWins && (v.Outcome == LeftWins) == (v.Left == u.i):
			said = 0
		case v.Outcome <= RightWins:
			said = 1
		case v.Outcome == BothBad && bad:
			said = 3
		}
		ratings[row][columns[v.Rater]] = said
	}
	return ratings, queries
}

// VoteOptions say what a regression of votes holds apart from the strengths.
type VoteOptions struct {
	Side       bool  // a preference for the left side
	Covariates []int // which of the votes' covariates enter
	HalfTies   bool  // ties and both-bad votes count as half a win; else they are left out
}

// A VoteFit is a Bradley-Terry model over single votes, with covariances that know that votes
// on one query belong together.
type VoteFit struct {
	Models     []string
	Theta      []float64 // natural log, sum zero
	SE         SEs       // of Theta
	Cov        *mat.Dense
	Side       Effect   // zero where it was not fitted
	Covariates []Effect // in the order of the options
	LogLik     float64
	Queries    int
}

// SEs are standard errors under four assumptions, by model.
type SEs struct {
	Model, HC0, CR0, CR1 []float64
}

// An Effect is one coefficient.
type Effect struct {
	Estimate, Model, HC0, CR0, CR1 float64
	P                              float64 // two-sided, from Estimate/CR0 as standard normal
}

// FitVotes fits strengths to single votes; clusters are queries. It returns [ErrNotRankable]
// where no finite strengths exist.
func FitVotes(models []string, votes []Vote, opt VoteOptions) (VoteFit, error) {
	if !opt.HalfTies {
		votes = Decided(votes)
	}
	c := Count(models, votes)
	if opt.HalfTies {
		c = c.WithHalfTies()
	}
	c.Tie, c.BothBad = nil, nil
	if g := c.Connections(); !g.Rankable() {
		return VoteFit{}, fmt.Errorf("%w: %s", ErrNotRankable, g.Explain(models))
	}
	k := len(models)
	extra := len(opt.Covariates)
	if opt.Side {
		extra++
	}
	rows, y, cluster := make([][]float64, len(votes)), make([]float64, len(votes)), make([]int, len(votes))
	queries := map[string]int{}
	for i, v := range votes {
		row := make([]float64, k-1+extra)
		if v.Left > 0 {
			row[v.Left-1]++
		}
		if v.Right > 0 {
			row[v.Right-1]--
		}
		at := k - 1
		if opt.Side {
			row[at] = 1
			at++
		}
		for j, cov := range opt.Covariates {
			row[at+j] = v.Covariates[cov]
		}
		rows[i] = row
		switch v.Outcome {
		case LeftWins:
			y[i] = 1
		case Tie, BothBad:
			y[i] = 0.5
		}
		if _, ok := queries[v.Query]; !ok {
			queries[v.Query] = len(queries)
		}
		cluster[i] = queries[v.Query]
	}
	f, err := Logit(rows, y, cluster)
	if err != nil {
		return VoteFit{}, fmt.Errorf("%w: %w", ErrNotRankable, err)
	}
	out := VoteFit{Models: models, LogLik: f.LogLik, Queries: len(queries), Theta: make([]float64, k)}
	copy(out.Theta[1:], f.Coef[:k-1])
	mean := Mean(out.Theta)
	for i := range out.Theta {
		out.Theta[i] -= mean
	}
	out.SE.Model, _ = centered(f.Model, k)
	out.SE.HC0, _ = centered(f.HC0, k)
	out.SE.CR0, _ = centered(f.CR0, k)
	out.SE.CR1, out.Cov = centered(f.CR1, k)
	effect := func(j int) Effect {
		se := func(m *mat.Dense) float64 { return math.Sqrt(m.At(j, j)) }
		e := Effect{Estimate: f.Coef[j], Model: se(f.Model), HC0: se(f.HC0), CR0: se(f.CR0), CR1: se(f.CR1)}
		e.P = 2 * distuv.UnitNormal.Survival(math.Abs(e.Estimate/e.CR0))
		return e
	}
	at := k - 1
	if opt.Side {
		out.Side = effect(at)
		at++
	}
	for j := range opt.Covariates {
		out.Covariates = append(out.Covariates, effect(at+j))
	}
	return out, nil
}

// centered turns the covariance of strengths relative to the first model into the gauge in
// which they sum to zero, and returns standard errors and covariance.
func centered(cov *mat.Dense, k int) ([]float64, *mat.Dense) {
	full := mat.NewDense(k, k, nil)
	for i := 1; i < k; i++ {
		for j := 1; j < k; j++ {
			full.Set(i, j, cov.At(i-1, j-1))
		}
	}
	center(full, k)
	se := make([]float64, k)
	for i := range se {
		se[i] = math.Sqrt(full.At(i, i))
	}
	return se, full
}

// RankBounds returns, for each model, 1 + the number of models whose 95% interval lies wholly
// above its own.
func RankBounds(theta, se []float64) []int {
	z := normalQuantile(0.95)
	out := make([]int, len(theta))
	for i := range theta {
		out[i] = 1
		for j := range theta {
			if theta[j]-z*se[j] > theta[i]+z*se[i] {
				out[i]++
			}
		}
	}
	return out
}

// A Position is the share of decided votes that went to the left side.
type Position struct {
	Left, N  float64
	Rate     float64
	Interval Interval // Wilson, 95%
	P        float64  // exact, against one half
}

// PositionOf counts how often the left side was preferred.
func PositionOf(votes []Vote) Position {
	var p Position
	for _, v := range Decided(votes) {
		p.N++
		if v.Outcome == LeftWins {
			p.Left++
		}
	}
	p.Rate, p.Interval, p.P = p.Left/p.N, Wilson(p.Left, p.N, 0.95), BinomialTest(int(p.Left), int(p.N), 0.5)
	return p
}

// Resample draws n bootstrap samples of size units with replacement, as indices, from a seed:
// the same seed gives the same samples on every machine.
func Resample(seed uint64, n, units int) [][]int {
	rng := rand.New(rand.NewPCG(seed, 0))
	out := make([][]int, n)
	for b := range out {
		out[b] = make([]int, units)
		for i := range out[b] {
			out[b][i] = rng.IntN(units)
		}
	}
	return out
}
