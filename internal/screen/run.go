package screen

import (
	"context"
	"errors"
	"maps"
	"sync"

	"golang.org/x/sync/errgroup"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/source"
)

// RuleThreshold is the named rule that turns a model's verdicts into states.
const RuleThreshold = "rule:screen-threshold"

// ruleGenre fills the genre of a source that has none with the model's suggestion.
const ruleGenre = "rule:screen-genre"

// A Screener is what screening needs besides the database: who judges, by which genres and
// thresholds. The client may be nil: then nothing is judged and every source waits.
type Screener struct {
	Client     *llm.Client
	Taxonomy   *genre.Taxonomy
	Thresholds Thresholds
}

// ScreenerOf returns a screener by the project's taxonomy and thresholds as they stand now.
func ScreenerOf(ctx context.Context, d *db.DB, client *llm.Client) (Screener, error) {
	set, err := project.Get(ctx, d)
	if err != nil {
		return Screener{}, err
	}
	tax, err := project.Taxonomy(ctx, d)
	return Screener{Client: client, Taxonomy: tax, Thresholds: ThresholdsOf(set)}, err
}

// An Outcome is what became of one source in a run.
type Outcome struct {
	SourceID    string
	State       string       // after the run
	Stage       string       // the last stage judged or tried, "" when none was
	NeedsPerson bool         // it waits for a person: the judge was unsure, or somebody reopened it
	Failure     *llm.Failure // why there is no verdict, when a model failed
}

// One takes a waiting source through the stages it has not passed yet: the model is called
// outside any transaction, and each verdict is one short transaction. A failure that asking
// again would not mend holds the source with its reason; any other leaves it waiting. A source
// that is not waiting is a Conflict.
func (c Screener) One(ctx context.Context, d *db.DB, sourceID string) (out Outcome, err error) {
	defer errs.Wrap(&err, "screen")
	out.SourceID = sourceID
	s, err := source.Get(ctx, d, sourceID)
	if err != nil {
		return out, err
	}
	if out.State = s.State; s.State != source.Waiting {
		return out, mayJudge(s, ByModel)
	}
	vs, err := Verdicts(ctx, d, s.ID)
	if err != nil {
		return out, err
	}
	now := Current(vs)
	for _, stage := range Stages {
		v, judged := now[stage]
		if judged && v.Passed {
			continue
		}
		if judged {
			// It waits although a judge did not pass it: unsure, or reopened by a person. The
			// same judge would say the same.
			out.NeedsPerson = true
			return out, nil
		}
		out.Stage = stage
		if err := c.judge(ctx, d, s, stage, &out); err != nil || out.Failure != nil || out.NeedsPerson || out.State != source.Waiting {
			return out, err
		}
	}
	// Every stage was passed before and the source was sent back to waiting: by whom it was
	// held, it has been let go.
	return out, c.admit(ctx, d, s, &out)
}

// judge asks the model about one stage and records what it says.
func (c Screener) judge(ctx context.Context, d *db.DB, s *source.Source, stage string, out *Outcome) error {
	j, reasons, callID, err := AskStage(ctx, d, c.Client, s, c.Taxonomy, stage, llm.About{Kind: "source", ID: s.ID})
	if f := llm.FailureOf(err); f != nil {
		out.Failure = f
		return c.hold(ctx, d, s, stage, callID, out)
	}
	if err != nil {
		return err
	}
	ruling, bit := c.Thresholds.Rule(stage, j)
	if stage == Usability && ruling == Pass && s.Genre == "" {
		if err := source.SetGenre(ctx, d, s.ID, j.Genre, ruleGenre); err != nil {
			return err
		}
	}
	e := c.Client.Endpoint()
	out.NeedsPerson = ruling == Ask
	out.State, err = add(ctx, d, Verdict{
		SourceID: s.ID, Stage: stage, JudgeKind: ByModel, Judge: e.Model, Scripted: e.Scripted(),
		CallID: callID, Judgement: db.AsJSON(j), Reasons: reasons,
	}, ruling, bit, RuleThreshold)
	return err
}

// hold sends a source to a person when the model's failure is final for it.
func (c Screener) hold(ctx context.Context, d *db.DB, s *source.Source, stage, callID string, out *Outcome) error {
	if !out.Failure.Kind.Final() {
		return nil
	}
	err := d.Transact(ctx, func(tx *db.DB) error {
		return source.Advance(ctx, tx, s.ID, source.Held, RuleThreshold, ReasonFailed+string(out.Failure.Kind),
			map[string]any{"stage": stage, "call": callID, "failure": out.Failure.Kind, "detail": out.Failure.Message})
	})
	if err == nil {
		out.State = source.Held
	}
	return err
}

// admit moves a waiting source whose verdicts all stand into the pool.
func (c Screener) admit(ctx context.Context, d *db.DB, s *source.Source, out *Outcome) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		vs, err := Verdicts(ctx, tx, s.ID)
		if err != nil {
			return err
		}
		ids := map[string]string{}
		for stage, v := range Current(vs) {
			if v.Passed {
				ids[stage] = v.ID
			}
		}
		if len(ids) < len(Stages) {
			return errs.Conflictf("source %s: its verdicts have changed; look again", s.ID)
		}
		out.State = source.Pool
		return source.Advance(ctx, tx, s.ID, source.Pool, RuleThreshold, "", map[string]any{"verdicts": ids})
	})
}

// Options bound a run.
type Options struct {
	Limit       int           // sources at most, 0 for all that wait
	Concurrency int           // sources at once, 0 for the client's number of requests in flight
	Progress    func(Outcome) // called for every source, one at a time; nil for none
}

// A Summary counts what a run did.
type Summary struct {
	Seen        int                 `json:"seen"`
	Pool        int                 `json:"pool"`
	Refused     int                 `json:"refused"`
	Held        int                 `json:"held"`
	Waiting     int                 `json:"waiting"` // still waiting, for a model that is well again or for a person
	NeedsPerson int                 `json:"needs_person"`
	Failures    map[llm.Kind]int    `json:"failures,omitempty"`
	Details     map[llm.Kind]string `json:"details,omitempty"` // what one failure of each kind was
	Stopped     *llm.Failure        `json:"-"`                 // why the run ended early, nil when it did not
	Moved       int                 `json:"moved"`             // sources that somebody else moved meanwhile
}

// And adds the run that came after: what was decided adds up, what waits is what waits now.
func (s Summary) And(next Summary) Summary {
	sum := next
	sum.Seen, sum.Pool, sum.Refused, sum.Held = max(s.Seen, next.Seen), s.Pool+next.Pool, s.Refused+next.Refused, s.Held+next.Held
	sum.Moved += s.Moved
	sum.Failures, sum.Details = maps.Clone(next.Failures), maps.Clone(next.Details)
	for kind, n := range s.Failures {
		if kind.Final() {
			if sum.Failures == nil {
				sum.Failures = map[llm.Kind]int{}
			}
			sum.Failures[kind] += n
			if sum.Details == nil {
				sum.Details = map[llm.Kind]string{}
			}
			sum.Details[kind] = s.Details[kind]
		}
	}
	return sum
}

// pageSize is how many waiting sources are read at a time.
const pageSize = 200

// Run screens every waiting source, several at once. It can be stopped and started again:
// what was judged stays judged, and what was answered is not asked again. When the server is
// missing, rejects the key or stays silent, the run ends early and says why in Stopped; an
// error is returned only for what is not the model's doing.
func (c Screener) Run(ctx context.Context, d *db.DB, o Options) (sum Summary, err error) {
	defer errs.Wrap(&err, "screening run")
	sum.Failures, sum.Details = map[llm.Kind]int{}, map[llm.Kind]string{}
	if !c.Client.Configured() {
		sum.Stopped = &llm.Failure{Kind: llm.KindNoEndpoint, Message: "no model is configured: set the endpoint's address and model; sources wait, and people can score by hand"}
		return sum, nil
	}
	if o.Concurrency <= 0 {
		o.Concurrency = c.Client.AtOnce()
	}
	t := tally{sum: &sum, progress: o.Progress}
	g, inner := errgroup.WithContext(ctx)
	ids := make(chan string)
	g.Go(func() error {
		defer close(ids)
		return feed(inner, d, o.Limit, &t, ids)
	})
	for range o.Concurrency {
		g.Go(func() error {
			for id := range ids {
				if inner.Err() != nil || t.stopped() {
					continue
				}
				out, err := c.One(inner, d, id)
				if err := t.add(out, err); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return sum, err
	}
	if sum.Stopped == nil {
		sum.Stopped = t.patience.Rejected()
	}
	return sum, ctx.Err()
}

// feed hands out the waiting sources, page by page, until there are no more or the run has ended.
func feed(ctx context.Context, d *db.DB, limit int, t *tally, ids chan<- string) error {
	after, given := "", 0
	for !t.stopped() {
		page, err := waitingAfter(ctx, d, after, pageOf(limit, given))
		if err != nil || len(page) == 0 {
			return err
		}
		for _, id := range page {
			select {
			case ids <- id:
			case <-ctx.Done():
				return nil // the worker that failed, or the caller, says why
			}
		}
		given += len(page)
		after = page[len(page)-1]
	}
	return nil
}

func pageOf(limit, seen int) int {
	if limit <= 0 {
		return pageSize
	}
	return min(pageSize, limit-seen)
}

// A tally gathers outcomes from several goroutines.
type tally struct {
	mu       sync.Mutex
	sum      *Summary
	progress func(Outcome)
	patience llm.Patience
}

func (t *tally) stopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum.Stopped != nil
}

func (t *tally) add(out Outcome, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Seen++
	if errors.Is(err, errs.Conflict) || errors.Is(err, errs.NotFound) {
		t.sum.Moved++ // a person or another process was faster
		return nil
	}
	if err != nil {
		return err
	}
	switch out.State {
	case source.Pool:
		t.sum.Pool++
	case source.Refused:
		t.sum.Refused++
	case source.Held:
		t.sum.Held++
	default:
		t.sum.Waiting++
	}
	if out.NeedsPerson {
		t.sum.NeedsPerson++
	}
	t.fail(out.Failure)
	if t.progress != nil {
		t.progress(out)
	}
	return nil
}

// fail counts a failure and decides whether the run goes on.
func (t *tally) fail(f *llm.Failure) {
	if f != nil {
		t.sum.Failures[f.Kind]++
		t.sum.Details[f.Kind] = f.Message
	}
	if stop := t.patience.Saw(f); stop != nil && t.sum.Stopped == nil {
		t.sum.Stopped = stop
	}
}
