package text

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// What an [Edit] says of its text.
const (
	Delete = -1 // stands only in the old text
	Equal  = 0  // stands in both
	Insert = 1  // stands only in the new text
)

// An Edit is a run of text that two versions share, or that one of them lacks.
type Edit struct {
	Op   int    `json:"op"` // Delete, Equal or Insert
	Text string `json:"text"`
}

// Diff returns how to get from a to b, as a person likes to read it: by characters where there
// are no spaces between words, else by words, without islands of one or two equal characters.
// The Equal and Delete edits together are a, the Equal and Insert edits b. Effort is bounded:
// where texts have little in common the result stays true but need not be the shortest.
func Diff(a, b string) []Edit {
	ids := map[string]int32{}
	ta, tb := tokens(a), tokens(b)
	d := differ{a: intern(ids, ta), b: intern(ids, tb), rounds: 64}
	d.run()
	return joinEdits(d.ops, ta, tb)
}

// tokens cuts s into single Chinese, Japanese and Korean characters, words of other letters and
// digits, and single signs.
func tokens(s string) []string {
	var out []string
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if wordy(r) {
			for n < len(s) {
				next, size := utf8.DecodeRuneInString(s[n:])
				if !wordy(next) && !unicode.Is(unicode.Mn, next) {
					break
				}
				n += size
			}
		}
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

func wordy(r rune) bool {
	return r < 0x2E80 && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func intern(ids map[string]int32, ts []string) []int32 {
	out := make([]int32, len(ts))
	for i, t := range ts {
		id, ok := ids[t]
		if !ok {
			id = int32(len(ids))
			ids[t] = id
		}
		out[i] = id
	}
	return out
}

// A differ finds an edit script by Myers' greedy algorithm. After maxEdits edits it keeps the
// furthest it came and starts anew from there, so that memory and time stay bounded.
type differ struct {
	a, b   []int32
	ops    []int8 // one a token: Equal, Delete (of a), Insert (of b)
	rounds int    // how often it may start anew before the rest counts as replaced
}

const maxEdits = 1000

func (d *differ) add(op int8, n int) { d.ops = append(d.ops, slices.Repeat([]int8{op}, n)...) }

func (d *differ) run() {
	pre := shared(d.a, d.b)
	d.add(Equal, pre)
	a, b := d.a[pre:], d.b[pre:]
	suf := 0
	for suf < min(len(a), len(b)) && a[len(a)-1-suf] == b[len(b)-1-suf] {
		suf++
	}
	a, b = a[:len(a)-suf], b[:len(b)-suf]
	for ; d.rounds > 0 && len(a) > 0 && len(b) > 0; d.rounds-- {
		x, y := d.round(a, b)
		a, b = a[x:], b[y:]
	}
	d.add(Delete, len(a))
	d.add(Insert, len(b))
	d.add(Equal, suf)
}

func shared(a, b []int32) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// round adds the edits of the furthest path of at most maxEdits edits, and returns how much of
// a and b it covers: all, if that is enough.
func (d *differ) round(a, b []int32) (x, y int) {
	limit := min(maxEdits, len(a)+len(b))
	v := make([]int32, 2*limit+2) // v[limit+k] is the furthest x on diagonal k = x-y
	var trace [][]int32           // of each number of edits, v[limit-n .. limit+n] before it
	bestN, bestK := 0, 0
	for n := 0; n <= limit; n++ {
		trace = append(trace, slices.Clone(v[max(0, limit-n):min(len(v), limit+n+1)]))
		bestN, bestK = n, 0
		best := -1
		for k := -n; k <= n; k += 2 {
			x := 0
			if n > 0 {
				if k == -n || (k != n && v[limit+k-1] < v[limit+k+1]) {
					x = int(v[limit+k+1])
				} else {
					x = int(v[limit+k-1]) + 1
				}
			}
			if x > len(a) || x-k > len(b) || x-k < 0 {
				v[limit+k] = int32(x)
				continue
			}
			x += shared(a[x:], b[x-k:])
			v[limit+k] = int32(x)
			if x == len(a) && x-k == len(b) {
				d.walk(trace, n, k, x)
				return x, x - k
			}
			if 2*x-k > best {
				best, bestK = 2*x-k, k
			}
		}
	}
	x = int(v[limit+bestK])
	d.walk(trace, bestN, bestK, x)
	return x, x - bestK
}

// walk follows the path back from x on diagonal k after n edits and adds its edits in order.
func (d *differ) walk(trace [][]int32, n, k, x int) {
	var back []int8
	for ; n > 0; n-- {
		at := func(k int) int { return int(trace[n][k+n]) }
		prev := k - 1
		op := int8(Delete)
		if k == -n || (k != n && at(k-1) < at(k+1)) {
			prev, op = k+1, Insert
		}
		from := at(prev)
		begin := from // where the run of equals after the edit begins
		if op == Delete {
			begin++
		}
		back = append(back, slices.Repeat([]int8{Equal}, x-begin)...)
		back = append(back, op)
		x, k = from, prev
	}
	back = append(back, slices.Repeat([]int8{Equal}, x)...)
	slices.Reverse(back)
	d.ops = append(d.ops, back...)
}
