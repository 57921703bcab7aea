package screen

import (
	"regexp"
	"strconv"
	"strings"

	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

// mostlyCode counts the characters inside fences, and lines outside them that are commands or
// statements. Technical posts are no creative writing, but a story may quote a terminal.
func mostlyCode(in Input) (Finding, bool) {
	total, code, blocks, example := 0, 0, 0, ""
	fenced := false
	for _, l := range strings.Split(in.Text, "\n") {
		if strings.HasPrefix(l, "```") {
			fenced = !fenced
			if fenced {
				blocks++
			}
			continue
		}
		n := text.Len(strings.TrimSpace(l))
		total += n
		if fenced || codeLine.MatchString(l) {
			code += n
			if example == "" && n > 0 {
				example = l
			}
		}
	}
	if total == 0 || code < 40 {
		return nothing()
	}
	share := float64(code) / float64(total)
	args := []string{"share", percent(share), "blocks", strconv.Itoa(blocks)}
	switch {
	case share > 0.5:
		return found(source.LevelRefuse, "mostly-code", example, args...)
	case share > 0.1 || blocks >= 3:
		return found(source.LevelAsk, "mostly-code", example, args...)
	}
	return found(source.LevelNote, "mostly-code", example, args...)
}

var codeLine = regexp.MustCompile(`^\s*(?:(?:sudo|npm|pip3?|apt|git|docker|cd|curl|wget|yarn|pnpm) [a-z.\-/~][\w@./~ -]*$|(?:import|from) [\w.]+|#include|def \w+\(|function \w+\(|(?:var|let|const|int|return) .*;\s*$|[{}\[\]();]+$)`)

func mostlyQuotation(in Input) (Finding, bool) {
	total, quoted, example := 0, 0, ""
	for _, l := range text.Paragraphs(outsideCode(in.Text)) {
		n := text.Len(l)
		total += n
		if strings.HasPrefix(l, "> ") {
			quoted += n
			if example == "" {
				example = l
			}
		}
	}
	if total == 0 || quoted < 60 {
		return nothing()
	}
	share := float64(quoted) / float64(total)
	switch {
	case share > 0.5:
		return found(source.LevelAsk, "mostly-quotation", example, "share", percent(share))
	case share > 0.2:
		return found(source.LevelNote, "mostly-quotation", example, "share", percent(share))
	}
	return nothing()
}

var (
	link     = regexp.MustCompile(`(?:https?://|www\.)[^\s，。；）)”]+`)
	listMark = regexp.MustCompile(`^\s*(?:- |\d{1,3}[.、)）]\s*)`)
)

// listOrLinks asks about link farms and bare lists. A recipe or an itinerary is a list of
// sentences, so only lists of short items count.
func listOrLinks(in Input) (Finding, bool) {
	body := outsideCode(in.Text)
	links := link.FindAllString(body, -1)
	chars := 0
	for _, l := range links {
		chars += text.Len(l)
	}
	n := text.Len(body)
	if len(links) >= 5 && (chars*4 > n || len(links)*150 > n) {
		return found(source.LevelAsk, "list-or-links.links", links[0], "n", strconv.Itoa(len(links)))
	}
	lines := text.Paragraphs(body)
	items, example := 0, ""
	for _, l := range lines {
		if listMark.MatchString(l) && text.Len(l) < 30 {
			items++
			if example == "" {
				example = l
			}
		}
	}
	if items >= 10 && items*10 > len(lines)*7 {
		return found(source.LevelAsk, "list-or-links.list", example, "n", strconv.Itoa(items))
	}
	return nothing()
}

var (
	codePass  = Input{Text: prose}
	codeFail  = Input{Text: "先安装依赖：\n\n```\nnpm install hexo-cli -g\nhexo init blog\ncd blog && npm install\nhexo server --draft --port 4000\n```\n\n然后打开浏览器。"}
	quotePass = Input{Text: "> 风起于青萍之末。\n\n" + prose}
	quoteFail = Input{Text: "读到一段话：\n\n> " + prose + "\n\n共勉。"}
	listPass  = Input{Text: "- 面粉两百克，过筛两遍，没有疙瘩才算好，母亲总说手要轻，心要慢。\n- 水要温的，一点一点加。\n" + prose}
	listFail  = Input{Text: repeat("- 推荐书目第一辑", 8) + repeat("- 推荐书目第二辑", 8)}
)
