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

const judgesName = "judges"

// A Calibration holds models that judge against people: on the same pairs of outputs, what do they say,
// and what do they like beside quality. The two never mix in one table of results.
type Calibration struct {
	judges map[string]*judged
	people map[pairKey]*opinion
}

// A pairKey is two outputs for one query, the models in the order of their names.
type pairKey struct{ query, a, b string }

// An opinion is what is said of a pair, by how many.
type opinion struct {
	language, genre string
	said            [3]int  // for a, for b, for neither
	longer          float64 // length of a less that of b; NaN where unknown
	firsts          [][2]int
}

// A judged is all that one judge said.
type judged struct {
	pairs map[pairKey]*opinion
	votes []record.Vote
}

// NewCalibration starts the comparison.
func NewCalibration() *Calibration {
	return &Calibration{judges: map[string]*judged{}, people: map[pairKey]*opinion{}}
}

const (
	forA = iota
	forB
	forNeither
)

// Add takes one vote, of a person or of a judge.
func (c *Calibration) Add(v record.Vote) {
	at := c.people
	if v.Judge != "" {
		j := c.judges[v.Judge]
		if j == nil {
			j = &judged{pairs: map[pairKey]*opinion{}}
			c.judges[v.Judge] = j
		}
		j.votes = append(j.votes, v)
		at = j.pairs
	}
	turned := v.ModelA > v.ModelB
	k := pairKey{v.QueryID, min(v.ModelA, v.ModelB), max(v.ModelA, v.ModelB)}
	o := at[k]
	if o == nil {
		o = &opinion{language: v.Language, genre: v.Genre, longer: math.NaN()}
		at[k] = o
	}
	if v.LengthA > 0 && v.LengthB > 0 {
		o.longer = v.LengthA - v.LengthB
		if turned {
			o.longer = -o.longer
		}
	}
	o.said[sideOf(v.Winner, turned)]++
	for i, reading := range v.Readings { // the first reading saw a first, the second saw b first
		if reading == record.WinnerA || reading == record.WinnerB {
			first := (reading == record.WinnerA) == (i == 0)
			n := [2]int{0, 1}
			if first {
				n[0] = 1
			}
			o.firsts = append(o.firsts, n)
		}
	}
}

func sideOf(winner string, turned bool) int {
	switch {
	case winner != record.WinnerA && winner != record.WinnerB:
		return forNeither
	case (winner == record.WinnerA) == turned:
		return forB
	}
	return forA
}

// verdict is what most say, or neither where no side has more.
func (o *opinion) verdict() int {
	switch {
	case o.said[forA] > o.said[forB] && o.said[forA] >= o.said[forNeither]:
		return forA
	case o.said[forB] > o.said[forA] && o.said[forB] >= o.said[forNeither]:
		return forB
	}
	return forNeither
}

func (o *opinion) n() int { return o.said[forA] + o.said[forB] + o.said[forNeither] }

// A JudgeLine is how one judge compares with people, in one language and genre ("" for all genres).
type JudgeLine struct {
	Judge    string `json:"judge"`
	Language string `json:"language"`
	Genre    string `json:"genre,omitempty"`
	Pairs    int    `json:"pairs"` // of outputs that both judged
	Decided  int    `json:"decided"`
	// Agree is how often the judge chooses the side that most people choose, where both choose one.
	Agree   Number   `json:"agreement"`
	AgreeIn Interval `json:"agreement_interval"` // percentile bootstrap over queries
	Kappa   Number   `json:"kappa"`              // of a, b, neither, over all pairs
	KappaIn Interval `json:"kappa_interval"`
	// Ceiling is how often one person chooses what most of the others choose, where two or more voted.
	Ceiling  Number `json:"people_agreement"`
	CeilingN int    `json:"people_agreement_n"`
	// Longer and PeopleLonger are how often each chooses the longer output, where both choose.
	Longer       Number `json:"prefers_longer"`
	PeopleLonger Number `json:"people_prefer_longer"`
	Lengths      int    `json:"pairs_with_lengths"`
	// First is how often single readings choose what stands first; one half is no liking of places.
	First   Number   `json:"chose_first"`
	FirstIn Interval `json:"chose_first_interval"`
	FirstN  int      `json:"readings"`
	Neither Number   `json:"neither_share"` // of the judge's verdicts: ties, both bad, and orders that disagree
}

// Lines returns a line for each judge and language, and one for each genre in it. Shares of fewer than
// ten are undefined.
func (c *Calibration) Lines(o VoteOptions) (out []JudgeLine) {
	for _, name := range slices.Sorted(maps.Keys(c.judges)) {
		groups := map[[2]string][]pairKey{} // language and genre
		for k, p := range c.judges[name].pairs {
			groups[[2]string{p.language, ""}] = append(groups[[2]string{p.language, ""}], k)
			if g := o.group(p.genre); g != "" {
				groups[[2]string{p.language, g}] = append(groups[[2]string{p.language, g}], k)
			}
		}
		keys := slices.SortedFunc(maps.Keys(groups), func(a, b [2]string) int {
			return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
		})
		for _, g := range keys {
			resample := o
			if g[1] != "" {
				resample.Bootstrap = 0 // genres are too small for it
			}
			line := c.line(c.judges[name], groups[g], resample)
			line.Judge, line.Language, line.Genre = name, g[0], g[1]
			out = append(out, line)
		}
	}
	return out
}

// fewest is the least number of which a share is given.
const fewest = 10

func share(k, n int) Number {
	if n < fewest {
		return Number(math.NaN())
	}
	return Number(float64(k) / float64(n))
}

func (c *Calibration) line(j *judged, keys []pairKey, o VoteOptions) (l JudgeLine) {
	slices.SortFunc(keys, func(a, b pairKey) int {
		return cmp.Or(cmp.Compare(a.query, b.query), cmp.Compare(a.a, b.a), cmp.Compare(a.b, b.b))
	})
	var first, neither, ceiling, longer, peopleLonger int
	var shared []pairKey
	for _, k := range keys {
		own := j.pairs[k]
		if own.verdict() == forNeither {
			neither++
		}
		for _, f := range own.firsts {
			first, l.FirstN = first+f[0], l.FirstN+f[1]
		}
		people := c.people[k]
		if people == nil {
			continue
		}
		shared = append(shared, k)
		k, n := people.ceiling()
		ceiling, l.CeilingN = ceiling+k, l.CeilingN+n
		mine, theirs := own.verdict(), people.verdict()
		if mine == forNeither || theirs == forNeither {
			continue
		}
		l.Decided++
		gap := people.longer
		if math.IsNaN(gap) {
			gap = own.longer
		}
		if !math.IsNaN(gap) && gap != 0 {
			l.Lengths++
			if (gap > 0) == (mine == forA) {
				longer++
			}
			if (gap > 0) == (theirs == forA) {
				peopleLonger++
			}
		}
	}
	l.Pairs = len(shared)
	l.Neither, l.Ceiling = share(neither, len(keys)), share(ceiling, l.CeilingN)
	l.Longer, l.PeopleLonger = share(longer, l.Lengths), share(peopleLonger, l.Lengths)
	l.First, l.FirstIn = share(first, l.FirstN), intervalOf(stats.Wilson(float64(first), float64(l.FirstN), 0.95))
	c.agreement(&l, j, shared, o)
	return l
}

// ceiling is how often one person says what most of the others say, over people who chose a side against
// a side that most others chose.
func (o *opinion) ceiling() (k, n int) {
	for side, count := range o.said[:forNeither] {
		if count == 0 {
			continue
		}
		rest := *o
		rest.said[side]--
		if v := rest.verdict(); rest.n() > 0 && v != forNeither {
			n += count
			if v == side {
				k += count
			}
		}
	}
	return k, n
}

// agreement fills in agreement and kappa with intervals that resample queries.
func (c *Calibration) agreement(l *JudgeLine, j *judged, shared []pairKey, o VoteOptions) {
	var queries []string
	of := map[string][]pairKey{}
	for _, k := range shared {
		if of[k.query] == nil {
			queries = append(queries, k.query)
		}
		of[k.query] = append(of[k.query], k)
	}
	measure := func(sample []int) (agree, kappa float64) {
		counts := make([][]float64, 3)
		for i := range counts {
			counts[i] = make([]float64, 3)
		}
		for _, q := range sample {
			for _, k := range of[queries[q]] {
				counts[j.pairs[k].verdict()][c.people[k].verdict()]++
			}
		}
		same := counts[forA][forA] + counts[forB][forB]
		x, _ := stats.KappaOfTable(counts, []float64{0, 1, 2}, stats.Identity)
		return same / (same + counts[forA][forB] + counts[forB][forA]), x.Value
	}
	undefined := Interval{Number(math.NaN()), Number(math.NaN())}
	l.Agree, l.Kappa, l.AgreeIn, l.KappaIn = Number(math.NaN()), Number(math.NaN()), undefined, undefined
	if l.Pairs < fewest {
		return
	}
	all := make([]int, len(queries))
	for i := range all {
		all[i] = i
	}
	agree, kappa := measure(all)
	l.Kappa = Number(kappa)
	if l.Decided >= fewest {
		l.Agree = Number(agree)
	}
	var agrees, kappas []float64
	for _, sample := range stats.Resample(o.Seed, o.Bootstrap, len(queries)) {
		a, k := measure(sample)
		if !math.IsNaN(a) {
			agrees = append(agrees, a)
		}
		if !math.IsNaN(k) {
			kappas = append(kappas, k)
		}
	}
	if l.Agree.Defined() {
		l.AgreeIn = percentiles(agrees)
	}
	if l.Kappa.Defined() {
		l.KappaIn = percentiles(kappas)
	}
}

// JudgeTable shows how judges compare with people.
func JudgeTable(lines []JudgeLine, lang string, title func(genre string) string) *table.Table {
	t := table.New(pick(lang, "模型裁判与人的比较", "Model judges against people"),
		table.Text(pick(lang, "裁判", "judge")), table.Text(pick(lang, "语言", "language")), table.Text(pick(lang, "体裁", "genre")), table.Num(pick(lang, "共同的对", "shared pairs")),
		table.Num(pick(lang, "两边都选了", "both decided")), table.Num(pick(lang, "一致", "agreement")), table.Num("95%"), table.Num("κ"), table.Num("95%"),
		table.Num(pick(lang, "人与人一致", "people agree")), table.Num(pick(lang, "选长的", "chose longer")), table.Num(pick(lang, "人选长的", "people did")),
		table.Num(pick(lang, "选放前面的", "chose first")), table.Num(pick(lang, "没选", "chose neither"))).As("judges")
	t.Note = pick(lang,
		"模型的票和人的票从不混算；一致：两边都选了的对里选了同一边的比例，人一边取多数；人与人一致：一个人和其余人的多数；κ 按甲、乙、都不选三类；区间按题重抽；不足 10 的比例不给。选放前面的：单次阅读里选了先出现的一篇。",
		"votes of models and of people are never added up; agreement: the same side, of the pairs where both chose one, people by majority; people agree: one person with most of the others; kappa over a, b, neither; intervals resample queries; shares of fewer than 10 are not given; chose first: of single readings, what stood first")
	for _, l := range lines {
		g := l.Genre
		if g == "" {
			g = pick(lang, "（全部）", "(all)")
		} else if title != nil {
			g = title(g)
		}
		t.Add(l.Judge, LanguageName(l.Language, lang), g, l.Pairs, l.Decided, table.Percent(l.Agree), percentRange(l.AgreeIn), number3(l.Kappa), span3(l.KappaIn),
			table.Percent(l.Ceiling), table.Percent(l.Longer), table.Percent(l.PeopleLonger), table.Percent(l.First), table.Percent(l.Neither))
	}
	return t
}

func number3(n Number) string {
	if !n.Defined() {
		return "–"
	}
	return fmt.Sprintf("%.3f", n)
}

// A JudgeRates is what one judge's votes come to; they are nobody else's.
type JudgeRates struct {
	Judge     string     `json:"judge"`
	Languages []WinRates `json:"languages"`
}

// A JudgesDoc is the study of judges.
type JudgesDoc struct {
	Rates       []JudgeRates `json:"rates"`
	Calibration []JudgeLine  `json:"calibration"`
	Marks       []JudgeMarks `json:"marks"`
}

func judges(c *Corpus) Study {
	votes, ratings := NewCalibration(), newMarkCalibration()
	return Study{judgesName, func(r any) {
		switch r := r.(type) {
		case record.Vote:
			votes.Add(r)
		case record.Ranked:
			for _, v := range r.Votes {
				votes.Add(v)
			}
		case record.Rating:
			ratings.add(r)
		}
	}, func() (out Result, err error) {
		if len(votes.judges) == 0 && len(ratings.judges) == 0 {
			return Result{}, nil
		}
		by := c.Genres(ByGenre)
		o := c.votes()
		o.Group = by.Of
		doc := JudgesDoc{Calibration: votes.Lines(o), Marks: ratings.lines()}
		for i, name := range slices.Sorted(maps.Keys(votes.judges)) {
			own := NewVotes(c.Models...)
			for _, v := range votes.judges[name].votes {
				own.Add(v)
			}
			rates := JudgeRates{Judge: name}
			for _, lang := range own.Languages() {
				w := own.WinRates(lang, c.votes())
				rates.Languages = append(rates.Languages, w)
				for _, t := range w.Tables(c.Lang) {
					t.Title, t.Name = name+" · "+t.Title, fmt.Sprintf("judge-%d-%s", i+1, t.Name)
					out.Tables = append(out.Tables, t)
				}
				f := w.Figure(c.Lang, c.Theme)
				f.Name = fmt.Sprintf("judge-%d-%s", i+1, f.Name)
				out.Figures = append(out.Figures, f)
			}
			doc.Rates = append(doc.Rates, rates)
		}
		if len(doc.Calibration) > 0 {
			out.Tables = append(out.Tables, JudgeTable(doc.Calibration, c.Lang, by.Title))
		}
		if len(doc.Marks) > 0 {
			out.Tables = append(out.Tables, JudgeMarksTable(doc.Marks, c.Lang))
		}
		out.Doc = doc
		return out, nil
	}}
}
