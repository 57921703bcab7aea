package analysis

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
	"coigwriter/internal/text"
)

// Contamination is how often outputs leave the language of their query (paper section 3.3).
type Contamination struct {
	by      map[Spot]map[string]int
	Flagged []Flagged // every output that leaked or switched, with the passages
}

// A Flagged output and the passages that are in another language.
type Flagged struct {
	Spot
	QueryID  string   `json:"query_id"`
	Class    string   `json:"class"`
	Share    Number   `json:"share"` // of its letters
	Passages []string `json:"passages"`
}

// NewContamination starts the measure.
func NewContamination() *Contamination {
	return &Contamination{by: map[Spot]map[string]int{}}
}

// Add judges one generation against the language of its query.
func (c *Contamination) Add(g record.Generation) {
	at := Spot{g.Model, languageOf(g)}
	if c.by[at] == nil {
		c.by[at] = map[string]int{}
	}
	if strings.TrimSpace(g.Output) == "" {
		c.by[at]["empty"]++
		return
	}
	f := text.ForeignIn(g.Output, g.Prompt, at.Language)
	c.by[at]["n"]++
	c.by[at][f.Class]++
	if f.Longest > 0 {
		c.by[at]["any"]++
	}
	if f.Class != text.ForeignLeak && f.Class != text.ForeignSwitch {
		return
	}
	x := Flagged{Spot: at, QueryID: g.QueryID, Class: f.Class, Share: Number(f.Share)}
	slices.SortStableFunc(f.Runs, func(a, b text.ForeignAt) int { return b.Len - a.Len }) // what decided first
	for _, r := range f.Runs[:min(len(f.Runs), 5)] {
		x.Passages = append(x.Passages, text.Excerpt(g.Output[r.From:r.To], 80))
	}
	c.Flagged = append(c.Flagged, x)
}

// A Rate is a share with its Wilson interval.
type Rate struct {
	K        int      `json:"k"`
	N        int      `json:"n"`
	Share    Number   `json:"share"`
	Interval Interval `json:"interval"`
}

func rateOf(k, n int) Rate {
	share := math.NaN()
	if n > 0 {
		share = float64(k) / float64(n)
	}
	return Rate{k, n, Number(share), intervalOf(stats.Wilson(float64(k), float64(n), 0.95))}
}

// A LanguageLine is one model in one language.
type LanguageLine struct {
	Spot
	Empty  int  `json:"empty"`  // outputs without a letter to judge; they are in no n
	Any    Rate `json:"any"`    // any foreign character at all: the upper bound
	Quoted Rate `json:"quoted"` // names, quotations, glosses only
	Asked  Rate `json:"asked"`  // the query asks for it
	Leak   Rate `json:"leak"`
	Switch Rate `json:"switch"`
	Bad    Rate `json:"leak_or_switch"`
}

// Lines returns a line for each model and language.
func (c *Contamination) Lines() []LanguageLine {
	var out []LanguageLine
	for _, s := range outputsBy[int](spotsOf(c.by)).spots() {
		m := c.by[s]
		n := m["n"]
		out = append(out, LanguageLine{
			Spot: s, Empty: m["empty"], Any: rateOf(m["any"], n), Quoted: rateOf(m[text.ForeignQuoted], n), Asked: rateOf(m[text.ForeignAsked], n),
			Leak: rateOf(m[text.ForeignLeak], n), Switch: rateOf(m[text.ForeignSwitch], n), Bad: rateOf(m[text.ForeignLeak]+m[text.ForeignSwitch], n),
		})
	}
	return out
}

// spotsOf are the places of a map, without what stands there.
func spotsOf[T any](m map[Spot]T) map[Spot][]int {
	out := make(map[Spot][]int, len(m))
	for s := range m {
		out[s] = nil
	}
	return out
}

// LanguageTable shows the lines.
func LanguageTable(lines []LanguageLine, lang string) *table.Table {
	t := table.New(pick(lang, "答非所问之语", "Outputs in another language"), table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "题目语言", "query in")), table.Num("n"), table.Num(pick(lang, "有外文", "any")), table.Num(pick(lang, "只在引用中", "quoted")), table.Num(pick(lang, "题目要求", "asked for")), table.Num(pick(lang, "漏字", "leak")), table.Num(pick(lang, "换语言", "switch")), table.Num(pick(lang, "漏字或换语言", "leak or switch")), table.Num("95%"), table.Num(pick(lang, "空", "empty"))).As("language")
	var rules []Note
	if slices.ContainsFunc(lines, func(l LanguageLine) bool { return l.Language == "en" }) {
		rules = append(rules, note("英文题：中文占字母两成以上，或有一段 8 字以上未加引号、20 字以上任意，为换语言；未加引号的中文 2 字以上为漏字", "English queries: a fifth of the letters Chinese, an unquoted run of 8 characters or any run of 20 is a switch; two or more unquoted characters are a leak"))
	}
	if slices.ContainsFunc(lines, func(l LanguageLine) bool { return l.Language == "zh" }) {
		rules = append(rules, note("中文题：外文占一半以上（四个字母抵一个汉字），或有一段 12 词以上未加引号，为换语言；单个字母、缩写与公式不算词，名称与术语不算漏字", "Chinese queries: more than half foreign (four letters weigh as one Han character), or an unquoted run of 12 words is a switch; single letters, abbreviations and formulas are no words, and names and terms are no leaks"))
	}
	if slices.ContainsFunc(lines, func(l LanguageLine) bool { return l.Language != "zh" && l.Language != "en" }) {
		rules = append(rules, note("其他语言的题不判", "queries in other languages are not judged"))
	}
	t.Note = joined(lang, append(rules, note("空的输出不计；区间为 Wilson", "empty outputs are not in n; intervals: Wilson"))...)
	for _, l := range lines {
		t.Add(l.Model, LanguageName(l.Language, lang), l.Any.N, l.Any.K, l.Quoted.K, l.Asked.K, l.Leak.K, l.Switch.K, table.Percent(l.Bad.Share), percentRange(l.Bad.Interval), l.Empty)
	}
	return t
}

// FlaggedTable shows the first flagged outputs with their passages.
func FlaggedTable(flagged []Flagged, show int, lang string) *table.Table {
	t := table.New(pick(lang, "标出的输出", "Flagged outputs"), table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "题", "query")), table.Text(pick(lang, "类别", "class")), table.Text(pick(lang, "段落", "passages"))).As("flagged")
	for _, f := range flagged[:min(show, len(flagged))] {
		t.Add(f.Model, f.QueryID, f.Class, text.Excerpt(strings.Join(f.Passages, " / "), 60))
	}
	if n := len(flagged) - show; n > 0 {
		t.Note = fmt.Sprintf(pick(lang, "另有 %d 条", "and %d more"), n)
	}
	return t
}

// A LanguageDoc is the lines and the outputs that they flag.
type LanguageDoc struct {
	Lines   []LanguageLine `json:"lines"`
	Flagged []Flagged      `json:"flagged"`
}

func languages(c *Corpus) Study {
	l := NewContamination()
	return Study{"language", func(r any) {
		if g, ok := r.(record.Generation); ok {
			l.Add(g)
		}
	}, func() (Result, error) {
		lines := l.Lines()
		if len(lines) == 0 {
			return Result{}, nil
		}
		return Result{Doc: LanguageDoc{lines, l.Flagged}, Tables: []*table.Table{LanguageTable(lines, c.Lang), FlaggedTable(l.Flagged, 10, c.Lang)}, Figures: LanguageFigures(lines, c.Lang, c.Theme)}, nil
	}}
}
