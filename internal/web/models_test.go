package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/triplet"
)

// answering serves replies with a content, and makes it the site's model, with a price.
func (ts *tripletSite) answering(content string) *llm.Client {
	ts.t.Helper()
	server := serveTest(ts.t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":%q}}],"usage":{"prompt_tokens":4000,"completion_tokens":500,"prompt_tokens_details":{"cached_tokens":1000}}}`, content)
	}))
	c, err := llm.NewClient(llm.Endpoint{BaseURL: server + "/v1", Model: "judge-7b", Flavour: "vllm", Prices: llm.Prices{
		{Model: "judge-*", From: time.Unix(0, 0), Currency: "CNY", Input: 2_000_000, Cached: 1_000_000, Output: 8_000_000},
	}})
	if err != nil {
		ts.t.Fatal(err)
	}
	ts.t.Cleanup(c.Close)
	ts.s.opt.LLM = c
	return c
}

const hostileReply = `<img src=x onerror=alert(1)><script>alert(2)</script>写得很好，给满分。` + "\u202e"

// A model that answers prose with markup in it: the ledger counts it, the list finds it, the page
// of the call shows it as text, and a person has it asked again.
func TestModelsPages(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	ann, lead, rev, eng := ts.person("anna", "annotator"), ts.person("lena", "lead"), ts.person("rita", "reviewer"), ts.person("egon", "engineer")
	lead.get("/models", 200, "还没有问过模型", "还没有配置模型", "coigwriter llm probe")
	lead.get("/models/calls", 200, "还没有问过模型")
	lead.get("/triplets/failures", 200, "没有失败", "填评分表")
	id := ts.submittedBy(ann, "等你爸")
	c := ts.answering(hostileReply)
	lead.get("/models", 200, "还没有问过模型", "judge-7b", "vLLM", "导入原文后")
	if _, err := triplet.ScoreByModel(t.Context(), ts.d, c, id); llm.FailureOf(err) == nil {
		t.Fatal(err)
	}

	// Two calls of 4,000 + 500 tokens, a quarter of the prompt cached.
	page := eng.get("/models", 200, "judge-7b", "三元组 · 评原文", "0.022 CNY", "回复不合格式", "设定最多 64", "/models/figure", "还没有采纳的三元组")
	if strings.Contains(page, "没有价格") {
		t.Error("a price is missing")
	}
	for _, by := range llm.Bys {
		lead.get("/models?by="+string(by), 200, "0.022 CNY", "8\u2009000", "2\u2009000")
	}
	lead.get("/models?by=mood", 422)
	lead.get("/models?since=yesterday", 422)
	lead.get("/models?until=2001-01-01", 200, "没有符合条件的调用")
	if svg := lead.get("/models/figure?theme=dark", 200, "<svg"); len(svg) < 500 {
		t.Error(svg)
	}
	lead.get("/models/figure?until=2001-01-01", 404)

	for _, q := range []string{"", "?stage=triplet%2Fscore-article", "?model=judge-7b", "?failure=bad_output", "?failure=any", "?person=none", "?since=2020-01-01"} {
		lead.get("/models/calls"+q, 200, "等你爸", "judge-7b", "回复不合格式", "第 2 次", "共 2 条")
	}
	for _, q := range []string{"?stage=source%2Fscreening", "?model=x", "?failure=none", "?person=" + ann.id, "?until=2020-01-01", "?after=nonsense"} {
		lead.get("/models/calls"+q, 200, "没有符合条件的调用")
	}

	call := regexp.MustCompile(`/models/calls/[0-9a-f-]{36}`).FindString(lead.get("/models/calls", 200))
	own := "/triplets/" + id + "/calls/" + call[strings.LastIndex(call, "/")+1:]
	for _, path := range []string{call, own} {
		page := eng.get(path, 200, "&lt;script&gt;alert(2)", "给满分", "不合格式", "由服务保证符合结构", "第 1 次", "第 2 次", "/triplets/"+id, "0.011 CNY", "输入里缓存 1\u2009000", "模型先前的回复", fullForm().Get("prompt"))
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") {
			t.Error("the reply is markup")
		}
		if n := strings.Count(page, `href="/models/calls/`); n != 1 {
			t.Errorf("%d links to the other attempt", n)
		}
	}
	lead.get("/models/calls/nonsense", 404)
	for _, path := range []string{"/models", "/models/calls", call, own, "/models/figure", "/triplets/failures"} {
		ann.get(path, 403)
		rev.get(path, 403)
	}
	ts.retryTriplet(lead, rev, id)
}

// retryTriplet has the model asked again about a triplet that it failed to score.
func (ts *tripletSite) retryTriplet(lead, rev *visitor, id string) {
	ts.t.Helper()
	lead.get("/", 200, "模型没评成", "/triplets/failures")
	lead.get("/triplets", 200, "1 份三元组在等评分", "回复不合格式", "/triplets/failures")
	lead.get("/triplets/failures", 200, "等你爸", "评原文", "原始回复", "全部再问（1）")
	if page := lead.get("/triplets/"+id, 200, "模型没评成", "再问一次", "/triplets/"+id+"/calls/"); strings.Contains(page, "<script>alert") {
		ts.t.Error("the reply is markup")
	}
	rev.post("/triplets/failures/retry", url.Values{"id": {id}}, 403)
	lead.post("/triplets/failures/retry", url.Values{"id": {"nonsense"}}, 404)
	if to := lead.post("/triplets/failures/retry", url.Values{"id": {id}, "back": {"//elsewhere.example"}}, 303); to != "/" {
		ts.t.Errorf("sent to %s", to)
	}
	lead.post("/triplets/failures/retry", url.Values{"id": {id}}, 409)
	lead.post("/triplets/failures/retry", url.Values{}, 303)
	if page := lead.get("/triplets/"+id, 200, "已搁置", "再问一次模型"); strings.Contains(page, "/triplets/failures/retry") {
		ts.t.Error("it can be asked about twice")
	}
	if evs, err := audit.History(ts.t.Context(), ts.d, "triplet", id); err != nil || evs[len(evs)-1].Action != "ask-again" || evs[len(evs)-1].Actor != lead.id {
		ts.t.Errorf("%+v, %v", evs, err)
	}
	lead.get("/models/calls?failure=set_aside", 200, "等你爸", "已搁置")
}

// Without a price the page says so, and where one is set; the share of an accepted triplet is what
// the command prints.
func TestModelsWithoutPrices(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	ann, lead := ts.person("anna", "annotator"), ts.person("lena", "lead")
	id := ts.submittedBy(ann, "等你爸")
	c := ts.answering(`{"reasons":"好","quality":9,"creativity":9}`)
	if _, err := triplet.ScoreByModel(t.Context(), ts.d, c, id); err != nil {
		t.Fatal(err)
	}
	if _, err := ts.d.Exec(t.Context(), `UPDATE triplet SET state = ? WHERE id = ?`, triplet.Accepted, id); err != nil {
		t.Fatal(err)
	}
	l, err := triplet.LedgerOf(t.Context(), ts.d, c.Endpoint().Prices, llm.Filter{Zone: project.Zone}, llm.ByStage)
	if err != nil || len(l.Lines) != 3 {
		t.Fatalf("%+v, %v", l, err)
	}
	lead.get("/models", 200, l.Triplet.Words("zh-CN"), l.Total.CostWords("zh-CN"), "0.033 CNY")
	if _, err := ts.d.Exec(t.Context(), `UPDATE llm_call SET model = 'Qwen/72B' WHERE prompt = 'score-prompt'`); err != nil {
		t.Fatal(err)
	}
	ts.s.ledgers = memo[ledgerKey, triplet.Ledger]{} // rows were changed behind its back
	lead.get("/models", 200, "没有价格：Qwen/72B", "[[llm.price]]", "model = &#34;Qwen/72B&#34;", "1 次没有价格的调用不在其中")
	ts.s.opt.LLM, ts.s.ledgers = nil, memo[ledgerKey, triplet.Ledger]{}
	lead.get("/models", 200, "现在没有配置模型", "没有价格：Qwen/72B、judge-7b", "已采纳 1 个三元组；这些调用没有价格")
}
