package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"coigwriter/internal/bench"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
)

const threeQueries = `{"id":"q1","genre":"散文","language":"zh","prompt":"写一篇关于老屋门槛的散文，不要写成怀旧的套话。"}
{"id":"q2","genre":"诗歌","language":"zh","prompt":"写一首不出现月亮的中秋诗，十二行以内。","difficulty":"hard"}
{"id":"q3","genre":"essay","language":"en","prompt":"Write about the last bus of the night."}
`

// send uploads one file with other fields, and wants a status.
func (v *visitor) send(path, name, body string, fields map[string]string, status int, words ...string) string {
	v.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for k, x := range fields {
		_ = form.WriteField(k, x)
	}
	w, err := form.CreateFormFile("files", name)
	if err != nil {
		v.t.Fatal(err)
	}
	_, _ = w.Write([]byte(body))
	_ = form.Close()
	req, _ := http.NewRequest("POST", v.url+path, &b)
	req.Header.Set("Content-Type", form.FormDataContentType())
	res, page := v.do(req)
	v.want("POST "+path, res, page, status, words...)
	return res.Header.Get("Location")
}

// frozenSet is a set of three queries with an answer of one model to each.
func (ts *tripletSite) frozenSet() (bench.Set, []bench.Query) {
	ts.t.Helper()
	ctx := ts.t.Context()
	rs := []record.Query{
		{ID: "q1", Genre: "essay", Language: "zh", Prompt: "写一篇关于老屋门槛的散文。"},
		{ID: "q2", Genre: "poetry", Language: "zh", Prompt: "写一首不出现月亮的中秋诗。", Difficulty: "hard"},
		{ID: "q3", Genre: "essay", Language: "en", Prompt: "Write about the last bus of the night."},
	}
	set, _, err := bench.ImportQueries(ctx, ts.d, genre.Default(), "system", "练习", "", rs, true)
	if err != nil {
		ts.t.Fatal(err)
	}
	var gs []record.Generation
	for _, r := range rs {
		gs = append(gs, record.Generation{QueryID: r.ID, Model: "secret-model", Output: "门槛磨低了一块，SECRET " + r.ID, Reasoning: "先想一想", Finish: "length", Settings: []byte(`{"temperature":0.7}`)})
	}
	if _, err := bench.ImportAnswers(ctx, ts.d, "system", set.ID, gs); err != nil {
		ts.t.Fatal(err)
	}
	qs, err := bench.Queries(ctx, ts.d, set.ID)
	if err != nil {
		ts.t.Fatal(err)
	}
	return set, qs
}

// A set from an upload to its next version, as its lead does it on the pages.
func TestBenchmarkFromUploadToFreeze(t *testing.T) {
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	lead.get("/benchmark", 200, "还没有题集")
	lead.send("/benchmark/import", "bad.jsonl", "{\"id\":\"x\"}\n", map[string]string{"name": "春"}, 422, "里面没有题目", "x: ")
	lead.send("/benchmark/import", "q.jsonl", threeQueries, map[string]string{"name": ""}, 422, "起个名字")
	lead.send("/benchmark/import", "q.exe", "x", map[string]string{"name": "春"}, 422)
	lead.send("/benchmark/import", "q.jsonl", threeQueries+"{\"id\":\"q4\",\"genre\":\"打油诗体\",\"prompt\":\"写\"}\n{broken\n", map[string]string{"name": "夏"}, 200, "收下 3 道题", "2 条没有收下", "q4: genre", "broken JSON")
	at := lead.send("/benchmark/import", "q.jsonl", threeQueries, map[string]string{"name": "春"}, 303)
	set := strings.TrimPrefix(at, "/benchmark/")
	lead.get(at, 200, "春 v1", "草稿", "收下 3 道题", "老屋门槛", "难")
	if page := lead.get(at+"?genre=poetry&lang=zh&q=中秋", 200, "q2"); strings.Contains(page, "老屋门槛") {
		t.Error("the filter lets others through")
	}
	lead.get(at+"?q=nothing", 200, "没有符合条件的题目")
	lead.get(at+"?tab=coverage", 200, "体裁覆盖", "不足 2")
	lead.get(at+"?tab=answers", 200, "还没有模型作答", "草稿冻结之后")

	// a query: wrong fields stand at their places with what was typed, right ones are kept
	form := url.Values{"id": {"q9"}, "genre": {""}, "language": {""}, "prompt": {""}, "length_min": {"9"}, "length_max": {"x"}}
	lead.post(at+"/new", form, 422, "下限", `value="q9"`)
	form.Set("length_max", "90")
	lead.post(at+"/new", form, 422, "题面是空的", "不在分类表里")
	form.Set("genre", "essay")
	form.Set("prompt", "写一写风后的田埂。\r\n不要抒情。")
	query := lead.post(at+"/new", form, 303)
	lead.get(query, 200, "q9 已加入", "不要抒情")
	form.Set("id", "q1")
	lead.post(query, form, 422, "已经有了")
	form.Set("id", "q9")
	form.Set("difficulty", "easy")
	lead.post(query, form, 303)
	lead.post(query+"/withdraw", url.Values{"reason": {" "}}, 422, "理由")
	lead.post(query+"/withdraw", url.Values{"reason": {"和 q1 太像"}}, 303)
	lead.get(query, 200, "这道题已撤回：和 q1 太像", "恢复这道题")
	lead.get(at+"?state=withdrawn", 200, "q9")

	lead.post(at+"/move", url.Values{"to": {"draft"}}, 422)
	lead.post(at+"/move", url.Values{"to": {"frozen"}}, 303)
	lead.get(at, 200, "已冻结", "3 道题", "1 道已撤回")
	lead.post(query+"/reinstate", nil, 303)
	lead.get(query, 200, "不属于这一版")
	lead.get(at+"/new", 409)
	lead.post(query, form, 409)
	next := lead.post(at+"/copy", nil, 303)
	lead.get(next, 200, "春 v2", "草稿")
	lead.post(at+"/move", url.Values{"to": {"retired"}}, 303)
	lead.get(at, 200, "已停用", "恢复使用")
	empty := lead.post("/benchmark", url.Values{"name": {"空"}}, 303)
	lead.post(empty+"/move", url.Values{"to": {"frozen"}}, 303)
	lead.get(empty, 200, "没有可以冻结的", "还没有题目")
	lead.post("/benchmark", url.Values{"name": {"a v2"}}, 422, "起个名字")
	if body := lead.get("/benchmark/"+set+"/export", 200, `"id":"q1"`); strings.Count(body, "\n") != 3 || strings.Contains(body, "q9") {
		t.Errorf("%s", body)
	}
}

// Answers come from files and from a model that workers ask; the pages say how far it is.
func TestBenchmarkAnswers(t *testing.T) {
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	set, qs := ts.frozenSet()
	at := "/benchmark/" + set.ID
	lead.send("/benchmark/answers?set="+set.ID, "cw.jsonl", "{\"query_id\":\"q1\",\"output\":\"灯\"}\n{\"query_id\":\"q7\",\"output\":\"灯\"}\n", nil, 303)
	lead.get(at+"?tab=answers", 200, "收下 1 篇回答", "no query of this set", "cw", "secret-model", "3 / 3", "1 / 3", "还没有接好模型")
	lead.send("/benchmark/answers?set="+set.ID, "y.jsonl", "{\"query_id\":\"q2\",\"output\":\"灯\"}\n", map[string]string{"of_model": "named"}, 303)
	lead.get(at+"?tab=answers", 200, "named")
	lead.send("/benchmark/answers?set="+set.ID, "x.jsonl", "{}\n", nil, 422, "里面没有回答")
	lead.get("/queries/"+qs[0].ID, 200, "到上限截断", "思考过程", "length", "采样设置")
	lead.get("/queries/"+qs[2].ID, 200, "换成了中文")

	ts.asked(llm.ScriptRule{Contains: "bus", Mode: llm.ScriptRefused}, llm.ScriptRule{Reply: "雨停了，门槛还湿着。"})
	form := url.Values{"model": {"scripted-judge"}, "temperature": {"hot"}, "top_p": {"1"}, "max_tokens": {"300"}, "seed": {"7"}, "samples": {"0"}}
	lead.post(at+"/generate", form, 422, "要写一个数", `value="hot"`)
	form.Set("temperature", "3")
	lead.post(at+"/generate", form, 422, "0 到 2 之间", "1 到 1000")
	form.Set("temperature", "0.5")
	form.Set("samples", "1")
	lead.post(at+"/generate", form, 303)
	lead.get(at+"?tab=answers", 200, "等待开始", "0 / 3", "温度 0.5", "data-watch")
	lead.post(at+"/generate", form, 409)
	orders, err := bench.Orders(t.Context(), ts.d, set.ID)
	if err != nil || len(orders) != 1 {
		t.Fatal(orders, err)
	}
	move := "/orders/" + orders[0].ID + "/move"
	lead.post(move, url.Values{"to": {"done"}}, 422)
	lead.post(move, url.Values{"to": {"stopped"}}, 303)
	lead.get(at+"?tab=answers", 200, "已停下", "接着做")
	lead.post(move, url.Values{"to": {"wanted"}}, 303)
	if err := bench.Sweep(t.Context(), ts.d, ts.s.opt.LLM, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	(&crawler{visitor: lead, lang: "zh-CN"}).look("the answers of a set", lead.get(at+"?tab=answers", 200))
	page := lead.get(at+"?tab=answers", 200, "完成", "3 / 3", "scripted-judge", "2 / 3", "模型拒绝回答 1", "脚本模型")
	if strings.Contains(page, "data-watch") {
		t.Error("the page goes on watching what is done")
	}
	page = lead.get("/queries/"+qs[0].ID, 200, "雨停了，门槛还湿着。", "在这里生成", "/models/calls/")
	call := page[strings.Index(page, "/models/calls/"):]
	lead.get(call[:strings.Index(call, `"`)], 200, "q1 · 练习 v1", "/queries/"+qs[0].ID)
	if body := lead.get(at+"/export?answers=1", 200, `"finish_reason":"stop"`, `"failure":"refused"`); strings.Count(body, "\n") != 8 {
		t.Errorf("%d answers\n%s", strings.Count(body, "\n"), body)
	}
}

// The panel sees queries and nothing else: no answer, no model, no intended difficulty, no other's marks.
func TestPanelIsBlind(t *testing.T) {
	ts := newTripletSite(t)
	set, qs := ts.frozenSet()
	other, eva := ts.person("olga", "reviewer"), ts.person("eva", "reviewer")
	other.post("/panel/"+set.ID, url.Values{"query": {qs[0].ID}, "clarity": {"1"}, "precise": {"1"}, "difficulty": {"1"}, "note": {"OTHER-NOTE"}}, 303)
	for _, path := range []string{"/benchmark", "/benchmark/" + set.ID, "/queries/" + qs[0].ID, "/benchmark/" + set.ID + "/export?answers=1"} {
		eva.get(path, 403)
	}
	eva.get("/panel", 200, "练习 v1", "0 / 3")
	at := "/panel/" + set.ID
	for i, q := range qs {
		page := eva.get(at, 200, q.Code, q.Prompt, fmt.Sprintf("%d / 3", i))
		for _, secret := range []string{"secret-model", "SECRET", "先想一想", "OTHER-NOTE", "难</dd>", set.Hash} {
			if strings.Contains(page, secret) {
				t.Errorf("%s shows %q", q.Code, secret)
			}
		}
		eva.post(at, url.Values{"query": {q.ID}, "clarity": {"5"}, "precise": {"7"}}, 422, "aria-label", q.Prompt)
		to := eva.post(at, url.Values{"query": {q.ID}, "clarity": {"5"}, "precise": {"4"}, "difficulty": {"3"}}, 303)
		if want := fmt.Sprintf("%s?after=%d", at, q.Position); to != want {
			t.Errorf("leads to %s, want %s", to, want)
		}
	}
	eva.get(at, 200, "这一套都评完了", "3 / 3")
	set2, qs2 := ts.frozenSet()
	eva.post("/panel/"+set2.ID, url.Values{"query": {qs[0].ID}, "clarity": {"5"}, "precise": {"4"}, "difficulty": {"3"}}, 404)
	if err := bench.Withdraw(t.Context(), ts.d, "system", qs2[0].ID, "有歧义"); err != nil {
		t.Fatal(err)
	}
	eva.post("/panel/"+set2.ID, url.Values{"query": {qs2[0].ID}, "clarity": {"5"}, "precise": {"4"}, "difficulty": {"3"}}, 409)
	lead := ts.person("lena", "lead")
	lead.get("/queries/"+qs[0].ID, 200, "OTHER-NOTE", "3.0")
	lead.post("/benchmark/"+set.ID+"/move", url.Values{"to": {"retired"}}, 303)
	eva.get(at, 409)
}

// In a browser: the panel by keyboard alone, and a query of a draft changed and saved by Ctrl+Enter.
func TestBenchmarkByKeyboard(t *testing.T) {
	ctx := browser(t)
	ts := newTripletSite(t)
	set, qs := ts.frozenSet()
	lead := ts.person("lena", "lead", "reviewer")
	c := ts.session(lead.id)
	do(t, ctx, chromedp.Navigate(ts.url+"/healthz"))
	eval[bool](t, ctx, fmt.Sprintf(`(document.cookie='lang=zh-CN;path=/', document.cookie='%s=%s;path=/', true)`, c.Name, c.Value))
	press := func(key string, more string) {
		eval[bool](t, ctx, fmt.Sprintf(`document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: %q, bubbles: true, cancelable: true %s})) || true`, key, more))
	}
	do(t, ctx, chromedp.Navigate(ts.url+"/panel/"+set.ID))
	for i, q := range qs {
		until(t, ctx, fmt.Sprintf(`document.querySelector('input[name=query]')?.value === %q && document.readyState === 'complete'`, q.ID))
		for _, key := range []string{"5", "4", fmt.Sprint(i + 1)} {
			press(key, "")
		}
		if got, want := eval[string](t, ctx, `[...document.querySelectorAll('.marks :checked')].map(m => m.value).join()`), fmt.Sprintf("5,4,%d", i+1); got != want {
			t.Fatalf("marks %s, want %s", got, want)
		}
		press("Enter", ", ctrlKey: true")
	}
	until(t, ctx, `document.querySelector('.empty h2')?.textContent === '这一套都评完了'`)
	ps, err := bench.Panels(t.Context(), ts.d, set.ID)
	if err != nil || len(ps) != 3 || ps[qs[2].ID].Difficulty != 3 {
		t.Fatalf("%v %v", ps, err)
	}

	draft, err := bench.CopySet(t.Context(), ts.d, lead.id, set.ID)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := bench.Queries(t.Context(), ts.d, draft.ID)
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(ts.url+"/queries/"+mine[0].ID))
	until(t, ctx, `document.readyState === 'complete' && document.getElementById('prompt')`)
	eval[bool](t, ctx, `(document.getElementById('prompt').focus(), document.getElementById('prompt').value = '写一篇关于楼梯转角的散文。', true)`)
	press("Enter", ", ctrlKey: true")
	until(t, ctx, `document.readyState === 'complete' && document.querySelector('.flash')?.textContent.includes('q1 已保存')`)
	if q, err := bench.GetQuery(t.Context(), ts.d, mine[0].ID); err != nil || q.Prompt != "写一篇关于楼梯转角的散文。" {
		t.Errorf("%+v %v", q, err)
	}
	press("n", "")
	until(t, ctx, fmt.Sprintf(`location.pathname === %q`, "/queries/"+mine[1].ID))
}
