package report

import (
	"cmp"
	"strings"

	"coigwriter/internal/analysis"
)

// A caption says how a figure was made and from how many.
type caption struct{ method, n analysis.Note }

// captions are those of a result's figures, by the figure's name.
func captions(r analysis.Result) map[string]caption {
	out := map[string]caption{}
	switch doc := r.Doc.(type) {
	case []analysis.WinRates:
		for _, w := range doc {
			out["winrate-"+slug(w.Language)] = caption{
				note("每格是行对列的胜率：胜 /（胜 + 负）；区间见表注，星号为 Holm 校正之后。", "Each cell is the rate of row against column, wins / (wins + losses); intervals as noted under the table, stars after Holm's correction."),
				note("n = %[1]d 张票，%[2]d 道题", "n = %[1]d votes, %[2]d queries", w.Votes, w.Queries),
			}
		}
	case []analysis.Strengths:
		for _, s := range doc {
			out["strengths-"+slug(s.Language)] = caption{
				note("Bradley-Terry 实力，误差按题聚类；区间相交不等于没有差别，看每一对。", "Bradley-Terry strengths with errors clustered by query; overlapping intervals do not mean equality: read the pairs."),
				note("n = %[1]d 张已分胜负的票，%[2]d 道题", "n = %[1]d decided votes, %[2]d queries", s.Decided, s.Queries),
			}
		}
	case []analysis.RatesBy:
		for _, by := range doc {
			votes := map[string]int{}
			for _, g := range by.WinRates {
				for _, x := range g.Genres {
					votes[g.Language] += x.N
				}
			}
			for language, n := range votes { // each vote stands in the rows of both its models
				out["genres-"+slug(language)+"-"+by.By] = caption{
					note("各模型对所有对手的胜率；颜色为收缩后的比率，少数几票不会跳出来。", "Rates of each model over all opponents; colours follow the shrunk rate, so that a handful of votes does not stand out."),
					note("n = %[1]d 张已分胜负的票", "n = %[1]d decided votes", n/2),
				}
			}
			for _, s := range by.Success {
				out["success-"+slug(s.Language)+"-"+by.By] = caption{
					note("%[1]s 的平均分不低于 %[2]v 为成功；颜色为收缩后的比率。", "Success is a mean %[1]s of %[2]v or more; colours follow the shrunk rate.", cmp.Or(s.Dimension, "score"), s.AtLeast),
					note("n = %[1]d 篇", "n = %[1]d outputs", s.Outputs),
				}
			}
		}
	case []analysis.LengthLine:
		n := map[string]int{}
		for _, l := range doc {
			n[l.Language] += l.Characters.N
		}
		boxes(out, "length-", n, note("字数为 Unicode 码点。", "Characters are Unicode code points."))
	case analysis.DiversityDoc:
		n := map[string]int{}
		for _, l := range doc.Lines {
			n[l.Language] += l.Texts
		}
		boxes(out, "ttr-", n, note("不同词数 / 词数，逐篇；随篇幅下降，长短不同的模型不可直接比。", "Types over tokens, by text; it falls with length, so that models of different lengths do not compare."))
		boxes(out, "mattr_50-", n, note("50 词滑动窗口的平均 TTR，几乎不随篇幅变化。", "The mean TTR of windows of 50 tokens, which length hardly moves."))
		for _, p := range doc.Paradox {
			for _, m := range []string{"ttr", "mattr_50"} {
				out["paradox-"+m+"-"+slug(p.Language)] = caption{
					note("每点一个模型，虚线为最小二乘；几个点说明不了因果，看扣除长度的回归。", "A dot is a model, the dashed line least squares; so few dots prove no cause: read the regression net of length."),
					note("n = %[1]d 张票", "n = %[1]d votes", p.Votes),
				}
			}
		}
	case analysis.LanguageDoc:
		n := map[string]int{}
		for _, l := range doc.Lines {
			n[l.Language] += l.Any.N
		}
		for language, k := range n {
			out["language-"+slug(language)] = caption{note("每篇归入最重的一类；定义见表注。", "Each output counts in its worst class; definitions under the table."), note("n = %[1]d 篇", "n = %[1]d outputs", k)}
		}
	case []analysis.ReasoningLine:
		for i, l := range doc {
			out["reasoning-"+slug(l.Language)+"-"+itoa(i+1)] = caption{
				note("先思路后正文，按十等分；单元为 2 到 4 句。", "Thought first, then the output, in tenths; units of 2 to 4 sentences."),
				note("n = %[1]d 篇，%[2]d 个单元", "n = %[1]d outputs, %[2]d units", l.Outputs, l.Units),
			}
		}
	case []analysis.MeanMarks:
		for _, x := range doc {
			k := 0
			for _, m := range x.Means {
				k = max(k, m.Outputs)
			}
			out["marks-"+slug(x.Language)] = caption{note("先按篇取评测员的平均；区间按题重抽。", "Means of the raters of an output first; intervals resample queries."), note("n ≤ %[1]d 篇一个模型", "n up to %[1]d outputs a model", k)}
		}
	case analysis.Summary:
		n := note("n = %[1]d 个三元组", "n = %[1]d triplets", doc.Overall.Count)
		out["categories"] = caption{note("各类别的数量与占比。", "Counts and shares of the categories."), n}
		out["genres"] = caption{note("各体裁的数量与占比，颜色为类别。", "Counts and shares of the genres, coloured by category."), n}
		out["lengths"] = caption{note("三部分的字数分布，对数轴，组宽 1.25 倍。", "Lengths of the three parts on a log axis, in classes that grow by a quarter."), n}
	}
	return out
}

// boxes are the captions of box plots, one figure a language.
func boxes(out map[string]caption, prefix string, n map[string]int, what analysis.Note) {
	for language, k := range n {
		out[prefix+slug(language)] = caption{
			analysis.Note{ZH: what.ZH + "箱为中间一半，线为中位，点为平均，须到 1.5 倍四分位距以内。", EN: what.EN + " The box is the middle half, the line the median, the dot the mean; whiskers reach within 1.5 interquartile ranges."},
			note("n = %[1]d 篇", "n = %[1]d outputs", k),
		}
	}
}

func slug(language string) string { return cmp.Or(language, "all") }

// paperOf says which table or figure of the paper a table or figure of ours corresponds to.
func paperOf(study, name string, figure bool) analysis.Note {
	t := func(what string) analysis.Note { return note("论文表 %[1]s", "the paper's Table %[1]s", what) }
	f := func(what string) analysis.Note { return note("论文图 %[1]s", "the paper's Figure %[1]s", what) }
	switch {
	case study == "winrate" && strings.HasPrefix(name, "winrate-"):
		return t("2")
	case study == "triplets" && !figure && name == "categories":
		return t("5")
	case study == "triplets" && !figure:
		return note("论文表 6–10", "the paper's Tables 6-10")
	case study == "triplets" && name == "genres":
		return f("6")
	case study == "triplets":
		return f("3")
	case study == "length" && figure:
		return f("4")
	case study == "length":
		return t("3")
	case study == "diversity" && figure && strings.HasPrefix(name, "ttr"):
		return f("5")
	case study == "diversity" && name == "diversity":
		return t("4")
	case study == "reasoning" && figure:
		return note("论文图 7、8", "the paper's Figures 7 and 8")
	case study == "language" && name == "language":
		return note("论文 3.3 节", "section 3.3 of the paper")
	}
	return analysis.Note{}
}
