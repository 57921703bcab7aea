package jieba

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

//go:embed data/dict.txt.gz
var dictData []byte

const (
	root       = 0
	prefixOnly = 1 // in place of a log probability, which is never positive: begins words, is none
	runeBits   = 21
)

// A dictionary is a trie of words. Children are found in one open-addressing table whose keys
// are (parent, character): no maps, no pointers for the collector to follow.
type dictionary struct {
	keys     []uint64 // (parent+1) << runeBits | character; 0 is free
	children []uint32
	mask     uint64
	logp     []float64 // by node: log probability of the word that ends there, or prefixOnly
	unknown  float64   // log probability of a word that the dictionary does not hold
}

func standardWords() *dictionary {
	d, err := readWords(unpack(dictData))
	if err != nil {
		panic(err) // the program's own data
	}
	return d
}

func unpack(data []byte) io.Reader {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		panic(err) // the program's own data
	}
	return z
}

// NewSegmenter reads a dictionary in jieba's form, a line a word: the word, its frequency,
// perhaps a tag, with spaces between. A word that stands twice has its last frequency, but
// counts twice in the total, as in jieba. Runs that the dictionary does not know are cut by
// jieba's own model.
func NewSegmenter(dict io.Reader) (*Segmenter, error) {
	d, err := readWords(dict)
	if err != nil {
		return nil, err
	}
	return &Segmenter{words: d, hmm: standard().hmm}, nil
}

func readWords(r io.Reader) (*dictionary, error) {
	d := &dictionary{logp: []float64{prefixOnly}}
	d.grow(1 << 20)
	freq := []float64{0}
	total, line := 0.0, 0
	for in := bufio.NewScanner(r); ; {
		if !in.Scan() {
			if err := in.Err(); err != nil {
				return nil, fmt.Errorf("dictionary, line %d: %w", line+1, err)
			}
			break
		}
		line++
		fields := strings.Fields(in.Text())
		if len(fields) == 0 {
			continue
		}
		if len(fields) < 2 || !utf8.ValidString(fields[0]) {
			return nil, fmt.Errorf("dictionary, line %d: want a word and its frequency", line)
		}
		n, err := strconv.ParseUint(fields[1], 10, 53)
		if err != nil {
			return nil, fmt.Errorf("dictionary, line %d: frequency %q is not a whole number", line, fields[1])
		}
		node := uint32(root)
		for _, c := range fields[0] {
			child := d.child(node, c)
			if child == root {
				child = uint32(len(freq))
				freq = append(freq, 0)
				d.add(node, c, child)
			}
			node = child
		}
		freq[node] = float64(n)
		total += float64(n)
	}
	if total == 0 {
		return nil, fmt.Errorf("dictionary: it holds no words")
	}
	logTotal := math.Log(total)
	d.unknown = math.Log(1) - logTotal
	d.logp = make([]float64, len(freq))
	for node, f := range freq {
		d.logp[node] = prefixOnly
		if f > 0 {
			d.logp[node] = math.Log(f) - logTotal
		}
	}
	return d, nil
}

// child returns the node one character further, or root where there is none.
func (d *dictionary) child(node uint32, c rune) uint32 {
	key := (uint64(node)+1)<<runeBits | uint64(c)
	for i := hash(key) & d.mask; ; i = (i + 1) & d.mask {
		switch d.keys[i] {
		case key:
			return d.children[i]
		case 0:
			return root
		}
	}
}

func (d *dictionary) add(node uint32, c rune, child uint32) {
	if uint64(child)*2 > d.mask {
		d.grow(2 * len(d.keys))
	}
	d.put((uint64(node)+1)<<runeBits|uint64(c), child)
}

func (d *dictionary) put(key uint64, child uint32) {
	i := hash(key) & d.mask
	for d.keys[i] != 0 {
		i = (i + 1) & d.mask
	}
	d.keys[i], d.children[i] = key, child
}

func (d *dictionary) grow(size int) {
	keys, children := d.keys, d.children
	d.keys, d.children, d.mask = make([]uint64, size), make([]uint32, size), uint64(size-1)
	for i, key := range keys {
		if key != 0 {
			d.put(key, children[i])
		}
	}
}

// hash spreads keys whose low bits are alike (Fibonacci hashing).
func hash(key uint64) uint64 { return key * 0x9E3779B97F4A7C15 >> 20 }

// has reports whether the dictionary holds a word.
func (d *dictionary) has(word []rune) bool {
	node := uint32(root)
	for _, c := range word {
		if node = d.child(node, c); node == root {
			return false
		}
	}
	return d.logp[node] != prefixOnly
}
