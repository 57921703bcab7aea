package mix

import (
	"math"
	"slices"
)

// A near finds, among the rows that it was shown, one that a new row is nearly a copy of: MinHash over
// their shingles, in as many bands as the threshold wants, and then the exact Jaccard similarity of those
// that agree in a band. It misses fewer than one in a thousand pairs at the threshold and next to none
// above it; what it reports is exact. Every hash is fixed, so it finds the same everywhere. It keeps four
// bytes a band and row besides the band's own entry, no text.
type near struct {
	threshold float64
	rows      int              // hashes of one band
	bands     int              // of a signature
	last      map[uint64]int32 // band and its hash → the last row that has it
	before    []int32          // row and band → the row before it that has the same; -1 for none
	n         int32
}

const (
	shingleOf       = 5   // units of a shingle
	signature       = 128 // hashes, parted into bands
	leastSimilarity = 0.3 // below it bands of one hash would find everything
)

// newNear looks for rows of at least this similarity; 0 finds nothing.
func newNear(threshold float64) *near {
	x := &near{threshold: threshold, rows: 1, last: map[uint64]int32{}}
	for r := 2; r <= 16; r++ {
		if missed(threshold, r) > 0.001 {
			break
		}
		x.rows = r
	}
	x.bands = signature / x.rows
	return x
}

// missed is the chance that two rows of a similarity agree in no band of r hashes.
func missed(similarity float64, r int) float64 {
	return math.Pow(1-math.Pow(similarity, float64(r)), float64(signature/r))
}

// bandsOf hashes the bands of a set of shingles; nil for a text without any.
func (x *near) bandsOf(set []uint64) []uint64 {
	if x.threshold == 0 || len(set) == 0 {
		return nil
	}
	var least [signature]uint32
	for i := range least {
		least[i] = math.MaxUint32
	}
	for _, s := range set {
		for i := range least {
			if h := uint32((s*multipliers[i] + uint64(i)) >> 32); h < least[i] {
				least[i] = h
			}
		}
	}
	out := make([]uint64, x.bands)
	for b := range out {
		h := uint64(b) + 1
		for _, v := range least[b*x.rows : (b+1)*x.rows] {
			h = (h ^ uint64(v)) * 0x9e3779b97f4a7c15
			h ^= h >> 29
		}
		out[b] = h
	}
	return out
}

// multipliers are odd numbers without a pattern: the outputs of splitmix64.
var multipliers = func() (out [signature]uint64) {
	state := uint64(0)
	for i := range out {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		out[i] = (z ^ z>>31) | 1
	}
	return out
}()

// find returns the first of the rows before that is at least so similar. setOf gives the shingles of one.
func (x *near) find(set, bands []uint64, setOf func(row int) ([]uint64, error)) (row int, share float64, err error) {
	var candidates []int32
	for b, h := range bands {
		r, ok := x.last[h]
		for ok && r >= 0 {
			candidates = append(candidates, r)
			r = x.before[int(r)*x.bands+b]
		}
	}
	slices.Sort(candidates)
	for _, r := range slices.Compact(candidates) {
		other, err := setOf(int(r))
		if err != nil {
			return -1, 0, err
		}
		n := common(set, other)
		if share := float64(n) / float64(len(set)+len(other)-n); share >= x.threshold {
			return int(r), share, nil
		}
	}
	return -1, 0, nil
}

// add shows it a row, which gets the next number.
func (x *near) add(bands []uint64) {
	for range x.bands - len(bands) { // no shingles: the row is like none
		x.before = append(x.before, -1)
	}
	for _, h := range bands {
		r, ok := x.last[h]
		if !ok {
			r = -1
		}
		x.before = append(x.before, r)
		x.last[h] = x.n
	}
	x.n++
}

// common counts the members of both of two sorted sets.
func common(a, b []uint64) (n int) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			n, i, j = n+1, i+1, j+1
		case a[i] < b[j]:
			i++
		default:
			j++
		}
	}
	return n
}
