package text

import (
	"strings"
	"unicode/utf8"
)

// Units cuts a text into pieces of two to four sentences and at most about 200 characters, in order: what
// a judge of reasoning labels. Sentences end at 。！？；… and their English kin with the quotation marks
// that close after them, and at line breaks. The pieces leave out the white space between them.
func Units(s string) []string {
	const most, longest = 4, 200
	var out []string
	var unit strings.Builder
	sentences, chars := 0, 0
	flush := func() {
		if u := strings.TrimSpace(unit.String()); u != "" {
			out = append(out, u)
		}
		unit.Reset()
		sentences, chars = 0, 0
	}
	for sentence, broken := range sentencesOf(s) {
		n := utf8.RuneCountInString(sentence)
		if sentences > 0 && (chars+n > longest || sentences == most) {
			flush()
		}
		unit.WriteString(sentence)
		sentences, chars = sentences+1, chars+n
		if broken && sentences >= 2 { // a paragraph ends a unit that has enough
			flush()
		}
	}
	flush()
	return out
}

// sentencesOf yields sentences with what follows them up to the next, and whether a line ends there.
func sentencesOf(s string) func(func(string, bool) bool) {
	return func(yield func(string, bool) bool) {
		start, ended := 0, false
		for i, r := range s {
			switch {
			case r == '\n':
				end := i + 1
				if strings.TrimSpace(s[start:end]) != "" && !yield(s[start:end], true) {
					return
				}
				start, ended = end, false
			case strings.ContainsRune("。！？；…!?;", r) || r == '.' && endsSentence(s, i):
				ended = true
			case ended && strings.ContainsRune("”’」』）)\"'", r):
			case ended:
				if !yield(s[start:i], false) {
					return
				}
				start, ended = i, false
			}
		}
		if strings.TrimSpace(s[start:]) != "" {
			yield(s[start:], true)
		}
	}
}

// endsSentence reports whether the full stop at i ends a sentence: white space or nothing follows.
func endsSentence(s string, i int) bool {
	rest := s[i+1:]
	return rest == "" || strings.ContainsRune(" \t\r\n\"')”’", rune(rest[0])) || strings.HasPrefix(rest, "”") || strings.HasPrefix(rest, "’")
}
