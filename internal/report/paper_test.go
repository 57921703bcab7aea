package report

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/analysis"
	"coigwriter/internal/record"
)

// The paper's Table 2 as counts of wins (shared/paper/CHECKS.md derives them), row against column.
var (
	paperModels = []string{"CW", "CW+1k", "CW+5k", "CW+10k", "G"}
	paperWins   = map[string][][]int{
		"zh": {{0, 80, 66, 53, 73}, {124, 0, 81, 66, 86}, {138, 123, 0, 85, 102}, {151, 138, 119, 0, 128}, {131, 118, 102, 76, 0}},
		"en": {{0, 136, 96, 85, 83}, {217, 0, 125, 114, 106}, {257, 228, 0, 174, 149}, {268, 239, 179, 0, 164}, {270, 247, 204, 189, 0}},
	}
)

// paperRankings makes n rankings of five models whose pairs count as the paper's: to swap two neighbours
// in a ranking changes one pair by one vote, so that surpluses wander off one by one.
func paperRankings(t *testing.T, wins [][]int) [][]int {
	t.Helper()
	n := wins[0][1] + wins[1][0]
	rng := rand.New(rand.NewPCG(1, 1))
	rankings := make([][]int, n)
	var have [5][5]int
	for i := range rankings {
		rankings[i] = rng.Perm(5)
		for a, x := range rankings[i] {
			for _, y := range rankings[i][a+1:] {
				have[x][y]++
			}
		}
	}
	wrong := func() (sum int) {
		for x := range 5 {
			for y := range 5 {
				sum += max(have[x][y]-wins[x][y], 0)
			}
		}
		return sum
	}
	for step := 0; wrong() > 0; step++ {
		if step > 1_000_000 {
			t.Fatal("no rankings were found whose pairs count so")
		}
		r, at := rankings[rng.IntN(n)], rng.IntN(4)
		x, y := r[at], r[at+1]
		if have[x][y] > wins[x][y] || rng.IntN(200) == 0 && have[x][y] == wins[x][y] { // now and then a detour
			r[at], r[at+1] = y, x
			have[x][y]--
			have[y][x]++
		}
	}
	return rankings
}

// make freezes records and builds their report in a temporary directory.
func makeReport(t *testing.T, o Options, write func(in *Inputs)) (dir string, s Summary) {
	t.Helper()
	dir = t.TempDir()
	in, err := NewInputs(dir)
	if err != nil {
		t.Fatal(err)
	}
	write(in)
	if o.Lang == "" {
		o.Lang = English
	}
	o.Seed, o.Success = 1, 2
	m, err := in.Freeze(Manifest{Title: "a report", Date: "2026-03-01", Program: Program{Version: "test"}, Options: o})
	if err != nil {
		t.Fatal(err)
	}
	if s, err = Build(context.Background(), filepath.Join(dir, inputsDir), m, dir); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// add appends records as people's.
func add(t *testing.T, in *Inputs, records ...any) {
	t.Helper()
	for _, r := range records {
		if err := in.Add(r, false); err != nil {
			t.Fatal(err)
		}
	}
}

func ranked(query, language, rater string, models ...string) record.Ranked {
	r := record.Ranked{Ranking: record.Ranking{QueryID: query, Rater: rater, Models: models}}
	for i, a := range models {
		for _, b := range models[i+1:] {
			r.Votes = append(r.Votes, record.Vote{QueryID: query, Language: language, Rater: rater, ModelA: a, ModelB: b, Winner: record.WinnerA, Ranked: true})
		}
	}
	return r
}

// 204 and 353 rankings whose pairs count as the paper's give its Table 2 with the p values it leaves out,
// and the report says that such votes are dependent.
func TestThePapersTableFromRankings(t *testing.T) {
	dir, s := makeReport(t, Options{Lang: Both, Bootstrap: 200, Models: paperModels}, func(in *Inputs) {
		for _, lang := range []string{"zh", "en"} {
			for i, r := range paperRankings(t, paperWins[lang]) {
				var names []string
				for _, m := range r {
					names = append(names, paperModels[m])
				}
				add(t, in, ranked(lang+itoa(i), lang, "r"+itoa(i%5), names...))
			}
		}
	})
	var doc []analysis.WinRates
	for _, r := range s.docs {
		if w, ok := r.Doc.([]analysis.WinRates); ok {
			doc = w
		}
	}
	if len(doc) != 2 {
		t.Fatalf("%d languages", len(doc))
	}
	for _, w := range doc {
		if want := map[string]int{"zh": 2040, "en": 3530}[w.Language]; w.Votes != want || w.Ranked != want {
			t.Errorf("%s: %d votes, %d from rankings", w.Language, w.Votes, w.Ranked)
		}
		for i, a := range paperModels {
			for j, b := range paperModels {
				if p, ok := w.Pair(a, b); ok && p.Wins != paperWins[w.Language][i][j] {
					t.Errorf("%s: %s beats %s %d times, the paper says %d", w.Language, a, b, p.Wins, paperWins[w.Language][i][j])
				}
			}
		}
	}
	for _, c := range []struct {
		w       analysis.WinRates
		a, b    string
		p, holm float64
	}{
		{doc[1], "CW+10k", "G", .000332904, .001997}, {doc[1], "CW+10k", "CW+5k", .020635, .0619}, {doc[1], "G", "CW+5k", 1, 1}, {doc[0], "CW+10k", "G", .201397, .4028}, {doc[0], "G", "CW+5k", .003988, .0120},
	} {
		if p, _ := c.w.Pair(c.a, c.b); math.Abs(float64(p.P)-c.p) > 1e-6 || math.Abs(float64(p.Holm)-c.holm) > 6e-5 {
			t.Errorf("%s, %s against %s: p %v, Holm %v; want %v, %v", c.w.Language, c.a, c.b, p.P, p.Holm, c.p, c.holm)
		}
	}
	limits := ""
	for _, l := range s.Limits {
		limits += l.EN + "\n" + l.ZH + "\n"
	}
	for _, want := range []string{"Chinese: 2040 votes stand for rankings, and those of one ranking depend on each other", "英文：3530 张票由排名展开", "No plan was frozen before the votes"} {
		if !strings.Contains(limits, want) {
			t.Errorf("the limits do not say %q:\n%s", want, limits)
		}
	}
	csv, err := os.ReadFile(filepath.Join(dir, "tables", "en", "paper.csv"))
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for line := range strings.Lines(string(csv)) { // beside the paper stands the same
		cells := strings.Split(line, ",")
		if strings.HasPrefix(line, "win rate of") {
			pairs++
			if !strings.Contains(line, cells[3]+",\""+cells[3]) && !strings.Contains(line, cells[3]+","+cells[3]) {
				t.Errorf("not the paper's: %s", line)
			}
		}
	}
	if pairs != 20 {
		t.Errorf("%d pairs stand beside the paper's", pairs)
	}
	if !slices.Contains(s.Pages, "report.zh.html") || !slices.Contains(s.Pages, "report.en.html") {
		t.Errorf("%v", s.Pages)
	}
	if _, faults, err := Verify(context.Background(), dir, t.TempDir()); err != nil || len(faults) > 0 {
		t.Errorf("%v %v", faults, err)
	}
}
