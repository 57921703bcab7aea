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

// Marks are the mean ratings of models on each dimension (paper section 2.4).
type Marks struct {
	items    map[markOf]map[string]*rated // → item → what it got
	language map[string]string            // of a query, where ratings do not say
}

type markOf struct{ language, model, dimension string }

// NewMarks starts the measure.
func NewMarks() *Marks {
	return &Marks{items: map[markOf]map[string]*rated{}, language: map[string]string{}}
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

// Add takes one rating; of a rater's scores for an output and dimension the first counts. One that names
// no model is left out.
func (m *Marks) Add(r record.Rating) {
	if r.Model == "" {
		return
	}
	at := markOf{r.Language, r.Model, r.Dimension}
	if m.items[at] == nil {
		m.items[at] = map[string]*rated{}
	}
	x := m.items[at][r.Item]
	if x == nil {
		x = &rated{Rating: r, raters: map[string]bool{}}
		m.items[at][r.Item] = x
	}
	if !x.raters[r.Rater] {
		x.raters[r.Rater] = true
		x.sum += r.Score
	}
}

// A Mark is the mean of one model on one dimension: over outputs of the mean over their raters, so that
// an output that many rated weighs no more.
type Mark struct {
	Language  string   `json:"language"`
	Model     string   `json:"model"`
	Dimension string   `json:"dimension"`
	Outputs   int      `json:"outputs"`
	Ratings   int      `json:"ratings"`
	Mean      Number   `json:"mean"`
	Interval  Interval `json:"interval"` // percentile bootstrap over queries, or over outputs where ratings name none
}

// Lines returns a line for each language, model and dimension.
func (m *Marks) Lines(bootstrap int, seed uint64) []Mark {
	all := map[markOf]map[string]*rated{}
	for at, items := range m.items {
		for id, x := range items {
			at := at
			at.language = cmp.Or(x.Language, m.language[x.Query])
			if all[at] == nil {
				all[at] = map[string]*rated{}
			}
			all[at][id] = x
		}
	}
	keys := slices.SortedFunc(maps.Keys(all), func(a, b markOf) int {
		return cmp.Or(cmp.Compare(a.language, b.language), cmp.Compare(a.model, b.model), cmp.Compare(a.dimension, b.dimension))
	})
	var out []Mark
	for _, at := range keys {
		l := Mark{Language: at.language, Model: at.model, Dimension: at.dimension, Interval: Interval{Number(math.NaN()), Number(math.NaN())}}
		byQuery := map[string][]float64{}
		for _, id := range slices.Sorted(maps.Keys(all[at])) {
			x := all[at][id]
			l.Outputs++
			l.Ratings += len(x.raters)
			unit := cmp.Or(x.Query, id)
			byQuery[unit] = append(byQuery[unit], x.sum/float64(len(x.raters)))
		}
		var sums, ns []float64
		for _, q := range slices.Sorted(maps.Keys(byQuery)) {
			sum := 0.0
			for _, v := range byQuery[q] {
				sum += v
			}
			sums, ns = append(sums, sum), append(ns, float64(len(byQuery[q])))
		}
		l.Mean = Number(ratio(sums, ns, nil))
		if bootstrap > 1 && len(sums) > 1 {
			var draws []float64
			for _, sample := range stats.Resample(seed, bootstrap, len(sums)) {
				draws = append(draws, ratio(sums, ns, sample))
			}
			l.Interval = percentiles(draws)
		}
		out = append(out, l)
	}
	return out
}

// ratio is the sum of sums over that of ns, of all or of those drawn.
func ratio(sums, ns []float64, sample []int) float64 {
	s, n := 0.0, 0.0
	if sample == nil {
		for i := range sums {
			s, n = s+sums[i], n+ns[i]
		}
		return s / n
	}
	for _, i := range sample {
		s, n = s+sums[i], n+ns[i]
	}
	return s / n
}

// MarksTables show the lines, a table a language: models against dimensions.
func MarksTables(lines []Mark, lang string) []*table.Table {
	var out []*table.Table
	for _, language := range distinct(lines, func(l Mark) string { return l.Language }) {
		of := slices.DeleteFunc(slices.Clone(lines), func(l Mark) bool { return l.Language != language })
		dimensions := distinct(of, func(l Mark) string { return l.Dimension })
		slices.Sort(dimensions)
		columns := []table.Column{table.Text(pick(lang, "模型", "model")), table.Num(pick(lang, "篇", "outputs"))}
		for _, d := range dimensions {
			columns = append(columns, table.Num(cmp.Or(d, pick(lang, "评分", "score"))), table.Num("95%"))
		}
		t := table.New(pick(lang, "平均评分 · ", "Mean ratings · ")+languageName(language, lang), columns...).As("marks-" + slug(language))
		t.Note = pick(lang, "先按篇取评测员的平均，再对各篇取平均；区间按题重抽，没有题号时按篇", "means over outputs of the mean of their raters; intervals resample queries, or outputs where ratings name no query")
		for _, model := range distinct(of, func(l Mark) string { return l.Model }) {
			row, outputs := []any{model, 0}, 0
			for _, d := range dimensions {
				i := slices.IndexFunc(of, func(l Mark) bool { return l.Model == model && l.Dimension == d })
				if i < 0 {
					row = append(row, nil, nil)
					continue
				}
				outputs = max(outputs, of[i].Outputs)
				row = append(row, float64(of[i].Mean), span2(of[i].Interval))
			}
			row[1] = outputs
			t.Add(row...)
		}
		out = append(out, t)
	}
	return out
}

// distinct are the values of a key in the order they come.
func distinct[T any](xs []T, key func(T) string) []string {
	var out []string
	for _, x := range xs {
		if k := key(x); !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// MarksFigures show one dimension as a forest plot, a figure a language, the best model first.
func MarksFigures(lines []Mark, dimension, lang string, theme plot.Theme) []Named {
	var out []Named
	for _, language := range distinct(lines, func(l Mark) string { return l.Language }) {
		of := slices.DeleteFunc(slices.Clone(lines), func(l Mark) bool { return l.Language != language || l.Dimension != dimension })
		slices.SortStableFunc(of, func(a, b Mark) int { return cmp.Compare(b.Mean, a.Mean) })
		var points []plot.Point
		sum := 0.0
		for _, l := range of {
			sum += float64(l.Mean) / float64(len(of))
			points = append(points, plot.Point{Name: l.Model, Value: float64(l.Mean), Lo: float64(l.Interval.Lo), Hi: float64(l.Interval.Hi), Text: fmt.Sprintf("n %d", l.Outputs)})
		}
		if len(points) == 0 {
			continue
		}
		title := fmt.Sprintf(pick(lang, "平均评分（%s）· %s", "Mean ratings (%s) · %s"), cmp.Or(dimension, pick(lang, "评分", "score")), languageName(language, lang))
		out = append(out, Named{"marks-" + slug(language), plot.Forest(title, pick(lang, "平均分，95% 区间；竖线为各模型的平均", "mean score, 95% intervals; the line is the mean of the models"), points, sum, theme)})
	}
	return out
}

func marks(c *Corpus) Study {
	m := NewMarks()
	return Study{"marks", func(r any) {
		if x, ok := r.(record.Rating); ok {
			m.Add(x)
		} else {
			m.Learn(r)
		}
	}, func() (Result, error) {
		lines := m.Lines(c.Bootstrap, c.Seed)
		if len(lines) == 0 {
			return Result{}, nil
		}
		out := Result{Doc: lines, Tables: MarksTables(lines, c.Lang)}
		dimensions := distinct(lines, func(l Mark) string { return l.Dimension })
		if d, err := dimensionOf(dimensions, c.Dimension); err == nil { // without one that decides there is no one figure
			out.Figures = MarksFigures(lines, d, c.Lang, c.Theme)
		}
		return out, nil
	}}
}
