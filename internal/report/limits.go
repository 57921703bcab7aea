package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"coigwriter/internal/analysis"
)

// fewQueries is below how many queries intervals that resample them are unsteady.
const fewQueries = 30

// limits are what the figures cannot bear, from what is there.
func (b *build) limits(results []analysis.Result) []analysis.Note {
	var out []analysis.Note
	tests := 0
	people := false
	for _, r := range results {
		switch doc := r.Doc.(type) {
		case []analysis.WinRates:
			people = true
			for _, w := range doc {
				out = append(out, winLimits(w)...)
				tests += len(w.Pairs)
			}
		case []analysis.Strengths:
			for _, s := range doc {
				out = append(out, strengthLimits(s)...)
			}
		case []analysis.RatesBy:
			tests += genreTests(doc)
		case []analysis.Agreement:
			people = true
			out = append(out, agreementLimits(doc)...)
		case []analysis.AnswerLine:
			out = append(out, answerLimits(doc)...)
		case []analysis.ReasoningLine:
			if len(doc) > 0 && doc[0].Source == analysis.Lexicon {
				out = append(out, note("推理行为由词表标出：这是基线和警报，不是判断。", "Reasoning behaviour is labelled by a list of words: a baseline and an alarm, not a judge."))
			}
		}
	}
	if people {
		out = append(out, b.planLimits()...)
	}
	if tests > 1 {
		out = append(out, note("各表共做了 %[1]d 个检验；Holm 与 Benjamini-Hochberg 各在自己的一组之内校正，不跨表、不跨语言。", "The tables hold %[1]d tests in all; Holm's and Benjamini and Hochberg's corrections each reach over their own group, not over tables or languages.", tests))
	}
	if n := b.m.Refused.Count + b.corpus.NotCount; n > 0 {
		out = append(out, note("%[1]d 条记录没有计入，见“未计入的记录”。", "%[1]d records do not count; see “records that do not count”.", n))
	}
	if len(b.judges) > 0 && !people {
		out = append(out, note("只有评审模型的判断，没有人的：评审模型与人是否一致无从知道。", "There are judgements of models and none of people: how far the judges agree with people is not known."))
	}
	if b.m.Options.Bootstrap == 0 && len(results) > 0 {
		out = append(out, note("没有重抽：聚类区间和平均数的区间缺席。", "Nothing was resampled: clustered intervals and those of means are missing."))
	}
	if len(out) == 0 {
		out = append(out, note("所给的记录没有触及本报告检查的限度：题少、单人评、排名展开、检验繁多、没有计划。", "The records touch none of the limits that this report looks for: few queries, single raters, votes from rankings, many tests, no plan."))
	}
	return out
}

func winLimits(w analysis.WinRates) []analysis.Note {
	zh, en := analysis.LanguageName(w.Language, Chinese), analysis.LanguageName(w.Language, English)
	var out []analysis.Note
	if w.Queries < fewQueries {
		out = append(out, note("%[1]s：只有 %[2]d 道题，按题重抽的区间不稳，结论难以推到别的题。", "%[3]s: only %[2]d queries; intervals from resampled queries are unsteady, and little can be said of other queries.", zh, w.Queries, en))
	}
	if w.Ranked > 0 {
		n := note("%[1]s：%[2]d 张票由排名展开，同一份排名里的票彼此相关。在一对之内，一份排名只有一票；各对之间却彼此牵连，把所有的票当作独立的模型（实力的朴素误差、吻合检验）会过于有把握，故所列区间按题重抽；Holm 校正在这种相关下仍然有效。",
			"%[3]s: %[2]d votes stand for rankings, and those of one ranking depend on each other. Within a pair a ranking gives one vote, but the pairs hang together: models that take all votes as independent (naive errors of strengths, tests of fit) are too sure, so the intervals shown resample queries; Holm's correction still holds under such dependence.", zh, w.Ranked, en)
		if w.Raters > 1 || w.Raters == 0 {
			more := note("若一题由几人排序，同一对在一题上就有几张票，精确检验的 p 会偏小，Wilson 区间会偏窄。", "Where several raters rank one query a pair has several votes on it: the exact p is too small and Wilson's interval too narrow.")
			n.ZH, n.EN = n.ZH+more.ZH, n.EN+" "+more.EN
		}
		out = append(out, n)
	}
	if x := widening(w); x > 1.1 {
		out = append(out, note("%[1]s：按题重抽的区间比 Wilson 的宽（各对的中位数 %.2[2]f 倍）：同一题上的票不独立，精确检验的 p 偏小。", "%[3]s: intervals from resampled queries are wider than Wilson's (%.2[2]f times in the median pair): votes on one query are not independent, and the exact p values are too small.", zh, x, en))
	}
	if w.Raters == 1 {
		out = append(out, note("%[1]s：只有一位评测员，结论是这个人的。", "%[2]s: there is one rater, and the findings are that person's.", zh, en))
	}
	if !w.Position.Known && w.Ranked == 0 {
		out = append(out, note("%[1]s：记录没有写先显示哪一边，位置偏好无从检查。", "%[2]s: the records do not say what was shown first; a liking for a place cannot be checked.", zh, en))
	}
	ties, all := 0, 0
	for _, p := range w.Pairs {
		ties, all = ties+p.Ties+p.BothBad, all+p.N+p.Ties+p.BothBad
	}
	if share := float64(ties) / float64(max(all, 1)); share > 0.2 {
		out = append(out, note("%[1]s：%.0[2]f%% 的票是平局或都不好，胜率只说其余的票。", "%[3]s: %.0[2]f%% of the votes are ties or both bad; win rates speak of the others alone.", zh, 100*share, en))
	}
	return out
}

// widening is how many times as wide as Wilson's the interval from resampled queries is, in the median
// pair; NaN without them.
func widening(w analysis.WinRates) float64 {
	var ratios []float64
	for _, p := range w.Pairs {
		if p.Cluster.Lo.Defined() && p.Wilson.Hi > p.Wilson.Lo {
			ratios = append(ratios, float64((p.Cluster.Hi-p.Cluster.Lo)/(p.Wilson.Hi-p.Wilson.Lo)))
		}
	}
	if len(ratios) == 0 {
		return math.NaN()
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

func strengthLimits(s analysis.Strengths) []analysis.Note {
	zh, en := analysis.LanguageName(s.Language, Chinese), analysis.LanguageName(s.Language, English)
	var out []analysis.Note
	if s.Method == "ridge" {
		out = append(out, note("%[1]s：没有有限的实力值，所列只是次序。", "%[2]s: no finite strengths exist; what is shown is an order.", zh, en))
	}
	if s.Fit.P.Defined() && s.Fit.P > 0.95 && s.Fit.DF > 2 {
		out = append(out, note("%[1]s：每个模型一个实力值就能解释各对的票数，吻合得比独立投票应有的更好（偏差 %.2[2]f，自由度 %[3]d，下尾 p = %.3[4]f）：票数可能由排名或分数推出。",
			"%[5]s: one strength a model explains the counts of the pairs more smoothly than independent votes would (deviance %.2[2]f on %[3]d degrees of freedom, lower-tail p = %.3[4]f): they may be derived from rankings or scores.", zh, float64(s.Fit.Deviance), s.Fit.DF, 1-float64(s.Fit.P), en))
	}
	if s.Fit.P.Defined() && s.Fit.P < 0.05 {
		out = append(out, note("%[1]s：每个模型一个实力值不足以解释各对的票数（%[2]s）：胜负不成一条线，看每一对。", "%[3]s: one strength a model does not explain the counts of the pairs (%[2]s): the models form no line; read the pairs.", zh, pText(s.Fit.P), en))
	}
	shared := 0
	for _, r := range s.Raters {
		shared += r.Shared
	}
	if len(s.Raters) > 1 && shared == 0 {
		out = append(out, note("%[1]s：没有一对输出由两人评过，评测员是否一致无从知道。", "%[2]s: no pair of outputs was judged by two raters; whether they agree is not known.", zh, en))
	}
	return out
}

func genreTests(doc []analysis.RatesBy) (n int) {
	count := func(g analysis.GenreRates) {
		for _, r := range g.Genres {
			for _, p := range []analysis.Number{r.P, r.Fisher} {
				if p.Defined() {
					n++
				}
			}
		}
	}
	for _, by := range doc {
		for _, g := range by.WinRates {
			count(g)
		}
		for _, s := range by.Success {
			for _, g := range s.Models {
				count(g)
			}
		}
	}
	return n
}

func agreementLimits(doc []analysis.Agreement) []analysis.Note {
	var single []string
	for _, a := range doc {
		if a.Shared == 0 {
			single = append(single, cmp.Or(a.Dimension, "score"))
		}
	}
	if len(single) == 0 {
		return nil
	}
	return []analysis.Note{{
		ZH: "每篇只有一人评分（" + strings.Join(single, "、") + "）：评分员之间的差别与模型之间的差别分不开。",
		EN: "Each output has one rating (" + strings.Join(single, ", ") + "): differences between raters cannot be told from those between models.",
	}}
}

func answerLimits(doc []analysis.AnswerLine) []analysis.Note {
	missing, empty, cut, same := 0, 0, 0, 0
	for _, l := range doc {
		missing, empty, cut, same = missing+l.Missing, empty+l.Empty, cut+l.Cut, same+l.Identical
	}
	var out []analysis.Note
	if missing > 0 {
		out = append(out, note("缺 %[1]d 个回答：比较只在两边都答了的题上。", "%[1]d answers are missing: comparisons rest on queries that both answered.", missing))
	}
	if empty+cut > 0 {
		out = append(out, note("%[1]d 个回答是空的，%[2]d 个在 token 上限处截断；它们计入长度和多样性。", "%[1]d answers are empty and %[2]d were cut at the limit of tokens; they count in lengths and diversity.", empty, cut))
	}
	if same > 0 {
		out = append(out, note("%[1]d 个回答与别的模型逐字相同。", "%[1]d answers are letter for letter another model's.", same))
	}
	return out
}

// planLimits are about what was written down before voting.
func (b *build) planLimits() []analysis.Note {
	if len(b.studies) == 0 {
		return []analysis.Note{note("没有投票前冻结的计划：这里的检验是探索性的。", "No plan was frozen before the votes: the tests here are exploratory.")}
	}
	var out []analysis.Note
	for _, s := range b.studies {
		if !s.frozenFirst() {
			out = append(out, note("%[1]s：没有投票前冻结的计划，检验是探索性的。", "%[1]s: no plan was frozen before the votes; its tests are exploratory.", s.Name))
		}
		if s.Done < s.Tasks {
			out = append(out, note("%[1]s：计划的 %[2]d 次判断完成了 %[3]d 次。", "%[1]s: of %[2]d judgements planned %[3]d were given.", s.Name, s.Tasks, s.Done))
		}
	}
	return out
}
