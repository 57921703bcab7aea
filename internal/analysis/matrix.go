package analysis

import (
	"fmt"
	"slices"
	"strings"

	"coigwriter/internal/table"
)

// Tables returns the matrix and the list of pairs, in the language asked for.
func (w WinRates) Tables(lang string) []*table.Table {
	name := LanguageName(w.Language, lang)
	columns := []table.Column{table.Text(pick(lang, "行胜列", "row beats column"))}
	for _, m := range w.Models {
		columns = append(columns, table.Num(m))
	}
	columns = append(columns, table.Num(pick(lang, "平均", "mean")))
	matrix := table.New(pick(lang, "胜率矩阵 · ", "Win rates · ")+name, columns...).As("winrate-" + slug(w.Language))
	matrix.Note = pick(lang, "每格：占已分胜负的百分比 [95% 区间]，n 为已分胜负的票数；* Holm 校正后 p < .05，** p < .01", "each cell: per cent of decided votes [95% interval] and their number; * p < .05 after Holm, ** p < .01")
	for i, a := range w.Models {
		row := []any{a}
		for _, b := range w.Models {
			p, ok := w.Pair(a, b)
			if !ok || p.N == 0 {
				row = append(row, nil)
				continue
			}
			row = append(row, w.cell(p))
		}
		matrix.Add(append(row, table.Percent(w.Mean[i]))...)
	}
	return []*table.Table{matrix, w.pairTable(lang, name)}
}

func (w WinRates) cell(p WinPair) string {
	i := w.Interval(p)
	s := fmt.Sprintf("%.1f%s [%s] %d", 100*p.Rate, stars(w.Corrected(p)), percentRange(i), p.N)
	return s
}

// percentRange writes an interval of shares in per cent.
func percentRange(i Interval) string {
	if !i.Lo.Defined() {
		return "–"
	}
	return fmt.Sprintf("%.1f, %.1f", 100*i.Lo, 100*i.Hi)
}

func stars(p Number) string {
	switch {
	case p < 0.01:
		return "**"
	case p < 0.05:
		return "*"
	}
	return ""
}

// PText writes a p-value: three digits, and a bound below .001.
func PText(p Number) string {
	switch {
	case !p.Defined():
		return "–"
	case p < 0.001:
		return "< .001"
	}
	return strings.TrimPrefix(fmt.Sprintf("%.3f", p), "0")
}

func (w WinRates) pairTable(lang, name string) *table.Table {
	columns := []table.Column{
		table.Text("A"), table.Text("B"), table.Num(pick(lang, "胜", "wins")), table.Num(pick(lang, "负", "losses")), table.Num(pick(lang, "平", "ties")), table.Num(pick(lang, "都不好", "both bad")),
		table.Num(pick(lang, "胜率", "rate")), table.Num("Wilson 95%"), table.Num(pick(lang, "按题重抽 95%", "by queries 95%")), table.Num("p"), table.Num("Holm"),
	}
	if w.dependent() {
		columns = append(columns, table.Num(pick(lang, "题：胜/负", "queries for/against")), table.Num(pick(lang, "p 按题", "p by queries")), table.Num("Holm"))
	}
	lengths := slices.ContainsFunc(w.Pairs, func(p WinPair) bool { return p.Equal != nil })
	if lengths {
		columns = append(columns, table.Num(pick(lang, "等长时", "at equal length")), table.Num("95%"), table.Num(pick(lang, "偏长", "prefers longer")))
	}
	t := table.New(pick(lang, "每一对 · ", "Every pair · ")+name, columns...).As("pairs-" + slug(w.Language))
	t.Note = joined(lang, w.Notes...)
	for _, p := range w.Pairs {
		wilson, exact, holm := percentRange(p.Wilson), PText(p.P), PText(p.Holm)
		if w.Ranked > 0 { // they would treat the votes of a ranking as independent
			wilson, exact, holm = "–", "–", "–"
		}
		row := []any{p.A, p.B, p.Wins, p.Losses, p.Ties, p.BothBad, table.Percent(p.Rate), wilson, percentRange(p.Cluster), exact, holm}
		if w.dependent() {
			row = append(row, fmt.Sprintf("%d/%d", p.Sign.For, p.Sign.Against), PText(p.Sign.P), PText(p.Sign.Holm))
		}
		switch {
		case lengths && p.Equal != nil:
			row = append(row, table.Percent(p.Equal.Rate), percentRange(p.Equal.Interval), table.Percent(p.Equal.PrefersLonger))
		case lengths:
			row = append(row, nil, nil, nil)
		}
		t.Add(row...)
	}
	return t
}
