package web

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"coigwriter/internal/evaluate"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// twentyThousand is a study of 20,000 votes: five models, 500 queries in two languages, twenty raters.
func (ts *tripletSite) twentyThousand(by string) evaluate.Study {
	ts.t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	tax := genre.Default()
	m := evaluate.NewImporter("两万票", secretModels...)
	for n := 0; n < 20_000; n++ {
		q, pair, rater := n%500, n/500%10, n%500+n/5000*7
		a, b := 0, 1
		for range pair {
			if b++; b == len(secretModels) {
				a++
				b = a + 1
			}
		}
		line := fmt.Sprintf(`{"query_id":"q%d","language":%q,"genre":%q,"model_a":%q,"model_b":%q,"winner":%q,"rater":"r%02d","shown_first":"a","length_a":%d,"length_b":%d}`,
			q, []string{"zh", "en"}[q%2], tax.Genres[q%51].ID, secretModels[a], secretModels[b], []string{"a", "a", "b", "tie"}[rng.IntN(4)], rater%20, 300+rng.IntN(900), 300+rng.IntN(900))
		m.Add(record.Raw{File: "votes.jsonl", Line: n + 1, Data: []byte(line)})
	}
	s, err := m.Store(ts.t.Context(), ts.d, by)
	if err != nil || m.Report.Added != 20_000 {
		ts.t.Fatal(err, m.Report)
	}
	return s
}

// BenchmarkResultsPage is the page of 20,000 votes: as it is first asked for, and while nothing changes.
func BenchmarkResultsPage(b *testing.B) {
	ts := newTripletSite(b)
	lead := ts.person("lena", "lead")
	s := ts.twentyThousand(lead.id)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			ts.s.records.kept, ts.s.results.kept = nil, nil
			lead.get("/studies/"+s.ID+"/results", 200)
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			lead.get("/studies/"+s.ID+"/results", 200)
		}
	})
	b.Run("while people judge", func(b *testing.B) { // each load meets a verdict that the results do not hold
		ts.s.results.moment = 0
		for b.Loop() {
			ts.s.results.mu.Lock()
			old := ts.s.results.kept[s.ID]
			old.version, old.made = "before", time.Now()
			ts.s.results.kept[s.ID] = old
			ts.s.results.mu.Unlock()
			lead.get("/studies/"+s.ID+"/results", 200)
		}
	})
	b.Run("votes", func(b *testing.B) {
		for b.Loop() {
			lead.get("/studies/"+s.ID+"/votes?lang=zh", 200)
		}
	})
	b.Run("figure", func(b *testing.B) {
		for b.Loop() {
			lead.get("/studies/"+s.ID+"/results/figure/winrate.zh", 200)
		}
	})
}
