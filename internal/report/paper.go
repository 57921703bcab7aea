package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"coigwriter/internal/analysis"
	"coigwriter/internal/table"
)

// paper.json is the paper's printed figures: of Table 2 the counts that its percentages stand for (each
// cell is k/n for one integer k; n = 204 in Chinese and 353 in English).
//
//go:embed paper.json
var paperFile []byte

// A published figure of the paper.
type published struct {
	Quantity string  `json:"quantity"` // pair, chars, tokens, ttr, ttr_median, leak, triplets, article, prompt, reasoning, queries
	Language string  `json:"language,omitempty"`
	Model    string  `json:"model,omitempty"`
	Against  string  `json:"against,omitempty"` // of a pair
	Category string  `json:"category,omitempty"`
	K        int     `json:"k,omitempty"` // of N
	N        int     `json:"n,omitempty"`
	Value    float64 `json:"value,omitempty"`
	Where    string  `json:"where"`
}

var paper = sync.OnceValue(func() (out struct {
	Origin  string      `json:"origin"`
	Figures []published `json:"figures"`
},
) {
	if err := json.Unmarshal(paperFile, &out); err != nil {
		panic(fmt.Sprintf("the paper's figures: %v", err)) // they are part of the program
	}
	return out
})

// text is the figure as it is shown.
func (p published) text() string {
	if p.N > 0 {
		return fmt.Sprintf("%.1f%% (%d/%d)", 100*float64(p.K)/float64(p.N), p.K, p.N)
	}
	return table.Cell(p.Value)
}

// label says what the figure is of.
func (p published) label(lang string) string {
	name := map[string]analysis.Note{
		"pair": note("胜率", "win rate"), "chars": note("平均字数", "mean characters"), "tokens": note("平均 token", "mean tokens"),
		"ttr": note("TTR 平均", "mean TTR"), "ttr_median": note("TTR 中位", "median TTR"), "leak": note("漏出中文或别的语言", "leak of another language"),
		"triplets": note("三元组数", "triplets"), "article": note("文章平均字数", "mean characters of articles"), "prompt": note("提示平均字数", "mean characters of prompts"),
		"reasoning": note("推理平均字数", "mean characters of reasoning"), "queries": note("题数", "queries"),
	}[p.Quantity].In(lang)
	switch {
	case p.Against != "":
		return fmt.Sprintf(pick(lang, "%s 对 %s 的%s", "%[3]s of %[1]s against %[2]s"), p.Model, p.Against, name)
	case p.Model != "":
		return p.Model + pick(lang, "：", ": ") + name
	}
	return name
}

// same reports whether a model of ours is called as one of the paper's.
func same(ours, theirs string) bool { return strings.EqualFold(strings.TrimSpace(ours), theirs) }

// beside puts the paper's figures beside ours where the same quantity exists: of a model where one is
// called the same, of a category where triplets have it. Nothing is said of why they differ.
func (b *build) beside(lang string, results []analysis.Result) *table.Table {
	t := table.New(pick(lang, "论文与本报告", "The paper and this report"), table.Text(pick(lang, "量", "quantity")), table.Text(pick(lang, "语言", "language")), table.Text(pick(lang, "论文出处", "in the paper")), table.Num(pick(lang, "论文", "paper")), table.Num(pick(lang, "本报告", "here")), table.Num("n")).As("paper")
	t.Note = pick(lang, "模型和类别按名称对应；题目、评测员与数据并不相同，差别不能当作复现或反驳。论文表 2 的百分比换算成票数。", "Models and categories are matched by name; queries, raters and data are not the same, and a difference neither confirms nor refutes. The percentages of the paper's Table 2 are given as counts.")
	for _, p := range paper().Figures {
		ours, n, ok := b.ours(p, results)
		if !ok {
			continue
		}
		language := ""
		if p.Language != "" {
			language = analysis.LanguageName(p.Language, lang)
		}
		label := p.label(lang)
		if p.Category != "" {
			c, _ := b.tax.Category(p.Category)
			label = c.In(lang) + pick(lang, "：", ": ") + label
		}
		where := p.Where
		if lang == Chinese {
			where = strings.Replace(where, "Table ", "表 ", 1)
		}
		t.Add(label, language, where, p.text(), ours, n)
	}
	return t
}

// ours is the same quantity as a published one, where there is one.
func (b *build) ours(p published, results []analysis.Result) (value string, n int, ok bool) {
	for _, r := range results {
		switch doc := r.Doc.(type) {
		case []analysis.WinRates:
			if value, n, ok = ofVotes(p, doc); ok {
				return value, n, ok
			}
		case []analysis.LengthLine:
			i := slices.IndexFunc(doc, func(l analysis.LengthLine) bool { return l.Language == p.Language && same(l.Model, p.Model) })
			if i < 0 {
				continue
			}
			box := map[string]analysis.Box{"chars": doc[i].Characters, "tokens": doc[i].Tokens}[p.Quantity]
			if box.N > 0 {
				return table.Cell(float64(box.Mean)) + span(box.MeanIn, 0), box.N, true
			}
		case analysis.DiversityDoc:
			i := slices.IndexFunc(doc.Lines, func(l analysis.DiversityLine) bool { return l.Language == p.Language && same(l.Model, p.Model) })
			if i < 0 {
				continue
			}
			switch ttr := doc.Lines[i].Measures["ttr"]; {
			case p.Quantity == "ttr" && ttr.N > 0:
				return fmt.Sprintf("%.3f%s", ttr.Mean, span(ttr.MeanIn, 3)), ttr.N, true
			case p.Quantity == "ttr_median" && ttr.N > 0:
				return fmt.Sprintf("%.3f", ttr.Median), ttr.N, true
			}
		case analysis.LanguageDoc:
			i := slices.IndexFunc(doc.Lines, func(l analysis.LanguageLine) bool { return l.Language == p.Language && same(l.Model, p.Model) })
			if p.Quantity == "leak" && i >= 0 {
				x := doc.Lines[i].Bad
				return fmt.Sprintf("%.1f%% (%d/%d)%s", 100*float64(x.K)/math.Max(float64(x.N), 1), x.K, x.N, percents(x.Interval)), x.N, true
			}
		case analysis.Summary:
			if value, n, ok = ofTriplets(p, doc); ok {
				return value, n, ok
			}
		}
	}
	return "", 0, false
}

func ofVotes(p published, doc []analysis.WinRates) (value string, n int, ok bool) {
	for _, w := range doc {
		if w.Language != p.Language {
			continue
		}
		if p.Quantity == "queries" {
			return itoa(w.Queries), w.Queries, true
		}
		if p.Quantity != "pair" {
			continue
		}
		a := slices.IndexFunc(w.Models, func(m string) bool { return same(m, p.Model) })
		c := slices.IndexFunc(w.Models, func(m string) bool { return same(m, p.Against) })
		if a < 0 || c < 0 {
			continue
		}
		if x, found := w.Pair(w.Models[a], w.Models[c]); found && x.N > 0 {
			return fmt.Sprintf("%.1f%% (%d/%d)%s", 100*x.Rate, x.Wins, x.N, percents(w.Interval(x))), x.N, true
		}
	}
	return "", 0, false
}

func ofTriplets(p published, doc analysis.Summary) (value string, n int, ok bool) {
	g := doc.Overall
	if p.Category != "" {
		i := slices.IndexFunc(doc.Categories, func(c analysis.Group) bool { return c.ID == p.Category })
		if i < 0 {
			return "", 0, false
		}
		g = doc.Categories[i]
	}
	switch spread := map[string]analysis.Spread{"article": g.Article, "prompt": g.Prompt, "reasoning": g.Reasoning}[p.Quantity]; {
	case p.Quantity == "triplets":
		return itoa(g.Count), g.Count, true
	case spread.N > 0:
		return table.Cell(spread.Mean), spread.N, true
	}
	return "", 0, false
}
