package stats_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/stats"
)

type optional struct{ x *float64 }

func (o optional) value() float64 {
	if o.x == nil {
		return math.NaN()
	}
	return *o.x
}

func ratingsOf(units [][]*float64) stats.Ratings {
	r := make(stats.Ratings, len(units))
	for i, row := range units {
		for _, x := range row {
			r[i] = append(r[i], optional{x}.value())
		}
	}
	return r
}

func goldenRatings(t *testing.T, input []byte) values {
	in := decode[struct {
		Units      [][]*float64
		Categories []float64
		Boot       struct{ Index [][]int }
	}](t, input)
	r := ratingsOf(in.Units)
	v := values{}
	agreementValues(v, "", r, in.Categories)
	single, mean := r.ICC2()
	icc := func(c stats.ICC) []float64 {
		return []float64{c.Value, c.F, c.DF1, c.DF2, c.P, c.Interval.Lo, c.Interval.Hi}
	}
	v["icc/ICC2"], v["icc/ICC2k"] = icc(single), icc(mean)
	w, chi2, p := r.KendallW()
	v["kendall_w"] = []float64{w, chi2, p}
	for name, m := range metrics {
		draws, _ := r.Counts(nil).Bootstrap(in.Boot.Index, func(c stats.Counts) float64 { return c.Alpha(m) })
		ci := stats.Percentiles(draws, 0.95)
		v["boot/alpha_"+name+"_ci95"], v["boot/alpha_"+name+"_sd"] = []float64{ci.Lo, ci.Hi}, stats.SD(draws)
	}
	return v
}

var metrics = map[string]stats.Metric{"nominal": stats.NominalMetric, "ordinal": stats.OrdinalMetric, "interval": stats.IntervalMetric}

func agreementValues(v values, prefix string, r stats.Ratings, categories []float64) {
	coefficient := func(c stats.Coefficient) []float64 { return []float64{c.Value, c.SE} }
	n := r.Counts(categories)
	v[prefix+"irrcac/pa.coeff"] = coefficient(n.PercentAgreement())
	v[prefix+"irrcac/fleiss.kappa"] = coefficient(n.Fleiss(stats.Identity))
	v[prefix+"fleiss_kappa"] = n.Fleiss(stats.Identity).Value
	v[prefix+"ac1"] = coefficient(n.Gwet(stats.Identity))
	for name, w := range map[string]stats.Weight{"linear": stats.Linear, "quadratic": stats.Quadratic, "ordinal": stats.Ordinal} {
		v[prefix+"ac2_"+name] = coefficient(n.Gwet(w))
		v[prefix+"fleiss_weighted_"+name] = coefficient(n.Fleiss(w))
	}
	for name, m := range metrics {
		v[prefix+"alpha_"+name] = n.Alpha(m)
	}
	v[prefix+"irrcac/krippen.alpha"] = []any{n.Alpha(stats.NominalMetric), notOurs{}}
	if categories == nil {
		categories = r.Categories()
	}
	for i := range r[0] {
		for j := i + 1; j < len(r[0]); j++ {
			key := fmt.Sprintf("%spair/%d-%d/", prefix, i+1, j+1)
			kappa, percent := r.CohenKappa(i, j, categories, stats.Identity)
			v[key+"n_percent"], v[key+"kappa"] = []float64{float64(kappa.Units), percent}, kappa.Value
			linear, _ := r.CohenKappa(i, j, categories, stats.Linear)
			quadratic, _ := r.CohenKappa(i, j, categories, stats.Quadratic)
			v[key+"kappa_linear"], v[key+"kappa_quadratic"] = linear.Value, quadratic.Value
		}
	}
}

func goldenKappaTable(t *testing.T, input []byte) values {
	in := decode[struct{ Table [][]float64 }](t, input)
	categories := make([]float64, len(in.Table))
	var r stats.Ratings
	for a, row := range in.Table {
		categories[a] = float64(a)
		for b, n := range row {
			for range int(n) {
				r = append(r, []float64{float64(a), float64(b)})
			}
		}
	}
	v := values{}
	coefficient := func(c stats.Coefficient) []float64 { return []float64{c.Value, c.SE} }
	kappa, percent := stats.KappaOfTable(in.Table, categories, stats.Identity)
	linear, _ := stats.KappaOfTable(in.Table, categories, stats.Linear)
	quadratic, _ := stats.KappaOfTable(in.Table, categories, stats.Quadratic)
	v["percent"], v["kappa_psych"] = percent, []float64{kappa.Value, quadratic.Value}
	v["kappa"], v["kappa_linear"], v["kappa_quadratic"] = coefficient(kappa), coefficient(linear), coefficient(quadratic)
	// the two-rater table has an estimator of variance of its own; ours is the one for any number of raters
	v["ac1"] = []any{r.Counts(nil).Gwet(stats.Identity).Value, notOurs{}}
	v["ac2_quadratic"] = []any{r.Counts(nil).Gwet(stats.Quadratic).Value, notOurs{}}
	return v
}

func goldenRatingSheet(t *testing.T, input []byte) values {
	in := decode[struct {
		Columns []string
		Rows    [][]any
	}](t, input)
	var models, raters, units, queries []string // models as they come, raters by name
	var categories []float64
	unitOf, raterOf, modelOf, queryOf := []int{}, []int{}, []int{}, []int{}
	index := func(list *[]string, s string) int {
		if i := slices.Index(*list, s); i >= 0 {
			return i
		}
		*list = append(*list, s)
		return len(*list) - 1
	}
	for _, row := range in.Rows {
		index(&models, row[1].(string))
		index(&raters, fmt.Sprint(row[2]))
		for _, x := range row[3:] {
			if x, ok := x.(float64); ok && !slices.Contains(categories, x) {
				categories = append(categories, x)
			}
		}
	}
	slices.Sort(raters)
	slices.Sort(categories)
	for _, row := range in.Rows {
		unitOf = append(unitOf, index(&units, fmt.Sprint(row[0], "|", row[1])))
		raterOf = append(raterOf, index(&raters, fmt.Sprint(row[2])))
		modelOf = append(modelOf, index(&models, row[1].(string)))
		queryOf = append(queryOf, index(&queries, fmt.Sprint(row[0])))
	}
	v := values{"models": models, "raters": raters}
	for c := 3; c < len(in.Columns); c++ {
		name := in.Columns[c]
		r := make(stats.Ratings, len(units))
		for i := range r {
			r[i] = slices.Repeat([]float64{math.NaN()}, len(raters))
		}
		y := make([]float64, len(in.Rows))
		sums, ns := make([]float64, len(models)), make([]float64, len(models))
		for i, row := range in.Rows {
			y[i] = row[c].(float64)
			r[unitOf[i]][raterOf[i]] = y[i]
			sums[modelOf[i]] += y[i]
			ns[modelOf[i]]++
		}
		agreementValues(v, name+"/", r, categories)
		for m := range sums {
			sums[m] /= ns[m]
		}
		v[name+"/model_mean"] = sums
		v[name+"/severity_fixed_unit"] = stats.Additive(y, [][]int{raterOf, unitOf})[0]
		v[name+"/model_effect_adj"] = stats.Additive(y, [][]int{modelOf, raterOf, queryOf})[0]
		v[name+"/model_effect_rater_adj"] = stats.Additive(y, [][]int{modelOf, raterOf})[0][:len(models)-1]
	}
	return v
}

func TestUndefinedAgreement(t *testing.T) {
	nan := math.NaN()
	for name, r := range map[string]stats.Ratings{
		"nothing":      {},
		"one rating":   {{1, nan}, {nan, 2}},
		"no variation": {{1, 1}, {1, 1}},
	} {
		if a := r.Counts(nil).Alpha(stats.NominalMetric); !math.IsNaN(a) {
			t.Errorf("%s: alpha is %v", name, a)
		}
		if f := r.Counts(nil).Fleiss(stats.Identity); !math.IsNaN(f.Value) {
			t.Errorf("%s: kappa is %v", name, f.Value)
		}
	}
	if !strings.HasPrefix(fmt.Sprint(stats.Ratings{{1}}.ICC2()), "{NaN") {
		t.Error("a single rater has an ICC")
	}
}
