package analysis

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"coigwriter/internal/plot"
	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
	"coigwriter/internal/text"
)

// Behaviours are the labels of a unit of reasoning (paper appendix C), in the order of the figures.
var Behaviours = []string{"normal", "deep_reasoning", "self_exploration", "self_reflection"}

// reflection is the place of self-reflection in Behaviours.
const reflection = 3

// Lexicon is the name of the keyword baseline. It is an alarm against drift and never the judge: models
// learn behaviour, not its words.
const Lexicon = "lexicon (baseline)"

// lexicon are the words of the baseline, in small letters; the first label of which one is found decides.
// A word that begins with a letter of the alphabet stands alone, unless a * says that it may go on.
var lexicon = []struct {
	label int
	words []string
}{
	{reflection, []string{"等等", "不对", "重新", "回头", "检查", "修改", "改成", "是否合适", "会不会太", "删掉", "wait", "actually", "let me check", "let me recheck", "on second thought", "revis*"}},
	{2, []string{"或者", "另一种", "换个角度", "假如", "不妨", "也许", "可能可以", "试试", "alternatively", "what if", "maybe", "perhaps", "another way", "another option"}},
	{1, []string{"因为", "所以", "因此", "由此", "从而", "为了", "既然", "首先", "其次", "意味着", "therefore", "because", "which means", "since", "thus", "so that"}},
}

// lexiconLabel labels a unit by its words.
func lexiconLabel(unit string) int {
	unit = strings.ToLower(unit)
	for _, l := range lexicon {
		for _, w := range l.words {
			if w[0] >= utf8.RuneSelf && strings.Contains(unit, w) || w[0] < utf8.RuneSelf && holdsWord(unit, w) {
				return l.label
			}
		}
	}
	return 0
}

// holdsWord reports whether a word of the alphabet stands in s; with a * at its end it may go on.
func holdsWord(s, word string) bool {
	word, open := strings.CutSuffix(word, "*")
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' }
	for from := 0; ; {
		at := strings.Index(s[from:], word)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(word)
		if (at == 0 || !letter(s[at-1])) && (open || end == len(s) || !letter(s[end])) {
			return true
		}
		from = end
	}
}

// bins is into how many parts of a generation positions are sorted.
const bins = 10

// Reasoning is the behaviour over a generation (Figures 7 and 8): thought first, then the article.
type Reasoning struct {
	labels map[[2]string][]int // query and model → labels of its units, from a file; nil is the baseline
	backs  map[[2]string][]int // query and model → how many units back each reflection that names one goes
	Source string              // who labelled
	by     map[Spot][]traceOf
	// Mismatched counts generations whose labels are not one a unit; Lines leaves them out and names
	// them.
	Mismatched int
	Problems   []string
}

// A traceOf is the labels of one generation in order.
type traceOf struct {
	query   string
	labels  []int // of the baseline, until labels from a file take their place
	backs   []int
	thought bool // it had one
}

// NewReasoning starts the measure with the keyword baseline.
func NewReasoning() *Reasoning {
	return &Reasoning{Source: Lexicon, by: map[Spot][]traceOf{}}
}

// Label gives the label of one unit, from a file named source; the baseline is not used any more. An
// unknown label is an error. Units count from 1. The earlier unit that l names counts for a reflection
// alone.
func (r *Reasoning) Label(source string, l record.Label) error {
	at := slices.Index(Behaviours, l.Label)
	if at < 0 {
		return fmt.Errorf("label %q is none of %v", l.Label, Behaviours)
	}
	if l.Unit < 1 || l.Unit > 100_000 {
		return fmt.Errorf("unit %d: units count from 1", l.Unit)
	}
	if r.labels == nil {
		r.labels, r.backs = map[[2]string][]int{}, map[[2]string][]int{}
	}
	r.Source = source
	key := [2]string{l.QueryID, l.Model}
	for len(r.labels[key]) < l.Unit {
		r.labels[key] = append(r.labels[key], -1)
	}
	r.labels[key][l.Unit-1] = at
	if at == reflection && l.RefersTo > 0 {
		r.backs[key] = append(r.backs[key], l.Unit-l.RefersTo)
	}
	return nil
}

// LabelSource says where labels come from: the file ("" for several), and the judge where one is named.
func LabelSource(file string, l record.Label) string {
	name := file
	if name == "" {
		name = "labels"
	}
	if l.Judge != "" {
		name += ", judged by " + l.Judge
	}
	if l.Scripted {
		name += " (a scripted fake, no model)"
	}
	return name
}

// UnitsOf cuts a generation into units: those of the thought, then those of the output.
func UnitsOf(g record.Generation) []string {
	return append(text.Units(g.Reasoning), text.Units(g.Output)...)
}

// Add takes one generation; its labels may be given before or after.
func (r *Reasoning) Add(g record.Generation) {
	trace := traceOf{query: g.QueryID, thought: g.Reasoning != ""}
	for _, u := range UnitsOf(g) {
		trace.labels = append(trace.labels, lexiconLabel(u))
	}
	at := Spot{g.Model, languageOf(g)}
	r.by[at] = append(r.by[at], trace)
}

// labelled returns the generations of a spot with their labels. Once there are labels from a file, a
// generation must have one for every unit, else it is left out and named.
func (r *Reasoning) labelled(s Spot) []traceOf {
	if r.labels == nil {
		return r.by[s]
	}
	var out []traceOf
	for _, t := range r.by[s] {
		key := [2]string{t.query, s.Model}
		labels := r.labels[key]
		if len(labels) != len(t.labels) || slices.Contains(labels, -1) {
			r.Mismatched++
			if len(r.Problems) < keepProblems {
				r.Problems = append(r.Problems, fmt.Sprintf("query %s of %s has %d units and labels for %d", t.query, s.Model, len(t.labels), len(labels)-count(labels, -1)))
			}
			continue
		}
		t.labels, t.backs = labels, r.backs[key]
		out = append(out, t)
	}
	return out
}

func count(xs []int, x int) int {
	n := 0
	for _, y := range xs {
		if y == x {
			n++
		}
	}
	return n
}

// A ReasoningLine is one model in one language.
type ReasoningLine struct {
	Spot
	Source   string          `json:"labels_from"`
	Outputs  int             `json:"outputs"`
	Thoughts int             `json:"with_thought"` // the others are labelled by their article alone
	Units    int             `json:"units"`
	Shares   []BehaviourRate `json:"shares"`
	// Positions[b][l] is the share of label l in the b-th tenth of the generation; null without units.
	Positions   [][]Number   `json:"positions"`
	PositionsIn [][]Interval `json:"position_intervals"`
	// Transitions[a][b] is how often b follows a, as a share of what follows a.
	Transitions   [][]Number   `json:"transitions"`
	TransitionsIn [][]Interval `json:"transition_intervals"`
	TransitionsN  []int        `json:"transition_units"` // that follow each label
	// Referring are the reflections that name the earlier unit they revise; Back is the median of how many
	// units back it stands.
	Referring int    `json:"reflections_referring"`
	Back      Number `json:"median_units_back"`
}

// A BehaviourRate is a label's share of the units with an interval that resamples queries.
type BehaviourRate struct {
	Label    string   `json:"label"`
	Units    int      `json:"units"`
	Share    Number   `json:"share"`
	Interval Interval `json:"interval"`
}

// Lines returns a line for each model and language.
func (r *Reasoning) Lines(bootstrap int, seed uint64) []ReasoningLine {
	spots := outputsBy[traceOf](r.by).spots()
	out := make([]ReasoningLine, 0, len(spots))
	r.Mismatched, r.Problems = 0, nil
	for _, s := range spots {
		if traces := r.labelled(s); len(traces) > 0 {
			out = append(out, r.line(s, traces, bootstrap, seed))
		}
	}
	return out
}

func (r *Reasoning) line(s Spot, traces []traceOf, bootstrap int, seed uint64) ReasoningLine {
	k := len(Behaviours)
	line := ReasoningLine{Spot: s, Source: r.Source, Outputs: len(traces)}
	byQuery := map[string]*behaviour{}
	var backs []float64
	for _, t := range traces {
		if t.thought {
			line.Thoughts++
		}
		if byQuery[t.query] == nil {
			byQuery[t.query] = &behaviour{}
		}
		for _, b := range t.backs {
			backs = append(backs, float64(b))
		}
		line.Units += len(t.labels)
		byQuery[t.query].add(t.labels)
	}
	var queries []*behaviour
	var all behaviour
	for _, q := range slices.Sorted(maps.Keys(byQuery)) {
		queries = append(queries, byQuery[q])
		all.sum(byQuery[q])
	}
	var draws [][]float64
	if len(queries) > 1 { // one query cannot be resampled
		for _, sample := range stats.Resample(seed, bootstrap, len(queries)) {
			var again behaviour
			for _, q := range sample {
				again.sum(queries[q])
			}
			for i, x := range again.shares() {
				if i == len(draws) {
					draws = append(draws, nil)
				}
				draws[i] = append(draws[i], x)
			}
		}
	}
	interval := func(i int) Interval {
		if len(draws) == 0 {
			return Interval{Number(math.NaN()), Number(math.NaN())}
		}
		return percentiles(draws[i])
	}
	shares := all.shares()
	for l, label := range Behaviours {
		line.Shares = append(line.Shares, BehaviourRate{Label: label, Units: int(all[0][l]), Share: Number(shares[l]), Interval: interval(l)})
	}
	for r := 1; r < len(all); r++ {
		var row []Number
		var in []Interval
		n := 0.0
		for l := range k {
			row, in, n = append(row, Number(shares[r*k+l])), append(in, interval(r*k+l)), n+all[r][l]
		}
		if r <= bins {
			line.Positions, line.PositionsIn = append(line.Positions, row), append(line.PositionsIn, in)
		} else {
			line.Transitions, line.TransitionsIn, line.TransitionsN = append(line.Transitions, row), append(line.TransitionsIn, in), append(line.TransitionsN, int(n))
		}
	}
	line.Referring, line.Back = len(backs), Number(math.NaN())
	if slices.Sort(backs); len(backs) > 0 {
		line.Back = Number(stats.Quantile(backs, 0.5))
	}
	return line
}

// A behaviour counts the units of some generations by label: in a row all of them, then a row a tenth of
// the way, then for each label a row of what follows it.
type behaviour [1 + bins + 4][4]float64

// add counts the labels of one generation. Where it has fewer than ten units, or not ten times as many, a
// unit belongs to each tenth by how much of it lies there, so that short ones have an end too.
func (b *behaviour) add(labels []int) {
	n := float64(len(labels))
	for i, l := range labels {
		b[0][l]++
		if i > 0 {
			b[1+bins+labels[i-1]][l]++
		}
		from, to := float64(i)*bins/n, float64(i+1)*bins/n
		for t := int(from); t < bins && float64(t) < to; t++ {
			b[1+t][l] += (min(to, float64(t+1)) - max(from, float64(t))) * n / bins
		}
	}
}

func (b *behaviour) sum(of *behaviour) {
	for r := range b {
		for l := range b[r] {
			b[r][l] += of[r][l]
		}
	}
}

// shares divides each row by its sum; a row of nothing is undefined.
func (b *behaviour) shares() []float64 {
	out := make([]float64, 0, len(b)*4)
	for _, row := range b {
		all := row[0] + row[1] + row[2] + row[3]
		for _, n := range row {
			out = append(out, float64(n)/float64(all))
		}
	}
	return out
}

func behaviourName(label, lang string) string {
	switch label {
	case "normal":
		return pick(lang, "平叙", "normal")
	case "deep_reasoning":
		return pick(lang, "深入推理", "deep reasoning")
	case "self_exploration":
		return pick(lang, "自我探索", "self-exploration")
	}
	return pick(lang, "自我反思", "self-reflection")
}

// sourceIn says who labelled, in the language asked for.
func (l ReasoningLine) sourceIn(lang string) string {
	if l.Source == Lexicon {
		return pick(lang, "词表（基线）", Lexicon)
	}
	return l.Source
}

// ReasoningTables show shares, and for each model what follows what.
func ReasoningTables(lines []ReasoningLine, lang string) []*table.Table {
	columns := []table.Column{table.Text(pick(lang, "模型", "model")), table.Text(pick(lang, "语言", "language")), table.Num(pick(lang, "篇", "outputs")), table.Num(pick(lang, "有思路", "with thought")), table.Num(pick(lang, "单元", "units"))}
	for _, b := range Behaviours {
		columns = append(columns, table.Num(behaviourName(b, lang)), table.Num("95%"))
	}
	columns = append(columns, table.Num(pick(lang, "指明所改", "refer back")), table.Num(pick(lang, "回溯单元（中位）", "units back (median)")))
	first := table.New(pick(lang, "推理行为", "Reasoning behaviour"), columns...).As("reasoning")
	out := []*table.Table{first}
	for _, l := range lines {
		first.Note = pick(lang, "标签来自：", "labels from: ") + l.sourceIn(lang) + pick(lang, "；单元为 2–4 句；区间按题重抽；没有思路的输出只标文章", "; units of 2 to 4 sentences; intervals resample queries; outputs without a thought are labelled by their article")
		row := []any{l.Model, LanguageName(l.Language, lang), l.Outputs, l.Thoughts, l.Units}
		for _, s := range l.Shares {
			row = append(row, table.Percent(s.Share), percentRange(s.Interval))
		}
		first.Add(append(row, l.Referring, float64(l.Back))...)
	}
	for _, l := range lines {
		cols := []table.Column{table.Text(pick(lang, "之后 →", "then →")), table.Num("n")}
		for _, b := range Behaviours {
			cols = append(cols, table.Num(behaviourName(b, lang)), table.Num("95%"))
		}
		t := table.New(l.Model+" · "+LanguageName(l.Language, lang), cols...).As("transitions-" + slug(l.Language) + "-" + l.Model)
		for i, b := range Behaviours {
			row := []any{behaviourName(b, lang), l.TransitionsN[i]}
			for j, x := range l.Transitions[i] {
				row = append(row, table.Percent(x), percentRange(l.TransitionsIn[i][j]))
			}
			t.Add(row...)
		}
		out = append(out, t)
	}
	return out
}

// ReasoningFigures are the paper's Figures 7 and 8: the labels over the course of a generation, a figure
// a model.
func ReasoningFigures(lines []ReasoningLine, lang string, theme plot.Theme) []Named {
	parts := make([]string, len(Behaviours))
	for i, b := range Behaviours {
		parts[i] = behaviourName(b, lang)
	}
	var out []Named
	for n, l := range lines {
		var stacks []plot.Stack
		for b, row := range l.Positions {
			s := plot.Stack{Name: fmt.Sprintf("%d–%d%%", b*10, b*10+10)}
			for _, x := range row {
				if !x.Defined() {
					x = 0
				}
				s.Shares = append(s.Shares, float64(x))
			}
			stacks = append(stacks, s)
		}
		title := fmt.Sprintf(pick(lang, "%s · %s · %d 篇 %d 单元 · %s", "%s · %s · %d outputs, %d units · %s"), l.Model, LanguageName(l.Language, lang), l.Outputs, l.Units, l.sourceIn(lang))
		out = append(out, Named{fmt.Sprintf("reasoning-%s-%d", slug(l.Language), n+1), plot.Stacked(title, parts, stacks, theme)})
	}
	return out
}

func reasoning(c *Corpus) Study {
	b := NewReasoning()
	return Study{"reasoning", func(r any) {
		switch r := r.(type) {
		case record.Generation:
			b.Add(r)
		case record.Label:
			if err := b.Label(LabelSource("", r), r); err != nil {
				c.problem(1, fmt.Sprintf("label of query %s, %s, unit %d: %v", r.QueryID, r.Model, r.Unit, err))
			}
		}
	}, func() (Result, error) {
		lines := b.Lines(c.Bootstrap, c.Seed)
		c.problem(b.Mismatched, b.Problems...)
		if len(lines) == 0 {
			return Result{}, nil
		}
		return Result{Doc: lines, Tables: ReasoningTables(lines, c.Lang), Figures: ReasoningFigures(lines, c.Lang, c.Theme)}, nil
	}}
}
