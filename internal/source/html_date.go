package source

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// Collectors of date evidence in a page. Each looks in one place; what they find is weighed by
// the gate, never here. go-htmldate is not among them: it reads the same places, so it could
// only repeat them, and its three errors on real pages were confident ones.

// publishNames are the meta elements that name a publication, in lower case.
var publishNames = map[string]bool{
	"article:published_time": true, "article:published": true, "article.published": true,
	"og:published_time": true, "og:release_date": true, "og:article:published_time": true,
	"pubdate": true, "pub_date": true, "publishdate": true, "publish_date": true, "publish-date": true,
	"publishtime": true, "publish_time": true, "publish-time": true, "pubtime": true, "published": true,
	"publication_date": true, "publicationdate": true, "datepublished": true, "datecreated": true,
	"firstpublishedtime": true, "apub:time": true, "dateupdate": true, "date": true, "created": true,
	"dc.date": true, "dc.date.issued": true, "dc.date.created": true, "dcterms.date": true,
	"dcterms.issued": true, "dcterms.created": true, "citation_date": true, "citation_publication_date": true,
	"weibo:article:create_at": true, "bytedance:published_time": true, "sailthru.date": true, "parsely-pub-date": true,
}

func dateEvidence(doc *html.Node, pageURLs []string) []Evidence {
	var ev []Evidence
	ev = append(ev, jsonLDDates(doc)...)
	ev = append(ev, metaDates(doc)...)
	ev = append(ev, timeElements(doc)...)
	ev = append(ev, visibleDate(doc)...)
	ev = append(ev, labelledDate(doc)...)
	ev = append(ev, scriptDates(doc)...)
	ev = append(ev, urlDates(pageURLs)...)
	return unique(ev)
}

// unique drops pieces that say the same thing from the same kind of place.
func unique(ev []Evidence) []Evidence {
	type key struct{ kind, raw string }
	seen := map[key]bool{}
	out := ev[:0]
	for _, e := range ev {
		k := key{e.Kind, e.Raw}
		if !seen[k] {
			seen[k] = true
			out = append(out, e)
		}
	}
	return out
}

var looseJSONLD = regexp.MustCompile(`"(datePublished|pubDate|dateCreated)"\s*:\s*"([^"]{4,60})"`)

func jsonLDDates(doc *html.Node) []Evidence {
	var ev []Evidence
	for _, s := range elements(doc, "script") {
		if !strings.EqualFold(attr(s, "type"), "application/ld+json") {
			continue
		}
		text := raw(s)
		var v any
		if json.Unmarshal([]byte(text), &v) == nil {
			ev = append(ev, jsonLDWalk(v, 0)...)
			continue
		}
		// Hand-written blocks are often broken JSON (a trailing comma); the date is still said.
		for _, m := range looseJSONLD.FindAllStringSubmatch(text, 3) {
			ev = append(ev, NewEvidence(KindJSONLD, m[2], m[1]))
		}
	}
	return ev
}

func jsonLDWalk(v any, depth int) []Evidence {
	var ev []Evidence
	if depth > 6 {
		return nil
	}
	switch v := v.(type) {
	case []any:
		for _, c := range v {
			ev = append(ev, jsonLDWalk(c, depth+1)...)
		}
	case map[string]any:
		for _, name := range []string{"datePublished", "pubDate"} {
			if s, ok := v[name].(string); ok {
				ev = append(ev, NewEvidence(KindJSONLD, s, name))
			}
		}
		if g, ok := v["@graph"]; ok {
			ev = append(ev, jsonLDWalk(g, depth+1)...)
		}
	}
	return ev
}

func metaDates(doc *html.Node) []Evidence {
	var ev []Evidence
	for _, m := range elements(doc, "meta") {
		for _, by := range []string{"property", "name", "itemprop"} {
			name := strings.ToLower(attr(m, by))
			if c := attr(m, "content"); publishNames[name] && c != "" {
				ev = append(ev, NewEvidence(KindMeta, c, name))
				break
			}
		}
	}
	return ev
}

// timeElements takes the first <time> that belongs to the article, and prefers one that says it
// is the publication.
func timeElements(doc *html.Node) []Evidence {
	var first, named *html.Node
	for _, t := range elements(doc, "time") {
		if within(t, elsewhere) || hasMark(t, "updat", "modif", "edit") || strings.EqualFold(attr(t, "itemprop"), "dateModified") {
			continue
		}
		if first == nil {
			first = t
		}
		declared := strings.Contains(attr(t, "itemprop"), "datePublished") || hasMark(t, "created", "publish")
		if named == nil && declared {
			named = t
		}
	}
	if named == nil {
		named = first
	}
	if named == nil {
		return nil
	}
	for _, rawDate := range []string{attr(named, "datetime"), content(named), attr(named, "title")} {
		if e := NewEvidence(KindTime, rawDate, "<time>"); e.At != nil {
			return []Evidence{e}
		}
		if d, words, ok := FindDate(rawDate); ok {
			return []Evidence{evidenceOf(KindTime, d, words, "<time>")}
		}
	}
	return nil
}

// afterHeadline is how far behind the headline a date still belongs to it, in code points.
const afterHeadline = 400

var updateWord = regexp.MustCompile(`(?i)(更新|修改|编辑|編輯|updated?|modified|edited)[^0-9]{0,8}$`)

// visibleDate reads what stands under the headline, where people look for the date.
func visibleDate(doc *html.Node) []Evidence {
	head := headline(doc)
	if head == nil {
		return nil
	}
	text := textAfter(doc, head, afterHeadline)
	d, words, ok := FindDate(text)
	for ok {
		i := strings.Index(text, words)
		if !updateWord.MatchString(text[:i]) {
			return []Evidence{evidenceOf(KindVisible, d, words, "<"+head.Data+">")}
		}
		text = text[i+len(words):]
		d, words, ok = FindDate(text)
	}
	return nil
}

// headline returns the article's own title element: an h1 that repeats the page's title, else
// an element that the theme calls a post title.
func headline(doc *html.Node) *html.Node {
	title := ""
	if t := find(doc, func(n *html.Node) bool { return n.Data == "title" }); t != nil {
		title = content(t)
	}
	if h := find(doc, func(n *html.Node) bool {
		c := ""
		if n.Data == "h1" {
			c = content(n)
		}
		return c != "" && (title == "" || strings.Contains(title, c) || strings.Contains(c, title))
	}); h != nil {
		return h
	}
	return find(doc, func(n *html.Node) bool {
		return n.Data != "a" && hasMark(n, "post-title", "article-title", "entry-title", "post_title") && content(n) != ""
	})
}

func textAfter(doc, head *html.Node, limit int) string {
	var b strings.Builder
	passed, n := false, 0
	walk(doc, func(c *html.Node) bool {
		if c == head {
			passed = true
			return false
		}
		if !passed || n > limit {
			return n <= limit
		}
		if c.Type == html.ElementNode {
			b.WriteByte(' ')
			return c.Data != "script" && c.Data != "style" && !elsewhere(c)
		}
		if c.Type == html.TextNode {
			s := strings.Join(strings.Fields(c.Data), " ")
			b.WriteString(s)
			n += len([]rune(s))
		}
		return true
	})
	return clip(b.String(), limit*2)
}

var label = regexp.MustCompile(`(发布时间|发布日期|发布于|發佈於|发表时间|发表日期|发表于|發表於|创建时间|创作时间|写于|投稿日|Published(?: on)?|Posted(?: on)?)\s*[:：]?\s*(.{0,40})`)

// labelledDate reads the first date with a word before it that says what it is.
func labelledDate(doc *html.Node) []Evidence {
	body := find(doc, func(n *html.Node) bool { return n.Data == "body" })
	if body == nil {
		return nil
	}
	text := textAfter(body, body.FirstChild, 5000)
	for _, m := range label.FindAllStringSubmatch(text, 5) {
		if d, words, ok := FindDate(m[2]); ok && strings.Index(m[2], words) < 6 {
			return []Evidence{evidenceOf(KindLabel, d, words, m[1])}
		}
	}
	return nil
}

// WeChat pages keep their only date in the variable ct.
var scriptDate = regexp.MustCompile(`(?i)\b(publish_?time|publish_?date|pub_?time|pub_?date|ptime|create_?time|\bct)["']?\s*[:=]\s*["']([0-9][^"'<>]{7,40})["']`)

func scriptDates(doc *html.Node) []Evidence {
	for _, s := range elements(doc, "script") {
		if attr(s, "type") == "application/ld+json" {
			continue
		}
		for _, m := range scriptDate.FindAllStringSubmatch(raw(s), 5) {
			if e := NewEvidence(KindScript, m[2], m[1]); e.At != nil {
				return []Evidence{e}
			}
		}
	}
	return nil
}

// urlDates reads the paths of the page's addresses. The path is evidence even when the host is
// obviously wrong (a theme's example.com): the generator wrote it from the post's date.
func urlDates(pageURLs []string) []Evidence {
	for _, p := range pageURLs {
		u, err := url.Parse(p)
		if err != nil {
			continue
		}
		if d, words, ok := PathDate(u.Path); ok {
			return []Evidence{evidenceOf(KindURL, d, words, clip(p, 200))}
		}
	}
	return nil
}
