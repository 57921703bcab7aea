package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"coigwriter/internal/plot"
	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

// Marks collects ratings that name the model of what was rated, to see what each model gets.
type Marks struct {
	languages  map[string]map[spotOfMark]map[string]map[string]float64 // language → model and dimension → item → rater → score
	query      map[string]string                                       // item → its query
	seen       map[[3]string]bool
	Duplicates int               // a rater's second score for an output and dimension; the first counts
	NoModel    int               // ratings that name no model: left out
	language   map[string]string // of a query, for ratings that do not say
}

type spotOfMark struct{ model, dimension string }

// NewMarks collects ratings.
func NewMarks() *Marks {
	return &Marks{languages: map[string]map[spotOfMark]map[string]map[string]float64{}, query: map[string]string{}, seen: map[[3]string]bool{}, language: map[string]string{}}
}

// Learn takes from a record of another kind in which language its query is.
func (m *Marks) Learn(r any) {
	switch r := r.(type) {
	case record.Query:
		m.language[r.ID] = r.Language
	case record.Generation:
		m.language[r.QueryID] = languageOf(r)
	}
}

// told puts ratings that name no language under that of their query.
func (m *Marks) told() map[string]map[spotOfMark]map[string]map[string]float64 {
	if m.languages[""] == nil || len(m.language) == 0 {
		return m.languages
	}
	out := map[string]map[spotOfMark]map[string]map[string]float64{}
	for language, spots := range m.languages {
		for s, items := range spots {
			for item, scores := range items {
				at := cmp.Or(language, m.language[m.query[item]])
				if out[at] == nil {
					out[at] = map[spotOfMark]map[string]map[string]float64{}
				}
				if out[at][s] == nil {
					out[at][s] = map[string]map[string]float64{}
				}
				out[at][s][item] = scores
			}
		}
	}
	return out
}

// Add takes one rating.
func (m *Marks) Add(r record.Rating) {
	key := [3]string{r.Item, r.Dimension, r.Rater}
	switch {
	case r.Model == "":
		m.NoModel++
		return
	case m.seen[key]:
		m.Duplicates++
		return
	}
	m.seen[key] = true
	spots := m.languages[r.Language]
	if spots == nil {
		spots = map[spotOfMark]map[string]map[string]float64{}
		m.languages[r.Language] = spots
	}
	s := spotOfMark{r.Model, r.Dimension}
	if spots[s] == nil {
		spots[s] = map[string]map[string]float64{}
	}
	if spots[s][r.Item] == nil {
		spots[s][r.Item] = map[string]float64{}
	}
	spots[s][r.Item][r.Rater] = r.Score
	m.query[r.Item] = r.Query
}

// A MeanMark is what a model gets on one dimension: the mean over its outputs, each the mean of those
// who rated it.
type MeanMark struct {
	Model     string   `json:"model"`
	Dimension string   `json:"dimension"`
	Outputs   int      `json:"outputs"`
	Raters    int      `json:"raters"`
	Marks     int      `json:"marks"`
	Mean      Number   `json:"mean"`
	Queries   Interval `json:"over_queries"` // percentile bootstrap: other queries
	People    Interval `json:"over_raters"`  // percentile bootstrap: other raters; undefined with one
	// Adjusted is the mean net of who rated: score = model + rater by least squares, about the mean of all.
	// It is undefined where raters are not linked by models they share.
	Adjusted Number `json:"net_of_raters"`
}

// MeanMarks are the models of one language.
type MeanMarks struct {
	Language   string     `json:"language"`
	Models     []string   `json:"models"`
	Dimensions []string   `json:"dimensions"`
	Means      []MeanMark `json:"means"` // by model, then dimension
	Notes      []Note     `json:"notes"`
}

// Means returns the means by language. Models and dimensions come in the orders given, others after them
// by name.
func (m *Marks) Means(models, dimensions []string, o VoteOptions) []MeanMarks {
	var out []MeanMarks
	languages := m.told()
	for _, language := range slices.Sorted(maps.Keys(languages)) {
		spots := languages[language]
		ms, ds := map[string]bool{}, map[string]bool{}
		for s := range spots {
			ms[s.model], ds[s.dimension] = true, true
		}
		x := MeanMarks{Language: language, Models: inOrder(ms, models), Dimensions: inOrder(ds, dimensions)}
		net := map[string]map[string]Number{}
		for _, dimension := range x.Dimensions {
			net[dimension] = netOfRaters(spots, dimension, x.Models)
		}
		for _, model := range x.Models {
			for _, dimension := range x.Dimensions {
				if items := spots[spotOfMark{model, dimension}]; len(items) > 0 {
					mean := m.mean(model, dimension, items, o)
					mean.Adjusted = net[dimension][model]
					x.Means = append(x.Means, mean)
				}
			}
		}
		x.Notes = []Note{note(
			"均值：先对同一篇的评分取平均，再对各篇取平均；两个区间：按题重抽、按评测员重抽（各 %d 次，种子 %d），百分位。除去宽严：分数 = 模型 + 评测员，最小二乘；评测员各评各的模型、连不起来时不给，那时模型的得分与评测员的宽严分不开",
			"means over outputs, each the mean of its marks; two intervals: over queries and over raters (%d resamples each, seed %d), percentile. Net of raters: score = model + rater by least squares; not given where raters share no models, for then marks and severity cannot be told apart", o.Bootstrap, o.Seed)}
		out = append(out, x)
	}
	return out
}

// netOfRaters is each model's mean on a dimension net of how severe its raters are.
func netOfRaters(spots map[spotOfMark]map[string]map[string]float64, dimension string, models []string) map[string]Number {
	var scores []float64
	var levels [2][]int
	raters := map[string]int{}
	for i, model := range models {
		items := spots[spotOfMark{model, dimension}]
		for _, item := range slices.Sorted(maps.Keys(items)) {
			for _, rater := range slices.Sorted(maps.Keys(items[item])) {
				if _, ok := raters[rater]; !ok {
					raters[rater] = len(raters)
				}
				scores, levels[0], levels[1] = append(scores, items[item][rater]), append(levels[0], i), append(levels[1], raters[rater])
			}
		}
	}
	out := map[string]Number{}
	var effects [][]float64
	if len(raters) > 1 {
		effects = stats.Additive(scores, levels[:])
	}
	for i, model := range models {
		out[model] = Number(math.NaN())
		if effects != nil && i < len(effects[0]) {
			out[model] = Number(stats.Mean(scores) + effects[0][i])
		}
	}
	return out
}

// inOrder lists names in an order, those it does not have after it.
func inOrder(names map[string]bool, order []string) []string {
	var out []string
	for _, name := range order {
		if names[name] && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func (m *Marks) mean(model, dimension string, items map[string]map[string]float64, o VoteOptions) MeanMark {
	nan := Number(math.NaN())
	out := MeanMark{Model: model, Dimension: dimension, Outputs: len(items), Queries: Interval{nan, nan}, People: Interval{nan, nan}}
	raters := map[string]int{}
	byQuery := map[string][]float64{} // query → means of its outputs
	keys := slices.Sorted(maps.Keys(items))
	sum := 0.0
	for _, item := range keys {
		var own float64
		for _, rater := range slices.Sorted(maps.Keys(items[item])) {
			own += items[item][rater]
			raters[rater] = 0
			out.Marks++
		}
		own /= float64(len(items[item]))
		sum += own
		q := m.query[item]
		if q == "" {
			q = item
		}
		byQuery[q] = append(byQuery[q], own)
	}
	out.Raters, out.Mean = len(raters), Number(sum/float64(len(items)))
	queries := slices.Sorted(maps.Keys(byQuery))
	if len(queries) > 1 {
		var draws []float64
		for _, sample := range stats.Resample(o.Seed, o.Bootstrap, len(queries)) {
			s, n := 0.0, 0
			for _, q := range sample {
				for _, x := range byQuery[queries[q]] {
					s, n = s+x, n+1
				}
			}
			draws = append(draws, s/float64(n))
		}
		out.Queries = percentiles(draws)
	}
	names := slices.Sorted(maps.Keys(raters))
	for i, name := range names {
		raters[name] = i
	}
	if len(names) > 1 {
		out.People = percentiles(overRaters(keys, items, raters, o))
	}
	return out
}

// overRaters resamples raters: an output's mean is over those drawn who rated it, and an output that none
// of them rated is out.
func overRaters(keys []string, items map[string]map[string]float64, place map[string]int, o VoteOptions) []float64 {
	type mark struct {
		rater int
		score float64
	}
	marks := make([][]mark, len(keys))
	for i, k := range keys {
		for r, x := range items[k] {
			marks[i] = append(marks[i], mark{place[r], x})
		}
		slices.SortFunc(marks[i], func(a, b mark) int { return a.rater - b.rater })
	}
	var draws []float64
	times := make([]float64, len(place))
	for _, sample := range stats.Resample(o.Seed, o.Bootstrap, len(place)) {
		clear(times)
		for _, r := range sample {
			times[r]++
		}
		sum, n := 0.0, 0.0
		for _, ms := range marks {
			s, w := 0.0, 0.0
			for _, x := range ms {
				s, w = s+times[x.rater]*x.score, w+times[x.rater]
			}
			if w > 0 {
				sum, n = sum+s/w, n+1
			}
		}
		if n > 0 {
			draws = append(draws, sum/n)
		}
	}
	return draws
}

// Of returns the mean of a model on a dimension.
func (x MeanMarks) Of(model, dimension string) (MeanMark, bool) {
	i := slices.IndexFunc(x.Means, func(m MeanMark) bool { return m.Model == model && m.Dimension == dimension })
	if i < 0 {
		return MeanMark{}, false
	}
	return x.Means[i], true
}

// Figure shows one dimension as a forest plot, the best model first.
func (x MeanMarks) Figure(dimension, lang string, theme plot.Theme) Named {
	of := slices.DeleteFunc(slices.Clone(x.Means), func(m MeanMark) bool { return m.Dimension != dimension })
	slices.SortStableFunc(of, func(a, b MeanMark) int { return cmp.Compare(b.Mean, a.Mean) })
	var points []plot.Point
	sum := 0.0
	for _, m := range of {
		sum += float64(m.Mean) / float64(len(of))
		points = append(points, plot.Point{Name: m.Model, Value: float64(m.Mean), Lo: float64(m.Queries.Lo), Hi: float64(m.Queries.Hi), Text: fmt.Sprintf("n %d", m.Outputs)})
	}
	title := fmt.Sprintf(pick(lang, "平均评分（%s）· %s", "Mean ratings (%s) · %s"), cmp.Or(DimensionName(dimension, lang), pick(lang, "评分", "score")), LanguageName(x.Language, lang))
	return Named{"marks-" + slug(x.Language), plot.Forest(title, pick(lang, "平均分，按题 95% 区间；竖线为各模型的平均", "mean score, 95% intervals over queries; the line is the mean of the models"), points, sum, theme)}
}

// Table shows the means; title names a dimension.
func (x MeanMarks) Table(lang string, title func(dimension string) string) *table.Table {
	t := table.New(pick(lang, "各模型的评分 · ", "Marks by model · ")+LanguageName(x.Language, lang), table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "维度", "dimension")), table.Num(pick(lang, "均值", "mean")),
		table.Num(pick(lang, "按题 95%", "queries 95%")), table.Num(pick(lang, "按评测员 95%", "raters 95%")), table.Num(pick(lang, "除去宽严", "net of raters")), table.Num(pick(lang, "篇", "outputs")), table.Num(pick(lang, "评测员", "raters")), table.Num(pick(lang, "评分", "marks"))).As("marks-" + slug(x.Language))
	t.Note = joined(lang, x.Notes...)
	for _, m := range x.Means {
		t.Add(m.Model, title(m.Dimension), fmt.Sprintf("%.2f", m.Mean), span2(m.Queries), span2(m.People), float64(m.Adjusted), m.Outputs, m.Raters, m.Marks)
	}
	return t
}

// dimensionNames are the five sides of an answer that the paper names (section 2.4).
var dimensionNames = map[string]Note{
	"content_quality":          {"内容质量", "content quality"},
	"creative_merit":           {"创意", "creative merit"},
	"cultural_appropriateness": {"文化得体", "cultural appropriateness"},
	"task_fulfilment":          {"完成要求", "task fulfilment"},
	"overall_preference":       {"总体喜好", "overall preference"},
}

// DimensionName is a dimension in words; one that is not of the paper stands for itself.
func DimensionName(key, lang string) string {
	if n, ok := dimensionNames[key]; ok {
		return n.In(lang)
	}
	return key
}

func marks(c *Corpus) Study {
	all := NewMarks()
	return Study{"marks", func(r any) {
		if x, ok := r.(record.Rating); ok {
			all.Add(x)
		} else {
			all.Learn(r)
		}
	}, func() (out Result, err error) {
		doc := all.Means(c.Models, nil, c.votes())
		for _, x := range doc {
			if d, err := dimensionOf(x.Dimensions, c.Dimension); err == nil { // without one that decides there is no one figure
				out.Figures = append(out.Figures, x.Figure(d, c.Lang, c.Theme))
			}
			out.Tables = append(out.Tables, x.Table(c.Lang, func(d string) string { return DimensionName(d, c.Lang) }))
		}
		out.Doc = doc
		return out, nil
	}}
}
