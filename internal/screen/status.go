package screen

import (
	"context"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/source"
)

// A Status is where screening stands, for the page and the command.
type Status struct {
	Configured bool   `json:"configured"` // whether there is a model to ask; when not, sources wait
	Model      string `json:"model,omitempty"`
	Scripted   bool   `json:"scripted,omitempty"` // the model is the scripted server: say so

	Waiting     int `json:"waiting"`      // sources in waiting, those for a person included
	NeedsPerson int `json:"needs_person"` // waiting, but a judge was unsure or somebody reopened it
	Held        int `json:"held"`         // held because of a model's failure
	Pool        int `json:"pool"`
	Refused     int `json:"refused"` // refused by a verdict

	Failures []llm.FailureCount `json:"failures,omitempty"` // calls about sources that failed, by kind
	Unjudged []llm.StageFailure `json:"unjudged,omitempty"` // sources without a verdict because a model failed, by stage and kind
}

// StatusOf counts. client may be nil.
func StatusOf(ctx context.Context, d *db.DB, client *llm.Client) (st Status, err error) {
	defer errs.Wrap(&err, "screening status")
	if st.Configured = client.Configured(); st.Configured {
		e := client.Endpoint()
		st.Model, st.Scripted = e.Model, e.Scripted()
	}
	states, err := source.Counts(ctx, d)
	if err != nil {
		return st, err
	}
	st.Waiting, st.Pool = states[source.Waiting], states[source.Pool]
	for _, c := range []struct {
		dst    *int
		state  string
		prefix string
	}{{&st.Held, source.Held, reasonsOfScreen}, {&st.Refused, source.Refused, ReasonBelow}} {
		if err := d.One(ctx, c.dst, `SELECT COUNT(*) FROM source WHERE state = ? AND reason LIKE ?`, c.state, c.prefix+"%"); err != nil {
			return st, err
		}
	}
	if err := d.One(ctx, &st.NeedsPerson, `SELECT COUNT(*) FROM source s WHERE s.state = ? AND `+needsPerson, source.Waiting); err != nil {
		return st, err
	}
	if st.Failures, err = llm.FailureCounts(ctx, d, "source"); err != nil {
		return st, err
	}
	st.Unjudged, err = Unjudged(ctx, d)
	return st, err
}

// Unjudged counts what [Failures] lists, by stage and kind of failure, most frequent first.
func Unjudged(ctx context.Context, d *db.DB) (counts []llm.StageFailure, err error) {
	defer errs.Wrap(&err, "screening failures")
	err = d.All(ctx, &counts, `SELECT k.prompt, k.failure, COUNT(*) AS count `+failed+` GROUP BY k.prompt, k.failure ORDER BY COUNT(*) DESC, k.prompt, k.failure`,
		source.Waiting, source.Held, reasonsOfScreen+"%")
	return counts, err
}

// A FailedSource is a source without a verdict because a model failed.
type FailedSource struct {
	SourceID string    `json:"source_id"`
	Title    string    `json:"title"`
	State    string    `json:"state"`   // waiting: the next run asks again; held: see [Retry]
	Prompt   string    `json:"stage"`   // the stage that failed
	Failure  string    `json:"failure"` // an llm.Kind
	Detail   string    `json:"detail"`
	CallID   string    `json:"call_id"`
	Scripted bool      `json:"scripted,omitempty"`
	At       time.Time `json:"at"`
}

// Failures lists the sources that wait or are held because a model failed, newest first, at
// most limit (1 to 500).
func Failures(ctx context.Context, d *db.DB, limit int) (_ []FailedSource, err error) {
	defer errs.Wrap(&err, "screening failures")
	var rows []FailedSource
	// The newest are found in the index alone; only their rows, which are long, are read.
	err = d.All(ctx, &rows, `SELECT s.id AS source_id, s.title, s.state, k.prompt, k.failure, k.failure_detail AS detail,
			k.id AS call_id, k.scripted, k.created_at AS at
		FROM llm_call k JOIN source s ON s.id = k.item_id WHERE k.id IN (SELECT k.id `+failed+` ORDER BY k.id DESC LIMIT ?) ORDER BY k.id DESC`,
		source.Waiting, source.Held, reasonsOfScreen+"%", min(max(limit, 1), 500))
	return rows, err
}

// CountFailures counts what [Failures] lists.
func CountFailures(ctx context.Context, d *db.DB) (n int, err error) {
	defer errs.Wrap(&err, "screening failures")
	err = d.One(ctx, &n, `SELECT COUNT(*) `+failed, source.Waiting, source.Held, reasonsOfScreen+"%")
	return n, err
}

// failed are the last calls about sources that wait or are held since they failed. The two
// comparisons of failure are those of the index llm_call_failed.
const failed = `FROM llm_call k JOIN source s ON s.id = k.item_id
	WHERE k.item_kind = 'source' AND k.failure <> '' AND k.failure <> 'set_aside'
		AND (s.state = ? OR (s.state = ? AND s.reason LIKE ?))
		AND NOT EXISTS (SELECT 1 FROM llm_call later WHERE later.item_kind = 'source' AND later.item_id = k.item_id AND later.id > k.id)`

// needsPerson is the condition that a judge did not pass source s, and that neither a later
// verdict nor a person's stands in its place. [Current] is the same rule in Go.
const needsPerson = `EXISTS (SELECT 1 FROM verdict v WHERE v.source_id = s.id AND NOT v.passed AND NOT EXISTS (
	SELECT 1 FROM verdict w WHERE w.source_id = v.source_id AND w.stage = v.stage
	AND ((w.judge_kind = 'person' AND v.judge_kind = 'model') OR (w.judge_kind = v.judge_kind AND w.id > v.id))))`

// waitingAfter returns the IDs of waiting sources after one that a model may judge, in order,
// at most n.
func waitingAfter(ctx context.Context, d *db.DB, after string, n int) ([]string, error) {
	var ids []string
	if n <= 0 {
		return nil, nil
	}
	err := d.All(ctx, &ids, `SELECT s.id FROM source s WHERE s.state = ? AND s.id > ? AND NOT `+needsPerson+` ORDER BY s.id LIMIT ?`, source.Waiting, after, n)
	return ids, err
}
