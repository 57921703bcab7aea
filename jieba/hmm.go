package jieba

import (
	"bufio"
	_ "embed"
	"strconv"
	"strings"
)

//go:embed data/hmm.txt.gz
var hmmData []byte

// The places of a character in its word, in alphabetical order: of equal paths jieba takes the
// one whose letter is later.
const (
	begin = iota
	end
	middle
	single
)

const (
	places = "BEMS"
	never  = -3.14e100 // jieba's log probability of what it has not seen
)

// before lists the places from which one may come to a place, the later letter last.
var before = [4][2]byte{begin: {end, single}, end: {begin, middle}, middle: {begin, middle}, single: {end, single}}

// A model holds log probabilities.
type model struct {
	start [4]float64
	trans [4][4]float64 // from, to
	emit  [][4]float64  // by character from U+4E00
}

func standardModel() *model {
	m := &model{emit: make([][4]float64, 0x9FD5-0x4E00+1)}
	unseen := [4]float64{never, never, never, never}
	m.start = unseen
	for i := range m.trans {
		m.trans[i] = unseen
	}
	for i := range m.emit {
		m.emit[i] = unseen
	}
	in := bufio.NewScanner(unpack(hmmData))
	for in.Scan() {
		f := strings.Fields(in.Text())
		p, err := strconv.ParseFloat(f[len(f)-1], 64)
		if err != nil {
			panic(err) // the program's own data
		}
		place := strings.Index(places, f[1])
		switch f[0] {
		case "start":
			m.start[place] = p
		case "trans":
			m.trans[place][strings.Index(places, f[2])] = p
		case "emit":
			if c := []rune(f[2])[0]; isHan(c) {
				m.emit[c-0x4E00][place] = p
			}
		}
	}
	return m
}

// unknown cuts a run of Han characters that the dictionary left single, by the most probable
// sequence of places (Viterbi); the last character ends a word.
func (c *cutter) unknown(from, to int) bool {
	c.viterbi(c.runes[from:to])
	word := from
	for i, s := range c.states {
		switch s {
		case begin:
			word = from + i
		case end:
			if !c.emit(word, from+i+1) {
				return false
			}
		case single:
			if !c.emit(from+i, from+i+1) {
				return false
			}
		}
	}
	return true
}

// viterbi leaves in c.states the most probable places of the characters.
func (c *cutter) viterbi(run []rune) {
	n := len(run)
	if cap(c.best) < n {
		c.best, c.from, c.states = make([][4]float64, 2*n), make([][4]byte, 2*n), make([]byte, 2*n)
	}
	best, from := c.best[:n], c.from[:n]
	emit := &c.hmm.emit[run[0]-0x4E00]
	for s := range best[0] {
		best[0][s] = c.hmm.start[s] + emit[s]
	}
	for i := 1; i < n; i++ {
		emit := &c.hmm.emit[run[i]-0x4E00]
		for s := range best[i] {
			a, b := before[s][0], before[s][1]
			pa := best[i-1][a] + c.hmm.trans[a][s] + emit[s]
			pb := best[i-1][b] + c.hmm.trans[b][s] + emit[s]
			if pb >= pa {
				best[i][s], from[i][s] = pb, b
			} else {
				best[i][s], from[i][s] = pa, a
			}
		}
	}
	c.states = c.states[:n]
	s := byte(end)
	if best[n-1][single] >= best[n-1][end] {
		s = single
	}
	for i := n - 1; i >= 0; i-- {
		c.states[i] = s
		s = from[i][s]
	}
}
