package text

import (
	"hash/maphash"
	"slices"
	"unicode"
)

// seedOfShingles is the same within a process: shingles are compared, not stored.
var seedOfShingles = maphash.MakeSeed()

// Shingles returns the set of runs of n units in s, each as a hash, sorted: a Han character is a unit, and
// so is a word of other letters and digits; case, width, punctuation and white space do not count. A text
// of fewer units is one shingle; one without any has none. The hashes mean nothing in another process.
func Shingles(s string, n int) []uint64 {
	units := shingleUnits(s)
	if len(units) == 0 {
		return nil
	}
	n = min(max(n, 1), len(units))
	out := make([]uint64, 0, len(units)-n+1)
	var h maphash.Hash
	h.SetSeed(seedOfShingles)
	for i := 0; i+n <= len(units); i++ {
		h.Reset()
		for _, u := range units[i : i+n] {
			h.WriteString(u) // never fails
			h.WriteByte(0)
		}
		out = append(out, h.Sum64())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func shingleUnits(s string) (units []string) {
	word := -1 // where a word began
	folded := foldCase(s)
	for i, r := range folded {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
		han := unicode.Is(unicode.Han, r)
		if word >= 0 && (!letter || han) {
			units, word = append(units, folded[word:i]), -1
		}
		switch {
		case han:
			units = append(units, string(r))
		case letter && word < 0:
			word = i
		}
	}
	if word >= 0 {
		units = append(units, folded[word:])
	}
	return units
}
