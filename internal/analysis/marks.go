package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

// A MarkLine is one model's ratings on one dimension, in one language.
type MarkLine struct {
	Spot
	Dimension string   `json:"dimension"`
	Outputs   int      `json:"outputs"`
	Ratings   int      `json:"ratings"`
	Raters    int      `json:"raters"`
	Mean      Number   `json:"mean"` // over outputs, each the mean of its ratings
	Interval  Interval `json:"interval"`
	// Adjusted is the mean net of who rated: model + rater by least squares, centred on the mean of all.
	// It is undefined where raters are not linked by models they share.
	Adjusted Number `json:"adjusted"`
}

// Marks are the mean ratings of models (paper section 2.4: 0 to 3 on five dimensions).
type Marks struct {
	by   map[Spot]map[string]map[string]*rated // spot → dimension → item
	all  []record.Rating
	seen map[[3]string]bool
}

// NewMarks starts the means.
func NewMarks() *Marks {
	return &Marks{by: map[Spot]map[string]map[string]*rated{}, seen: map[[3]string]bool{}}
}

// Add takes one rating of a model's output; of a rater's scores for an output and dimension the first
// counts.
func (m *Marks) Add(r record.Rating) {
	key := [3]string{r.Item, r.Dimension, r.Rater}
	if r.Model == "" || m.seen[key] {
		return
	}
	m.seen[key] = true
	s := Spot{r.Model, r.Language}
	if m.by[s] == nil {
		m.by[s] = map[string]map[string]*rated{}
	}
	if m.by[s][r.Dimension] == nil {
		m.by[s][r.Dimension] = map[string]*rated{}
	}
	x := m.by[s][r.Dimension][r.Item]
	if x == nil {
		x = &rated{Rating: r, raters: map[string]bool{}}
		m.by[s][r.Dimension][r.Item] = x
	}
	x.raters[r.Rater] = true
	x.sum += r.Score
	m.all = append(m.all, r)
}

// Lines returns a line for each language, model and dimension; intervals resample outputs.
func (m *Marks) Lines(bootstrap int, seed uint64) (out []MarkLine) {
	for s, dims := range m.by {
		for dim, items := range dims {
			l := MarkLine{Spot: s, Dimension: dim, Outputs: len(items)}
			raters := map[string]bool{}
			var means []float64
			for _, item := range slices.Sorted(maps.Keys(items)) {
				x := items[item]
				means = append(means, x.sum/float64(len(x.raters)))
				l.Ratings += len(x.raters)
				for r := range x.raters {
					raters[r] = true
				}
			}
			b := BoxOf(means, bootstrap, seed)
			l.Raters, l.Mean, l.Interval = len(raters), b.Mean, b.MeanIn
			l.Adjusted = m.adjusted(s, dim)
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b MarkLine) int {
		return cmp.Or(cmp.Compare(a.Language, b.Language), cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(b.Mean, a.Mean), cmp.Compare(a.Model, b.Model))
	})
	return out
}

// adjusted is the mean of a model net of its raters' severity.
func (m *Marks) adjusted(s Spot, dim string) Number {
	var values []float64
	var levels [2][]int
	place := [2]map[string]int{{}, {}}
	for _, r := range m.all {
		if r.Language != s.Language || r.Dimension != dim {
			continue
		}
		values = append(values, r.Score)
		for f, name := range []string{r.Model, r.Rater} {
			i, ok := place[f][name]
			if !ok {
				i = len(place[f])
				place[f][name] = i
			}
			levels[f] = append(levels[f], i)
		}
	}
	if len(place[1]) < 2 {
		return Number(math.NaN())
	}
	effects := stats.Additive(values, levels[:])
	return Number(stats.Mean(values) + effects[0][place[0][s.Model]])
}

// MarkTable shows the means.
func MarkTable(lines []MarkLine, bootstrap int, seed uint64, lang string) *table.Table {
	t := table.New(pick(lang, "各模型的评分", "Ratings of models"), table.Text(pick(lang, "语言", "language")), table.Text(pick(lang, "维度", "dimension")), table.Text(pick(lang, "模型", "model")),
		table.Num(pick(lang, "答案", "outputs")), table.Num(pick(lang, "评分", "ratings")), table.Num(pick(lang, "评测员", "raters")), table.Num(pick(lang, "平均", "mean")), table.Num("95%"), table.Num(pick(lang, "除去评测员宽严", "net of raters"))).As("marks")
	t.Note = fmt.Sprintf(pick(lang, "先对每篇答案平均，再对答案平均；区间按答案重抽（%d 次，种子 %d）。除去评测员宽严：分数 = 模型 + 评测员，最小二乘；评测员和模型连不起来时不给",
		"means over outputs, each the mean of its ratings; intervals resample outputs (%d resamples, seed %d). Net of raters: score = model + rater by least squares; not given where raters and models are not linked"), bootstrap, seed)
	for _, l := range lines {
		t.Add(languageName(l.Language, lang), DimensionName(l.Dimension, lang), l.Model, l.Outputs, l.Ratings, l.Raters, float64(l.Mean), span2(l.Interval), float64(l.Adjusted))
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
		}
	}, func() (Result, error) {
		lines := all.Lines(c.Bootstrap, c.Seed)
		if len(lines) == 0 {
			return Result{}, nil
		}
		return Result{Doc: lines, Tables: []*table.Table{MarkTable(lines, c.Bootstrap, c.Seed, c.Lang)}}, nil
	}}
}

// A JudgeMarks is how one judge's ratings on a dimension compare with people's of the same outputs.
type JudgeMarks struct {
	Judge     string `json:"judge"`
	Language  string `json:"language"`
	Dimension string `json:"dimension"`
	Outputs   int    `json:"outputs"` // that both rated
	Mean      Number `json:"mean"`
	People    Number `json:"people_mean"`
	Tau       Number `json:"tau"` // Kendall's tau-b between the judge's and the people's means
	Apart     Number `json:"mean_absolute_difference"`
}

// CalibrateMarks compares the ratings of judges with those of people, judge by judge.
func CalibrateMarks(rs []record.Rating) []JudgeMarks {
	m := newMarkCalibration()
	for _, r := range rs {
		m.add(r)
	}
	return m.lines()
}

type markKey struct{ language, dimension, item string }

// markCalibration collects ratings of people and of judges.
type markCalibration struct {
	people map[markKey][]float64
	judges map[string]map[markKey][]float64
}

func newMarkCalibration() *markCalibration {
	return &markCalibration{people: map[markKey][]float64{}, judges: map[string]map[markKey][]float64{}}
}

func (m *markCalibration) add(r record.Rating) {
	at := m.people
	if r.Judge != "" {
		if m.judges[r.Judge] == nil {
			m.judges[r.Judge] = map[markKey][]float64{}
		}
		at = m.judges[r.Judge]
	}
	k := markKey{r.Language, r.Dimension, r.Item}
	at[k] = append(at[k], r.Score)
}

func (m *markCalibration) lines() (out []JudgeMarks) {
	for _, judge := range slices.Sorted(maps.Keys(m.judges)) {
		groups := map[markKey][][2]float64{} // without the item
		own := m.judges[judge]
		keys := slices.SortedFunc(maps.Keys(own), func(a, b markKey) int { // sums must not depend on the order of a map
			return cmp.Or(cmp.Compare(a.language, b.language), cmp.Compare(a.dimension, b.dimension), cmp.Compare(a.item, b.item))
		})
		for _, k := range keys {
			scores := own[k]
			if people := m.people[k]; len(people) > 0 {
				g := markKey{k.language, k.dimension, ""}
				groups[g] = append(groups[g], [2]float64{stats.Mean(scores), stats.Mean(people)})
			}
		}
		for _, g := range slices.SortedFunc(maps.Keys(groups), func(a, b markKey) int {
			return cmp.Or(cmp.Compare(a.language, b.language), cmp.Compare(a.dimension, b.dimension))
		}) {
			var x, y []float64
			apart := 0.0
			for _, p := range groups[g] {
				x, y = append(x, p[0]), append(y, p[1])
				apart += math.Abs(p[0] - p[1])
			}
			out = append(out, JudgeMarks{
				Judge: judge, Language: g.language, Dimension: g.dimension, Outputs: len(x),
				Mean: Number(stats.Mean(x)), People: Number(stats.Mean(y)), Tau: Number(stats.Tau(x, y)), Apart: Number(apart / float64(len(x))),
			})
		}
	}
	return out
}

func judgeMarksTable(lines []JudgeMarks, lang string) *table.Table {
	t := table.New(pick(lang, "模型裁判的评分与人的比较", "Ratings of model judges against people's"), table.Text(pick(lang, "裁判", "judge")), table.Text(pick(lang, "语言", "language")), table.Text(pick(lang, "维度", "dimension")),
		table.Num(pick(lang, "共同的答案", "shared outputs")), table.Num(pick(lang, "裁判平均", "judge's mean")), table.Num(pick(lang, "人的平均", "people's mean")), table.Num("τ"), table.Num(pick(lang, "平均相差", "mean difference"))).As("judge-marks")
	for _, l := range lines {
		t.Add(l.Judge, languageName(l.Language, lang), DimensionName(l.Dimension, lang), l.Outputs, float64(l.Mean), float64(l.People), number3(l.Tau), float64(l.Apart))
	}
	return t
}
