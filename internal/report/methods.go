package report

import (
	"fmt"
	"slices"
	"strings"

	"coigwriter/internal/analysis"
)

// A paragraph is one subject of what was done.
type paragraph struct{ Head, Text string }

// methods tell what was done, from the studies, the manifest and the results: nothing stands here that
// did not happen.
func (b *build) methods(lang string, results []analysis.Result) []paragraph {
	say := func(zh, en string, args ...any) string { return note(zh, en, args...).In(lang) }
	var out []paragraph
	add := func(zh, en string, sentences ...string) {
		sentences = slices.DeleteFunc(sentences, func(s string) bool { return s == "" })
		if len(sentences) > 0 {
			out = append(out, paragraph{pick(lang, zh, en), strings.Join(sentences, pick(lang, "", " "))})
		}
	}
	has := map[string]bool{}
	for _, r := range results {
		has[r.Name] = true
	}
	add("记录", "Records", b.recordsSentence(lang))
	for _, s := range b.studies {
		add("设计："+s.Name, "Design: "+s.Name, b.designSentences(lang, s)...)
	}
	for _, r := range results {
		if doc, ok := r.Doc.([]analysis.WinRates); ok {
			for _, w := range doc {
				add("投票 · "+analysis.LanguageName(w.Language, lang), "Votes · "+analysis.LanguageName(w.Language, lang), voteSentences(lang, w)...)
			}
		}
	}
	o := b.m.Options
	if has["winrate"] {
		add("平局与检验", "Ties and tests", analysis.TiePolicy.In(lang)+pick(lang, "。", "."),
			say("每一对：已分胜负的票对一半的精确双侧二项检验，p 值按 Holm 在每种语言的所有对之间校正；区间为 Wilson，以及按题重抽的百分位区间（票由排名展开时只看后者）。",
				"Each pair: an exact two-sided binomial test of the decided votes against one half, p values corrected by Holm over all pairs of a language; intervals are Wilson's, and percentile intervals from resampled queries (the only ones to read where votes come from rankings)."))
		add("实力", "Strengths", say("Bradley-Terry 极大似然，对数实力和为零，写成 1000 + 400/ln 10 · theta；标准误按题聚类（CR1）。票都带两边长度时另拟合等长时的实力（长度差（己 - 彼）/（己 + 彼）为协变量）。",
			"Bradley-Terry by maximum likelihood, log strengths summing to zero, written as 1000 + 400/ln 10 · theta; standard errors cluster by query (CR1). Where all votes carry both lengths, strengths at equal length are fitted too, with (own - other)/(own + other) as the covariate."))
	}
	if has["genres"] {
		add("体裁", "Genres", say("按体裁和类别分列，不足 10 不写百分比，不足 6 不检验；收缩率为经验贝叶斯（beta 二项）；对其余体裁为 Fisher 精确检验，Benjamini-Hochberg 校正。",
			"By genre and by category; no percentage below 10, no test below 6; shrunk rates are empirical Bayes (beta-binomial); against the other genres by Fisher's exact test with Benjamini and Hochberg's correction."))
	}
	if has["agreement"] || has["marks"] {
		add("评分", "Ratings", say("各维度的平均分先按篇取评测员的平均；一致性为百分比、Krippendorff alpha、Gwet AC1 与 AC2、Fleiss kappa，设计完整时加 ICC 与 Kendall W；一人对一篇一维度的第一个评分算数。",
			"Means by dimension take the mean of an output's raters first; agreement is per cent, Krippendorff's alpha, Gwet's AC1 and AC2, Fleiss' kappa, and where the design is complete ICC and Kendall's W; a rater's first score of an output on a dimension counts."))
	}
	if has["length"] {
		add("输出", "Outputs", say("长度按 Unicode 码点，token 为服务器所计；词汇多样性逐篇计算再平均（%[1]s）；语言：外文字母占两成以上等为换语言，未加引号的外文两字以上为漏字。",
			"Lengths in Unicode code points, tokens as the server counted them; lexical diversity by text, then the mean (%[2]s); language: a fifth of foreign letters or more, among other rules, is a switch, two unquoted foreign characters a leak.", tokensIn(lang, o), tokensIn(English, o)))
	}
	if o.Bootstrap > 0 {
		add("重抽", "Resampling", say("百分位区间均由 %[1]d 次重抽得出，种子 %[2]d；同样的输入和选项给出同样的数字。", "All percentile intervals come from %[1]d resamples with seed %[2]d; the same inputs and choices give the same figures.", o.Bootstrap, o.Seed))
	}
	version := b.m.Program.Version
	if r := b.m.Program.Revision; r != "" {
		version += " (" + r[:min(len(r), 12)] + ")"
	}
	add("程序", "Program", say("coigwriter %[1]s，%[2]s；体裁表 %[3]s %[4]s（%[5]s）。", "coigwriter %[1]s on %[2]s; taxonomy %[3]s %[4]s (%[5]s).", version, b.m.Program.Platform, b.tax.Name, b.tax.Version, b.tax.Hash()[:12]))
	return out
}

func tokensIn(lang string, o Options) string {
	if o.Punctuation {
		return pick(lang, "标点计入", "punctuation counted")
	}
	return pick(lang, "中文按 jieba 0.42.1 切分，标点不计", "Chinese cut as jieba 0.42.1 does, punctuation dropped")
}

// kindNames are the kinds of records as people call them.
var kindNames = []struct{ kind, zh, en string }{
	{Queries, "道题", "queries"},
	{Triplets, "个三元组", "triplets"},
	{Generations, "篇输出", "outputs"},
	{Votes, "张票", "votes"},
	{Rankings, "份排名", "rankings"},
	{Ratings, "个评分", "ratings"},
	{Labels, "个行为标签", "labels of behaviour"},
	{JudgeVotes, "张评审模型的票", "votes by model judges"},
	{JudgeRatings, "个评审模型的评分", "ratings by model judges"},
}

func (b *build) recordsSentence(lang string) string {
	var parts []string
	for _, k := range kindNames {
		if n := b.counts[k.kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, pick(lang, k.zh, k.en)))
		}
	}
	s := pick(lang, "本报告读入 ", "This report reads ") + strings.Join(parts, pick(lang, "、", ", ")) + pick(lang, "。", ".")
	if n := b.m.Refused.Count; n > 0 {
		s += fmt.Sprintf(pick(lang, "另有 %d 条记录无法读取，未计入，见“未计入的记录”。", " %d more could not be read and do not count; see \u201crecords that do not count\u201d."), n)
	}
	return s
}

func (b *build) designSentences(lang string, s Study) []string {
	say := func(zh, en string, args ...any) string { return note(zh, en, args...).In(lang) }
	var out []string
	out = append(out, say("盲评（%[1]s）：评测员看不到模型名、篇幅和来源。", "Judged blind (%[2]s): evaluators see no names of models, no lengths and no origin.", s.kindIn(Chinese), s.kindIn(English)))
	if s.Set.Name != "" {
		out = append(out, say("题目取自 %[1]s %[2]s（%[3]s）。", "Queries are those of %[1]s %[2]s (%[3]s).", s.Set.Name, s.Set.Version, short(s.Set.Hash)))
	}
	if len(s.Models) > 0 {
		out = append(out, say("模型 %[1]d 个：%[2]s。", "%[1]d models: %[3]s.", len(s.Models), strings.Join(s.Models, "、"), strings.Join(s.Models, ", ")))
	}
	out = append(out, say("%[1]d 位评测员，计划 %[2]d 次判断，完成 %[3]d 次。", "%[1]d evaluators, %[2]d judgements planned, %[3]d given.", s.Evaluators, s.Tasks, s.Done))
	switch {
	case s.frozenFirst():
		out = append(out, say("计划在投票前写下并冻结于 %[1]s（哈希 %[2]s）。", "The plan was written down and frozen before the votes, at %[1]s (hash %[2]s).", s.FrozenAt, short(s.PlanHash)))
	case s.PlanHash != "":
		out = append(out, say("计划冻结于 %[1]s，投票始于 %[2]s：计划不在投票之前。", "The plan was frozen at %[1]s and voting began at %[2]s: the plan does not precede the votes.", s.FrozenAt, s.OpenedAt))
	}
	if s.ClosedAt != "" {
		out = append(out, say("投票从 %[1]s 到 %[2]s。", "Voting ran from %[1]s to %[2]s.", s.OpenedAt, s.ClosedAt))
	}
	if n := len(s.Deviations); n > 0 {
		out = append(out, say("偏离计划 %[1]d 处，见下。", "%[1]d deviations from the plan, listed below.", n))
	}
	return out
}

func voteSentences(lang string, w analysis.WinRates) []string {
	say := func(zh, en string, args ...any) string { return note(zh, en, args...).In(lang) }
	ties, bad := 0, 0
	for _, p := range w.Pairs {
		ties, bad = ties+p.Ties, bad+p.BothBad
	}
	out := []string{say("%[1]d 张票，%[2]d 道题，%[3]d 个模型（%[4]s），%[5]d 位评测员；平局 %[6]d，都不好 %[7]d。", "%[1]d votes on %[2]d queries between %[3]d models (%[8]s) by %[5]d raters; %[6]d ties, %[7]d both bad.",
		w.Votes, w.Queries, len(w.Models), strings.Join(w.Models, "、"), w.Raters, ties, bad, strings.Join(w.Models, ", "))}
	if w.Ranked > 0 {
		out = append(out, say("其中 %[1]d 张由排名展开。", "%[1]d of them stand for rankings.", w.Ranked))
	}
	if w.Raters == 0 {
		out = append(out, say("记录没有写评测员。", "The records name no raters."))
	}
	return out
}

// short is the beginning of a hash.
func short(hash string) string { return hash[:min(len(hash), 12)] }
