package analysis

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/plot"
	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

// What is too few to be shown as a percentage, and to be tested: with 5 of 5 the exact test gives .06.
const (
	fewForRate = 10
	fewForTest = 6
)

// A GenreRate is how often a model won, or its outputs succeeded, in one genre.
type GenreRate struct {
	Genre    string   `json:"genre"`
	Wins     int      `json:"wins"` // or successes
	N        int      `json:"n"`    // decided votes, or outputs
	Rate     Number   `json:"rate"` // null below 10: read Shrunk
	Wilson   Interval `json:"wilson"`
	Shrunk   Number   `json:"shrunk"` // empirical Bayes: borrows from the other genres
	ShrunkIn Interval `json:"shrunk_interval"`
	P        Number   `json:"p_exact"` // of votes, against one half; null below 6: nothing could be significant
	BH       Number   `json:"p_bh"`
	Fisher   Number   `json:"p_fisher"` // against all other genres together; null below 6
	FisherBH Number   `json:"p_fisher_bh"`
}

// A GenreRates is the genres of one model and language, with a test of whether they differ.
type GenreRates struct {
	Language      string      `json:"language"`
	Model         string      `json:"model"` // "" for all models together
	Genres        []GenreRate `json:"genres"`
	Heterogeneity Number      `json:"p_heterogeneity"`
	success       bool        // of outputs, not of votes
}

// rates fills in what wins of n say, group by group.
func (g *GenreRates) rates(groups []string, wins, n []int) {
	won, all := 0, 0
	for i := range n {
		won, all = won+wins[i], all+n[i]
	}
	b := stats.FitBetaBinomial(wins, n)
	_, _, het := stats.Heterogeneity(wins, n)
	g.Heterogeneity = Number(het)
	half, rest := make([]float64, len(n)), make([]float64, len(n))
	for i := range n {
		half[i], rest[i] = math.NaN(), math.NaN()
		if n[i] < fewForTest {
			continue
		}
		rest[i] = stats.FisherTest(wins[i], n[i]-wins[i], won-wins[i], all-won-(n[i]-wins[i]))
		if !g.success {
			half[i] = stats.BinomialTest(wins[i], n[i], 0.5)
		}
	}
	halfBH, restBH := stats.BenjaminiHochberg(half), stats.BenjaminiHochberg(rest)
	for i, name := range groups {
		r := GenreRate{
			Genre: name, Wins: wins[i], N: n[i], Rate: Number(math.NaN()), Wilson: intervalOf(stats.Wilson(float64(wins[i]), float64(n[i]), 0.95)),
			P: Number(half[i]), BH: Number(halfBH[i]), Fisher: Number(rest[i]), FisherBH: Number(restBH[i]),
		}
		if n[i] >= fewForRate {
			r.Rate = Number(float64(wins[i]) / float64(n[i]))
		}
		share, _ := b.Shrunk(wins[i], n[i], 0.95)
		_, iv := b.AtMost(float64(all)).Shrunk(wins[i], n[i], 0.95)
		r.Shrunk, r.ShrunkIn = Number(share), intervalOf(iv)
		g.Genres = append(g.Genres, r)
	}
}

// Genres returns a model's win rates by genre over all opponents. Fewer than 10 votes have no
// percentage, fewer than 6 no test.
func (v *Votes) Genres(language, model string, o VoteOptions) GenreRates {
	p := v.poll(language)
	m := slices.Index(p.models, model)
	out := GenreRates{Language: language, Model: model}
	var groups []string
	of := map[string]string{} // genre → its group: asking the taxonomy for every vote is slow
	for _, g := range p.genres {
		of[g] = o.group(g)
		if !slices.Contains(groups, of[g]) {
			groups = append(groups, of[g])
		}
	}
	slices.Sort(groups)
	place := map[string]int{}
	for genre, group := range of {
		place[genre] = slices.Index(groups, group)
	}
	wins, n := make([]int, len(groups)), make([]int, len(groups))
	for _, x := range p.votes {
		g, ok := place[x.Genre]
		if !ok || x.Outcome > stats.RightWins || (x.Left != m && x.Right != m) {
			continue
		}
		n[g]++
		if (x.Outcome == stats.LeftWins) == (x.Left == m) {
			wins[g]++
		}
	}
	out.rates(groups, wins, n)
	return out
}

// Success is how often outputs succeed by genre (paper section 3.3). An output succeeds when the mean of
// its ratings on one dimension reaches a score.
type Success struct {
	AtLeast    float64
	Duplicates int // a rater's second score for an output and dimension; the first counts
	Problems   []string
	items      map[string]map[string]*rated // dimension → item → what it got
	queries    map[string][2]string         // query → genre and language
}

// rated is one output's ratings on one dimension.
type rated struct {
	record.Rating
	raters map[string]bool
	sum    float64
}

// NewSuccess starts the measure; on the scale of 0 to 3 an output succeeds from 2 on.
func NewSuccess(atLeast float64) *Success {
	return &Success{AtLeast: atLeast, items: map[string]map[string]*rated{}, queries: map[string][2]string{}}
}

// Learn takes from a record of another kind of which genre and language its query is, for ratings that do
// not say.
func (s *Success) Learn(r any) {
	var id, genre, language string
	switch r := r.(type) {
	case record.Vote:
		id, genre, language = r.QueryID, r.Genre, r.Language
	case record.Ranked:
		id, genre, language = r.QueryID, r.Votes[0].Genre, r.Votes[0].Language
	case record.Query:
		id, genre, language = r.ID, r.Genre, r.Language
	case record.Generation:
		id, genre, language = r.QueryID, r.Genre, languageOf(r)
	}
	if id != "" && genre != "" {
		s.queries[id] = [2]string{genre, language}
	}
}

// Add takes one rating; of a rater's scores for an output and dimension the first counts.
func (s *Success) Add(r record.Rating) {
	items := s.items[r.Dimension]
	if items == nil {
		items = map[string]*rated{}
		s.items[r.Dimension] = items
	}
	x := items[r.Item]
	if x == nil {
		x = &rated{Rating: r, raters: map[string]bool{}}
		items[r.Item] = x
	}
	if x.raters[r.Rater] {
		s.Duplicates++
		if len(s.Problems) < keepProblems {
			s.Problems = append(s.Problems, fmt.Sprintf("item %s: rater %s has scored %q before; the first score counts", r.Item, r.Rater, r.Dimension))
		}
		return
	}
	x.raters[r.Rater] = true
	x.sum += r.Score
}

// Dimension picks the dimension that says whether an output succeeds: the one named, the only one, or
// the overall one. An error lists them where none of that helps.
func (s *Success) Dimension(named string) (string, error) {
	return dimensionOf(slices.Sorted(maps.Keys(s.items)), named)
}

func dimensionOf(all []string, named string) (string, error) {
	switch {
	case named != "" && slices.Contains(all, named):
		return named, nil
	case named != "":
		return "", errs.Invalidf("no rating is on %q; the dimensions are %s", named, strings.Join(all, ", "))
	case len(all) == 1:
		return all[0], nil
	}
	for _, d := range []string{"overall_preference", "overall"} {
		if slices.Contains(all, d) {
			return d, nil
		}
	}
	return "", errs.Invalidf("ratings are on %s: say which one makes a success with --dimension", strings.Join(all, ", "))
}

// named reports whether any rating can be put into a genre.
func (s *Success) named() bool {
	for _, items := range s.items {
		for _, x := range items {
			if x.Genre != "" || s.queries[x.Query][0] != "" {
				return true
			}
		}
	}
	return false
}

// SuccessRates are the genres of every model of one language, and of all models together.
type SuccessRates struct {
	Language  string       `json:"language"`
	Dimension string       `json:"dimension"`
	AtLeast   float64      `json:"success_from"`
	Outputs   int          `json:"outputs"`
	NoGenre   int          `json:"outputs_without_genre"` // left out
	Models    []GenreRates `json:"models"`                // all together last, where there are two or more
	Highest   float64      `json:"highest_rating"`        // mean rating of an output; below AtLeast nothing succeeds
}

// Rates returns the rates by language, on a dimension that [Success.Dimension] gave.
func (s *Success) Rates(dimension string, o VoteOptions) []SuccessRates {
	type cell struct{ language, model, genre string }
	wins, n := map[cell]int{}, map[cell]int{}
	byLanguage := map[string]*SuccessRates{}
	models, genres := map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, x := range s.items[dimension] {
		known := s.queries[x.Query]
		genre, language := cmp.Or(x.Genre, known[0]), cmp.Or(x.Language, known[1])
		out := byLanguage[language]
		if out == nil {
			out = &SuccessRates{Language: language, Dimension: dimension, AtLeast: s.AtLeast, Highest: math.Inf(-1)}
			byLanguage[language], models[language], genres[language] = out, map[string]bool{}, map[string]bool{}
		}
		out.Outputs++
		mean := x.sum / float64(len(x.raters))
		out.Highest = max(out.Highest, mean)
		if genre == "" {
			out.NoGenre++
			continue
		}
		genre = o.group(genre)
		models[language][x.Model], genres[language][genre] = true, true
		for _, model := range []string{x.Model, ""} {
			c := cell{language, model, genre}
			n[c]++
			if mean >= s.AtLeast {
				wins[c]++
			}
			if model == "" { // ratings that name no model are of all together
				break
			}
		}
	}
	var out []SuccessRates
	for _, language := range slices.Sorted(maps.Keys(byLanguage)) {
		r := byLanguage[language]
		groups := slices.Sorted(maps.Keys(genres[language]))
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(models[language])), func(m string) bool { return m == "" })
		if len(names) != 1 {
			names = append(names, "")
		}
		for _, m := range names {
			ws, ns := make([]int, len(groups)), make([]int, len(groups))
			for i, g := range groups {
				ws[i], ns[i] = wins[cell{language, m, g}], n[cell{language, m, g}]
			}
			rates := GenreRates{Language: language, Model: m, success: true}
			rates.rates(groups, ws, ns)
			r.Models = append(r.Models, rates)
		}
		out = append(out, *r)
	}
	return out
}

// modelName is a model, or all of them.
func (g GenreRates) modelName(lang string) string {
	if g.Model == "" {
		return pick(lang, "所有模型", "all models")
	}
	return g.Model
}

// Table returns the genres as a table.
func (g GenreRates) Table(lang string, by Grouping) *table.Table {
	what, share := pick(lang, "胜/已决", "wins/decided"), pick(lang, "胜率", "win rate")
	if g.success {
		what, share = pick(lang, "成功/篇", "successes/outputs"), pick(lang, "成功率", "success rate")
	}
	columns := []table.Column{table.Text(by.name(lang)), table.Num(what), table.Num(share), table.Num("Wilson 95%"), table.Num(pick(lang, "收缩后", "shrunk")), table.Num("95%")}
	if !g.success {
		columns = append(columns, table.Num(pick(lang, "p（对一半）", "p (one half)")), table.Num("BH"))
	}
	columns = append(columns, table.Num(pick(lang, "p（对其余体裁）", "p (other genres)")), table.Num("BH"))
	t := table.New(g.modelName(lang)+" · "+LanguageName(g.Language, lang), columns...)
	t.Name = "genres-" + slug(g.Language) + "-" + cmp.Or(g.Model, "all")
	t.Note = fmt.Sprintf(pick(lang, "不足 %d 不写百分比，不足 %d 不检验；收缩（经验贝叶斯）向其余体裁借力；对其余体裁为 Fisher 精确检验；体裁之间差别的检验 p = %s", "no percentage below %d, no test below %d; shrunk (empirical Bayes) borrows from the other genres; against the other genres by Fisher's exact test; test of a difference between genres p = %s"), fewForRate, fewForTest, PText(g.Heterogeneity))
	if g.success && g.Model == "" {
		t.Note += pick(lang, "；各模型答同一题，并不独立，区间偏窄", "; models answer the same queries and are not independent: these intervals are too narrow")
	}
	for _, r := range g.Genres {
		var rate any
		if r.Rate.Defined() {
			rate = table.Percent(r.Rate)
		}
		row := []any{by.Title(r.Genre), fmt.Sprintf("%d/%d", r.Wins, r.N), rate, percentRange(r.Wilson), table.Percent(r.Shrunk), percentRange(r.ShrunkIn)}
		if !g.success {
			row = append(row, PText(r.P), PText(r.BH))
		}
		t.Add(append(row, PText(r.Fisher), PText(r.FisherBH))...)
	}
	return t
}

// Tables returns a table for each model, with what makes a success above them.
func (r SuccessRates) Tables(lang string, by Grouping) []*table.Table {
	var out []*table.Table
	for _, m := range r.Models {
		t := m.Table(lang, by)
		t.Name = "success-" + t.Name
		dimension := cmp.Or(r.Dimension, pick(lang, "评分", "score"))
		t.Note = fmt.Sprintf(pick(lang, "成功：%s 的平均分不低于 %v；", "success: mean %s of %v or more; "), dimension, r.AtLeast) + t.Note
		if r.Highest < r.AtLeast {
			t.Note += fmt.Sprintf(pick(lang, "；没有一篇达到（最高 %.3g）：若量表不是 0 到 3，请用 --success 指定", "; no output reaches it (the highest mean is %.3g): where the scale is not 0 to 3, set --success"), r.Highest)
		}
		if r.NoGenre > 0 {
			t.Note += fmt.Sprintf(pick(lang, "；%d 篇（共 %d）没有体裁，未计", "; %d of %d outputs name no genre and are left out"), r.NoGenre, r.Outputs)
		}
		out = append(out, t)
	}
	return out
}

// GenreFigure shows genres against models: the share where there are ten or more, the counts in any
// case. Colours follow the shrunk share, so that a genre of two outputs does not shout.
func GenreFigure(rates []GenreRates, by Grouping, lang string, theme plot.Theme) Named {
	rows, columns := []string{}, make([]string, len(rates))
	var cells [][]plot.Cell
	for i, g := range rates[0].Genres {
		rows = append(rows, by.Title(g.Genre))
		var row []plot.Cell
		for _, m := range rates {
			r := m.Genres[i]
			c := plot.Cell{Share: float64(r.Shrunk), Upper: fmt.Sprintf("%d/%d", r.Wins, r.N), Strong: r.FisherBH < 0.05}
			if r.Rate.Defined() {
				c.Upper = fmt.Sprintf("%.0f%% · %d", 100*r.Rate, r.N)
			}
			if !r.Shrunk.Defined() && r.N > 0 { // nothing to borrow from
				c.Share = float64(r.Wins) / float64(r.N)
			}
			row = append(row, c)
		}
		cells = append(cells, row)
	}
	for i, m := range rates {
		columns[i] = m.modelName(lang)
	}
	name, heading := "genres-", fmt.Sprintf(pick(lang, "各%s的胜率 · ", "Win rates by %s · "), by.name(lang))
	if rates[0].success {
		name, heading = "success-", fmt.Sprintf(pick(lang, "各%s的成功率 · ", "Success by %s · "), by.name(lang))
	}
	note := pick(lang, "十个以上写百分比与个数，否则写几分之几；颜色为收缩后的比率；大字：与其余体裁不同（BH 后 p < .05）", "per cent and n from ten on, else counts; colour: shrunk share; larger: unlike the other genres, p < .05 after BH")
	return Named{name + slug(rates[0].Language), plot.Matrix(heading+LanguageName(rates[0].Language, lang), note, rows, columns, cells, theme)}
}

// RatesBy are rates in one grouping.
type RatesBy struct {
	By       string         `json:"by"` // genre, category
	WinRates []GenreRates   `json:"win_rates,omitempty"`
	Success  []SuccessRates `json:"success,omitempty"`
}

// genres are win rates and success rates, by genre and by category.
func genres(c *Corpus) Study {
	s := NewSuccess(c.AtLeast)
	return Study{"genres", func(r any) {
		if x, ok := r.(record.Rating); ok {
			s.Add(x)
		} else {
			s.Learn(r)
		}
	}, func() (out Result, err error) {
		var doc []RatesBy
		for _, name := range []string{ByGenre, ByCategory} {
			by := c.Genres(name)
			d, o := RatesBy{By: name}, VoteOptions{Group: by.Of}
			add := func(rates []GenreRates, tables []*table.Table) {
				for _, t := range tables {
					out.Tables = append(out.Tables, t.As(strings.Replace(t.Name, "genres", name, 1)))
				}
				f := GenreFigure(rates, by, c.Lang, c.Theme)
				f.Name += "-" + name
				out.Figures = append(out.Figures, f)
			}
			for _, lang := range c.Votes.Languages() {
				var rates []GenreRates
				var tables []*table.Table
				for _, m := range c.Votes.poll(lang).models {
					if g := c.Votes.Genres(lang, m, o); len(g.Genres) > 0 {
						rates, tables = append(rates, g), append(tables, g.Table(c.Lang, by))
					}
				}
				if len(rates) > 0 {
					add(rates, tables)
				}
				d.WinRates = append(d.WinRates, rates...)
			}
			if s.named() {
				dimension, err := s.Dimension(c.Dimension)
				if err != nil {
					return out, err
				}
				for _, r := range s.Rates(dimension, o) {
					if len(r.Models[0].Genres) > 0 {
						d.Success = append(d.Success, r)
						add(r.Models, r.Tables(c.Lang, by))
					}
				}
			}
			doc = append(doc, d)
		}
		out.Doc = doc
		return out, nil
	}}
}
