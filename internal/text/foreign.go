package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What the foreign part of an answer is.
const (
	ForeignNone   = "clean"  // no foreign script, or a single character of it
	ForeignQuoted = "quoted" // names, quotations, glosses: inside marks that set them apart
	ForeignAsked  = "asked"  // the query asks for it, or holds the very words
	ForeignLeak   = "leak"   // foreign words slipped in
	ForeignSwitch = "switch" // the answer turns to another language, wholly or part-way
)

// A Foreign says which part of an answer is in another script than its query's language.
type Foreign struct {
	Class    string      `json:"class"`
	Share    float64     `json:"share"`    // of the letters
	Longest  int         `json:"longest"`  // characters (Han) or words (Latin) in the longest run
	Unquoted int         `json:"unquoted"` // characters or words that no marks set apart
	Runs     []ForeignAt `json:"runs,omitempty"`
}

// A ForeignAt is one run of the other script, in bytes of the text.
type ForeignAt struct {
	From   int  `json:"from"`
	To     int  `json:"to"`
	Len    int  `json:"len"` // characters or words
	Quoted bool `json:"quoted"`
}

// The limits of the rule (measured on constructed answers, see the golden test): an answer has
// switched when a fifth of its letters are foreign, or one run is this long.
const (
	switchShare    = 0.2
	switchUnquoted = 8
	switchAnyRun   = 20
	leakUnquoted   = 2
	latinRunWords  = 12 // of words in a Chinese answer
	latinPhrase    = 4  // words in a row that are more than a name, where most of the answer is Latin
)

// ForeignIn judges an answer to a query in a language, zh or en; another language is never foreign.
// The query's own words are not held against the answer.
func ForeignIn(answer, query, language string) Foreign {
	var f Foreign
	switch language {
	case "en":
		f = hanIn(answer, query)
	case "zh":
		f = latinIn(answer, query)
	default:
		return Foreign{Class: ForeignNone}
	}
	if f.Class == ForeignLeak || f.Class == ForeignSwitch {
		if asksForLanguage(query, language) {
			f.Class = ForeignAsked
		}
	}
	return f
}

// hanIn finds Han in an English answer. A run is Han with punctuation, digits and spaces between; Latin
// letters end it. It is quoted where each piece of it is. An answer with kana is Japanese and not judged.
func hanIn(answer, query string) Foreign {
	var f Foreign
	han, latin := 0, 0
	s := quoteState{}
	run := ForeignAt{From: -1}
	piece, apart := -1, false // where the Han under way began, and whether marks set it apart
	endPiece := func() {
		if piece >= 0 {
			run.Quoted = run.Quoted && (apart || hugged(answer, piece, run.To))
		}
		piece = -1
	}
	end := func() {
		if endPiece(); run.From >= 0 && !strings.Contains(query, answer[run.From:run.To]) {
			run.Quoted = run.Quoted || hugged(answer, run.From, run.To)
			f.Runs = append(f.Runs, run)
		}
		run = ForeignAt{From: -1}
	}
	for i, r := range answer {
		s.see(r)
		switch {
		case unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r):
			return Foreign{Class: ForeignNone}
		case unicode.Is(unicode.Han, r):
			han++
			if run.From < 0 {
				run = ForeignAt{From: i, Quoted: true}
			}
			if piece < 0 {
				piece, apart = i, true
			}
			run.Len++
			run.To = i + utf8.RuneLen(r)
			apart = apart && s.inside()
		case unicode.IsLetter(r):
			latin++
			end()
		default:
			endPiece()
		}
	}
	end()
	if han+latin > 0 {
		f.Share = float64(han) / float64(han+latin)
	}
	f.weigh()
	switch {
	case f.Longest == 0:
		f.Class, f.Share = ForeignNone, 0
	case f.Share >= switchShare && f.Unquoted > 0 || f.longestUnquoted() >= switchUnquoted || f.Longest >= switchAnyRun:
		f.Class = ForeignSwitch
	case f.Unquoted >= leakUnquoted:
		f.Class = ForeignLeak
	case f.Unquoted == 0:
		f.Class = ForeignQuoted
	default:
		f.Class = ForeignNone
	}
	return f
}

// latinIn finds Latin words in a Chinese answer. Names, terms and abbreviations are common there, so only
// a run of many words, or a text that is mostly Latin and has a phrase, is a switch. What has no small
// letter beside another (options, formulas, abbreviations) or is a command of TeX is no word, and the mark
// of Chinese lists ends a run: what it joins are terms.
func latinIn(answer, query string) Foreign {
	var f Foreign
	han, latin := 0, 0
	s := quoteState{}
	run := ForeignAt{From: -1}
	letters, counted := 0, false // of the word under way
	before := ' '
	end := func() {
		if run.Len > 0 && !strings.Contains(query, answer[run.From:run.To]) {
			run.Quoted = run.Quoted || hugged(answer, run.From, run.To)
			f.Runs = append(f.Runs, run)
		}
		run, letters, counted = ForeignAt{From: -1}, 0, false
	}
	for i, r := range answer {
		s.see(r)
		switch {
		case unicode.Is(unicode.Han, r):
			han++
			end()
		case r == '、':
			end()
		case unicode.Is(unicode.Latin, r):
			latin++
			if run.From < 0 {
				run = ForeignAt{From: i, Quoted: s.inside()}
			}
			if letters++; letters == 1 {
				counted = before == '\\'
			}
			if letters > 1 && !counted && unicode.IsLower(r) {
				run.Len, counted = run.Len+1, true
			}
			run.To = i + utf8.RuneLen(r)
			run.Quoted = run.Quoted && s.inside()
		case r == '\'' || r == '’':
		default:
			letters = 0
		}
		before = r
	}
	end()
	all := float64(han) + float64(latin)/4 // four letters of an alphabet say about as much as one Han character
	if all > 0 {
		f.Share = float64(latin) / 4 / all
	}
	f.weigh()
	switch {
	case f.Longest == 0:
		f.Class, f.Share = ForeignNone, 0
	case f.Share > 0.5 && f.longestUnquoted() >= latinPhrase || f.longestUnquoted() >= latinRunWords:
		f.Class = ForeignSwitch
	case f.Unquoted == 0:
		f.Class = ForeignQuoted
	default:
		f.Class = ForeignNone
	}
	return f
}

func (f *Foreign) weigh() {
	for _, r := range f.Runs {
		f.Longest = max(f.Longest, r.Len)
		if !r.Quoted {
			f.Unquoted += r.Len
		}
	}
}

func (f *Foreign) longestUnquoted() int {
	n := 0
	for _, r := range f.Runs {
		if !r.Quoted {
			n = max(n, r.Len)
		}
	}
	return n
}

// quoteState knows whether a place stands inside marks that set words apart. Marks nest; one that was
// not closed within a line or 80 characters was none.
type quoteState struct {
	open []mark
}

type mark struct {
	closes rune
	left   int
}

var closing = map[rune]rune{
	'(': ')', '[': ']', '{': '}', '（': '）', '【': '】', '「': '」', '『': '』', '《': '》', '〈': '〉', '“': '”', '‘': '’', '"': '"',
}

// see takes the next character.
func (q *quoteState) see(r rune) {
	if r == '\n' {
		q.open = q.open[:0]
		return
	}
	for i := range q.open {
		q.open[i].left--
	}
	q.open = slices.DeleteFunc(q.open, func(m mark) bool { return m.left < 0 }) // what stands inside it stays
	for i, m := range q.open {
		if m.closes == r {
			q.open = q.open[:i]
			return
		}
	}
	if c, ok := closing[r]; ok {
		q.open = append(q.open, mark{c, 80})
	}
}

// inside reports whether a mark is open.
func (q *quoteState) inside() bool { return len(q.open) > 0 }

// hugged reports whether the run from..to stands right between two marks: "…", *…*, (…).
func hugged(s string, from, to int) bool {
	before, n := utf8.DecodeLastRuneInString(s[:from])
	after, m := utf8.DecodeRuneInString(s[to:])
	if n == 0 || m == 0 {
		return false
	}
	if c, ok := closing[before]; ok && c == after {
		return true
	}
	return before == after && strings.ContainsRune("'*_`", before)
}

// asked are words by which a query asks for another language.
var asked = map[string][]string{
	"en": {"chinese", "mandarin", "cantonese", "japanese", "korean", "translate", "translation", "bilingual", "pinyin", "kanji", "hanzi", "中文", "汉语", "汉字"},
	"zh": {"英文", "英语", "翻译", "双语", "外语", "法语", "德语", "日语", "拉丁", "english"},
}

func asksForLanguage(query, language string) bool {
	query = strings.ToLower(query)
	for _, w := range asked[language] {
		if strings.Contains(query, w) {
			return true
		}
	}
	return false
}
