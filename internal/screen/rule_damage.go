package screen

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

func mojibake(in Input) (Finding, bool) {
	share, seen := text.Mojibake(in.Text)
	if share == 0 {
		return nothing()
	}
	level := source.LevelAsk
	if share > 0.02 {
		level = source.LevelRefuse
	}
	return found(level, "mojibake", around(in.Text, seen), "share", percent(share), "seen", seen)
}

func oddCharacters(in Input) (Finding, bool) {
	n := 0
	var first rune
	for _, r := range in.Text {
		private := unicode.Is(unicode.Co, r)
		radical := r >= 0x2E80 && r <= 0x2FD5
		if private || radical {
			if n == 0 {
				first = r
			}
			n++
		}
	}
	if n == 0 {
		return nothing()
	}
	level := source.LevelNote
	if n*50 > text.Len(in.Text) {
		level = source.LevelAsk
	}
	return found(level, "odd-characters", around(in.Text, string(first)), "n", strconv.Itoa(n), "code", fmt.Sprintf("U+%04X", first))
}

var residue = regexp.MustCompile(`(?i)</?(?:div|span|p|br|a|img|table|td|tr|li|ul|font|script|style|iframe|strong|em|h[1-6])(?:\s[^<>]{0,300})?/?>|&(?:nbsp|amp|lt|gt|quot|#\d{2,5});`)

func markupResidue(in Input) (Finding, bool) {
	body := outsideCode(in.Text)
	if !strings.ContainsAny(body, "<&") {
		return nothing()
	}
	all := residue.FindAllString(body, -1)
	if len(all) < 3 {
		return nothing()
	}
	n := 0
	for _, m := range all {
		n += len(m)
	}
	level := source.LevelAsk
	if n*5 > len(body) {
		level = source.LevelRefuse
	}
	return found(level, "markup-residue", around(body, all[0]), "n", strconv.Itoa(len(all)), "seen", text.Excerpt(all[0], 30))
}

// Phrases with which sites cut a text short. 未完待续 is how an author ends an instalment, so it
// is a question too, but never damage.
var cutPhrase = regexp.MustCompile(`(?:阅读全文|展开全文|点击查看全文|查看更多|剩余\d+%|余下全文|登录后(?:查看|阅读)|付费(?:阅读|查看)|继续阅读|read more|continue reading|未完待续|\[\.\.\.\]|\[…\])[\s。.…»>）)]*$`)

func truncated(in Input) (Finding, bool) {
	body := strings.TrimSpace(in.Text)
	tail := body
	if rs := []rune(body); len(rs) > 60 {
		tail = string(rs[len(rs)-60:])
	}
	if m := cutPhrase.FindString(strings.ToLower(tail)); m != "" {
		return found(source.LevelAsk, "truncated.phrase", tail, "seen", strings.TrimSpace(m))
	}
	if text.IsVerse(body) || text.Len(body) < 80 || strings.HasSuffix(body, "```") {
		return nothing()
	}
	last := lastLine(body)
	end, _ := utf8.DecodeLastRuneInString(last)
	if text.Len(last) < 25 || strings.HasPrefix(last, "- ") || strings.HasPrefix(last, "> ") || strings.Contains(last, " | ") {
		return nothing() // a signature, a date, a list: not prose that was cut
	}
	if unicode.IsLetter(end) || strings.ContainsRune("，、,；;：:", end) {
		return found(source.LevelNote, "truncated.mark", tail)
	}
	return nothing()
}

func lastLine(s string) string {
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		return s[i+1:]
	}
	return s
}

// punctuation leaves a note: half of the imbalances in literature are a quotation that runs over
// several paragraphs and reopens at each.
func punctuation(in Input) (Finding, bool) {
	n := 0
	var example rune
	for _, p := range text.Paragraphs(reopened.ReplaceAllString(outsideCode(in.Text), "$1")) {
		if c, r := text.Unbalanced(emoticon.ReplaceAllString(p, "")); c > 0 {
			n += c
			example = r
		}
	}
	if n < 3 || n*1000 < text.Len(in.Text) {
		return nothing()
	}
	return found(source.LevelNote, "punctuation", around(in.Text, string(example)), "n", strconv.Itoa(n), "seen", string(example))
}

var (
	// A paragraph that only opens a quotation is followed by one that goes on with it.
	reopened = regexp.MustCompile(`(?m)^(\s*)[“「『][^“”「」『』\n]*$`)
	// Numbered items such as 1) and a), and faces such as :) close nothing.
	emoticon = regexp.MustCompile(`(?:^|\s)(?:\d{1,3}|[a-zA-Z])[)）]|[:;=xX][-^]?[)(]`)
)

// outsideCode returns a text without its fenced code.
func outsideCode(s string) string {
	if !strings.Contains(s, "```") {
		return s
	}
	var out []string
	fenced := false
	for _, l := range strings.Split(s, "\n") {
		if strings.HasPrefix(l, "```") {
			fenced = !fenced
			continue
		}
		if !fenced {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// around returns some words on both sides of the first place where part stands.
func around(s, part string) string {
	i := strings.Index(s, part)
	if i < 0 || part == "" {
		return text.Excerpt(s, 40)
	}
	before, after := []rune(s[:i]), []rune(s[i+len(part):])
	return string(before[max(0, len(before)-20):]) + part + string(after[:min(20, len(after))])
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + "%" }

func repeat(s string, n int) string { return strings.Repeat(s+"\n", n) }

var (
	mojibakePass    = Input{Text: "她把信读了两遍，折好，又放回信封里。"}
	mojibakeFail    = Input{Text: "她把信读了锟斤拷锟斤拷折好，又放回信封里。"}
	oddPass         = Input{Text: "用身体去写，而不只是用手。"}
	oddFail         = Input{Text: "⽤⾝体去写，而不只是用手。"}
	markupPass      = Input{Text: "不等式 a < b 在这里成立，而 b > c 也成立。"}
	markupFail      = Input{Text: "<div>春天来了。</div><p>河开了。&nbsp;</p>柳树还没有发芽，风里却已经有了泥土的味道。"}
	truncatedPass   = Input{Text: repeat("他走到桥头，看见水里的月亮碎成一片一片。", 5)}
	truncatedFail   = Input{Text: repeat("他走到桥头，看见水里的月亮碎成一片一片。", 5) + "展开全文"}
	punctuationPass = Input{Text: "“你来了？”\n“来了。”\n她说：“坐吧。（茶是新的）”"}
	punctuationFail = Input{Text: "“你来了？\n来了。”（茶是新的\n她说：坐吧。”\n《雨夜》》"}
)
