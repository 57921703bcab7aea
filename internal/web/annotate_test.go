package web

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/project"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// A tripletSite is a served site with a database, for the tests of annotate and triplets.
type tripletSite struct {
	t   testing.TB
	d   *db.DB
	s   *Server
	url string
}

func newTripletSite(t testing.TB) *tripletSite {
	t.Helper()
	d := dbtest.Open(t)
	s, err := New(Options{DB: d, Zone: project.Zone})
	if err != nil {
		t.Fatal(err)
	}
	s.results.moment = time.Minute // a slow machine tests what is computed, not what was
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return &tripletSite{t, d, s, srv.URL}
}

// session returns the cookie of a person who is signed in.
func (ts *tripletSite) session(person string) *http.Cookie {
	ts.t.Helper()
	ctx, err := ts.s.sessions.Load(context.Background(), "")
	if err != nil {
		ts.t.Fatal(err)
	}
	p, err := user.Get(ctx, ts.d, person)
	if err != nil {
		ts.t.Fatal(err)
	}
	if err := ts.s.signIn(ctx, p); err != nil {
		ts.t.Fatal(err)
	}
	token, _, err := ts.s.sessions.Commit(ctx)
	if err != nil {
		ts.t.Fatal(err)
	}
	return &http.Cookie{Name: "session", Value: token, Path: "/"}
}

// A browsing person of the tests: a client with a session.
type visitor struct {
	*tripletSite
	id     string
	client *http.Client
}

func (ts *tripletSite) person(login string, roles ...string) *visitor {
	ts.t.Helper()
	return ts.visitor(dbtest.Person(ts.t, ts.d, login, roles...))
}

// stranger has no session.
func (ts *tripletSite) stranger() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{ts, "", &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// visitor signs a person in.
func (ts *tripletSite) visitor(id string) *visitor {
	ts.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		ts.t.Fatal(err)
	}
	u, _ := url.Parse(ts.url)
	jar.SetCookies(u, []*http.Cookie{ts.session(id)})
	return &visitor{ts, id, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (v *visitor) do(req *http.Request) (*http.Response, string) {
	v.t.Helper()
	res, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res, string(body)
}

// get wants a page with a status and the words in it.
func (v *visitor) get(path string, status int, words ...string) string {
	v.t.Helper()
	req, _ := http.NewRequest("GET", v.url+path, nil)
	res, body := v.do(req)
	v.want("GET "+path, res, body, status, words...)
	return body
}

// post sends a form and wants a status; it returns where the reply leads to.
func (v *visitor) post(path string, form url.Values, status int, words ...string) string {
	v.t.Helper()
	req, _ := http.NewRequest("POST", v.url+path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, body := v.do(req)
	v.want("POST "+path, res, body, status, words...)
	return res.Header.Get("Location")
}

func (v *visitor) want(what string, res *http.Response, body string, status int, words ...string) {
	v.t.Helper()
	if res.StatusCode != status {
		v.t.Fatalf("%s: status %d, want %d\n%s", what, res.StatusCode, status, firstLines(body))
	}
	for _, w := range words {
		if !strings.Contains(body, w) {
			v.t.Errorf("%s: no %q in the page", what, w)
		}
	}
}

func firstLines(s string) string {
	if i := strings.Index(s, "<main"); i > 0 {
		s = s[i:]
	}
	return s[:min(len(s), 15000)]
}

// autosave saves as the script does: with the revision it is based on.
func (v *visitor) autosave(id string, revision int, form url.Values) (status int, etag, body string) {
	v.t.Helper()
	req, _ := http.NewRequest("POST", v.url+"/annotate/"+id+"/save", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("If-Match", strconv.Quote(strconv.Itoa(revision)))
	req.Header.Set("Accept", "application/json")
	res, body := v.do(req)
	return res.StatusCode, res.Header.Get("ETag"), body
}

const shortArticle = "雨停的时候，母亲还在灶前。锅里的水已经滚了三回，她把面条放下去，又捞起来，说等你爸。\n门外的伞滴着水，一直滴到天黑。"

// pooled puts a text into the pool and returns its ID.
func (ts *tripletSite) pooled(genre, title, article string) string {
	ts.t.Helper()
	id := db.NewID()
	_, err := ts.d.Exec(context.Background(), `INSERT INTO source (id, content_hash, url, platform, title, author, text, chars, genre, language, likes, comments, shares, date_verdict, state, created_at, updated_at)
		VALUES (?, ?, 'https://example.org/a?b=1', '豆瓣', ?, '林一苇', ?, ?, ?, 'zh', 320, 41, 17, 'passed', 'pool', ?, ?)`,
		id, id, title, article, len([]rune(article)), genre, ts.d.Now(), ts.d.Now())
	if err != nil {
		ts.t.Fatal(err)
	}
	return id
}

// fullForm is a content that can be submitted.
func fullForm() url.Values {
	f := url.Values{
		"step": {"3"}, "pasted": {"0"},
		"prompt":    {"写一篇短散文：一个家庭在雨天等一个迟迟不归的人吃饭，不写他为什么不归。"},
		"reasoning": {"题目要写等待而不写缘由，所以只能写手上的动作。我想让母亲反复下面条，水滚三回就是时间；伞在门外滴水，是唯一的声音。"},
	}
	for _, n := range append(append([]noteField{}, attributeFields...), facetFields...) {
		f.Set(n.Name, "记一句 "+n.Name)
	}
	for _, k := range triplet.Checks {
		f.Set(checkField(k), "1")
	}
	return f
}

func (ts *tripletSite) triplet(id string) *triplet.Triplet {
	ts.t.Helper()
	tr, err := triplet.Get(context.Background(), ts.d, id)
	if err != nil {
		ts.t.Fatal(err)
	}
	return tr
}

// claim takes the next text and returns the triplet's ID.
func (v *visitor) claim(genre string) string {
	v.t.Helper()
	to := v.post("/annotate/claim", url.Values{"genre": {genre}}, 303)
	id, ok := strings.CutPrefix(to, "/annotate/")
	if !ok {
		v.t.Fatalf("claimed, and sent to %q", to)
	}
	return id
}

func TestAnnotateFromPoolToSubmission(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a := ts.person("anna", "annotator")
	a.get("/annotate", 200, "池里现在没有原文")
	src := ts.pooled("essay", "等你爸", shortArticle)
	a.get("/annotate", 200, "手头没有稿子", "领取下一篇", "散文")
	a.get("/annotate/pool", 200, "等你爸", "母亲还在灶前")
	a.get("/pool/"+src, 200, "等你爸", `rel="noopener noreferrer"`, "门外的伞")
	id := a.claim("")
	a.get("/pool/"+src, 409)
	a.get("/annotate", 200, "等你爸", "草稿")
	page := a.get("/annotate/"+id, 200, "等你爸", `id="p-2"`, strconv.Itoa(len([]rune(shortArticle)))+" 字", "提示", "思路", "校核", "尚未动笔")
	if strings.Contains(page, "coherence.") || strings.Contains(page, "annotate.") && strings.Contains(page, ">annotate.") {
		t.Error("the page shows a message key")
	}

	status, etag, body := a.autosave(id, 0, fullForm())
	if status != 204 || etag != `"1"` {
		t.Fatalf("save: %d %s %s", status, etag, body)
	}
	a.get("/annotate/"+id+"/findings", 200, `id="step-bar"`, `id="findings-3"`)
	a.get("/annotate/"+id+"/submit", 200, "提交前看一遍", `value="1"`, "每项至少 8，合计至少 50")
	if to := a.post("/annotate/"+id+"/submit", url.Values{"revision": {"1"}}, 303); to != "/annotate" {
		t.Errorf("submitted, then to %s", to)
	}
	a.get("/annotate?tab=submitted", 200, "等你爸", "待评分")
	a.get("/annotate/"+id, 200, "撤回提交", "现在不能改")
	a.post("/annotate/"+id+"/withdraw", nil, 303)
	if got := ts.triplet(id).State; got != triplet.Draft {
		t.Errorf("withdrawn, and is %s", got)
	}
	a.post("/annotate/"+id+"/abandon", url.Values{"reason": {""}}, 303)
	if got := ts.triplet(id).State; got != triplet.Draft {
		t.Errorf("given back without a reason: %s", got)
	}
	a.post("/annotate/"+id+"/abandon", url.Values{"reason": {"看不懂方言"}}, 303)
	a.get("/annotate?tab=ended", 200, "看不懂方言")
}

// A save based on an old revision writes nothing and shows the newer text.
func TestAnnotateStaleSave(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a := ts.person("anna", "annotator")
	ts.pooled("essay", "等你爸", shortArticle)
	id := a.claim("essay")
	first := fullForm()
	a.autosave(id, 0, first)
	second := fullForm()
	second.Set("prompt", "另一个窗口写的提示")
	status, etag, body := a.autosave(id, 0, second)
	if status != 409 || etag != `"1"` || !strings.Contains(body, first.Get("prompt")) {
		t.Fatalf("stale save: %d %s %s", status, etag, body)
	}
	if got := ts.triplet(id).Content.V.Prompt; got != first.Get("prompt") {
		t.Errorf("the stale save wrote %q", got)
	}
	if status, etag, _ = a.autosave(id, 1, second); status != 204 || etag != `"2"` {
		t.Errorf("save on the new revision: %d %s", status, etag)
	}
	// without scripts the hidden field names the revision
	second.Set("revision", "1")
	second.Set("prompt", "第三个窗口写的提示")
	a.post("/annotate/"+id+"/save", second, 409)
	second.Set("revision", "2")
	second.Set("prompt", "行一\r\n行二")
	a.post("/annotate/"+id+"/save", second, 303)
	if got := ts.triplet(id).Content.V.Prompt; got != "行一\n行二" {
		t.Errorf("line ends: %q", got)
	}
	// the earlier text comes back as the newest revision
	a.get("/annotate/"+id+"/history?n=1", 200, "第 1 版", "恢复这一版", first.Get("prompt"))
	a.post("/annotate/"+id+"/restore", url.Values{"n": {"1"}, "revision": {"3"}}, 303)
	if tr := ts.triplet(id); tr.Revision != 4 || tr.Content.V.Prompt != first.Get("prompt") {
		t.Errorf("restored: revision %d, %q", tr.Revision, tr.Content.V.Prompt)
	}
	a.get("/annotate/"+id+"/history?n=99", 404)
	a.get("/annotate/"+id+"/history?n=x", 404)
}

// What a submission lacks comes back at its fields, and nothing is lost or handed over.
func TestAnnotateSubmitErrorsStandAtTheirFields(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a := ts.person("anna", "annotator")
	ts.pooled("essay", "等你爸", shortArticle)
	id := a.claim("")
	f := fullForm()
	f.Set("reasoning", "")
	f.Del(checkField(triplet.Checks[0]))
	a.autosave(id, 0, f)
	a.get("/annotate/"+id+"/submit", 200, "思路还没有写", "disabled", "check=1&amp;step=2#reasoning")
	a.post("/annotate/"+id+"/submit", url.Values{"revision": {"1"}}, 422, `id="reasoning-wrong"`, "思路还没有写", `id="checks-wrong"`, f.Get("prompt"))
	a.get("/annotate/"+id+"?check=1&step=2", 200, `id="reasoning-wrong"`)
	// a prompt that repeats the article
	f = fullForm()
	f.Set("prompt", "请写："+strings.Split(shortArticle, "\n")[0])
	a.autosave(id, 1, f)
	a.post("/annotate/"+id+"/submit", url.Values{"revision": {"2"}}, 422, `id="prompt-wrong"`)
	if got := ts.triplet(id).State; got != triplet.Draft {
		t.Errorf("it is %s", got)
	}
	a.post("/annotate/"+id+"/submit", nil, 422)
}

// Going on to the summary saves first, so that it works without scripts.
func TestAnnotateCheckSaves(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a := ts.person("anna", "annotator")
	ts.pooled("essay", "", shortArticle)
	id := a.claim("")
	f := fullForm()
	f.Set("revision", "0")
	if to := a.post("/annotate/"+id+"/check", f, 303); to != "/annotate/"+id+"/submit" {
		t.Errorf("to %s", to)
	}
	if got := ts.triplet(id).Content.V.Reasoning; got != f.Get("reasoning") {
		t.Errorf("kept %q", got)
	}
}

// Nobody works on somebody else's triplet, and hostile texts stay texts.
func TestAnnotateIsOnesOwn(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a, b, rev := ts.person("anna", "annotator"), ts.person("bert", "annotator"), ts.person("rita", "reviewer")
	evil := `<script>alert(1)</script>"><img src=x>`
	src := ts.pooled("essay", evil, evil+"\n"+shortArticle)
	if _, err := ts.d.Exec(context.Background(), `UPDATE source SET url = 'javascript:alert(1)' WHERE id = ?`, src); err != nil {
		t.Fatal(err)
	}
	id := a.claim("")
	f := fullForm()
	f.Set("prompt", evil)
	f.Set("theme", "</textarea>"+evil)
	a.autosave(id, 0, f)
	for _, path := range []string{"", "/history", "/submit"} {
		page := a.get("/annotate/"+id+path, 200)
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "<img src=x") || strings.Contains(page, "javascript:") {
			t.Errorf("%s lets markup through", path)
		}
		b.get("/annotate/"+id+path, 404)
		rev.get("/annotate/"+id+path, 403)
	}
	if status, _, _ := b.autosave(id, 1, f); status != 404 {
		t.Errorf("somebody else's save: %d", status)
	}
	for _, action := range []string{"submit", "withdraw", "abandon", "restore", "check"} {
		b.post("/annotate/"+id+"/"+action, url.Values{"revision": {"1"}, "n": {"1"}, "reason": {"x"}}, 404)
	}
	if status, _, body := a.autosave(id, 1, url.Values{"prompt": {strings.Repeat("字", 50_001)}}); status != 422 || !strings.Contains(body, "太长") {
		t.Errorf("too long: %d %s", status, body)
	}
}

// The limit of open drafts and an empty pool are said in words, not as an error page.
func TestAnnotateClaimSaysWhyNot(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a := ts.person("anna", "annotator")
	if to := a.post("/annotate/claim", nil, 303); to != "/annotate" {
		t.Errorf("empty pool: to %s", to)
	}
	a.get("/annotate", 200, "池里没有这样的原文了")
	a.post("/annotate/claim", url.Values{"source": {"nonsense"}}, 404)
	for range 6 {
		ts.pooled("essay", "一篇", shortArticle+db.NewID())
	}
	for range 5 {
		a.claim("")
	}
	if to := a.post("/annotate/claim", nil, 303); to != "/annotate" {
		t.Errorf("limit: to %s", to)
	}
	a.get("/annotate", 200, "手头已有 5 篇", "disabled")
}

// The form's fields and the stored content are each other's inverse.
func TestAnnotateFormRoundTrip(t *testing.T) {
	f := fullForm()
	r := httptest.NewRequest("POST", "/", strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got := fieldsOf(contentOf(r))
	want := map[string]string{}
	for k := range f {
		if k != "step" {
			want[k] = f.Get(k)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestCursorPagerGoesThereAndBack(t *testing.T) {
	start, _ := url.Parse("/triplets?state=draft")
	one := cursorPager(start, "c1", 50, -1)
	second, _ := url.Parse(one.Next)
	two := cursorPager(second, "c2", 50, -1)
	third, _ := url.Parse(two.Next)
	three := cursorPager(third, "", 3, -1)
	if one.Prev != "" || three.Next != "" {
		t.Errorf("ends: %q %q", one.Prev, three.Next)
	}
	if three.Prev != one.Next || two.Prev != "/triplets?state=draft" {
		t.Errorf("back from 3: %q, want %q; from 2: %q", three.Prev, one.Next, two.Prev)
	}
}
