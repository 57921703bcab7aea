package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/mix"
	"coigwriter/internal/train"
	"coigwriter/internal/train/traintest"
)

// smallMix makes a mix of five configurations, as coigwriter mix does, below a directory that pages may
// train from, and a model and a fake engine beside it. The fake trains nothing.
func (ts *tripletSite) smallMix(name string) (m train.Mix, model string) {
	ts.t.Helper()
	dir := ts.t.TempDir()
	must := func(err error) {
		if err != nil {
			ts.t.Helper()
			ts.t.Fatal(err)
		}
	}
	python, err := traintest.FakePython(dir)
	must(err)
	model = filepath.Join(dir, "model")
	must((traintest.Model{}).Write(model))
	var triplets, general strings.Builder
	for i := range 12 {
		fmt.Fprintf(&triplets, `{"id":"c%d","genre":"小说","language":"zh","prompt":"写第%d个雨夜","reasoning":"先写雨，再写第%d盏灯","article":"雨落在第%d扇门前，灯还亮着，谁也没有说话，%s。"}`+"\n", i, i, i, i, strings.Repeat(string(rune('一'+i*7)), 9))
	}
	for i := range 40 {
		fmt.Fprintf(&general, `{"instruction":"What is %d plus %d?","output":"The sum of %d and %d is %d, as anyone can count."}`+"\n", i, i*i, i, i*i, i+i*i)
	}
	must(os.WriteFile(filepath.Join(dir, "cw.jsonl"), []byte(triplets.String()), 0o600))
	must(os.WriteFile(filepath.Join(dir, "general.jsonl"), []byte(general.String()), 0o600))
	var plan strings.Builder
	quoted, err := json.Marshal(name)
	must(err)
	fmt.Fprintf(&plan, "name = %s\nseed = 7\n[[creative]]\nname = \"cw\"\npaths = [\"cw.jsonl\"]\n[[general]]\nname = \"general\"\npaths = [\"general.jsonl\"]\n", quoted)
	for _, c := range []struct {
		name     string
		creative string
		general  int
	}{{"CW", `"all"`, 0}, {"CW+1k", `"all"`, 5}, {"CW+5k", `"all"`, 10}, {"CW+10k", `"all"`, 20}, {"G", "0", 20}} {
		fmt.Fprintf(&plan, "[[configuration]]\nname = %q\ncreative = %s\ngeneral = %d\n", c.name, c.creative, c.general)
	}
	must(os.WriteFile(filepath.Join(dir, "plan.toml"), []byte(plan.String()), 0o600))
	p, err := mix.ReadPlan(filepath.Join(dir, "plan.toml"))
	must(err)
	_, err = mix.Make(ts.t.Context(), p, filepath.Join(dir, "mix"), mix.Options{})
	must(err)
	ts.s.opt.Train = train.Host{Python: python, Runs: filepath.Join(dir, "runs"), Roots: []string{dir}, Web: true, GPUHour: "12 CNY"}
	m, err = train.AddMix(ts.t.Context(), ts.d, "system", filepath.Join(dir, "mix"))
	must(err)
	return m, model
}

// trained trains all five configurations through the pages and registers one.
func (ts *tripletSite) trained(engineer *visitor, name string) train.Mix {
	ts.t.Helper()
	m, model := ts.smallMix(name)
	form := startForm(m, model)
	engineer.post(mixPath(m.ID)+"/start", form, http.StatusSeeOther)
	ts.sweep()
	rs, err := train.Runs(ts.t.Context(), ts.d, m.ID)
	if err != nil {
		ts.t.Fatal(err)
	}
	for _, r := range rs {
		if r.State != train.Finished {
			ts.t.Fatalf("%s: %s %s\n%s", r.Name, r.State, r.Reason, r.LogTail)
		}
		if r.Configuration == "CW" {
			engineer.post(runPath(r.ID)+"/register", url.Values{"name": {"雨夜-CW"}}, http.StatusSeeOther)
		}
	}
	return m
}

func startForm(m train.Mix, model string) url.Values {
	f := url.Values{
		"engine": {"llamafactory"}, "model": {model}, "gpus": {"1"},
		"set.cpu": {"true"}, "set.precision": {"fp32"}, "set.max_steps": {"8"}, "set.batch": {"4"}, "set.max_length": {"2048"}, "set.save": {"steps"}, "set.save_steps": {"2"},
	}
	for _, c := range m.Manifest.V.Configurations {
		f.Add("configuration", c.Name)
	}
	return f
}

// sweep does what the workers do until nothing is under way or waits.
func (ts *tripletSite) sweep() {
	ts.t.Helper()
	for {
		if err := train.Sweep(ts.t.Context(), ts.d, true); err != nil {
			ts.t.Fatal(err)
		}
		var open int
		if err := ts.d.One(ts.t.Context(), &open, `SELECT COUNT(*) FROM training_run WHERE queued OR state IN ('running', 'stopping')`); err != nil {
			ts.t.Fatal(err)
		}
		if open == 0 {
			return
		}
		select {
		case <-ts.t.Context().Done():
			ts.t.Fatal("runs do not end")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestExperimentFromFormToModel(t *testing.T) {
	ts := newTripletSite(t)
	engineer, lead, evaluator := ts.person("eng", "engineer"), ts.person("lead", "lead"), ts.person("eva", "evaluator")
	engineer.get("/experiments", 200, "还没有配方", "coigwriter mix")
	m := ts.trained(engineer, "春季")
	at := mixPath(m.ID)
	lead.get("/experiments", 200, "春季", "雨夜-CW", "8 / 8 步")
	page := lead.get(at, 200, "CW+10k", "并排比较", "3.0000", "雨夜-CW", "项设置全都相同", "figure/loss")
	if strings.Contains(page, "data-watch") || strings.Contains(page, at+"/start") {
		t.Error("the page watches what is over, or a lead may start")
	}
	lead.get(at+"?tab=mix", 200, "按体裁", "小说", "32", "没有收进来的", "没有和题目比对过")
	for _, figure := range []string{"loss", "rate", "mix"} {
		lead.get(at+"/figure/"+figure+"?theme=dark", 200, "<svg")
	}
	lead.get(at+"/figure/none", 404)
	evaluator.get(at, 403)
	rs, err := train.Runs(t.Context(), ts.d, m.ID)
	if err != nil || len(rs) != 5 {
		t.Fatal(len(rs), err)
	}
	lead.get(runPath(rs[0].ID), 200, "Running training", "AdamW", "论文给定", "12")
	lead.get(at, 200, "figure/rate")
	one := lead.get(runPath(rs[0].ID)+"/figure", 200, "<svg")
	if _, err := ts.d.Exec(t.Context(), `UPDATE training_point SET by_kind = ? WHERE run_id = ? AND step > 1`, `{"creative":2.5,"general":1.5}`, rs[0].ID); err != nil {
		t.Fatal(err)
	}
	if three := lead.get(runPath(rs[0].ID)+"/figure", 200, "<svg"); strings.Count(three, "<path") < strings.Count(one, "<path")+2 {
		t.Error("the losses of creative and of general rows are not drawn")
	}
	lead.post(runPath(rs[0].ID)+"/move", url.Values{"to": {train.Running}}, 403)
	engineer.post(runPath(rs[0].ID)+"/move", url.Values{"to": {train.Running}}, 409) // it is finished
	engineer.post(runPath(rs[0].ID)+"/move", url.Values{"to": {"nowhere"}}, 422)
	engineer.post(runPath(rs[0].ID)+"/register", url.Values{"name": {"雨夜-CW"}}, 422)
	engineer.post(runPath(rs[0].ID)+"/register", url.Values{"name": {"a b"}}, 422)
}

// Pages start processes only where the machine's settings say so, from directories below its roots.
func TestPagesStartOnlyWhatTheyMay(t *testing.T) {
	ts := newTripletSite(t)
	engineer := ts.person("eng", "engineer")
	m, model := ts.smallMix("春季")
	at := mixPath(m.ID) + "/start"
	runs := func() int {
		rs, err := train.Runs(t.Context(), ts.d, "")
		if err != nil {
			t.Fatal(err)
		}
		return len(rs)
	}
	engineer.get(at, 200, "学习率", "论文给定", "我们定的")
	outside := t.TempDir()
	for what, change := range map[string]func(url.Values){
		"不在允许的目录之内":  func(f url.Values) { f.Set("model", outside) },
		"不在允许的目录":    func(f url.Values) { f.Set("model", model+"/../../../../etc") },
		"不是目录":       func(f url.Values) { f.Set("model", "owner/name") },
		"至少选一种配置":    func(f url.Values) { f.Del("configuration") },
		"不能用作":       func(f url.Values) { f.Set("set.seed", "七") },
		"batch of 4": func(f url.Values) { f.Set("set.per_device", "3") },
		"is none of": func(f url.Values) { f.Add("configuration", "CW+1m") },
		"no engine":  func(f url.Values) { f.Set("engine", "axolotl") },
		"trl":        func(f url.Values) { f.Set("engine", "trl") }, // the fake has it not
	} {
		f := startForm(m, model)
		change(f)
		engineer.post(at, f, http.StatusUnprocessableEntity, what)
	}
	engineer.post("/experiments", url.Values{"path": {"/etc"}}, http.StatusUnprocessableEntity)
	engineer.post("/experiments", url.Values{"path": {model}}, http.StatusUnprocessableEntity) // inside, but no mix
	engineer.post("/experiments", url.Values{"path": {m.Path}}, http.StatusSeeOther)
	ts.s.opt.Train.Web = false
	engineer.get("/experiments", 200, "网页不能启动训练")
	engineer.get(at, 409)
	engineer.post(at, startForm(m, model), 409)
	engineer.post("/experiments", url.Values{"path": {m.Path}}, 409)
	if n := runs(); n != 0 {
		t.Errorf("%d runs were planned", n)
	}
}

// A run is followed while it goes on, stopped and resumed from its page.
func TestRunStopsAndResumesFromItsPage(t *testing.T) {
	ts := newTripletSite(t)
	engineer := ts.person("eng", "engineer")
	m, model := ts.smallMix("春季")
	hold := filepath.Join(t.TempDir(), "go on")
	t.Setenv("FAKE_ENGINE_HOLD", hold)
	f := startForm(m, model)
	f["configuration"] = []string{"CW"}
	engineer.post(mixPath(m.ID)+"/start", f, http.StatusSeeOther)
	rs, err := train.Runs(t.Context(), ts.d, "")
	if err != nil || len(rs) != 1 {
		t.Fatal(len(rs), err)
	}
	at := runPath(rs[0].ID)
	engineer.get(at, 200, "等着开始", "取消", "data-watch")
	for {
		if err := train.Sweep(t.Context(), ts.d, true); err != nil {
			t.Fatal(err)
		}
		if ps, err := train.Points(t.Context(), ts.d, rs[0].ID); err != nil {
			t.Fatal(err)
		} else if len(ps) == 2 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	engineer.get(at, 200, "训练中", "停下", "data-watch", "2 / 8 步")
	engineer.get(mixPath(m.ID), 200, "data-watch", "2 / 8 步")
	engineer.post(at+"/move", url.Values{"to": {train.Stopping}, "back": {at}}, http.StatusSeeOther)
	engineer.get(at, 200, "正在停下")
	ts.sweep()
	engineer.get(at, 200, "已停下", "接着训练")
	if err := os.WriteFile(hold, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	engineer.post(at+"/move", url.Values{"to": {train.Running}, "back": {"//evil"}}, http.StatusSeeOther)
	ts.sweep()
	engineer.get(at, 200, "已完成", "8 / 8 步", "第 2 次启动")
}

// What files and engines say is never markup.
func TestExperimentTextIsText(t *testing.T) {
	ts := newTripletSite(t)
	engineer := ts.person("eng", "engineer")
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	t.Setenv("FAKE_ENGINE_SAY", "ValueError: "+evil)
	m, model := ts.smallMix("春" + evil)
	engineer.post(mixPath(m.ID)+"/start", startForm(m, model), http.StatusSeeOther)
	ts.sweep()
	rs, err := train.Runs(t.Context(), ts.d, "")
	if err != nil || len(rs) != 5 || rs[0].State != train.Failed {
		t.Fatal(len(rs), err)
	}
	for _, path := range []string{"/experiments", mixPath(m.ID), mixPath(m.ID) + "?tab=mix", mixPath(m.ID) + "/start", runPath(rs[0].ID)} {
		body := engineer.get(path, 200)
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s: markup", path)
		}
		if path == runPath(rs[0].ID) && !strings.Contains(body, "code 1: ValueError: ") {
			t.Errorf("%s does not say why it failed", path)
		}
	}
}

// An experiment that came from a file is shown like any other, and offers nothing that only its own
// machine can do.
func TestExperimentFromAFile(t *testing.T) {
	ts := newTripletSite(t)
	engineer := ts.person("eng", "engineer")
	f, err := os.Open("../sample/experiment/experiment.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := train.ReadExperiment(f.Name(), f)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := train.Import(t.Context(), ts.d, "system", x)
	if err != nil {
		t.Fatal(err)
	}
	engineer.get(mixPath(taken.Mix.ID), 200, "CW+240", "并排比较", "figure/loss", "figure/rate")
	engineer.get(mixPath(taken.Mix.ID)+"/figure/loss", 200, "<svg")
	at := runPath(x.Runs[0].ID)
	page := engineer.get(at, 200, "由文件带来", "在那边登记", x.Models[0].Name, x.Runs[0].Machine())
	if strings.Contains(page, at+"/move") || strings.Contains(page, at+"/register") || strings.Contains(page, "(imported)") {
		t.Error("the page offers what cannot be done here")
	}
	engineer.post(at+"/move", url.Values{"to": {train.Running}}, 409)
	engineer.post(at+"/register", url.Values{"name": {"x"}}, 409)
}
