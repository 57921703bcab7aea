package web

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"coigwriter/internal/triplet"
)

// A look is how a page is looked at.
type look struct {
	lang, theme string
	width       int64
}

var looks = []look{{"zh-CN", "light", 1440}, {"en", "dark", 1024}, {"zh-CN", "dark", 1440}, {"en", "light", 1440}, {"zh-CN", "light", 1024}}

// sight opens a page as a person and waits until it is drawn.
func (v *visitor) sight(page *testing.T, b context.Context, l look, path string) {
	page.Helper()
	u, err := url.Parse(v.url)
	if err != nil {
		page.Fatal(err)
	}
	do(page, b, chromedp.EmulateViewport(l.width, 900), chromedp.Navigate(v.url+"/healthz"))
	for _, c := range v.client.Jar.Cookies(u) {
		eval[bool](page, b, fmt.Sprintf(`(document.cookie='%s=%s;path=/', true)`, c.Name, c.Value))
	}
	eval[bool](page, b, fmt.Sprintf(`(document.cookie='lang=%s;path=/', document.cookie='theme=%s;path=/', true)`, l.lang, l.theme))
	do(page, b, chromedp.Navigate(v.url+path))
}

// shown are the pages of the sample project that everybody should have looked at, and as whom.
func shown(t *testing.T, ts *tripletSite) [][2]string {
	t.Helper()
	id := func(sql string, args ...any) (id string) {
		if err := ts.d.One(t.Context(), &id, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return id
	}
	inState := func(state string) string {
		return id(`SELECT id FROM triplet WHERE state = ? ORDER BY id LIMIT 1`, state)
	}
	source := func(reason string) string {
		return id(`SELECT id FROM source WHERE reason = ? LIMIT 1`, reason)
	}
	own := func(login, state string) string {
		return id(`SELECT t.id FROM triplet t JOIN person p ON p.id = t.annotator_id WHERE p.login = ? AND t.state = ? LIMIT 1`, login, state)
	}
	set := func(name string) string { return id(`SELECT id FROM query_set WHERE name = ?`, name) }
	query := func(name, code string) string {
		return id(`SELECT q.id FROM query q JOIN query_set s ON s.id = q.set_id WHERE s.name = ? AND q.code = ?`, name, code)
	}
	open := id(`SELECT r.id FROM review r JOIN person p ON p.id = r.reviewer_id WHERE p.login = 'pei' AND r.state = 'open' LIMIT 1`)
	conflict := source("date.conflict")
	draft, study, ranked := id(`SELECT id FROM study WHERE state = 'draft'`), id(`SELECT id FROM study WHERE state = 'open' AND kind = 'pair'`), id(`SELECT id FROM study WHERE state = 'closed' AND kind = 'rank'`)
	trained := id(`SELECT id FROM mix WHERE name = '春季对照'`)
	recorded := id(`SELECT id FROM mix WHERE id <> ?`, trained)
	return [][2]string{
		{"", "/login"},
		{"xu", "/"},
		{"lin", "/"},
		{"pei", "/"},
		{"lu", "/"},
		{"xu", "/sources"},
		{"xu", "/sources?state=held"},
		{"xu", "/sources?q=no-such-text"},
		{"xu", "/sources/" + conflict},
		{"xu", "/sources/" + source("screen.below.assessment")},
		{"lu", "/sources/import"},
		{"lu", "/sources/failures"},
		{"lu", "/imports/" + id(`SELECT import_id FROM source WHERE id = ?`, conflict)},
		{"xu", "/screening"},
		{"xu", "/screening/" + source("screen.failed.bad_output")},
		{"lin", "/annotate"},
		{"lin", "/annotate/pool"},
		{"lin", "/annotate/" + own("lin", triplet.Draft)},
		{"lin", "/annotate/" + own("lin", triplet.Returned)},
		{"lin", "/annotate/" + own("lin", triplet.Returned) + "?step=2"},
		{"lin", "/annotate/" + own("lin", triplet.Returned) + "?step=3"},
		{"lin", "/annotate/" + own("lin", triplet.Returned) + "/submit"},
		{"lin", "/annotate/" + own("lin", triplet.Returned) + "/history"},
		{"lin", "/annotate/" + own("lin", triplet.Accepted)},
		{"xu", "/triplets"},
		{"xu", "/triplets/" + inState(triplet.Disputed)},
		{"xu", "/triplets/" + inState(triplet.Removal)},
		{"xu", "/triplets/" + inState(triplet.Accepted)},
		{"xu", "/triplets/to-score"},
		{"xu", "/score/" + inState(triplet.Submitted)},
		{"pei", "/review"},
		{"pei", "/review/" + open},
		{"xu", "/reviews"},
		{"xu", "/releases"},
		{"xu", "/releases/0.2.0"},
		{"xu", "/releases/0.2.0/verify"},
		{"xu", "/statistics"},
		{"xu", "/statistics?release=0.1.0"},
		{"xu", "/models"},
		{"lu", "/models?by=day"},
		{"xu", "/models?since=2020-01-01&until=2020-01-02"},
		{"lu", "/models/calls"},
		{"xu", "/models/calls?failure=any"},
		{"xu", "/models/calls/" + id(`SELECT id FROM llm_call WHERE failure = 'bad_output' ORDER BY id DESC LIMIT 1`)},
		{"lu", "/triplets/failures"},
		{"xu", "/triplets/" + id(`SELECT item_id FROM llm_call WHERE item_kind = 'triplet' AND failure <> '' LIMIT 1`)},
		{"xu", "/benchmark"},
		{"xu", "/benchmark/import"},
		{"lu", "/benchmark/" + set("sample")},
		{"lu", "/benchmark/" + set("sample") + "?tab=coverage"},
		{"lu", "/benchmark/" + set("sample") + "?tab=answers"},
		{"xu", "/benchmark/" + set("下一批题")},
		{"xu", "/benchmark/" + set("下一批题") + "/new"},
		{"xu", "/queries/" + query("sample", "s3")},
		{"xu", "/queries/" + query("sample", "s5")},
		{"xu", "/queries/" + query("下一批题", "s1")},
		{"wen", "/panel"},
		{"wen", "/panel/" + set("sample")},
		{"xu", "/studies"},
		{"xu", "/studies/new"},
		{"xu", "/studies/new?kind=rate"},
		{"xu", "/studies/" + draft},
		{"xu", "/studies/" + draft + "/edit"},
		{"xu", "/studies/" + study},
		{"xu", "/studies/" + study + "/results"},
		{"xu", "/studies/" + study + "/votes"},
		{"xu", "/studies/" + id(`SELECT study_id || '/items/' || item_id FROM study_task WHERE study_id = ? AND state = 'done' ORDER BY id LIMIT 1`, study)},
		{"xu", "/studies/" + ranked},
		{"xu", "/studies/" + ranked + "/results"},
		{"xu", "/studies/" + id(`SELECT study_id || '/items/' || item_id FROM study_task WHERE study_id = ? AND state = 'done' ORDER BY id LIMIT 1`, ranked)},
		{"xu", "/experiments"},
		{"xu", "/experiments/" + recorded},
		{"xu", "/experiments/" + recorded + "?tab=mix"},
		{"lu", "/runs/" + id(`SELECT id FROM training_run WHERE mix_id = ? AND configuration = 'CW+240'`, recorded)},
		{"lu", "/experiments/" + trained},
		{"lu", "/experiments/" + trained + "?tab=mix"},
		{"lu", "/experiments/" + trained + "/start"},
		{"lu", "/runs/" + id(`SELECT id FROM training_run WHERE mix_id = ? AND configuration = 'CW'`, trained)},
		{"lu", "/runs/" + id(`SELECT id FROM training_run WHERE mix_id = ? AND configuration = 'G'`, trained)},
		{"xu", "/people"},
		{"xu", "/people/" + people(t, ts, "lin")},
		{"xu", "/settings"},
		{"lin", "/account"},
		{"lin", "/settings"},
		{"xu", "/sources/nowhere"},
	}
}

func people(t *testing.T, ts *tripletSite, login string) (id string) {
	t.Helper()
	if err := ts.d.One(t.Context(), &id, `SELECT id FROM person WHERE login = ?`, login); err != nil {
		t.Fatal(err)
	}
	return id
}

// Every page of the sample in a real browser: no script fails, nothing sticks out to the side, and
// with COIGWRITER_TEST_AXE, the path of axe.min.js, nobody is shut out. With COIGWRITER_SHOTS=<dir>
// it writes pictures of all, in both languages, both themes and both widths.
func TestEveryPageInABrowser(t *testing.T) {
	b := browser(t)
	ts, who := sampleSite(t)
	dir := os.Getenv("COIGWRITER_SHOTS")
	only := os.Getenv("COIGWRITER_SHOTS_ONLY")
	axe, err := os.ReadFile(os.Getenv("COIGWRITER_TEST_AXE"))
	if err != nil && os.Getenv("COIGWRITER_TEST_AXE") != "" {
		t.Fatal(err)
	}
	faults := make(chan string, 100)
	fault := func(format string, args ...any) {
		select {
		case faults <- fmt.Sprintf(format, args...):
		default: // a hundred tell enough
		}
	}
	if err := chromedp.Listen(b, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			fault("a script failed: %s %s:%d", ev.ExceptionDetails.Text, ev.ExceptionDetails.URL, ev.ExceptionDetails.LineNumber+1)
		case *cdplog.EventEntryAdded:
			if ev.Entry.Level == cdplog.EntryLevelError && !strings.Contains(ev.Entry.Text, "status of 40") {
				fault("%s %s", ev.Entry.Text, ev.Entry.URL)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	stranger := ts.stranger()
	for i, page := range append(shown(t, ts), blindPages(t, ts, who)...) {
		login, path := page[0], page[1]
		if only != "" && !strings.Contains(path, only) {
			continue
		}
		v := who[login]
		if v == nil {
			v = stranger
		}
		for j, l := range looks {
			if dir == "" && j != i%2 { // one of the two that differ in everything
				continue
			}
			v.sight(t, b, l, path)
			name := fmt.Sprintf("%s as %s, %v", path, login, l)
			for len(faults) > 0 {
				t.Errorf("%s: %s", name, <-faults)
			}
			if over := eval[int](t, b, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("%s: %d px stick out to the side: %s", name, over, eval[string](t, b, widest))
			}
			for _, what := range eval[[]string](t, b, clipped) {
				t.Errorf("%s: cannot be reached, it lies outside: %s", name, what)
			}
			if len(axe) > 0 {
				for _, fault := range eval[[]string](t, b, string(axe)+`;axe.run({resultTypes: ['violations']}).then(r => r.violations.map(v => v.id + ' at ' + v.nodes.slice(0, 3).map(n => n.target.join(' ') + ': ' + n.any.map(a => a.message).join('; ')).join(' | ')))`) {
					t.Errorf("%s: %s", name, fault)
				}
			}
			if dir != "" {
				file := strings.NewReplacer("/", "_", "?", "+", "=", "-").Replace(strings.Trim(path, "/"))
				shoot(t, b, filepath.Join(dir, fmt.Sprintf("%02d-%s-%s-%s-%s-%d.png", i, login, file[:min(len(file), 30)], l.lang, l.theme, l.width)), l.width)
			}
		}
	}
}

// clipped names what people work with and cannot see whole: it lies outside the window, or is
// cut off by something that does not scroll to it.
const clipped = `[...document.querySelectorAll('main :is(button, a, input, select, textarea, .save)')].filter(e => {
	if (!e.checkVisibility({visibilityProperty: true, opacityProperty: true}) || e.closest('.sr, [inert]')) return false;
	const r = e.getBoundingClientRect();
	if (r.width <= 1) return false;
	let left = 0, right = innerWidth;
	for (let p = e.parentElement; p; p = p.parentElement) {
		const scrolls = getComputedStyle(p).overflowX;
		if (scrolls === 'visible') continue;
		const box = p.getBoundingClientRect();
		if (p.classList.contains('table') || p.classList.contains('tabs')) return false;
		left = Math.max(left, box.left); right = Math.min(right, box.right);
	}
	return r.right > right + 1 || r.left < left - 1;
}).map(e => e.tagName + ' ' + (e.textContent || e.name || '').trim().slice(0, 40))`

// widest names an element that reaches over the right edge.
const widest = `(() => { for (const e of document.querySelectorAll('main *')) { const r = e.getBoundingClientRect(); if (r.right > innerWidth + 1) return e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40) } return '' })()`
