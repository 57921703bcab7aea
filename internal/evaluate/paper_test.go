package evaluate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
)

// paperWins are the wins of the paper's Table 2, row over column, as counts: 204 Chinese and 353 English
// queries, in the order CW, +1k, +5k, +10k, G (the only whole numbers that give its percentages).
var paperWins = map[string][5][5]int{
	"zh": {{0, 80, 66, 53, 73}, {124, 0, 81, 66, 86}, {138, 123, 0, 85, 102}, {151, 138, 119, 0, 128}, {131, 118, 102, 76, 0}},
	"en": {{0, 136, 96, 85, 83}, {217, 0, 125, 114, 106}, {257, 228, 0, 174, 149}, {268, 239, 179, 0, 164}, {270, 247, 204, 189, 0}},
}

// rankingsOf finds n rankings of five whose pair counts are exactly those wanted: from random ones, two
// neighbours are exchanged wherever their pair is won too often, which changes no other pair.
func rankingsOf(want [5][5]int, n int, rng *rand.Rand) [][]int {
	rs := make([][]int, n)
	var have [5][5]int
	for i := range rs {
		rs[i] = rng.Perm(5)
		for a, better := range rs[i] {
			for _, worse := range rs[i][a+1:] {
				have[better][worse]++
			}
		}
	}
	for have != want {
		r := rs[rng.IntN(n)]
		i := rng.IntN(4)
		if better, worse := r[i], r[i+1]; have[better][worse] > want[better][worse] {
			r[i], r[i+1] = worse, better
			have[better][worse]--
			have[worse][better]++
		}
	}
	return rs
}

// The paper's Table 2 from 204 + 353 rankings, given by people in a study of ours: its counts, its
// p-values after correction, and the note that votes of one ranking depend on each other.
func TestPaperTable2(t *testing.T) {
	t.Parallel()
	const zh, en = 204, 353
	l := newLabIn(t, zh+en, 5, func(i int) bool { return i >= zh }, nil)
	ctx := t.Context()
	s := l.begin(t, "论文表二", Rank, l.plan(func(p *Plan) { p.Overlap, p.Shared, p.Repeats, p.Attention = 1, 0, 0, 0 }))
	rng := rand.New(rand.NewPCG(204, 353))
	wanted := map[string][]int{}
	for i, r := range rankingsOf(paperWins["zh"], zh, rng) {
		wanted[l.codes[i]] = r
	}
	for i, r := range rankingsOf(paperWins["en"], en, rng) {
		wanted[l.codes[zh+i]] = r
	}
	code := map[string]string{}
	var rows []struct{ ID, Code string }
	if err := l.d.All(ctx, &rows, `SELECT id, code FROM query`); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		code[r.ID] = r.Code
	}
	for _, person := range l.eyes {
		for {
			id, err := Next(ctx, l.d, person, s.ID, 0)
			if errors.Is(err, errs.NotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			task, _, it, err := taskOf(ctx, l.d, person, id)
			if err != nil {
				t.Fatal(err)
			}
			var g Given // places of the screen, best first
			for _, model := range wanted[code[it.QueryID]] {
				g.Ranked = append(g.Ranked, slices.Index(task.Shown.V, slices.Index(it.Models.V, models[model])))
			}
			if _, err := Give(ctx, l.d, person, id, g); err != nil {
				t.Fatal(err)
			}
		}
	}
	r, err := RecordsOf(ctx, l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	v := analysis.NewVotes(models...)
	for _, k := range r.Rankings {
		for _, x := range k.Votes() {
			v.Add(x)
		}
	}
	if v.Len() != 5570 || v.Duplicates+v.Mixed > 0 {
		t.Fatalf("%d votes, %d left out", v.Len(), v.Duplicates+v.Mixed)
	}
	// Holm's p over the ten pairs of a language, as the paper's arithmetic gives them.
	holm := map[string]float64{
		"zh 3 4": .001997, "zh 0 1": .0126, "zh 1 2": .0159, "zh 1 4": .0619, "zh 2 3": .0619, "zh 2 4": 1,
		"en 3 4": .4028, "en 2 4": .0120, "en 2 3": .8314, "en 0 1": 7.6e-5,
	}
	for _, lang := range v.Languages() {
		w := v.WinRates(lang, analysis.VoteOptions{Bootstrap: 500, Seed: 1})
		if w.Ranked != w.Votes || len(w.Pairs) != 10 {
			t.Errorf("%s: %d of %d votes are of rankings", lang, w.Ranked, w.Votes)
		}
		told := false
		for _, n := range w.Notes {
			told = told || strings.Contains(n.EN, "votes come from rankings and belong together")
		}
		if !told {
			t.Errorf("%s: nothing says that votes of a ranking depend on each other: %v", lang, w.Notes)
		}
		for _, pair := range w.Pairs {
			i, j := slices.Index(models, pair.A), slices.Index(models, pair.B)
			if want := paperWins[lang]; pair.Wins != want[i][j] || pair.Losses != want[j][i] {
				t.Errorf("%s %s against %s: %d to %d, want %d to %d", lang, pair.A, pair.B, pair.Wins, pair.Losses, want[i][j], want[j][i])
			}
			want, ok := holm[fmt.Sprint(lang, " ", i, " ", j)]
			if got := float64(pair.Holm); ok && math.Abs(got-want) > want*0.01 {
				t.Errorf("%s %s against %s: Holm p %g, want %g", lang, pair.A, pair.B, got, want)
			}
		}
	}
}
