package evaluate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// bigStudy is a closed study of 20,000 votes: five models, 500 queries in two languages, all pairs, four
// raters each.
func bigStudy(tb testing.TB) (*db.DB, Study) {
	tb.Helper()
	ctx := context.Background()
	d := dbtest.Open(tb)
	lead := dbtest.Person(tb, d, "lead", "lead")
	tax := genre.Default()
	p := DefaultPlan()
	for i := range 20 {
		p.Evaluators = append(p.Evaluators, dbtest.Person(tb, d, fmt.Sprintf("eye-%02d", i), "evaluator"))
	}
	var qs []record.Query
	var gs []record.Generation
	for i := range 500 {
		q := record.Query{ID: fmt.Sprintf("q-%03d", i), Genre: tax.Genres[i%len(tax.Genres)].ID, Language: []string{"zh", "en"}[i%2], Prompt: fmt.Sprintf("第 %d 题：写一件小事。", i)}
		qs = append(qs, q)
		for k, m := range models {
			gs = append(gs, record.Generation{QueryID: q.ID, Model: m, Output: fmt.Sprintf("第 %d 题的第 %d 篇，灯还亮着，人已经走远了。", i, k), Finish: "stop"})
		}
	}
	set, _, err := bench.ImportQueries(ctx, d, tax, lead, "大题集", "", qs, true)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := bench.ImportAnswers(ctx, d, lead, set.ID, gs); err != nil {
		tb.Fatal(err)
	}
	p.SetID, p.Models, p.Overlap, p.Shared, p.Repeats, p.Attention = set.ID, models, 4, 1, 0, 0
	s, err := New(ctx, d, lead, "大评测", Pair, p)
	if err != nil {
		tb.Fatal(err)
	}
	if s, err = Begin(ctx, d, lead, s.ID); err != nil {
		tb.Fatal(err)
	}
	// The verdicts are put in as the table holds them: giving 20,000 one by one is not what is measured.
	var tasks []struct {
		ID     string
		Models db.JSON[[]string]
	}
	if err := d.All(ctx, &tasks, `SELECT t.id, i.models FROM study_task t JOIN study_item i ON i.id = t.item_id WHERE t.study_id = ?`, s.ID); err != nil {
		tb.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	strength := map[string]float64{"alpha": 0.62, "beta": 0.55, "gamma": 0.5, "delta": 0.45, "epsilon": 0.4}
	var vs []Verdict
	for _, t := range tasks {
		v := Verdict{ID: db.NewID(), StudyID: s.ID, TaskID: t.ID, Seconds: 30, GivenAt: time.Now(), Ranked: db.AsJSON([]int{}), Marks: db.AsJSON(map[string]int{})}
		a, b := strength[t.Models.V[0]], strength[t.Models.V[1]]
		switch x := rng.Float64(); {
		case x < 0.1:
			v.Winner = Tie
		case x < 0.1+0.9*a/(a+b):
			v.Winner = winFirst
		default:
			v.Winner = winSecond
		}
		vs = append(vs, v)
	}
	err = d.Transact(ctx, func(tx *db.DB) error {
		for i := 0; i < len(vs); i += 500 {
			part := vs[i:min(i+500, len(vs))]
			if err := tx.Insert(ctx, &part); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE study_task SET state = 'done'`)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return d, s
}

func BenchmarkResults20000(b *testing.B) {
	d, s := bigStudy(b)
	ctx := context.Background()
	var r Records
	var err error
	b.Run("records", func(b *testing.B) {
		for b.Loop() {
			if r, err = RecordsOf(ctx, d, s); err != nil {
				b.Fatal(err)
			}
		}
	})
	if len(r.Votes) != 20000 {
		b.Fatalf("%d votes", len(r.Votes))
	}
	b.Run("results", func(b *testing.B) {
		for b.Loop() {
			if _, err := ResultsOf(ctx, d, s, r, genre.Default()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("version", func(b *testing.B) {
		for b.Loop() {
			if _, err := Version(ctx, d, s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
