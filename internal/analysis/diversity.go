package analysis

import (
	"fmt"
	"math"
	"slices"

	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
	"coigwriter/internal/text"
)

// Measures of lexical diversity, in the order of the tables. TTR is the paper's; the others say what it
// cannot, since it falls as texts grow.
var diversityMeasures = []struct {
	Name string
	Of   func(text.Lexicon) float64
}{
	{"ttr", text.Lexicon.TTR},
	{"ttr_500", func(l text.Lexicon) float64 {
		if l.Tokens() < 500 {
			return math.NaN()
		}
		return l.First(500).TTR()
	}},
	{"mattr_50", func(l text.Lexicon) float64 { return l.MATTR(50) }},
	{"mtld", text.Lexicon.MTLD},
	{"hdd", text.Lexicon.HDD},
	{"guiraud", text.Lexicon.Guiraud},
	{"herdan", text.Lexicon.Herdan},
	{"maas", text.Lexicon.Maas},
	{"yule_k", text.Lexicon.YuleK},
	{"distinct_1", func(l text.Lexicon) float64 { return l.Distinct(1) }},
	{"distinct_2", func(l text.Lexicon) float64 { return l.Distinct(2) }},
	{"repeated_4", func(l text.Lexicon) float64 { return l.Repeated(4) }},
	{"tokens", func(l text.Lexicon) float64 { return float64(l.Tokens()) }},
	{"types", func(l text.Lexicon) float64 { return float64(l.Types()) }},
}

// Diversity is the paper's Table 4 and Figure 5, and the test of its TTR paradox.
type Diversity struct {
	Tokens text.Tokens
	by     outputsBy[[]float64]
	each   map[answerOf][3]float64 // → TTR, MATTR, characters
	Repeat int                     // outputs of a model to a query it had answered before; for votes the first stands
}

// answerOf says which answer a vote is about. Where votes name no language, language is "".
type answerOf struct{ query, model, language string }

// NewDiversity starts the measure with a choice of tokens.
func NewDiversity(t text.Tokens) *Diversity {
	return &Diversity{Tokens: t, by: outputsBy[[]float64]{}, each: map[answerOf][3]float64{}}
}

// Add measures one generation.
func (d *Diversity) Add(g record.Generation) {
	l := text.NewLexicon(d.Tokens.Words(g.Output))
	values := make([]float64, len(diversityMeasures))
	for i, m := range diversityMeasures {
		values[i] = m.Of(l)
	}
	at := Spot{g.Model, languageOf(g)}
	d.by[at] = append(d.by[at], values)
	if _, again := d.each[answerOf{g.QueryID, g.Model, at.Language}]; again {
		d.Repeat++
		return
	}
	for _, language := range []string{at.Language, ""} {
		d.each[answerOf{g.QueryID, g.Model, language}] = [3]float64{values[0], values[2], float64(text.Len(g.Output))}
	}
}

// A DiversityLine is one model in one language: each measure over its outputs, one by one and never
// pooled.
type DiversityLine struct {
	Spot
	Texts    int            `json:"texts"`
	Empty    int            `json:"empty"` // texts without a token: they have no measure
	Measures map[string]Box `json:"measures"`
}

// Lines returns a line for each model and language.
func (d *Diversity) Lines(bootstrap int, seed uint64) []DiversityLine {
	var out []DiversityLine
	for _, s := range d.by.spots() {
		line := DiversityLine{Spot: s, Texts: len(d.by[s]), Measures: map[string]Box{}}
		for i, m := range diversityMeasures {
			var xs []float64
			for _, values := range d.by[s] {
				xs = append(xs, values[i])
			}
			b := BoxOf(xs, bootstrap, seed)
			if m.Name != "ttr" && m.Name != "mattr_50" { // the others are in no figure
				b.Outliers = nil
			}
			line.Measures[m.Name] = b
		}
		line.Empty = line.Texts - line.Measures["ttr"].N
		out = append(out, line)
	}
	return out
}

// DiversityTable shows the lines.
func DiversityTable(lines []DiversityLine, tokens text.Tokens, lang string) *table.Table {
	t := table.New(pick(lang, "词汇多样性", "Lexical diversity"), table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "语言", "language")), table.Num("n"), table.Num(pick(lang, "TTR 平均", "TTR mean")), table.Num("95%"), table.Num(pick(lang, "中位", "median")),
		table.Num("TTR₅₀₀"), table.Num("MATTR₅₀"), table.Num("MTLD"), table.Num("HD-D"), table.Num("Guiraud"), table.Num("distinct-2"), table.Num(pick(lang, "词数", "tokens")), table.Num(pick(lang, "空", "empty"))).As("diversity")
	t.Note = pick(lang, "逐篇计算再取平均，空的没有值；TTR 随篇幅下降，MATTR、MTLD、HD-D 几乎不随；不足 50 词（MATTR）、42 词（HD-D）、500 词（TTR₅₀₀）的篇目不计入该列；词元："+tokens.Chinese(), "by text, then the mean; empty ones have none; TTR falls with length, MATTR, MTLD and HD-D hardly; texts below 50 (MATTR), 42 (HD-D) or 500 (TTR₅₀₀) tokens are not in that column; tokens: "+tokens.String())
	three := func(b Box) string {
		if !b.Mean.Defined() {
			return "–"
		}
		return fmt.Sprintf("%.3f", b.Mean)
	}
	for _, l := range lines {
		m := l.Measures
		span := "–"
		if i := m["ttr"].MeanIn; i.Lo.Defined() {
			span = fmt.Sprintf("%.3f, %.3f", i.Lo, i.Hi)
		}
		median := "–"
		if m["ttr"].Median.Defined() {
			median = fmt.Sprintf("%.3f", m["ttr"].Median)
		}
		t.Add(l.Model, LanguageName(l.Language, lang), l.Texts, three(m["ttr"]), span, median, three(m["ttr_500"]), three(m["mattr_50"]), float64(m["mtld"].Mean), three(m["hdd"]), float64(m["guiraud"].Mean), three(m["distinct_2"]), float64(m["tokens"].Mean), l.Empty)
	}
	return t
}

// A Paradox asks whether readers prefer less varied outputs, net of length: votes explained by the
// difference in diversity, with and without the logarithm of the ratio of lengths.
type Paradox struct {
	Language string         `json:"language"`
	Votes    int            `json:"votes"`
	LeftOut  int            `json:"votes_left_out"`   // an output is not there, or has fewer than 50 tokens
	Repeat   int            `json:"repeated_outputs"` // of a model to one query; the first stands for all
	Models   []ParadoxModel `json:"regressions"`
}

// A ParadoxModel is one regression; effects are in logits per unit, with sandwich errors over queries.
type ParadoxModel struct {
	Name    string            `json:"name"` // ttr, ttr+length, mattr, mattr+length
	Effects map[string]Effect `json:"effects"`
	LogLik  Number            `json:"loglik"`
	Why     string            `json:"why,omitempty"` // why there is none
}

// Paradox joins votes to the measured outputs by query and model.
func (d *Diversity) Paradox(v *Votes, language string) Paradox {
	p := v.poll(language)
	out := Paradox{Language: language, Repeat: d.Repeat}
	keep := make([]bool, len(p.votes))
	for i := range p.votes {
		x := &p.votes[i]
		a, okA := d.each[answerOf{x.Query, p.models[x.Left], language}]
		b, okB := d.each[answerOf{x.Query, p.models[x.Right], language}]
		if okA && okB && a[2] > 0 && b[2] > 0 && !math.IsNaN(a[1]-b[1]) {
			keep[i], x.Covariates = true, []float64{a[0] - b[0], a[1] - b[1], math.Log(a[2] / b[2])}
			out.Votes++
		}
	}
	out.LeftOut = len(p.votes) - out.Votes
	p = p.of(func(i int) bool { return keep[i] })
	sided := len(p.votes) > 0 && !slices.Contains(p.sided, false)
	names := []string{"ttr", "mattr", "length"}
	for _, m := range []struct {
		name    string
		columns []int
	}{{"ttr", []int{0}}, {"ttr+length", []int{0, 2}}, {"mattr", []int{1}}, {"mattr+length", []int{1, 2}}} {
		r := ParadoxModel{Name: m.name, Effects: map[string]Effect{}, LogLik: Number(math.NaN())}
		f, err := stats.FitVotes(p.models, p.votes, stats.VoteOptions{Side: sided, Covariates: m.columns})
		if err != nil {
			r.Why = err.Error()
		} else {
			r.LogLik = Number(f.LogLik)
			for i, c := range m.columns {
				r.Effects[names[c]] = effectOf(f.Covariates[i])
			}
		}
		out.Models = append(out.Models, r)
	}
	return out
}

// Table shows the regressions.
func (p Paradox) Table(lang string) *table.Table {
	t := table.New(pick(lang, "多样性与偏好 · ", "Diversity and preference · ")+LanguageName(p.Language, lang), table.Text(pick(lang, "回归", "regression")), table.Text(pick(lang, "变量", "variable")), table.Num(pick(lang, "系数", "logits")), table.Num("se"), table.Num("p")).As("diversity-votes-" + slug(p.Language))
	t.Note = fmt.Sprintf(pick(lang, "%d 票（%d 票因缺少输出或不足 50 词未计）；Bradley-Terry 加两边之差；标准误按题聚类。只有同时放入长度的一行能说明多样性本身", "%d votes (%d left out: an output is missing or under 50 tokens); Bradley-Terry with the difference between the sides; errors cluster by query. Only the rows with length speak of diversity itself"), p.Votes, p.LeftOut)
	if p.Repeat > 0 {
		t.Note += fmt.Sprintf(pick(lang, "；%d 个输出是同一模型对同一题的再答，以第一个为准", "; %d outputs answer a query that the model had answered before: the first one stands"), p.Repeat)
	}
	for _, m := range p.Models {
		if m.Why != "" {
			t.Add(m.Name, "–", nil, nil, nil)
			t.Note += pick(lang, "；"+m.Name+"：", "; "+m.Name+": ") + m.Why
			continue
		}
		for _, name := range []string{"ttr", "mattr", "length"} {
			if e, ok := m.Effects[name]; ok {
				t.Add(m.Name, name, float64(e.Estimate), float64(e.SE), PText(e.P))
			}
		}
	}
	return t
}

// A DiversityDoc is the lines, with votes explained by them where there are any.
type DiversityDoc struct {
	Tokens  string          `json:"tokens"`
	Lines   []DiversityLine `json:"lines"`
	Paradox []Paradox       `json:"votes,omitempty"`
}

func diversity(c *Corpus) Study {
	d := NewDiversity(c.Tokens)
	return Study{"diversity", func(r any) {
		if g, ok := r.(record.Generation); ok {
			d.Add(g)
		}
	}, func() (Result, error) {
		lines := d.Lines(c.Bootstrap, c.Seed)
		if len(lines) == 0 {
			return Result{}, nil
		}
		doc := DiversityDoc{Tokens: c.Tokens.String(), Lines: lines}
		out := Result{Tables: []*table.Table{DiversityTable(lines, c.Tokens, c.Lang)}, Figures: DiversityFigures(lines, c.Lang, c.Theme)}
		for _, lang := range c.Votes.Languages() {
			p := d.Paradox(c.Votes, lang)
			if p.Votes == 0 {
				continue
			}
			doc.Paradox, out.Tables = append(doc.Paradox, p), append(out.Tables, p.Table(c.Lang))
			out.Figures = append(out.Figures, ParadoxFigures(c.Votes.WinRates(lang, VoteOptions{}), lines, c.Lang, c.Theme)...)
		}
		out.Doc = doc
		return out, nil
	}}
}
