package stats_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"coigwriter/internal/stats"
)

// A voteSheet is the input of a golden file of votes, in columns.
type voteSheet struct {
	Models        []string
	Query         []any
	Genre, Rater  []string
	A, B, Outcome []string
	LenA          []float64 `json:"len_a"`
	LenB          []float64 `json:"len_b"`
	Boot          struct {
		IDs   []any
		Index [][]int
	}
}

func (s voteSheet) votes() []stats.Vote {
	outcomes := map[string]stats.Outcome{"A": stats.LeftWins, "B": stats.RightWins, "tie": stats.Tie, "bad": stats.BothBad}
	votes := make([]stats.Vote, len(s.A))
	for i := range votes {
		v := stats.Vote{
			Left: slices.Index(s.Models, s.A[i]), Right: slices.Index(s.Models, s.B[i]),
			Outcome: outcomes[s.Outcome[i]],
		}
		if s.Query != nil {
			v.Query = fmt.Sprint(s.Query[i])
		}
		if s.Rater != nil {
			v.Rater = s.Rater[i]
		}
		if s.Genre != nil {
			v.Genre = s.Genre[i]
		}
		if s.LenA != nil {
			v.Covariates = []float64{(s.LenA[i] - s.LenB[i]) / (s.LenA[i] + s.LenB[i])}
		}
		votes[i] = v
	}
	return votes
}

func goldenVotes(t *testing.T, input []byte) values {
	s := decode[voteSheet](t, input)
	votes := s.votes()
	c := stats.Count(s.Models, votes)
	v := pairValues(c, "")
	counts := map[stats.Outcome]float64{}
	for _, x := range votes {
		counts[x.Outcome]++
	}
	v["counts/outcome"] = []float64{counts[stats.LeftWins], counts[stats.RightWins], counts[stats.Tie], counts[stats.BothBad]}
	v["counts/win"], v["counts/tie"], v["counts/both_bad"] = c.Win, c.Tie, c.BothBad
	p := stats.PositionOf(votes)
	v["position/left"], v["position/p_exact"] = []float64{p.Left, p.N, p.Rate}, p.P
	v["position/wilson95"] = []float64{p.Interval.Lo, p.Interval.Hi}

	bt := voteFit(t, v, "bt", s.Models, votes, stats.VoteOptions{})
	side := voteFit(t, v, "bt_side", s.Models, votes, stats.VoteOptions{Side: true})
	lr := 2 * (side.LogLik - bt.LogLik)
	v["bt_side/lr_chi2_p"] = []float64{lr, distuv.ChiSquared{K: 1}.Survival(lr)}
	if s.LenA != nil {
		voteFit(t, v, "bt_side_len", s.Models, votes, stats.VoteOptions{Side: true, Covariates: []int{0}})
	}
	half, err := stats.FitVotes(s.Models, votes, stats.VoteOptions{HalfTies: true})
	if err != nil {
		t.Fatal(err)
	}
	if counts[stats.Tie] > 0 {
		bad := c
		if counts[stats.BothBad] == 0 {
			bad.BothBad = nil
		}
		tieValues(t, bad, v, "")
	}
	v["bt_half/theta_sumzero"], v["bt_half/se_cluster_cr0"] = half.Theta, half.SE.CR0
	if s.Rater != nil {
		raterValues(v, votes)
	}
	if s.Genre != nil {
		genreValues(v, s.Models, votes)
	}
	if s.Boot.Index != nil {
		var queries []string
		for _, q := range s.Boot.IDs {
			queries = append(queries, fmt.Sprint(q))
		}
		bootValues(t, v, s, votes, queries)
	}
	return v
}

// raterValues are each rater's habits, and how far they agree about the same pair of outputs.
func raterValues(v values, votes []stats.Vote) {
	var raters []string
	for _, x := range votes {
		raters = append(raters, x.Rater)
	}
	slices.Sort(raters)
	raters = slices.Compact(raters)
	var shares, ties []float64
	var all, left, decided []int
	for _, r := range raters {
		own := slices.DeleteFunc(slices.Clone(votes), func(x stats.Vote) bool { return x.Rater != r })
		p := stats.PositionOf(own)
		all, left, decided = append(all, len(own)), append(left, int(p.Left)), append(decided, int(p.N))
		shares, ties = append(shares, p.Rate), append(ties, 1-p.N/float64(len(own)))
	}
	chi2, df, p := stats.Heterogeneity(left, decided)
	v["rater/order"], v["rater/votes"], v["rater/tie_or_bad_rate"], v["rater/left_rate_decisive"] = raters, all, ties, shares
	v["rater/left_chi2_df_p"] = []float64{chi2, float64(df), p}
	four, _ := stats.Outcomes(votes, true)
	three, _ := stats.Outcomes(votes, false)
	shared := 0
	for _, row := range four {
		if len(row)-countNaN(row) > 1 {
			shared++
		}
	}
	v["rater/units_with_2plus"], v["rater/percent_agreement4"] = shared, four.Counts(nil).PercentAgreement().Value
	v["rater/alpha_nominal4"], v["rater/alpha_nominal3"] = four.Counts(nil).Alpha(stats.NominalMetric), three.Counts(nil).Alpha(stats.NominalMetric)
}

func countNaN(row []float64) int {
	n := 0
	for _, x := range row {
		if math.IsNaN(x) {
			n++
		}
	}
	return n
}

// genreValues are the genres of the last model but one against the last.
func genreValues(v values, models []string, votes []stats.Vote) {
	i, j := len(models)-2, len(models)-1
	won, n := map[string]int{}, map[string]int{}
	for _, x := range votes {
		n[x.Genre] += 0
		if x.Outcome > stats.RightWins || min(x.Left, x.Right) != i || max(x.Left, x.Right) != j {
			continue
		}
		n[x.Genre]++
		if (x.Outcome == stats.LeftWins) == (x.Left == i) {
			won[x.Genre]++
		}
	}
	genres := slices.Sorted(maps.Keys(n))
	var wins, all []int
	var ps []float64
	for _, g := range genres {
		wins, all, ps = append(wins, won[g]), append(all, n[g]), append(ps, stats.BinomialTest(won[g], n[g], 0.5))
	}
	v["genre/pair"], v["genre/order"], v["genre/wins"], v["genre/n"] = []string{models[i], models[j]}, genres, wins, all
	v["genre/p_exact"], v["genre/p_bh"] = ps, stats.BenjaminiHochberg(ps)
}

func voteFit(t *testing.T, v values, name string, models []string, votes []stats.Vote, opt stats.VoteOptions) stats.VoteFit {
	t.Helper()
	f, err := stats.FitVotes(models, votes, opt)
	if err != nil {
		t.Fatal(err)
	}
	v[name+"/theta_sumzero"], v[name+"/loglik"] = f.Theta, f.LogLik
	v[name+"/se_model"], v[name+"/se_hc0"] = f.SE.Model, f.SE.HC0
	v[name+"/se_cluster_cr0"], v[name+"/se_cluster_cr1"] = f.SE.CR0, f.SE.CR1
	v[name+"/rank_ub_cr0"] = stats.RankBounds(f.Theta, f.SE.CR0)
	effect := func(e stats.Effect) []float64 { return []float64{e.Estimate, e.Model, e.HC0, e.CR0} }
	if opt.Side {
		v[name+"/side"] = effect(f.Side)
	}
	if opt.Covariates != nil {
		v[name+"/len"] = effect(f.Covariates[0])
	}
	return f
}

func bootValues(t *testing.T, v values, s voteSheet, votes []stats.Vote, queries []string) {
	t.Helper()
	draws, failed := stats.BootstrapStrengths(s.Models, votes, queries, s.Boot.Index)
	if failed > 0 {
		t.Errorf("%d resamples have no strengths", failed)
	}
	var sds []float64
	var cis [][]float64
	for m := range s.Models {
		var xs []float64
		for _, d := range draws {
			xs = append(xs, d[m])
		}
		ci := stats.Percentiles(xs, 0.95)
		sds, cis = append(sds, stats.SD(xs)), append(cis, []float64{ci.Lo, ci.Hi})
	}
	v["boot/bt_theta_sd"], v["boot/bt_theta_ci95"] = sds, cis
	k := len(s.Models)
	rates := stats.CountByQuery(s.Models, votes, queries).BootstrapRate(s.Boot.Index, k-2, k-1)
	ci := stats.Percentiles(rates, 0.95)
	v["boot/pair"], v["boot/pair_rate_sd"] = []string{s.Models[k-2], s.Models[k-1]}, stats.SD(rates)
	v["boot/pair_rate_ci95"] = []float64{ci.Lo, ci.Hi}
	if math.IsNaN(ci.Lo) {
		t.Error("no interval")
	}
}
