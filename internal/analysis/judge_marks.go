package analysis

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

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

// JudgeMarksTable shows how the ratings of judges compare with people's.
func JudgeMarksTable(lines []JudgeMarks, lang string) *table.Table {
	t := table.New(pick(lang, "模型裁判的评分与人的比较", "Ratings of model judges against people's"), table.Text(pick(lang, "裁判", "judge")), table.Text(pick(lang, "语言", "language")), table.Text(pick(lang, "维度", "dimension")),
		table.Num(pick(lang, "共同的答案", "shared outputs")), table.Num(pick(lang, "裁判平均", "judge's mean")), table.Num(pick(lang, "人的平均", "people's mean")), table.Num("τ"), table.Num(pick(lang, "平均相差", "mean difference"))).As("judge-marks")
	for _, l := range lines {
		t.Add(l.Judge, LanguageName(l.Language, lang), DimensionName(l.Dimension, lang), l.Outputs, float64(l.Mean), float64(l.People), number3(l.Tau), float64(l.Apart))
	}
	return t
}
