package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// Runs returns the runs of a mix, or of all where mixID is "", the newest first.
func Runs(ctx context.Context, d *db.DB, mixID string) ([]Run, error) {
	var rs []Run
	err := d.All(ctx, &rs, `SELECT * FROM training_run WHERE (? = '' OR mix_id = ?) ORDER BY created_at DESC, id DESC`, mixID, mixID)
	return rs, err
}

// GetRun returns a run by its ID, or NotFound.
func GetRun(ctx context.Context, d *db.DB, id string) (r Run, err error) {
	defer errs.Wrap(&err, "run %s", id)
	return r, d.One(ctx, &r, `SELECT * FROM training_run WHERE id = ?`, id)
}

// FindRun returns a run by its name or ID.
func FindRun(ctx context.Context, d *db.DB, name string) (r Run, err error) {
	err = d.One(ctx, &r, `SELECT * FROM training_run WHERE name = ? OR id = ?`, name, name)
	if errors.Is(err, errs.NotFound) {
		err = errs.NotFoundf("there is no training run called %q; coigwriter train list names them", name)
	}
	return r, err
}

// Add keeps a run as planned. Its name is made from the mix's and the configuration's where it has
// none; its directory must be no other run's.
func Add(ctx context.Context, d *db.DB, by string, r *Run) error {
	r.Job.V.Dir = cmp.Or(r.Dir, r.Job.V.Dir)
	if r.Warnings.V == nil {
		r.Warnings.V = []Warning{}
	}
	r.ID, r.Host, r.Dir, r.State, r.CreatedBy = db.NewID(), hostname(), r.Job.V.Dir, Planned, by
	return d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "training runs"); err != nil {
			return err
		}
		var there int
		if err := tx.One(ctx, &there, `SELECT COUNT(*) FROM training_run WHERE name = ?`, r.Name); err != nil {
			return err
		}
		if there > 0 {
			return errs.Conflictf("there is a run called %s already: give another name, or resume that one", r.Name)
		}
		if err := tx.One(ctx, &there, `SELECT COUNT(*) FROM training_run WHERE host = ? AND dir = ?`, r.Host, r.Dir); err != nil {
			return err
		}
		if there > 0 {
			return errs.Conflictf("%s is another run's directory: resume that one, or choose another", r.Dir)
		}
		r.CreatedAt, r.UpdatedAt = tx.Now(), tx.Now()
		if err := tx.Insert(ctx, r); err != nil {
			return err
		}
		j := r.Job.V
		return audit.Record(ctx, tx, audit.Entry{Kind: "training_run", ID: r.ID, Actor: by, Action: "plan", To: Planned, Data: map[string]any{
			"name": r.Name, "mix": r.MixID, "configuration": r.Configuration, "engine": r.Engine, "versions": r.Probe.V.Versions, "model": j.Model, "settings": j.Settings, "topology": j.Topology, "warnings": r.Warnings.V,
		}})
	})
}

// FreeName returns name, or name-2, name-3 … where runs have it already.
func FreeName(ctx context.Context, d *db.DB, name string) (string, error) {
	var names []string
	if err := d.All(ctx, &names, `SELECT name FROM training_run`); err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, n := range names {
		taken[n] = true
	}
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	return free, nil
}

// move brings a run into another state of [Transitions], once change has set what goes with it. It
// returns the run as it then is.
func move(ctx context.Context, d *db.DB, by, id, to string, change func(tx *db.DB, r *Run) error) (r Run, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "training run "+id); err != nil {
			return err
		}
		if r, err = GetRun(ctx, tx, id); err != nil {
			return err
		}
		if r.Carried() {
			return errs.Conflictf("%s came from a file: what is to be done with it is done on %s", r.Name, r.Machine())
		}
		tr, err := Transitions.Find("training run", r.State, to, "")
		if err != nil {
			return errs.Conflictf("%s: %w", r.Name, err)
		}
		from := r.State
		r.State, r.UpdatedAt = to, tx.Now()
		if err := change(tx, &r); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE training_run SET state = ?, reason = ?, advice = ?, queued = ?, attempt = ?, pid = ?, pid_born = ?, spent_ms = ?, outcome = ?, log_tail = ?, started_at = ?, stop_at = ?, ended_at = ?, updated_at = ? WHERE id = ?`,
			r.State, r.Reason, r.Advice, r.Queued, r.Attempt, r.Pid, r.PidBorn, r.SpentMs, r.Outcome, r.LogTail, r.StartedAt, r.StopAt, r.EndedAt, r.UpdatedAt, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "training_run", ID: id, Actor: by, Action: tr.Action, From: from, To: to, Reason: r.Reason, Data: map[string]any{
			"attempt": r.Attempt, "steps": r.Outcome.V.Steps, "checkpoint": r.Outcome.V.Checkpoint,
		}})
	})
	return r, err
}

// end brings a run that was under way to its end.
func end(ctx context.Context, d *db.DB, id, to string, o Outcome, reason, advice, tail string) (Run, error) {
	return move(ctx, d, "system", id, to, func(tx *db.DB, r *Run) error {
		now := tx.Now()
		if r.StartedAt != nil {
			r.SpentMs += max(0, now.Sub(*r.StartedAt)).Milliseconds()
		}
		r.Reason, r.Advice, r.LogTail, r.Outcome, r.EndedAt = reason, advice, storable(tail), db.AsJSON(o), &now
		return nil
	})
}

// storable makes what an engine printed fit for both databases.
func storable(log string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(log, "\x00", ""), "�")
}

// Points returns the loss curve of a run, in order of steps.
func Points(ctx context.Context, d *db.DB, runID string) ([]Point, error) {
	rows, err := pointRows(ctx, d, runID)
	out := make([]Point, len(rows))
	for i, r := range rows {
		out[i] = r.point()
	}
	return out, err
}

func pointRows(ctx context.Context, d *db.DB, runID string) ([]pointRow, error) {
	var rows []pointRow
	err := d.All(ctx, &rows, `SELECT * FROM training_point WHERE run_id = ? ORDER BY step`, runID)
	return rows, err
}

// keepPoints stores what is new or has changed of a curve: a resumed run writes some steps twice.
func keepPoints(ctx context.Context, d *db.DB, runID string, points []Point) (changed bool, err error) {
	ch, err := compare(ctx, d, runID, points)
	if err != nil || ch.none() {
		return false, err
	}
	return true, d.Transact(ctx, func(tx *db.DB) error { return ch.store(ctx, tx) })
}

// A change is what sets a curve apart from the one that is stored.
type change struct {
	runID string
	fresh []pointRow
	lost  bool // what lies beyond last was lost, and a resumed run does it again
	last  int
}

func (c change) none() bool { return len(c.fresh) == 0 && !c.lost }

func compare(ctx context.Context, d *db.DB, runID string, points []Point) (change, error) {
	c := change{runID: runID}
	old, err := pointRows(ctx, d, runID)
	if err != nil {
		return c, err
	}
	at := map[int]Point{}
	for _, r := range old {
		at[r.Step] = r.point()
	}
	for _, p := range points {
		row := rowOf(runID, p)
		if before, ok := at[p.Step]; !ok || !same(before, row.point()) {
			c.fresh = append(c.fresh, row)
		}
	}
	if len(points) > 0 {
		c.last = points[len(points)-1].Step
	}
	c.lost = c.last > 0 && len(old) > 0 && old[len(old)-1].Step > c.last
	return c, nil
}

func (c change) store(ctx context.Context, tx *db.DB) error {
	if c.lost {
		if _, err := tx.Exec(ctx, `DELETE FROM training_point WHERE run_id = ? AND step > ?`, c.runID, c.last); err != nil {
			return err
		}
	}
	for _, r := range c.fresh {
		if _, err := tx.Exec(ctx, `INSERT INTO training_point (run_id, step, steps, epoch, loss, learning_rate, grad_norm, elapsed_ms, remaining_ms, memory_mib, tokens, by_kind, not_finite, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (run_id, step) DO UPDATE SET steps = excluded.steps, epoch = excluded.epoch, loss = excluded.loss, learning_rate = excluded.learning_rate, grad_norm = excluded.grad_norm,
				elapsed_ms = excluded.elapsed_ms, remaining_ms = excluded.remaining_ms, memory_mib = excluded.memory_mib, tokens = excluded.tokens, by_kind = excluded.by_kind, not_finite = excluded.not_finite, at = excluded.at`,
			r.RunID, r.Step, r.Steps, r.Epoch, r.Loss, r.LearningRate, r.GradNorm, r.ElapsedMs, r.RemainingMs, r.MemoryMiB, r.Tokens, r.ByKind, r.NotFinite, r.At); err != nil {
			return err
		}
	}
	return nil
}

func same(a, b Point) bool {
	return a.At.Equal(b.At) && reflect.DeepEqual(untimed(a), untimed(b))
}

func untimed(p Point) Point {
	p.At = time.Time{}
	return p
}
