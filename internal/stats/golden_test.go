package stats_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// values are what we compute for one golden file, by its keys: numbers, strings, and lists of
// them. A key that is absent is not offered and must stand on the list notOffered.
type values map[string]any

// goldenTypes names, for each type of file, the function that computes it from its input.
var goldenTypes = map[string]func(t *testing.T, input []byte) values{
	"multiplicity":        goldenMultiplicity,
	"kappa_table":         goldenKappaTable,
	"pairwise_counts":     goldenPairwiseCounts,
	"rating_sheet":        goldenRatingSheet,
	"ratings":             goldenRatings,
	"pairwise_votes":      goldenVotes,
	"pairwise_degenerate": goldenDegenerate,
	"lexical":             goldenLexical,
	"lexical_growth":      goldenGrowth,
	"edge":                goldenEdge,
	"power":               goldenPower,
	"genre_table":         goldenGenres,
	"length_controlled":   goldenLengthControl,
	"elo":                 goldenElo,
	"ttr_paradox":         goldenParadox,
	"pairwise_dims":       goldenDims,
	"pairwise_home":       goldenVotes,
	"rating_sheet_real":   goldenRatingSheet,
	"paired_scores":       goldenScores,
	"stratified":          goldenStrata,
	"design":              func(*testing.T, []byte) values { return nil },
}

// notOffered lists the keys of the files that the product leaves out, and why.
var notOffered = []struct {
	typ, key string // the key as a regular expression
	why      string
}{
	{"pairwise_counts", `^bt_half/se_sandwich_sumzero$`, "sandwich errors need single votes: see the vote sheets"},
	{"pairwise_votes", `^fastchat_style/`, "one length control is enough: the covariate in FitVotes"},
	{"pairwise_votes", `^rater/percent_agreement4_pooled_pairs$`, "agreement is the mean over outputs, each counting once"},
	{"ratings", `^(irrcac/(conger.kappa|bp.coeff)|fleiss_z|conger_exact_kappa|all_equal_percent|light_kappa)$`, "Krippendorff, Fleiss, Cohen and Gwet are offered, with bootstrap intervals"},
	{"ratings", `^(icc/ICC(1|3|1k|3k)|icc_irr_.*)$`, "raters are drawn from many and their own level counts: ICC(2,1) and ICC(2,k)"},
	{"ratings", `^alpha_ratio$`, "no scale here has a true zero"},
	{"rating_sheet", `/(irrcac/(conger.kappa|bp.coeff)|alpha_ratio)$`, "as for ratings"},
	{"rating_sheet", `/(lmer|clm)_|/model_effect_rater_adj_cr0_se$`, "mixed and cumulative models: least-squares severity and bootstrap over queries are offered"},
	{"rating_sheet", `/within1_percent_pooled$`, "exact agreement is offered; AC2 and weighted kappa say how far apart raters are"},
	{"rating_sheet", `^boot/overall_mean_diff_`, "models are compared by votes, not by differences of mean scores"},
	{"kappa_table", `^(bowker|stuart_maxwell)_|^(scott_pi|brennan_prediger)$`, "tests of symmetry and other chance corrections are not offered"},
	{"pairwise_counts", `/quasi_se$`, "quasi-variances: intervals of differences come from the full covariance"},
	{"pairwise_degenerate", `^bias_reduced/`, "ridge is the one estimate offered where no finite strengths exist"},
	{"lexical", `/(cttr|dugast_u_ln|summer_s_ln|yule_i|simpson_d|herdan_vm|entropy_bits|hapax_share_types)$`, "functions of N, V and the frequencies that say nothing beyond the measures offered"},
	{"lexical", `/(msttr_\d+|mtld_(le_072|kyle_min10|ma_wrap|ma_bid))$`, "other readings of MATTR and MTLD: one of each is offered, by its published definition"},
	{"lexical", `/ead_`, "needs a vocabulary size that no text states"},
	{"lexical_growth", `/mtld_le_072$`, "as for lexical"},
	{"edge", `/mtld_le_072$`, "as for lexical"},
	{"power", `^(n_arcsine|power_two)/`, "one formula for one question: the normal one, with the exact one beside it"},
	{"genre_table", `^(glmer_|jeffreys95$|het_G2_p$)`, "mixed models and other intervals: Wilson, exact and empirical Bayes are offered"},
	{"length_controlled", `^prefer_longer_rate$`, "counts votes of equal length as preferring the shorter; ours leaves them out"},
	{"length_controlled", `^alpaca_l1_`, "the penalised form of alpaca_eval: the unpenalised one has honest errors"},
	{"design", `.`, "votings are designed in the evaluation, above this package"},
	{"stratified", `^(cmh_|mh_or_|exact_p_or_|breslow_day_|pooled_chi2_p$|strata_win_rate_ffh_p$)`, "one odds ratio over strata is not offered: genres are compared by Fisher's test, heterogeneity and empirical Bayes"},
	{"paired_scores", `/(wilcoxon_V_p|t_df_p_mean_ci95|cliffs_delta|dz)$|^pair/wilcoxon_p_holm$`, "models are compared by votes: the sign test of the preferences, and nothing that needs scores to be on one scale"},
	{"multiplicity", `^(hochberg|hommel|by)$`, "Holm and Benjamini-Hochberg are enough, and their assumptions hold here"},
}

func goldenDir() string {
	if dir := os.Getenv("GOLDEN"); dir != "" {
		return dir
	}
	return "../../../shared/golden"
}

// TestGolden compares what we compute with the values of R and Python packages, to the
// tolerance in each file.
func TestGolden(t *testing.T) {
	dir := filepath.Join(goldenDir(), "stats")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no reference values in %s", dir)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip(err)
			} else if err != nil {
				t.Fatal(err)
			}
			var g struct {
				Type     string
				Input    json.RawMessage
				Expected []struct {
					Key   string
					Value any
					Tol   float64
				}
			}
			if err := json.Unmarshal(data, &g); err != nil {
				t.Fatal(err)
			}
			if g.Type == "paper_claims" {
				goldenPaper(t, data)
				return
			}
			compute, ok := goldenTypes[g.Type]
			if !ok {
				t.Skipf("NOT COMPARED: files of type %q are not known here", g.Type)
			}
			got := compute(t, g.Input)
			compared, listed := 0, 0
			for _, e := range g.Expected {
				v, ok := got[e.Key]
				switch {
				case ok:
					n, err := same(v, e.Value, e.Tol, g.Type == "edge")
					if err != nil {
						t.Errorf("%s: %v", e.Key, err)
					}
					compared += n
				case leftOut(g.Type, e.Key):
					listed++
				default:
					t.Errorf("%s: neither computed nor listed as not offered", e.Key)
				}
			}
			t.Logf("%d values compared, %d keys listed as not offered", compared, listed)
		})
	}
}

func leftOut(typ, key string) bool {
	typ = strings.TrimSuffix(typ, "_real") // the same sheet, of real data
	for _, n := range notOffered {
		if n.typ == typ && regexp.MustCompile(n.key).MatchString(key) {
			return true
		}
	}
	return false
}

// notOurs stands in a list for an element that is not offered, such as the standard error of a
// coefficient whose interval we draw.
type notOurs struct{}

// same compares element by element, |got-want| <= tol * max(1, max|want|). A null is not
// compared, but where undefined is set it demands an undefined (NaN or nil) value.
func same(got, want any, tol float64, undefined bool) (int, error) {
	g, w := flatten(got), flatten(want)
	if len(g) != len(w) {
		return 0, fmt.Errorf("%d values, want %d: %v, want %v", len(g), len(w), got, want)
	}
	scale := 1.0
	for _, x := range w {
		if f, ok := x.(float64); ok {
			scale = max(scale, math.Abs(f))
		}
	}
	n := 0
	for i := range w {
		if (g[i] == notOurs{}) {
			continue
		}
		gf, isNumber := g[i].(float64)
		switch x := w[i].(type) {
		case nil:
			if undefined {
				n++
				if g[i] != nil && !math.IsNaN(gf) {
					return n, fmt.Errorf("element %d is %v, but it is undefined", i, g[i])
				}
			}
		case float64:
			n++
			if !isNumber || !(math.Abs(gf-x) <= tol*scale) {
				return n, fmt.Errorf("element %d is %v, want %v (tolerance %g)", i, g[i], x, tol*scale)
			}
		default:
			n++
			if g[i] != x {
				return n, fmt.Errorf("element %d is %v, want %v", i, g[i], x)
			}
		}
	}
	return n, nil
}

// flatten turns numbers, strings, booleans and nested lists of them into one list, with every
// number a float64.
func flatten(v any) []any {
	switch v := v.(type) {
	case nil, float64, string, bool:
		return []any{v}
	case int:
		return []any{float64(v)}
	case []any:
		if slices.Contains(v, any(notOurs{})) {
			return v
		}
	}
	if m, ok := v.(map[string]any); ok { // an object of counts, in a fixed order of its keys
		return []any{m["A"], m["B"], m["tie"], m["bad"]}
	}
	data, err := json.Marshal(nullNaN(v))
	if err != nil {
		panic(err)
	}
	var list []any
	if err := json.Unmarshal(data, &list); err != nil {
		panic(fmt.Sprintf("%T is not a list: %v", v, err))
	}
	var out []any
	for _, x := range list {
		if inner, ok := x.([]any); ok {
			out = append(out, flatten(inner)...)
			continue
		}
		out = append(out, x)
	}
	return out
}

// nullNaN makes lists of numbers fit for JSON, which has no NaN.
func nullNaN(v any) any {
	switch v := v.(type) {
	case []float64:
		out := make([]any, len(v))
		for i, x := range v {
			if !math.IsNaN(x) {
				out[i] = x
			}
		}
		return out
	case [][]float64:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = nullNaN(x)
		}
		return out
	}
	return v
}

// decode reads a golden file's input.
func decode[T any](t *testing.T, input []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(input, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
