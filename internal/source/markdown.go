package source

import (
	"html"
	"regexp"
	"strings"
)

// ParsePost reads one Markdown post: fields from its front matter, the body as plain text.
// path is where the file lay in its site, for a date in it.
func ParsePost(post []byte) (Candidate, error) {
	text, err := decodePage(post)
	if err != nil {
		return Candidate{}, err
	}
	fields, body, _, err := splitFrontMatter(text)
	if err != nil {
		return Candidate{}, err
	}
	c := Candidate{
		Title:    clip(field(fields, "title"), 300),
		Author:   clip(field(fields, "author", "authors"), 100),
		Platform: field(fields, "platform"),
		Language: baseLanguage(field(fields, "language", "lang")),
		Genre:    field(fields, "genre"),
		Licence:  field(fields, "licence", "license"),
		Extra:    map[string]any{},
	}
	// A path such as /post/3646 is no address; it is kept among the extra fields.
	if u := field(fields, "url", "permalink", "canonical", "canonicalURL", "source"); u != "" {
		if CheckURL(u) == nil {
			c.URL = u
		}
		if d, words, ok := PathDate(u); ok {
			c.Evidence = append(c.Evidence, evidenceOf(KindURL, d, words, clip(u, 200)))
		}
	}
	if date := field(fields, "date", "published_at", "publishDate", "published", "pubDate", "created_at", "created"); date != "" {
		c.Evidence = append(c.Evidence, NewEvidence(KindFrontMatter, date, "date"))
	}
	known := map[string]bool{
		"title": true, "author": true, "authors": true, "genre": true, "language": true, "lang": true,
		"licence": true, "license": true, "date": true, "platform": true,
	}
	for k, v := range fields {
		if !known[strings.ToLower(k)] && v != nil && v != "" {
			c.Extra[k] = jsonable(v)
		}
	}
	c.Text = dropTitle(PlainMarkdown(body), c.Title)
	return c, nil
}

// jsonable turns what a YAML parser made into what JSON can hold.
func jsonable(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := map[string]any{}
		for k, x := range v {
			m[field(map[string]any{"k": k}, "k")] = jsonable(x)
		}
		return m
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			m[k] = jsonable(x)
		}
		return m
	case []any:
		for i := range v {
			v[i] = jsonable(v[i])
		}
	}
	return v
}

// baseLanguage returns zh for zh-CN and zh_Hans, "" for none.
func baseLanguage(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if i := strings.IndexAny(s, "-_"); i > 0 {
		s = s[:i]
	}
	switch s {
	case "cn", "chinese", "中文", "汉语", "简体中文", "繁體中文":
		return "zh"
	case "english", "英文", "英语":
		return "en"
	}
	return clip(s, 10)
}

var (
	mdComment   = regexp.MustCompile(`(?s)<!--.*?-->`)
	mdImage     = regexp.MustCompile(`!\[[^\]\n]*\]\([^)\n]*\)|!\[[^\]\n]*\]\[[^\]\n]*\]|!\[\[[^\]\n]*\]\]`)
	mdLink      = regexp.MustCompile(`\[([^\]\n]+)\]\((?:[^()\n]|\([^()\n]*\))*\)`)
	mdRefLink   = regexp.MustCompile(`\[([^\]^\n]+)\]\[[^\]\n]*\]`)
	mdRefTarget = regexp.MustCompile(`^\s{0,3}\[[^\]^]+\]:\s*\S+.*$`)
	mdAutoLink  = regexp.MustCompile(`<(https?://[^>\s]+)>`)
	mdHeading   = regexp.MustCompile(`^\s{0,3}#{1,6}\s+(.*?)(?:\s+#+)?(?:\s*\{#[^}]*\})?\s*$`)
	mdRule      = regexp.MustCompile(`^\s{0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,}|={3,})$`)
	mdBullet    = regexp.MustCompile(`^(\s*)[*+-]\s+`)
	mdStrong    = regexp.MustCompile(`(\*\*\*|___|\*\*|__|~~|==)(\S(?:[^\n]*?\S)?)(\*\*\*|___|\*\*|__|~~|==)`)
	mdEmphasis  = regexp.MustCompile(`(^|[^\\*\w])[*]([^\s*](?:[^*\n]*?[^\s*])?)[*]`)
	mdCode      = regexp.MustCompile("`([^`\n]+)`")
	mdShortcode = regexp.MustCompile(`\{%[^%\n]*%\}|\{\{[<%][^\n]*?[>%]\}\}`)
	mdTag       = regexp.MustCompile(`</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>\n]*)?/?>`)
	mdBreakTag  = regexp.MustCompile(`(?i)<br\s*/?>`)
	mdHidden    = regexp.MustCompile(`(?is)<(script|style|iframe|rt|rp)\b[^>]*>.*?</(?:script|style|iframe|rt|rp)>`)
	mdEscape    = regexp.MustCompile(`\\([\\` + "`" + `*_{}\[\]()#+.!~>|-])`)
	mdTableRule = regexp.MustCompile(`^\s*\|?(?:\s*:?-{2,}:?\s*\|)+\s*:?-*:?\s*$`)
)

// PlainMarkdown turns Markdown into the text a reader sees: paragraphs apart by an empty line,
// lines of verse kept, headings on a line of their own, "- " lists, "> " quotations and fenced
// code kept as they are. Images, comments, HTML and theme tags go.
func PlainMarkdown(md string) string {
	md = strings.ReplaceAll(md, "\r\n", "\n")
	md = mdHidden.ReplaceAllString(mdComment.ReplaceAllString(md, ""), "")
	var out []string
	fence := ""
	for _, line := range strings.Split(md, "\n") {
		trimmed := strings.TrimSpace(line)
		if fence != "" {
			out = append(out, line)
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]) == "" {
				out[len(out)-1], fence = "```", ""
			}
			continue
		}
		if strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~") {
			fence = trimmed[:3]
			out = append(out, "", "```")
			continue
		}
		out = append(out, plainLine(line)...)
	}
	if fence != "" {
		out = append(out, "```")
	}
	return joinParagraphs(out)
}

// plainLine returns the lines one Markdown line becomes; none when nothing of it is text.
func plainLine(line string) []string {
	if strings.TrimSpace(line) == "" {
		return []string{""}
	}
	if mdRule.MatchString(line) || mdRefTarget.MatchString(line) || mdTableRule.MatchString(line) {
		return []string{""}
	}
	if m := mdHeading.FindStringSubmatch(line); m != nil {
		if h := inline(m[1]); h != "" {
			return []string{"", h, ""}
		}
		return []string{""}
	}
	quote := ""
	for t := strings.TrimLeft(line, " "); strings.HasPrefix(t, ">"); t = strings.TrimLeft(line, " ") {
		quote = "> "
		line = t[1:]
	}
	indent := ""
	if m := mdBullet.FindStringSubmatch(line); m != nil {
		indent = strings.Repeat("  ", min(len(m[1])/2, 4)) + "- "
		line = line[len(m[0]):]
	}
	var lines []string
	for _, part := range strings.Split(mdBreakTag.ReplaceAllString(line, "\n"), "\n") {
		if s := inline(part); s != "" {
			lines = append(lines, quote+indent+s)
		}
	}
	if lines == nil && quote != "" {
		return []string{">"}
	}
	return lines // a line that held only an image leaves no trace, not even a break
}

// inline drops the marks inside one line.
func inline(s string) string {
	s = mdShortcode.ReplaceAllString(mdImage.ReplaceAllString(s, ""), "")
	s = mdAutoLink.ReplaceAllString(s, "$1")
	s = mdLink.ReplaceAllString(s, "$1")
	s = mdRefLink.ReplaceAllString(s, "$1")
	s = mdTag.ReplaceAllString(s, "")
	s = mdStrong.ReplaceAllString(mdStrong.ReplaceAllString(s, "$2"), "$2")
	s = mdEmphasis.ReplaceAllString(s, "$1$2")
	s = mdCode.ReplaceAllString(s, "$1")
	s = mdEscape.ReplaceAllString(s, "$1")
	s = html.UnescapeString(s)
	return strings.TrimSpace(spaces.ReplaceAllString(s, " "))
}

// joinParagraphs drops repeated empty lines and joins prose that was wrapped by hand at some
// width: a long line without a final mark, followed by a Latin word. Everything else keeps its
// line breaks, because in verse they are the text.
func joinParagraphs(lines []string) string {
	var out []string
	fenced := false
	for _, l := range lines {
		if l == "```" {
			fenced = !fenced
		}
		if !fenced && l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		if n := len(out); !fenced && n > 0 && wrapped(out[n-1], l) {
			out[n-1] += " " + l
			continue
		}
		out = append(out, l)
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

func wrapped(prev, next string) bool {
	if len(prev) < 60 || next == "" || strings.HasPrefix(prev, ">") || strings.HasPrefix(prev, "- ") {
		return false
	}
	last, first := prev[len(prev)-1], next[0]
	return last < 0x80 && first < 0x80 && !strings.ContainsRune(".!?:;\")`", rune(last)) &&
		(first >= 'a' && first <= 'z')
}
