package screen

import (
	"context"
	"errors"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/job"
	"coigwriter/internal/llm"
)

// SourceJob screens one source.
type SourceJob struct {
	SourceID string `json:"source_id"`
}

// Kind names the job in the database.
func (SourceJob) Kind() string { return "screen.source" }

// InsertOpts keeps a source from being judged twice at once.
func (SourceJob) InsertOpts() job.InsertOpts { return job.Once() }

// Enqueue asks for sources to be screened by whichever worker is free, in the transaction that
// made them wait.
func Enqueue(ctx context.Context, tx *db.DB, q *job.Client, sourceIDs ...string) error {
	jobs := make([]job.Args, len(sourceIDs))
	for i, id := range sourceIDs {
		jobs[i] = SourceJob{id}
	}
	return q.Enqueue(ctx, tx, jobs...)
}

// SweepJob screens waiting sources that nobody asked for by name: upstream never calls
// downstream, so it is the state that asks for the work.
type SweepJob struct{}

// Kind names the job in the database.
func (SweepJob) Kind() string { return "screen.sweep" }

// InsertOpts keeps sweeps from piling up behind a slow one.
func (SweepJob) InsertOpts() job.InsertOpts { return job.Once() }

// How much one sweep does, so that it ends well before a job's time is up, and how long a job
// waits for a server that is away.
const (
	sweepEvery = 20 * time.Second
	sweepSize  = 100
	snooze     = time.Minute
)

// Every is the sweep, for the queue's schedule.
func Every() job.Every { return job.Every{Interval: sweepEvery, Args: SweepJob{}} }

// Handlers are screening's job kinds. Each job reads taxonomy and thresholds anew, so that a
// change of the settings needs no restart.
func Handlers(d *db.DB, client *llm.Client) []job.Handler {
	return []job.Handler{
		job.Handle(func(ctx context.Context, a SourceJob) error {
			c, err := ScreenerOf(ctx, d, client)
			if err != nil {
				return err
			}
			return work(ctx, d, c, a.SourceID)
		}),
		job.Handle(func(ctx context.Context, _ SweepJob) error {
			c, err := ScreenerOf(ctx, d, client)
			if err != nil {
				return err
			}
			// A run that ends early has left its sources waiting; the next sweep tries again.
			_, err = c.Run(ctx, d, Options{Limit: sweepSize})
			return err
		}),
	}
}

// work screens one source as a job. A source that moved meanwhile is done; a server that is
// away puts the job off; a key or model that is wrong ends it, since the source keeps waiting
// and the next run takes it up.
func work(ctx context.Context, d *db.DB, c Screener, sourceID string) error {
	out, err := c.One(ctx, d, sourceID)
	switch {
	case errors.Is(err, errs.Conflict):
		return nil
	case errors.Is(err, errs.NotFound):
		return job.Cancel(err)
	case err != nil:
		return err
	case out.Failure == nil || out.Failure.Kind.Final():
		return nil
	case out.Failure.Kind == llm.KindTransient:
		return job.Snooze(snooze)
	}
	return job.Cancel(out.Failure)
}
