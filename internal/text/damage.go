package text

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
