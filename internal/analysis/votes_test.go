package analysis

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"coigwriter/internal/record"
)

// The paper's Table 2 as counts of wins: row against column, 204 votes a pair in Chinese and 353 in
// English (shared/paper/CHECKS.md derives them from the printed percentages).
var (
	paperModels = []string{"CW", "CW+1k", "CW+5k", "CW+10k", "G"}
	paperWins   = map[string][][]int{
		"zh": {{0, 80, 66, 53, 73}, {124, 0, 81, 66, 86}, {138, 123, 0, 85, 102}, {151, 138, 119, 0, 128}, {131, 118, 102, 76, 0}},
		"en": {{0, 136, 96, 85, 83}, {217, 0, 125, 114, 106}, {257, 228, 0, 174, 149}, {268, 239, 179, 0, 164}, {270, 247, 204, 189, 0}},
	}
)

func paperVotes() *Votes {
	v := NewVotes(paperModels...)
	for lang, wins := range paperWins {
		for i, a := range paperModels {
			for j, b := range paperModels[i+1:] {
				k, lost := wins[i][i+1+j], wins[i+1+j][i]
				for n := range k + lost {
					w := record.WinnerA
					if n >= k {
						w = record.WinnerB
					}
					v.Add(record.Vote{QueryID: fmt.Sprint(lang, n), Language: lang, ModelA: a, ModelB: b, Winner: w})
				}
			}
		}
	}
	return v
}

// 5,570 votes give the paper's Table 2 and the tests it leaves out.
func TestPaperTable2(t *testing.T) {
	v := paperVotes()
	if v.Len() != 5570 {
		t.Fatalf("%d votes", v.Len())
	}
	printed := map[string]map[[2]string]string{ // as the paper prints them
		"zh": {{"CW+1k", "CW"}: "60.78", {"CW+10k", "CW"}: "74.02", {"CW+10k", "G"}: "62.75", {"G", "CW+5k"}: "50.00"},
		"en": {{"G", "CW"}: "76.49", {"CW+5k", "CW+10k"}: "49.29", {"G", "CW+10k"}: "53.54"},
	}
	significant := map[string]int{"zh": 7, "en": 8} // pairs that stand after Holm at .05
	for _, lang := range v.Languages() {
		w := v.WinRates(lang, VoteOptions{})
		if len(w.Pairs) != 10 {
			t.Fatalf("%d pairs", len(w.Pairs))
		}
		for at, want := range printed[lang] {
			p, ok := w.Pair(at[0], at[1])
			if got := fmt.Sprintf("%.2f", 100*p.Rate); !ok || got != want {
				t.Errorf("%s: %s against %s is %s, the paper prints %s", lang, at[0], at[1], got, want)
			}
		}
		n := 0
		for _, p := range w.Pairs {
			if p.Holm < 0.05 {
				n++
			}
		}
		if n != significant[lang] {
			t.Errorf("%s: %d pairs are significant after Holm, want %d", lang, n, significant[lang])
		}
		for i, a := range w.Models {
			for _, b := range w.Models[i+1:] {
				p, _ := w.Pair(a, b)
				q, _ := w.Pair(b, a)
				if math.Abs(float64(p.Rate+q.Rate-1)) > 1e-12 || math.Abs(float64(p.Wilson.Lo+q.Wilson.Hi-1)) > 1e-12 || p.Holm != q.Holm {
					t.Errorf("%s and %s do not mirror: %+v %+v", a, b, p, q)
				}
			}
		}
	}
}

// Names carry nothing: other names and another order give the same figures.
func TestRelabelling(t *testing.T) {
	v, r := NewVotes(), NewVotes()
	name := strings.NewReplacer("x", "zz", "y", "aa", "w", "mm")
	for i := range 60 {
		for j, pair := range [][2]string{{"x", "y"}, {"y", "w"}, {"x", "w"}} {
			win := []string{record.WinnerA, record.WinnerB, record.WinnerA, record.WinnerTie, record.WinnerBothBad}[(i+j*i)%5]
			x := record.Vote{QueryID: fmt.Sprint(i), Language: "zh", ModelA: pair[0], ModelB: pair[1], Winner: win, Rater: fmt.Sprint(i % 4)}
			v.Add(x)
			x.ModelA, x.ModelB = name.Replace(x.ModelA), name.Replace(x.ModelB)
			r.Add(x)
		}
	}
	a, errA := v.Strengths("zh", VoteOptions{Bootstrap: 50, Seed: 3})
	b, errB := r.Strengths("zh", VoteOptions{Bootstrap: 50, Seed: 3})
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if len(a.Ties) != 3 {
		t.Errorf("%d models of ties", len(a.Ties))
	}
	for i := range a.Models {
		if name.Replace(a.Models[i].Model) != b.Models[i].Model || math.Abs(float64(a.Models[i].Theta-b.Models[i].Theta)) > 1e-9 {
			t.Errorf("place %d: %+v, renamed %+v", i, a.Models[i], b.Models[i])
		}
	}
	if _, err := json.Marshal(a); err != nil {
		t.Error(err)
	}
}

// A model that never lost has no finite strength: it is said, and the estimate is called what it is.
func TestNeverLost(t *testing.T) {
	v := NewVotes()
	for i := range 10 {
		v.Add(record.Vote{QueryID: fmt.Sprint(i), ModelA: "best", ModelB: "other", Winner: record.WinnerA})
	}
	s, err := v.Strengths("", VoteOptions{Bootstrap: 10})
	if err != nil || s.Method != "ridge" || !strings.Contains(s.Why.EN, "best") || !strings.Contains(s.Why.ZH, "best") || s.Models[0].SE.Defined() {
		t.Errorf("%+v, %v", s, err)
	}
	if data, err := json.Marshal(s); err != nil || !strings.Contains(string(data), `"se":null`) {
		t.Errorf("%s %v", data, err)
	}
}

// What does not count is counted: a second vote by the same rater, a query in two languages.
func TestVotesThatDoNotCount(t *testing.T) {
	v := NewVotes()
	one := record.Vote{QueryID: "1", Language: "zh", ModelA: "x", ModelB: "y", Winner: record.WinnerA, Rater: "r"}
	v.Add(one)
	again := one
	again.ModelA, again.ModelB, again.Winner = "y", "x", record.WinnerA
	v.Add(again)
	foreign := one
	foreign.Language, foreign.Rater = "en", "s"
	v.Add(foreign)
	if v.Len() != 1 || v.Duplicates != 1 || v.Mixed != 1 || len(v.Problems) != 2 {
		t.Errorf("%+v", v)
	}
	w := v.WinRates("zh", VoteOptions{})
	if w.Pairs[0].N != 1 || w.Pairs[0].Cluster.Lo.Defined() {
		t.Errorf("%+v", w.Pairs)
	}
}

// Votes about a model that was not listed are left out, counted and said.
func TestModelsThatDoNotTakePart(t *testing.T) {
	v := NewVotes("x", "y")
	for i, pair := range [][2]string{{"x", "y"}, {"y", "x"}, {"x", "Y"}, {"z", "Y"}} {
		v.Add(record.Vote{QueryID: fmt.Sprint(i), ModelA: pair[0], ModelB: pair[1], Winner: record.WinnerA})
	}
	w := v.WinRates("", VoteOptions{})
	if w.Votes != 2 || len(w.Models) != 2 || v.Other["Y"] != 2 || v.Other["z"] != 1 {
		t.Errorf("%d votes on %v, left out %v", w.Votes, w.Models, v.Other)
	}
	if said := joined("en", w.Notes...); !strings.Contains(said, "Y (2), z (1)") {
		t.Error(said)
	}
}

// What was shown first stands left, whoever it was, and a preference for it is found.
func TestPosition(t *testing.T) {
	v := NewVotes()
	for i := range 40 {
		x := record.Vote{QueryID: fmt.Sprint(i), ModelA: "x", ModelB: "y", First: record.WinnerA, Winner: record.WinnerA}
		if i%2 == 0 { // shown the other way round, and again the first wins
			x.First, x.Winner = record.WinnerB, record.WinnerB
		}
		if i < 4 {
			x.Winner = map[string]string{record.WinnerA: record.WinnerB, record.WinnerB: record.WinnerA}[x.Winner]
		}
		v.Add(x)
	}
	w := v.WinRates("", VoteOptions{})
	if !w.Position.Known || w.Position.First != 36 || w.Position.N != 40 || w.Pairs[0].Wins != 20 {
		t.Errorf("%+v %+v", w.Position, w.Pairs[0])
	}
	s, err := v.Strengths("", VoteOptions{})
	if err != nil || s.Side.Estimate < 1 || math.Abs(float64(s.Models[0].Theta)) > 1e-9 {
		t.Errorf("%+v %v", s.Side, err)
	}
}

// Small genres have no percentage, borrow from the others, and are not tested.
func TestGenresOfFewVotes(t *testing.T) {
	v := NewVotes()
	n := 0
	for genre, votes := range map[string]int{"poetry": 4, "essay": 40, "script": 8} {
		for i := range votes {
			w := record.WinnerA
			if genre == "essay" && i%2 == 0 {
				w = record.WinnerB
			}
			n++
			v.Add(record.Vote{QueryID: fmt.Sprint(n), Genre: genre, ModelA: "x", ModelB: "y", Winner: w})
		}
	}
	g := v.Genres("", "x", VoteOptions{})
	for _, r := range g.Genres {
		switch r.Genre {
		case "poetry":
			if r.Rate.Defined() || r.P.Defined() || !(r.Shrunk > 0.5 && r.Shrunk < 1) {
				t.Errorf("%+v", r)
			}
		case "script":
			if r.Rate.Defined() || !r.P.Defined() {
				t.Errorf("%+v", r)
			}
		case "essay":
			if r.Rate != 0.5 {
				t.Errorf("%+v", r)
			}
		}
	}
}

// Where readers only like what is longer, the longer model wins, and at equal length nobody does.
func TestLengthControl(t *testing.T) {
	v := NewVotes()
	for i := range 200 {
		long := float64(900 + 37*(i%30))
		x := record.Vote{QueryID: fmt.Sprint(i), ModelA: "wordy", ModelB: "brief", LengthA: long, LengthB: 1200, Winner: record.WinnerB}
		if long > 1200 != (i%7 == 0) {
			x.Winner = record.WinnerA
		}
		v.Add(x)
	}
	w := v.WinRates("", VoteOptions{})
	p, _ := w.Pair("wordy", "brief")
	if p.Equal == nil || p.Rate < 0.55 || math.Abs(float64(p.Equal.Rate)-0.5) > 0.12 || p.Equal.PrefersLonger < 0.8 {
		t.Errorf("%+v %+v", p, p.Equal)
	}
	q, _ := w.Pair("brief", "wordy")
	if math.Abs(float64(q.Equal.Rate+p.Equal.Rate-1)) > 1e-9 {
		t.Errorf("%+v", q.Equal)
	}
	if len(w.Tables("zh")[1].Columns) != 14 {
		t.Error("no columns for it")
	}
}

// A ranking of fewer models than the longest is counted and named.
func TestPartialRankings(t *testing.T) {
	v := NewVotes()
	rank := func(query, rater string, models ...string) {
		for i, better := range models {
			for _, worse := range models[i+1:] {
				v.Add(record.Vote{QueryID: query, Rater: rater, ModelA: better, ModelB: worse, Winner: record.WinnerA, Ranked: true})
			}
		}
	}
	rank("1", "ann", "x", "y", "z")
	rank("1", "bob", "y", "x") // leaves out z
	rank("2", "ann", "x", "y") // all that anybody ranked there, and still not three
	w := v.WinRates("", VoteOptions{})
	if w.Partial != 2 || !strings.Contains(joined("en", w.Notes...), "2 of 3 rankings hold fewer than 3 models: the pairs they lack rest on fewer votes (1/bob 2, 2/ann 2)") {
		t.Errorf("%d partial; %q", w.Partial, w.Notes)
	}
}
