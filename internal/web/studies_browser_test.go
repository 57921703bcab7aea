package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"coigwriter/internal/evaluate"
)

// fill puts a value into a field as a person would, so that the page hears of it.
func fill(id, value string) string {
	return fmt.Sprintf(`(() => { const f = document.getElementById(%q); f.value = %q; f.dispatchEvent(new Event('input', {bubbles: true})); f.dispatchEvent(new Event('change', {bubbles: true})); return true })()`, id, value)
}

// In a real browser: the outlook follows the form, another kind offers other fields and keeps what was
// filled in, the draft opens, people vote, and a cell of the results leads to its votes and their texts.
func TestStudyInABrowser(t *testing.T) {
	b := browser(t)
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	l := newBlindLab(t, ts, 8, 3, 60)
	lead.sight(t, b, look{"zh-CN", "light", 1440}, "/studies/new")
	press := func(selector string) {
		t.Helper()
		do(t, b, chromedp.Click(selector))
	}
	outlook := func(words string) {
		t.Helper()
		until(t, b, fmt.Sprintf(`document.querySelector('[data-outlook]')?.textContent.includes(%q)`, words))
	}
	until(t, b, `document.readyState === 'complete'`)
	eval[bool](t, b, fill("name", "浏览器里的一轮"))
	eval[bool](t, b, fill("sample", fmt.Sprint(secretSample)))
	outlook("80 项")
	eval[bool](t, b, fill("pairs_per_query", "2"))
	outlook("16 项")
	eval[bool](t, b, fill("kind", evaluate.Rank))
	until(t, b, `document.querySelector('#size') && document.querySelector('#name').value === '浏览器里的一轮'`)
	until(t, b, `document.readyState === 'complete'`) // the modules listen
	eval[bool](t, b, fill("kind", evaluate.Pair))
	until(t, b, `document.querySelector('#pairs_per_query')`)
	press(`form[data-plan] .button.primary`)
	until(t, b, `document.querySelector('.head h1')?.textContent === '浏览器里的一轮'`)
	press(`form[action$="/open"] button`)
	until(t, b, `document.body.textContent.includes('已开评')`)
	at := eval[string](t, b, `location.pathname`)
	s, err := evaluate.Get(t.Context(), ts.d, strings.TrimPrefix(at, "/studies/"))
	if err != nil {
		t.Fatal(err)
	}
	if s.State != evaluate.Open || len(s.Plan.V.Evaluators) != 3 {
		t.Fatalf("%s with %d raters", s.State, len(s.Plan.V.Evaluators))
	}
	l.vote(s)
	do(t, b, chromedp.Navigate(ts.url+at+"/results"))
	until(t, b, `document.querySelector('.heat td.cell a')`)
	press(`.heat td.cell a`)
	until(t, b, `location.pathname.endsWith('/votes') && document.querySelector('tr[data-row] a')`)
	press(`tr[data-row] a`)
	until(t, b, `document.querySelectorAll('.reply').length === 2 && document.querySelector('.said-list li')`)
}
