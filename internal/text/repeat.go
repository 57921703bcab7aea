package text

import (
	"strings"
	"unicode"
)

// RepeatedLines returns the share of characters that stand in lines which occurred before,
// counting only lines of at least least characters.
func RepeatedLines(s string, least int) float64 {
	seen := map[string]bool{}
	total, again := 0, 0
	for _, p := range Paragraphs(s) {
		p = strings.TrimSpace(p)
		n := Len(p)
		if n < least {
			continue
		}
		total += n
		if seen[p] {
			again += n
		}
		seen[p] = true
	}
	if total == 0 {
		return 0
	}
	return float64(again) / float64(total)
}

// RepeatedNGrams returns the share of a text's n-grams of visible characters that occurred
// before. Ordinary Chinese prose has a few hundredths at n = 10.
func RepeatedNGrams(s string, n int) float64 {
	var rs []rune
	for _, r := range s {
		if !unicode.IsSpace(r) {
			rs = append(rs, r)
		}
	}
	total := len(rs) - n + 1
	if n < 1 || total < 1 {
		return 0
	}
	seen := make(map[string]bool, total)
	again := 0
	for i := range total {
		g := string(rs[i : i+n])
		if seen[g] {
			again++
		}
		seen[g] = true
	}
	return float64(again) / float64(total)
}

// LongestCommonRun returns the longest run of characters that stands in both a and b, letter
// by letter, and its length in code points. Time grows with len(a) + len(b).
func LongestCommonRun(a, b string) (run string, n int) {
	ra, rb := []rune(a), []rune(b)
	if len(ra) > len(rb) {
		ra, rb = rb, ra
	}
	m := newAutomaton(ra)
	state, length, end := 0, 0, 0
	for i, r := range rb {
		for state != 0 && m.next(state, r) < 0 {
			state = m.states[state].link
			length = m.states[state].length
		}
		if to := m.next(state, r); to >= 0 {
			state = to
			length++
		}
		if length > n {
			n, end = length, i+1
		}
	}
	return string(rb[end-n : end]), n
}

// Shared returns how many characters of s stand in runs of at least n characters that also stand in
// one of others, and not in except. Spaces count as any character does.
func Shared(s string, others []string, except string, n int) int {
	from := map[string]bool{}
	for _, o := range others {
		rs := []rune(o)
		for i := 0; i+n <= len(rs); i++ {
			from[string(rs[i:i+n])] = true
		}
	}
	rs := []rune(except)
	for i := 0; i+n <= len(rs); i++ {
		delete(from, string(rs[i:i+n]))
	}
	rs = []rune(s)
	total, end := 0, 0 // end of what was counted
	for i := 0; i+n <= len(rs); i++ {
		if from[string(rs[i:i+n])] {
			total += i + n - max(i, end)
			end = i + n
		}
	}
	return total
}

// An automaton accepts every run of one text (a suffix automaton).
type automaton struct{ states []suffixState }

type suffixState struct {
	to     map[rune]int
	link   int
	length int
}

func (m *automaton) next(state int, r rune) int {
	if to, ok := m.states[state].to[r]; ok {
		return to
	}
	return -1
}

func newAutomaton(rs []rune) *automaton {
	m := &automaton{states: make([]suffixState, 1, 2*len(rs)+1)}
	m.states[0] = suffixState{to: map[rune]int{}, link: -1}
	last := 0
	for _, r := range rs {
		last = m.extend(last, r)
	}
	return m
}

func (m *automaton) extend(last int, r rune) int {
	cur := len(m.states)
	m.states = append(m.states, suffixState{to: map[rune]int{}, length: m.states[last].length + 1})
	p := last
	for ; p >= 0 && m.next(p, r) < 0; p = m.states[p].link {
		m.states[p].to[r] = cur
	}
	if p < 0 {
		return cur // its link is the start, 0
	}
	q := m.states[p].to[r]
	if m.states[q].length == m.states[p].length+1 {
		m.states[cur].link = q
		return cur
	}
	clone := len(m.states)
	to := make(map[rune]int, len(m.states[q].to))
	for k, v := range m.states[q].to {
		to[k] = v
	}
	m.states = append(m.states, suffixState{to: to, link: m.states[q].link, length: m.states[p].length + 1})
	for ; p >= 0 && m.states[p].to[r] == q; p = m.states[p].link {
		m.states[p].to[r] = clone
	}
	m.states[q].link, m.states[cur].link = clone, clone
	return cur
}

// SharedPairs returns the share of a's distinct two-character pieces (letters only) that also
// stand in b: near 0 for texts about different things.
func SharedPairs(a, b string) float64 {
	pa, pb := pairs(a), pairs(b)
	if len(pa) == 0 {
		return 0
	}
	n := 0
	for p := range pa {
		if pb[p] {
			n++
		}
	}
	return float64(n) / float64(len(pa))
}

func pairs(s string) map[[2]rune]bool {
	m := map[[2]rune]bool{}
	var prev rune
	for _, r := range s {
		if !unicode.IsLetter(r) {
			prev = 0
			continue
		}
		if prev != 0 {
			m[[2]rune{prev, r}] = true
		}
		prev = r
	}
	return m
}
