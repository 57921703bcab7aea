package web

import (
	"context"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"coigwriter/internal/review"
	"coigwriter/internal/triplet"
)

// inReview brings a triplet through writing and scoring to its reviewers.
func (ts *tripletSite) inReview(author, scorer *visitor, title string) string {
	ts.t.Helper()
	id := ts.submittedBy(author, title)
	scorer.post("/triplets/"+id+"/score", marks(9), 303)
	if _, err := review.AssignOpen(context.Background(), ts.d, rand.New(rand.NewPCG(1, 2))); err != nil {
		ts.t.Fatal(err)
	}
	return id
}

// open returns the address of a reviewer's oldest open review.
func (v *visitor) open() string {
	v.t.Helper()
	tasks, err := review.Queue(context.Background(), v.d, v.id, review.Open, 1)
	if err != nil || len(tasks) == 0 {
		v.t.Fatalf("no open review: %v", err)
	}
	return "/review/" + tasks[0].ID
}

func aVerdict(verdict, comment string) url.Values {
	f := url.Values{"verdict": {verdict}, "comment": {comment}}
	for _, c := range review.Criteria {
		f.Set(c, "4")
	}
	return f
}

func TestReviewIsBlindAndDecides(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a, lead := ts.person("anna", "annotator"), ts.person("lena", "lead")
	r1, r2 := ts.person("rita", "reviewer"), ts.person("ruth", "reviewer")
	r1.get("/review", 200, "没有等你审阅的稿子")
	id := ts.inReview(a, lead, "等你爸")
	r1.get("/review", 200, "等你爸", "开始审阅")
	p1, p2 := r1.open(), r2.open()
	page := r1.get(p1, 200, "等你爸", fullForm().Get("prompt"), fullForm().Get("reasoning"), "盲审")
	for _, secret := range []string{"anna", "lena", "ruth", "54 / 60", ">54<", "白描克制"} {
		if strings.Contains(page, secret) {
			t.Errorf("the review shows %q", secret)
		}
	}
	r1.get(p2, 404)
	lead.get(p1, 403)
	a.get("/review", 403)

	half := aVerdict("revise", "")
	half.Del("coherence")
	r1.post(p1, half, 422, "请写清哪里不对", "请给 1 到 5 分", `value="revise" checked`)
	if to := r1.post(p1, aVerdict("accept", "层次清楚"), 303); to != "/review" {
		t.Errorf("after the last review to %s", to)
	}
	r1.post(p1, aVerdict("revise", "又改主意了"), 409)
	if strings.Contains(r2.get(p2, 200), "层次清楚") {
		t.Error("one reviewer sees what another said")
	}
	r2.post(p2, aVerdict("accept", ""), 303)
	if got := ts.triplet(id).State; got != triplet.Accepted {
		t.Errorf("two accepts, and it is %s", got)
	}
	r1.get("/review?tab=done", 200, "等你爸", "采纳")
	r1.get(p1, 200, "层次清楚", "结论交了就不能改")
}

func TestReviewSendsBackWithComments(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a, lead := ts.person("anna", "annotator"), ts.person("lena", "lead")
	r1, r2 := ts.person("rita", "reviewer"), ts.person("ruth", "reviewer")
	id := ts.inReview(a, lead, "等你爸")
	r1.post(r1.open(), aVerdict("revise", "第三段的理由与原文不符"), 303)
	r2.post(r2.open(), aVerdict("revise", "提示太宽"), 303)
	page := a.get("/annotate/"+id, 200, "第三段的理由与原文不符", "提示太宽")
	if strings.Contains(page, "rita") || strings.Contains(page, "ruth") {
		t.Error("the annotator sees who reviewed")
	}

	// In the next round what changed since is one link away.
	form := fullForm()
	form.Set("prompt", strings.Replace(form.Get("prompt"), "雨天", "雪天", 1))
	rev := int(ts.triplet(id).Revision)
	if status, _, body := a.autosave(id, rev, form); status >= 300 {
		t.Fatalf("%d %s", status, body)
	}
	a.post("/annotate/"+id+"/submit", url.Values{"revision": {strconv.Itoa(rev + 1)}}, 303)
	lead.post("/triplets/"+id+"/score", marks(9), 303)
	lead.post("/reviews/assign", nil, 303)
	at := r1.open()
	if strings.Contains(r1.get(at, 200, "changes=1"), "<ins>") {
		t.Error("changes show before they are asked for")
	}
	r1.get(at+"?changes=1", 200, "<del>雨</del>", "<ins>雪</ins>", "没有改动")
}

func TestReviewBoard(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a, lead := ts.person("anna", "annotator"), ts.person("lena", "lead")
	lead.get("/reviews", 200, "还没有审阅员", "没有分歧")
	r1 := ts.person("rita", "reviewer")
	id := ts.inReview(a, lead, "等你爸")
	lead.get("/reviews", 200, "rita", "等你爸", "1 / 2", "现在就自动分配")
	r1.get("/reviews", 403)
	lead.post("/reviews/assign", nil, 303)
	lead.post("/reviews/"+id+"/assign", url.Values{"reviewer": {a.id}}, 422)
	r2 := ts.person("ruth", "reviewer")
	lead.post("/reviews/"+id+"/assign", url.Values{"reviewer": {r2.id}}, 303)
	lead.get("/reviews", 200, "在审的每一篇都有足够的审阅员")
	r1.post(r1.open(), aVerdict("accept", ""), 303)
	r2.post(r2.open(), aVerdict("revise", "理由还要再改"), 303)
	lead.get("/reviews", 200, "等裁定的分歧", "等你爸", "anna", "0.0%")
	remove := aVerdict("remove", "署名有误")
	id2 := ts.inReview(a, lead, "第二篇")
	r1.post(r1.open(), remove, 422, "请选移除的原因")
	remove.Set("reason_code", "rights")
	r1.post(r1.open(), remove, 303)
	r2.post(r2.open(), aVerdict("accept", ""), 303)
	lead.get("/reviews", 200, "第二篇", "权利")
	if got := ts.triplet(id2).State; got != triplet.Removal {
		t.Errorf("a remove, and it is %s", got)
	}
}
