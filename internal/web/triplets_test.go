package web

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"coigwriter/internal/audit"
	"coigwriter/internal/triplet"
)

// submittedBy has an annotator submit a triplet and returns its ID.
func (ts *tripletSite) submittedBy(v *visitor, title string) string {
	ts.t.Helper()
	ts.pooled("essay", title, title+"："+shortArticle)
	id := v.claim("")
	if status, _, body := v.autosave(id, 0, fullForm()); status != 204 {
		ts.t.Fatalf("save: %d %s", status, body)
	}
	v.post("/annotate/"+id+"/submit", url.Values{"revision": {"1"}}, 303)
	return id
}

// marks is a filled score sheet with the same mark everywhere.
func marks(n int) url.Values {
	f := url.Values{"why_article": {"白描克制"}, "why_prompt": {"题目清楚"}}
	for _, d := range triplet.Dimensions {
		f.Set(d, fmt.Sprint(n))
	}
	return f
}

// A reviewer scores by hand without reading all triplets; the gate decides, and the annotator
// sees why it came back.
func TestTripletsScoreByHand(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a, rev, both := ts.person("anna", "annotator"), ts.person("rita", "reviewer"), ts.person("bo", "annotator", "reviewer")
	id, own := ts.submittedBy(a, "等你爸"), ts.submittedBy(both, "自己的")
	page := rev.get("/triplets/to-score", 200, "等你爸", "自己的")
	if strings.Contains(page, "anna") {
		t.Error("the queue names the annotator")
	}
	if strings.Contains(both.get("/triplets/to-score", 200, "等你爸"), "自己的") {
		t.Error("the queue offers one's own triplet")
	}
	both.get("/score/"+own, 403)
	both.post("/triplets/"+own+"/score", marks(9), 403)
	page = rev.get("/score/"+id, 200, "等你爸", "原文质量", "每项至少 8", fullForm().Get("reasoning"))
	if strings.Contains(page, "anna") {
		t.Error("the score page names the annotator")
	}
	rev.get("/triplets/"+id, 403)
	a.get("/score/"+id, 403)

	missing := marks(9)
	missing.Del("prompt_quality")
	rev.post("/triplets/"+id+"/score", missing, 422, "请给 1 到 10 的整数", "白描克制", `value="9" checked`)
	if got := ts.triplet(id).State; got != triplet.Submitted {
		t.Fatalf("half a sheet moved it to %s", got)
	}
	if to := rev.post("/triplets/"+id+"/score", marks(7), 303); to != "/triplets/to-score" {
		t.Errorf("to %s", to)
	}
	rev.get("/score/"+id, 409)
	rev.post("/triplets/"+id+"/score", marks(9), 409)
	a.get("/annotate", 200, "已退回", "评分未过关")
	a.get("/annotate/"+id, 200, "评分未过关", "原文质量：7 分，至少 8", "合计 42 分，至少 50", "白描克制")
	a.post("/annotate/"+id+"/submit", url.Values{"revision": {"1"}}, 303)
	rev.post("/triplets/"+id+"/score", marks(9), 303)
	if got := ts.triplet(id).State; got != triplet.InReview {
		t.Errorf("passed, and is %s", got)
	}
}

func TestTripletsListAndPage(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	a, lead, rev := ts.person("anna", "annotator"), ts.person("lena", "lead"), ts.person("rita", "reviewer")
	lead.get("/triplets", 200, "没有符合条件的三元组")
	id := ts.submittedBy(a, "等你爸")
	ts.pooled("essay", "第二篇", "另一篇"+shortArticle)
	a.claim("")
	lead.get("/triplets", 200, "等你爸", "第二篇", "anna", "待评分 1")
	if strings.Contains(lead.get("/triplets?state=submitted", 200, "等你爸"), "第二篇</a>") {
		t.Error("the state does not filter")
	}
	lead.get("/triplets?q="+url.QueryEscape("等你爸")+"&genre=essay&annotator="+a.id, 200, "等你爸")
	lead.get("/triplets?genre=poetry", 200, "没有符合条件的三元组")
	lead.get("/triplets?state=nonsense&after=nonsense", 200)
	rev.get("/triplets", 403)
	a.get("/triplets/"+id, 403)
	lead.get("/triplets/nonsense", 404)
	rev.post("/triplets/"+id+"/score", marks(9), 303)
	page := lead.get("/triplets/"+id, 200, "anna", "rita", "过关", "54 / 60", "过关，进入审阅", fullForm().Get("prompt"), "提议移除")
	for _, family := range []string{"triplets.", "annotate.", "score.", "coherence."} {
		if strings.Contains(page, ">"+family) {
			t.Errorf("the page shows a key of %s", family)
		}
	}
}

// Removing takes two people, and the forms say what is missing.
func TestTripletsRemovalAndDispute(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	ctx := context.Background()
	a, rev := ts.person("anna", "annotator"), ts.person("rita", "reviewer")
	lead, other := ts.person("lena", "lead"), ts.person("otto", "lead")
	id := ts.submittedBy(a, "等你爸")
	lead.post("/triplets/"+id+"/removal", url.Values{"reason_code": {"rights"}}, 409)
	rev.post("/triplets/"+id+"/score", marks(9), 303)
	lead.post("/triplets/"+id+"/removal", url.Values{"reason_code": {""}, "note": {"我的说明"}}, 422, "我的说明", `id="reason_code-wrong"`)
	lead.post("/triplets/"+id+"/removal", url.Values{"reason_code": {"rights"}, "note": {"作者来信"}}, 303)
	lead.get("/triplets/"+id, 200, "要由另一个人决定", "作者来信")
	lead.post("/triplets/"+id+"/removal/decide", url.Values{"decision": {"confirm"}, "reason": {"x"}}, 403)
	other.post("/triplets/"+id+"/removal/decide", url.Values{"decision": {"maybe"}, "reason": {"x"}}, 422)
	other.post("/triplets/"+id+"/removal/decide", url.Values{"decision": {"decline"}, "reason": {""}}, 422, `id="reason-wrong"`)
	other.post("/triplets/"+id+"/removal/decide", url.Values{"decision": {"decline"}, "reason": {"已获授权"}}, 303)
	if got := ts.triplet(id).State; got != triplet.Disputed {
		t.Fatalf("declined, and is %s", got)
	}
	other.get("/triplets/"+id, 200, "裁决分歧")
	rev.post("/triplets/"+id+"/adjudicate", url.Values{"verdict": {"accept"}, "reason": {"好"}}, 403)
	other.post("/triplets/"+id+"/adjudicate", url.Values{"verdict": {"accept"}, "reason": {""}}, 422, `id="reason-wrong"`)
	other.post("/triplets/"+id+"/adjudicate", url.Values{"verdict": {"accept"}, "reason": {"两位都认可事实"}}, 303)
	if got := ts.triplet(id).State; got != triplet.Accepted {
		t.Errorf("adjudicated, and is %s", got)
	}
	evs, err := audit.History(ctx, ts.d, "triplet", id)
	if err != nil || len(evs) < 6 {
		t.Errorf("history %v, %v", evs, err)
	}
	other.get("/triplets/"+id, 200, "两位都认可事实", "otto")
}
