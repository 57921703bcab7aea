package triplet

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
)

// A FailedTriplet is a part of a submitted triplet that a model failed to score.
type FailedTriplet struct {
	TripletID string    `json:"triplet_id"`
	Title     string    `json:"title"`
	Prompt    string    `json:"prompt"`  // of the part
	Failure   string    `json:"failure"` // an llm.Kind: a final one waits for [Retry], others are asked again by the next sweep
	Detail    string    `json:"detail"`
	CallID    string    `json:"call_id"`
	Scripted  bool      `json:"scripted,omitempty"`
	At        time.Time `json:"at"`
}

// failed are the last calls about the parts of submitted triplets, where they failed. The two
// comparisons of failure are those of the index llm_call_failed, and the prompt is compared as an expression
// so that SQLite looks a triplet's calls up by the triplet, of which there are few, and not by the prompt.
const failed = `FROM llm_call k JOIN triplet t ON t.id = k.item_id
	WHERE k.item_kind = 'triplet' AND k.failure <> '' AND k.failure <> 'set_aside' AND t.state = 'submitted'
		AND NOT EXISTS (SELECT 1 FROM llm_call later WHERE later.item_kind = 'triplet' AND later.item_id = k.item_id AND later.prompt || '' = k.prompt AND later.id > k.id)`

// Failures lists what models failed to score of the submitted triplets, newest first, at most
// limit (1 to 500).
func Failures(ctx context.Context, d *db.DB, limit int) (rows []FailedTriplet, err error) {
	defer errs.Wrap(&err, "scoring failures")
	// The newest are found first; only their rows, which are long, are read.
	err = d.All(ctx, &rows, `SELECT t.id AS triplet_id, s.title, k.prompt, k.failure, k.failure_detail AS detail, k.id AS call_id, k.scripted, k.created_at AS at
		FROM llm_call k JOIN triplet t ON t.id = k.item_id JOIN source s ON s.id = t.source_id
		WHERE k.id IN (SELECT k.id `+failed+` ORDER BY k.id DESC LIMIT ?) ORDER BY k.id DESC`, min(max(limit, 1), 500))
	return rows, err
}

// FailureCounts counts the submitted triplets that a model failed to score, by kind of failure,
// most frequent first.
func FailureCounts(ctx context.Context, d *db.DB) (counts []llm.FailureCount, err error) {
	defer errs.Wrap(&err, "scoring failures")
	err = d.All(ctx, &counts, `SELECT k.failure, COUNT(DISTINCT t.id) AS count `+failed+` GROUP BY k.failure ORDER BY COUNT(DISTINCT t.id) DESC, k.failure`)
	return counts, err
}

// Unscored counts the parts that a model failed to score, by prompt and kind of failure, most frequent
// first.
func Unscored(ctx context.Context, d *db.DB) (counts []llm.StageFailure, err error) {
	defer errs.Wrap(&err, "scoring failures")
	err = d.All(ctx, &counts, `SELECT f.prompt, f.failure, COUNT(*) AS count FROM llm_call f WHERE f.id IN (SELECT k.id `+failed+`)
		GROUP BY f.prompt, f.failure ORDER BY COUNT(*) DESC, f.prompt, f.failure`)
	return counts, err
}

// CountFailures counts the submitted triplets that a model failed to score.
func CountFailures(ctx context.Context, d *db.DB) (n int, err error) {
	defer errs.Wrap(&err, "scoring failures")
	err = d.One(ctx, &n, `SELECT COUNT(DISTINCT t.id) `+failed)
	return n, err
}

// Stuck reports whether a triplet waits for its sheet behind a failure that is final: the model
// is asked again only after [Retry].
func Stuck(ctx context.Context, d *db.DB, id string) (bool, error) {
	var n int
	err := d.One(ctx, &n, `SELECT COUNT(*) `+failed+` AND k.item_id = ? AND k.failure IN (?)`, id, bun.List(finalKinds))
	return n > 0, err
}

var finalKinds = []llm.Kind{llm.KindRefused, llm.KindTooLong, llm.KindBadOutput}

// Retry opens the questions about a submitted triplet that failed for good, so that the next
// sweep asks the model anew. The raw replies stay. Nothing to open is errs.Conflict.
func Retry(ctx context.Context, d *db.DB, by, id string) (err error) {
	defer errs.Wrap(&err, "ask again about triplet %s", id)
	return d.Transact(ctx, func(tx *db.DB) error {
		t, err := Get(ctx, tx, id)
		if err != nil {
			return err
		}
		if t.State != Submitted {
			return errs.Conflictf("it is %s, so it is not waiting for a score sheet", t.State)
		}
		if stuck, err := Stuck(ctx, tx, id); err != nil || !stuck {
			return cmp.Or(err, errs.Conflictf("no failure of a model stands in its way"))
		}
		n, err := llm.SetAside(ctx, tx, llm.About{Kind: "triplet", ID: id})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Kind: "triplet", ID: id, Actor: by, Action: "ask-again", From: Submitted, To: Submitted, Data: map[string]any{"calls_set_aside": n},
		})
	})
}

// RetryAll does what [Retry] does for every submitted triplet that a model failed to score for
// good, at most 500, and returns how many. One that somebody moved meanwhile is passed over.
func RetryAll(ctx context.Context, d *db.DB, by string) (n int, err error) {
	rows, err := Failures(ctx, d, 500)
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row.TripletID] || !llm.Kind(row.Failure).Final() {
			continue
		}
		seen[row.TripletID] = true
		switch err := Retry(ctx, d, by, row.TripletID); {
		case err == nil:
			n++
		case !errors.Is(err, errs.Conflict):
			return n, err
		}
	}
	return n, nil
}
