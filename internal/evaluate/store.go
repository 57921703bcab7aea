package evaluate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/user"
)

// An Item is what is compared or rated.
type Item struct {
	bun.BaseModel `bun:"table:study_item"`

	ID       string            `json:"id"`
	StudyID  string            `json:"-"`
	Position int               `json:"position"`
	Kind     string            `json:"kind"` // Real or Attention
	QueryID  string            `json:"query_id"`
	Answers  db.JSON[[]string] `json:"answers"` // IDs
	Models   db.JSON[[]string] `json:"models"`  // whose they are
	Foil     int               `json:"foil"`    // attention: which answer belongs to another query; else -1
}

// A Task is an item in front of one person.
type Task struct {
	bun.BaseModel `bun:"table:study_task"`

	ID       string         `json:"id"`
	StudyID  string         `json:"-"`
	ItemID   string         `json:"item_id"`
	PersonID string         `json:"person_id"`
	Position int            `json:"position"` // from 1, in the person's order
	Shown    db.JSON[[]int] `json:"shown"`    // the item's answers in the order they are shown
	RepeatOf string         `json:"repeat_of,omitempty"`
	State    string         `json:"state"` // TaskOpen or TaskDone
	SeenAt   *time.Time     `json:"seen_at,omitempty"`
	DoneAt   *time.Time     `json:"done_at,omitempty"`
}

// The states of a task.
const (
	TaskOpen = "open"
	TaskDone = "done"
)

// Studies returns all studies, the newest first.
func Studies(ctx context.Context, d *db.DB) ([]Study, error) {
	var ss []Study
	err := d.All(ctx, &ss, `SELECT * FROM study ORDER BY created_at DESC, id DESC`)
	return ss, err
}

// Get returns a study by its ID, or NotFound.
func Get(ctx context.Context, d *db.DB, id string) (s Study, err error) {
	defer errs.Wrap(&err, "study %s", id)
	return s, d.One(ctx, &s, `SELECT * FROM study WHERE id = ?`, id)
}

// Find returns a study by its name or ID, or NotFound.
func Find(ctx context.Context, d *db.DB, name string) (s Study, err error) {
	err = d.One(ctx, &s, `SELECT * FROM study WHERE name = ? OR id = ?`, name, name)
	if errors.Is(err, errs.NotFound) {
		return s, errs.NotFoundf("there is no study called %q; coigwriter study list shows them", name)
	}
	return s, err
}

// New adds a draft.
func New(ctx context.Context, d *db.DB, by, name, kind string, p Plan) (s Study, err error) {
	if err := checkAll(name, kind, p); err != nil {
		return s, err
	}
	s = Study{ID: db.NewID(), Name: strings.TrimSpace(name), Kind: kind, State: Draft, Origin: Here, Plan: db.AsJSON(p), CreatedBy: by}
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := rests(ctx, tx, p); err != nil {
			return err
		}
		s.CreatedAt = tx.Now()
		if err := tx.Insert(ctx, &s); err != nil {
			return taken(tx, name, err)
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "study", ID: s.ID, Actor: by, Action: "plan", To: Draft, Data: p})
	})
	return s, err
}

// Change replaces name and plan of a draft.
func Change(ctx context.Context, d *db.DB, by, id, name string, p Plan) (s Study, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		if s, err = locked(ctx, tx, id); err != nil {
			return err
		}
		if s.State != Draft {
			return errs.Conflictf("%s is %s: its plan is frozen; what is done otherwise is a deviation", s.Name, s.State)
		}
		if err := checkAll(name, s.Kind, p); err != nil {
			return err
		}
		if err := rests(ctx, tx, p); err != nil {
			return err
		}
		s.Name, s.Plan.V = strings.TrimSpace(name), p
		if _, err := tx.Exec(ctx, `UPDATE study SET name = ?, plan = ? WHERE id = ?`, s.Name, s.Plan, id); err != nil {
			return taken(tx, name, err)
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "study", ID: id, Actor: by, Action: "change", From: Draft, To: Draft, Data: p})
	})
	return s, err
}

// checkAll names everything that is wrong with a name and a plan at once.
func checkAll(name, kind string, p Plan) error {
	return errs.Fields(append(errs.FieldsOf(checkName(name, p.Models)), errs.FieldsOf(p.check(kind))...)...)
}

func taken(tx *db.DB, name string, err error) error {
	if tx.IsUnique(err) {
		return errs.Fields(errs.Field{Name: "name", Key: "study.name_taken", Msg: "there is a study called " + name + " already"})
	}
	return err
}

// rests looks whether what a plan rests on is there: a frozen set, and people who may evaluate.
func rests(ctx context.Context, d *db.DB, p Plan) error {
	set, err := bench.GetSet(ctx, d, p.SetID)
	if err != nil {
		return err
	}
	if set.State == bench.Draft {
		return errs.Fields(errs.Field{Name: "set_id", Key: "study.set_draft", Msg: set.Title() + " is a draft: freeze it first"})
	}
	for _, id := range p.Evaluators {
		person, err := user.Get(ctx, d, id)
		if err != nil {
			return err
		}
		if !person.May(user.EvaluateDo) {
			return errs.Fields(errs.Field{Name: "evaluators", Key: "study.no_evaluator", Msg: person.Login + " may not evaluate: give them the role first", Args: []any{"login", person.Login}})
		}
	}
	return nil
}

// locked returns a study that nobody else changes until the transaction ends.
func locked(ctx context.Context, tx *db.DB, id string) (Study, error) {
	if err := tx.Lock(ctx, "study "+id); err != nil {
		return Study{}, err
	}
	return Get(ctx, tx, id)
}

// Items returns the items of a study in their order.
func Items(ctx context.Context, d *db.DB, studyID string) ([]Item, error) {
	var items []Item
	err := d.All(ctx, &items, `SELECT * FROM study_item WHERE study_id = ? ORDER BY position`, studyID)
	return items, err
}

// GetItem returns an item by its ID, or NotFound.
func GetItem(ctx context.Context, d *db.DB, id string) (it Item, err error) {
	defer errs.Wrap(&err, "item %s", id)
	return it, d.One(ctx, &it, `SELECT * FROM study_item WHERE id = ?`, id)
}

// Deviations returns what was done otherwise than planned, oldest first.
func Deviations(ctx context.Context, d *db.DB, studyID string) ([]Deviation, error) {
	var ds []Deviation
	err := d.All(ctx, &ds, `SELECT * FROM study_deviation WHERE study_id = ? ORDER BY at, id`, studyID)
	return ds, err
}

func deviate(ctx context.Context, tx *db.DB, s Study, by, what, why string, data map[string]any) error {
	if data == nil {
		data = map[string]any{}
	}
	return tx.Insert(ctx, &Deviation{ID: db.NewID(), StudyID: s.ID, At: tx.Now(), ByID: by, What: what, Why: why, Data: db.AsJSON(data)})
}

// Move brings a study into another state of [Transitions]; [Begin] opens a draft. Closing before all
// tasks are done, and opening anew, are deviations.
func Move(ctx context.Context, d *db.DB, by, id, to, why string) (s Study, err error) {
	why = strings.TrimSpace(why)
	err = d.Transact(ctx, func(tx *db.DB) error {
		if s, err = locked(ctx, tx, id); err != nil {
			return err
		}
		tr, err := Transitions.Find("study", s.State, to, why)
		if err != nil {
			return err
		}
		if s.State == Draft && to == Open {
			return errs.Conflictf("%s is a draft: begin it, so that its tasks are drawn", s.Name)
		}
		from := s.State
		s.State = to
		now := tx.Now()
		switch to {
		case Closed:
			s.ClosedAt = &now
			var open, all int
			if err := tx.One(ctx, &open, `SELECT COUNT(*) FROM study_task WHERE study_id = ? AND state = 'open'`, id); err != nil {
				return err
			}
			if err := tx.One(ctx, &all, `SELECT COUNT(*) FROM study_task WHERE study_id = ?`, id); err != nil {
				return err
			}
			if open > 0 {
				if why == "" {
					return errs.Fields(errs.Field{Name: "reason", Key: "error.reason_needed", Msg: fmt.Sprintf("%d of %d tasks are not done: say why the study ends before", open, all)})
				}
				if err := deviate(ctx, tx, s, by, "close-early", why, map[string]any{"open": open, "tasks": all}); err != nil {
					return err
				}
			}
		case Open:
			s.ClosedAt = nil
			if err := deviate(ctx, tx, s, by, "reopen", why, nil); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `UPDATE study SET state = ?, closed_at = ? WHERE id = ?`, s.State, s.ClosedAt, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "study", ID: id, Actor: by, Action: tr.Action, From: from, To: to, Reason: why})
	})
	return s, err
}

// An Exclusion is a person whose verdicts in a study do not count, by a lead's decision.
type Exclusion struct {
	bun.BaseModel `bun:"table:study_exclusion"`

	StudyID  string    `json:"-"`
	PersonID string    `json:"person_id"`
	Why      string    `json:"why"`
	At       time.Time `json:"at"`
	ByID     string    `json:"by"`
}

// Exclude makes a person's verdicts in a study count no more. The rule of attention items needs nobody
// for this; what a lead excludes beside it is a deviation.
func Exclude(ctx context.Context, d *db.DB, by, studyID, personID, why string) error {
	if why = strings.TrimSpace(why); why == "" {
		return errs.Fields(errs.Field{Name: "reason", Key: "error.reason_needed", Msg: "give a reason"})
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		s, err := raterOf(ctx, tx, studyID, personID)
		if err != nil {
			return err
		}
		x := &Exclusion{StudyID: studyID, PersonID: personID, Why: why, At: tx.Now(), ByID: by}
		if err := tx.Insert(ctx, x); err != nil {
			if tx.IsUnique(err) {
				return errs.Conflictf("they are excluded already")
			}
			return err
		}
		return noted(ctx, tx, s, by, "exclude", why, personID)
	})
}

// Include takes an exclusion back.
func Include(ctx context.Context, d *db.DB, by, studyID, personID, why string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		s, err := raterOf(ctx, tx, studyID, personID)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `DELETE FROM study_exclusion WHERE study_id = ? AND person_id = ?`, studyID, personID)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.Conflictf("they are not excluded")
		}
		return noted(ctx, tx, s, by, "include", why, personID)
	})
}

func raterOf(ctx context.Context, tx *db.DB, studyID, personID string) (Study, error) {
	s, err := locked(ctx, tx, studyID)
	if err != nil {
		return s, err
	}
	var n int
	if err := tx.One(ctx, &n, `SELECT COUNT(*) FROM study_task WHERE study_id = ? AND person_id = ?`, studyID, personID); err != nil {
		return s, err
	}
	if n == 0 {
		return s, errs.NotFoundf("they have no tasks in %s", s.Name)
	}
	return s, nil
}

func noted(ctx context.Context, tx *db.DB, s Study, by, action, why, personID string) error {
	if err := deviate(ctx, tx, s, by, action, why, map[string]any{"person": personID}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Kind: "study", ID: s.ID, Actor: by, Action: action, From: s.State, To: s.State, Reason: why, Data: map[string]any{"person": personID}})
}

// Reassign gives the open tasks of a rater who stopped to another one, in the same order; items that the
// other one has already are left. It returns how many moved. It is a deviation.
func Reassign(ctx context.Context, d *db.DB, by, studyID, from, to, why string) (moved int64, err error) {
	if why = strings.TrimSpace(why); why == "" {
		return 0, errs.Fields(errs.Field{Name: "reason", Key: "error.reason_needed", Msg: "give a reason"})
	}
	err = d.Transact(ctx, func(tx *db.DB) error {
		s, err := raterOf(ctx, tx, studyID, from)
		if err != nil {
			return err
		}
		person, err := user.Get(ctx, tx, to)
		if err != nil {
			return err
		}
		if s.State != Open || from == to || !person.May(user.EvaluateDo) {
			return errs.Conflictf("tasks move only in an open study, and to another person who may evaluate")
		}
		var last int
		if err := tx.One(ctx, &last, `SELECT COALESCE(MAX(position), 0) FROM study_task WHERE study_id = ? AND person_id = ?`, studyID, to); err != nil {
			return err
		}
		// A repeat means something only to who saw the item first: it stays, undone.
		moved, err = tx.Exec(ctx, `UPDATE study_task SET person_id = ?, position = position + ?, seen_at = NULL
			WHERE study_id = ? AND person_id = ? AND state = 'open' AND repeat_of = ''
			AND item_id NOT IN (SELECT t.item_id FROM study_task t WHERE t.study_id = ? AND t.person_id = ?)`, to, last, studyID, from, studyID, to)
		if err != nil {
			return err
		}
		data := map[string]any{"from": from, "to": to, "tasks": moved}
		if err := deviate(ctx, tx, s, by, "reassign", why, data); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "study", ID: s.ID, Actor: by, Action: "reassign", From: s.State, To: s.State, Reason: why, Data: data})
	})
	return moved, err
}

// answersOf returns answers by their IDs, for items; texts included.
func answersOf(ctx context.Context, d *db.DB, ids []string) (map[string]bench.Answer, error) {
	out := map[string]bench.Answer{}
	for part := range slices.Chunk(ids, 500) {
		var as []bench.Answer
		if err := d.All(ctx, &as, `SELECT * FROM answer WHERE id IN (?)`, bun.List(part)); err != nil {
			return nil, err
		}
		for _, a := range as {
			out[a.ID] = a
		}
	}
	return out, nil
}
