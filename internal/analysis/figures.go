package analysis

import (
	"fmt"
	"math"

	"coigwriter/internal/plot"
	"coigwriter/internal/stats"
)

// A Named figure is a figure and the name of its file.
type Named struct {
	Name string
	*plot.Figure
}

// Figure is the matrix as a heat map: rate, interval and n in each cell, larger where the finding stands
// after correction. With more than eight models the interval is left to the tables.
func (w WinRates) Figure(lang string, theme plot.Theme) Named {
	many := len(w.Models) > 8 // intervals would be too small to read: they stand in the tables
	cells := make([][]plot.Cell, len(w.Models))
	for i, a := range w.Models {
		for _, b := range w.Models {
			cell := plot.Cell{Share: math.NaN()}
			if p, ok := w.Pair(a, b); ok && p.N > 0 {
				cell = plot.Cell{Share: float64(p.Rate), Upper: fmt.Sprintf("%.1f%s", 100*p.Rate, stars(w.Corrected(p))), Lower: fmt.Sprintf("%s · n %d", percentRange(w.Interval(p)), p.N), Strong: w.Corrected(p) < 0.05}
				if many {
					cell.Upper, cell.Lower = fmt.Sprintf("%.0f%s", 100*p.Rate, stars(w.Corrected(p))), fmt.Sprintf("n %d", p.N)
				}
			}
			cells[i] = append(cells[i], cell)
		}
	}
	title := pick(lang, "胜率：行对列 · ", "Win rate of row against column · ") + LanguageName(w.Language, lang)
	note := pick(lang, "占已分胜负的百分比，95% 区间，票数；* Holm 校正后 p < .05，** p < .01", "per cent of decided votes, 95% interval, n; * p < .05 after Holm, ** p < .01")
	if many {
		note = pick(lang, "占已分胜负的百分比，票数；区间见表；* Holm 校正后 p < .05，** p < .01", "per cent of decided votes, n; intervals stand in the tables; * p < .05 after Holm, ** p < .01")
	}
	return Named{"winrate-" + slug(w.Language), plot.Matrix(title, note, w.Models, w.Models, cells, theme)}
}

// Figure is the strengths as a forest plot on the Elo scale.
func (s Strengths) Figure(lang string, theme plot.Theme) Named {
	points := make([]plot.Point, len(s.Models))
	for i, m := range s.Models {
		points[i] = plot.Point{Name: m.Model, Value: float64(m.Elo), Lo: float64(m.EloIn.Lo), Hi: float64(m.EloIn.Hi), Text: fmt.Sprintf("n %d", m.Votes)}
	}
	title := pick(lang, "实力（Bradley-Terry）· ", "Strengths (Bradley-Terry) · ") + LanguageName(s.Language, lang)
	if s.Method == "ridge" {
		title = pick(lang, "岭估计：只是次序 · ", "Ridge estimate: an order only · ") + LanguageName(s.Language, lang)
	}
	axis := pick(lang, "Elo 刻度（平均 1000），95% 区间：按题聚类", "Elo scale (mean 1000), 95% intervals clustered by query")
	return Named{"strengths-" + slug(s.Language), plot.Forest(title, axis, points, 1000, theme)}
}

// boxes groups box plots by language, one figure each.
func boxes[L any](name, title, axis string, lines []L, spot func(L) Spot, box func(L) Box, lang string, theme plot.Theme) []Named {
	var out []Named
	byLanguage := map[string][]plot.Box{}
	var order []string
	for _, l := range lines {
		s, b := spot(l), box(l)
		if byLanguage[s.Language] == nil {
			order = append(order, s.Language)
		}
		byLanguage[s.Language] = append(byLanguage[s.Language], plot.Box{
			Name: fmt.Sprintf("%s (%d)", s.Model, b.N), N: b.N, Low: float64(b.Low), Q1: float64(b.Q1), Median: float64(b.Median), Mean: float64(b.Mean), Q3: float64(b.Q3), High: float64(b.High), Outliers: b.Outliers,
		})
	}
	for _, language := range order {
		out = append(out, Named{name + "-" + slug(language), plot.Boxes(title+" · "+LanguageName(language, lang), axis, byLanguage[language], theme)})
	}
	return out
}

// LengthFigures are the paper's Figure 4: lengths by model, one figure a language.
func LengthFigures(lines []LengthLine, lang string, theme plot.Theme) []Named {
	return boxes("length", pick(lang, "输出长度", "Length of outputs"), pick(lang, "字数", "characters"), lines,
		func(l LengthLine) Spot { return l.Spot }, func(l LengthLine) Box { return l.Characters }, lang, theme)
}

// DiversityFigures are the paper's Figure 5, TTR by model, and beside it a measure that length hardly
// moves.
func DiversityFigures(lines []DiversityLine, lang string, theme plot.Theme) []Named {
	var out []Named
	for _, m := range []struct{ key, title string }{{"ttr", "TTR"}, {"mattr_50", "MATTR (50)"}} {
		out = append(out, boxes(m.key, m.title, m.title, lines, func(l DiversityLine) Spot { return l.Spot }, func(l DiversityLine) Box { return l.Measures[m.key] }, lang, theme)...)
	}
	return out
}

// LanguageFigures show what outputs are, by model, one figure a language of the query.
func LanguageFigures(lines []LanguageLine, lang string, theme plot.Theme) []Named {
	parts := []string{pick(lang, "干净", "clean"), pick(lang, "引用中", "quoted"), pick(lang, "题目要求", "asked for"), pick(lang, "漏字", "leak"), pick(lang, "换语言", "switch")}
	byLanguage := map[string][]plot.Stack{}
	var order []string
	for _, l := range lines {
		if byLanguage[l.Language] == nil {
			order = append(order, l.Language)
		}
		of := func(r Rate) float64 { return float64(r.K) / float64(max(r.N, 1)) }
		rest := []float64{of(l.Quoted), of(l.Asked), of(l.Leak), of(l.Switch)}
		clean := 1.0
		for _, x := range rest {
			clean -= x
		}
		byLanguage[l.Language] = append(byLanguage[l.Language], plot.Stack{Name: fmt.Sprintf("%s (%d)", l.Model, l.Any.N), Shares: append([]float64{clean}, rest...)})
	}
	var out []Named
	for _, language := range order {
		out = append(out, Named{"language-" + slug(language), plot.Stacked(pick(lang, "输出的语言 · 题目为", "Language of outputs · queries in ")+LanguageName(language, lang), parts, byLanguage[language], theme)})
	}
	return out
}

func slug(language string) string {
	if language == "" {
		return "all"
	}
	return language
}

// Figures are the paper's Figure 3, the categories and the lengths of the three parts, and Figure 6, all
// genres.
func (s *TripletStats) Figures(lang string, theme plot.Theme) []Named {
	sum := s.Summary(lang)
	if sum.Overall.Count == 0 {
		return nil
	}
	bars := func(groups []Group, colour func(Group) int) []plot.Bar {
		var out []plot.Bar
		for _, g := range groups {
			out = append(out, plot.Bar{Name: g.Name, Value: float64(g.Count), Text: fmt.Sprintf("%d · %.1f%%", g.Count, 100*g.Share), Group: colour(g)})
		}
		return out
	}
	category := map[string]int{}
	var categories []string
	for i, c := range sum.Categories {
		category[c.ID], categories = i, append(categories, c.Name)
	}
	count := pick(lang, "三元组数", "triplets")
	return []Named{
		{"categories", plot.Bars(pick(lang, "各类别", "Categories"), count, bars(sum.Categories, func(g Group) int { return category[g.ID] }), nil, theme)},
		{"genres", plot.Bars(pick(lang, "各体裁", "Genres"), count, bars(sum.Genres, func(g Group) int { return category[g.Category] }), categories, theme)},
		{"lengths", plot.LogHistogram(pick(lang, "三部分的长度", "Lengths of the three parts"), pick(lang, "字数（对数轴）", "characters (log axis)"),
			[]string{pick(lang, "文章", "article"), pick(lang, "提示", "prompt"), pick(lang, "推理", "reasoning")}, lengthEdges, s.lengths[:], theme)},
	}
}

// EloFigure is ratings over the votes in the order of the file: a picture of how they moved, never a
// ranking.
func (v *Votes) EloFigure(language string, k float64, o VoteOptions, lang string, theme plot.Theme) Named {
	p := v.poll(language)
	history := stats.Elo(len(p.models), p.votes, k)
	series := make([][]float64, len(p.models))
	for i := range series {
		series[i] = []float64{1000}
		for _, now := range history {
			series[i] = append(series[i], now[i])
		}
	}
	title := fmt.Sprintf(pick(lang, "Elo 随投票变化（K = %v）· ", "Elo over the votes (K = %v) · "), k) + LanguageName(language, lang)
	return Named{"elo-" + slug(language), plot.Lines(title, pick(lang, "第几票；次序变了图就变，不是排名", "votes in the order of the file; another order gives another picture, and no ranking"), p.models, series, theme)}
}

// ParadoxFigures are the paper's Figure 5 as scatters, of TTR and of a measure that length hardly moves:
// each model's mean against its mean win rate, with the line of least squares where there are three or
// more. Measures of fewer than two models are left out.
func ParadoxFigures(w WinRates, lines []DiversityLine, lang string, theme plot.Theme) []Named {
	var out []Named
	for _, measure := range []struct{ key, title string }{{"ttr", "TTR"}, {"mattr_50", "MATTR (50)"}} {
		var dots []plot.Dot
		var xs, ys []float64
		for i, m := range w.Models {
			for _, l := range lines {
				if x := l.Measures[measure.key].Mean; l.Model == m && l.Language == w.Language && x.Defined() && w.Mean[i].Defined() {
					dots = append(dots, plot.Dot{Name: m, X: float64(x), Y: 100 * float64(w.Mean[i])})
					xs, ys = append(xs, float64(x)), append(ys, float64(w.Mean[i]))
				}
			}
		}
		if len(dots) < 2 {
			continue
		}
		title := fmt.Sprintf(pick(lang, "%s 与胜率 · %s", "%s and win rate · %s"), measure.title, LanguageName(w.Language, lang))
		axis := fmt.Sprintf(pick(lang, "%s（各篇平均），%d 个模型", "%s (mean over outputs), %d models"), measure.title, len(dots))
		if r := stats.Correlation(xs, ys); len(dots) > 2 && !math.IsNaN(r) {
			axis += fmt.Sprintf(pick(lang, "，r = %.2f；篇幅未计，看回归表", ", r = %.2f; length is not allowed for: see the regressions"), r)
		}
		out = append(out, Named{"paradox-" + measure.key + "-" + slug(w.Language), plot.Scatter(title, axis, pick(lang, "对各对手的平均胜率 %", "mean win rate over opponents, %"), dots, theme)})
	}
	return out
}
