package analysis

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

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

// lexicon are the words of the baseline; the first that is found decides. English ones stand between
// marks that are no letters, digits or underscores; one that ends in * may go on.
var lexicon = []struct {
	label    int
	chinese  []string
	english  []string
	anywhere []string // English, not bound to where a word begins
}{
	{reflection, []string{"等等", "不对", "重新", "回头", "检查", "修改", "改成", "是否合适", "会不会太", "删掉"}, []string{"wait", "actually", "revis*"}, []string{"let me check", "let me recheck", "on second thought"}},
	{2, []string{"或者", "另一种", "换个角度", "假如", "不妨", "也许", "可能可以", "试试"}, []string{"alternatively", "what if", "maybe", "perhaps", "another way", "another option"}, nil},
	{1, []string{"因为", "所以", "因此", "由此", "从而", "为了", "既然", "首先", "其次", "意味着"}, []string{"therefore", "because", "which means", "since", "thus", "so that"}, nil},
}

// lexiconLabel labels a unit by its words.
func lexiconLabel(unit string) int {
	lower := strings.ToLower(unit)
	in := func(words []string, found func(s, word string) bool) bool {
		return slices.ContainsFunc(words, func(w string) bool { return found(lower, w) })
	}
	for _, l := range lexicon {
		if in(l.chinese, strings.Contains) || in(l.english, hasWord) || in(l.anywhere, strings.Contains) {
			return l.label
		}
	}
	return 0
}

// hasWord reports whether a word stands in a text, by itself or, with a star at its end, as the beginning
// of a longer one.
func hasWord(s, word string) bool {
	word, open := strings.CutSuffix(word, "*")
	for at := 0; ; {
		i := strings.Index(s[at:], word)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(word)
		if (from == 0 || !inWord(s[from-1])) && (open || to == len(s) || !inWord(s[to])) {
			return true
		}
		at = from + 1
	}
}

func inWord(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z'
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
	Positions [][]Number `json:"positions"`
	// Transitions[a][b] is how often b follows a, as a share of what follows a.
	Transitions [][]Number `json:"transitions"`
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
	totals := make([]int, k)
	positions, transitions := square(bins, k), square(k, k)
	byQuery := map[string][]int{} // → units by label
	var backs []float64
	for _, t := range traces {
		if t.thought {
			line.Thoughts++
		}
		if byQuery[t.query] == nil {
			byQuery[t.query] = make([]int, k)
		}
		for _, b := range t.backs {
			backs = append(backs, float64(b))
		}
		for i, l := range t.labels {
			line.Units++
			totals[l]++
			byQuery[t.query][l]++
			positions[min(i*bins/len(t.labels), bins-1)][l]++
			if i > 0 {
				transitions[t.labels[i-1]][l]++
			}
		}
	}
	queries := slices.Sorted(maps.Keys(byQuery))
	draws := make([][]float64, k)
	for _, sample := range stats.Resample(seed, bootstrap, len(queries)) {
		sums, all := make([]int, k), 0
		for _, q := range sample {
			for l, n := range byQuery[queries[q]] {
				sums[l] += n
				all += n
			}
		}
		for l := range sums {
			if all > 0 {
				draws[l] = append(draws[l], float64(sums[l])/float64(all))
			}
		}
	}
	for l, label := range Behaviours {
		b := BehaviourRate{Label: label, Units: totals[l], Share: Number(float64(totals[l]) / float64(line.Units)), Interval: Interval{Number(math.NaN()), Number(math.NaN())}}
		if len(draws[l]) > 1 && len(queries) > 1 {
			b.Interval = intervalOf(stats.Percentiles(draws[l], 0.95))
		}
		line.Shares = append(line.Shares, b)
	}
	line.Referring, line.Back = len(backs), Number(math.NaN())
	if slices.Sort(backs); len(backs) > 0 {
		line.Back = Number(stats.Quantile(backs, 0.5))
	}
	line.Positions, line.Transitions = shares(positions), shares(transitions)
	return line
}

func square(rows, columns int) [][]int {
	m := make([][]int, rows)
	for i := range m {
		m[i] = make([]int, columns)
	}
	return m
}

// shares divides each row by its sum; a row of nothing is undefined.
func shares(m [][]int) [][]Number {
	out := make([][]Number, len(m))
	for i, row := range m {
		all := 0
		for _, n := range row {
			all += n
		}
		for _, n := range row {
			out[i] = append(out[i], Number(float64(n)/float64(all)))
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
		row := []any{l.Model, languageName(l.Language, lang), l.Outputs, l.Thoughts, l.Units}
		for _, s := range l.Shares {
			row = append(row, table.Percent(s.Share), percentRange(s.Interval))
		}
		first.Add(append(row, l.Referring, float64(l.Back))...)
	}
	for _, l := range lines {
		cols := []table.Column{table.Text(pick(lang, "之后 →", "then →"))}
		for _, b := range Behaviours {
			cols = append(cols, table.Num(behaviourName(b, lang)))
		}
		t := table.New(l.Model+" · "+languageName(l.Language, lang), cols...).As("transitions-" + slug(l.Language) + "-" + l.Model)
		for i, b := range Behaviours {
			row := []any{behaviourName(b, lang)}
			for _, x := range l.Transitions[i] {
				row = append(row, table.Percent(x))
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
		title := fmt.Sprintf("%s · %s · %s", l.Model, languageName(l.Language, lang), l.sourceIn(lang))
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
