package source

import (
	"strings"

	"golang.org/x/net/html"
)

// Small helpers over a parsed page. A page is somebody else's: any element may be missing,
// repeated or nested absurdly, so every helper answers "" or nil rather than failing.

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

// marks is what a theme calls an element: its class and id, in lower case.
func marks(n *html.Node) string {
	return strings.ToLower(attr(n, "class") + " " + attr(n, "id"))
}

func hasMark(n *html.Node, words ...string) bool {
	m := marks(n)
	if m == " " {
		return false
	}
	for _, w := range words {
		if strings.Contains(m, w) {
			return true
		}
	}
	return false
}

// walk visits n and everything below it in document order, by hand rather than by recursion
// because pages nest thousands deep. visit says whether to look inside.
func walk(n *html.Node, visit func(*html.Node) bool) {
	for at := n; at != nil; {
		if visit(at) && at.FirstChild != nil {
			at = at.FirstChild
			continue
		}
		for at != n && at.NextSibling == nil {
			at = at.Parent
		}
		if at == n {
			return
		}
		at = at.NextSibling
	}
}

func find(n *html.Node, match func(*html.Node) bool) *html.Node {
	var found *html.Node
	walk(n, func(c *html.Node) bool {
		if found == nil && c.Type == html.ElementNode && match(c) {
			found = c
		}
		return found == nil
	})
	return found
}

func elements(n *html.Node, names ...string) []*html.Node {
	var all []*html.Node
	walk(n, func(c *html.Node) bool {
		if c.Type == html.ElementNode {
			for _, name := range names {
				if c.Data == name {
					all = append(all, c)
				}
			}
		}
		return true
	})
	return all
}

// content returns the text below n with white space folded.
func content(n *html.Node) string {
	var b strings.Builder
	walk(n, func(c *html.Node) bool {
		switch {
		case c.Type == html.TextNode:
			b.WriteString(c.Data)
		case c.Type == html.ElementNode && (c.Data == "script" || c.Data == "style" || c.Data == "noscript"):
			return false
		case c.Type == html.ElementNode:
			b.WriteByte(' ')
		}
		return true
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// raw returns the text directly below n, as a script has it.
func raw(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// within reports whether n lies in an element that match accepts.
func within(n *html.Node, match func(*html.Node) bool) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if p.Type == html.ElementNode && match(p) {
			return true
		}
	}
	return false
}

func remove(n *html.Node) {
	if n.Parent != nil {
		n.Parent.RemoveChild(n)
	}
}

// elsewhere reports whether an element is about other pages: navigation, recent posts, comments.
// Themes also put such words on the frame around everything (class="sidebar-right"), so an
// element that holds the article, or lies in it, is never elsewhere.
func elsewhere(n *html.Node) bool {
	switch n.Data {
	case "nav", "aside", "footer":
	default:
		if !hasMark(n, "sidebar", "aside", "recent", "related", "recommend", "footer", "comment", "prev-next", "pagination", "archive-list") {
			return false
		}
	}
	return !within(n, isArticle) && !isArticle(n) && find(n, isArticle) == nil
}

func isArticle(n *html.Node) bool {
	return n.Data == "article" || n.Data == "main" || hasMark(n, "h-entry", "hentry") || strings.EqualFold(attr(n, "itemprop"), "articleBody")
}

// hidden reports whether a reader never sees the element. WeChat's visibility:hidden does not
// count: it is lifted by a script on every page.
func hidden(n *html.Node) bool {
	for _, a := range n.Attr {
		if a.Key == "hidden" || a.Key == "style" && strings.Contains(strings.ReplaceAll(a.Val, " ", ""), "display:none") {
			return true
		}
	}
	return false
}
