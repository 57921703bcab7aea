package evaluate

import (
	"context"
	"errors"
	"time"

	"coigwriter/internal/bench"
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

// How often requests are looked for, and how long one sweep asks: it ends well before a job's time is up,
// and the next goes on.
const (
	sweepEvery = 5 * time.Second
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
	if err := d.All(ctx, &open, `SELECT * FROM judge_order WHERE state IN (?, ?) ORDER BY created_at, study_id`, bench.Wanted, bench.Running); err != nil {
		return err
	}
	for _, o := range open {
		if o.State == bench.Wanted {
			if err := settle(ctx, d, o, bench.Running, ""); err != nil {
				return err
			}
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return nil
		}
		if err := judgeSome(ctx, d, client, o, until); err != nil {
			return err
		}
	}
	return nil
}

// judgeSome brings one request further.
func judgeSome(ctx context.Context, d *db.DB, client *llm.Client, o JudgeOrder, until time.Time) error {
	stopped := func() bool {
		now, err := OrderOf(ctx, d, o.StudyID)
		return err == nil && now.State != bench.Running // what cannot be read is not stopped
	}
	if stopped() {
		return nil
	}
	sum, err := JudgeStudy(ctx, d, client, JudgeRun{StudyID: o.StudyID, By: o.CreatedBy, Enough: llm.Until(until, stopped)})
	switch {
	case err != nil && (errors.Is(err, errs.Unavailable) || errors.Is(err, errs.Conflict)) && ctx.Err() == nil:
		return settle(ctx, d, o, bench.Failed, err.Error())
	case err != nil:
		return err
	case sum.Stopped != nil && sum.Stopped.Kind != llm.KindTransient:
		return settle(ctx, d, o, bench.Failed, sum.Stopped.Error())
	case sum.Stopped != nil:
		_, err := d.Exec(ctx, `UPDATE judge_order SET reason = ?, updated_at = ? WHERE study_id = ? AND state = ?`, sum.Stopped.Error(), d.Now(), o.StudyID, bench.Running)
		return err
	case sum.Open == 0:
		return settle(ctx, d, o, bench.Done, "")
	}
	return nil
}

// settle moves a request; one that a person stopped meanwhile stays as it is.
func settle(ctx context.Context, d *db.DB, o JudgeOrder, to, reason string) error {
	err := MoveJudge(ctx, d, "system", o.StudyID, to, reason)
	if errors.Is(err, errs.Conflict) {
		return nil
	}
	return err
}
