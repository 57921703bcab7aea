package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"coigwriter/internal/analysis"
)

// findings are the sentences at the top: what was found, with how many and how sure. Each is computed;
// where nothing differs they say so.
func findings(results []analysis.Result, o Options) []analysis.Note {
	var out, data []analysis.Note // data last: it is no finding about models
	for _, r := range results {
		switch doc := r.Doc.(type) {
		case []analysis.WinRates:
			for _, w := range doc {
				out = append(out, winFindings(w)...)
			}
		case []analysis.MeanMarks:
			for _, x := range doc {
				out = append(out, markFindings(x, o.Dimension)...)
			}
		case []analysis.Agreement:
			out = append(out, agreementFinding(doc)...)
		case []analysis.LengthLine:
			out = append(out, lengthFindings(doc)...)
		case analysis.DiversityDoc:
			out = append(out, diversityFindings(doc)...)
		case analysis.LanguageDoc:
			out = append(out, languageFindings(doc)...)
		case analysis.Summary:
			data = append(data, tripletFinding(doc))
		}
	}
	return append(out, data...)
}

// winFindings say how many pairs differ, and what the leading model beats.
func winFindings(w analysis.WinRates) []analysis.Note {
	pairs := slices.DeleteFunc(slices.Clone(w.Pairs), func(p analysis.WinPair) bool { return p.N == 0 })
	if len(pairs) == 0 {
		return nil
	}
	differ := 0
	for _, p := range pairs {
		if p.Holm < 0.05 {
			differ++
		}
	}
	zh, en := analysis.LanguageName(w.Language, Chinese), analysis.LanguageName(w.Language, English)
	if differ == 0 {
		return []analysis.Note{{
			ZH: fmt.Sprintf("%s：Holm 校正后没有一对模型有差别（%d 对，%d 票，%d 道题）。", zh, len(pairs), w.Votes, w.Queries),
			EN: fmt.Sprintf("%s: no pair of models differs after Holm's correction (%d pairs, %d votes, %d queries).", en, len(pairs), w.Votes, w.Queries),
		}}
	}
	out := []analysis.Note{{
		ZH: fmt.Sprintf("%s：%d 对模型中有 %d 对在 Holm 校正后有差别（%d 票，%d 道题）。", zh, len(pairs), differ, w.Votes, w.Queries),
		EN: fmt.Sprintf("%s: %d of %d pairs of models differ after Holm's correction (%d votes, %d queries).", en, differ, len(pairs), w.Votes, w.Queries),
	}}
	return append(out, leaderFinding(w, zh, en))
}

// named is how many opponents a finding names.
const named = 5

// leaderFinding is about the model with the highest mean win rate: an order, which its pairs may or may
// not bear out.
func leaderFinding(w analysis.WinRates, zh, en string) analysis.Note {
	leader := 0
	for i, m := range w.Mean {
		if m.Defined() && (!w.Mean[leader].Defined() || m > w.Mean[leader]) {
			leader = i
		}
	}
	name := w.Models[leader]
	var beats, open, loses []string
	for _, other := range w.Models {
		p, ok := w.Pair(name, other)
		if !ok || p.N == 0 {
			continue
		}
		text := fmt.Sprintf("%s (%s)", other, pairText(w, p))
		switch {
		case p.Holm >= 0.05:
			open = append(open, text)
		case p.Rate > 0.5:
			beats = append(beats, text)
		default:
			loses = append(loses, text)
		}
	}
	n := analysis.Note{
		ZH: fmt.Sprintf("%s：平均胜率最高的是 %s（%.1f%%）。", zh, name, 100*w.Mean[leader]),
		EN: fmt.Sprintf("%s: %s has the highest mean win rate (%.1f%%).", en, name, 100*w.Mean[leader]),
	}
	for _, part := range []struct {
		list   []string
		zh, en string
	}{
		{beats, "它胜过 %s。", " It beats %s."},
		{loses, "它输给 %s。", " It loses to %s."},
		{open, "与 %s 的差别不显著。", " No difference is shown against %s."},
	} {
		if len(part.list) > 0 {
			more := len(part.list) - named
			if more > 0 {
				part.list = part.list[:named]
			}
			zh, en := strings.Join(part.list, "、"), strings.Join(part.list, ", ")
			if more > 0 {
				zh, en = zh+fmt.Sprintf(" 等 %d 个", more+named), en+fmt.Sprintf(" and %d more", more)
			}
			n.ZH, n.EN = n.ZH+fmt.Sprintf(part.zh, zh), n.EN+fmt.Sprintf(part.en, en)
		}
	}
	return n
}

// pairText is a pair's count, rate, interval and corrected p, in signs that both languages read.
func pairText(w analysis.WinRates, p analysis.WinPair) string {
	return fmt.Sprintf("%d/%d, %.1f%%%s, Holm %s", p.Wins, p.N, 100*p.Rate, percents(w.Interval(p)), pText(p.Holm))
}

// percents is an interval of shares in brackets, with a space before; "" where there is none.
func percents(i analysis.Interval) string {
	if !i.Lo.Defined() || !i.Hi.Defined() {
		return ""
	}
	return fmt.Sprintf(" [%.1f, %.1f]", 100*i.Lo, 100*i.Hi)
}

// span is an interval in brackets with the decimals asked for; "" where there is none.
func span(i analysis.Interval, decimals int) string {
	if !i.Lo.Defined() || !i.Hi.Defined() {
		return ""
	}
	return fmt.Sprintf(" [%.*f, %.*f]", decimals, i.Lo, decimals, i.Hi)
}

// pText is a p value with its sign.
func pText(p analysis.Number) string {
	s := analysis.PText(p)
	if strings.HasPrefix(s, "<") {
		return "p " + s
	}
	return "p = " + s
}

// ends are the lines with the smallest and the greatest value of a language; ok is false below two.
func ends[L any](lines []L, value func(L) analysis.Number) (low, high L, ok bool) {
	lines = slices.DeleteFunc(slices.Clone(lines), func(l L) bool { return !value(l).Defined() })
	if len(lines) < 2 {
		return low, high, false
	}
	by := func(a, b L) int { return cmp.Compare(value(a), value(b)) }
	return slices.MinFunc(lines, by), slices.MaxFunc(lines, by), true
}

// apart says whether two intervals have a gap between them.
func apart(low, high analysis.Interval) (zh, en string) {
	switch {
	case !low.Hi.Defined() || !high.Lo.Defined():
		return "", ""
	case low.Hi < high.Lo:
		return "；两者的区间不相交", "; the intervals do not overlap"
	}
	return "；两者的区间相交", "; the intervals overlap"
}

func markFindings(x analysis.MeanMarks, dimension string) []analysis.Note {
	if dimension == "" {
		for _, d := range append([]string{"overall_preference", "overall"}, x.Dimensions...) {
			if slices.Contains(x.Dimensions, d) {
				dimension = d
				break
			}
		}
	}
	of := slices.DeleteFunc(slices.Clone(x.Means), func(m analysis.MeanMark) bool { return m.Dimension != dimension })
	low, high, ok := ends(of, func(m analysis.MeanMark) analysis.Number { return m.Mean })
	if !ok {
		return nil
	}
	zh, en := apart(low.Queries, high.Queries)
	name := func(lang string) string { return cmp.Or(analysis.DimensionName(dimension, lang), "score") }
	return []analysis.Note{note("%[1]s：%[2]s的平均分最高的是 %[3]s（%.2[4]f%[5]s，%[6]d 篇），最低的是 %[7]s（%.2[8]f%[9]s，%[10]d 篇）%[11]s。",
		"%[12]s: the highest mean of %[14]s is %[3]s's (%.2[4]f%[5]s, %[6]d outputs), the lowest %[7]s's (%.2[8]f%[9]s, %[10]d outputs)%[13]s.",
		analysis.LanguageName(x.Language, Chinese), name(Chinese), high.Model, float64(high.Mean), span(high.Queries, 2), high.Outputs, low.Model, float64(low.Mean), span(low.Queries, 2), low.Outputs, zh,
		analysis.LanguageName(x.Language, English), en, name(English))}
}

func agreementFinding(doc []analysis.Agreement) []analysis.Note {
	var parts [2][]string // in Chinese, in English
	for _, a := range doc {
		for _, m := range a.Measures {
			if m.Name == "alpha_ordinal" && m.Value.Defined() {
				for i, lang := range []string{Chinese, English} {
					parts[i] = append(parts[i], fmt.Sprintf("%s %.2f%s", cmp.Or(analysis.DimensionName(a.Dimension, lang), "score"), m.Value, span(m.Interval, 2)))
				}
			}
		}
	}
	if len(parts[0]) == 0 {
		return nil
	}
	return []analysis.Note{{
		ZH: "评测员在评分上的一致（有序 alpha）：" + strings.Join(parts[0], "；") + "。",
		EN: "Agreement of raters on ratings (ordinal alpha): " + strings.Join(parts[1], "; ") + ".",
	}}
}

func lengthFindings(doc []analysis.LengthLine) []analysis.Note {
	var out []analysis.Note
	for _, language := range distinct(doc, func(l analysis.LengthLine) string { return l.Language }) {
		of := slices.DeleteFunc(slices.Clone(doc), func(l analysis.LengthLine) bool { return l.Language != language })
		low, high, ok := ends(of, func(l analysis.LengthLine) analysis.Number { return l.Characters.Mean })
		if !ok {
			continue
		}
		zh, en := apart(low.Characters.MeanIn, high.Characters.MeanIn)
		a, b := high.Characters, low.Characters
		out = append(out, note("%[1]s输出：%[2]s 平均最长（%.0[3]f 字%[4]s，%[5]d 篇），%[6]s 最短（%.0[7]f 字%[8]s，%[9]d 篇）%[10]s。",
			"Outputs in %[11]s: %[2]s writes the longest on average (%.0[3]f characters%[4]s, %[5]d outputs), %[6]s the shortest (%.0[7]f%[8]s, %[9]d outputs)%[12]s.",
			analysis.LanguageName(language, Chinese), high.Model, float64(a.Mean), span(a.MeanIn, 0), a.N, low.Model, float64(b.Mean), span(b.MeanIn, 0), b.N, zh, analysis.LanguageName(language, English), en))
	}
	return out
}

func diversityFindings(doc analysis.DiversityDoc) []analysis.Note {
	var out []analysis.Note
	for _, language := range distinct(doc.Lines, func(l analysis.DiversityLine) string { return l.Language }) {
		of := slices.DeleteFunc(slices.Clone(doc.Lines), func(l analysis.DiversityLine) bool { return l.Language != language })
		low, high, ok := ends(of, func(l analysis.DiversityLine) analysis.Number { return l.Measures["ttr"].Mean })
		if !ok {
			continue
		}
		a, b := high.Measures["ttr"], low.Measures["ttr"]
		zh, en := apart(b.MeanIn, a.MeanIn)
		out = append(out, note("%[1]s输出：TTR 最高的是 %[2]s（%.3[3]f%[4]s），最低的是 %[5]s（%.3[6]f%[7]s）%[8]s。",
			"Outputs in %[9]s: the highest TTR is %[2]s's (%.3[3]f%[4]s), the lowest %[5]s's (%.3[6]f%[7]s)%[10]s.",
			analysis.LanguageName(language, Chinese), high.Model, float64(a.Mean), span(a.MeanIn, 3), low.Model, float64(b.Mean), span(b.MeanIn, 3), zh, analysis.LanguageName(language, English), en))
	}
	for _, p := range doc.Paradox {
		for _, m := range p.Models {
			e, ok := m.Effects["ttr"]
			if m.Name != "ttr+length" || !ok || !e.P.Defined() {
				continue
			}
			says := note("看不出 TTR 与偏好有关", "no link between TTR and preference is shown")
			switch {
			case e.P < 0.05 && e.Estimate > 0:
				says = note("TTR 较高的一篇更受偏好", "the output of higher TTR is preferred")
			case e.P < 0.05:
				says = note("TTR 较低的一篇更受偏好", "the output of lower TTR is preferred")
			}
			out = append(out, note("%[1]s：扣除长度后，%[2]s（每单位 %.2[3]f logit，%[4]s，%[5]d 票）。", "%[6]s: net of length, %[7]s (%.2[3]f logits a unit, %[4]s, %[5]d votes).",
				analysis.LanguageName(p.Language, Chinese), says.ZH, float64(e.Estimate), pText(e.P), p.Votes, analysis.LanguageName(p.Language, English), says.EN))
		}
	}
	return out
}

func languageFindings(doc analysis.LanguageDoc) []analysis.Note {
	var out []analysis.Note
	for _, language := range distinct(doc.Lines, func(l analysis.LanguageLine) string { return l.Language }) {
		of := slices.DeleteFunc(slices.Clone(doc.Lines), func(l analysis.LanguageLine) bool { return l.Language != language || l.Bad.N == 0 })
		if len(of) == 0 {
			continue
		}
		worst := slices.MaxFunc(of, func(a, b analysis.LanguageLine) int { return cmp.Compare(a.Bad.Share, b.Bad.Share) })
		if worst.Bad.K == 0 {
			out = append(out, note("%[1]s题目的回答里没有漏出别的语言。", "No answer to queries in %[2]s leaks another language.", analysis.LanguageName(language, Chinese), analysis.LanguageName(language, English)))
			continue
		}
		out = append(out, note("%[1]s题目的回答里漏出别的语言最多的是 %[2]s：%[3]d/%[4]d（%.1[5]f%%%[6]s）。", "Of answers to queries in %[7]s, %[2]s's leak another language most: %[3]d/%[4]d (%.1[5]f%%%[6]s).",
			analysis.LanguageName(language, Chinese), worst.Model, worst.Bad.K, worst.Bad.N, 100*float64(worst.Bad.Share), percents(worst.Bad.Interval), analysis.LanguageName(language, English)))
	}
	return out
}

func tripletFinding(s analysis.Summary) analysis.Note {
	few := 0
	for _, g := range s.Genres {
		if g.Count < fewOfGenre {
			few++
		}
	}
	return note("%[1]d 个三元组，%[2]d 个体裁，其中 %[3]d 个不足 %[4]d 个。", "%[1]d triplets in %[2]d genres, %[3]d of them with fewer than %[4]d.", s.Overall.Count, len(s.Genres), few, fewOfGenre)
}

// fewOfGenre is the least that a genre should have (paper section 2.3).
const fewOfGenre = 15
