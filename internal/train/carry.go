package train

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// carriedFormat is the version of the file that [Export] makes and [Import] takes in.
const carriedFormat = 1

// maxCarried bounds such a file: a thousand runs with their curves are some tens of megabytes.
const maxCarried = 256 << 20

// elsewhere is added to the machine of a run that was taken in from a file: no machine calls itself so,
// and nothing that a file says is ever started.
const elsewhere = " (imported)"

// An Experiment is a mix and what was trained on it, as it goes from one database into another: from that
// of a machine with GPUs into the lab's. Rows and weights stay where they are.
type Experiment struct {
	Format int       `json:"format"`
	Mix    Mix       `json:"mix"`
	Plan   string    `json:"plan"`
	Runs   []Carried `json:"runs"`
	Models []Model   `json:"models"`
}

// A Carried is a run with its curve and the end of its log.
type Carried struct {
	Run
	LogTail string  `json:"log_tail"`
	Points  []Point `json:"points"`
}

// Export reads a mix with all its runs, oldest first, and the models they made.
func Export(ctx context.Context, d *db.DB, mixID string) (x Experiment, err error) {
	x = Experiment{Format: carriedFormat, Runs: []Carried{}, Models: []Model{}}
	if x.Mix, err = GetMix(ctx, d, mixID); err != nil {
		return x, err
	}
	x.Plan = x.Mix.Plan
	runs, err := Runs(ctx, d, mixID)
	if err != nil {
		return x, err
	}
	for _, r := range slices.Backward(runs) {
		points, err := Points(ctx, d, r.ID)
		if err != nil {
			return x, err
		}
		x.Runs = append(x.Runs, Carried{r, r.LogTail, points})
		var models []Model
		if err := d.All(ctx, &models, `SELECT * FROM trained_model WHERE run_id = ? ORDER BY created_at, id`, r.ID); err != nil {
			return x, err
		}
		for _, m := range models {
			m.Server, m.URL, m.Host, m.Pid = "", "", "", 0
			x.Models = append(x.Models, m)
		}
	}
	return x, nil
}

// ReadExperiment reads what [Export] made, compressed or not, and holds it against itself. name is how
// errors call it.
func ReadExperiment(name string, r io.Reader) (x Experiment, err error) {
	defer errs.Wrap(&err, "%s", name)
	plain, end, err := record.Plain(name, r)
	if err != nil {
		return x, err
	}
	data, err := io.ReadAll(io.LimitReader(plain, maxCarried+1))
	if err = errors.Join(err, end()); err != nil {
		return x, errs.Invalidf("it breaks off or is damaged: %w", err)
	}
	if len(data) > maxCarried {
		return x, errs.Invalidf("the file is larger than %d MB: it is no experiment", maxCarried>>20)
	}
	if err := json.Unmarshal(data, &x); err != nil {
		return x, errs.Invalidf("the file is no experiment that coigwriter train export made: %w", err)
	}
	return x, x.check()
}

// check holds an experiment to what a database may take in.
func (x Experiment) check() error {
	if x.Format != carriedFormat {
		return errs.Invalidf("the file is of format %d; this program reads %d", x.Format, carriedFormat)
	}
	man := x.Mix.Manifest.V
	if err := man.Check(); err != nil {
		return errs.Invalidf("the mix of the file: its manifest %w", err)
	}
	if x.Mix.Hash != man.ID {
		return errs.Invalidf("the mix of the file says to be %.12s, its manifest is %.12s", x.Mix.Hash, man.ID)
	}
	there := map[string]bool{}
	for _, r := range x.Runs {
		if _, err := EngineNamed(r.Engine); err != nil {
			return errs.Invalidf("run %q: %w", r.Name, err)
		}
		if _, err := man.Configuration(r.Configuration); err != nil {
			return errs.Invalidf("run %q: %w", r.Name, err)
		}
		if r.ID == "" || r.Name == "" || r.Host == "" || r.Dir == "" || !isState(r.State) {
			return errs.Invalidf("run %q lacks its ID, name, machine or directory, or is in no state that runs have (%q)", r.Name, r.State)
		}
		there[r.ID] = true
	}
	for _, m := range x.Models {
		if !there[m.RunID] || !modelName.MatchString(m.Name) {
			return errs.Invalidf("model %q was made by no run of the file, or its name is none", m.Name)
		}
	}
	return nil
}

func isState(s string) bool {
	return slices.ContainsFunc(Transitions, func(t audit.Transition) bool { return t.To == s })
}

// Taken says what [Import] did.
type Taken struct {
	Mix     Mix `json:"mix"`
	New     int `json:"new"`     // runs
	Updated int `json:"updated"` // runs that were taken in before
	Models  int `json:"models"`  // new ones
}

// Import takes an experiment in, all or nothing. What is there from an earlier file is brought up to date;
// a run of this database itself is never touched; a run whose name another has gets a free one, and a
// model's name that another has is a Conflict, since answers refer to it. What comes from a file can be
// looked at and is never started here.
func Import(ctx context.Context, d *db.DB, by string, x Experiment) (t Taken, err error) {
	if err := x.check(); err != nil {
		return t, err
	}
	err = d.Transact(ctx, func(tx *db.DB) error {
		t = Taken{}
		for _, lock := range []string{"mixes", "training runs"} {
			if err := tx.Lock(ctx, lock); err != nil {
				return err
			}
		}
		if t.Mix, err = takeMix(ctx, tx, by, x); err != nil {
			return err
		}
		for _, r := range x.Runs {
			r.MixID, r.CreatedBy = t.Mix.ID, by
			fresh, err := takeRun(ctx, tx, by, r)
			if err != nil {
				return err
			}
			if fresh {
				t.New++
			} else {
				t.Updated++
			}
		}
		for _, m := range x.Models {
			m.CreatedBy, m.Server, m.URL, m.Host, m.Pid = by, "", "", "", 0
			fresh, err := takeModel(ctx, tx, by, m)
			if err != nil {
				return err
			}
			t.Models += fresh
		}
		return nil
	})
	return t, err
}

func takeMix(ctx context.Context, tx *db.DB, by string, x Experiment) (m Mix, err error) {
	err = tx.One(ctx, &m, `SELECT * FROM mix WHERE hash = ?`, x.Mix.Hash)
	if !errors.Is(err, errs.NotFound) {
		return m, err
	}
	m = x.Mix
	m.ID, m.Plan, m.CreatedBy, m.CreatedAt = db.NewID(), x.Plan[:min(len(x.Plan), maxPlan)], by, tx.Now()
	if err := tx.Insert(ctx, &m); err != nil {
		return m, err
	}
	return m, audit.Record(ctx, tx, audit.Entry{Kind: "mix", ID: m.ID, Actor: by, Action: "import", Data: map[string]any{"name": m.Name, "path": m.Path, "hash": m.Hash}})
}

func takeRun(ctx context.Context, tx *db.DB, by string, c Carried) (fresh bool, err error) {
	r := c.Run
	r.Host = r.Machine() + elsewhere
	r.Pid, r.PidBorn, r.Queued, r.UpdatedAt = 0, "", false, tx.Now()
	r.LogTail = storable(c.LogTail[max(0, len(c.LogTail)-tailBytes):])
	old, err := GetRun(ctx, tx, r.ID)
	switch fresh = errors.Is(err, errs.NotFound); {
	case fresh: // two machines call their runs alike where they train the same mix
		if r.Name, err = FreeName(ctx, tx, r.Name); err != nil {
			return fresh, err
		}
		n, err := tx.InsertNew(ctx, &r)
		if err == nil && n == 0 {
			err = errs.Conflictf("another run came from %s on %s: nothing was taken in", r.Dir, r.Machine())
		}
		if err != nil {
			return fresh, err
		}
	case err != nil:
		return fresh, err
	case old.Host != r.Host || old.MixID != r.MixID:
		return fresh, errs.Conflictf("run %s is this database's own: a file changes nothing of it", old.Name)
	default:
		if _, err := tx.Exec(ctx, `UPDATE training_run SET state = ?, reason = ?, advice = ?, attempt = ?, spent_ms = ?, outcome = ?, log_tail = ?, started_at = ?, stop_at = ?, ended_at = ?, updated_at = ? WHERE id = ?`,
			r.State, r.Reason, r.Advice, r.Attempt, r.SpentMs, r.Outcome, r.LogTail, r.StartedAt, r.StopAt, r.EndedAt, r.UpdatedAt, r.ID); err != nil {
			return fresh, err
		}
	}
	curve, err := compare(ctx, tx, r.ID, c.Points)
	if err == nil {
		err = curve.store(ctx, tx)
	}
	if err != nil {
		return fresh, err
	}
	return fresh, audit.Record(ctx, tx, audit.Entry{Kind: "training_run", ID: r.ID, Actor: by, Action: "import", From: old.State, To: r.State, Reason: r.Reason, Data: map[string]any{
		"name": r.Name, "mix": r.MixID, "configuration": r.Configuration, "engine": r.Engine, "host": r.Host, "attempt": r.Attempt, "steps": r.Outcome.V.Steps,
	}})
}

func takeModel(ctx context.Context, tx *db.DB, by string, m Model) (fresh int, err error) {
	old, err := FindModel(ctx, tx, m.Name)
	switch {
	case err == nil && (old.ID != m.ID || old.Hash != m.Hash):
		return 0, errs.Conflictf("another model is called %s: nothing was taken in", m.Name)
	case err == nil:
		return 0, nil
	case !errors.Is(err, errs.NotFound):
		return 0, err
	}
	n, err := tx.InsertNew(ctx, &m)
	if err == nil && n == 0 {
		err = errs.Conflictf("the model %s is here under another name: nothing was taken in", m.Name)
	}
	if err != nil {
		return 0, err
	}
	return 1, audit.Record(ctx, tx, audit.Entry{Kind: "trained_model", ID: m.ID, Actor: by, Action: "import", Data: map[string]any{"name": m.Name, "run": m.RunID, "path": m.Path, "hash": m.Hash}})
}
