package analysis

import (
	"math"
	"testing"

	"coigwriter/internal/record"
)

// Three outputs by two raters, worked by hand: an output that two rated counts once.
func TestMeanMarks(t *testing.T) {
	m := NewMarks()
	add := func(query, rater string, score float64) {
		m.Add(record.Rating{Item: query + " · G", Query: query, Model: "G", Language: "zh", Rater: rater, Dimension: "overall", Score: score})
	}
	add("1", "x", 3)
	add("1", "y", 1)
	add("1", "y", 3) // again: the first counts
	add("2", "x", 0)
	add("3", "y", 1)
	m.Add(record.Rating{Item: "4", Rater: "x", Score: 3})
	got := m.Means(nil, nil, VoteOptions{Bootstrap: 500, Seed: 1})
	if len(got) != 1 || m.Duplicates != 1 || m.NoModel != 1 {
		t.Fatalf("%+v, %d duplicates, %d without a model", got, m.Duplicates, m.NoModel)
	}
	x, ok := got[0].Of("G", "overall")
	if !ok || math.Abs(float64(x.Mean)-1) > 1e-12 || x.Outputs != 3 || x.Raters != 2 || x.Marks != 4 {
		t.Errorf("%+v, want mean (2 + 0 + 1)/3 = 1", x)
	}
	// Resamples of queries reach from all 0 to all 2; of raters: x alone gives (3+0)/2, y alone (1+1)/2.
	if x.Queries.Lo != 0 || x.Queries.Hi != 2 || x.People.Lo != 1 || x.People.Hi != 1.5 {
		t.Errorf("intervals %+v %+v", x.Queries, x.People)
	}
}
