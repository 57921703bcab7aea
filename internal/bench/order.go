package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
)

// A Sampling is how answers are drawn: every parameter that is sent, and how many answers.
type Sampling struct {
	Temperature float64 `json:"temperature"`
	TopP        float64 `json:"top_p"`
	MaxTokens   int     `json:"max_tokens"`
	Seed        int64   `json:"seed"` // of the first answer; the next ones count up
	Samples     int     `json:"samples"`
	System      string  `json:"system,omitempty"`
}

// DefaultSampling leaves room for a long story and for some chance; the paper names no parameters.
var DefaultSampling = Sampling{Temperature: 0.7, TopP: 1, MaxTokens: 8192, Seed: 20221001, Samples: 1}

// Check says what cannot be asked for.
func (s Sampling) Check() error {
	var bad []errs.Field
	add := func(ok bool, field, key, msg string) {
		if !ok {
			bad = append(bad, errs.Field{Name: field, Key: key, Msg: msg})
		}
	}
	add(s.Temperature >= 0 && s.Temperature <= 2, "temperature", "benchmark.bad_temperature", "from 0 to 2")
	add(s.TopP > 0 && s.TopP <= 1, "top_p", "benchmark.bad_top_p", "above 0, at most 1")
	add(s.MaxTokens >= 1 && s.MaxTokens <= 1_000_000, "max_tokens", "benchmark.bad_max_tokens", "from 1 to 1000000")
	add(s.Seed > 0, "seed", "benchmark.bad_seed", "a whole number above 0")
	add(s.Samples >= 1 && s.Samples <= maxSamples, "samples", "benchmark.bad_samples", fmt.Sprintf("from 1 to %d", maxSamples))
	add(len([]rune(s.System)) <= maxPrompt, "system", "annotate.too_long", fmt.Sprintf("is longer than %d characters", maxPrompt))
	return errs.Fields(bad...)
}

// Endpoint is e asked for another model, or the same where model is "", and sampled so.
func (s Sampling) Endpoint(e llm.Endpoint, model string) llm.Endpoint {
	if model != "" && model != e.Model {
		e.Model, e.Digest = model, "" // the digest is of the other's weights
	}
	e.Temperature, e.TopP, e.MaxTokens, e.Seed = s.Temperature, s.TopP, s.MaxTokens, s.Seed
	return e
}

// The states of an order.
const (
	Wanted  = "wanted"
	Running = "running"
	Done    = "done"
	Stopped = "stopped" // by a person
	Failed  = "failed"  // the reason says what a person must do
)

// OrderMoves are all the moves of work that a person asks a model for and that workers do; who may ask for
// it is named.
func OrderMoves(who string) audit.Transitions {
	return audit.Transitions{
		{From: "", To: Wanted, Action: "ask", Who: who},
		{From: Wanted, To: Running, Action: "start", Who: "system"},
		{From: Wanted, To: Stopped, Action: "stop", Who: who},
		{From: Running, To: Stopped, Action: "stop", Who: who},
		{From: Running, To: Done, Action: "finish", Who: "system"},
		{From: Running, To: Failed, Action: "give-up", Who: "system"},
		{From: Stopped, To: Wanted, Action: "go-on", Who: who},
		{From: Failed, To: Wanted, Action: "go-on", Who: who},
	}
}

// OrderTransitions are all the moves of an order.
var OrderTransitions = OrderMoves("benchmark.manage")

// An Order is a run of generation that somebody asked for and that workers do. It goes on after a
// restart, and how far it is stands in the answers.
type Order struct {
	bun.BaseModel `bun:"table:answer_order"`

	ID        string            `json:"id"`
	SetID     string            `json:"set_id"`
	Model     string            `json:"model"`
	Name      string            `json:"name"` // that the answers go under
	Sampling  db.JSON[Sampling] `json:"sampling"`
	Languages db.JSON[[]string] `json:"languages"`
	Genres    db.JSON[[]string] `json:"genres"`
	Again     bool              `json:"again"`
	State     string            `json:"state"`
	Reason    string            `json:"reason,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
	CreatedBy string            `json:"created_by"`
	UpdatedAt time.Time         `json:"updated_at"`
}

// Open reports whether workers are at it, or will be.
func (o Order) Open() bool { return o.State == Wanted || o.State == Running }

// Run is what is asked for.
func (o Order) Run() Run {
	s := o.Sampling.V
	return Run{SetID: o.SetID, Model: o.Name, Samples: s.Samples, System: s.System, Languages: o.Languages.V, Genres: o.Genres.V, Again: o.Again, By: o.CreatedBy}
}

// AskFor stores an order. There is at most one open order of a name and set.
func AskFor(ctx context.Context, d *db.DB, by string, o *Order) error {
	o.Model, o.Name = strings.TrimSpace(o.Model), strings.TrimSpace(o.Name)
	if o.Name == "" {
		o.Name = o.Model
	}
	var bad []errs.Field
	if o.Model == "" || len(o.Model) > maxModel {
		bad = append(bad, errs.Field{Name: "model", Key: "benchmark.bad_model", Msg: fmt.Sprintf("name the model as the server knows it, at most %d bytes", maxModel)})
	}
	if len(o.Name) > maxModel {
		bad = append(bad, errs.Field{Name: "name", Key: "benchmark.bad_model", Msg: fmt.Sprintf("at most %d bytes", maxModel)})
	}
	if err := errs.Fields(append(bad, errs.FieldsOf(o.Sampling.V.Check())...)...); err != nil {
		return err
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		s, err := GetSet(ctx, tx, o.SetID)
		if err != nil {
			return err
		}
		if err := s.answerable(); err != nil {
			return err
		}
		if err := tx.Lock(ctx, "orders of "+o.SetID); err != nil {
			return err
		}
		old, err := Orders(ctx, tx, o.SetID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(old, func(x Order) bool { return x.Name == o.Name && x.Open() }) {
			return errs.Conflictf("%s is being asked for %s already", o.Name, s.Title())
		}
		o.ID, o.State, o.CreatedAt, o.CreatedBy, o.UpdatedAt = db.NewID(), Wanted, tx.Now(), by, tx.Now()
		if o.Languages.V == nil {
			o.Languages.V = []string{}
		}
		if o.Genres.V == nil {
			o.Genres.V = []string{}
		}
		if err := tx.Insert(ctx, o); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "answer_order", ID: o.ID, Actor: by, Action: "ask", To: Wanted, Data: map[string]any{"set": o.SetID, "model": o.Model, "name": o.Name, "sampling": o.Sampling.V}})
	})
}

// Orders returns the orders of a set, the newest first; of all sets where setID is "".
func Orders(ctx context.Context, d *db.DB, setID string) ([]Order, error) {
	var out []Order
	err := d.All(ctx, &out, `SELECT * FROM answer_order WHERE (? = '' OR set_id = ?) ORDER BY created_at DESC, id DESC`, setID, setID)
	return out, err
}

// GetOrder returns an order by its ID, or NotFound.
func GetOrder(ctx context.Context, d *db.DB, id string) (o Order, err error) {
	defer errs.Wrap(&err, "order %s", id)
	return o, d.One(ctx, &o, `SELECT * FROM answer_order WHERE id = ?`, id)
}

// MoveOrder brings an order into another state of [OrderTransitions].
func MoveOrder(ctx context.Context, d *db.DB, by, id, to, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "order "+id); err != nil {
			return err
		}
		o, err := GetOrder(ctx, tx, id)
		if err != nil {
			return err
		}
		tr, err := OrderTransitions.Find("request for answers", o.State, to, reason)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE answer_order SET state = ?, reason = ?, updated_at = ? WHERE id = ?`, to, reason, tx.Now(), id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "answer_order", ID: id, Actor: by, Action: tr.Action, From: o.State, To: to, Reason: reason})
	})
}

// A Progress is how far an order is, as its answers tell.
type Progress struct {
	Wanted   int
	Answered int
	Failed   int
	Recent   int // answers of the last five minutes
}

// Left is how long the rest takes at the pace of the last five minutes; 0 where nothing came.
func (p Progress) Left() time.Duration {
	if p.Recent == 0 {
		return 0
	}
	return 5 * time.Minute * time.Duration(max(p.Wanted-p.Answered-p.Failed, 0)) / time.Duration(p.Recent)
}

// ProgressOf counts what an order has brought.
func ProgressOf(ctx context.Context, d *db.DB, o Order) (p Progress, err error) {
	args := []any{o.SetID}
	where := `q.set_id = ? AND q.withdrawn_at IS NULL`
	if langs := o.Languages.V; len(langs) > 0 {
		where, args = where+` AND q.language IN (?)`, append(args, bun.List(langs))
	}
	if genres := o.Genres.V; len(genres) > 0 {
		where, args = where+` AND q.genre IN (?)`, append(args, bun.List(genres))
	}
	if err := d.One(ctx, &p.Wanted, `SELECT COUNT(*) FROM query q WHERE `+where, args...); err != nil {
		return p, err
	}
	p.Wanted *= max(o.Sampling.V.Samples, 1)
	args = append([]any{d.Now().Add(-5 * time.Minute)}, args...)
	args = append(args, o.Name, max(o.Sampling.V.Samples, 1))
	var n struct{ Answered, Failed, Recent int }
	err = d.One(ctx, &n, `SELECT COUNT(CASE WHEN a.failure = '' THEN 1 END) AS answered, COUNT(CASE WHEN a.failure <> '' THEN 1 END) AS failed, COUNT(CASE WHEN a.created_at > ? THEN 1 END) AS recent
		FROM answer a JOIN query q ON q.id = a.query_id WHERE `+where+` AND a.model = ? AND a.sample < ?`, args...)
	p.Answered, p.Failed, p.Recent = n.Answered, n.Failed, n.Recent
	return p, err
}

// waitsFor notes what an order waits for, "" for nothing.
func waitsFor(ctx context.Context, d *db.DB, id, reason string) error {
	_, err := d.Exec(ctx, `UPDATE answer_order SET reason = ?, updated_at = ? WHERE id = ? AND state = ?`, reason, d.Now(), id, Running)
	return err
}

// isStopped reports whether somebody has stopped the order; what cannot be read is not.
func isStopped(ctx context.Context, d *db.DB, id string) bool {
	o, err := GetOrder(ctx, d, id)
	return err == nil && o.State != Running || errors.Is(err, errs.NotFound)
}
