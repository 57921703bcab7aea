package jieba

import "unicode/utf8"

// A cutter cuts the blocks of one text; its slices are used again from block to block.
type cutter struct {
	*Segmenter
	yield func(string) bool

	text   string
	runes  []rune
	at     []int     // at[i] is the byte where runes[i] begins; one more for the end
	cost   []float64 // log probability of the best path from i to the end
	next   []int     // where the first word of that path ends
	states []byte    // places that the model chose, of the current run
	best   [][4]float64
	from   [][4]byte
}

// block cuts a run of characters that all are inBlock, and reports whether to go on.
func (c *cutter) block(text string) bool {
	c.load(text)
	c.route()
	n := len(c.runes)
	for i := 0; i < n; {
		if end := c.next[i]; end-i > 1 {
			if !c.emit(i, end) {
				return false
			}
			i = end
			continue
		}
		end := i + 1
		for end < n && c.next[end] == end+1 {
			end++
		}
		if !c.singles(i, end) {
			return false
		}
		i = end
	}
	return true
}

func (c *cutter) load(text string) {
	c.text, c.runes, c.at = text, c.runes[:0], c.at[:0]
	for i, r := range text {
		c.runes, c.at = append(c.runes, r), append(c.at, i)
	}
	c.at = append(c.at, len(text))
	if n := len(c.runes) + 1; cap(c.cost) < n {
		c.cost, c.next = make([]float64, 2*n), make([]int, 2*n)
	}
}

func (c *cutter) emit(from, to int) bool { return c.yield(c.text[c.at[from]:c.at[to]]) }

// route finds the most probable path from every character to the end of the block, from the
// back. A character that starts no word costs as much as a word of frequency one; of equal
// paths the one with the longer first word is taken.
func (c *cutter) route() {
	n := len(c.runes)
	cost, next := c.cost[:n+1], c.next[:n+1]
	cost[n] = 0
	unknown := c.words.unknown
	for i := n - 1; i >= 0; i-- {
		best, end := 0.0, 0
		node := uint32(root)
		for j := i; j < n; j++ {
			if node = c.words.child(node, c.runes[j]); node == root {
				break
			}
			logp := c.words.logp[node]
			if logp == prefixOnly {
				continue
			}
			if p := logp + cost[j+1]; end == 0 || p >= best {
				best, end = p, j+1
			}
		}
		if end == 0 {
			best, end = unknown+cost[i+1], i+1
		}
		cost[i], next[i] = best, end
	}
}

// singles cuts a run of single characters of the path. A word of the dictionary that the path
// did not take stays split; what the dictionary does not know goes to the model.
func (c *cutter) singles(from, to int) bool {
	if to-from == 1 {
		return c.emit(from, to)
	}
	if c.words.has(c.runes[from:to]) {
		for i := from; i < to; i++ {
			if !c.emit(i, i+1) {
				return false
			}
		}
		return true
	}
	for i := from; i < to; {
		end := i + 1
		han := isHan(c.runes[i])
		for end < to && isHan(c.runes[end]) == han {
			end++
		}
		ok := false
		if han {
			ok = c.unknown(i, end)
		} else {
			ok = c.ascii(i, end)
		}
		if !ok {
			return false
		}
		i = end
	}
	return true
}

// ascii cuts a run without Han at the numbers and names in it, [a-zA-Z0-9]+(\.\d+)?%?, keeping
// both them and what stands between.
func (c *cutter) ascii(from, to int) bool {
	rest := from
	for i := from; i < to; {
		if !alnum(c.runes[i]) {
			i++
			continue
		}
		end := i
		for end < to && alnum(c.runes[end]) {
			end++
		}
		if end+1 < to && c.runes[end] == '.' && digit(c.runes[end+1]) {
			for end++; end < to && digit(c.runes[end]); {
				end++
			}
		}
		if end < to && c.runes[end] == '%' {
			end++
		}
		if rest < i && !c.emit(rest, i) || !c.emit(i, end) {
			return false
		}
		i, rest = end, end
	}
	return rest == to || c.emit(rest, to)
}

func digit(r rune) bool { return '0' <= r && r <= '9' }

func alnum(r rune) bool { return r < utf8.RuneSelf && (digit(r) || 'a' <= r|0x20 && r|0x20 <= 'z') }
