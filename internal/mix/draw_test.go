package mix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"coigwriter/internal/record"
)

// Smaller configurations are the beginnings of larger ones, in the same order; G has the general rows of
// the largest.
func TestNested(t *testing.T) {
	t.Parallel()
	b := newBench(t, triplets(30), general(300))
	m, out := b.must(head + sizes("CW", `"all"`, 0, "CW+10", `"all"`, 10, "CW+100", `"all"`, 100, "half", 15, 50, "G", 0, 100))
	for _, c := range []struct{ small, large string }{{"CW+10", "CW+100"}, {"half", "CW+100"}, {"G", "CW+100"}, {"CW", "CW+10"}} {
		large := rowsIn(t, out, c.large)
		at := -1
		for _, r := range rowsIn(t, out, c.small) {
			i := slices.IndexFunc(large, func(o Row) bool { return cmp.Equal(r, o) })
			if i <= at {
				t.Fatalf("%s: row %s is at %d of %s, after %d", c.small, r.ID, i, c.large, at)
			}
			at = i
		}
	}
	if diff := cmp.Diff(ids(rowsIn(t, out, "CW+100"), KindGeneral), ids(rowsIn(t, out, "G"), KindGeneral)); diff != "" {
		t.Error(diff)
	}
	if c := m.Configurations[2]; c.Rows != 130 || c.Creative != 30 || c.General != 100 || c.Thoughts != 30 || c.ByGenre["散文"] != 30 || c.ByGenre[""] != 100 || c.BySource["g"] != 100 || c.ByLanguage["zh"] != 130 {
		t.Errorf("%+v", c)
	}
	if s := m.Sources; s[0].Name != "cw" || s[0].Kept != 30 || s[1].Rows != 300 || s[1].Kept != 100 {
		t.Errorf("%+v", s)
	}
}

// The same seed gives the same bytes, here and on any machine: these hashes are part of the contract. A
// change to them is a change to every mix that anybody has made, and needs a new format.
func TestGolden(t *testing.T) {
	b := newBench(t, triplets(5), general(20))
	m, _ := b.must(head + sizes("CW+10", `"all"`, 10))
	if got := m.Configurations[0].Hash; got != "fed0c712e644bb5395b3f94bbddfac091c130aeb522e2de41ff9322ea33af698" {
		t.Errorf("rows: %s", got)
	}
	if got := m.ID; got != "ef9ffabea9a298073456793f7b47eb6bdbd534c803299fa78beef4425e0fd89f" {
		t.Errorf("manifest: %s", got)
	}
	turns := []record.Turn{{Role: "user", Text: "写雨"}, {Role: "assistant", Text: "雨停了。", Thought: "先想雨"}}
	if got := contentHash(turns); got != "372b6cc1cafa67c9e0bfe61747663f0aa07723172c12d83f11cb3f5d58e1a839" {
		t.Errorf("content: %s", got)
	}
	if got := fmt.Sprintf("%x", keyOf("draw", 42, contentHash(turns))); got != "5fd3d1e4adacb66653ad632b36ac5188" {
		t.Errorf("key: %s", got)
	}
}

// What is drawn hangs on the seed and on what rows say: not on the order of lines or files, not on where
// thoughts go.
func TestOrderMakesNoDifference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(rt, "n")
		lines := general(n)
		for range rapid.IntRange(0, 5).Draw(rt, "copies") {
			lines = append(lines, lines[rapid.IntRange(0, n-1).Draw(rt, "copy")])
		}
		want := rapid.IntRange(0, n).Draw(rt, "want")
		plan := head + sizes("M", `"all"`, want)
		_, out := newBench(t, triplets(3), lines).must(plan)
		first := rowsIn(t, out, "M")

		shuffled := rapid.Permutation(lines).Draw(rt, "shuffled")
		cut := rapid.IntRange(1, len(lines)).Draw(rt, "cut")
		b := newBench(t, triplets(3), shuffled[:cut])
		b.put("h.jsonl", shuffled[cut:])
		if cut == len(lines) {
			os.Remove(filepath.Join(b.dir, "h.jsonl"))
		}
		m, out := b.must(strings.Replace(plan, `["g.jsonl"]`, `["[gh].jsonl"]`, 1))
		if diff := cmp.Diff(first, rowsIn(t, out, "M")); diff != "" {
			rt.Fatal(diff)
		}
		if m.LeftOut.ByReason[KindGeneral][Duplicate] > len(lines)-n {
			rt.Fatalf("%v", m.LeftOut)
		}
		_, out = b.must(strings.Replace(plan, `["g.jsonl"]`, `["[hg].jsonl"]`, 1) + "[reasoning]\ncreative = \"none\"\n")
		if diff := cmp.Diff(ids(first, KindGeneral), ids(rowsIn(t, out, "M"), KindGeneral)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// A narrow pool, read several times, draws what a wide one does.
func TestRoundsDrawTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(rt, "rows")
		width := rapid.IntRange(1, 50).Draw(rt, "width")
		s, err := newSpool(t.TempDir())
		if err != nil {
			rt.Fatal(err)
		}
		defer s.close()
		var all []key
		narrow := newPool(s, width)
		var got []key
		for round := 0; ; round++ {
			for i := range n {
				turns := []record.Turn{{Role: "user", Text: fmt.Sprint(i % 150)}} // some are there twice
				c := newCandidate(7, KindGeneral, record.Conversation{Turns: turns})
				if round == 0 && !slices.Contains(all, c.draw) {
					all = append(all, c.draw)
				}
				if err := narrow.add(c, turns); err != nil {
					rt.Fatal(err)
				}
			}
			rows := narrow.drain()
			for _, r := range rows {
				got = append(got, r.draw)
			}
			if !narrow.lost {
				break
			}
			narrow.next(rows[len(rows)-1].draw)
		}
		slices.SortFunc(all, func(a, b key) int { return strings.Compare(string(a[:]), string(b[:])) })
		if diff := cmp.Diff(all, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// More rows in the pool push few of the old ones out: about as many as their share of it.
func TestGrowingPoolDisturbsLittle(t *testing.T) {
	_, out := newBench(t, triplets(1), general(400)).must(head + sizes("M", 0, 100))
	before := ids(rowsIn(t, out, "M"), KindGeneral)
	_, out = newBench(t, triplets(1), general(440)).must(head + sizes("M", 0, 100))
	after := ids(rowsIn(t, out, "M"), KindGeneral)
	stayed := 0
	for _, id := range before {
		if slices.Contains(after, id) {
			stayed++
		}
	}
	if stayed < 80 { // 91 are expected
		t.Errorf("%d of 100 stayed", stayed)
	}
	_, out = newBench(t, triplets(1), general(400)).must(strings.Replace(head, "42", "43", 1) + sizes("M", 0, 100))
	other := ids(rowsIn(t, out, "M"), KindGeneral)
	if cmp.Equal(before, other) {
		t.Error("another seed draws the same")
	}
}

// A manifest of format 1, as coigwriter of 2026-11-27 wrote it, is read and still is what it was.
func TestFormat1(t *testing.T) {
	m, err := OpenManifest(filepath.Join("testdata", "format1"))
	if err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join("testdata", "format1", ManifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), string(m.encode())); diff != "" {
		t.Error(diff)
	}
	if len(m.Warnings) != 2 || m.Warnings[0].Msg != "no benchmark file is named: nothing was held against queries" {
		t.Errorf("%+v", m.Warnings)
	}
	m.Warnings[0].Msg = "all is well"
	if err := m.Check(); err == nil {
		t.Error("a changed manifest passed")
	}
}
