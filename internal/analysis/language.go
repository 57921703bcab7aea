package analysis

import (
	"fmt"
	"math"
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
	f := text.ForeignIn(g.Output, g.Prompt, at.Language)
	if c.by[at] == nil {
		c.by[at] = map[string]int{}
	}
	c.by[at]["n"]++
	c.by[at][f.Class]++
	if f.Longest > 0 {
		c.by[at]["any"]++
	}
	if f.Class != text.ForeignLeak && f.Class != text.ForeignSwitch {
		return
	}
	x := Flagged{Spot: at, QueryID: g.QueryID, Class: f.Class, Share: Number(f.Share)}
	for _, r := range f.Runs {
		if len(x.Passages) < 5 {
			x.Passages = append(x.Passages, text.Excerpt(g.Output[r.From:r.To], 80))
		}
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
			Spot: s, Any: rateOf(m["any"], n), Quoted: rateOf(m[text.ForeignQuoted], n), Asked: rateOf(m[text.ForeignAsked], n),
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
	t := table.New(pick(lang, "答非所问之语", "Outputs in another language"), table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "题目语言", "query in")), table.Num("n"), table.Num(pick(lang, "有外文", "any")), table.Num(pick(lang, "只在引用中", "quoted")), table.Num(pick(lang, "题目要求", "asked for")), table.Num(pick(lang, "漏字", "leak")), table.Num(pick(lang, "换语言", "switch")), table.Num(pick(lang, "漏字或换语言", "leak or switch")), table.Num("95%")).As("language")
	t.Note = pick(lang, "换语言：外文占字母两成以上，或有一段 8 字以上未加引号、20 字以上任意；漏字：未加引号的外文 2 字以上；区间为 Wilson", "switch: a fifth of the letters, an unquoted run of 8 or any run of 20; leak: two or more unquoted characters; intervals: Wilson")
	for _, l := range lines {
		t.Add(l.Model, languageName(l.Language, lang), l.Any.N, l.Any.K, l.Quoted.K, l.Asked.K, l.Leak.K, l.Switch.K, table.Percent(l.Bad.Share), percentRange(l.Bad.Interval))
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
