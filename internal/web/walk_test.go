package web

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"coigwriter/internal/audit"
	"coigwriter/internal/genre"
	"coigwriter/internal/triplet"
)

// press types keys into whatever has the focus, as a keyboard does.
func press(t *testing.T, b context.Context, keys string) {
	t.Helper()
	do(t, b, chromedp.KeyEvent(keys))
}

func ctrlEnter(t *testing.T, b context.Context) {
	t.Helper()
	do(t, b, chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
}

// arrived waits for a page by its path.
func arrived(t *testing.T, b context.Context, path string) {
	t.Helper()
	until(t, b, fmt.Sprintf(`location.pathname.startsWith(%q) && document.readyState === 'complete'`, path))
}

// The whole road of a triplet in a real browser, typed: claimed, written in three steps with the
// page closed in between, submitted, scored, reviewed twice, accepted. No pointer is needed for the
// marks and verdicts, and what was acknowledged as saved is there after the page was thrown away.
func TestWalkFromClaimToAccepted(t *testing.T) {
	b := browser(t)
	ts := newTripletSite(t)
	lead := ts.person("lena", "lead")
	author, r1, r2 := ts.person("anna", "annotator"), ts.person("rita", "reviewer"), ts.person("remy", "reviewer")
	ts.pooled("essay", "等你爸", shortArticle)
	zh := look{"zh-CN", "light", 1440}
	form := fullForm()

	// Claim with the key that the page shows.
	author.sight(t, b, zh, "/annotate")
	press(t, b, "c")
	until(t, b, `/^\/annotate\/[0-9a-f-]{36}$/.test(location.pathname) && document.readyState === 'complete'`)
	at := eval[string](t, b, `location.pathname`)
	id := at[strings.LastIndex(at, "/")+1:]

	// Step 1: typed, saved by itself, and still there after the page is opened anew.
	type field struct{ name, text string }
	fill := func(fields ...field) {
		t.Helper()
		for _, f := range fields {
			eval[bool](t, b, fmt.Sprintf(`(document.getElementById(%q).focus(), true)`, f.name))
			press(t, b, f.text)
		}
		until(t, b, `document.querySelector('.save')?.dataset.state === 'saved'`)
	}
	click := func(what string) {
		t.Helper()
		eval[bool](t, b, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, what))
	}
	var notes, facets []field
	for _, f := range attributeFields {
		notes = append(notes, field{f.Name, form.Get(f.Name)})
	}
	for _, f := range facetFields {
		facets = append(facets, field{f.Name, form.Get(f.Name)})
	}
	fill(append(notes, field{"prompt", form.Get("prompt")})...)
	do(t, b, chromedp.Navigate("about:blank"), chromedp.Navigate(ts.url+at))
	if got := eval[string](t, b, `document.querySelector('#prompt').value`); got != form.Get("prompt") {
		t.Fatalf("after opening the page again the prompt is %q", got)
	}

	// Steps 2 and 3, by the links that lead on.
	click("#step-1 .onward a")
	until(t, b, `document.querySelector('#reasoning').checkVisibility()`)
	fill(append(facets, field{"reasoning", form.Get("reasoning")})...)
	click("#step-2 .onward a")
	until(t, b, `document.querySelector('#checks').checkVisibility()`)
	for _, c := range triplet.Checks {
		click("[name=" + checkField(c) + "]")
	}
	until(t, b, `document.querySelector('.save')?.dataset.state === 'saved'`)
	ctrlEnter(t, b)
	arrived(t, b, at+"/submit")
	ctrlEnter(t, b)
	until(t, b, `location.pathname === '/annotate' && document.readyState === 'complete'`)
	if tr := ts.triplet(id); tr.State != triplet.Submitted || tr.Content.V.Reasoning != form.Get("reasoning") || tr.Content.V.Pasted != 0 {
		t.Fatalf("%s: %+v", tr.State, tr.Content.V)
	}

	// The score sheet: six digits.
	lead.sight(t, b, zh, "/score/"+id)
	press(t, b, "999988")
	ctrlEnter(t, b)
	until(t, b, `!location.pathname.startsWith('/score/'+`+fmt.Sprintf("%q", id)+`)`)
	if tr := ts.triplet(id); tr.State != triplet.InReview {
		t.Fatalf("after the sheet it is %s (%s)", tr.State, tr.Reason)
	}
	lead.post("/reviews/assign", nil, 303)

	// Two reviewers, one in each language, four digits and a letter.
	for i, r := range []*visitor{r1, r2} {
		r.sight(t, b, look{Langs[i], "dark", 1440}, "/review")
		press(t, b, "r")
		arrived(t, b, "/review/")
		if body := eval[string](t, b, `document.body.innerText`); strings.Contains(body, "anna") {
			t.Error("a reviewer sees who wrote it")
		}
		if i == 0 { // words chosen in the article stand in the comment, with their place
			eval[bool](t, b, `(getSelection().selectAllChildren(document.querySelector('#p-2')), true)`)
			press(t, b, "q")
			if got := eval[string](t, b, `document.querySelector('#comment').value`); !strings.HasPrefix(got, "「门外的伞滴着水，一直滴到天黑。」（等你爸 ¶2）\n") {
				t.Errorf("quoted as %q", got)
			}
			eval[bool](t, b, `(document.activeElement.blur(), getSelection().removeAllRanges(), true)`)
		}
		press(t, b, "5")
		press(t, b, "5")
		press(t, b, "4")
		press(t, b, "4")
		press(t, b, "a")
		ctrlEnter(t, b)
		until(t, b, `!/[0-9a-f-]{36}$/.test(location.pathname) && document.readyState === 'complete'`)
	}
	tr := ts.triplet(id)
	if tr.State != triplet.Accepted || tr.Tier != genre.Standard {
		t.Fatalf("in the end it is %s (%s)", tr.State, tr.Reason)
	}

	// The annotator sees it, and the history tells all of it.
	author.sight(t, b, zh, "/annotate?tab=accepted")
	until(t, b, `document.body.innerText.includes('等你爸')`)
	events, err := audit.History(t.Context(), ts.d, "triplet", id)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range events {
		actions = append(actions, e.Action)
	}
	if got := strings.Join(actions, " "); !strings.HasPrefix(got, "claim") || !strings.Contains(got, "submit") || !strings.Contains(got, "pass-gate") || !strings.HasSuffix(got, "accept") {
		t.Errorf("the history: %s", got)
	}
	if res, err := audit.Verify(t.Context(), ts.d); err != nil || len(res.Faults) > 0 {
		t.Errorf("%v %v", res.Faults, err)
	}
}
