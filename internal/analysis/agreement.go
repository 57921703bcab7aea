package analysis

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

// A RatingSet collects ratings by dimension.
type RatingSet struct {
	dims       map[string]*sheet
	Duplicates int // a rater's second score for an item and dimension; the first counts
	Problems   []string
}

// A sheet is the ratings on one dimension.
type sheet struct {
	scores map[string]map[string]float64 // item → rater → score
	query  map[string]string             // item → its query
	raters map[string]bool
}

// NewRatingSet collects ratings.
func NewRatingSet() *RatingSet { return &RatingSet{dims: map[string]*sheet{}} }

// Add takes one rating.
func (s *RatingSet) Add(r record.Rating) {
	d := s.dims[r.Dimension]
	if d == nil {
		d = &sheet{scores: map[string]map[string]float64{}, query: map[string]string{}, raters: map[string]bool{}}
		s.dims[r.Dimension] = d
	}
	if d.scores[r.Item] == nil {
		d.scores[r.Item] = map[string]float64{}
	}
	if _, ok := d.scores[r.Item][r.Rater]; ok {
		s.Duplicates++
		if len(s.Problems) < keepProblems {
			s.Problems = append(s.Problems, fmt.Sprintf("item %s: rater %s has scored %q before; the first score counts", r.Item, r.Rater, r.Dimension))
		}
		return
	}
	d.scores[r.Item][r.Rater], d.raters[r.Rater] = r.Score, true
	if r.Query != "" {
		d.query[r.Item] = r.Query
	}
}

// Dimensions lists the dimensions with ratings.
func (s *RatingSet) Dimensions() []string { return slices.Sorted(maps.Keys(s.dims)) }

// AgreementOptions say how agreement is measured.
type AgreementOptions struct {
	Categories []float64 // scores that could be given; nil means those that were
	Bootstrap  int       // resamples of items, or of queries where ratings name them
	Seed       uint64
}

// A Measure is one coefficient of agreement; where it has no value, Why says so in words.
type Measure struct {
	Name      string   `json:"name"`
	Value     Number   `json:"value"`
	Interval  Interval `json:"interval"` // percentile bootstrap
	Undefined int      `json:"undefined_resamples,omitempty"`
	Why       Note     `json:"why,omitzero"`
}

// An Agreement is how far raters agree on one dimension.
type Agreement struct {
	Dimension string      `json:"dimension"`
	Items     int         `json:"items"`
	Shared    int         `json:"items_with_two_ratings"`
	Raters    int         `json:"raters"`
	Ratings   int         `json:"ratings"`
	Measures  []Measure   `json:"measures"`
	Pairs     []RaterPair `json:"pairs"`
	Severity  []Severity  `json:"severity"`
	Notes     []Note      `json:"notes"`
}

// A RaterPair is the agreement of two raters over the items that both rated.
type RaterPair struct {
	A         string   `json:"a"`
	B         string   `json:"b"`
	Items     int      `json:"items"`
	Percent   Number   `json:"percent"`
	PercentIn Interval `json:"percent_interval"`
	Kappa     Number   `json:"kappa"`
	KappaIn   Interval `json:"kappa_interval"`
	Quadratic Number   `json:"kappa_quadratic"`
	QuadIn    Interval `json:"kappa_quadratic_interval"`
	Why       Note     `json:"why,omitzero"` // why there is no kappa
}

// A Severity is how much higher (lenient) or lower (severe) a rater scores than the others on the same
// items, in points of the scale.
type Severity struct {
	Rater    string   `json:"rater"`
	Ratings  int      `json:"ratings"`
	Points   Number   `json:"points"`
	Interval Interval `json:"interval"` // undefined with more than 50 raters
	Why      Note     `json:"why,omitzero"`
}

// coefficients are those that need not know who rated; the others follow them.
var coefficients = []struct {
	name string
	of   func(stats.Counts) float64
}{
	{"percent", func(n stats.Counts) float64 { return n.PercentAgreement().Value }},
	{"alpha_nominal", func(n stats.Counts) float64 { return n.Alpha(stats.NominalMetric) }},
	{"alpha_ordinal", func(n stats.Counts) float64 { return n.Alpha(stats.OrdinalMetric) }},
	{"alpha_interval", func(n stats.Counts) float64 { return n.Alpha(stats.IntervalMetric) }},
	{"ac1", func(n stats.Counts) float64 { return n.Gwet(stats.Identity).Value }},
	{"ac2_quadratic", func(n stats.Counts) float64 { return n.Gwet(stats.Quadratic).Value }},
	{"fleiss_kappa", func(n stats.Counts) float64 { return n.Fleiss(stats.Identity).Value }},
}

// Agreement measures one dimension.
func (s *RatingSet) Agreement(dimension string, o AgreementOptions) Agreement {
	d := s.dims[dimension]
	items, raters := slices.Sorted(maps.Keys(d.scores)), slices.Sorted(maps.Keys(d.raters))
	out := Agreement{Dimension: dimension, Items: len(items), Raters: len(raters)}
	r := make(stats.Ratings, len(items))
	complete := true
	for i, item := range items {
		r[i] = make([]float64, len(raters))
		for j, rater := range raters {
			x, ok := d.scores[item][rater]
			if !ok {
				x, complete = math.NaN(), false
			}
			r[i][j] = x
		}
		out.Ratings += len(d.scores[item])
		if len(d.scores[item]) > 1 {
			out.Shared++
		}
	}
	categories := o.Categories
	if categories == nil {
		categories = r.Categories()
	}
	samples, unit := d.samples(items, o)
	why := out.why(r)
	n := r.Counts(categories)
	for _, m := range coefficients {
		x := Measure{Name: m.name, Value: Number(m.of(n)), Interval: Interval{Number(math.NaN()), Number(math.NaN())}}
		draws, undefined := n.Bootstrap(samples, m.of)
		x.Undefined = undefined
		if !x.Value.Defined() {
			x.Value, x.Why = Number(math.NaN()), why
			if x.Why.IsZero() {
				x.Why = note("偶然一致已是 1", "chance agreement is 1")
			}
		} else if len(draws) > 1 {
			x.Interval = intervalOf(stats.Percentiles(draws, 0.95))
		}
		out.Measures = append(out.Measures, x)
	}
	out.reliability(r, complete, samples)
	drawn := stats.Drawn(samples, len(r))
	for i, a := range raters {
		for j := i + 1; j < len(raters); j++ {
			kappa, percent := r.CohenKappa(i, j, categories, stats.Identity)
			quadratic, _ := r.CohenKappa(i, j, categories, stats.Quadratic)
			if kappa.Units == 0 {
				continue
			}
			pair := RaterPair{
				A: a, B: raters[j], Items: kappa.Units, Percent: Number(percent), PercentIn: percentiles(r.BootstrapPercent(i, j, samples)),
				Kappa: Number(kappa.Value), KappaIn: percentiles(r.BootstrapKappa(i, j, categories, stats.Identity, drawn)),
				Quadratic: Number(quadratic.Value), QuadIn: percentiles(r.BootstrapKappa(i, j, categories, stats.Quadratic, drawn)),
			}
			if !pair.Kappa.Defined() {
				pair.Kappa, pair.Quadratic, pair.Why = Number(math.NaN()), Number(math.NaN()), note("两人都只给同一个分", "both give one and the same score throughout")
			}
			out.Pairs = append(out.Pairs, pair)
		}
	}
	out.Severity = severity(r, raters, samples)
	units := len(samplesUnits(d, items))
	out.Notes = append(out.Notes, Note{
		fmt.Sprintf("区间：按 %d %s重抽（%d 次，种子 %d），百分位", units, unit.ZH, o.Bootstrap, o.Seed),
		fmt.Sprintf("intervals: percentile bootstrap over %d %s (%d resamples, seed %d)", units, unit.EN, o.Bootstrap, o.Seed),
	})
	if !complete {
		out.Notes = append(out.Notes, note("并非人人评了每一项：ICC 与 Kendall W 需要完整设计，略去；alpha、AC1、AC2 与一致率用现有的评分", "not every rater scored every item: ICC and Kendall's W need a complete design and are left out; alpha, AC1, AC2 and percent use what there is"))
	}
	return out
}

// why says in words why nothing can be measured; empty where something can.
func (a Agreement) why(r stats.Ratings) Note {
	switch {
	case a.Raters < 2:
		return note("只有一位评分员", "there is only one rater")
	case a.Shared == 0:
		return note("没有一项由两人评过", "no item was scored by two raters")
	case len(r.Categories()) < 2:
		return note("分数全都一样，没有变化", "every score is the same: nothing varies")
	}
	return Note{}
}

// samplesUnits groups items by query where ratings name queries, else each item is a unit.
func samplesUnits(d *sheet, items []string) [][]int {
	if len(d.query) < len(items) {
		units := make([][]int, len(items))
		for i := range items {
			units[i] = []int{i}
		}
		return units
	}
	byQuery := map[string][]int{}
	for i, item := range items {
		byQuery[d.query[item]] = append(byQuery[d.query[item]], i)
	}
	var units [][]int
	for _, q := range slices.Sorted(maps.Keys(byQuery)) {
		units = append(units, byQuery[q])
	}
	return units
}

// samples draws resamples as lists of rows.
func (d *sheet) samples(items []string, o AgreementOptions) (rows [][]int, unit Note) {
	units := samplesUnits(d, items)
	unit = Note{"道题", "queries"}
	if len(d.query) < len(items) {
		unit = Note{"项", "items"}
	}
	for _, sample := range stats.Resample(o.Seed, o.Bootstrap, len(units)) {
		var row []int
		for _, u := range sample {
			row = append(row, units[u]...)
		}
		rows = append(rows, row)
	}
	return rows, unit
}

// reliability adds what needs a complete design.
func (a *Agreement) reliability(r stats.Ratings, complete bool, samples [][]int) {
	if !complete || a.Raters < 2 || a.Items < 2 {
		return
	}
	single, mean := r.ICC2()
	w, _, _ := r.KendallW()
	draws := r.Bootstrap(samples, func(r stats.Ratings) []float64 {
		one, all := r.ICC2()
		w, _, _ := r.KendallW()
		return []float64{one.Value, all.Value, w}
	})
	for len(draws) < 3 {
		draws = append(draws, nil)
	}
	for _, m := range []struct {
		name  string
		icc   stats.ICC
		draws []float64
	}{{"icc_2_1", single, draws[0]}, {"icc_2_k", mean, draws[1]}} {
		x := Measure{Name: m.name, Value: Number(m.icc.Value), Interval: percentiles(m.draws)}
		if !x.Value.Defined() {
			x.Why = note("各项之间没有变化", "nothing varies between items")
		}
		a.Measures = append(a.Measures, x)
	}
	x := Measure{Name: "kendall_w", Value: Number(w), Interval: percentiles(draws[2])}
	if !x.Value.Defined() {
		x.Why = note("每位评分员给所有项同一名次", "every rater gives all items one rank")
	}
	a.Measures = append(a.Measures, x)
}

// percentiles is the 95% interval of the draws that are defined.
func percentiles(draws []float64) Interval {
	draws = slices.DeleteFunc(draws, math.IsNaN)
	if len(draws) < 2 {
		return Interval{Number(math.NaN()), Number(math.NaN())}
	}
	return intervalOf(stats.Percentiles(draws, 0.95))
}

// manyRaters is from where on severity has no interval: each resample would solve a system of that size.
const manyRaters = 50

func severity(r stats.Ratings, raters []string, samples [][]int) []Severity {
	points := r.Severity()
	draws := make([][]float64, len(raters))
	if len(raters) <= manyRaters && len(raters) > 1 {
		draws = r.BootstrapSeverity(samples)
	}
	out := make([]Severity, len(raters))
	for j, name := range raters {
		out[j] = Severity{Rater: name, Points: Number(points[j]), Interval: percentiles(draws[j])}
		switch {
		case len(raters) < 2:
			out[j].Points, out[j].Why = Number(math.NaN()), note("只有一位评分员", "there is only one rater")
		case !out[j].Points.Defined():
			out[j].Why = note("评分员之间没有共同的项相连", "the raters are not linked by items that several scored")
		}
		for _, row := range r {
			if !math.IsNaN(row[j]) {
				out[j].Ratings++
			}
		}
	}
	return out
}

// Tables returns the coefficients, the pairs of raters and their severity.
func (a Agreement) Tables(lang string) []*table.Table {
	title := a.Dimension
	if title == "" {
		title = pick(lang, "评分", "score")
	}
	first := table.New(title, table.Text(pick(lang, "系数", "coefficient")), table.Num(pick(lang, "值", "value")), table.Num("95%"), table.Text(pick(lang, "说明", "remark")))
	first.Note = fmt.Sprintf(pick(lang, "%d 项，%d 位评分员，%d 个评分，%d 项有两个以上评分；", "%d items, %d raters, %d ratings, %d items with two or more; "), a.Items, a.Raters, a.Ratings, a.Shared) + joined(lang, a.Notes...)
	undefined := func(why Note) string {
		if why.IsZero() {
			return ""
		}
		return pick(lang, "无定义：", "undefined because ") + why.In(lang)
	}
	for _, m := range a.Measures {
		remark := undefined(m.Why)
		if remark == "" && m.Undefined > 0 {
			remark = fmt.Sprintf(pick(lang, "%d 次重抽无定义", "undefined in %d resamples"), m.Undefined)
		}
		value := "–"
		if m.Value.Defined() {
			value = fmt.Sprintf("%.3f", m.Value)
		}
		first.Add(m.Name, value, span3(m.Interval), remark)
	}
	pairs := table.New(title+" · "+pick(lang, "两两", "pairs of raters"), table.Text("A"), table.Text("B"), table.Num(pick(lang, "共同项", "items")), table.Num(pick(lang, "一致", "agree")), table.Num("95%"), table.Num("kappa"), table.Num("95%"), table.Num(pick(lang, "平方加权", "quadratic")), table.Num("95%"), table.Text(pick(lang, "说明", "remark")))
	for _, p := range a.Pairs {
		pairs.Add(p.A, p.B, p.Items, table.Percent(p.Percent), percentRange(p.PercentIn), two(p.Kappa), span2(p.KappaIn), two(p.Quadratic), span2(p.QuadIn), undefined(p.Why))
	}
	severe := table.New(title+" · "+pick(lang, "宽严", "severity"), table.Text(pick(lang, "评分员", "rater")), table.Num(pick(lang, "评分数", "ratings")), table.Num(pick(lang, "偏高（分）", "points above")), table.Num("95%"), table.Text(pick(lang, "说明", "remark")))
	severe.Note = pick(lang, "与他人在同样的项上相比；正数偏宽", "against the others on the same items; positive is lenient")
	for _, s := range a.Severity {
		severe.Add(s.Rater, s.Ratings, two(s.Points), span2(s.Interval), undefined(s.Why))
	}
	for what, t := range map[string]*table.Table{"agreement": first, "rater-pairs": pairs, "severity": severe} {
		t.As(strings.TrimSuffix(what+"-"+a.Dimension, "-"))
	}
	return []*table.Table{first, pairs, severe}
}

// span3 writes an interval with three decimals.
func span3(i Interval) string {
	if !i.Lo.Defined() {
		return "–"
	}
	return fmt.Sprintf("%.3f, %.3f", i.Lo, i.Hi)
}

// two writes a number with two decimals.
func two(x Number) string {
	if !x.Defined() {
		return "–"
	}
	return fmt.Sprintf("%.2f", x)
}

// span2 writes an interval with two decimals.
func span2(i Interval) string {
	if !i.Lo.Defined() {
		return "–"
	}
	return fmt.Sprintf("%.2f, %.2f", i.Lo, i.Hi)
}

func agreements(c *Corpus) Study {
	set := NewRatingSet()
	return Study{"agreement", func(r any) {
		if x, ok := r.(record.Rating); ok {
			set.Add(x)
		}
	}, func() (out Result, err error) {
		c.problem(set.Duplicates, set.Problems...)
		var doc []Agreement
		for _, d := range set.Dimensions() {
			a := set.Agreement(d, AgreementOptions{Categories: c.Categories, Bootstrap: c.Bootstrap, Seed: c.Seed})
			doc, out.Tables = append(doc, a), append(out.Tables, a.Tables(c.Lang)...)
		}
		out.Doc = doc
		return out, nil
	}}
}
