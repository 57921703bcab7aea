package text_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coigwriter/internal/text"
)

// The sets are those of the runs themselves, each once, and a Han character is a unit as a word is.
func TestShinglesAreRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SliceOf(rapid.SampledFrom([]string{"山", "雨", "灯", "rain", "x1"})).Draw(t, "units")
		n := rapid.IntRange(1, 6).Draw(t, "n")
		runs := map[string]bool{}
		for i := 0; i+min(n, len(units)) <= len(units) && len(units) > 0; i++ {
			runs[strings.Join(units[i:i+min(n, len(units))], " ")] = true
		}
		got := text.Shingles(strings.Join(units, "，"), n)
		if len(got) != len(runs) || !slices.IsSorted(got) {
			t.Fatalf("%d shingles of %d runs: %v", len(got), len(runs), got)
		}
		if loud := text.Shingles(strings.ToUpper(strings.Join(units, " \n")), n); !slices.Equal(got, loud) {
			t.Fatal("case, punctuation or white space count")
		}
	})
}

// What is written rests on these hashes, so they are the same in every process and on every machine.
func TestShinglesAreFixed(t *testing.T) {
	got := text.Shingles("Rain 停了", 2)
	want := []uint64{0x27d3839042ae55f2, 0xc91e60fcaa1f98b0}
	if !slices.Equal(got, want) {
		t.Errorf("%#x", got)
	}
}

// An index counts as many shared shingles as comparing the sets does.
func TestIndexShared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.Custom(func(t *rapid.T) []uint64 {
			s := rapid.SliceOf(rapid.Uint64Range(0, 40)).Draw(t, "set")
			for i := range s {
				s[i] *= 1 << 58 / 7 // over the whole range
			}
			slices.Sort(s)
			return slices.Compact(s)
		})
		var x text.Index
		sets := rapid.SliceOf(set).Draw(t, "sets")
		for i, s := range sets {
			if x.Add(s) != i || x.Size(i) != len(s) {
				t.Fatal("numbers")
			}
		}
		x.Freeze()
		asked := set.Draw(t, "asked")
		got := map[int]int{}
		last := -1
		x.Shared(asked, func(i, n int) {
			if i <= last {
				t.Fatal("not in order")
			}
			got[i], last = n, i
		})
		for i, s := range sets {
			n := 0
			for _, v := range s {
				if slices.Contains(asked, v) {
					n++
				}
			}
			if got[i] != n {
				t.Fatalf("%d: %d shared, want %d", i, got[i], n)
			}
		}
	})
}
