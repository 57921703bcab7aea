package analysis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// A judge that always says what most people say agrees wholly; one that takes the longer output is seen
// to; the two readings of a pair show a liking of the first place.
func TestCalibration(t *testing.T) {
	t.Parallel()
	c := NewCalibration()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		a, b := "m1", "m2"
		if i%2 == 1 {
			a, b = b, a // the order of a record says nothing
		}
		v := record.Vote{QueryID: fmt.Sprint("q", i), Language: "zh", Genre: "poetry", ModelA: a, ModelB: b, LengthA: float64(100 + rng.IntN(900)), LengthB: float64(100 + rng.IntN(900))}
		m1 := i%3 != 0 // people prefer m1 in two of three
		v.Winner = map[bool]string{true: record.WinnerA, false: record.WinnerB}[m1 == (a == "m1")]
		for _, rater := range []string{"x", "y", "z"} {
			v.Rater = rater
			w := v
			if rater == "z" && i%10 == 0 { // one person of three differs in every tenth
				w.Winner = map[string]string{record.WinnerA: record.WinnerB, record.WinnerB: record.WinnerA}[v.Winner]
			}
			c.Add(w)
		}
		v.Rater, v.Judge, v.Readings = "same", "same", []string{v.Winner, v.Winner}
		c.Add(v)
		v.Judge, v.Rater, v.Readings = "long", "long", nil
		v.Winner = record.WinnerB
		if v.LengthA > v.LengthB {
			v.Winner = record.WinnerA
		}
		c.Add(v)
		v.Judge, v.Rater, v.Winner, v.Readings = "first", "first", record.WinnerTie, []string{record.WinnerA, record.WinnerB}
		c.Add(v)
	}
	line := func(judge, genre string) JudgeLine {
		for _, l := range c.Lines(VoteOptions{Bootstrap: 200, Seed: 1}) {
			if l.Judge == judge && l.Genre == genre {
				return l
			}
		}
		t.Fatalf("no line for %s", judge)
		return JudgeLine{}
	}
	if l := line("same", ""); l.Pairs != 60 || l.Decided != 60 || l.Agree != 1 || l.Kappa != 1 || l.AgreeIn.Lo != 1 || l.First != 0.5 || l.FirstN != 120 {
		t.Errorf("a judge that says the same: %+v", l)
	}
	// Of 180 votes the 6 that differ meet a majority of the others against them; each of the two others
	// of those pairs meets one for and one against, which is no majority.
	if l := line("same", ""); l.CeilingN != 168 || math.Abs(float64(l.Ceiling)-162.0/168) > 1e-12 {
		t.Errorf("people agree %v of %d", l.Ceiling, l.CeilingN)
	}
	if l := line("long", ""); l.Longer != 1 || l.Agree > 0.8 || l.PeopleLonger > 0.75 || l.Kappa > 0.5 {
		t.Errorf("a judge that takes the longer: %+v", l)
	}
	if l := line("first", ""); l.First != 1 || l.Neither != 1 || l.Agree.Defined() || l.Decided != 0 {
		t.Errorf("a judge that takes the first: %+v", l)
	}
	if l := line("same", "poetry"); l.Pairs != 60 || l.AgreeIn.Lo.Defined() {
		t.Errorf("a genre has no interval by resampling: %+v", l)
	}
}

// What a model judged never counts among people's votes, whatever the order of the records.
func TestJudgesAreKeptApart(t *testing.T) {
	t.Parallel()
	people := func(c *Corpus) {
		for i := range 12 {
			c.Add(record.Vote{QueryID: fmt.Sprint(i), Language: "zh", ModelA: "a", ModelB: "b", Winner: record.WinnerA, Rater: "p"})
			c.Add(record.Rating{Item: fmt.Sprint(i), Query: fmt.Sprint(i), Model: "a", Language: "zh", Rater: "p", Dimension: "overall_preference", Score: 3})
		}
	}
	judges := func(c *Corpus) {
		for i := range 12 {
			c.Add(record.Vote{QueryID: fmt.Sprint(i), Language: "zh", ModelA: "a", ModelB: "b", Winner: record.WinnerB, Rater: "j", Judge: "j"})
			c.Add(record.Rating{Item: fmt.Sprint(i), Query: fmt.Sprint(i), Model: "a", Language: "zh", Rater: "j", Judge: "j", Dimension: "overall_preference", Score: 0})
		}
	}
	for name, order := range map[string][]func(*Corpus){"people first": {people, judges}, "judges first": {judges, people}} {
		c := NewCorpus(Options{Lang: "zh", Bootstrap: 50, Seed: 1, Taxonomy: genre.Default(), Tokens: text.Tokens{}, AtLeast: 2})
		for _, add := range order {
			add(c)
		}
		rs, err := c.Results()
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]any{}
		for _, r := range rs {
			seen[r.Name] = r.Doc
		}
		if w := seen["winrate"].([]WinRates)[0]; w.Votes != 12 || w.Raters != 1 || w.Pairs[0].Wins != 12 {
			t.Errorf("%s: people's votes: %+v", name, w)
		}
		if m := seen["marks"].([]MeanMarks)[0].Means[0]; m.Mean != 3 || m.Raters != 1 {
			t.Errorf("%s: people's ratings: %+v", name, m)
		}
		doc := seen["judges"].(JudgesDoc)
		if w := doc.Rates[0].Languages[0]; w.Votes != 12 || w.Pairs[0].Losses != 12 {
			t.Errorf("%s: judges' votes: %+v", name, w)
		}
		if l := doc.Calibration[0]; l.Pairs != 12 || l.Agree != 0 {
			t.Errorf("%s: %+v", name, l)
		}
		if m := doc.Marks[0]; m.Mean != 0 || m.People != 3 || m.Apart != 3 || m.Outputs != 12 {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// A severe rater who rated one model alone does not make it worse, net of raters, where the two raters
// share another model.
func TestMarksNetOfRaters(t *testing.T) {
	t.Parallel()
	m := NewMarks()
	add := func(model, rater string, score float64) {
		for i := range 10 {
			m.Add(record.Rating{Item: fmt.Sprint(model, i), Model: model, Language: "zh", Rater: rater, Dimension: "creative_merit", Score: score})
		}
	}
	add("a", "mild", 3)
	add("c", "mild", 2)
	add("c", "severe", 1)
	add("b", "severe", 2) // as good as a
	got := map[string]MeanMark{}
	for _, l := range m.Means(nil, nil, VoteOptions{Bootstrap: 100, Seed: 1})[0].Means {
		got[l.Model] = l
	}
	if got["a"].Mean != 3 || got["b"].Mean != 2 || math.Abs(float64(got["a"].Adjusted-got["b"].Adjusted)) > 1e-9 {
		t.Errorf("%+v", got)
	}
	alone := NewMarks()
	alone.Add(record.Rating{Item: "1", Model: "a", Rater: "x", Dimension: "d", Score: 1})
	alone.Add(record.Rating{Item: "2", Model: "b", Rater: "y", Dimension: "d", Score: 2})
	for _, l := range alone.Means(nil, nil, VoteOptions{Bootstrap: 10, Seed: 1})[0].Means {
		if l.Adjusted.Defined() {
			t.Errorf("raters who share no model cannot be compared: %+v", l)
		}
	}
}
