package text

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Shingles returns the set of runs of n units in s, each as a hash, sorted: a Han character is a unit, and
// so is a word of other letters and digits; case, width, punctuation and white space do not count. A text
// of fewer units is one shingle; one without any has none. The hashes are the same everywhere.
func Shingles(s string, n int) []uint64 { return ShinglesOf(s).Runs(n) }

// Shingled is a text as the hashes of its units, in order: for those who want its runs of several lengths.
type Shingled []uint64

// ShinglesOf cuts a text into the units of [Shingles].
func ShinglesOf(s string) Shingled {
	s = norm.NFC.String(s)
	units := make(Shingled, 0, len(s)/3)
	word := uint64(0) // of the word so far; 0 between words
	for _, r := range s {
		letter, han := false, false
		switch {
		case r >= 0x4e00 && r <= 0x9fff: // nearly every one of a Chinese text
			han = true
		case r < utf8.RuneSelf:
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			letter = r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
		default:
			if f := width.LookupRune(r).Folded(); f != 0 {
				r = f
			}
			r = unicode.ToLower(r)
			han = unicode.Is(unicode.Han, r)
			letter = unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
		}
		if word != 0 && (!letter || han) {
			units, word = append(units, scramble(word)), 0
		}
		switch {
		case han:
			units = append(units, scramble(hashRune(unitBasis, r)))
		case letter && word == 0:
			word = hashRune(unitBasis, r)
		case letter:
			word = hashRune(word, r)
		}
	}
	if word != 0 {
		units = append(units, scramble(word))
	}
	return units
}

// Runs returns the set of runs of n units, each as a hash, sorted.
func (units Shingled) Runs(n int) []uint64 {
	if len(units) == 0 {
		return nil
	}
	n = min(max(n, 1), len(units))
	out := make([]uint64, 0, len(units)-n+1)
	run, highest := uint64(0), uint64(1) // highest: what the unit that leaves was multiplied by
	for range n - 1 {
		highest *= runBase
	}
	for i, u := range units {
		if i >= n {
			run -= units[i-n] * highest
		}
		run = run*runBase + u
		if i >= n-1 {
			out = append(out, scramble(run^uint64(n)))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

const (
	unitBasis = 0xcbf29ce484222325 // FNV-1a
	unitPrime = 0x100000001b3
	runBase   = 0x9e3779b97f4a7c15 // odd, so that no unit's bits are lost
)

func hashRune(h uint64, r rune) uint64 {
	var b [utf8.UTFMax]byte
	for _, c := range b[:utf8.EncodeRune(b[:], r)] {
		h = (h ^ uint64(c)) * unitPrime
	}
	return h
}

// scramble spreads a hash over all its bits (the finish of splitmix64).
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
