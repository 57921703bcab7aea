package bench

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/text"
)

// A Run is what a model is asked for.
type Run struct {
	SetID       string
	Model       string // the name the answers go under; "" for the name the server knows
	Samples     int    // answers of each query, 0 for one
	System      string // the system message; none where it is ""
	Languages   []string
	Genres      []string
	Limit       int  // answers at most, 0 for all that are missing
	Again       bool // ask again where it failed for good
	Concurrency int  // questions at once, 0 for the client's number in flight
	By          string

	Progress func(Step) // called for every answer, one at a time; nil for none
}

// A Step is one answer of a run, or why there is none.
type Step struct {
	Query   Query
	Sample  int
	Answer  *Answer // nil for a failure that says nothing about the query: it stays open
	Failure *llm.Failure
}

// A Summary counts what a run did.
type Summary struct {
	Model    string           `json:"model"`
	Wanted   int              `json:"wanted"` // queries × samples
	There    int              `json:"there"`  // already, before the run
	Added    int              `json:"added"`
	Cut      int              `json:"cut"` // of Added: at the limit of tokens
	Failed   int              `json:"failed"`
	Open     int              `json:"open"` // still to be asked
	Failures map[llm.Kind]int `json:"failures,omitempty"`
	Finish   map[string]int   `json:"finish_reasons"`
	Stopped  *llm.Failure     `json:"-"` // why the run ended early, nil when it did not
}

// A wish is one answer that is missing.
type wish struct {
	q      Query
	sample int
}

// Generate asks a model for the answers that are missing, several at once, in the order of the queries.
// It can be stopped and started again: what was answered is not asked again. It ends early, and says why
// in Stopped, where the server is missing, rejects the key or stays silent. An error is returned only for
// what is not the model's doing.
func Generate(ctx context.Context, d *db.DB, c *llm.Client, run Run) (sum Summary, err error) {
	defer errs.Wrap(&err, "generate")
	if run.Model == "" {
		run.Model = c.Endpoint().Model
	}
	sum = Summary{Model: run.Model, Failures: map[llm.Kind]int{}, Finish: map[string]int{}}
	wishes, err := wishesOf(ctx, d, &run, &sum)
	if err != nil {
		return sum, err
	}
	if !c.Configured() {
		sum.Open, sum.Stopped = len(wishes), &llm.Failure{Kind: llm.KindNoEndpoint, Message: "no model is configured: set the endpoint's address and model"}
		return sum, nil
	}
	var mu sync.Mutex
	var patience llm.Patience
	g, inner := errgroup.WithContext(ctx)
	n := run.Concurrency
	if n <= 0 {
		n = c.Endpoint().MaxInFlight*3/2 + 4
	}
	g.SetLimit(n)
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return sum.Stopped != nil
	}
	asked := 0
	for _, w := range wishes {
		if inner.Err() != nil || stopped() {
			break
		}
		asked++
		g.Go(func() error {
			if inner.Err() != nil || stopped() {
				return nil
			}
			step, err := one(inner, d, c, run, w)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			sum.add(step)
			if stop := patience.Saw(step.Failure); stop != nil && sum.Stopped == nil {
				sum.Stopped = stop
			}
			if run.Progress != nil {
				run.Progress(step)
			}
			return nil
		})
	}
	err = g.Wait()
	if sum.Stopped == nil {
		sum.Stopped = patience.Rejected()
	}
	sum.Open = len(wishes) - sum.Added - sum.Failed
	if err == nil {
		err = ctx.Err()
	}
	return sum, err
}

func (s *Summary) add(step Step) {
	if step.Failure != nil {
		s.Failures[step.Failure.Kind]++
	}
	if step.Answer == nil {
		return
	}
	if step.Answer.Failure != "" {
		s.Failed++
		return
	}
	s.Added++
	s.Finish[step.Answer.Finish]++
	if step.Answer.Cut() {
		s.Cut++
	}
}

// wishesOf lists what is missing.
func wishesOf(ctx context.Context, d *db.DB, run *Run, sum *Summary) (out []wish, err error) {
	set, err := GetSet(ctx, d, run.SetID)
	if err != nil {
		return nil, err
	}
	if set.State == Draft {
		return nil, errs.Conflictf("%s is a draft: freeze it first, so that what was answered cannot change", set.Title())
	}
	if run.Samples = max(run.Samples, 1); run.Samples > 1000 {
		return nil, errs.Invalidf("%d samples of each query: at most 1000", run.Samples)
	}
	qs, err := Queries(ctx, d, run.SetID)
	if err != nil {
		return nil, err
	}
	type done struct {
		QueryID string
		Sample  int
	}
	var have []done
	err = d.All(ctx, &have, `SELECT a.query_id, a.sample FROM answer a JOIN query q ON q.id = a.query_id WHERE q.set_id = ? AND a.model = ? AND (? OR a.failure = '')`,
		run.SetID, run.Model, !run.Again)
	if err != nil {
		return nil, err
	}
	there := map[done]bool{}
	for _, h := range have {
		there[h] = true
	}
	picked := func(want []string, s string) bool { return len(want) == 0 || slices.Contains(want, s) }
	for sample := range run.Samples {
		for _, q := range Standing(qs) {
			if !picked(run.Languages, q.Language) || !picked(run.Genres, q.Genre) {
				continue
			}
			sum.Wanted++
			if there[done{q.ID, sample}] {
				sum.There++
				continue
			}
			if run.Limit <= 0 || len(out) < run.Limit {
				out = append(out, wish{q, sample})
			}
		}
	}
	return out, nil
}

// one asks for one answer and stores it. A failure that says nothing about the query stores nothing.
func one(ctx context.Context, d *db.DB, c *llm.Client, run Run, w wish) (step Step, err error) {
	step.Query, step.Sample = w.q, w.sample
	if run.Again {
		if err := forget(ctx, d, run, w); err != nil {
			return step, err
		}
	}
	said, err := llm.Write(ctx, d, c, run.System, w.q.Prompt, w.sample, llm.About{Kind: "query", ID: w.q.ID})
	step.Failure = llm.FailureOf(err)
	if err != nil && step.Failure == nil {
		return step, err
	}
	if step.Failure != nil && !step.Failure.Kind.Final() {
		return step, nil
	}
	a := &Answer{
		ID: db.NewID(), QueryID: w.q.ID, Model: run.Model, Sample: w.sample, Reasoning: said.Thought, Output: said.Content, Finish: said.Finish,
		PromptTokens: said.PromptTokens, CompletionTokens: said.CompletionTokens, Origin: Generated, CallID: said.CallID, Scripted: c.Endpoint().Scripted(),
		CreatedBy: run.By,
	}
	a.Settings.V = said.Settings
	if f := step.Failure; f != nil {
		a.Failure, a.FailureDetail, a.Output = string(f.Kind), f.Message, ""
	}
	a.measure()
	step.Answer = a
	return step, d.Transact(ctx, func(tx *db.DB) error {
		a.CreatedAt = tx.Now()
		if err := tx.Insert(ctx, a); err != nil {
			if tx.IsUnique(err) {
				return nil // another process had the same answer from the same call
			}
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Kind: "answer", ID: a.ID, Actor: "model:" + a.Model, Action: "generate", Reason: a.Failure,
			Data: map[string]any{"query": w.q.Code, "model": a.Model, "sample": a.Sample, "call": a.CallID, "output": text.ContentHash(a.Output), "by": run.By},
		})
	})
}

// forget puts a failed answer aside, so that it can be asked for again; its call stays.
func forget(ctx context.Context, d *db.DB, run Run, w wish) error {
	var old []Answer
	if err := d.All(ctx, &old, `SELECT * FROM answer WHERE query_id = ? AND model = ? AND sample = ? AND failure <> ''`, w.q.ID, run.Model, w.sample); err != nil || len(old) == 0 {
		return err
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		if _, err := llm.SetAside(ctx, tx, llm.About{Kind: "query", ID: w.q.ID}); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM answer WHERE id = ?`, old[0].ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "answer", ID: old[0].ID, Actor: run.By, Action: "ask-again", Reason: old[0].Failure})
	})
}
