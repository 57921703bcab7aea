package evaluate

import (
	"context"
	"errors"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/job"
	"coigwriter/internal/llm"
)

// SweepJob brings the requests for model judges further: it is their state that asks for the work.
type SweepJob struct{}

// Kind names the job in the database.
func (SweepJob) Kind() string { return "evaluate.sweep" }

// InsertOpts keeps sweeps from piling up behind a long one.
func (SweepJob) InsertOpts() job.InsertOpts { return job.Once() }

// How often requests are looked for, and how much is asked before they are looked at again: a request
// that a person stops ends after that.
const (
	sweepEvery = 5 * time.Second
	sweepSize  = 20
	sweepFor   = 3 * time.Minute
)

// Every is the sweep, for the queue's schedule.
func Every() job.Every { return job.Every{Interval: sweepEvery, Args: SweepJob{}} }

// Handlers are the job kinds of studies.
func Handlers(d *db.DB, client *llm.Client) []job.Handler {
	return []job.Handler{job.Handle(func(ctx context.Context, _ SweepJob) error {
		err := Sweep(ctx, d, client, time.Now().Add(sweepFor))
		if ctx.Err() != nil {
			return nil // the next sweep goes on
		}
		return err
	})}
}

// Sweep works on the open requests, the oldest first, and begins nothing after until.
func Sweep(ctx context.Context, d *db.DB, client *llm.Client, until time.Time) error {
	var open []JudgeOrder
	if err := d.All(ctx, &open, `SELECT * FROM judge_order WHERE state IN (?, ?) ORDER BY created_at, study_id`, JudgeWanted, JudgeRunning); err != nil {
		return err
	}
	for _, o := range open {
		if o.State == JudgeWanted {
			if err := settle(ctx, d, o, JudgeRunning, ""); err != nil {
				return err
			}
		}
		for more := true; more && time.Now().Before(until) && ctx.Err() == nil; {
			var err error
			if more, err = judgeSome(ctx, d, client, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeSome brings one request a little further, and reports whether it should go on at once.
func judgeSome(ctx context.Context, d *db.DB, client *llm.Client, o JudgeOrder) (more bool, err error) {
	if now, err := OrderOf(ctx, d, o.StudyID); err != nil || now.State != JudgeRunning {
		return false, err
	}
	sum, err := JudgeStudy(ctx, d, client, JudgeRun{StudyID: o.StudyID, By: o.CreatedBy, Limit: sweepSize})
	switch {
	case err != nil && (errors.Is(err, errs.Unavailable) || errors.Is(err, errs.Conflict)) && ctx.Err() == nil:
		return false, settle(ctx, d, o, JudgeFailed, err.Error())
	case err != nil:
		return false, err
	case sum.Stopped != nil && sum.Stopped.Kind != llm.KindTransient:
		return false, settle(ctx, d, o, JudgeFailed, sum.Stopped.Error())
	case sum.Stopped != nil:
		_, err := d.Exec(ctx, `UPDATE judge_order SET reason = ?, updated_at = ? WHERE study_id = ? AND state = ?`, sum.Stopped.Error(), d.Now(), o.StudyID, JudgeRunning)
		return false, err
	case sum.Open == 0:
		return false, settle(ctx, d, o, JudgeDone, "")
	}
	return sum.Added+sum.Failed > 0, nil
}

// settle moves a request; one that a person stopped meanwhile stays as it is.
func settle(ctx context.Context, d *db.DB, o JudgeOrder, to, reason string) error {
	err := MoveJudge(ctx, d, "system", o.StudyID, to, reason)
	if errors.Is(err, errs.Conflict) {
		return nil
	}
	return err
}
