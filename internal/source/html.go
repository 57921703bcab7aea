package source

import (
	"net"
	"net/url"
	"regexp"
	"strings"

	readability "codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"

	"coigwriter/internal/errs"
	"coigwriter/internal/text"
)

// ParsePage reads one HTML page: its main text as plain paragraphs, and what it says of its
// title, author, address, licence, tags and dates. where is a name for messages.
func ParsePage(page []byte) (Candidate, error) {
	decoded, err := decodePage(page)
	if err != nil {
		return Candidate{}, err
	}
	doc, err := html.Parse(strings.NewReader(decoded))
	if err != nil {
		return Candidate{}, errs.Invalidf("not a page that can be parsed: %w", err)
	}
	c := Candidate{Extra: map[string]any{}}
	addresses := pageAddresses(doc)
	c.URL = firstTrue(addresses)
	if c.URL == "" && len(addresses) > 0 {
		c.Extra["url_refused"] = addresses[0]
	}
	c.Evidence = dateEvidence(doc, addresses)
	c.Title = pageTitle(doc)
	c.Author = pageAuthor(doc)
	c.Licence = pageLicence(doc)
	c.Platform = metaContent(doc, "og:site_name")
	if u, err := url.Parse(c.URL); err == nil && u.Host != "" {
		c.Platform = strings.TrimPrefix(u.Hostname(), "www.")
	}
	if tags := pageTags(doc); len(tags) > 0 {
		c.Extra["tags"] = tags
	}
	c.Text = mainText(doc, c.Title)
	if c.Text == "" {
		return c, errs.Invalidf("no main text found in the page; save the article itself, or import it as Markdown")
	}
	return c, nil
}

// metaContent returns the content of the first meta element with one of the names.
func metaContent(doc *html.Node, names ...string) string {
	for _, name := range names {
		m := find(doc, func(n *html.Node) bool {
			return n.Data == "meta" && (strings.EqualFold(attr(n, "property"), name) || strings.EqualFold(attr(n, "name"), name)) &&
				attr(n, "content") != ""
		})
		if m != nil {
			return attr(m, "content")
		}
	}
	return ""
}

// titleBreak separates a page's title from its site's name.
var titleBreak = regexp.MustCompile(`\s+[|｜\-–—_·•»]\s+|\s*[|｜]\s*`)

// pageTitle returns the title without the site's name. A title that begins with the headline
// and a separator is the headline; otherwise a last part is cut when it is the site's name.
func pageTitle(doc *html.Node) string {
	title := metaContent(doc, "og:title", "twitter:title")
	if title == "" {
		if t := find(doc, func(n *html.Node) bool { return n.Data == "title" && n.Parent != nil && n.Parent.Data == "head" }); t != nil {
			title = content(t)
		}
	}
	title = strings.Join(strings.Fields(title), " ")
	head := ""
	if h := headline(doc); h != nil {
		head = content(h)
	}
	if title == "" {
		return clip(head, 300)
	}
	if head != "" && strings.HasPrefix(title, head) {
		if loc := titleBreak.FindStringIndex(title[len(head):]); loc != nil && loc[0] == 0 {
			return clip(head, 300)
		}
	}
	breaks := titleBreak.FindAllStringIndex(title, -1)
	if len(breaks) > 0 {
		last := breaks[len(breaks)-1]
		site, tail := metaContent(doc, "og:site_name"), title[last[1]:]
		known := site != "" && (strings.Contains(site, tail) || strings.Contains(tail, site))
		if known || (metaContent(doc, "og:title") == "" && last[0] > 0) {
			title = title[:last[0]]
		}
	}
	return clip(strings.TrimSpace(title), 300)
}

// Names that themes leave in their author field.
var noAuthor = map[string]bool{"": true, "undefined": true, "john doe": true, "hexo": true, "admin": true, "author": true, "your name": true}

func pageAuthor(doc *html.Node) string {
	for _, name := range []string{"article:author", "author", "og:article:author", "byline", "dc.creator", "twitter:creator"} {
		a := strings.Join(strings.Fields(metaContent(doc, name)), " ")
		if !noAuthor[strings.ToLower(a)] && !strings.HasPrefix(a, "http") {
			return clip(a, 100)
		}
	}
	if n := find(doc, func(n *html.Node) bool { return attr(n, "rel") == "author" || attr(n, "itemprop") == "author" }); n != nil {
		return clip(content(n), 100)
	}
	return ""
}

var licenceLink = regexp.MustCompile(`creativecommons\.org/(licenses|publicdomain)/([a-z-]+)(?:/(\d\.\d))?`)

// pageLicence names the Creative Commons licence the page links to, as SPDX does. When a page
// links to two, both are kept for a person to read, a marked rel=license first.
func pageLicence(doc *html.Node) string {
	var marked, linked []string
	for _, a := range elements(doc, "a", "link") {
		m := licenceLink.FindStringSubmatch(strings.ToLower(attr(a, "href")))
		if m == nil {
			continue
		}
		name := "CC-" + strings.ToUpper(m[2])
		if m[1] == "publicdomain" {
			name = "CC0"
		}
		if m[3] != "" {
			name += "-" + m[3]
		}
		if strings.Contains(attr(a, "rel"), "license") {
			marked = append(marked, name)
		} else {
			linked = append(linked, name)
		}
	}
	var out []string
	for _, name := range append(marked, linked...) {
		if len(out) < 3 && !contains(out, name) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func pageTags(doc *html.Node) []string {
	var tags []string
	add := func(s string) {
		for _, t := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '，' || r == '、' }) {
			if t = strings.TrimSpace(t); t != "" && len(tags) < 30 && !contains(tags, t) {
				tags = append(tags, clip(t, 60))
			}
		}
	}
	for _, m := range elements(doc, "meta") {
		if attr(m, "property") == "article:tag" {
			add(attr(m, "content"))
		}
	}
	if len(tags) == 0 {
		add(metaContent(doc, "keywords"))
	}
	return tags
}

var permalink = regexp.MustCompile(`(?:本文|文章|永久|本页)(?:链接|連結|地址|标题链接)\s*[:：]\s*([^\s<>"]{6,500})`)

// pageAddresses lists what the page calls its own address, the most formal statement first.
func pageAddresses(doc *html.Node) []string {
	var all []string
	add := func(s string) {
		if s != "" && len(s) < 2000 {
			all = append(all, s)
		}
	}
	if l := find(doc, func(n *html.Node) bool { return n.Data == "link" && attr(n, "rel") == "canonical" }); l != nil {
		add(attr(l, "href"))
	}
	add(metaContent(doc, "og:url"))
	if b := find(doc, func(n *html.Node) bool { return n.Data == "body" }); b != nil {
		if m := permalink.FindStringSubmatch(content(b)); m != nil {
			add(m[1])
		}
	}
	return all
}

// Hosts that generators write when nobody has configured them.
var placeholders = []string{"example.com", "example.org", "yoursite.com", "yourdomain.com", "localhost"}

// firstTrue returns the first address that can be one of a public page.
func firstTrue(addresses []string) string {
	for _, a := range addresses {
		if CheckURL(a) == nil {
			return a
		}
	}
	return ""
}

// CheckURL says whether an address can be that of a published page: http or https, with a
// public host that is not a generator's placeholder. It makes no request.
func CheckURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return errs.Invalidf("%q is not a web address; write it with http:// or https://, or leave it empty", clip(s, 100))
	}
	host := strings.ToLower(u.Hostname())
	for _, p := range placeholders {
		if host == p || strings.HasSuffix(host, "."+p) {
			return errs.Invalidf("%s is a placeholder, not the page's address", host)
		}
	}
	if ip := net.ParseIP(host); ip != nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified()) {
		return errs.Invalidf("%s is a private address", host)
	}
	return nil
}

// mainText returns the article as paragraphs. A container that the page marks as the body of
// the article is trusted over the guess, which loses short poems and takes in recommended
// posts, unless it holds next to nothing (a teaser, a widget of the same name).
func mainText(doc *html.Node, title string) string {
	body := articleBody(doc)
	marked := ""
	if body != nil {
		tidy(body)
		marked = renderText(body)
	}
	tidy(doc)
	guessed := ""
	p := readability.NewParser()
	p.CharThresholds = 100 // Han texts are short in characters; the default of 500 suits English
	p.KeepClasses = true
	if article, err := p.ParseAndMutate(doc, nil); err == nil && article.Node != nil {
		guessed = renderText(article.Node)
	}
	m, g := text.Len(marked), text.Len(guessed)
	if m >= 200 || m >= 20 && m*3 >= g {
		guessed = marked
	}
	return trimFurniture(dropTitle(trimFurniture(guessed), title))
}

// furnitureLine is a line that belongs to the page when it stands first or last.
var furnitureLine = regexp.MustCompile(`^(?:最新文章|最近发布|最近發佈|最近更新|相关文章|相关推荐|猜你喜欢|上一篇.{0,60}|下一篇.{0,60}|.{0,60} (?:上一篇|下一篇)|` +
	`\[TOC\]|目录|本文最后更新于.{0,30}|本文作者.{0,40}|责任编辑.{0,20}|.{0,20}\d{4}-\d\d-\d\d\d{4}-\d\d-\d\d|分享到.{0,20}|打赏|赞赏|阅读全文|展开全文)$`)

// trimFurniture drops lines of the page from the head and the end of a text.
func trimFurniture(body string) string {
	lines := strings.Split(strings.TrimSpace(body), "\n")
	idle := func(l string) bool { l = strings.TrimSpace(l); return l == "" || furnitureLine.MatchString(l) }
	for len(lines) > 0 && idle(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && idle(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}

// dropTitle removes a first line that only repeats the title.
func dropTitle(body, title string) string {
	line, rest, _ := strings.Cut(body, "\n")
	if title != "" && strings.Trim(line, " #《》") == strings.Trim(title, " #《》") && strings.TrimSpace(rest) != "" {
		return strings.TrimSpace(rest)
	}
	return body
}

// bodyMarks are what widespread themes and sites call the body of an article.
var bodyMarks = []string{
	"post-content", "article-content", "entry-content", "article-container", "markdown-body", "post-body",
	"article-body", "js_content", "post_content", "article-entry", "post__content",
}

func articleBody(doc *html.Node) *html.Node {
	if n := find(doc, func(n *html.Node) bool { return strings.EqualFold(attr(n, "itemprop"), "articleBody") }); n != nil {
		return n
	}
	for _, mark := range bodyMarks {
		n := find(doc, func(n *html.Node) bool {
			if n.Data == "body" || n.Data == "html" {
				return false
			}
			for _, m := range strings.Fields(marks(n)) {
				if m == mark {
					return true
				}
			}
			return false
		})
		if n != nil {
			return n
		}
	}
	return nil
}
