package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dom "golang.org/x/net/html"

	"coigwriter/internal/sample"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// Every route of the site, asked by nobody and by each role: what the permission table allows
// is answered, what it does not is refused, and nothing breaks on an address that leads nowhere.
func TestEveryRouteAsksItsPermission(t *testing.T) {
	ts := newTripletSite(t)
	stranger := ts.stranger()
	visitors := map[user.Role]*visitor{}
	for _, r := range user.Roles {
		visitors[r] = ts.person("only-"+string(r), string(r))
	}
	placeholder := regexp.MustCompile(`\{[^}]*\}`)
	for _, route := range ts.s.routes {
		path := placeholder.ReplaceAllString(strings.TrimSuffix(route.Pattern, "{$}"), "nowhere")
		ask := func(v *visitor, query string) int {
			req, _ := http.NewRequest(route.Method, ts.url+path+query, strings.NewReader(""))
			if route.Method == "POST" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			res, body := v.do(req)
			if res.StatusCode >= 500 {
				t.Errorf("%s %s: %d\n%s", route.Method, path, res.StatusCode, firstLines(body))
			}
			return res.StatusCode
		}
		got := ask(stranger, "")
		switch {
		case route.May == user.Public:
			if got == 401 || got == 403 {
				t.Errorf("%s %s: a stranger gets %d", route.Method, path, got)
			}
			continue
		case route.Method == "GET" && got != http.StatusSeeOther, route.Method == "POST" && got < 300:
			t.Errorf("%s %s: a stranger gets %d", route.Method, path, got)
		}
		for _, r := range user.Roles {
			if route.Pattern == "/logout" {
				continue // it would end the session
			}
			may := route.May == user.Self || slices.Contains(user.RolesWith(route.May), r)
			if got := ask(visitors[r], ""); (got != http.StatusForbidden) != may {
				t.Errorf("%s %s as %s: %d, may %v", route.Method, path, r, got, may)
			}
			if may && route.Method == "GET" { // what no link of ours says
				ask(visitors[r], "?q=%00&after=%00&before=%ff&genre=%00&state=%00&lang=%00&why=%00&page=-1&step=99&stage=%00&release=%00&import=%00&tab=%00")
			}
		}
	}
}

// A crawler follows every link of the site as one person in one language and looks at each page.
type crawler struct {
	*visitor
	lang  string
	seen  map[string]bool
	pages map[string]string // patterns of the pages that were shown → an address
}

func (c *crawler) crawl(path string) {
	if c.seen[path] {
		return
	}
	c.seen[path] = true
	req, _ := http.NewRequest("GET", c.url+path, nil)
	req.AddCookie(&http.Cookie{Name: "lang", Value: c.lang})
	res, body := c.do(req)
	who := fmt.Sprintf("%s in %s", path, c.lang)
	if res.StatusCode == http.StatusSeeOther {
		c.crawl(res.Header.Get("Location"))
		return
	}
	if res.StatusCode != 200 {
		c.t.Errorf("%s: a link leads to %d", who, res.StatusCode)
		return
	}
	if pattern := c.s.patternOf(path); pattern != "" && c.pages[pattern] == "" {
		c.pages[pattern] = path
	}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		return
	}
	for _, link := range c.look(who, body) {
		c.crawl(link)
	}
}

// unfilled is an argument of a message that nobody gave.
var unfilled = regexp.MustCompile(`(?:^|[^{])\{[a-z_]+\}`)

func isPermission(s string) bool {
	return len(user.RolesWith(user.Permission(s))) > 0
}

// rawKey is a key of a message that has no text and therefore shows itself.
var rawKey = regexp.MustCompile(`^(?:annotate|benchmark|coherence|error|errors|frame|js|keys|login|models|people|releases|review|score|settings|sources|statistics|study|time|today|train)\.[a-z_]+(?:\.[a-z_]+)?$`)

// look checks one page and returns the links of this site on it.
func (c *crawler) look(who, body string) (links []string) {
	doc, err := dom.Parse(strings.NewReader(body))
	if err != nil {
		c.t.Errorf("%s: %v", who, err)
		return nil
	}
	ids, labelled, titles := map[string]bool{}, map[string]bool{}, 0
	for n := range doc.Descendants() {
		if n.Type == dom.TextNode && n.Parent != nil && (n.Parent.Data == "script" || n.Parent.Data == "template") {
			continue
		}
		if n.Type == dom.TextNode {
			text := strings.TrimSpace(n.Data)
			if unfilled.MatchString(text) || rawKey.MatchString(text) && !isPermission(text) || strings.Contains(text, "%!") {
				c.t.Errorf("%s: shows %q", who, text)
			}
			continue
		}
		if n.Type != dom.ElementNode {
			continue
		}
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		if id := attr["id"]; id != "" {
			if ids[id] {
				c.t.Errorf("%s: two elements are #%s", who, id)
			}
			ids[id] = true
		}
		switch n.Data {
		case "html":
			if attr["lang"] != c.lang {
				c.t.Errorf("%s: lang=%q", who, attr["lang"])
			}
		case "h1":
			titles++
		case "label":
			labelled[attr["for"]] = true
		case "img":
			if _, ok := attr["alt"]; !ok {
				c.t.Errorf("%s: a picture without alt", who)
			}
		case "a":
			href := attr["href"]
			u, err := url.Parse(href)
			if err != nil || href == "" {
				c.t.Errorf("%s: link %q: %v", who, href, err)
				continue
			}
			if u.Host == "" && strings.HasPrefix(u.Path, "/") {
				u.Fragment = ""
				links = append(links, u.String())
			}
			if u.Host != "" && attr["rel"] == "" {
				c.t.Errorf("%s: %s leads outside without rel", who, href)
			}
		}
	}
	if titles != 1 {
		c.t.Errorf("%s: %d h1", who, titles)
	}
	return links
}

// patternOf returns the route a GET of path takes.
func (s *Server) patternOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	for _, r := range s.routes {
		want, got := strings.Split(strings.TrimSuffix(r.Pattern, "{$}"), "/"), strings.Split(path, "/")
		if r.Method != "GET" || len(want) != len(got) {
			continue
		}
		fits := true
		for i := range want {
			fits = fits && (want[i] == got[i] || strings.HasPrefix(want[i], "{") && got[i] != "")
		}
		if fits {
			return r.Pattern
		}
	}
	return ""
}

// sampleSite serves the sample project; the password of all is empty, sessions are made.
func sampleSite(t *testing.T) (*tripletSite, map[string]*visitor) {
	t.Helper()
	ts := newTripletSite(t)
	if err := sample.Load(t.Context(), ts.d, "", func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	people, err := user.List(t.Context(), ts.d)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*visitor{}
	for _, p := range people {
		out[p.Login] = ts.visitor(p.ID)
	}
	ts.trained(out["lu"], "春季对照") // by a fake engine, here: the sample's own experiment came from a file, and offers less
	return ts, out
}

// Everybody can follow every link they are shown, in both languages, and every page of the site
// map is shown to somebody.
func TestEveryLinkOfTheSample(t *testing.T) {
	ts, people := sampleSite(t)
	pages := map[string]string{}
	for _, login := range []string{"xu", "lin", "zhou", "pei", "lu"} {
		for _, lang := range Langs {
			c := &crawler{people[login], lang, map[string]bool{}, pages}
			c.crawl("/")
		}
	}
	if t.Failed() {
		return
	}
	// These are reached by a form, a link in a letter, or not at all by people.
	elsewhere := []string{"/static/{hash}/{file...}", "/healthz", "/login", "/setup/{secret}", "/password/{secret}", "/imports/{id}/refused", "/statistics.csv", "/releases/{version}/download/{format}", "/annotate/{id}/findings", "/annotate/{id}/help", "/annotate/{id}/submit", "/evaluate/{study}", "/evaluate/task/{id}"}
	for _, r := range ts.s.routes {
		if r.Method == "GET" && pages[r.Pattern] == "" && !slices.Contains(elsewhere, r.Pattern) {
			t.Errorf("nobody finds a link to %s", r.Pattern)
		}
	}
}

// What people and models wrote is never markup: a campaign whose every field is hostile shows
// each of them as text.
func TestHostileTextIsText(t *testing.T) {
	ts := newTripletSite(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}` + "\u202e"
	lead := ts.person("lead", "lead")
	author, r1, r2 := ts.person("author", "annotator"), ts.person("r1", "reviewer"), ts.person("r2", "reviewer")
	for _, v := range []*visitor{lead, author, r1, r2} {
		if _, err := ts.d.Exec(t.Context(), `UPDATE person SET name = ? WHERE id = ?`, evil, v.id); err != nil {
			t.Fatal(err)
		}
	}
	source := ts.pooled("essay", evil+"题", evil+shortArticle)
	if _, err := ts.d.Exec(t.Context(), `UPDATE source SET author = ?, platform = ?, url = ?, file = ? WHERE id = ?`, evil, evil, "javascript:alert(1)", evil, source); err != nil {
		t.Fatal(err)
	}
	at := author.claim("")
	id := at[strings.LastIndex(at, "/")+1:]
	form := fullForm()
	for key := range form {
		if form.Get(key) != "1" && key != "step" && key != "pasted" {
			form.Set(key, `</textarea><svg/onload=alert(2)>`+form.Get(key))
		}
	}
	if status, _, body := author.autosave(id, 0, form); status >= 300 {
		t.Fatalf("%d %s", status, body)
	}
	author.post("/annotate/"+id+"/submit", url.Values{"revision": {"1"}}, http.StatusSeeOther)
	if ts.triplet(id).State != triplet.Submitted {
		t.Fatal(ts.triplet(id).State)
	}
	for _, v := range []*visitor{lead, author} {
		c := &crawler{v, "en", map[string]bool{}, map[string]string{}}
		c.crawl("/")
		for path := range c.seen {
			req, _ := http.NewRequest("GET", ts.url+path, nil)
			_, body := v.do(req)
			for _, bad := range []string{"<script>alert(", "<img src=x", "<svg/onload", `href="javascript:`} {
				if strings.Contains(body, bad) {
					t.Errorf("%s shows %s", path, bad)
				}
			}
		}
	}
}

// Both languages say the same: the same keys with the same arguments, and none is empty.
func TestLocalesAgree(t *testing.T) {
	argument := regexp.MustCompile(`\{[a-z_]+\}`)
	args := func(s string) []string {
		got := argument.FindAllString(s, -1)
		slices.Sort(got)
		return slices.Compact(got)
	}
	for key, m := range messages["zh-CN"] {
		e, ok := messages["en"][key]
		if !ok {
			t.Errorf("%s has no English", key)
			continue
		}
		if m.Other == "" || e.Other == "" {
			t.Errorf("%s is empty", key)
		}
		if !slices.Equal(args(m.Other), args(e.Other)) {
			t.Errorf("%s: %v in Chinese, %v in English", key, args(m.Other), args(e.Other))
		}
	}
	for key := range messages["en"] {
		if !has("zh-CN", key) {
			t.Errorf("%s has no Chinese", key)
		}
	}
}

// No text stands in the files that no page asks for. Keys that are put together at run time
// count as used when their beginning is written down, and states' names are (statusWord).
func TestLocalesAreUsed(t *testing.T) {
	var code bytes.Buffer
	for _, pattern := range []string{"*.go", "*.templ", "static/*.js", "../*/*.go"} {
		readAll(t, &code, pattern)
	}
	for _, m := range regexp.MustCompile(`Key: "([a-z_]+\.[a-z_.]+)"`).FindAllStringSubmatch(code.String(), -1) {
		if !has("en", m[1]) {
			t.Errorf("there is no text for the error %s", m[1])
		}
	}
	prefix := regexp.MustCompile(`"([a-z]+\.(?:[a-z_]+[._])*)"\s*\+`)
	var built []string
	for _, m := range prefix.FindAllStringSubmatch(code.String(), -1) {
		built = append(built, m[1])
	}
	for key := range messages["en"] {
		family, rest, _ := strings.Cut(key, ".")
		if family == "js" {
			if !strings.Contains(code.String(), rest) {
				t.Errorf("no script asks for %s", key)
			}
			continue
		}
		if strings.HasPrefix(rest, "state_") || strings.Contains(code.String(), `"`+key+`"`) || slices.ContainsFunc(built, func(p string) bool { return strings.HasPrefix(key, p) }) {
			continue
		}
		t.Errorf("no page asks for %s", key)
	}
}

// All sheets are one file to the browser: what one page family calls a thing must not be another's name,
// or the later of the two changes both.
func TestPageSheetsDoNotMeet(t *testing.T) {
	class := regexp.MustCompile(`(?m)(?:^|[,}])\s*\.([a-z][a-z0-9-]*)\s*[,{]`)
	owner := map[string]string{}
	for _, sheet := range []string{"work.css", "annotate.css", "benchmark.css", "blind.css", "study.css", "experiments.css"} {
		data, err := os.ReadFile("static/" + sheet)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range class.FindAllStringSubmatch(string(data), -1) {
			if other := owner[m[1]]; other != "" && other != sheet && !(other == "work.css" && sheet == "annotate.css") { // one family
				t.Errorf(".%s is styled in %s and in %s", m[1], other, sheet)
			}
			owner[m[1]] = sheet
		}
	}
}

func readAll(t *testing.T, into *bytes.Buffer, pattern string) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		into.Write(data)
	}
}
