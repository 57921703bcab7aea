package stats_test

import (
	"errors"
	"testing"

	"coigwriter/internal/stats"
)

func goldenPairwiseCounts(t *testing.T, input []byte) values {
	c := decode[stats.Comparisons](t, input)
	v := pairValues(c, "")
	bt, err := stats.BradleyTerry(c)
	if err != nil {
		t.Fatal(err)
	}
	v["mean_win_rate"] = c.MeanRates()
	v["bt_decisive/theta_sumzero"], v["bt_decisive/se_sumzero"], v["bt_decisive/elo1000"] = bt.Theta, bt.SE(), bt.Elo()
	var first, firstSE []float64
	for i := range c.Models {
		d, se := bt.Difference(i, 0)
		first, firstSE = append(first, d), append(firstSE, se)
	}
	v["bt_decisive/theta_ref_first"], v["bt_decisive/se_ref_first"] = first, firstSE
	var prob [][]float64
	for i := range c.Models {
		row := make([]float64, len(c.Models))
		for j := range row {
			row[j] = bt.Prob(i, j)
		}
		prob = append(prob, row)
	}
	v["bt_decisive/prob"] = prob
	f := bt.TestFit(c)
	v["bt_decisive/deviance_df_p"], v["bt_decisive/loglik_grouped"] = []float64{f.Deviance, float64(f.DF), f.P}, f.LogLik
	if c.Tie != nil {
		tieValues(t, c, v, "")
	}
	return v
}

// pairValues are the keys of every pair of models, under a prefix.
func pairValues(c stats.Comparisons, prefix string) values {
	v := values{}
	var order []string
	var p, holm, bh []float64
	for _, r := range c.Pairs() {
		name := c.Models[r.I] + "|" + c.Models[r.J]
		key := prefix + "pair/" + name + "/"
		v[key+"decisive"] = []float64{r.Wins, r.N(), r.Rate}
		v[key+"wilson95"] = []float64{r.Wilson.Lo, r.Wilson.Hi}
		v[key+"cp95"] = []float64{r.Exact.Lo, r.Exact.Hi}
		v[key+"p_exact"], v[key+"half_tie_rate"] = r.P, r.HalfTie
		order, p, holm, bh = append(order, name), append(p, r.P), append(holm, r.Holm), append(bh, r.BH)
	}
	v[prefix+"pair/order"], v[prefix+"pair/p_holm"], v[prefix+"pair/p_bh"] = order, holm, bh
	v[prefix+"pair/p_bonferroni"] = stats.Bonferroni(p)
	return v
}

// tieValues are the keys of the models that know ties.
func tieValues(t *testing.T, c stats.Comparisons, v values, prefix string) {
	t.Helper()
	half, err := stats.BradleyTerry(c.WithHalfTies())
	if err != nil {
		t.Fatal(err)
	}
	v[prefix+"bt_half/theta_sumzero"] = half.Theta
	d, err := stats.Davidson(c)
	if err != nil {
		t.Fatal(err)
	}
	v[prefix+"davidson/theta_sumzero"], v[prefix+"davidson/se_sumzero"] = d.Theta, d.SE()
	v[prefix+"davidson/nu"], v[prefix+"davidson/se_log_nu"], v[prefix+"davidson/loglik_kernel"] = d.Extra, d.SEExtra, d.LogLik
	rk, err := stats.RaoKupper(c)
	if err != nil {
		t.Fatal(err)
	}
	v[prefix+"raokupper/theta_sumzero"], v[prefix+"raokupper/se_sumzero"] = rk.Theta, rk.SE()
	v[prefix+"raokupper/eta"], v[prefix+"raokupper/loglik_kernel"] = rk.Extra, rk.LogLik
	if c.BothBad != nil {
		g, err := stats.Grounded(c)
		if err != nil {
			t.Fatal(err)
		}
		v[prefix+"grounded_rk/beta"], v[prefix+"grounded_rk/se_beta"] = g.Theta, g.SE()
		v[prefix+"grounded_rk/theta"], v[prefix+"grounded_rk/loglik_kernel"] = g.Extra, g.LogLik
	}
}

func goldenDegenerate(t *testing.T, input []byte) values {
	c := decode[stats.Comparisons](t, input)
	if _, err := stats.BradleyTerry(c); !errors.Is(err, stats.ErrNotRankable) {
		t.Errorf("strengths were given for votes that have none: %v", err)
	}
	g := c.Connections()
	v := values{"mle_exists": g.Rankable()}
	var comp, root []float64
	numbers := map[int]float64{}
	for i := range c.Models {
		if numbers[g.Component[i]] == 0 {
			numbers[g.Component[i]] = float64(len(numbers) + 1)
		}
		comp, root = append(comp, numbers[g.Component[i]]), append(root, float64(g.Strong[i]+1))
	}
	v["components"], v["strong_component_root"] = comp, root
	for key, lambda := range map[string]float64{"ridge_lambda_0.1/theta": 0.1, "ridge_lambda_1/theta": 1} {
		s, err := stats.Ridge(c, lambda)
		if err != nil {
			t.Fatal(err)
		}
		v[key] = s.Theta
	}
	return v
}
