package bench

import (
	"context"
	"maps"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
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
	Again       bool // ask again where the model failed for good
	Concurrency int  // questions at once, 0 for the client's number in flight
	By          string

	Enough   func() bool // asked before every question: true ends the run, and what is under way is kept; nil for never
	Progress func(Step)  // called for every answer, one at a time; nil for none
}

// A Step is one answer of a run, or why there is none.
type Step struct {
	Query   Query
	Sample  int
	Answer  *Answer // nil for a failure that says nothing about the query: it stays open
	Failure *llm.Failure
	Raced   bool // another process had stored the answer before: that one stands
}

// A Summary counts what a run did.
type Summary struct {
	Model    string           `json:"model"`
	Wanted   int              `json:"wanted"` // queries × samples
	There    int              `json:"there"`  // already, before the run
	Added    int              `json:"added"`
	Cut      int              `json:"cut"`            // of Added: at the limit of tokens
	Switched int              `json:"other_language"` // of Added: not in the query's
	Thought  int              `json:"with_reasoning"` // of Added
	Failed   int              `json:"failed"`         // for good
	Open     int              `json:"open"`           // still to be asked
	Failures map[llm.Kind]int `json:"failures,omitempty"`
	Finish   map[string]int   `json:"finish_reasons"`
	Tokens   llm.Tokens       `json:"tokens"`
	Stopped  *llm.Failure     `json:"-"` // why the run ended early, nil when it did not
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
	if !c.Configured() {
		sum.Stopped = &llm.Failure{Kind: llm.KindNoEndpoint, Message: "no model is configured: set the endpoint's address and model"}
		return sum, nil
	}
	wishes, err := wishesOf(ctx, d, run, &sum)
	if err != nil {
		return sum, err
	}
	if err := sameSettings(ctx, d, c, run); err != nil {
		return sum, err
	}
	sum.Stopped, err = llm.Each(ctx, c, wishes, run.Concurrency, run.Enough, func(ctx context.Context, w wish) (*llm.Failure, func(), error) {
		step, err := one(ctx, d, c, run, w)
		return step.Failure, func() {
			sum.add(step)
			if run.Progress != nil {
				run.Progress(step)
			}
		}, err
	})
	sum.Open = sum.Wanted - sum.There - sum.Added - sum.Failed
	return sum, err
}

// And adds the run that came after: what was done adds up, what is missing is what is missing now.
func (s Summary) And(next Summary) Summary {
	sum := next
	sum.There, sum.Added, sum.Cut, sum.Switched, sum.Thought, sum.Failed = s.There, s.Added+next.Added, s.Cut+next.Cut, s.Switched+next.Switched, s.Thought+next.Thought, s.Failed+next.Failed
	sum.Tokens.Prompt, sum.Tokens.Completion = s.Tokens.Prompt+next.Tokens.Prompt, s.Tokens.Completion+next.Tokens.Completion
	sum.Failures, sum.Finish = maps.Clone(next.Failures), maps.Clone(next.Finish)
	for kind, n := range s.Failures {
		if kind.Final() {
			sum.Failures[kind] += n
		}
	}
	for reason, n := range s.Finish {
		sum.Finish[reason] += n
	}
	return sum
}

func (s *Summary) add(step Step) {
	if step.Failure != nil {
		s.Failures[step.Failure.Kind]++
	}
	a := step.Answer
	switch {
	case step.Raced:
		s.There++
		return
	case a == nil:
		return
	}
	s.Tokens.Prompt, s.Tokens.Completion = s.Tokens.Prompt+a.PromptTokens, s.Tokens.Completion+a.CompletionTokens
	if a.Failure != "" {
		s.Failed++
		return
	}
	s.Added++
	s.Finish[a.Finish]++
	if a.Cut() {
		s.Cut++
	}
	if a.Switched(step.Query) {
		s.Switched++
	}
	if a.Reasoning != "" {
		s.Thought++
	}
}
