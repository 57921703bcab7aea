package web

import (
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/analysis"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/llm"
)

// vote has everybody do their tasks of a study: pairs by chance, rankings as shown, marks by place.
func (l *blindLab) vote(s evaluate.Study) {
	l.t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, e := range l.eyes {
		for _, id := range l.tasks(s, e.id) {
			g := evaluate.Given{Note: "读了两遍<b>"}
			var n struct{ N int }
			if err := l.d.One(l.t.Context(), &n, `SELECT LENGTH(shown) - LENGTH(REPLACE(shown, ',', '')) + 1 AS n FROM study_task WHERE id = ?`, id); err != nil {
				l.t.Fatal(err)
			}
			switch s.Kind {
			case evaluate.Pair:
				g.Winner = []string{"a", "a", "a", "b", "b", "tie", "both_bad"}[rng.IntN(7)]
			case evaluate.Rank:
				g.Ranked = rng.Perm(n.N)
			default:
				g.Marks = map[string]int{}
				for _, dim := range evaluate.Dimensions {
					g.Marks[dim.Key] = rng.IntN(4)
				}
			}
			if _, err := evaluate.Give(l.t.Context(), l.d, e.id, id, g); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

// Results of a pair study: the page says what the analyses say, every cell leads to its votes, every vote
// to its texts; people and judges are never in one table.
func TestStudyResults(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead, eye := ts.person("lena", "lead"), ts.person("eve", "evaluator")
	l := newBlindLab(t, ts, 12, 3, 60)
	s := l.study("第一轮", evaluate.Pair, 4, func(p *evaluate.Plan) { p.Overlap, p.Shared, p.Bootstrap, p.Attention, p.MaxFailed = 3, 1, 100, 1, 1 })
	at := "/studies/" + s.ID
	lead.get(at+"/results", 200, "还没有票", "还没有结束")
	l.vote(s)
	page := lead.get(at+"/results", 200, "中文", "行胜列", "Bradley-Terry", "先显示的一方胜", "按类别", "不计票", "/votes?")
	r, err := evaluate.RecordsOf(t.Context(), ts.d, s)
	if err != nil {
		t.Fatal(err)
	}
	votes := analysis.NewVotes(s.Plan.V.Models...)
	for _, v := range r.Votes {
		votes.Add(v.Vote())
	}
	w := votes.WinRates("zh", analysis.VoteOptions{Bootstrap: 100, Seed: 1})
	for _, p := range w.Pairs {
		_, cell, ok := strings.Cut(page, fmt.Sprintf("%s 对 %s：", p.A, p.B))
		cell, _, _ = strings.Cut(cell, "</a>")
		if !ok || !strings.Contains(cell, Percent(float64(p.Rate))) || !strings.Contains(cell, fmt.Sprintf("n %d", p.N)) {
			t.Errorf("%s against %s: the cell says %q", p.A, p.B, cell)
		}
	}
	for _, name := range []string{"winrate.zh", "strengths.zh", "genres.zh", "categories.zh"} {
		svg := lead.get(at+"/results/figure/"+name+"?theme=dark", 200, "<svg")
		for d := xml.NewDecoder(strings.NewReader(svg)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	lead.get(at+"/results/figure/winrate.en", 404)
	lead.get(at+"/results?by=judge-1", 404)
	a, b := w.Models[0], w.Models[1]
	// A model's name in the matrix and in the table of strengths leads to the votes on it, a rater's row to theirs.
	onA := "/votes?" + (voteFilter{A: a, Lang: "zh"}).query().Encode()
	if n := strings.Count(page, strings.ReplaceAll(onA, "&", "&amp;")); n < 2 {
		t.Errorf("%d links to the votes on %s", n, a)
	}
	lead.get(at+onA, 200, "读了两遍&lt;b&gt;")
	rater := r.Raters[0]
	own := "/votes?" + (voteFilter{Rater: rater.Pseudonym}).query().Encode()
	lead.get(at, 200, own)
	if list := lead.get(at+own, 200, rater.Pseudonym); strings.Contains(list[strings.Index(list, "<tbody"):strings.Index(list, "</tbody>")], r.Raters[1].Pseudonym) {
		t.Error("the list of one rater's votes holds another's")
	}
	list := lead.get(at+"/votes?"+url.Values{"a": {a}, "b": {b}, "lang": {"zh"}}.Encode(), 200, "读了两遍&lt;b&gt;")
	n := 0
	for _, v := range r.Votes {
		if v.ModelA == a && v.ModelB == b || v.ModelA == b && v.ModelB == a {
			n++
		}
	}
	if got := strings.Count(list, "<tr data-row"); got != n {
		t.Errorf("%d votes listed, want %d", got, n)
	}
	for _, q := range []string{"?winner=tie", "?genre=nowhere", "?rater=nobody", "?lang=en", "?from=-5", "?from=x", "?winner=" + url.QueryEscape(a)} {
		lead.get(at+"/votes"+q, 200)
	}
	item := regexp.MustCompile(at + `/items/[0-9a-f-]{36}`).FindString(list)
	lead.get(item, 200, a, b, "读了两遍&lt;b&gt;", "更好", "显示次序", "雨后的清晨", secretFinish)
	lead.get(at+"/items/nowhere", 404)
	for _, path := range []string{at, at + "/results", at + "/votes", item, at + "/results/figure/winrate.zh"} {
		eye.get(path, 403)
	}
	// What somebody gave is gone from the results as soon as it is excluded.
	lead.post(at+"/raters", url.Values{"do": {"exclude"}, "person": {l.eyes[0].id}, "reason": {"随手乱点"}}, 303)
	after, err := evaluate.RecordsOf(t.Context(), ts.d, s)
	if err != nil {
		t.Fatal(err)
	}
	if lead.get(at+"/results", 200, fmt.Sprintf("%d 票", len(after.Votes))); len(after.Votes) == len(r.Votes) {
		t.Error("nothing was excluded")
	}
	lead.get(item, 200, "被排除的评测员")
	l.judged(s, lead, at, item)
}

// judged has a model judge the study, and looks at its own tab and at the calibration.
func (l *blindLab) judged(s evaluate.Study, lead *visitor, at, item string) {
	l.t.Helper()
	script := l.asked(llm.ScriptRule{Reply: `{"reasons":"开头更稳<i>","winner":"A"}`})
	lead.get(at, 200, "来判")
	lead.post(at+"/judge", nil, 303)
	lead.get(at, 200, "停下", "data-watch")
	if err := evaluate.Sweep(l.t.Context(), l.d, l.s.opt.LLM, time.Now().Add(time.Minute)); err != nil {
		l.t.Fatal(err)
	}
	if script.Calls() == 0 {
		l.t.Fatal("nothing was asked")
	}
	page := lead.get(at+"/results?by=judge-1", 200, "这是一个模型裁判的票")
	if strings.Contains(page, "不计票") {
		l.t.Error("the judge's tab has people's rules")
	}
	lead.get(at+"/results?by=calibration", 200, "从不相加", "κ")
	lead.get(at+"/votes?by=judge-1", 200, "不分高下")
	lead.get(item, 200, "换序就变", "开头更稳&lt;i&gt;", "/models/calls/")
	lead.get(at, 200, "换序就变", "100.0%")
}

// Rankings and marks have pages of their own shape.
func TestStudyResultsOfRanksAndMarks(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	l := newBlindLab(t, ts, 6, 3, 60)
	few := func(p *evaluate.Plan) { p.Overlap, p.Shared, p.Bootstrap = 3, 1, 100 }
	rank, rate := l.study("排序", evaluate.Rank, 4, few), l.study("评分", evaluate.Rate, 3, few)
	l.vote(rank)
	l.vote(rate)
	at := "/studies/" + rank.ID
	page := lead.get(at+"/results", 200, "排序的一致", "kendall_tau", "票由排名展开")
	list := lead.get(at+"/votes?a="+url.QueryEscape(secretModels[0]), 200, " › ")
	lead.get(regexp.MustCompile(at+`/items/[0-9a-f-]{36}`).FindString(list), 200, " › ", "显示次序")
	if !strings.Contains(page, "先后的偏好") {
		t.Error("nothing is said of places")
	}
	at = "/studies/" + rate.ID
	lead.get(at+"/results", 200, "评分的一致", "总体喜好", "/figure/marks.zh.overall_preference")
	lead.get(at+"/results/figure/marks.zh.overall_preference", 200, "<svg")
	list = lead.get(at+"/votes", 200, "内容质量")
	lead.get(regexp.MustCompile(at+`/items/[0-9a-f-]{36}`).FindString(list), 200, "总体喜好")
	lead.get("/studies/"+rate.ID, 200, "逐篇打分")
}
