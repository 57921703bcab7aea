package stats_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"coigwriter/internal/stats"
)

func goldenPower(t *testing.T, input []byte) values {
	in := decode[struct {
		Alpha     float64
		P1, Power []float64
		N         []int
		Two, Deff [][]float64
	}](t, input)
	v := values{}
	for _, p := range in.P1 {
		for _, power := range in.Power {
			n := stats.SampleSize(p, in.Alpha, power)
			v[fmt.Sprintf("n_normal/p1=%v/power=%v", p, power)] = []float64{n, math.Ceil(n)}
			first, good := stats.ExactSampleSize(p, in.Alpha, power)
			v[fmt.Sprintf("n_exact/p1=%v/power=%v", p, power)] = []float64{float64(first), float64(good)}
		}
		for _, n := range in.N {
			v[fmt.Sprintf("power_exact/p1=%v/n=%d", p, n)] = stats.BinomialPower(p, n, in.Alpha)
		}
	}
	for _, n := range in.N {
		v[fmt.Sprintf("min_significant_k/n=%d", n)] = stats.LeastSignificant(n, in.Alpha)
		for _, power := range in.Power {
			v[fmt.Sprintf("mde/n=%d/power=%v", n, power)] = stats.Detectable(float64(n), in.Alpha, power)
		}
	}
	for _, d := range in.Deff {
		v[fmt.Sprintf("deff/m=%v,icc=%v", d[0], d[1])] = stats.DesignEffect(d[0], d[1])
	}
	return v
}

func goldenGenres(t *testing.T, input []byte) values {
	in := decode[struct{ Wins, N []int }](t, input)
	var wilson, ci [][]float64
	var p, fisher, mean []float64
	won, all := 0, 0
	for i := range in.N {
		won, all = won+in.Wins[i], all+in.N[i]
	}
	b := stats.FitBetaBinomial(in.Wins, in.N)
	for i, k := range in.Wins {
		n := in.N[i]
		w := stats.Wilson(float64(k), float64(n), 0.95)
		wilson = append(wilson, []float64{w.Lo, w.Hi})
		p = append(p, stats.BinomialTest(k, n, 0.5))
		fisher = append(fisher, stats.FisherTest(k, n-k, won-k, all-won-(n-k)))
		share, iv := b.Shrunk(k, n, 0.95)
		mean, ci = append(mean, share), append(ci, []float64{iv.Lo, iv.Hi})
	}
	chi2, df, hp := stats.Heterogeneity(in.Wins, in.N)
	return values{
		"wilson95": wilson, "p_exact": p, "p_bh": stats.BenjaminiHochberg(p), "p_holm": stats.Holm(p),
		"fisher_vs_rest": fisher, "fisher_vs_rest_bh": stats.BenjaminiHochberg(fisher), "het_chi2_df_p": []float64{chi2, float64(df), hp},
		"betabinom_mle_alpha_beta": []float64{b.Alpha, b.Beta}, "betabinom_loglik": b.LogLik, "betabinom_mu_rho": []float64{b.Mean(), b.Rho()},
		"eb_mean": mean, "eb_ci95": ci,
	}
}

func goldenLengthControl(t *testing.T, input []byte) values {
	in := decode[struct{ Rows [][3]float64 }](t, input)
	var preference, difference []float64
	for _, r := range in.Rows {
		preference = append(preference, r[0]-1)
		difference = append(difference, r[2]-r[1])
	}
	c, err := stats.ControlLength(preference, difference)
	if err != nil {
		t.Fatal(err)
	}
	return values{
		"n_used": c.N, "raw_win_rate": 100 * c.Raw, "raw_se": 100 * c.RawSE, "sd_delta_len": c.SDOfDifferences,
		"lc_win_rate": 100 * c.Controlled, "lc_win_rate_se_delta": 100 * c.ControlledSE,
		"glm_intercept_len": []float64{math.Log(c.Controlled / (1 - c.Controlled)), -c.Coefficient},
		"glm_hc0_se":        []float64{c.ControlledSE / (c.Controlled * (1 - c.Controlled)), c.CoefficientSE},
	}
}

func goldenElo(t *testing.T, input []byte) values {
	s := decode[voteSheet](t, input)
	s.Models = slices.Compact(slices.Sorted(slices.Values(slices.Concat(s.A, s.B))))
	votes := s.votes()
	v := values{"models": s.Models}
	for _, k := range []float64{4, 32} {
		h := stats.Elo(len(s.Models), votes, k)
		v[fmt.Sprintf("elo_K%v", k)] = h[len(h)-1]
	}
	return v
}

// The TTR paradox: votes explained by diversity, with and without length.
func goldenParadox(t *testing.T, input []byte) values {
	s := decode[voteSheet](t, input)
	in := decode[struct {
		TTRA   []float64 `json:"ttr_a"`
		TTRB   []float64 `json:"ttr_b"`
		MATTRA []float64 `json:"mattr_a"`
		MATTRB []float64 `json:"mattr_b"`
	}](t, input)
	votes := s.votes()
	var ttr, mattr, length, won []float64
	for i := range votes {
		votes[i].Covariates = []float64{in.TTRA[i] - in.TTRB[i], in.MATTRA[i] - in.MATTRB[i], math.Log(s.LenA[i] / s.LenB[i])}
		ttr, mattr = append(ttr, in.TTRA[i], in.TTRB[i]), append(mattr, in.MATTRA[i], in.MATTRB[i])
		length = append(length, math.Log(s.LenA[i]), math.Log(s.LenB[i]))
		share := map[stats.Outcome]float64{stats.LeftWins: 1, stats.Tie: 0.5, stats.BothBad: 0.5}[votes[i].Outcome]
		won = append(won, share, 1-share)
	}
	v := values{
		"cor_ttr_loglen": stats.Correlation(ttr, length), "cor_mattr_loglen": stats.Correlation(mattr, length), "cor_ttr_win": stats.Correlation(ttr, won),
		"partial_ttr_win_given_loglen": stats.Partial(ttr, won, length), "partial_mattr_win_given_loglen": stats.Partial(mattr, won, length),
	}
	names := []string{"ttr", "mattr", "len"}
	for model, columns := range map[string][]int{"side": nil, "ttr": {0}, "ttr_len": {0, 2}, "mattr": {1}, "mattr_len": {1, 2}, "all": {0, 1, 2}} {
		f, err := stats.FitVotes(s.Models, votes, stats.VoteOptions{Side: true, Covariates: columns})
		if err != nil {
			t.Fatal(err)
		}
		v[model+"/theta_sumzero"], v[model+"/loglik"] = f.Theta, f.LogLik
		effect := func(e stats.Effect) []float64 { return []float64{e.Estimate, e.Model, e.CR0, e.P} }
		v[model+"/side"] = effect(f.Side)
		for i, c := range columns {
			v[model+"/"+names[c]] = effect(f.Covariates[i])
		}
	}
	return v
}

func goldenDims(t *testing.T, input []byte) values {
	in := decode[struct {
		Models, A, B []string
		Dims         map[string][]string
	}](t, input)
	code := map[string]float64{"B": 0, "tie": 1, "A": 2}
	v := values{}
	for dim, outcomes := range in.Dims {
		s := voteSheet{Models: in.Models, A: in.A, B: in.B, Outcome: outcomes}
		votes := s.votes()
		c := stats.Count(s.Models, votes)
		c.BothBad = nil
		prefix := "dim/" + dim + "/"
		for key, x := range pairValues(c, prefix) {
			v[key] = x
		}
		v[prefix+"win"], v[prefix+"tie"] = c.Win, c.Tie
		tieValues(t, c, v, prefix)
		var r stats.Ratings
		for i, o := range outcomes {
			r = append(r, []float64{code[o], code[in.Dims["overall_quality"][i]]})
		}
		for name, w := range map[string]stats.Weight{"unweighted": stats.Identity, "linear": stats.Linear, "quadratic": stats.Quadratic} {
			kappa, percent := r.CohenKappa(0, 1, []float64{0, 1, 2}, w)
			v[prefix+"vs_overall/kappa_"+name], v[prefix+"vs_overall/percent"] = kappa.Value, percent
		}
	}
	return v
}

// Scores of models on the same queries, compared as votes are: by sign, and by rank.
func goldenScores(t *testing.T, input []byte) values {
	in := decode[struct {
		Models []string
		Scores [][]float64
	}](t, input)
	byModel := make(stats.Ratings, len(in.Models)) // a row a model: queries rank the models
	for _, row := range in.Scores {
		for m, x := range row {
			byModel[m] = append(byModel[m], x)
		}
	}
	w, chi2, p := byModel.KendallW()
	v := values{"friedman_chi2_df_p": []float64{chi2, float64(len(in.Models) - 1), p}, "kendall_w_models": w}
	var keys []string
	for i, a := range in.Models {
		for j := i + 1; j < len(in.Models); j++ {
			var wins, ties, losses int
			for q, x := range byModel[i] {
				switch y := byModel[j][q]; {
				case x > y:
					wins++
				case x < y:
					losses++
				default:
					ties++
				}
			}
			keys = append(keys, a+"|"+in.Models[j])
			key := "pair/" + keys[len(keys)-1] + "/"
			v[key+"wins_ties_losses"] = []int{wins, ties, losses}
			v[key+"sign_pos_n_p"] = []float64{float64(wins), float64(wins + losses), stats.BinomialTest(wins, wins+losses, 0.5)}
			x, y := byModel[i], byModel[j]
			rx, _ := stats.Ranks(x)
			ry, _ := stats.Ranks(y)
			v[key+"pearson"] = []any{stats.Correlation(x, y), notOurs{}}
			v[key+"spearman"], v[key+"kendall"] = []any{stats.Correlation(rx, ry), notOurs{}}, []any{stats.Tau(x, y), notOurs{}}
		}
	}
	v["pair/keys"] = keys
	return v
}

// Tables of two rows in each stratum: Fisher's exact test in each, and in all together.
func goldenStrata(t *testing.T, input []byte) values {
	in := decode[struct {
		Strata []string
		Tables [][2][2]int
	}](t, input)
	v := values{}
	var all [2][2]int
	for i, x := range in.Tables {
		v["fisher/"+in.Strata[i]] = []any{stats.FisherTest(x[0][0], x[0][1], x[1][0], x[1][1]), notOurs{}, notOurs{}, notOurs{}}
		for r := range x {
			for c := range x[r] {
				all[r][c] += x[r][c]
			}
		}
	}
	v["pooled_fisher_p"] = stats.FisherTest(all[0][0], all[0][1], all[1][0], all[1][1])
	return v
}

// The least number of votes that reaches a power is where the power first does.
func TestPowerIsWhereItSays(t *testing.T) {
	for _, p := range []float64{0.6, 0.7, 0.9} {
		first, _ := stats.ExactSampleSize(p, 0.05, 0.8)
		if a, b := stats.BinomialPower(p, first, 0.05), stats.BinomialPower(p, first-1, 0.05); a < 0.8 || b >= 0.8 {
			t.Errorf("%v: power %v at %d, %v before", p, a, first, b)
		}
	}
	if k := stats.LeastSignificant(5, 0.05); k != 0 {
		t.Errorf("5 votes can be significant with %d", k)
	}
	if got := stats.BinomialPower(0.5, 204, 0.05); got > 0.05 {
		t.Errorf("false positives %v", got)
	}
	if b := (distuv.Binomial{N: 204, P: 0.5}); 1-b.CDF(116)+b.CDF(87) > 0.05 {
		t.Error("117 of 204 is not the least significant")
	}
}
