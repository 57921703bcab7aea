package text

import "strings"

// mojibake are pieces that only appear when bytes were read in the wrong encoding.
var mojibake = []string{"锟斤拷", "烫烫烫", "屯屯屯", "Ã©", "Ã¨", "Ã¤", "Ã¶", "Ã¼", "â€™", "â€œ", "â€", "ï¼", "ã€", "Â·", "æˆ", "çš„", "ä¸", "涓€", "鐨勬"}

// Mojibake returns the share of characters that show a wrong encoding, and the first such
// piece that was seen.
func Mojibake(s string) (share float64, seen string) {
	n := Len(s)
	if n == 0 {
		return 0, ""
	}
	bad := strings.Count(s, "\uFFFD")
	if bad > 0 {
		seen = "\uFFFD"
	}
	for _, m := range mojibake {
		if c := strings.Count(s, m); c > 0 {
			bad += c * Len(m)
			if seen == "" {
				seen = m
			}
		}
	}
	return min(float64(bad)/float64(n), 1), seen
}

// marks are the pairs of Chinese and Latin punctuation that should balance.
var marks = [][2]rune{{'“', '”'}, {'‘', '’'}, {'「', '」'}, {'『', '』'}, {'《', '》'}, {'（', '）'}, {'(', ')'}, {'【', '】'}, {'[', ']'}}

// Unbalanced returns how many opening and closing marks of s lack their partner. Apostrophes
// are not counted: ’ inside a Latin word closes nothing.
func Unbalanced(s string) (n int, example rune) {
	open := map[rune]int{}
	rs := []rune(s)
	for i, r := range rs {
		for _, m := range marks {
			switch r {
			case m[0]:
				open[m[0]]++
			case m[1]:
				if r == '’' && i > 0 && rs[i-1] < 0x250 && rs[i-1] != ' ' {
					continue
				}
				if open[m[0]] > 0 {
					open[m[0]]--
				} else {
					n++
					example = r
				}
			}
		}
	}
	for _, m := range marks {
		if c := open[m[0]]; c > 0 {
			n += c
			example = m[0]
		}
	}
	return n, example
}
