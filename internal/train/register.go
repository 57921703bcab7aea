package train

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A Model is a checkpoint that a run made, under the name that answers refer to it by.
type Model struct {
	bun.BaseModel `bun:"table:trained_model"`

	ID        string    `json:"id"`
	Name      string    `json:"name"`
	RunID     string    `json:"run_id"`
	Path      string    `json:"path"`
	Hash      string    `json:"hash"`
	Bytes     int64     `json:"bytes"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	Server    string    `json:"server,omitempty"` // that serves it now, as far as is known
	URL       string    `json:"url,omitempty" bun:"url"`
	Host      string    `json:"host,omitempty"`
	Pid       int       `json:"pid,omitempty"`
	PidBorn   string    `json:"-"`
}

// A Source is a model with what it was trained from.
type Source struct {
	Model
	MixID         string `json:"mix_id"`
	Mix           string `json:"mix"`
	Configuration string `json:"configuration"`
	Engine        string `json:"engine"`
	Run           string `json:"run"`
}

var modelName = regexp.MustCompile(`^[\pL\pN][\pL\pN._+:@/-]{0,99}$`)

// Register makes a model of a finished run: its checkpoint, with the hash of its weights, under a name
// that no other has. progress may be nil.
func Register(ctx context.Context, d *db.DB, by, runID, name string, progress func(done, all int64)) (m Model, err error) {
	name = strings.TrimSpace(name)
	if !modelName.MatchString(name) {
		return m, errs.Fields(errs.Field{Name: "name", Key: "train.bad_name", Msg: "a name is letters, digits and . _ + : @ / -, at most 100, and begins with a letter or digit"})
	}
	r, err := GetRun(ctx, d, runID)
	if err != nil {
		return m, err
	}
	if err := registrable(r); err != nil {
		return m, err
	}
	w, err := HashWeights(ctx, r.Outcome.V.Checkpoint, progress)
	if err != nil {
		return m, err
	}
	m = Model{ID: db.NewID(), Name: name, RunID: r.ID, Path: r.Outcome.V.Checkpoint, Hash: w.ID, Bytes: w.Bytes, CreatedBy: by}
	return m, d.Transact(ctx, func(tx *db.DB) error {
		m.CreatedAt = tx.Now()
		n, err := tx.InsertNew(ctx, &m)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.Fields(errs.Field{Name: "name", Key: "train.name_taken", Args: []any{"name", name}, Msg: "another model is called " + name})
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "trained_model", ID: m.ID, Actor: by, Action: "register", Data: map[string]any{
			"name": name, "run": r.ID, "path": m.Path, "hash": m.Hash, "mix": r.MixID, "configuration": r.Configuration, "engine": r.Engine,
		}})
	})
}

func registrable(r Run) error {
	switch {
	case r.State != Finished:
		return errs.Conflictf("%s is %s: only a finished run makes a model", r.Name, r.State)
	case !r.Here():
		return errs.Conflictf("the weights of %s are on the machine %s: register it there", r.Name, r.Host)
	case r.Outcome.V.Checkpoint == "":
		return errs.Conflictf("%s is finished but left no weights", r.Name)
	}
	return nil
}

const sourceColumns = `SELECT m.*, r.mix_id, x.name AS mix, r.configuration, r.engine, r.name AS run FROM trained_model m JOIN training_run r ON r.id = m.run_id JOIN mix x ON x.id = r.mix_id`

// Models returns all models, the newest first.
func Models(ctx context.Context, d *db.DB) ([]Source, error) {
	var ms []Source
	err := d.All(ctx, &ms, sourceColumns+` ORDER BY m.created_at DESC, m.id DESC`)
	return ms, err
}

// Sources returns where models come from, by name: for pages that show answers.
func Sources(ctx context.Context, d *db.DB) (map[string]Source, error) {
	ms, err := Models(ctx, d)
	out := make(map[string]Source, len(ms))
	for _, m := range ms {
		out[m.Name] = m
	}
	return out, err
}

// FindModel returns a model by its name or ID.
func FindModel(ctx context.Context, d *db.DB, name string) (m Source, err error) {
	err = d.One(ctx, &m, sourceColumns+` WHERE m.name = ? OR m.id = ?`, name, name)
	if errors.Is(err, errs.NotFound) {
		err = errs.NotFoundf("no model is registered as %q; coigwriter train models lists them", name)
	}
	return m, err
}
