package train

import (
	"context"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/job"
)

// SweepJob follows the runs under way of the machine it runs on, and starts those that wait there.
type SweepJob struct{}

// Kind names the job in the database.
func (SweepJob) Kind() string { return "train.sweep" }

// InsertOpts keeps sweeps from piling up behind a long one.
func (SweepJob) InsertOpts() job.InsertOpts { return job.Once() }

// sweepEvery is how often runs are looked at.
const sweepEvery = 5 * time.Second

// Every is the sweep, for the queue's schedule.
func Every() job.Every { return job.Every{Interval: sweepEvery, Args: SweepJob{}} }

// Handlers are the kinds of jobs of training. start says that runs which wait are to be started here.
func Handlers(d *db.DB, start bool) []job.Handler {
	return []job.Handler{job.Handle(func(ctx context.Context, _ SweepJob) error {
		err := Sweep(ctx, d, start)
		if ctx.Err() != nil {
			return nil // the next sweep goes on
		}
		return err
	})}
}
