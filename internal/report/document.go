package report

import (
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"coigwriter/internal/analysis"
	"coigwriter/internal/table"
)

// A document is one page of a report before it is written: words, and the tables and figures in the order
// of the page.
type document struct {
	Lang     string
	Manifest Manifest
	Findings []string
	Methods  []paragraph
	Limits   []string
	Problems []string
	NotCount int
	Sections []*part
	Appendix *part

	findings, limits []analysis.Note
	results          []analysis.Result
	tables           []*tableView
	figures          []*figureView
	takenTables      map[string]int // names of files
	takenFigures     map[string]int
	prefix           string // of the files' names, for what belongs to a judge
}

// A part is a section of the page.
type part struct {
	ID, Title, Lead string
	Blocks          []block
}

// A block is a heading, a table or a figure.
type block struct {
	Heading string
	Table   *tableView
	Figure  *figureView
}

// A tableView is a table with its place on the page and the name of its files.
type tableView struct {
	*table.Table
	Number int
	ID     string // of its files too
	Paper  string // its like in the paper
	Shown  [][]string
	More   int // rows that only the files have
}

// A figureView is a figure likewise.
type figureView struct {
	analysis.Named
	Number           int
	ID, Paper        string
	Method, N, Title string
	SVG              template.HTML
	Picture          template.URL // in place of a large SVG
	svg, png         []byte
}

// shownRows is how many rows of a table stand on the page; its files have all.
const shownRows = 120

func (d *document) say(zh, en string, args ...any) string { return note(zh, en, args...).In(d.Lang) }

func (d *document) part(id, zh, en string) *part {
	return &part{ID: id, Title: pick(d.Lang, zh, en)}
}

// table puts a table into a part.
func (d *document) table(p *part, study string, t *table.Table) {
	v := &tableView{Table: t, ID: table.FileName(d.prefix+t.Name, d.takenTables), Paper: paperOf(study, t.Name, false).In(d.Lang), Shown: t.Cells()}
	if v.More = len(v.Shown) - shownRows; v.More > 0 {
		v.Shown = v.Shown[:shownRows]
	}
	d.tables = append(d.tables, v)
	p.Blocks = append(p.Blocks, block{Table: v})
}

// figure puts a figure into a part.
func (d *document) figure(p *part, study string, f analysis.Named, c caption) {
	v := &figureView{Named: f, ID: table.FileName(d.prefix+f.Name, d.takenFigures), Paper: paperOf(study, f.Name, true).In(d.Lang), Title: f.Title(), Method: c.method.In(d.Lang), N: c.n.In(d.Lang)}
	d.figures = append(d.figures, v)
	p.Blocks = append(p.Blocks, block{Figure: v})
}

// result puts the figures and tables of an analysis into a part, the long tables into the appendix. keep,
// where it is not nil, says which belong there.
func (d *document) result(p *part, r analysis.Result, heading string, keep func(name string) bool) {
	at := len(p.Blocks)
	captions := captions(r)
	for _, f := range r.Figures {
		if keep == nil || keep(f.Name) {
			d.figure(p, r.Name, f, captions[f.Name])
		}
	}
	for _, t := range r.Tables {
		switch {
		case keep != nil && !keep(t.Name):
		case aside(r.Name, t.Name):
			d.table(d.Appendix, r.Name, t)
		default:
			d.table(p, r.Name, t)
		}
	}
	if heading != "" && len(p.Blocks) > at {
		p.Blocks = append(p.Blocks[:at], append([]block{{Heading: heading}}, p.Blocks[at:]...)...)
	}
}

// aside reports whether a table is looked up rather than read.
func aside(study, name string) bool {
	switch study {
	case "genres":
		return true
	case "reasoning":
		return strings.HasPrefix(name, "transitions-")
	case "agreement":
		return strings.HasPrefix(name, "rater-pairs") || strings.HasPrefix(name, "severity")
	}
	return false
}

// document lays out the page of one language.
func (b *build) document(ctx context.Context, lang string) (*document, error) {
	b.corpus.Lang = lang
	results, err := b.corpus.Results()
	if err != nil {
		return nil, err
	}
	d := &document{Lang: lang, Manifest: b.m, results: results, takenTables: map[string]int{}, takenFigures: map[string]int{}}
	d.Appendix = d.part("appendix", "附表", "Appendix: more tables")
	by := map[string]analysis.Result{}
	for _, r := range results {
		by[r.Name] = r
	}
	d.Sections = append(d.Sections, b.dataPart(d, by), b.comparisonPart(d, by))
	p := d.part("ratings", "评分", "Ratings")
	d.result(p, by["marks"], "", nil)
	d.result(p, by["agreement"], pick(lang, "一致性", "Agreement"), nil)
	d.result(p, by["genres"], pick(lang, "各体裁的成功率", "Success by genre"), func(name string) bool { return strings.HasPrefix(name, "success-") })
	d.Sections = append(d.Sections, p)
	judges, err := b.judgesPart(d, by)
	if err != nil {
		return nil, err
	}
	d.Sections = append(d.Sections, judges)
	for _, s := range []struct{ id, zh, en string }{
		{"length", "长度", "Lengths"}, {"diversity", "词汇多样性", "Lexical diversity"}, {"language", "语言", "Language"}, {"reasoning", "推理行为", "Reasoning behaviour"},
	} {
		p := d.part(s.id, s.zh, s.en)
		d.result(p, by[s.id], "", nil)
		d.Sections = append(d.Sections, p)
	}
	others := d.part("others", "其他分析", "Other analyses")
	for _, r := range results {
		if !placed[r.Name] {
			d.result(others, r, "", nil)
		}
	}
	d.Sections = append(d.Sections, others, b.studiesPart(d))
	p = d.part("paper", "与论文的数字并列", "Beside the paper's figures")
	if t := b.beside(lang, results); len(t.Rows) > 0 {
		d.table(p, "", t)
	}
	d.Sections = append(d.Sections, p)
	d.findings, d.limits = findings(results, b.m.Options), b.limits(results)
	for _, f := range d.findings {
		d.Findings = append(d.Findings, f.In(lang))
	}
	for _, l := range d.limits {
		d.Limits = append(d.Limits, l.In(lang))
	}
	d.Methods = b.methods(lang, results)
	d.Problems, d.NotCount = append(append([]string{}, b.m.Refused.Problems...), b.corpus.Problems...), b.m.Refused.Count+b.corpus.NotCount
	d.number()
	return d, d.draw(ctx)
}

// number counts tables and figures in the order of the page, which has the appendix last.
func (d *document) number() {
	tables, figures := 0, 0
	for _, p := range slices.Concat(d.Sections, []*part{d.Appendix}) {
		for _, b := range p.Blocks {
			switch {
			case b.Table != nil:
				tables++
				b.Table.Number = tables
			case b.Figure != nil:
				figures++
				b.Figure.Number = figures
			}
		}
	}
}

// placed are the analyses with a section of their own; any other stands under "other analyses".
var placed = map[string]bool{
	"triplets": true, "answers": true, "winrate": true, "ratings": true, "rankings": true, "genres": true, "marks": true, "agreement": true, judgesStudy: true,
	"length": true, "diversity": true, "language": true, "reasoning": true,
}

func (b *build) dataPart(d *document, by map[string]analysis.Result) *part {
	p := d.part("data", "数据", "Data")
	if r := b.release; r != nil {
		t := factTable(d.Lang, pick(d.Lang, "发布版本", "Release")).As("release")
		t.Add(pick(d.Lang, "版本", "version"), r.Version)
		t.Add(pick(d.Lang, "三元组", "triplets"), itoa(r.Items))
		t.Add(pick(d.Lang, "内容哈希", "content hash"), r.ContentHash)
		for _, f := range [][2]string{{pick(d.Lang, "冻结于", "cut at"), r.CutAt}, {pick(d.Lang, "许可", "licence"), r.Licence}} {
			if f[1] != "" {
				t.Add(f[0], f[1])
			}
		}
		d.table(p, "", t)
	}
	d.result(p, by["triplets"], pick(d.Lang, "三元组", "Triplets"), nil)
	d.result(p, by["answers"], pick(d.Lang, "题目与回答", "Queries and answers"), nil)
	return p
}

func factTable(lang, title string) *table.Table {
	return table.New(title, table.Text(pick(lang, "项", "what")), table.Text(pick(lang, "值", "value")))
}

func (b *build) comparisonPart(d *document, by map[string]analysis.Result) *part {
	p := d.part("comparison", "比较", "Comparison")
	d.result(p, by["winrate"], pick(d.Lang, "胜率", "Win rates"), nil)
	if doc, ok := by["winrate"].Doc.([]analysis.WinRates); ok {
		t := table.New(pick(d.Lang, "位置偏好", "Position bias"), table.Text(pick(d.Lang, "语言", "language")), table.Num(pick(d.Lang, "选先显示的", "chose the first")), table.Num("n"), table.Num(pick(d.Lang, "占比", "share")), table.Num("Wilson 95%"), table.Num("p")).As("position")
		t.Note = pick(d.Lang, "已分胜负的票里选先显示一边的次数，对一半的精确检验；排名和没写先后的票不在此列", "decided votes for what was shown first, with an exact test against one half; rankings and votes that do not say it are left out")
		for _, w := range doc {
			if x := w.Position; x.Known {
				t.Add(analysis.LanguageName(w.Language, d.Lang), x.First, x.N, table.Percent(x.Rate), strings.Trim(percents(x.Interval), " []"), analysis.PText(x.P))
			}
		}
		if len(t.Rows) > 0 {
			d.table(p, "winrate", t)
		}
	}
	d.result(p, by["ratings"], pick(d.Lang, "实力", "Strengths"), nil)
	d.result(p, by["genres"], pick(d.Lang, "各体裁的胜率", "Win rates by genre"), func(name string) bool { return !strings.HasPrefix(name, "success-") })
	d.result(p, by["rankings"], pick(d.Lang, "排名的一致", "Agreement of rankings"), nil)
	return p
}

// judgesPart is what models say, each judge by itself and never in one table with people; the calibration
// of judges against people stands first.
func (b *build) judgesPart(d *document, by map[string]analysis.Result) (*part, error) {
	p := d.part("judges", "评审模型", "Model judges")
	p.Lead = d.say("以下是模型的判断，不是人的；逐个评审分列，从不与人的票同表。评审的模型、提示词和参数都是结果的一部分。", "These are judgements of models, not of people: each judge by itself, never in one table with people. A judge's model, prompt and parameters are part of the result.")
	d.result(p, by[judgesStudy], pick(d.Lang, "与人对照", "Against people"), func(name string) bool {
		return name == "judge-marks" || !strings.HasPrefix(name, "judge-") // each judge's own results follow
	})
	defer func() { d.prefix = "" }()
	for _, j := range b.judges {
		j.Lang = d.Lang
		results, err := j.Results()
		if err != nil {
			return nil, fmt.Errorf("judge %s: %w", j.name, err)
		}
		d.prefix = "judge-" + j.name + "-"
		for _, r := range results {
			heading := ""
			if r.Name == results[0].Name {
				heading = pick(d.Lang, "评审模型：", "Model judge: ") + j.name
			}
			d.result(p, r, heading, nil)
		}
	}
	return p, nil
}
