package screen

import (
	"context"
	"errors"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/source"
)

// Score records a person's own verdict on a source at one stage. It counts before any model's
// and is held against the same thresholds. A source that is waiting, held by screening or in
// the pool moves accordingly; the state after that is returned. by is the person's ID; the
// caller has checked their permission and the genre's ID.
func Score(ctx context.Context, d *db.DB, t Thresholds, by, sourceID, stage string, j Judgement, note string) (state string, err error) {
	defer errs.Wrap(&err, "score source %s", sourceID)
	if err := j.check(stage); err != nil {
		return "", err
	}
	ruling, bit := t.Rule(stage, j)
	return add(ctx, d, Verdict{
		SourceID: sourceID, Stage: stage, JudgeKind: ByPerson, Judge: by, Judgement: db.AsJSON(j), Reasons: note,
	}, ruling, bit, by)
}

// Retry sends a source that a model's failure has held back to waiting, and opens the questions
// that failed, so that the next run asks the model anew.
func Retry(ctx context.Context, d *db.DB, by, sourceID string) (err error) {
	defer errs.Wrap(&err, "ask again")
	return d.Transact(ctx, func(tx *db.DB) error {
		s, err := source.Get(ctx, tx, sourceID)
		if err != nil {
			return err
		}
		if s.State != source.Held || !ours(s.Reason) {
			return errs.Conflictf("source %s is %s (%s): only what a model's failure has held can be asked again", s.ID, s.State, s.Reason)
		}
		n, err := llm.SetAside(ctx, tx, llm.About{Kind: "source", ID: s.ID})
		if err != nil {
			return err
		}
		return source.Advance(ctx, tx, s.ID, source.Waiting, by, "", map[string]any{"retry": true, "calls_set_aside": n})
	})
}

// RetryAll does what [Retry] does for every source that a model's failure has held back, at
// most 500, and returns how many. One that somebody moved meanwhile is passed over.
func RetryAll(ctx context.Context, d *db.DB, by string) (n int, err error) {
	defer errs.Wrap(&err, "ask again about all")
	var ids []string
	err = d.All(ctx, &ids, `SELECT id FROM source WHERE state = ? AND reason LIKE ? ORDER BY id LIMIT 500`, source.Held, reasonsOfScreen+"%")
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		switch err := Retry(ctx, d, by, id); {
		case err == nil:
			n++
		case !errors.Is(err, errs.Conflict):
			return n, err
		}
	}
	return n, nil
}
