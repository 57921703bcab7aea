package mix

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Of pairs at the threshold next to none is missed, and what is reported is as similar as it says: against
// brute force over sets of every size and similarity.
func TestNearFindsPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, threshold := range []float64{0.3, 0.5, 0.8, 0.95} {
		x := newNear(threshold)
		var sets [][]uint64
		setOf := func(i int) ([]uint64, error) { return sets[i], nil }
		similar, found := 0, 0
		for range 1000 {
			set := randomSet(rng, 5+rng.IntN(60))
			if len(sets) > 0 && rng.IntN(2) == 0 { // a relative of one before, from near to far
				set = slices.Clone(sets[rng.IntN(len(sets))])
				for range rng.IntN(len(set)) {
					set[rng.IntN(len(set))] = rng.Uint64()
				}
				slices.Sort(set)
			}
			best := 0.0
			for _, o := range sets {
				n := common(set, o)
				best = max(best, float64(n)/float64(len(set)+len(o)-n))
			}
			bands := x.bandsOf(set)
			i, share, err := x.find(set, bands, setOf)
			if err != nil {
				t.Fatal(err)
			}
			if i >= 0 {
				n := common(set, sets[i])
				if is := float64(n) / float64(len(set)+len(sets[i])-n); is != share || share < threshold {
					t.Fatalf("row %d is said to be %v like, it is %v", i, share, is)
				}
			}
			if best >= threshold {
				similar++
				if i >= 0 {
					found++
				}
			}
			x.add(bands)
			sets = append(sets, set)
		}
		t.Logf("at %v: bands of %d; %d of %d found", threshold, x.rows, found, similar)
		if similar < 20 || found < similar-max(1, similar/200) {
			t.Errorf("at %v %d of %d were found", threshold, found, similar)
		}
	}
}

func randomSet(rng *rand.Rand, n int) []uint64 {
	set := make([]uint64, n)
	for i := range set {
		set[i] = rng.Uint64()
	}
	slices.Sort(set)
	return set
}

// Texts without any shingle are like nothing, and do not shift the others.
func TestNearSkipsEmpty(t *testing.T) {
	x := newNear(0.8)
	set := randomSet(rand.New(rand.NewPCG(3, 4)), 9)
	x.add(x.bandsOf(nil))
	x.add(x.bandsOf(set))
	if i, share, err := x.find(set, x.bandsOf(set), func(int) ([]uint64, error) { return set, nil }); i != 1 || share != 1 || err != nil {
		t.Errorf("%d %v %v", i, share, err)
	}
	if i, _, _ := x.find(nil, x.bandsOf(nil), nil); i != -1 {
		t.Error("like nothing")
	}
	if newNear(0).bandsOf(set) != nil {
		t.Error("looks although it should not")
	}
}
