package web

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"coigwriter/internal/source"
)

// By keyboard alone: digits give the marks of a stage, Ctrl+Enter records it; in the list x
// ticks a row, and the bar counts.
func TestScreeningByKeyboard(t *testing.T) {
	ctx := browser(t)
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	lead.upload(303, []upload{{"a.jsonl", append(sourceRecord(1, nil), sourceRecord(2, nil)...)}})
	id := ts.sourceBy("站台之1").ID
	c := ts.session(lead.id)
	do(t, ctx, chromedp.Navigate(ts.url+"/healthz"))
	eval[bool](t, ctx, fmt.Sprintf(`(document.cookie='lang=zh-CN;path=/', document.cookie='%s=%s;path=/', true)`, c.Name, c.Value))
	press := func(key string) {
		eval[bool](t, ctx, fmt.Sprintf(`document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: %q, bubbles: true, cancelable: true})) || true`, key))
	}
	do(t, ctx, chromedp.Navigate(ts.url+"/screening/"+id))
	for _, key := range []string{"8", "9", "7", "0", "6"} {
		press(key)
	}
	if got := eval[string](t, ctx, `[...document.querySelectorAll('.marks :checked')].map(m => m.value).join()`); got != "8,9,7,10,6" {
		t.Fatalf("marks %s", got)
	}
	eval[bool](t, ctx, `document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true, bubbles: true})) || true`)
	do(t, ctx, chromedp.WaitReady(`input[name=stage][value=screening]`))

	do(t, ctx, chromedp.Navigate(ts.url+"/sources?state="+source.Waiting))
	press("j")
	press("x")
	until(t, ctx, `document.querySelector('[data-picked]').textContent === '已选 1'`)
	eval[bool](t, ctx, `(document.querySelector('[data-pick-all]').click(), true)`)
	until(t, ctx, `document.querySelector('[data-picked]').textContent === '已选 2'`)
}
