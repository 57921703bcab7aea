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

	"github.com/chromedp/chromedp"

	"coigwriter/internal/llm"
	"coigwriter/internal/triplet"
)

// asked gives a site a scripted model.
func (ts *tripletSite) asked(rules ...llm.ScriptRule) *llm.Script {
	ts.t.Helper()
	script, err := llm.StartScript(rules...)
	if err != nil {
		ts.t.Fatal(err)
	}
	ts.t.Cleanup(script.Close)
	c, err := llm.NewClient(script.Endpoint())
	if err != nil {
		ts.t.Fatal(err)
	}
	ts.t.Cleanup(c.Close)
	ts.s.opt.LLM = c
	return script
}

// ask posts a question as the page's script does and returns the events of the answer.
func (v *visitor) ask(id, name string, more ...string) (events []helpEvent, status int) {
	v.t.Helper()
	form := url.Values{"ask": {name}}
	for _, k := range more {
		form.Set(k, "1")
	}
	req, err := http.NewRequest(http.MethodPost, v.url+"/annotate/"+id+"/help", strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/x-ndjson")
	res, body := v.do(req)
	if res.StatusCode != http.StatusOK {
		return nil, res.StatusCode
	}
	for line := range strings.Lines(body) {
		var e helpEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			v.t.Fatalf("%q: %v", line, err)
		}
		events = append(events, e)
	}
	return events, res.StatusCode
}

const hostileHelp = "主题：\n<script>alert(1)</script>写的是等人 [¶1]，不是雨。\n## 结构\n**收在** ¶2 的水声里，<img src=x onerror=alert(1)>。"

func TestHelpIsSaidAndKept(t *testing.T) {
	ts := newTripletSite(t)
	script := ts.asked(llm.ScriptRule{Contains: "陪一位标注员", Reply: hostileHelp})
	ts.pooled("essay", "等你爸", shortArticle)
	anna, other := ts.person("anna", "annotator"), ts.person("ben", "annotator")
	id := anna.claim("")
	anna.get("/annotate/"+id, 200, "细读原文", "对照提示", "试评六项分")

	events, _ := anna.ask(id, "article")
	var words strings.Builder
	for _, e := range events {
		words.WriteString(e.Text)
	}
	last := events[len(events)-1]
	if words.String() != hostileHelp || len(events) < 10 {
		t.Fatalf("%d events: %q", len(events), words.String())
	}
	for _, want := range []string{`href="#p-1"`, `href="#p-2"`, "&lt;script&gt;", "脚本"} {
		if !strings.Contains(last.Panel, want) {
			t.Errorf("the panel has no %s:\n%s", want, last.Panel)
		}
	}
	if strings.Contains(last.Panel, "<script") || strings.Contains(last.Panel, "<img") {
		t.Error("a model's words became markup")
	}
	// It is there when the page is opened again, asked once, and nobody else's.
	anna.get("/annotate/"+id, 200, "写的是等人", "¶2")
	anna.ask(id, "article")
	if script.Calls() != 1 {
		t.Errorf("%d calls for one question", script.Calls())
	}
	anna.ask(id, "article", "again")
	if script.Calls() != 2 {
		t.Errorf("another answer was not asked for")
	}
	if _, status := other.ask(id, "article"); status != http.StatusNotFound {
		t.Errorf("somebody else's draft: %d", status)
	}
	if _, status := anna.ask(id, "weather"); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest {
		t.Errorf("a question there is not: %d", status)
	}
	// Without a script the page comes back with the answer.
	anna.post("/annotate/"+id+"/help", url.Values{"ask": {"article"}}, http.StatusSeeOther)

	// The other questions need what they are about.
	for _, name := range []string{"pair", askScores} {
		events, _ := anna.ask(id, name)
		if len(events) != 1 || !strings.Contains(events[0].Panel, "提示还是空的") && !strings.Contains(events[0].Panel, "notice") {
			t.Errorf("%s of nothing: %+v", name, events)
		}
	}
	form := fullForm()
	form.Set("reasoning", form.Get("reasoning")+"写的是等人，不是雨。收在水声里，再回到等人这件事上。"+hostileHelp[len("主题：\n"):])
	if status, _, body := anna.autosave(id, 0, form); status != 200 && status != 204 {
		t.Fatalf("%d %s", status, body)
	}
	events, _ = anna.ask(id, askScores)
	if last := events[len(events)-1]; len(events) != 4 || events[0].Part != "article" || !strings.Contains(last.Panel, "/ 60") {
		t.Errorf("%+v", events)
	}
	n := script.Calls()
	taken, err := triplet.FromHelp(t.Context(), ts.d, ts.triplet(id))
	if err != nil || taken < 20 {
		t.Errorf("%d characters taken from help, %v", taken, err)
	}
	anna.get("/annotate/"+id+"/submit", 200, "取自模型的话")

	// Submitted as it stands, the score sheet costs nothing more.
	if err := triplet.Submit(t.Context(), ts.d, anna.id, id, ts.triplet(id).Revision); err != nil {
		t.Fatal(err)
	}
	if _, err := triplet.ScoreByModel(t.Context(), ts.d, ts.s.opt.LLM, id); err != nil || script.Calls() != n {
		t.Errorf("%d calls more: %v", script.Calls()-n, err)
	}
	if _, status := anna.ask(id, "article"); status != http.StatusConflict {
		t.Errorf("help with a submitted triplet: %d", status)
	}
}

func TestHelpThatFails(t *testing.T) {
	ts := newTripletSite(t)
	ts.pooled("essay", "等你爸", shortArticle)
	anna := ts.person("anna", "annotator")
	id := anna.claim("")
	anna.get("/annotate/"+id, 200, "没有配置模型")

	script := ts.asked(llm.ScriptRule{Mode: llm.ScriptBreaksOff, Reply: "第一段写雨，第二段写灯。"})
	events, _ := anna.ask(id, "article")
	if last := events[len(events)-1]; !strings.Contains(last.Panel, "第一段") || !strings.Contains(last.Panel, "没有说完") || !strings.Contains(last.Panel, "没有答上来") {
		t.Errorf("%s", last.Panel)
	}
	script.SetRules(llm.ScriptRule{Mode: llm.ScriptNoKey})
	events, _ = anna.ask(id, "article", "again")
	if last := events[len(events)-1]; !strings.Contains(last.Panel, "没有答上来") || strings.Contains(last.Panel, "Incorrect API key") {
		t.Errorf("%s", last.Panel)
	}
}

// Words come while the model speaks; Esc stops it, and what had come stays.
func TestHelpInTheBrowser(t *testing.T) {
	b := browser(t)
	ts := newTripletSite(t)
	script := ts.asked(llm.ScriptRule{Mode: llm.ScriptHangsHalf, Times: 1, Reply: "第一段写等 [¶1]，写了很久也没有写完，还要再写下去，写到天亮。"})
	script.Pace = 5 * time.Millisecond
	ts.pooled("essay", "等你爸", shortArticle+"\n第二段在这里。\n第三段也在。")
	anna := ts.person("anna", "annotator")
	id := anna.claim("")
	zh := look{"zh-CN", "light", 1440}
	anna.sight(t, b, zh, "/annotate/"+id)
	press := func(name string) {
		t.Helper()
		eval[bool](t, b, fmt.Sprintf(`(document.querySelector('form[data-ask]:has([value=%s]) button').click(), true)`, name))
	}
	press("article")
	until(t, b, `document.querySelector('[data-words]').textContent.startsWith('第一段写等')`)
	if !eval[bool](t, b, `document.activeElement.hasAttribute('data-stop') && [...document.querySelectorAll('form[data-ask] button')].every(b => b.disabled)`) {
		t.Error("while it is asked, stop has the focus and nothing else can be asked")
	}
	do(t, b, chromedp.KeyEvent("\x1b"))
	until(t, b, `document.querySelector('[data-answer=article] .help-draft')?.textContent.includes('第一段写等')`)
	if !eval[bool](t, b, `document.querySelector('[data-answer=article]').textContent.includes('中途停了') && ![...document.querySelectorAll('form[data-ask] button')].some(b => b.disabled)`) {
		t.Error("a stopped answer does not say so")
	}
	var intents int
	if err := ts.d.One(t.Context(), &intents, `SELECT COUNT(*) FROM llm_intent`); err != nil || intents != 0 {
		t.Errorf("%d questions still under way: %v", intents, err)
	}
	// A whole answer takes its place; what was typed just before is saved first; a citation leads there.
	eval[bool](t, b, `(document.getElementById('theme').focus(), true)`)
	do(t, b, chromedp.KeyEvent("等与不等"))
	press("article")
	until(t, b, `document.querySelector('[data-answer=article] a.cite') && !document.querySelector('[data-answer=article]').textContent.includes('中途停了')`)
	if ts.triplet(id).Content.V.Attributes.Theme != "等与不等" {
		t.Error("the question was about an older text")
	}
	eval[bool](t, b, `(document.querySelector('a.cite').click(), true)`)
	until(t, b, `document.querySelector('.reading .cited')`)
	if dir := os.Getenv("COIGWRITER_SHOTS"); dir != "" {
		for _, l := range []look{zh, {"en", "dark", 1024}} {
			anna.sight(t, b, l, "/annotate/"+id)
			eval[bool](t, b, `(document.querySelector('.drawer-open')?.offsetParent && document.querySelector('.drawer-open').click(), document.getElementById('model-help').scrollIntoView(), true)`)
			time.Sleep(300 * time.Millisecond)
			shoot(t, b, filepath.Join(dir, fmt.Sprintf("help-%s-%d.png", l.lang, l.width)), l.width)
		}
	}
}
