package web

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
)

// An uploaded file of the tests.
type upload struct {
	name string
	body []byte
}

// upload sends files as the form does and wants a status; it returns where the reply leads to.
func (v *visitor) upload(status int, files []upload, words ...string) string {
	v.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, f := range files {
		w, err := form.CreateFormFile("files", f.name)
		if err != nil {
			v.t.Fatal(err)
		}
		_, _ = w.Write(f.body)
	}
	_ = form.WriteField("platform", "某站")
	_ = form.Close()
	req, _ := http.NewRequest("POST", v.url+"/sources/import", &b)
	req.Header.Set("Content-Type", form.FormDataContentType())
	res, body := v.do(req)
	v.want("upload", res, body, status, words...)
	return res.Header.Get("Location")
}

// longPassage makes a text long enough for an essay.
const longPassage = `父亲年轻时在铁路上做过信号工，落下听见汽笛就要看表的毛病。后来线路改道，小站裁撤，他仍旧每天傍晚走到月台尽头，把手背在身后，等那一趟早已不停的慢车。

我问过他等什么。他说不等什么，只是到了时辰，脚自己就走去了。那时我不懂，以为人总该为着一个缘由才肯站在风里。

多年以后我也有了这样的时辰。城里的地铁不鸣笛，只在进站前有一阵风先到，衣角轻轻一动。我总在那一刻抬头，仿佛黑洞洞的隧道里会驶出一列绿色的旧车厢，窗边坐着还没有白头的他。

去年冬天回去，月台上的砖缝长满了枯草，候车室改成了卖饲料的铺子。店主认得我，从柜台底下摸出一面卷起的红旗，说是你父亲寄放的，他讲过，儿子回来就给他。

旗杆被手磨得发亮，布面褪成了淡粉。我把它展开又卷上，卷得很慢，像小时候看他收工时那样，先把角对齐，再一寸一寸往里收。

`

// sourceRecord is one line of JSONL; the text differs by n and is long enough for every rule.
func sourceRecord(n int, fields map[string]any) []byte {
	m := map[string]any{
		"title": fmt.Sprintf("站台之%d", n), "author": "林未", "genre": "essay", "published_at": "2024-05-01", "licence": "CC BY 4.0",
		"url":  fmt.Sprintf("https://zhantai.net/p/%d", n),
		"text": fmt.Sprintf("第%d篇。", n) + shortArticle + "\n\n" + longPassage + fmt.Sprintf("写到第%d个黄昏，他合上本子，站台上只剩下风。", n),
	}
	for k, x := range fields {
		m[k] = x
	}
	b, _ := json.Marshal(m)
	return append(b, '\n')
}

func zipped1(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, body := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(body))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (ts *tripletSite) sourceBy(title string) source.Row {
	ts.t.Helper()
	p, err := source.List(context.Background(), ts.d, source.Filter{Query: title})
	if err != nil || len(p.Rows) == 0 {
		ts.t.Fatalf("source %q: %v, %v", title, p.Rows, err)
	}
	return p.Rows[0]
}

// What can be read goes in, what cannot comes back to be mended, and the report says so.
func TestSourcesImport(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	eng, ann := ts.person("enno", "engineer"), ts.person("anna", "annotator")
	eng.get("/sources", 200, "还没有原文", "/sources/import")
	ann.get("/sources/import", 403)
	lines := append(sourceRecord(1, nil), []byte("{\"title\": \"没有正文\"}\n这不是 JSON\n")...)
	lines = append(lines, sourceRecord(2, map[string]any{"genre": "没有这种体裁"})...)
	lines = append(lines, sourceRecord(1, map[string]any{"licence": "All rights reserved"})...)
	to := eng.upload(303, []upload{
		{`C:\texts\..\我的 文章.jsonl`, lines},
		{"refused.jsonl", sourceRecord(4, nil)},
		{"refused.jsonl", sourceRecord(5, nil)},
		{"a.zip", zipped1(t, map[string]string{"../../evil.jsonl": string(sourceRecord(7, nil)), "in/ok.jsonl": string(sourceRecord(3, nil)), "readme.txt": "x"})},
	})
	if !strings.HasPrefix(to, "/imports/") {
		t.Fatalf("led to %q", to)
	}
	page := eng.get(to, 200, "我的 文章.jsonl:2", "没有这种体裁", "下载待修的记录", "All rights reserved", "许可不一致", "enno")
	if strings.Contains(page, "coigwriter-upload-") {
		t.Error("the report shows a path of this machine")
	}
	refused := eng.get(to+"/refused", 200, "没有正文", `"_line":2`, "_raw", "没有这种体裁")
	if strings.Contains(refused, "coigwriter-upload-") || strings.Count(refused, "\n") != 3 {
		t.Errorf("refused: %s", refused)
	}
	ann.get(to, 403)
	eng.get("/imports/nonsense", 404)
	s := ts.sourceBy("站台之3")
	if s.Platform != "某站" || s.Licence != "CC BY 4.0" {
		t.Errorf("%+v", s)
	}
	if got := ts.sourceBy("站台之5").Title; got != "站台之5" {
		t.Errorf("a second file of one name: %q", got)
	}
	full, err := source.Get(context.Background(), ts.d, s.ID)
	if err != nil || full.File != "a/in/ok.jsonl" {
		t.Errorf("file %q, %v", full.File, err)
	}
	if p, _ := source.List(context.Background(), ts.d, source.Filter{Query: "站台之7"}); len(p.Rows) != 0 {
		t.Error("a file outside the archive's folder was read")
	}
	eng.get("/sources/import", 200, "我的 文章.jsonl")
	eng.get("/sources/"+ts.sourceBy("站台之1").ID, 200, "All rights reserved", "许可不一致")

	eng.upload(422, nil, "请选至少一个文件")
	eng.upload(422, []upload{{"x.exe", []byte("x")}}, "x.exe")
	eng.upload(422, []upload{{"x.zip", []byte("no zip")}}, "x.zip")
	eng.upload(422, []upload{{"x.zip", zipped1(t, map[string]string{"x.txt": "x"})}}, "x.zip")
	eng.upload(303, []upload{{"empty.jsonl", nil}})
	eng.upload(413, []upload{{"big.jsonl", bytes.Repeat([]byte("x"), maxUpload+1)}})
}

func TestPlainName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a.jsonl": "a.jsonl", `C:\x\春.md`: "春.md", "../../etc/passwd": "passwd", "": "", ".hidden.md": "hidden.md",
		"a\x00b\u202egnp.md": "abgnp.md", "..": "", "/": "", strings.Repeat("长", 200) + ".md": strings.Repeat("长", 40) + ".md", "a." + strings.Repeat("x", 40): "",
	} {
		if got := plainName(in); got != want {
			t.Errorf("plainName(%q) = %q, want %q", in, got, want)
		}
	}
}

// The list filters by all that the address says, decides on many, and says what was left.
func TestSourcesListAndBulk(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead, ann, rev := ts.person("lena", "lead"), ts.person("anna", "annotator"), ts.person("rita", "reviewer")
	lines := sourceRecord(1, nil)
	lines = append(lines, sourceRecord(2, map[string]any{"published_at": "2021-03-01"})...)
	lines = append(lines, sourceRecord(3, map[string]any{"published_at": nil, "genre": ""})...)
	lines = append(lines, sourceRecord(4, map[string]any{"title": `<script>alert(1)</script>` + "\u202e反"})...)
	to := lead.upload(303, []upload{{"a.jsonl", lines}})
	rev.get("/sources", 403)
	page := lead.get("/sources", 200, "没有配置模型", "COIGWRITER_LLM_KEY", "/screening", "站台之1", "发表在截止日之前", "&lt;script&gt;", "未定体裁")
	if strings.Contains(page, "<script>alert") {
		t.Error("a title is not escaped")
	}
	for _, c := range []struct {
		query string
		want  []int
	}{
		{"state=held", []int{3}},
		{"state=refused", []int{2}},
		{"genre=none", []int{3}},
		{"genre=essay&state=waiting", []int{1}},
		{"genre=category:" + genreOf(t, "essay").Category + "&state=refused", []int{2}},
		{"genre=category:none", nil},
		{"lang=en", nil},
		{"why=reason:date.before", []int{2}},
		{"why=reason:date.", []int{2, 3}},
		{"why=rule:licence", nil},
		{"q=" + url.QueryEscape("站台之1"), []int{1}},
		{"q=" + url.QueryEscape("第3篇") + "&text=1", []int{3}},
		{"import=" + strings.TrimPrefix(to, "/imports/") + "&state=waiting", []int{1}},
		{"q=" + url.QueryEscape("https://zhantai.net/p/2"), []int{2}},
		{"q=" + url.QueryEscape("https://zhantai.net/p/"), nil},
		{"import=nonsense", nil},
		{"state=nonsense&why=nonsense&genre=nonsense", nil},
	} {
		page := lead.get("/sources?"+c.query, 200)
		var got []int
		for n := 1; n <= 3; n++ {
			if strings.Contains(page, fmt.Sprintf("<bdi>站台之%d</bdi></a>", n)) {
				got = append(got, n)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s shows %v, want %v", c.query, got, c.want)
		}
	}
	lead.get("/sources?after=nonsense", 422)
	if strings.Contains(ann.get("/sources", 200, "站台之1"), `class="bulk"`) {
		t.Error("an annotator may decide")
	}
	one, two, three := ts.sourceBy("站台之1").ID, ts.sourceBy("站台之2").ID, ts.sourceBy("站台之3").ID
	ann.post("/sources/decide", url.Values{"id": {one}, "decision": {"refuse"}, "reason": {"x"}}, 403)
	lead.post("/sources/decide", url.Values{"decision": {"pass"}, "back": {"/sources?state=held"}}, 422, "先选至少一篇")
	lead.post("/sources/decide", url.Values{"id": {one}, "decision": {"refuse"}, "back": {"https://evil.example/"}}, 422, `id="reason-wrong"`, "checked")
	back := lead.post("/sources/decide", url.Values{"id": {one, two, three}, "decision": {"pass"}, "back": {"/sources?state=held"}}, 303)
	if back != "/sources?state=held" {
		t.Errorf("back to %q", back)
	}
	lead.get(back, 200, "通过了 1 篇", "2 篇的状态不适合")
	if got := ts.sourceBy("站台之3"); got.State != source.Waiting || got.DateVerdict != source.DatePassed {
		t.Errorf("%+v", got)
	}
	lead.post("/sources/decide", url.Values{"id": {one, three}, "decision": {"refuse"}, "reason": {"不收这一组"}}, 303)
	lead.post("/sources/decide", url.Values{"id": {one}, "decision": {"reopen"}, "reason": {"看错了"}}, 303)
	if got := ts.sourceBy("站台之1").State; got != source.Waiting {
		t.Errorf("reopened, and is %s", got)
	}
	lead.post("/sources/decide", url.Values{"id": {one}, "decision": {"burn"}, "reason": {"x"}}, 422)
}

func genreOf(t *testing.T, id string) genre.Genre {
	t.Helper()
	g, ok := genre.Default().Get(id)
	if !ok {
		t.Fatalf("no genre %s", id)
	}
	return g
}

// The page of one source shows what is known and lets those who may act.
func TestSourcePage(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead, ann := ts.person("lena", "lead"), ts.person("anna", "annotator")
	lead.upload(303, []upload{{"a.jsonl", append(sourceRecord(1, map[string]any{"published_at": nil}), sourceRecord(2, map[string]any{"url": "", "text": "联系电话 13908271635，欢迎来信。\n\n本文转载自《渡口》杂志。\n\n" + longPassage})...)}})
	id := ts.sourceBy("站台之1").ID
	page := lead.get("/sources/"+id, 200, "由你决定", "没有找到发表日期", "2022-11-01", "CC BY 4.0", "还没有评判", "下架", "lena", "导入", "a.jsonl")
	if m := regexp.MustCompile(`>(sources|triplets|annotate|score)\.[a-z_.]+<`).FindString(page); m != "" {
		t.Errorf("the page shows a key %s", m)
	}
	if p := ann.get("/sources/"+id, 200, "站台之1"); strings.Contains(p, "/decide") || strings.Contains(p, "/remove") || strings.Contains(p, "lena") {
		t.Error("an annotator sees what is not theirs")
	}
	lead.get("/sources/nonsense", 404)
	lead.post("/sources/"+id+"/decide", url.Values{"decision": {"refuse"}}, 422, `id="reason-wrong"`)
	lead.post("/sources/"+id+"/decide", url.Values{"decision": {"pass"}}, 303)
	lead.get("/sources/"+id, 200, "由人确认通过", "等待筛选")
	lead.post("/sources/"+id+"/decide", url.Values{"decision": {"pass"}}, 409)
	lead.post("/sources/"+id+"/genre", url.Values{"genre": {"nonsense"}}, 422, `id="genre-wrong"`)
	lead.post("/sources/"+id+"/genre", url.Values{"genre": {"category:x"}}, 422)
	lead.post("/sources/"+id+"/genre", url.Values{"genre": {""}}, 303)
	lead.get("/sources/"+id, 200, "体裁已设定")

	two := ts.sourceBy("站台之2").ID
	lead.get("/sources/"+two, 200, `<mark id="seen-`, "在文中看", "个人信息")

	ann.post("/sources/"+id+"/remove", url.Values{"remove_reason": {"x"}, "sure": {"1"}}, 403)
	lead.post("/sources/"+id+"/remove", url.Values{"remove_reason": {"作者来信"}}, 422, "请勾选确认", "作者来信")
	lead.post("/sources/"+id+"/remove", url.Values{"sure": {"1"}}, 422, `id="remove_reason-wrong"`)
	lead.post("/sources/"+id+"/remove", url.Values{"remove_reason": {"作者来信"}, "sure": {"1"}}, 303)
	if p := ann.get("/sources/"+id, 200, "正文不再显示", "作者来信"); strings.Contains(p, "写到第1个黄昏") {
		t.Error("a removed text is shown")
	}
	if strings.Contains(lead.get("/sources", 200), "<bdi>站台之1</bdi></a>") {
		t.Error("a removed source is listed")
	}
	lead.get("/sources?state=removed", 200, "站台之1")
}

// Without a model, people take a source through the three stages.
func TestScreeningByHand(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead, rev, ann := ts.person("lena", "lead"), ts.person("rita", "reviewer"), ts.person("anna", "annotator")
	rev.get("/screening", 200, "没有等筛选的原文")
	lead.upload(303, []upload{{"a.jsonl", append(sourceRecord(1, map[string]any{"genre": ""}), sourceRecord(2, nil)...)}})
	ann.get("/screening", 403)
	rev.get("/screening", 200, "站台之1", "站台之2")
	rev.get("/sources/"+ts.sourceBy("站台之1").ID, 403)
	id := ts.sourceBy("站台之1")
	if id.State != source.Waiting {
		t.Fatalf("%+v", id)
	}
	path := "/screening/" + id.ID
	rev.get(path, 200, "初评", "data-marks-keys", "任何一项低于 5")
	half := sheetOfStage(screen.Assessment, 8)
	half.Del("logic")
	half.Set("note", "我的理由")
	rev.post(path, half, 422, "请给 1 到 10 的整数", "我的理由", `value="8" checked`)
	if to := rev.post(path, sheetOfStage(screen.Assessment, 8), 303); to != path+"?stage=screening" {
		t.Errorf("to %s", to)
	}
	rev.post(path, sheetOfStage(screen.Screening, 8), 303)
	rev.get(path, 200, "可用性", "能用", "初评")
	rev.post(path, url.Values{"stage": {"usability"}}, 422, "wrong")
	rev.post(path, url.Values{"stage": {"nonsense"}}, 422)
	rev.post(path, url.Values{"stage": {"usability"}, "usable": {"yes"}, "genre": {"nonsense"}}, 422)
	rev.post(path, url.Values{"stage": {"usability"}, "usable": {"yes"}, "genre": {"essay"}}, 303)
	if got := ts.sourceBy("站台之1"); got.State != source.Pool || got.Genre != "essay" {
		t.Errorf("%+v", got)
	}
	lead.get("/sources/"+id.ID, 200, "人工：rita", "8 / 10", "能用", "筛选通过，入池")

	two := ts.sourceBy("站台之2").ID
	rev.post("/screening/"+two, sheetOfStage(screen.Assessment, 3), 303)
	if got := ts.sourceBy("站台之2"); got.State != source.Refused || got.Reason != "screen.below.assessment" {
		t.Errorf("%+v", got)
	}
	rev.get("/screening/"+two, 409)
	rev.post("/screening/"+two, sheetOfStage(screen.Assessment, 9), 409)
	lead.get("/sources/failures", 200, "没有失败")
	rev.get("/sources/failures", 403)
}

// A model that answers prose lets nothing through: its failures are listed, shown raw, and
// asked about again.
func TestSourceFailures(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead, rev := ts.person("lena", "lead"), ts.person("rita", "reviewer")
	lead.upload(303, []upload{{"a.jsonl", append(sourceRecord(1, nil), sourceRecord(2, nil)...)}})
	prose := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"写得<b>很好</b>，给满分。"}}],"usage":{"prompt_tokens":9,"completion_tokens":5}}`))
	}))
	client, err := llm.NewClient(llm.Endpoint{BaseURL: prose + "/v1", Model: "prose-7b"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	sum, err := screen.Screener{Client: client, Taxonomy: genre.Default(), Thresholds: screen.DefaultThresholds()}.Run(context.Background(), ts.d, screen.Options{})
	if err != nil || sum.Held != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	lead.get("/sources", 200, "2 篇因模型失败停在这里", "/sources/failures")
	if p := lead.get("/sources?why=reason:screen.failed.", 200, "站台之1", "站台之2", "模型的回复不可用"); strings.Contains(p, "没有符合条件") {
		t.Error("the filter of failures is empty")
	}
	page := lead.get("/sources/failures", 200, "站台之1", "回复不合格式", "全部再问（2）", "现在没有配置模型")
	call := regexp.MustCompile(`/sources/[^/"]+/calls/[^/"]+`).FindString(page)
	lead.get(call, 200, "prose-7b", "给满分", "&lt;b&gt;")
	lead.get("/sources/"+ts.sourceBy("站台之1").ID+"/calls/nonsense", 404)
	rev.get(call, 403)
	rev.get("/screening?view=failed", 200, "站台之1")
	one, two := ts.sourceBy("站台之1").ID, ts.sourceBy("站台之2").ID
	if p := lead.get("/sources/"+one, 200, "再问一次", "没有评判就不放行"); strings.Contains(p, "由你决定") {
		t.Error("one may keep what nobody has judged")
	}
	lead.get("/sources/"+one+call[strings.Index(call, "/calls/"):], map[bool]int{true: 200, false: 404}[strings.Contains(call, one)])
	lead.post("/sources/"+one+"/decide", url.Values{"decision": {"pass"}}, 303)
	if got := ts.sourceBy("站台之1"); got.State != source.Waiting {
		t.Errorf("%+v", got)
	}
	lead.post("/sources/failures/retry", url.Values{"id": {one}}, 409)
	lead.post("/sources/failures/retry", url.Values{}, 303)
	if got, _ := source.Get(context.Background(), ts.d, two); got.State != source.Waiting {
		t.Errorf("%+v", got)
	}
	rev.post("/sources/failures/retry", url.Values{}, 403)
}

func sheetOfStage(stage string, mark int) url.Values {
	f := url.Values{"stage": {stage}}
	for _, dim := range screen.Dimensions[stage] {
		f.Set(dim, fmt.Sprint(mark))
	}
	return f
}

// Every key that the domain hands to these pages has words.
func TestSourceWords(t *testing.T) {
	t.Parallel()
	var keys []string
	for _, r := range screen.ReasonKeys() {
		keys = append(keys, "reason_"+r)
	}
	for _, r := range screen.Rules {
		keys = append(keys, "rule_"+r.Name)
	}
	for _, s := range sourceStates {
		keys = append(keys, "state_"+s)
	}
	for _, tr := range source.Transitions {
		keys = append(keys, "action_"+tr.Action)
	}
	for _, st := range screen.Stages {
		keys = append(keys, "stage_"+st, "stage_"+st+"_what")
		for _, d := range screen.Dimensions[st] {
			keys = append(keys, "dim_"+d, "dim_"+d+"_what")
		}
	}
	for _, key := range keys {
		for _, lang := range Langs {
			if !has(lang, "sources."+key) {
				t.Errorf("%s: no words for sources.%s", lang, key)
			}
		}
	}
}
