package text

import (
	"regexp"
	"strings"
	"unicode"
)

// listLine begins or ends as lines of lists, code and tables do.
var listLine = regexp.MustCompile(`^(?:[-*+•·>#|]|\d{1,3}[.、)）．:：]|[（(]?[一二三四五六七八九十]{1,3}[、)）])|[={};|]| - |[:：]$|[(（\[].*[)）\]]`)

// IsVerse guesses whether s is verse, whose lines must not be indented or joined: modern verse
// by its short lines that do not end sentences, classical verse by clauses of one length, by 兮,
// or by short clauses without the particles of modern prose (ci). One line alone is never verse.
func IsVerse(s string) bool {
	var lines []string
	n, short, open, listed, spoken, xi := 0, 0, 0, 0, 0, 0
	for _, p := range Paragraphs(s) {
		p = strings.TrimSpace(p)
		lines = append(lines, p)
		n++
		if measure(p) <= 28 {
			short++
		}
		if !strings.ContainsAny(p[len(p)-min(len(p), 3):], "。！？”」.!?：:") {
			open++
		}
		if listLine.MatchString(p) {
			listed++
		}
		if strings.ContainsAny(p, "“「") {
			spoken++
		}
		if strings.Contains(p, "兮") {
			xi++
		}
	}
	if n < 2 || listed*6 > n || spoken*3 > n {
		return false
	}
	if n >= 4 && short*10 >= n*9 && open*2 >= n {
		return true
	}
	if xi*5 >= n*2 {
		return true
	}
	return classical(lines)
}

// measure is a line's length on the page in Han characters: a Latin letter takes about half.
func measure(line string) int {
	half := 0
	for _, r := range line {
		if r < 0x2E80 {
			half++
		} else {
			half += 2
		}
	}
	return (half + 1) / 2
}

// classical reports whether lines fall into clauses as shi and ci do.
func classical(lines []string) bool {
	var clauses [32]int // how many clauses have each length; the last holds all longer
	total, han, modern, long := 0, 0, 0, 0
	for _, l := range lines {
		if measure(l) > 48 {
			long++
		}
		for _, c := range strings.FieldsFunc(l, func(r rune) bool { return !unicode.IsLetter(r) }) {
			n := 0
			for _, r := range c {
				if !unicode.Is(unicode.Han, r) {
					return false
				}
				n++
				if strings.ContainsRune("的了吗呢们么", r) {
					modern++
				}
			}
			han += n
			clauses[min(n, len(clauses)-1)]++
			total++
		}
	}
	if total < 4 || long*10 > len(lines) {
		return false
	}
	for n := 4; n <= 7; n++ {
		if clauses[n]*5 >= total*4 {
			return true
		}
	}
	over := 0
	for n := 10; n < len(clauses); n++ {
		over += clauses[n]
	}
	return len(lines) >= 3 && total >= 6 && over*20 <= total && modern*40 <= han && han <= 8*total && han >= 3*total
}
