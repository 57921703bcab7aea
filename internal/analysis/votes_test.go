package analysis

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"coigwriter/internal/record"
	"coigwriter/internal/text"
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

// Its cells as the paper prints them, and exact p-values with Holm's correction over the ten pairs of a
// language, which the paper leaves out (computed with R: CHECKS.md; 0 where it gives none).
var (
	paperTable2 = map[string][][]string{
		"en": {{"", "38.53", "27.20", "24.08", "23.51"}, {"61.47", "", "35.41", "32.29", "30.03"}, {"72.80", "64.59", "", "49.29", "42.21"}, {"75.92", "67.71", "50.71", "", "46.46"}, {"76.49", "69.97", "57.79", "53.54", ""}},
		"zh": {{"", "39.22", "32.35", "25.98", "35.78"}, {"60.78", "", "39.71", "32.35", "42.16"}, {"67.65", "60.29", "", "41.67", "50.00"}, {"74.02", "67.65", "58.33", "", "62.75"}, {"64.22", "57.84", "50.00", "37.25", ""}},
	}
	paperP = map[string][]struct {
		a, b    string
		p, holm float64
	}{
		"zh": {
			{"CW+1k", "CW", 0.002522, 0.01261},
			{"CW+5k", "CW", 5.130e-7, 4.617e-6},
			{"CW+10k", "CW", 4.264e-12, 0},
			{"G", "CW", 5.9233e-5, 4.146e-4},
			{"CW+5k", "CW+1k", 0.003987, 0.01595},
			{"CW+10k", "CW+1k", 5.130e-7, 0},
			{"G", "CW+1k", 0.029724, 0.061906},
			{"CW+10k", "CW+5k", 0.020635, 0.061906},
			{"G", "CW+5k", 1, 1},
			{"CW+10k", "G", 0.000332904, 0.001997},
		},
		"en": {
			{"CW+1k", "CW", 1.90694e-5, 7.62776e-5}, {"CW+10k", "CW+5k", 0.831444, 0.831444}, {"G", "CW+5k", 0.0039882, 0.011964}, {"CW+10k", "G", 0.201397, 0.402794},
		},
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
	for _, lang := range v.Languages() {
		w := v.WinRates(lang, VoteOptions{})
		if len(w.Pairs) != 10 || w.dependent() {
			t.Fatalf("%d pairs, %d votes of one query", len(w.Pairs), w.Most)
		}
		for i, a := range paperModels {
			for j, b := range paperModels {
				if p, ok := w.Pair(a, b); i != j && (!ok || fmt.Sprintf("%.2f", 100*p.Rate) != paperTable2[lang][i][j]) {
					t.Errorf("%s: %s against %s is %.2f, the paper prints %s", lang, a, b, 100*p.Rate, paperTable2[lang][i][j])
				}
			}
		}
		for _, want := range paperP[lang] {
			p, _ := w.Pair(want.a, want.b)
			if math.Abs(float64(p.P)-want.p) > 5e-4*want.p || want.holm > 0 && math.Abs(float64(p.Holm)-want.holm) > 5e-3*want.holm || float64(p.Sign.P) != float64(p.P) {
				t.Errorf("%s: %s against %s has p %v, after Holm %v, want %v and %v", lang, want.a, want.b, p.P, p.Holm, want.p, want.holm)
			}
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

// Three raters who say the same of every query are not three times the votes: stars and intervals in the
// matrix rest on queries.
func TestVotesOfOneQuery(t *testing.T) {
	v := NewVotes()
	for q := range 12 {
		for r := range 3 {
			w := record.WinnerA
			if q%4 == 0 {
				w = record.WinnerB
			}
			v.Add(record.Vote{QueryID: fmt.Sprint(q), ModelA: "x", ModelB: "y", Winner: w, Rater: fmt.Sprint(r)})
		}
	}
	w := v.WinRates("", VoteOptions{Bootstrap: 400, Seed: 1})
	p := w.Pairs[0]
	if w.Most != 3 || p.Sign != (Sign{9, 3, 0, p.Sign.P, p.Sign.P}) || math.Abs(float64(p.Sign.P)-0.14599609375) > 1e-12 || p.P > 0.01 {
		t.Errorf("%+v", p)
	}
	if i := w.Interval(p); i != p.Cluster || i.Hi-i.Lo < p.Wilson.Hi-p.Wilson.Lo || w.Corrected(p) != p.Sign.Holm {
		t.Errorf("the matrix shows %v, stars by %v: %+v", i, w.Corrected(p), p)
	}
	if q, _ := w.Pair("y", "x"); q.Sign.For != 3 || q.Sign.Against != 9 {
		t.Errorf("%+v", q.Sign)
	}
	if said := joined("en", w.Notes...); !strings.Contains(said, "up to 3 votes, which are not independent") {
		t.Error(said)
	}
	for _, row := range w.Tables("en")[0].Rows {
		if strings.Contains(fmt.Sprint(row...), "*") {
			t.Errorf("9 of 12 queries are starred: %v", row)
		}
	}
}

// Where every query says the same, resampling shows no chance: the interval is Wilson's over queries, and
// not a point.
func TestUnanimousQueries(t *testing.T) {
	v := NewVotes()
	for q := range 10 {
		v.Add(record.Vote{QueryID: fmt.Sprint(q), Rater: "r", ModelA: "x", ModelB: "y", Winner: record.WinnerA, Ranked: true, Of: 2})
	}
	w := v.WinRates("", VoteOptions{Bootstrap: 100, Seed: 1})
	if i := w.Interval(w.Pairs[0]); math.Abs(float64(i.Lo)-0.7224672) > 1e-6 || i.Hi != 1 {
		t.Errorf("%+v", i)
	}
	if row := w.Tables("en")[1].Rows[0]; row[7] != "–" || row[9] != "–" {
		t.Errorf("votes from rankings are shown as independent: %v", row)
	}
}

// Lengths and sides that only some votes carry are used where they are, and it is said.
func TestSomeVotesKnowMore(t *testing.T) {
	v := NewVotes()
	for i := range 90 {
		x := record.Vote{QueryID: fmt.Sprint(i), ModelA: []string{"x", "y", "z"}[i%3], ModelB: []string{"y", "z", "x"}[i%3], Winner: record.WinnerA}
		if i%5 < 2 {
			x.Winner = record.WinnerB
		}
		if i%3 == 0 {
			x.LengthA, x.LengthB, x.First = float64(500+37*(i%11)), 700, []string{record.WinnerA, record.WinnerB}[i%2]
		}
		if i > 80 {
			x.Rater = "r"
		}
		v.Add(x)
	}
	w := v.WinRates("", VoteOptions{})
	p, _ := w.Pair("x", "y")
	if !w.Position.Known || w.Position.Unknown != 60 || w.Position.N != 30 || p.Equal == nil || !p.Equal.Rate.Defined() {
		t.Errorf("%+v %+v", w.Position, p.Equal)
	}
	if q, _ := w.Pair("y", "z"); q.Equal.Rate.Defined() || q.Equal.Why == "" {
		t.Errorf("%+v", q.Equal)
	}
	for _, want := range []string{"60 more votes do not say what was first", "rest on the 30 of 90 votes that carry both lengths", "81 votes name no rater"} {
		if said := joined("en", w.Notes...); !strings.Contains(said, want) {
			t.Errorf("%q is not in %s", want, said)
		}
	}
	s, err := v.Strengths("", VoteOptions{})
	if err != nil || len(s.Equal) != 2 || !s.Length.Estimate.Defined() || !s.Side.Estimate.Defined() {
		t.Errorf("%+v %v", s, err)
	}
}

// Votes on a model without outputs do not keep diversity from explaining the others.
func TestDiversityWithoutSomeOutputs(t *testing.T) {
	v, d := NewVotes(), NewDiversity(text.Tokens{})
	rng := rand.New(rand.NewPCG(1, 1))
	models := []string{"x", "y", "ghost"}
	for q := range 60 {
		for _, m := range models[:2] {
			words := make([]string, 60+rng.IntN(60))
			for i := range words {
				words[i] = fmt.Sprint("w", rng.IntN(40))
			}
			for range 1 + q/59 { // the last query is answered twice
				d.Add(record.Generation{QueryID: fmt.Sprint(q), Model: m, Language: "en", Output: strings.Join(words, " ")})
			}
		}
		for i, a := range models {
			for _, b := range models[i+1:] {
				v.Add(record.Vote{QueryID: fmt.Sprint(q), Language: "en", ModelA: a, ModelB: b, Winner: []string{record.WinnerA, record.WinnerB}[rng.IntN(2)]})
			}
		}
	}
	d.Add(record.Generation{QueryID: "0", Model: "x", Language: "zh", Output: strings.Repeat("同一道题的另一种语言。", 9)})
	p := d.Paradox(v, "en")
	if p.Votes != 60 || p.LeftOut != 120 || p.Repeat != 2 {
		t.Errorf("%+v", p)
	}
	for _, m := range p.Models {
		if m.Why != "" || !m.Effects[m.Name[:len(m.Name)-len(strings.TrimLeft(m.Name, "tmar"))]].Estimate.Defined() {
			t.Errorf("%+v", m)
		}
	}
}
