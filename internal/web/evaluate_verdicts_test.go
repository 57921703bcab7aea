package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/evaluate"
)

// Plain forms: everything can be said without scripts, what is missing is named and what was filled in
// stays; a double click is one verdict; another one is refused with both in sight.
func TestVerdictsByForm(t *testing.T) {
	ts := newTripletSite(t)
	l := newBlindLab(t, ts, 3, 1, 300)
	me := l.eyes[0]
	now := time.Now()
	ts.d.Clock = func() time.Time { return now }
	pair, rank, rate := l.study("对", evaluate.Pair, 3, nil), l.study("排", evaluate.Rank, 5, nil), l.study("分", evaluate.Rate, 2, nil)
	me.get("/evaluate", 200, "对", "排", "分", "两篇比高下", "几篇排先后", "逐篇打分", "已评 0 / 9 项", `class="count">18<`)
	first := "/evaluate/task/" + l.tasks(pair, me.id)[0]
	if to := me.location("/evaluate/" + pair.ID); to != first {
		t.Fatalf("the study leads to %s", to)
	}
	me.get(first, 200, `value="both_bad"`, "文化背景", "data-next=")
	me.post(first, url.Values{}, 422, "选一个结论")
	for range 2 {
		if to := me.post(first, url.Values{"winner": {"b"}, "note": {"乙的结尾收得住"}}, 303); to != "/evaluate/"+pair.ID {
			t.Fatalf("after a verdict: %s", to)
		}
	}
	me.post(first, url.Values{"winner": {"a"}}, 409, "已经评过", "乙更好", "这一次选的是：甲更好")
	me.get(first, 200, "你的结论：乙更好", "乙的结尾收得住", first+"/back")
	me.get("/evaluate/task/"+l.tasks(pair, me.id)[1], 200, "已记下：乙更好", "已评 1 / 9 项")
	if to := me.post(first+"/back", nil, 303); to != first {
		t.Fatalf("taking back leads to %s", to)
	}
	me.post(first, url.Values{"winner": {"a"}}, 303)
	now = now.Add(evaluate.TakeBackFor + time.Second)
	me.post(first+"/back", nil, 409, "不能撤回", "甲更好")

	second := "/evaluate/task/" + l.tasks(rank, me.id)[0]
	form := sayingForm(evaluate.Rank, 5)
	form.Set("place_2", "")
	me.post(second, form, 422, "5 篇里只排了 4 篇", `<option value="5" selected`)
	form.Set("place_2", "5")
	me.post(second, form, 422, "不能并列")
	me.post(second, sayingForm(evaluate.Rank, 5), 303)
	me.get(second, 200, "戊 › 丁 › 丙 › 乙 › 甲")

	third := "/evaluate/task/" + l.tasks(rate, me.id)[0]
	form = sayingForm(evaluate.Rate, 1)
	form.Del("creative_merit")
	me.post(third, form, 422, "创意：打 0 到 3 分。", `name="task_fulfilment" value="3" checked`)
	me.post(third, sayingForm(evaluate.Rate, 1), 303)
	me.get(third, 200, "内容质量 0 · 创意 1 · 文化得体 2 · 完成要求 3 · 总体喜好 0")

	// A query that was withdrawn is passed over; a study that is over says so.
	var query string
	if err := ts.d.One(t.Context(), &query, `SELECT i.query_id FROM study_task t JOIN study_item i ON i.id = t.item_id WHERE t.id = ?`, l.tasks(pair, me.id)[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := ts.d.Exec(t.Context(), `UPDATE query SET withdrawn_at = ? WHERE id = ?`, now, query); err != nil {
		t.Fatal(err)
	}
	if to := me.location("/evaluate/task/" + l.tasks(pair, me.id)[1]); to != "/evaluate/"+pair.ID {
		t.Errorf("a task about a withdrawn query leads to %s", to)
	}
	if _, err := evaluate.Move(t.Context(), ts.d, l.lead, pair.ID, evaluate.Closed, "试到这里"); err != nil {
		t.Fatal(err)
	}
	me.get("/evaluate/"+pair.ID, 200, "已经结束")
	for _, id := range l.tasks(pair, me.id)[1:] {
		me.post("/evaluate/task/"+id, url.Values{"winner": {"a"}}, 200, "已经结束")
		break
	}
}

// location asks for a page and returns where it leads.
func (v *visitor) location(path string) string {
	v.t.Helper()
	req, _ := http.NewRequest("GET", v.url+path, nil)
	res, body := v.do(req)
	v.want("GET "+path, res, body, http.StatusSeeOther)
	return res.Header.Get("Location")
}

// A script gets what it needs to go on, and nothing else; a task's time begins when it is shown and not
// when it is fetched ahead.
func TestVerdictsByScript(t *testing.T) {
	ts := newTripletSite(t)
	l := newBlindLab(t, ts, 2, 1, 300)
	me := l.eyes[0]
	s := l.study("对", evaluate.Pair, 2, nil)
	ids := l.tasks(s, me.id)
	seen := func(id string) (at *time.Time) {
		if err := ts.d.One(t.Context(), &at, `SELECT seen_at FROM study_task WHERE id = ?`, id); err != nil {
			t.Fatal(err)
		}
		return at
	}
	me.get("/evaluate/task/"+ids[1]+"?part=1", 200, `id="sheet"`)
	if seen(ids[1]) != nil {
		t.Error("fetched ahead is seen already")
	}
	if body := me.asJSON("/evaluate/task/"+ids[1]+"/seen", nil, 200); body["waits"] != true || seen(ids[1]) == nil {
		t.Errorf("%v", body)
	}
	got := me.asJSON("/evaluate/task/"+ids[0], url.Values{"winner": {"tie"}}, 200)
	keys := []string{}
	for k := range got {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if fmt.Sprint(keys) != "[back done left of said then words]" || got["then"] != "/evaluate/task/"+ids[1] || got["said"] != "不分高下" || got["words"] != "已评 1 / 2 项" {
		t.Errorf("%v", got)
	}
	me.asJSON("/evaluate/task/"+ids[0], url.Values{"winner": {"a"}}, 409)
	if got := me.asJSON("/evaluate/task/"+ids[1], url.Values{"winner": {"a"}}, 200); got["then"] != "/evaluate/"+s.ID {
		t.Errorf("after the last: %v", got)
	}
	if body := me.asJSON("/evaluate/task/"+ids[1]+"/seen", nil, 200); body["waits"] != false {
		t.Errorf("a task that is judged waits: %v", body)
	}
	me.get("/evaluate/"+s.ID, 200, "全部评完", "已记下：甲更好")
	stranger := ts.stranger()
	stranger.asJSON("/evaluate/task/"+ids[0], url.Values{"winner": {"a"}}, 401)
}

// asJSON posts a form as a script does.
func (v *visitor) asJSON(path string, form url.Values, status int) (out map[string]any) {
	v.t.Helper()
	req, _ := http.NewRequest("POST", v.url+path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	res, body := v.do(req)
	v.want("POST "+path, res, body, status)
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		v.t.Fatalf("%s: %v", body, err)
	}
	return out
}
