package text

import (
	"cmp"
	"math/bits"
	"slices"
)

// An Index finds, among the texts that it holds, those which share shingles with another text. It takes
// 16 bytes a shingle. Add all texts, then Freeze, then ask, from as many goroutines as you like.
type Index struct {
	posts []posting
	first []uint32 // where the shingles that begin with the same bits start in posts
	shift int      // what is left of a shingle after those bits
	sizes []int    // shingles of each text
}

type posting struct {
	shingle uint64
	text    uint32
}

const maxIndexBits = 20

// Add puts in a text by its shingles and returns its number, from 0.
func (x *Index) Add(set []uint64) int {
	n := len(x.sizes)
	for _, s := range set {
		x.posts = append(x.posts, posting{s, uint32(n)})
	}
	x.sizes = append(x.sizes, len(set))
	return n
}

// Freeze makes the index ready to be asked.
func (x *Index) Freeze() {
	slices.SortFunc(x.posts, func(a, b posting) int {
		return cmp.Or(cmp.Compare(a.shingle, b.shingle), cmp.Compare(a.text, b.text))
	})
	n := min(bits.Len(uint(len(x.posts))), maxIndexBits) // about one shingle to each beginning
	x.first, x.shift = make([]uint32, 1<<n+1), 64-n
	at := 0
	for i := range x.first {
		for at < len(x.posts) && x.posts[at].shingle>>x.shift < uint64(i) {
			at++
		}
		x.first[i] = uint32(at)
	}
}

// Len returns how many texts the index holds.
func (x *Index) Len() int { return len(x.sizes) }

// Size returns how many shingles a text has.
func (x *Index) Size(i int) int { return x.sizes[i] }

// Shared calls f for every text that shares shingles with a set, in the order of their numbers, with how
// many they share.
func (x *Index) Shared(set []uint64, f func(i, n int)) {
	if len(x.posts) == 0 {
		return
	}
	var hits []uint32
	for _, s := range set {
		top := s >> x.shift
		for _, p := range x.posts[x.first[top]:x.first[top+1]] {
			if p.shingle == s {
				hits = append(hits, p.text)
			}
		}
	}
	slices.Sort(hits)
	for from := 0; from < len(hits); {
		to := from + 1
		for to < len(hits) && hits[to] == hits[from] {
			to++
		}
		f(int(hits[from]), to-from)
		from = to
	}
}
