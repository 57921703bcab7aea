package screen

import (
	"context"
	"errors"
	"testing"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/job"
	"coigwriter/internal/llm"
	"coigwriter/internal/source"
)

func (b bench) score(t *testing.T, by, id, stage string, j Judgement, want string) {
	t.Helper()
	state, err := Score(t.Context(), b.d, b.Thresholds, by, id, stage, j, "看过")
	if err != nil || state != want {
		t.Fatalf("%s by hand: %s, %v; want %s", stage, state, err, want)
	}
}

// Without any model people can take a source all the way.
func TestScoreByHand(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lead := dbtest.Person(t, b.d, "lead", "lead")
	id := b.add(t, snow)[0]
	b.score(t, lead, id, Assessment, five(8, 8, 8, 8, 8), source.Waiting)
	b.score(t, lead, id, Usability, Judgement{Usable: Yes}, source.Waiting)
	b.score(t, lead, id, Screening, two(8, 7), source.Pool)
	if b.script.Calls() != 0 {
		t.Error("nobody was to be asked")
	}
	evs, err := audit.History(t.Context(), b.d, "source", id)
	if err != nil || evs[len(evs)-1].Actor != lead || evs[len(evs)-1].To != source.Pool {
		t.Errorf("%+v, %v", evs, err)
	}
	// Second thoughts while nobody has claimed it.
	b.score(t, lead, id, Screening, two(4, 7), source.Refused)
	if _, err := Score(t.Context(), b.d, b.Thresholds, lead, id, Screening, two(9, 9), ""); !errors.Is(err, errs.Conflict) {
		t.Errorf("a refused source must be reopened first: %v", err)
	}
	if err := source.Reopen(t.Context(), b.d, id, lead, "再看"); err != nil {
		t.Fatal(err)
	}
	b.score(t, lead, id, Screening, two(9, 9), source.Pool)
}

func TestScoreChecks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.add(t, snow)[0]
	for _, tt := range []struct {
		stage string
		j     Judgement
	}{{Assessment, five(8, 8, 8, 8, 0)}, {Screening, two(11, 8)}, {Usability, Judgement{Usable: "maybe"}}, {"taste", Judgement{}}, {Screening, five(8, 8, 8, 8, 8)}} {
		if _, err := Score(t.Context(), b.d, b.Thresholds, "p", id, tt.stage, tt.j, ""); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s %+v: %v", tt.stage, tt.j, err)
		}
	}
	if vs, _ := Verdicts(t.Context(), b.d, id); len(vs) != 0 {
		t.Errorf("stored %+v", vs)
	}
	if _, err := Score(t.Context(), b.d, b.Thresholds, "p", "nowhere", Screening, two(8, 8), ""); !errors.Is(err, errs.NotFound) {
		t.Error(err)
	}
}

// A person's word settles what a model was unsure of, and stands against the model's.
func TestPersonSettlesUnsure(t *testing.T) {
	t.Parallel()
	rules := liking()
	rules[2].Reply = `{"reasons":"说不准。","usable":"unsure","genre":"` + someGenre() + `","language":"zh","speaks_to_judge":false}`
	b := setup(t, rules...)
	id := b.add(t, snow)[0]
	b.run(t)
	b.score(t, "p", id, Usability, Judgement{Usable: Yes}, source.Pool)
}

// A source held for its date is not let in by good scores: that is another question.
func TestScoresDoNotAnswerTheDate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := source.Source{Text: snow, State: source.Held, Reason: "date.none", DateVerdict: source.DateAsk}
	s.Make()
	if _, err := source.Insert(t.Context(), b.d, "system", []source.Draft{{Source: s}}); err != nil {
		t.Fatal(err)
	}
	var id string
	if err := b.d.One(t.Context(), &id, `SELECT id FROM source`); err != nil {
		t.Fatal(err)
	}
	b.score(t, "p", id, Assessment, five(9, 9, 9, 9, 9), source.Held)
	b.score(t, "p", id, Screening, two(9, 9), source.Held)
	b.score(t, "p", id, Usability, Judgement{Usable: Yes}, source.Held)
	if err := source.Decide(t.Context(), b.d, id, "p", source.DecidePass, ""); err != nil {
		t.Fatal(err)
	}
	// The verdicts stand; no model need be asked.
	b.Client = nil
	if out, err := b.One(t.Context(), b.d, id); err != nil || out.State != source.Pool {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestPersonScoresWhatAModelCouldNot(t *testing.T) {
	t.Parallel()
	b := setup(t, llm.ScriptRule{Mode: llm.ScriptRefused})
	id := b.add(t, snow)[0]
	b.run(t)
	if state, reason := b.state(t, id); state != source.Held || reason != ReasonFailed+"refused" {
		t.Fatal(state, reason)
	}
	b.score(t, "p", id, Assessment, five(8, 8, 8, 8, 8), source.Held)
	b.score(t, "p", id, Screening, two(8, 8), source.Held)
	b.score(t, "p", id, Usability, Judgement{Usable: Yes}, source.Pool)
	if err := Retry(t.Context(), b.d, "p", id); !errors.Is(err, errs.Conflict) {
		t.Errorf("nothing to retry: %v", err)
	}
}

// The queue does the same as a run, from a job enqueued with the change that needs it.
func TestJobs(t *testing.T) {
	t.Parallel()
	b := setup(t, liking()...)
	ids := b.add(t, snow, snow+"又一夜。")
	ctx := t.Context()
	if err := job.Migrate(ctx, b.d); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 4)
	q, err := job.New(b.d, job.Config{Workers: 2, Handlers: []job.Handler{
		job.Handle(func(ctx context.Context, a SourceJob) error {
			err := work(ctx, b.d, b.screener, a.SourceID)
			done <- err
			return err
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := b.d.Transact(ctx, func(tx *db.DB) error { return Enqueue(ctx, tx, q, ids...) }); err != nil {
		t.Fatal(err)
	}
	for range ids {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := q.Stop(ctx); err != nil {
		t.Error(err)
	}
	for _, id := range ids {
		if state, _ := b.state(t, id); state != source.Pool {
			t.Error(state)
		}
	}
	if len(Handlers(b.d, nil)) != 2 {
		t.Error("a job kind without a handler")
	}
}

func TestWorkOutcomes(t *testing.T) {
	t.Parallel()
	for mode, wantErr := range map[llm.ScriptMode]bool{
		llm.ScriptGood: false, llm.ScriptProse: false, llm.ScriptRefused: false, // settled or held
		llm.ScriptBroken: true, llm.ScriptNoKey: true, // snoozed, cancelled
	} {
		b := setup(t, append([]llm.ScriptRule{{Mode: mode, Times: 100}}[:btoi(mode != llm.ScriptGood)], liking()...)...)
		id := b.add(t, snow)[0]
		if err := work(t.Context(), b.d, b.screener, id); (err != nil) != wantErr {
			t.Errorf("%s: %v", mode, err)
		}
		if !wantErr {
			if err := work(t.Context(), b.d, b.screener, id); err != nil {
				t.Errorf("%s, run twice: %v", mode, err)
			}
		}
	}
	b := setup(t)
	if err := work(t.Context(), b.d, b.screener, "nowhere"); err == nil {
		t.Error("a job for a source that does not exist must show")
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
