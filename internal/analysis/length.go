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
	"coigwriter/internal/text"
)

// A Spot is where an output belongs: one model, answering in one language.
type Spot struct {
	Model    string `json:"model"`
	Language string `json:"language"`
}

// outputsBy groups what is measured of each output by model and language of the query.
type outputsBy[T any] map[Spot][]T

func (o outputsBy[T]) spots() []Spot {
	return slices.SortedFunc(maps.Keys(o), func(a, b Spot) int {
		return cmp.Or(cmp.Compare(a.Language, b.Language), cmp.Compare(a.Model, b.Model))
	})
}

// languageOf is the language a generation should be in: as it says, or as its prompt is, or as it is.
func languageOf(g record.Generation) string {
	if g.Language != "" {
		return g.Language
	}
	if g.Prompt != "" {
		return text.Language(g.Prompt)
	}
	return text.Language(g.Output)
}

// A Box is the five numbers of a box plot (Tukey): whiskers reach to the last value within 1.5
// interquartile ranges of the box, what lies beyond is an outlier. Quantiles are of type 7.
type Box struct {
	N        int       `json:"n"`
	Mean     Number    `json:"mean"`
	MeanIn   Interval  `json:"mean_interval"` // bootstrap over outputs
	Median   Number    `json:"median"`
	Q1       Number    `json:"q1"`
	Q3       Number    `json:"q3"`
	Low      Number    `json:"whisker_low"`
	High     Number    `json:"whisker_high"`
	Outliers []float64 `json:"outliers,omitempty"`
}

// BoxOf summarises values; those that are undefined are left out.
func BoxOf(values []float64, bootstrap int, seed uint64) Box {
	nan := Number(math.NaN())
	b := Box{Mean: nan, Median: nan, Q1: nan, Q3: nan, Low: nan, High: nan, MeanIn: Interval{nan, nan}}
	xs := slices.DeleteFunc(slices.Clone(values), func(x float64) bool { return math.IsNaN(x) })
	if b.N = len(xs); b.N == 0 {
		return b
	}
	slices.Sort(xs)
	q1, q3 := stats.Quantile(xs, 0.25), stats.Quantile(xs, 0.75)
	b.Mean, b.Median, b.Q1, b.Q3 = Number(stats.Mean(xs)), Number(stats.Quantile(xs, 0.5)), Number(q1), Number(q3)
	low, high := q1-1.5*(q3-q1), q3+1.5*(q3-q1)
	for _, x := range xs {
		switch {
		case x < low || x > high:
			b.Outliers = append(b.Outliers, x)
		default:
			if !b.Low.Defined() {
				b.Low = Number(x)
			}
			b.High = Number(x)
		}
	}
	if bootstrap > 1 && b.N > 1 {
		var means []float64
		for _, sample := range stats.Resample(seed, bootstrap, b.N) {
			sum := 0.0
			for _, i := range sample {
				sum += xs[i]
			}
			means = append(means, sum/float64(b.N))
		}
		b.MeanIn = intervalOf(stats.Percentiles(means, 0.95))
	}
	return b
}

// Lengths are the paper's Table 3 and Figure 4.
type Lengths struct {
	Count func(output string) int // of tokens; nil takes what the server counted, thought included
	by    outputsBy[[2]float64]   // characters, tokens (NaN when unknown)
}

// NewLengths starts the measure.
func NewLengths() *Lengths { return &Lengths{by: outputsBy[[2]float64]{}} }

// Add measures one generation: characters are Unicode code points, tokens those the server counted.
func (l *Lengths) Add(g record.Generation) {
	tokens := math.NaN()
	switch {
	case l.Count != nil:
		tokens = float64(l.Count(g.Output))
	case g.Tokens > 0:
		tokens = g.Tokens
	}
	at := Spot{g.Model, languageOf(g)}
	l.by[at] = append(l.by[at], [2]float64{float64(text.Len(g.Output)), tokens})
}

// A LengthLine is the lengths of one model in one language.
type LengthLine struct {
	Spot
	Empty      int    `json:"empty"` // outputs without a character; they count as 0
	Characters Box    `json:"characters"`
	Tokens     Box    `json:"tokens"`
	PerToken   Number `json:"characters_per_token"` // over outputs whose tokens are known
	Warning    Note   `json:"warning,omitzero"`
}

// Lines returns a line for each model and language.
func (l *Lengths) Lines(bootstrap int, seed uint64) []LengthLine {
	var out []LengthLine
	for _, s := range l.by.spots() {
		var chars, tokens []float64
		line := LengthLine{Spot: s}
		c, t := 0.0, 0.0
		for _, x := range l.by[s] {
			chars, tokens = append(chars, x[0]), append(tokens, x[1])
			if x[0] == 0 {
				line.Empty++
			}
			if x[1] > 0 {
				c, t = c+x[0], t+x[1]
			}
		}
		line.Characters, line.Tokens, line.PerToken = BoxOf(chars, bootstrap, seed), BoxOf(tokens, bootstrap, seed), Number(c/t)
		if s.Language == "en" && t > 0 && (line.PerToken < 4 || line.PerToken > 5.2) {
			line.Warning = note("寻常英文每 token 有 4.0 到 5.2 个字符：字符与 token 可能不是同一串文字的", "plain English has 4.0 to 5.2 characters a token: characters and tokens may not be of the same strings")
		}
		out = append(out, line)
	}
	return out
}

// LengthTable shows the lines.
func LengthTable(lines []LengthLine, lang string) *table.Table {
	t := table.New(pick(lang, "输出长度", "Length of outputs"), table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "语言", "language")), table.Num("n"), table.Num(pick(lang, "平均字数", "mean chars")), table.Num("95%"),
		table.Num(pick(lang, "中位", "median")), table.Num("Q1–Q3"), table.Num(pick(lang, "须", "whiskers")), table.Num(pick(lang, "离群", "outliers")), table.Num(pick(lang, "平均 token", "mean tokens")), table.Num(pick(lang, "字/token", "chars/token")), table.Num(pick(lang, "空", "empty"))).As("length")
	t.Note = pick(lang, "字数为 Unicode 码点；四分位为第 7 型；须到 1.5 倍四分位距以内的最远值", "characters are Unicode code points; quantiles of type 7; whiskers reach within 1.5 interquartile ranges")
	span := func(a, b Number) string {
		if !a.Defined() {
			return "–"
		}
		return fmt.Sprintf("%.0f–%.0f", a, b)
	}
	for _, l := range lines {
		c := l.Characters
		t.Add(l.Model, LanguageName(l.Language, lang), c.N, float64(c.Mean), span(c.MeanIn.Lo, c.MeanIn.Hi), float64(c.Median), span(c.Q1, c.Q3), span(c.Low, c.High), len(c.Outliers), float64(l.Tokens.Mean), float64(l.PerToken), l.Empty)
		if !l.Warning.IsZero() {
			t.Note += pick(lang, "；"+l.Model+"：", "; "+l.Model+": ") + l.Warning.In(lang)
		}
	}
	return t
}

func lengths(c *Corpus) Study {
	l := NewLengths()
	l.Count = c.Count
	return Study{"length", func(r any) {
		if g, ok := r.(record.Generation); ok {
			l.Add(g)
		}
	}, func() (Result, error) {
		lines := l.Lines(c.Bootstrap, c.Seed)
		if len(lines) == 0 {
			return Result{}, nil
		}
		return Result{Doc: lines, Tables: []*table.Table{LengthTable(lines, c.Lang)}, Figures: LengthFigures(lines, c.Lang, c.Theme)}, nil
	}}
}
