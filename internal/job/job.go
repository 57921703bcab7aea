// Package job is what runs later: screening, scoring, assigning, roots of the history.
//
// The queue is River, on the same database as everything else, so a job is enqueued in the
// transaction of the change that needs it: both happen or neither does. A handler is an
// ordinary function of typed arguments. Jobs are short (one item or a small batch), may run
// twice after a crash, and so must be idempotent; models are called outside transactions.
package job

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"coigwriter/internal/db"
)

// Args are the arguments of one kind of job: a plain struct that JSON can hold, whose Kind
// names the job in the database for good, whatever Go calls it later.
type Args = river.JobArgs

// timeout bounds one attempt; a job still running after rescueAfter is taken to have died
// with its process and is tried again, so timeout must be the smaller.
const (
	timeout     = 10 * time.Minute
	rescueAfter = 12 * time.Minute
)

// A Handler is one kind of job and the function that does it.
type Handler struct{ add func(*river.Workers) }

// Handle makes the handler of one kind of job. An error has the job tried again with growing
// pauses; see [Cancel] and [Snooze] for the other outcomes.
func Handle[T Args](f func(ctx context.Context, args T) error) Handler {
	return Handler{func(w *river.Workers) {
		river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[T]) error { return f(ctx, j.Args) }))
	}}
}

// Cancel ends a job for good: trying again would not help. The error stays visible.
func Cancel(err error) error { return river.JobCancel(err) }

// Snooze puts a job off without counting an attempt.
func Snooze(d time.Duration) error { return river.JobSnooze(d) }

// InsertOpts say how a job is queued; Args with a method InsertOpts() InsertOpts choose them.
type InsertOpts = river.InsertOpts

// Once are insert options for jobs of which one waiting copy is enough.
func Once() InsertOpts {
	return InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
		rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

// Every is a job the queue makes by itself, on one of the processes at a time.
type Every struct {
	Interval time.Duration
	Args     Args
}

// Config says what a [Client] runs. Without handlers it only enqueues.
type Config struct {
	Handlers []Handler
	Every    []Every
	Workers  int // jobs at once in this process; 0 means four per CPU
	Log      *slog.Logger
}

// A Client enqueues jobs and, between Start and Stop, runs them.
type Client struct {
	sqlite *river.Client[*sql.Tx]
	pg     *river.Client[pgx.Tx]
	runs   bool
}

// New connects the queue to the database. The queue's own tables are made by [Migrate].
func New(d *db.DB, c Config) (*Client, error) {
	workers := river.NewWorkers()
	for _, h := range c.Handlers {
		h.add(workers)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	cfg := &river.Config{
		Logger: c.Log, Workers: workers,
		JobTimeout: timeout, RescueStuckJobsAfter: rescueAfter,
		FetchCooldown: 50 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond,
	}
	if len(c.Handlers) > 0 {
		n := c.Workers
		if n <= 0 {
			n = 4 * runtime.NumCPU()
		}
		cfg.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: n}}
		for _, e := range c.Every {
			cfg.PeriodicJobs = append(cfg.PeriodicJobs, river.NewPeriodicJob(river.PeriodicInterval(e.Interval),
				func() (river.JobArgs, *river.InsertOpts) { return e.Args, nil }, nil))
		}
	} else {
		cfg.Workers = nil
	}
	q := &Client{runs: len(c.Handlers) > 0}
	var err error
	if d.Pool() != nil {
		q.pg, err = river.NewClient(riverpgxv5.New(d.Pool()), cfg)
	} else {
		q.sqlite, err = river.NewClient(riversqlite.New(d.SQL()), cfg)
	}
	return q, err
}

// Migrate brings the queue's own tables to this binary's version.
func Migrate(ctx context.Context, d *db.DB) error {
	quiet := &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)}
	if d.Pool() != nil {
		m, err := rivermigrate.New(riverpgxv5.New(d.Pool()), quiet)
		if err != nil {
			return err
		}
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	}
	m, err := rivermigrate.New(riversqlite.New(d.SQL()), quiet)
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// Enqueue adds jobs in the transaction tx: they exist when it commits and not before.
func (c *Client) Enqueue(ctx context.Context, tx *db.DB, jobs ...Args) error {
	sqlTx, conn := tx.Tx()
	if sqlTx == nil {
		return errors.New("job: Enqueue outside a transaction")
	}
	if len(jobs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, j := range jobs {
		params[i] = river.InsertManyParams{Args: j}
	}
	if c.sqlite != nil {
		_, err := c.sqlite.InsertManyTx(ctx, sqlTx, params)
		return err
	}
	return onPgx(conn, func(t pgx.Tx) error {
		_, err := c.pg.InsertManyTx(ctx, t, params)
		return err
	})
}

// Start runs jobs until ctx ends or Stop is called. A client without handlers runs none.
func (c *Client) Start(ctx context.Context) error {
	switch {
	case !c.runs:
		return nil
	case c.sqlite != nil:
		return c.sqlite.Start(ctx)
	default:
		return c.pg.Start(ctx)
	}
}

// Stop waits for running jobs until ctx ends, then cancels them; they will be tried again.
func (c *Client) Stop(ctx context.Context) error {
	var (
		soft func() error
		hard func(context.Context) error
	)
	switch {
	case !c.runs:
		return nil
	case c.sqlite != nil:
		soft = func() error { return c.sqlite.Stop(ctx) }
		hard = c.sqlite.StopAndCancel
	default:
		soft = func() error { return c.pg.Stop(ctx) }
		hard = c.pg.StopAndCancel
	}
	if err := soft(); err == nil {
		return nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return hard(last)
}
