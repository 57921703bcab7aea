package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"coigwriter/jieba"
)

// A Tokens choice says what counts as a token; it is printed beside every figure that rests on it.
type Tokens struct {
	Punctuation bool // keep punctuation and symbols as tokens; white space never counts
}

// String says the choice in words.
func (t Tokens) String() string {
	what := "punctuation dropped"
	if t.Punctuation {
		what = "punctuation kept"
	}
	return "NFKC, lower case; Chinese cut as Python jieba 0.42.1 (HMM on), English into runs of letters with inner apostrophes and runs of digits; white space dropped, " + what
}

// Chinese says the choice in Chinese words.
func (t Tokens) Chinese() string {
	what := "标点不计"
	if t.Punctuation {
		what = "标点计入"
	}
	return "NFKC，小写；中文按 Python jieba 0.42.1（开 HMM）切分，英文按连续字母（含词内撇号）与连续数字切分；空白不计，" + what
}

// Words returns the tokens of a text. Texts that are mostly Han are cut by jieba, others at the
// borders of words.
func (t Tokens) Words(s string) []string {
	s = strings.ToLower(norm.NFKC.String(s))
	if Language(s) == "zh" {
		return t.chinese(s)
	}
	return t.other(s)
}

func (t Tokens) chinese(s string) []string {
	var out []string
	for w := range jieba.Tokens(s) {
		if says(w) || t.Punctuation && strings.TrimSpace(w) != "" {
			out = append(out, w)
		}
	}
	return out
}

// says reports whether a token holds a letter, a Han character or a digit.
func says(w string) bool {
	return strings.ContainsFunc(w, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// other cuts at everything that is no letter, mark or digit; an apostrophe between letters is part of
// the word, and each Han or kana character is a word.
func (t Tokens) other(s string) []string {
	var out []string
	var word []rune
	rs := []rune(s)
	flush := func() {
		if len(word) > 0 {
			out = append(out, string(word))
			word = word[:0]
		}
	}
	for i, r := range rs {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
			flush()
			out = append(out, string(r))
		case unicode.IsLetter(r) || unicode.IsMark(r):
			if len(word) > 0 && unicode.IsDigit(word[0]) {
				flush()
			}
			word = append(word, r)
		case unicode.IsDigit(r):
			if len(word) > 0 && !unicode.IsDigit(word[0]) {
				flush()
			}
			word = append(word, r)
		case (r == '\'' || r == '’') && len(word) > 0 && i+1 < len(rs) && unicode.IsLetter(rs[i+1]) && !unicode.IsDigit(word[0]):
			word = append(word, '\'')
		default:
			flush()
			if t.Punctuation && !unicode.IsSpace(r) {
				out = append(out, string(r))
			}
		}
	}
	flush()
	return out
}
