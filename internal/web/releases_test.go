package web

import (
	"archive/zip"
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"coigwriter/internal/release"
)

// acceptedBy brings a triplet all the way to accepted.
func (ts *tripletSite) acceptedBy(author, scorer, r1, r2 *visitor, title string) string {
	ts.t.Helper()
	id := ts.inReview(author, scorer, title)
	r1.post(r1.open(), aVerdict("accept", ""), 303)
	r2.post(r2.open(), aVerdict("accept", ""), 303)
	return id
}

func TestReleaseCutShowVerifyDownload(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a, lead, eval := ts.person("anna", "annotator"), ts.person("lena", "lead"), ts.person("eve", "evaluator")
	r1, r2 := ts.person("rita", "reviewer"), ts.person("ruth", "reviewer")
	lead.get("/releases", 200, "还没有发布过", "没有可以发布的")
	lead.post("/releases", url.Values{"version": {"1.0.0"}}, 422)
	id := ts.acceptedBy(a, lead, r1, r2, "等你爸")
	lead.get("/releases", 200, "包含 1 条")
	lead.post("/releases", url.Values{"version": {"first"}, "notes": {"第一版说明"}}, 422, "第一版说明", `id="version-wrong"`)
	eval.post("/releases", url.Values{"version": {"1.0.0"}}, 403)
	if to := lead.post("/releases", url.Values{"version": {"1.0.0"}, "notes": {"第一版说明"}}, 303); to != "/releases/1.0.0" {
		t.Errorf("to %s", to)
	}
	lead.post("/releases", url.Values{"version": {"1.0.0"}}, 422, `id="version-wrong"`)
	page := eval.get("/releases/1.0.0", 200, "第一版说明", "这是第一版", "≥ 50", "parquet")
	if strings.Contains(page, "anna") || strings.Contains(page, "rita") {
		t.Error("the page of a release names people")
	}
	eval.get("/releases/1.0.0/verify", 200, "与发布时一致")
	eval.get("/releases/9.9.9", 404)
	a.get("/releases", 403)

	for _, f := range release.Formats {
		req, _ := http.NewRequest("GET", ts.url+"/releases/1.0.0/download/"+f.Name, nil)
		res, body := eval.do(req)
		z, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
		if res.StatusCode != 200 || err != nil {
			t.Fatalf("%s: %d, %v", f.Name, res.StatusCode, err)
		}
		names := map[string]bool{}
		for _, file := range z.File {
			names[strings.TrimPrefix(file.Name, "coigwriter-1.0.0-"+f.Name+"/")] = true
		}
		for _, want := range []string{f.File, "manifest.json", "README.md", "SHA256SUMS"} {
			if !names[want] {
				t.Errorf("%s: %s is not in the zip", f.Name, want)
			}
		}
	}
	eval.get("/releases/1.0.0/download/pdf", 422)
	if _, err := ts.d.Exec(t.Context(), `UPDATE release_item SET record = REPLACE(record, ?, ?) WHERE triplet_id = ?`, "等你爸", "等你妈", id); err != nil {
		t.Fatal(err)
	}
	eval.get("/releases/1.0.0/verify", 200, "与发布时不一致")
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	lead.get("/statistics", 200, "还没有可以统计的三元组")
	a, r1, r2 := ts.person("anna", "annotator"), ts.person("rita", "reviewer"), ts.person("ruth", "reviewer")
	ts.acceptedBy(a, lead, r1, r2, "等你爸")
	lead.post("/releases", url.Values{"version": {"1.0.0"}}, 303)
	lead.get("/statistics", 200, "各类别概览", "100.0%", "不足下限")
	lead.get("/statistics?release=1.0.0", 200, "版本 1.0.0", "100.0%")
	lead.get("/statistics?release=7.0.0", 404)
	if csv := lead.get("/statistics.csv", 200); !strings.Contains(csv, "article_mean") || strings.Count(csv, "\n") != 4 {
		t.Errorf("the table is\n%s", csv)
	}
	a.get("/statistics", 403)
}

// Any triplet file can be counted, also the released shape; broken lines are named.
func TestStatisticsOfAFile(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	upload := func(name, content string) (int, string) {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		f, _ := m.CreateFormFile("file", name)
		_, _ = f.Write([]byte(content))
		m.Close()
		req, _ := http.NewRequest("POST", ts.url+"/statistics", &b)
		req.Header.Set("Content-Type", m.FormDataContentType())
		res, body := lead.do(req)
		return res.StatusCode, body
	}
	status, page := upload("<b>x.jsonl", `{"id":"1","query":"写雨","thought":"先想雨","answer":"雨停了。"}`+"\n{broken\n")
	for _, want := range []string{"&lt;b&gt;x.jsonl", "1 条", "1 条记录没有计入", "未标体裁"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page (%d)", want, status)
		}
	}
	if strings.Contains(page, "<b>x") {
		t.Error("a file name got through unescaped")
	}
	lead.get("/statistics", 200, "还没有可以统计的三元组")
}

func TestToday(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	lead.get("/", 200, "这个项目还是空的", "/sources/import")
	a, rev := ts.person("anna", "annotator"), ts.person("rita", "reviewer")
	a.get("/", 200, "今天没有等你的事", "领取下一篇")
	ts.person("ruth", "reviewer")
	ts.inReview(a, lead, "等你爸")
	a.get("/", 200, "你的稿子")
	rev.get("/", 200, "待审阅", `href="/review"`)
	page := lead.get("/", 200, "项目走到哪里", "审阅中", "评分过关", "anna")
	if strings.Contains(page, "today.") || strings.Contains(page, "triplets.") {
		t.Error("the page shows a key")
	}
	ts.submittedBy(a, "第二篇")
	lead.get("/", 200, "待评分")
	eng := ts.person("emil", "engineer")
	eng.get("/", 200, "项目走到哪里")
	ts.person("eve", "evaluator").get("/", 200)
}
