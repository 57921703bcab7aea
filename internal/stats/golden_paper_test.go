package stats_test

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"coigwriter/internal/stats"
)

// paperLeftOut lists the claims, and the figures of a claim, that are not compared here, and why.
var paperLeftOut = []struct{ key, why string }{
	{`^(N-1665|PCT-|GENRE-COUNTS|MIN-|MAXPROMPT|MEANS-|DOMAINS|GENRES-51)`, "counts and lengths of the corpus: analysis.TestThePapersTables"},
	{`^(LEN-|RATIO|TTR-LOWEST|TTR-EQUAL|UNDER-7|GAP-UNIT|ONLY-10k|TRAIN-TOTALS|QUERIES|FIVE-MODELS|SUM50)`, "arithmetic on printed figures, without a statistic"},
	{`^ANNOTATORS-5`, "nothing to compute: the paper reports no agreement"},
	{`^MONOTONE`, "a trend over doses is not offered: models are compared in pairs"},
	{`^GAP/(pooled_z|newcombe95|chinese|english|gap_pp)`, "two shares are compared by Fisher's exact test"},
	{`^STEP-5k-10k/vs_G_50_to_6275/z_p`, "two shares are compared by Fisher's exact test"},
	{`/p_exact_one_sided$|/p_with_design_effect/`, "tests are exact and two-sided; clusters are met by resampling and the sign test"},
	{`^T2-../?.*(only_n_up_to_2000|complement_)`, "how the counts were found"},
	{`/(pearson_tokens|pearson_ttr_tokens|guiraud_from_means|spearman_ttr_median)$`, "of printed means, which are not texts"},
	{`^BT-FIT/(joint|../p_lower)`, "the fit of one language is tested; a too good one shows as p near 1"},
}

// goldenPaper compares what the paper's own counts give: Table 2 with the tests that it leaves out, the
// strengths, the gap between the languages, the contamination rates, and the TTR paradox.
func goldenPaper(t *testing.T, file []byte) {
	g := decode[struct {
		Claims []struct {
			ID       string
			Computed map[string]any
		}
	}](t, file)
	claims := map[string]map[string]any{}
	for _, c := range g.Claims {
		claims[c.ID] = c.Computed
	}
	got := values{}
	holm := map[string][]float64{} // of both languages together
	var family []float64
	for _, lang := range []string{"zh", "en"} {
		cells, _ := claims["T2-"+lang+"-counts"]["cells"].([]any)
		models := []string{"CW", "CW+1k", "CW+5k", "CW+10k", "G"}
		index := map[string]int{}
		for i, m := range models {
			index[m] = i
		}
		c := stats.NewComparisons(models)
		var printed []any
		for _, x := range cells {
			x := x.([]any)
			i, j, k, n := index[x[0].(string)], index[x[1].(string)], x[3].(float64), x[4].(float64)
			c.Win[i][j] = k
			printed = append(printed, []any{x[0], x[1], strconv.FormatFloat(100*k/n, 'f', 2, 64), k, n})
		}
		got["T2-"+lang+"-counts/cells"], got["T2-"+lang+"-counts/n"] = printed, c.Win[0][1]+c.Win[1][0]
		pairs := c.Pairs()
		at := func(a, b string) stats.PairResult { // a against b
			for _, r := range pairs {
				switch {
				case models[r.I] == a && models[r.J] == b:
					return r
				case models[r.I] == b && models[r.J] == a:
					r.Rate, r.Wins, r.Losses = 1-r.Rate, r.Losses, r.Wins
					r.Wilson = stats.Interval{Lo: 1 - r.Wilson.Hi, Hi: 1 - r.Wilson.Lo}
					r.Exact = stats.Interval{Lo: 1 - r.Exact.Hi, Hi: 1 - r.Exact.Lo}
					return r
				}
			}
			t.Fatalf("no pair of %s and %s", a, b)
			return stats.PairResult{}
		}
		for _, r := range pairs {
			family = append(family, r.P)
		}
		list, _ := claims["T2-"+lang+"-tests"]["pairs"].([]any)
		var tests []any
		for _, x := range list {
			x := x.([]any)
			r := at(x[0].(string), x[1].(string))
			tests = append(tests, []any{x[0], x[1], r.Wins, r.N(), r.P, r.Holm, r.BH, notOurs{}, []any{r.Wilson.Lo, r.Wilson.Hi}})
		}
		got["T2-"+lang+"-tests/pairs"], got["T2-"+lang+"-tests/order"] = tests, claims["T2-"+lang+"-tests"]["order"]
		f, err := stats.BradleyTerry(c)
		if err != nil {
			t.Fatal(err)
		}
		fit, pre := f.TestFit(c), "BT-FIT/"+lang+"/"
		var elo []float64
		for _, x := range f.Theta {
			elo = append(elo, 1000+400/math.Ln10*x)
		}
		got[pre+"theta_sumzero"], got[pre+"elo1000"] = f.Theta, elo
		got[pre+"deviance"], got[pre+"df"], got[pre+"p_upper"] = fit.Deviance, float64(fit.DF), fit.P
		mean := c.MeanRates()
		for i, m := range models {
			got["T2-"+lang+"-tests/mean_win_rate/"+m] = mean[i]
		}
		tables, _ := claims["TTR-PARADOX"][lang].(map[string]any)
		var ttr []float64
		for _, x := range tables["ttr_mean"].([]any) {
			ttr = append(ttr, x.(float64))
		}
		rx, _ := stats.Ranks(ttr)
		ry, _ := stats.Ranks(mean)
		pre = "TTR-PARADOX/" + lang + "/"
		got[pre+"mean_win_rate"], got[pre+"ttr_mean"] = mean, ttr
		got[pre+"pearson_ttr_mean"], got[pre+"spearman_ttr_mean"], got[pre+"kendall_tau_b_ttr_mean"] = stats.Correlation(ttr, mean), stats.Correlation(rx, ry), stats.Tau(ttr, mean)
		if lang == "zh" {
			r := at("CW+10k", "G")
			got["P-6275/k"], got["P-6275/n"], got["P-6275/p_exact_two_sided"] = r.Wins, r.N(), r.P
			got["P-6275/p_holm_10"], got["P-6275/p_bh_10"] = r.Holm, r.BH
			got["P-6275/wilson95"], got["P-6275/clopper95"] = []float64{r.Wilson.Lo, r.Wilson.Hi}, []float64{r.Exact.Lo, r.Exact.Hi}
			u, s, p, k := at("CW+1k", "G"), at("CW+10k", "CW+5k"), at("CW+5k", "G"), at("CW", "G")
			got["UNDER-1k/k"], got["UNDER-1k/n"], got["UNDER-1k/p"], got["UNDER-1k/p_holm_10"], got["UNDER-1k/p_bh_10"] = u.Wins, u.N(), u.P, u.Holm, u.BH
			got["STEP-5k-10k/direct_pair/k"], got["STEP-5k-10k/direct_pair/n"], got["STEP-5k-10k/direct_pair/p"], got["STEP-5k-10k/direct_pair/p_holm_10"] = s.Wins, s.N(), s.P, s.Holm
			got["STEP-5k-10k/vs_G_50_to_6275/fisher_p"] = stats.FisherTest(int(p.Wins), int(p.Losses), int(r.Wins), int(r.Losses))
			got["PARITY/k"], got["PARITY/n"], got["PARITY/wilson95"] = p.Wins, p.N(), []float64{p.Wilson.Lo, p.Wilson.Hi}
			got["TRIPLES/k"], got["TRIPLES/n"], got["TRIPLES/p"] = k.Wins, k.N(), k.P
			holm["gap"] = []float64{r.Wins, r.Losses}
		} else {
			r := at("CW+10k", "G")
			got["EN-SYSTEMATIC/k"], got["EN-SYSTEMATIC/n"], got["EN-SYSTEMATIC/p"], got["EN-SYSTEMATIC/wilson95"] = r.Wins, r.N(), r.P, []float64{r.Wilson.Lo, r.Wilson.Hi}
			got["EN-SYSTEMATIC/p_5k"], got["EN-SYSTEMATIC/p_10k_vs_5k"] = at("CW+5k", "G").P, at("CW+10k", "CW+5k").P
			z := holm["gap"]
			got["GAP/fisher_p"] = stats.FisherTest(int(z[0]), int(z[1]), int(r.Wins), int(r.Losses))
			got["GAP/exact_gap_pp"] = 100 * (z[0]/(z[0]+z[1]) - r.Rate)
		}
	}
	got["P-6275/p_holm_20"] = stats.Holm(family)[slices.Index(family, got["P-6275/p_exact_two_sided"].(float64))]
	for name, kn := range map[string][2]int{"if_102_queries_x_2": {64, 102}, "if_51_genres_x_4": {32, 51}} {
		pre := "P-6275-clustered/" + name + "/"
		got[pre+"k"], got[pre+"n"], got[pre+"p"] = float64(kn[0]), float64(kn[1]), stats.BinomialTest(kn[0], kn[1], 0.5)
	}
	for _, m := range []string{"CW", "CW+1k", "CW+5k", "CW+10k", "G"} {
		pre := "CONT-" + m + "/"
		k, _ := claims["CONT-"+m]["k"].(float64)
		w := stats.Wilson(k, 353, 0.95)
		got[pre+"k"], got[pre+"n"], got[pre+"pct"], got[pre+"wilson95"] = k, 353.0, strconv.FormatFloat(100*k/353, 'f', 2, 64), []float64{w.Lo, w.Hi}
	}
	got["CONT-INVERSE/fisher_10k_vs_G_p"], got["CONT-INVERSE/fisher_CW_vs_CW1k_p"] = stats.FisherTest(4, 349, 5, 348), stats.FisherTest(43, 310, 6, 347)
	got["CONT-INVERSE/k"], got["CONT-INVERSE/order"] = []float64{43, 6, 5, 4, 5}, []any{"CW", "CW+1k", "CW+5k", "CW+10k", "G"}

	compared, listed := 0, 0
	var walk func(key string, want any)
	walk = func(key string, want any) {
		have, ok := got[key]
		inner, nested := want.(map[string]any)
		switch {
		case ok:
			n, err := same(flatten(deep(have)), flatten(deep(want)), 1e-9, false)
			if err != nil {
				t.Errorf("%s: %v", key, err)
			}
			compared += n
		case paperListed(key):
			listed++
		case nested:
			for k, v := range inner {
				walk(key+"/"+k, v)
			}
		default:
			t.Errorf("%s: neither computed nor listed as left out", key)
		}
	}
	for id, computed := range claims {
		walk(id, computed)
	}
	if compared < 300 {
		t.Errorf("only %d values of the paper were compared", compared)
	}
	t.Logf("%d values compared, %d keys listed as left out", compared, listed)
}

// deep makes one list of nested lists, the elements that are not ours among them.
func deep(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	var out []any
	for _, x := range list {
		if inner, ok := deep(x).([]any); ok {
			out = append(out, inner...)
			continue
		}
		out = append(out, x)
	}
	return out
}

func paperListed(key string) bool {
	for _, p := range paperLeftOut {
		if regexp.MustCompile(p.key).MatchString(key) {
			return true
		}
	}
	return false
}
