package source

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// tidy removes what is on the page but not in the article: scripts, line-number gutters, copy
// buttons, anchors on headings, licence boxes, tables of contents, page furniture.
func tidy(root *html.Node) {
	var drop []*html.Node
	walk(root, func(n *html.Node) bool {
		if n.Type == html.CommentNode {
			drop = append(drop, n)
			return false
		}
		if n != root && n.Type == html.ElementNode && furniture(n) {
			drop = append(drop, n)
			return false
		}
		return true
	})
	for _, n := range drop {
		remove(n)
	}
}

func furniture(n *html.Node) bool {
	if hidden(n) && n.Data != "body" && n.Data != "html" {
		return true
	}
	switch n.Data {
	case "script", "style", "noscript", "template", "button", "form", "iframe", "svg", "canvas", "nav", "footer":
		return true
	case "a":
		return hasMark(n, "headerlink", "header-anchor", "anchor-link") || content(n) == "#" || content(n) == "¶"
	case "html", "body", "main", "article":
		return false
	}
	for _, m := range strings.Fields(marks(n)) {
		switch m {
		case "gutter", "line-numbers", "lineno", "code-lang", "copy-btn", "copy-button", "highlight-tools", "toc", "post-toc", "toc-content",
			"post-copyright", "post-meta", "article-copyright-info-container", "post-reward", "reward", "post-tags", "post-nav",
			"license-box", "license", "tag_share", "post-footer", "article-nav", "comments", "comment", "related-posts":
			return true
		}
	}
	return false
}

// renderText writes an article as plain text: paragraphs apart by an empty line, verse lines
// and list items each on a line, code in fences, quotations behind "> ", headings on a line.
func renderText(n *html.Node) string {
	w := textWriter{}
	w.block(n, 0)
	return w.result()
}

// maxDepth bounds the recursion: a page nested deeper is an attack or a broken generator.
const maxDepth = 500

type textWriter struct {
	blocks []string
	line   strings.Builder
}

func (w *textWriter) flush() {
	if s := tidyLines(w.line.String()); s != "" {
		w.blocks = append(w.blocks, s)
	}
	w.line.Reset()
}

// zeroWidth drops the invisible characters editors leave behind.
var zeroWidth = strings.NewReplacer("\u200b", "", "\ufeff", "", "\u2060", "")

var spaces = regexp.MustCompile(`[ \t\r\f\v\x{00a0}]+`)

// tidyLines folds white space inside lines and drops indents, the two full-width spaces of a
// Chinese paragraph included: they are layout, and half the sites have them and half not.
func tidyLines(s string) string {
	s = zeroWidth.Replace(s)
	lines := strings.Split(s, "\n")
	out := lines[:0]
	for _, l := range lines {
		l = strings.TrimSpace(spaces.ReplaceAllString(l, " "))
		if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, l)
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

func (w *textWriter) block(n *html.Node, depth int) {
	if depth > maxDepth {
		return
	}
	switch {
	case n.Type == html.TextNode:
		// A new line in the source of a page is a space, and between Han no space at all.
		w.line.WriteString(joinSourceLines(n.Data))
		return
	case n.Type != html.ElementNode && n.Type != html.DocumentNode:
		return
	}
	switch n.Data {
	case "br":
		w.line.WriteByte('\n')
	case "pre", "figure":
		if n.Data == "pre" || hasMark(n, "highlight") {
			w.flush()
			if code := strings.Trim(codeText(n), "\n"); strings.TrimSpace(code) != "" {
				w.blocks = append(w.blocks, "```\n"+code+"\n```")
			}
			return
		}
		w.inside(n, depth, true)
	case "blockquote":
		w.flush()
		inner := textWriter{}
		inner.children(n, depth)
		if q := inner.result(); q != "" {
			w.blocks = append(w.blocks, "> "+strings.ReplaceAll(q, "\n", "\n> "))
		}
	case "ul", "ol":
		w.list(n, depth)
	case "table":
		w.table(n, depth)
	case "h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "section", "article", "header", "main", "dl", "dt", "dd", "figcaption", "aside", "details", "summary", "hr", "address":
		w.inside(n, depth, true)
	case "rt", "rp", "img", "script", "style", "video", "audio", "head":
	default:
		w.inside(n, depth, false)
	}
}

func (w *textWriter) inside(n *html.Node, depth int, own bool) {
	if own {
		w.flush()
	}
	w.children(n, depth)
	if own {
		w.flush()
	}
}

func (w *textWriter) children(n *html.Node, depth int) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.block(c, depth+1)
	}
}

func (w *textWriter) result() string {
	w.flush()
	return strings.Join(w.blocks, "\n\n")
}

func (w *textWriter) list(n *html.Node, depth int) {
	w.flush()
	var items []string
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		inner := textWriter{}
		inner.block(c, depth+1)
		if s := inner.result(); s != "" {
			items = append(items, "- "+strings.ReplaceAll(strings.ReplaceAll(s, "\n\n", "\n"), "\n", "\n  "))
		}
	}
	if len(items) > 0 {
		w.blocks = append(w.blocks, strings.Join(items, "\n"))
	}
}

func (w *textWriter) table(n *html.Node, depth int) {
	w.flush()
	var rows []string
	for _, tr := range elements(n, "tr") {
		var cells []string
		for _, td := range elements(tr, "td", "th") {
			inner := textWriter{}
			inner.children(td, depth+1)
			if s := strings.ReplaceAll(inner.result(), "\n", " "); s != "" {
				cells = append(cells, s)
			}
		}
		if len(cells) > 0 {
			rows = append(rows, strings.Join(cells, " | "))
		}
	}
	if len(rows) > 0 {
		w.blocks = append(w.blocks, strings.Join(rows, "\n"))
	}
}

// codeText keeps the white space of code, one line for each <br> and each .line element.
func codeText(n *html.Node) string {
	var b strings.Builder
	walk(n, func(c *html.Node) bool {
		switch {
		case c.Type == html.TextNode:
			b.WriteString(c.Data)
		case c.Type == html.ElementNode && c.Data == "br":
			b.WriteByte('\n')
		case c.Type == html.ElementNode && c.Data == "tr" && b.Len() > 0:
			b.WriteByte('\n')
		}
		return true
	})
	return strings.ReplaceAll(b.String(), "```", "'''")
}

// joinSourceLines replaces line breaks of the HTML source: nothing between two wide
// characters, a space elsewhere.
func joinSourceLines(s string) string {
	if !strings.ContainsAny(s, "\n\r") {
		return s
	}
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	var b strings.Builder
	if s[0] == '\n' || s[0] == '\r' {
		b.WriteByte(' ')
	}
	last := ' '
	for i, l := range lines {
		t := strings.Trim(l, " \t")
		if t == "" {
			continue
		}
		first := []rune(t)[0]
		if i > 0 && !(wide(last) && wide(first)) {
			b.WriteByte(' ')
		} else if i == 0 && l[0] == ' ' {
			b.WriteByte(' ')
		}
		b.WriteString(t)
		r := []rune(t)
		last = r[len(r)-1]
	}
	if e := s[len(s)-1]; e == '\n' || e == ' ' || e == '\t' {
		b.WriteByte(' ')
	}
	return b.String()
}

// wide reports whether r is set without spaces around it: Han, kana and their punctuation.
func wide(r rune) bool {
	return r >= 0x2E80 && r <= 0x9FFF || r >= 0xF900 && r <= 0xFAFF || r >= 0xFF00 && r <= 0xFF60 || r >= 0x20000 && r <= 0x3FFFF ||
		r == '“' || r == '”' || r == '‘' || r == '’' || r == '…' || r == '—'
}
