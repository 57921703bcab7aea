package train

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// Queue has a run started, or taken up again, by the workers of its machine once no other is under way
// there: pages start no process themselves.
func Queue(ctx context.Context, d *db.DB, by, id string) (Run, error) {
	return setQueued(ctx, d, by, id, true, "")
}

// unqueue takes a run out of its turn, with why it could not be started.
func unqueue(ctx context.Context, d *db.DB, id, reason string) error {
	_, err := setQueued(ctx, d, "system", id, false, reason)
	return err
}

func setQueued(ctx context.Context, d *db.DB, by, id string, queued bool, reason string) (r Run, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "training run "+id); err != nil {
			return err
		}
		if r, err = GetRun(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case r.State != Planned && !r.Resumable():
			return errs.Conflictf("%s is %s", r.Name, r.State)
		case r.Job.V.Topology.Launcher != Local:
			return errs.Conflictf("%s is for %s, whose command is printed and not started here", r.Name, r.Job.V.Topology.Launcher)
		case r.Queued == queued:
			return nil
		}
		r.Queued, r.Reason = queued, reason
		if _, err := tx.Exec(ctx, `UPDATE training_run SET queued = ?, reason = ?, updated_at = ? WHERE id = ?`, queued, reason, tx.Now(), id); err != nil {
			return err
		}
		action := "queue"
		if !queued {
			action = "unqueue"
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "training_run", ID: id, Actor: by, Action: action, From: r.State, To: r.State, Reason: reason})
	})
	return r, err
}

// Next returns the run of this machine whose turn it is: the oldest that waits, once none is under way.
// NotFound means that nothing is to be started.
func Next(ctx context.Context, d *db.DB) (Run, error) {
	rs, err := Runs(ctx, d, "")
	if err != nil {
		return Run{}, err
	}
	slices.Reverse(rs)
	next := -1
	for i, r := range rs {
		switch {
		case !r.Here():
		case r.Going():
			return Run{}, errs.NotFoundf("%s is under way", r.Name)
		case r.Queued && next < 0:
			next = i
		}
	}
	if next < 0 {
		return Run{}, errs.NotFoundf("no run waits to be started")
	}
	return rs[next], nil
}

// Sweep looks at every run of this machine that is under way and, where start is set, starts the next
// that waits. One that cannot be looked at keeps none of the others from it.
func Sweep(ctx context.Context, d *db.DB, start bool) error {
	var going []Run
	if err := d.All(ctx, &going, `SELECT * FROM training_run WHERE state IN (?, ?) AND host = ? ORDER BY started_at, id`, Running, Stopping, hostname()); err != nil {
		return err
	}
	var bad []error
	for _, r := range going {
		if _, err := Look(ctx, d, r); err != nil {
			bad = append(bad, fmt.Errorf("run %s: %w", r.Name, err))
		}
	}
	if !start {
		return errors.Join(bad...)
	}
	r, err := Next(ctx, d)
	if errors.Is(err, errs.NotFound) {
		return errors.Join(bad...)
	}
	if err == nil {
		if _, err = Begin(ctx, d, "system", r.ID); err != nil && ctx.Err() == nil {
			if uerr := unqueue(ctx, d, r.ID, err.Error()); uerr != nil && !errors.Is(uerr, errs.Conflict) {
				err = errors.Join(err, uerr) // a Conflict: it was started, and is said to have failed
			}
		}
	}
	return errors.Join(append(bad, err)...)
}

// A Tally is how many runs of a mix are in each state.
type Tally map[string]int

// Tallies counts the runs of each mix.
func Tallies(ctx context.Context, d *db.DB) (map[string]Tally, error) {
	var rows []struct {
		MixID, State string
		N            int
	}
	if err := d.All(ctx, &rows, `SELECT mix_id, state, COUNT(*) AS n FROM training_run GROUP BY mix_id, state`); err != nil {
		return nil, err
	}
	out := map[string]Tally{}
	for _, r := range rows {
		if out[r.MixID] == nil {
			out[r.MixID] = Tally{}
		}
		out[r.MixID][r.State] = r.N
	}
	return out, nil
}

// LastPoints returns the newest point of every run that has one.
func LastPoints(ctx context.Context, d *db.DB) (map[string]Point, error) {
	var rows []pointRow
	if err := d.All(ctx, &rows, `SELECT p.* FROM training_point p JOIN (SELECT run_id, MAX(step) AS step FROM training_point GROUP BY run_id) l ON l.run_id = p.run_id AND l.step = p.step`); err != nil {
		return nil, err
	}
	out := make(map[string]Point, len(rows))
	for _, r := range rows {
		out[r.RunID] = r.point()
	}
	return out, nil
}
