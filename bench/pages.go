package main

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/source"
	"coigwriter/internal/web"
)

// client asks as a browser does: one connection kept open, gzip, no redirect followed.
var client = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask gets a page whole.
func ask(ctx context.Context, address string, cookie *http.Cookie) (status int, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	if cookie != nil {
		r.AddCookie(cookie)
	}
	reply, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(reply.Body)
	return reply.StatusCode, string(b), err
}

// filtered are lists with the filters people use; the site map gives the pages themselves.
var filtered = []string{
	"/statistics/figure/genres", "/statistics/figure/lengths?theme=dark",
	"/sources?state=refused", "/sources?state=pool&genre=none", "/sources?lang=zh", "/sources?q=春天", "/sources?q=不会有的词", "/sources?q=春天&text=1",
	"/sources?q=不会有的词&text=1", "/triplets?state=accepted", "/triplets?q=春天", "/triplets?q=不会有的词", "/annotate/pool?q=春天", "/annotate/pool?q=不会有的词",
}

// depth is how many pages of a list are turned before it is measured deep inside.
const depth = 20

// pages measures every page of the site map, and lists with filters and deep inside.
func (s *suite) pages(ctx context.Context, c *campaign) error {
	sec := s.rep.section("Pages", "GET, signed in with every role", fmt.Sprintf(
		"Every page of the site map, taken from the router, at %s sources and %s triplets (%s of them accepted). \"page %d\" is that many pages into a list. "+
			"Each was asked for twice before it was measured.", thousands(s.size.Sources), thousands(s.size.Triplets*11/10), thousands(s.size.Triplets), depth))
	srv, err := s.serve(ctx, c.store)
	if err != nil {
		return err
	}
	if err := srv.until(ctx, "/login", nil); err != nil {
		return err
	}
	f, err := s.finder(ctx, srv, c)
	if err != nil {
		return err
	}
	defer f.db.Close()
	var skipped []string
	for _, pattern := range f.patterns {
		path, why, err := f.find(ctx, pattern)
		if err != nil {
			return err
		}
		if path == "" {
			skipped = append(skipped, fmt.Sprintf("`%s` (%s)", pattern, why))
			continue
		}
		if err := f.time(ctx, sec, pattern, path); err != nil {
			return err
		}
	}
	last, err := f.one(ctx, `SELECT id FROM source ORDER BY id LIMIT 1 OFFSET 60`)
	if err != nil {
		return err
	}
	for _, path := range append(slices.Clone(filtered), "/sources?after="+source.CursorAfter(last)) {
		u, err := url.Parse(path)
		if err != nil {
			return err
		}
		shown := path
		if strings.Contains(path, "after=") {
			shown = u.Path + " last page"
		}
		u.RawQuery = u.Query().Encode()
		if err := f.time(ctx, sec, shown, u.String()); err != nil {
			return err
		}
	}
	slices.SortStableFunc(sec.timed, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	if len(skipped) > 0 {
		sec.notes = append(sec.notes, "Not measured: "+strings.Join(skipped, ", ")+".")
	}
	return srv.stop()
}

// A finder fills the wildcards of patterns so that pages answer 200.
type finder struct {
	srv      *server
	db       *db.DB
	cookie   *http.Cookie
	me       string
	asks     int
	patterns []string
}

func (s *suite) finder(ctx context.Context, srv *server, c *campaign) (*finder, error) {
	d, err := db.Open(ctx, c.store)
	if err != nil {
		return nil, err
	}
	site, err := web.New(web.Options{DB: d})
	if err != nil {
		return nil, err
	}
	f := &finder{srv: srv, db: d, cookie: c.cookies[0], me: c.people[0], asks: s.size.Asks}
	for _, r := range site.Routes() {
		if r.Method == http.MethodGet {
			f.patterns = append(f.patterns, r.Pattern)
		}
	}
	return f, nil
}

// ids are where ids come from, the likeliest table for a pattern first. A ? is who asks; pairs
// for two wildcards have /calls/ between them.
var ids = []struct{ prefix, query string }{
	{"/sources/", `SELECT item_id || '/calls/' || id FROM llm_call WHERE item_kind = 'source' ORDER BY id LIMIT 1`},
	{"/sources/", `SELECT id FROM source WHERE state = 'claimed' ORDER BY id LIMIT 1`},
	{"/screening/", `SELECT id FROM source WHERE state = 'waiting' ORDER BY id LIMIT 1`},
	{"/pool/", `SELECT id FROM source WHERE state = 'pool' ORDER BY id DESC LIMIT 1`},
	{"/annotate/", `SELECT id FROM triplet WHERE state = 'draft' AND annotator_id = ?`},
	{"/score/", `SELECT id FROM triplet WHERE state = 'submitted' AND annotator_id <> ? ORDER BY id LIMIT 1`},
	{"/review/", `SELECT id FROM review WHERE state = 'open' AND reviewer_id = ? ORDER BY id LIMIT 1`},
	{"/triplets/", `SELECT id FROM triplet WHERE state = 'accepted' ORDER BY id LIMIT 1`},
	{"/people/", `SELECT id FROM person WHERE id <> ? ORDER BY id LIMIT 1`},
	{"/imports/", `SELECT id FROM import ORDER BY id LIMIT 1`},
	// pages that came later than this list
	{"/", `SELECT version FROM release ORDER BY id LIMIT 1`},
	{"/", `SELECT version || '/calls/jsonl' FROM release ORDER BY id LIMIT 1`},
	{"/", `SELECT id FROM release ORDER BY id LIMIT 1`},
	{"/", `SELECT id FROM triplet WHERE state = 'accepted' ORDER BY id LIMIT 1`},
	{"/", `SELECT genre FROM triplet ORDER BY id LIMIT 1`},
	{"/", `SELECT id FROM removal ORDER BY id LIMIT 1`},
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// find returns an address of a pattern that answers 200, or why there is none.
func (f *finder) find(ctx context.Context, pattern string) (path, why string, err error) {
	pattern = strings.TrimSuffix(pattern, "{$}")
	tries := []string{pattern}
	switch {
	case strings.HasPrefix(pattern, "/static/"):
		_, body, err := ask(ctx, f.srv.base+"/login", nil)
		if err != nil {
			return "", "", err
		}
		tries = regexp.MustCompile(`/static/[^"]+\.js`).FindAllString(body, 1)
	case strings.Contains(pattern, "{secret}"):
		return "", "works once", nil
	case strings.Contains(pattern, "{"):
		if tries, err = f.fillings(ctx, pattern); err != nil {
			return "", "", err
		}
	}
	why = "no address known"
	for _, path := range tries {
		status, _, err := ask(ctx, f.srv.base+path, f.who(path))
		if err != nil {
			return "", "", err
		}
		if status == http.StatusOK {
			return path, "", nil
		}
		why = fmt.Sprintf("status %d", status)
	}
	return "", why, nil
}

// fillings are the addresses a pattern with one wildcard, or with the pair of ids that one
// query returns, may have.
func (f *finder) fillings(ctx context.Context, pattern string) (tries []string, err error) {
	for _, from := range ids {
		if !strings.HasPrefix(pattern, from.prefix) {
			continue
		}
		var args []any
		if strings.Contains(from.query, "?") {
			args = append(args, f.me)
		}
		id, err := f.one(ctx, from.query, args...)
		if err != nil {
			continue // none of this kind
		}
		path := pattern
		for part := range strings.SplitSeq(id, "/calls/") {
			if at := wildcard.FindStringIndex(path); at != nil {
				path = path[:at[0]] + url.PathEscape(part) + path[at[1]:]
			}
		}
		if !strings.Contains(path, "{") {
			tries = append(tries, path)
		}
	}
	return tries, nil
}

func (f *finder) one(ctx context.Context, query string, args ...any) (s string, err error) {
	err = f.db.One(ctx, &s, query, args...)
	return s, err
}

// who is the session that asks for a path: the door is for strangers.
func (f *finder) who(path string) *http.Cookie {
	if path == "/login" {
		return nil
	}
	return f.cookie
}

// next finds the address of a list's next page in it.
var next = regexp.MustCompile(`href="([^"]*[?&;]after=[^"]*)"`)

// time measures a page, and when it is a list, the same list deep inside.
func (f *finder) time(ctx context.Context, sec *section, name, path string) error {
	body, err := f.measure(ctx, sec, name, path)
	if err != nil {
		return err
	}
	turned := 0
	for range depth {
		m := next.FindAllStringSubmatch(body, -1)
		if len(m) == 0 {
			break
		}
		path = html.UnescapeString(m[len(m)-1][1])
		if _, body, err = ask(ctx, f.srv.base+path, f.cookie); err != nil {
			return err
		}
		turned++
	}
	if turned > 1 && !strings.Contains(name, "last page") {
		_, err = f.measure(ctx, sec, fmt.Sprintf("%s page %d", name, turned+1), path)
	}
	return err
}

func (f *finder) measure(ctx context.Context, sec *section, name, path string) (body string, err error) {
	var d dist
	for n := range f.asks + 2 {
		began := time.Now()
		status, b, err := ask(ctx, f.srv.base+path, f.who(path))
		if err != nil {
			return "", err
		}
		if status != http.StatusOK {
			return "", fmt.Errorf("%s: status %d", name, status)
		}
		if body = b; n >= 2 {
			d = append(d, time.Since(began))
		}
	}
	if strings.Contains(name, "/download/") { // the whole release as a file is no page
		sec.times(name, d, 0, atP95)
	} else {
		sec.times(name, d, boundPage, atP95)
	}
	return body, nil
}
