package analysis

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"coigwriter/internal/genre"
	"coigwriter/internal/plot"
	"coigwriter/internal/record"
)

// Outputs succeed by the mean of their raters; small genres have no percentage, and the genre where
// every model fails stands out against the others.
func TestSuccessByGenre(t *testing.T) {
	c := NewCorpus(Options{Lang: "en", Theme: plot.Light, Bootstrap: 20, AtLeast: 2, Taxonomy: genre.Default()})
	rate := func(query, model, rater string, score float64) {
		c.Add(record.Rating{Item: query + model, Query: query, Model: model, Rater: rater, Dimension: "overall", Score: score})
	}
	for i := range 24 {
		q, g := fmt.Sprint(i), "诗歌"
		if i%2 == 0 {
			g = "poetry" // the same genre under another name
		}
		if i >= 12 {
			g = "广告文案"
		}
		if i >= 22 {
			g = ""
		}
		c.Add(record.Query{ID: q, Genre: g, Language: "zh"})
		for _, m := range []string{"CW", "G"} {
			score := 0.0
			if i >= 12 {
				score = 3
			}
			rate(q, m, "r1", score)
			rate(q, m, "r2", 1)
		}
	}
	rate("0", "CW", "r1", 3) // again: the first counts
	results, err := c.Results()
	if err != nil {
		t.Fatal(err)
	}
	var by []RatesBy
	for _, r := range results {
		if r.Name == "genres" {
			by = r.Doc.([]RatesBy)
			whole(t, "genres", by)
			looked(t, r.Figures...)
		}
	}
	if c.NotCount != 1 || len(by) != 2 || by[0].By != "genre" {
		t.Fatalf("%d do not count; %+v", c.NotCount, by)
	}
	s := by[0].Success[0]
	if s.Language != "zh" || s.Outputs != 44 || len(s.Models) != 3 || s.Models[2].Model != "" || s.Highest != 2 {
		t.Fatalf("%+v", s)
	}
	for _, g := range s.Models[0].Genres {
		switch g.Genre {
		case "poetry":
			if g.N != 12 || g.Wins != 0 || g.Rate != 0 || g.Fisher > 0.001 || g.P.Defined() {
				t.Errorf("%+v", g)
			}
		default:
			if g.N != 10 || g.Wins != 10 || g.Rate != 1 {
				t.Errorf("%+v", g)
			}
		}
	}
	// queries of no genre have no language either: they stand apart, and are counted
	if none := by[0].Success; len(none) != 1 {
		t.Errorf("%+v", none)
	}
	if cat := by[1].Success[0].Models[0]; len(cat.Genres) != 2 || !cat.Heterogeneity.Defined() {
		t.Errorf("%+v", cat)
	}
}

// On a scale that never reaches the threshold it is said, instead of failures being reported as a finding.
func TestSuccessOutOfReach(t *testing.T) {
	s := NewSuccess(2)
	for i := range 12 {
		s.Add(record.Rating{Item: fmt.Sprint(i), Model: "x", Genre: "poetry", Rater: "r", Score: 1})
	}
	d, err := s.Dimension("")
	if err != nil {
		t.Fatal(err)
	}
	r := s.Rates(d, VoteOptions{})[0]
	if note := r.Tables("en", Options{Lang: "en", Taxonomy: genre.Default()}.Genres(ByGenre))[0].Note; !strings.Contains(note, "set --success") {
		t.Error(note)
	}
	if _, err := s.Dimension("taste"); err == nil || !strings.Contains(err.Error(), "taste") {
		t.Error(err)
	}
	s.Add(record.Rating{Item: "1", Rater: "r", Dimension: "content", Score: 1})
	if _, err := s.Dimension(""); err == nil || !strings.Contains(err.Error(), "--dimension") {
		t.Error(err)
	}
}

// Genres that differ no more than chance makes them share one share; how well it is known depends on all
// outputs, and is not made up.
func TestGenresAllAlike(t *testing.T) {
	var r GenreRates
	r.rates([]string{"a", "b", "c", "d"}, []int{5, 5, 5, 5}, []int{10, 10, 10, 10})
	for _, g := range r.Genres {
		if width := float64(g.ShrunkIn.Hi - g.ShrunkIn.Lo); math.Abs(float64(g.Shrunk)-0.5) > 1e-4 || width < 0.2 || width > 0.35 {
			t.Errorf("%+v", g)
		}
	}
}

// Whatever the counts, shares lie in their intervals, and borrowing never leaves the range of the data.
func TestGenreRatesHold(t *testing.T) {
	for seed := range 50 {
		var wins, n []int
		var groups []string
		for g := range 7 {
			k := (seed*7 + g*g*3) % 13
			n, wins, groups = append(n, k), append(wins, (seed+g*5)%(k+1)), append(groups, fmt.Sprint(g))
		}
		r := GenreRates{}
		r.rates(groups, wins, n)
		for i, g := range r.Genres {
			share := float64(wins[i]) / float64(n[i])
			switch {
			case n[i] == 0:
				if g.Wilson.Lo.Defined() {
					t.Errorf("nothing of nothing has %+v", g.Wilson)
				}
			case float64(g.Wilson.Lo) > share+1e-12 || float64(g.Wilson.Hi) < share-1e-12:
				t.Errorf("%d/%d outside %+v", wins[i], n[i], g.Wilson)
			case g.Shrunk.Defined() && (g.Shrunk < 0 || g.Shrunk > 1 || g.ShrunkIn.Lo > g.Shrunk || g.ShrunkIn.Hi < g.Shrunk):
				t.Errorf("%d/%d shrunk to %+v", wins[i], n[i], g)
			case n[i] < fewForTest != math.IsNaN(float64(g.Fisher)):
				t.Errorf("%d/%d is tested: %v", wins[i], n[i], g.Fisher)
			}
		}
	}
}
