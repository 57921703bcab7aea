package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"coigwriter/internal/evaluate"
)

// A study is planned, looked at, opened and closed on the pages; every departure from the plan asks for
// a reason and is listed.
func TestStudyFromPlanToClose(t *testing.T) {
	t.Parallel()
	ts := newTripletSite(t)
	lead, eye := ts.person("lena", "lead"), ts.person("eve", "evaluator")
	lead.get("/studies", 200, "还没有评测", "/benchmark")
	lead.get("/studies/new", 200, "还没有冻结的题集")
	l := newBlindLab(t, ts, 8, 3, 60)
	page := lead.get("/studies/new", 200, "zephyrine-9b", "这份方案", "比哪些回答")
	if !strings.Contains(page, "算不出来") && !strings.Contains(page, "没有可以比的") {
		t.Error("a plan about answers that are not there has an outlook")
	}
	f := planForm("", evaluate.Pair, l.studyPlan())
	lead.post("/studies", f, 422, `id="name-wrong"`)
	f.Set("name", "第一轮")
	for name, bad := range map[string]string{"alpha": "NaN", "overlap": "x", "shared": "7", "seed": "-1"} {
		old := f.Get(name)
		f.Set(name, bad)
		lead.post("/studies", f, 422, `id="`+name+`-wrong"`)
		f.Set(name, old)
	}
	lead.post("/studies/preview", f, 200, "折成独立的票", "每对要", "盲评题集", `value="第一轮"`)
	f.Set("part", "1")
	if part := lead.post("/studies/preview", f, 200, "折成独立的票"); strings.Contains(part, "<html") {
		t.Error("a part brings the frame along")
	}
	f.Del("part")
	f.Set("kind", evaluate.Rank)
	lead.post("/studies/preview", f, 200, "一次排几篇")
	f.Set("kind", evaluate.Pair)
	eye.post("/studies", f, 403)
	at := lead.post("/studies", f, 303)
	lead.post("/studies", f, 422, "已经有同名的评测")
	lead.get(at, 200, "冻结方案并开评", "开评之前")
	lead.get(at+"/plan.json", 404)
	f.Set("question", "哪个模型的小说更好？")
	lead.post(at+"/edit", f, 303)
	lead.get(at+"/edit", 200, "哪个模型的小说更好？")
	lead.post(at+"/open", nil, 303)
	lead.post(at+"/open", nil, 409)
	lead.get(at+"/edit", 409)
	lead.get(at, 200, "进行中", "哪个模型的小说更好？", "一切照方案")
	ts.sameHash(lead, at)

	lead.post(at+"/move", url.Values{"to": {evaluate.Closed}}, 303)
	lead.get(at, 200, "进行中", "理由")
	who := l.eyes[0].id
	lead.post(at+"/raters", url.Values{"do": {"exclude"}, "person": {who}}, 303)
	lead.get(at, 200, "一切照方案")
	lead.post(at+"/raters", url.Values{"do": {"exclude"}, "person": {who}, "reason": {"随手乱点"}}, 303)
	lead.get(at, 200, "随手乱点", "不计")
	lead.post(at+"/raters", url.Values{"do": {"include"}, "person": {who}, "reason": {"查过了"}}, 303)
	lead.post(at+"/raters", url.Values{"do": {"reassign"}, "person": {who}, "to": {l.eyes[1].id}, "reason": {"出差"}}, 303)
	lead.get(at, 200, "出差", "转交")
	lead.post(at+"/raters", url.Values{"do": {"fire"}, "person": {who}}, 422)
	lead.post(at+"/judge", nil, 409)
	lead.post(at+"/move", url.Values{"to": {evaluate.Closed}, "reason": {"期限到了"}}, 303)
	lead.get(at, 200, "已结束", "提前结束", "期限到了")
	lead.get("/studies", 200, "第一轮", "已结束", "两篇比高下")
	for _, path := range []string{"/studies", "/studies/new", at, at + "/plan.json", at + "/records/raters.jsonl"} {
		eye.get(path, 403)
	}
	lead.get(at+"/records/raters.jsonl", 200, `"rater"`)
	lead.get(at+"/records/people.jsonl", 404)
}

// studyPlan is a plan of the lab's answers.
func (l *blindLab) studyPlan() evaluate.Plan {
	p := evaluate.DefaultPlan()
	p.SetID, p.Models, p.Sample, p.Bootstrap = l.set.ID, secretModels, secretSample, 100
	for _, e := range l.eyes {
		p.Evaluators = append(p.Evaluators, e.id)
	}
	return p
}

// sameHash downloads the frozen plan: its SHA-256 is the hash that the page shows.
func (ts *tripletSite) sameHash(v *visitor, at string) {
	ts.t.Helper()
	req, err := http.NewRequest(http.MethodGet, ts.url+at+"/plan.json", nil)
	if err != nil {
		ts.t.Fatal(err)
	}
	res, body := v.do(req)
	sum := sha256.Sum256([]byte(body))
	if res.StatusCode != 200 || !json.Valid([]byte(body)) {
		ts.t.Fatalf("%d %s", res.StatusCode, body)
	}
	v.get(at, 200, hex.EncodeToString(sum[:]))
}
