package bench

import (
	"context"
	"errors"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/job"
	"coigwriter/internal/llm"
)

// SweepJob asks for the answers of open orders: upstream never calls downstream, so it is the state
// that asks for the work.
type SweepJob struct{}

// Kind names the job in the database.
func (SweepJob) Kind() string { return "bench.sweep" }

// InsertOpts keeps sweeps from piling up behind a long one.
func (SweepJob) InsertOpts() job.InsertOpts { return job.Once() }

// How often orders are looked for, and how long one sweep asks: it ends well before a job's time is up,
// the answers under way included, and the next goes on.
const (
	sweepEvery = 5 * time.Second
	sweepFor   = 3 * time.Minute
)

// Every is the sweep, for the queue's schedule.
func Every() job.Every { return job.Every{Interval: sweepEvery, Args: SweepJob{}} }

// Handlers are the benchmark's job kinds. client is the server that orders are asked of; each is asked
// of its own model there.
func Handlers(d *db.DB, client *llm.Client) []job.Handler {
	return []job.Handler{job.Handle(func(ctx context.Context, _ SweepJob) error {
		err := Sweep(ctx, d, client, time.Now().Add(sweepFor))
		if ctx.Err() != nil {
			return nil // the next sweep goes on
		}
		return err
	})}
}

// Sweep works on the open orders, the oldest first, and begins no question after until.
func Sweep(ctx context.Context, d *db.DB, client *llm.Client, until time.Time) error {
	var open []Order
	err := d.All(ctx, &open, `SELECT * FROM answer_order WHERE state IN (?, ?) ORDER BY created_at, id`, Wanted, Running)
	if err != nil {
		return err
	}
	for _, o := range open {
		if time.Now().After(until) || ctx.Err() != nil {
			return nil
		}
		if o.State == Wanted {
			err := MoveOrder(ctx, d, "system", o.ID, Running, "")
			if errors.Is(err, errs.Conflict) {
				continue // it was stopped this instant
			}
			if err != nil {
				return err
			}
		}
		if err := work(ctx, d, client, o, until); err != nil {
			return err
		}
	}
	return nil
}

// work brings one order further.
func work(ctx context.Context, d *db.DB, client *llm.Client, o Order, until time.Time) error {
	c, err := llm.NewClient(o.Sampling.V.Endpoint(client.Endpoint(), o.Model))
	if err != nil {
		return settle(ctx, d, o, Failed, err.Error())
	}
	c.Wait = orWait(client, c)
	defer c.Close()
	run := o.Run()
	run.Enough = llm.Until(until, func() bool { return isStopped(ctx, d, o.ID) })
	sum, err := Generate(ctx, d, c, run)
	switch {
	case errs.Kind(err) != nil && llm.FailureOf(err) == nil && ctx.Err() == nil:
		return settle(ctx, d, o, Failed, err.Error()) // such as other settings under the same name
	case err != nil:
		return err
	case isStopped(ctx, d, o.ID):
		return nil
	case sum.Stopped != nil && sum.Stopped.Kind != llm.KindTransient:
		return settle(ctx, d, o, Failed, sum.Stopped.Error())
	case sum.Stopped != nil:
		return waitsFor(ctx, d, o.ID, sum.Stopped.Error())
	case sum.Open > 0:
		return waitsFor(ctx, d, o.ID, "")
	}
	return settle(ctx, d, o, Done, "")
}

// settle ends an order; one that a person stopped meanwhile stays as it is.
func settle(ctx context.Context, d *db.DB, o Order, to, reason string) error {
	err := MoveOrder(ctx, d, "system", o.ID, to, reason)
	if errors.Is(err, errs.Conflict) {
		return nil
	}
	return err
}

// orWait hands on how the client waits, which tests replace.
func orWait(from, to *llm.Client) func(context.Context, time.Duration) error {
	if from != nil {
		return from.Wait
	}
	return to.Wait
}
