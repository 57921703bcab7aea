package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"coigwriter/internal/evaluate"
)

// blindPages are an evaluator's pages with texts of 8,000 characters, for those who look at pages.
func blindPages(t *testing.T, ts *tripletSite, who map[string]*visitor) [][2]string {
	t.Helper()
	l := newBlindLab(t, ts, 2, 2, 8000)
	eye := l.eyes[0]
	who["eye"], who["idle"] = eye, l.eyes[1]
	only := func(p *evaluate.Plan) { p.Evaluators = []string{eye.id} }
	pair, rank, rate := l.study("散文对比", evaluate.Pair, 3, only), l.study("五篇排序", evaluate.Rank, 5, only), l.study("逐篇打分", evaluate.Rate, 2, only)
	over := l.study("已经结束的一次", evaluate.Pair, 2, only)
	if _, err := evaluate.Move(t.Context(), ts.d, l.lead, over.ID, evaluate.Closed, "试到这里"); err != nil {
		t.Fatal(err)
	}
	task := func(s evaluate.Study, n int) string { return taskPath(l.tasks(s, eye.id)[n]) }
	eye.post(task(pair, 0), url.Values{"winner": {"tie"}, "note": {"两篇的结尾都收得住。"}}, 303)
	for n := range l.tasks(rate, eye.id)[1:] {
		eye.post(task(rate, n+1), sayingForm(evaluate.Rate, 1), 303)
	}
	return [][2]string{
		{"idle", "/evaluate"},
		{"eye", "/evaluate"},
		{"eye", task(pair, 0) + "?other=1"},
		{"eye", task(pair, 1)},
		{"eye", task(rank, 0)},
		{"eye", task(rate, 0)},
		{"eye", task(rate, 1)},
		{"eye", "/evaluate/" + over.ID},
	}
}

// key presses one key that types nothing.
func key(t *testing.T, b context.Context, k string) {
	t.Helper()
	do(t, b, chromedp.KeyEvent(k))
}

// An evaluator does twenty pairs and five rankings by keyboard only, with texts of 8,000 characters. The
// page is loaded anew in the middle, a key is pressed twice, the back button is used, another window is
// quicker, the session ends: no verdict is lost and none is given that was not meant.
func TestEvaluateByKeyboard(t *testing.T) {
	b := browser(t)
	ts := newTripletSite(t)
	l := newBlindLab(t, ts, 7, 1, 8000)
	me := l.eyes[0]
	rank := l.study("排序", evaluate.Rank, 5, func(p *evaluate.Plan) { p.Queries = 5 })
	pair := l.study("对比", evaluate.Pair, 3, nil)
	me.sight(t, b, look{"zh-CN", "light", 1440}, "/evaluate")
	key(t, b, "j")
	key(t, b, kb.Enter)
	at := func(path string, done, of int) {
		t.Helper()
		until(t, b, fmt.Sprintf(`document.readyState === 'complete' && location.pathname === %q && document.querySelector('blind-task')?.dataset.ready === '' && document.querySelector('.blind-head [data-progress]').textContent === '已评 %d / %d 项'`, path, done, of))
	}
	ids := l.tasks(pair, me.id)
	path := func(i int) string { return taskPath(ids[i]) }
	at(path(0), 0, 21)

	// How long after a key the next sheet is drawn; logged, not judged.
	const watch = `window.watched ? true : (window.watched = true, addEventListener('keydown', e => { window.pressedAt = performance.now() }, true),
		new MutationObserver(() => requestAnimationFrame(() => requestAnimationFrame(() => {
			sessionStorage.drawn = (sessionStorage.drawn ?? '') + (performance.now() - pressedAt) + ' '
		}))).observe(document.querySelector('blind-task'), {childList: true}), true)`

	// Both texts scroll by the share that was read, and end together; an input method's keys are its own.
	key(t, b, " ")
	until(t, b, `(([a, b]) => { const r = e => e.scrollTop / (e.scrollHeight - e.clientHeight); return a.scrollTop > 100 && Math.abs(r(a) - r(b)) < .01 })(document.querySelectorAll('.answer'))`)
	key(t, b, kb.End)
	until(t, b, `[...document.querySelectorAll('.answer')].every(e => e.scrollHeight - e.clientHeight - e.scrollTop < 2)`)
	eval[bool](t, b, `(document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft', isComposing: true, bubbles: true})), true)`)

	choices := []struct{ key, says string }{{kb.ArrowLeft, "a"}, {kb.ArrowRight, "b"}, {kb.ArrowDown, "tie"}, {kb.ArrowUp, "both_bad"}, {"1", "a"}, {"2", "b"}, {"3", "tie"}, {"4", "both_bad"}}
	want := map[string]string{}
	vote := func(i int) {
		t.Helper()
		c := choices[i%len(choices)]
		want[ids[i]] = c.says
		key(t, b, c.key)
	}
	for i := range 20 {
		at(path(i), i, 21)
		eval[bool](t, b, watch)
		switch i {
		case 5: // loaded anew in the middle
			do(t, b, chromedp.Reload())
			at(path(i), i, 21)
			vote(i)
		case 8: // pressed twice: the second press is not meant for a pair nobody has read
			vote(i)
			key(t, b, choices[i%len(choices)].key)
		case 11: // another window is quicker and says something else
			tab, cancel := chromedp.NewContext(b)
			if err := chromedp.Do(tab, chromedp.Navigate(ts.url+path(i))); err != nil { // no deadline: it would bound the tab's life
				t.Fatal(err)
			}
			until(t, tab, `document.querySelector('blind-task')?.dataset.ready === ''`)
			key(t, tab, kb.ArrowDown)
			until(t, tab, fmt.Sprintf(`location.pathname === %q`, path(i+1)))
			cancel()
			want[ids[i]] = "tie"
			key(t, b, kb.ArrowLeft)
			until(t, b, `document.querySelector('blind-task')?.dataset.ready === '' && document.querySelector('[data-notice]')?.textContent.includes('已经评过') && document.querySelector('.given').textContent.includes('不分高下')`)
			key(t, b, kb.Enter)
			at(path(i+1), i+1, 21)
		case 14: // the back button shows what was said; it is taken back and said anew
			vote(i)
			at(path(i+1), i+1, 21)
			eval[bool](t, b, `(history.back(), true)`)
			until(t, b, fmt.Sprintf(`location.pathname === %q && document.querySelector('blind-task')?.dataset.ready === '' && document.querySelector('.given')?.textContent.includes('不分高下')`, path(i)))
			key(t, b, "u")
			at(path(i), i, 21)
			want[ids[i]] = "b"
			key(t, b, "2")
		case 17: // the session ends: the verdict stays in the browser and is sent after signing in
			if _, err := ts.d.Exec(t.Context(), `DELETE FROM session`); err != nil {
				t.Fatal(err)
			}
			vote(i)
			until(t, b, fmt.Sprintf(`location.pathname === %q && document.querySelector('[data-notice]')?.textContent.includes('登录已过期')`, path(i)))
			eval[bool](t, b, fmt.Sprintf(`(document.cookie = 'session=%s;path=/', true)`, ts.session(me.id).Value))
			do(t, b, chromedp.Navigate(ts.url+path(i)))
		default:
			vote(i)
		}
	}
	at(path(20), 20, 21)
	drawn := eval[[]float64](t, b, `(sessionStorage.drawn ?? '').split(' ').filter(Boolean).map(Number)`)
	for id, says := range want {
		sh, err := evaluate.Show(t.Context(), ts.d, me.id, id, false)
		if err != nil || sh.Given == nil || sh.Given.Winner != says {
			t.Errorf("task %d: %+v, want %s, %v", slices.Index(ids, id), sh.Given, says, err)
		}
	}
	// u takes the last one back from where one is.
	key(t, b, "u")
	at(path(19), 19, 21)
	key(t, b, "3")
	at(path(20), 20, 21)
	slices.Sort(drawn)
	if len(drawn) > 0 {
		t.Logf("the next pair was drawn after %.0f ms (median), %.0f ms (most) of %d", drawn[len(drawn)/2], drawn[len(drawn)-1], len(drawn))
	}

	// Five rankings: a digit places the answer in front, j goes on.
	do(t, b, chromedp.Navigate(ts.url+"/evaluate/"+rank.ID))
	ranked := l.tasks(rank, me.id)
	for i, id := range ranked {
		at(taskPath(id), i, 5)
		key(t, b, kb.Enter) // sends nothing
		ctrlEnter(t, b)
		until(t, b, `document.querySelector('[data-notice]').textContent.includes('甲 乙 丙 丁 戊')`)
		// All first, one after the other: each pushes those before it down.
		for range 4 {
			key(t, b, "1")
			key(t, b, "j")
		}
		key(t, b, "1")
		if got := eval[string](t, b, `[...document.querySelectorAll('.slot span')].map(e => e.textContent).join('')`); got != "戊丁丙乙甲" {
			t.Fatalf("the order is %s", got)
		}
		if i == 2 { // kept through a reload
			do(t, b, chromedp.Reload())
			at(taskPath(id), i, 5)
			until(t, b, `[...document.querySelectorAll('.slot span')].map(e => e.textContent).join('') === '戊丁丙乙甲'`)
		}
		ctrlEnter(t, b)
		if i < 4 {
			until(t, b, fmt.Sprintf(`location.pathname === %q`, taskPath(ranked[i+1])))
		}
	}
	until(t, b, `document.body.innerText.includes('全部评完')`)
	for _, id := range ranked {
		sh, err := evaluate.Show(t.Context(), ts.d, me.id, id, false)
		if err != nil || sh.Given == nil || !slices.Equal(sh.Given.Ranked, []int{4, 3, 2, 1, 0}) {
			t.Errorf("%+v, %v", sh.Given, err)
		}
	}
	if left := eval[[]string](t, b, `Object.keys(localStorage).filter(k => k.startsWith('verdict:')).map(k => k + ' ' + localStorage[k])`); len(left) > 0 {
		t.Errorf("still kept in the browser: %s\nof %v and %v", strings.Join(left, " "), ids, ranked)
	}
}
