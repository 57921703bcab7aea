package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
)

// Sets returns all sets, the newest first.
func Sets(ctx context.Context, d *db.DB) ([]Set, error) {
	var sets []Set
	err := d.All(ctx, &sets, `SELECT * FROM query_set ORDER BY created_at DESC, id DESC`)
	return sets, err
}

// GetSet returns a set by its ID, or NotFound.
func GetSet(ctx context.Context, d *db.DB, id string) (s Set, err error) {
	defer errs.Wrap(&err, "query set %s", id)
	return s, d.One(ctx, &s, `SELECT * FROM query_set WHERE id = ?`, id)
}

// FindSet returns a set by "name" (its newest version that is not retired), "name v2", or ID.
func FindSet(ctx context.Context, d *db.DB, name string) (s Set, err error) {
	base, version, _ := strings.Cut(name, " v")
	err = d.One(ctx, &s, `SELECT * FROM query_set WHERE id = ? OR (name = ? AND state <> 'retired') OR (name = ? AND CAST(version AS TEXT) = ?)
		ORDER BY version DESC LIMIT 1`, name, name, base, version)
	if errors.Is(err, errs.NotFound) {
		return s, errs.NotFoundf("there is no set of queries called %q; coigwriter benchmark lists them", name)
	}
	return s, err
}

// NewSet adds an empty draft: version 1 of a new name, or the next one of a name that is there.
func NewSet(ctx context.Context, d *db.DB, by, name, note string) (s Set, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		s, err = newSet(ctx, tx, by, name, note)
		return err
	})
	return s, err
}

func newSet(ctx context.Context, tx *db.DB, by, name, note string) (s Set, err error) {
	name = strings.TrimSpace(name)
	if name == "" || len([]rune(name)) > 80 || strings.Contains(name, " v") {
		return s, errs.Fields(errs.Field{Name: "name", Key: "benchmark.bad_name", Msg: "give a name of at most 80 characters, without \" v\": versions are counted for you"})
	}
	if err := tx.Lock(ctx, "query sets"); err != nil {
		return s, err
	}
	s = Set{ID: db.NewID(), Name: name, State: Draft, Note: note, CreatedAt: tx.Now(), CreatedBy: by}
	if err := tx.One(ctx, &s.Version, `SELECT COALESCE(MAX(version), 0) + 1 FROM query_set WHERE name = ?`, name); err != nil {
		return s, err
	}
	if err := tx.Insert(ctx, &s); err != nil {
		return s, err
	}
	return s, audit.Record(ctx, tx, audit.Entry{Kind: "query_set", ID: s.ID, Actor: by, Action: "add", To: Draft, Data: map[string]any{"name": name, "version": s.Version}})
}

// CopySet makes a new draft with the queries of a set that are not withdrawn.
func CopySet(ctx context.Context, d *db.DB, by, id string) (s Set, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		old, err := GetSet(ctx, tx, id)
		if err != nil {
			return err
		}
		qs, err := Queries(ctx, tx, id)
		if err != nil {
			return err
		}
		if s, err = newSet(ctx, tx, by, old.Name, "after "+old.Title()); err != nil {
			return err
		}
		qs = Standing(qs)
		if len(qs) == 0 {
			return nil
		}
		entries := make([]audit.Entry, len(qs))
		for i := range qs {
			q := &qs[i]
			from := q.ID
			q.ID, q.SetID, q.UpdatedAt = db.NewID(), s.ID, tx.Now()
			entries[i] = audit.Entry{Kind: "query", ID: q.ID, Actor: by, Action: "copy", Data: map[string]any{"from": from, "query": q.Record()}}
		}
		if err := tx.Insert(ctx, &qs); err != nil {
			return err
		}
		return audit.RecordNew(ctx, tx, entries)
	})
	return s, err
}

// Queries returns the queries of a set in their order, withdrawn ones included.
func Queries(ctx context.Context, d *db.DB, setID string) ([]Query, error) {
	var qs []Query
	err := d.All(ctx, &qs, `SELECT * FROM query WHERE set_id = ? ORDER BY position, id`, setID)
	return qs, err
}

// Standing are the queries that are not withdrawn.
func Standing(qs []Query) []Query {
	var out []Query
	for _, q := range qs {
		if q.WithdrawnAt == nil {
			out = append(out, q)
		}
	}
	return out
}

// GetQuery returns a query by its ID, or NotFound.
func GetQuery(ctx context.Context, d *db.DB, id string) (q Query, err error) {
	defer errs.Wrap(&err, "query %s", id)
	return q, d.One(ctx, &q, `SELECT * FROM query WHERE id = ?`, id)
}

// draft returns a set whose queries may still change, and keeps it from being frozen meanwhile.
func draft(ctx context.Context, tx *db.DB, setID string) (Set, error) {
	if err := tx.Lock(ctx, "query set "+setID); err != nil {
		return Set{}, err
	}
	s, err := GetSet(ctx, tx, setID)
	if err == nil && s.State != Draft {
		err = errs.Conflictf("%s is %s: its queries do not change any more; make a new version of it", s.Title(), s.State)
	}
	return s, err
}

// SaveQuery adds a query to a draft (ID "") or changes it there.
func SaveQuery(ctx context.Context, d *db.DB, tax *genre.Taxonomy, by string, q *Query) error {
	if err := q.settle(tax); err != nil {
		return err
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		if _, err := draft(ctx, tx, q.SetID); err != nil {
			return err
		}
		q.UpdatedAt = tx.Now()
		action := "change"
		if q.ID == "" {
			action = "add"
			if err := place(ctx, tx, q); err != nil {
				return err
			}
			if err := tx.Insert(ctx, q); err != nil {
				return taken(tx, q, err)
			}
		} else {
			n, err := tx.Exec(ctx, `UPDATE query SET code = ?, genre = ?, language = ?, prompt = ?, length_min = ?, length_max = ?, length_unit = ?, style = ?, theme = ?, context = ?, difficulty = ?, updated_at = ?
				WHERE id = ? AND set_id = ?`, q.Code, q.Genre, q.Language, q.Prompt, q.LengthMin, q.LengthMax, q.LengthUnit, q.Style, q.Theme, q.Context, q.Difficulty, q.UpdatedAt, q.ID, q.SetID)
			if err != nil {
				return taken(tx, q, err)
			}
			if n == 0 {
				return errs.NotFoundf("there is no query %q in this set", q.ID)
			}
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "query", ID: q.ID, Actor: by, Action: action, Data: q.Record()})
	})
}

// place gives a new query its ID and its place at the end.
func place(ctx context.Context, tx *db.DB, q *Query) error {
	q.ID = db.NewID()
	return tx.One(ctx, &q.Position, `SELECT COALESCE(MAX(position), 0) + 1 FROM query WHERE set_id = ?`, q.SetID)
}

func taken(tx *db.DB, q *Query, err error) error {
	if tx.IsUnique(err) {
		return errs.Fields(errs.Field{Name: "id", Key: "benchmark.code_taken", Msg: fmt.Sprintf("%q is another query's in this set", q.Code)})
	}
	return err
}

// Withdraw takes a query out of the benchmark, with a reason: it stays, its answers and votes stay, and
// nothing counts them any more.
func Withdraw(ctx context.Context, d *db.DB, by, id, why string) error {
	if strings.TrimSpace(why) == "" {
		return errs.Fields(errs.Field{Name: "reason", Key: "error.reason_needed", Msg: "give a reason"})
	}
	return setWithdrawn(ctx, d, by, id, why, "withdraw")
}

// Reinstate takes a withdrawal back. A query that was withdrawn before its set was frozen is no part of
// what was frozen, and stays out.
func Reinstate(ctx context.Context, d *db.DB, by, id string) error {
	return setWithdrawn(ctx, d, by, id, "", "reinstate")
}

func setWithdrawn(ctx context.Context, d *db.DB, by, id, why, action string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		q, err := GetQuery(ctx, tx, id)
		if err != nil {
			return err
		}
		var at *time.Time
		if why != "" {
			now := tx.Now()
			at = &now
		}
		if (q.WithdrawnAt == nil) == (at == nil) {
			return errs.Conflictf("query %s: it has been done already", q.Code)
		}
		if err := tx.Lock(ctx, "query set "+q.SetID); err != nil { // it counts in the set's hash
			return err
		}
		s, err := GetSet(ctx, tx, q.SetID)
		if err != nil {
			return err
		}
		if at == nil && s.FrozenAt != nil && !q.WithdrawnAt.After(*s.FrozenAt) {
			return errs.Conflictf("query %s was taken out before %s was frozen: a new version can have it", q.Code, s.Title())
		}
		if _, err := tx.Exec(ctx, `UPDATE query SET withdrawn_at = ?, withdrawn_why = ? WHERE id = ?`, at, why, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "query", ID: id, Actor: by, Action: action, Reason: why})
	})
}

// Move brings a set into another state of [Transitions]. Freezing an empty set is an error.
func Move(ctx context.Context, d *db.DB, by, id, to string) (s Set, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		s, err = move(ctx, tx, by, id, to)
		return err
	})
	return s, err
}

func move(ctx context.Context, tx *db.DB, by, id, to string) (s Set, err error) {
	if err := tx.Lock(ctx, "query set "+id); err != nil {
		return s, err
	}
	if s, err = GetSet(ctx, tx, id); err != nil {
		return s, err
	}
	tr, err := Transitions.Find("set of queries", s.State, to, "")
	if err != nil {
		return s, err
	}
	from := s.State
	s.State = to
	if to == Frozen && s.FrozenAt == nil { // a draft, or one that was retired as a draft
		qs, err := Queries(ctx, tx, id)
		if err != nil {
			return s, err
		}
		if len(Standing(qs)) == 0 {
			return s, errs.Invalidf("%s has no queries yet", s.Title())
		}
		now := tx.Now()
		s.Hash, s.FrozenAt = Hash(Standing(qs)), &now
	}
	if _, err := tx.Exec(ctx, `UPDATE query_set SET state = ?, hash = ?, frozen_at = ? WHERE id = ?`, s.State, s.Hash, s.FrozenAt, id); err != nil {
		return s, err
	}
	return s, audit.Record(ctx, tx, audit.Entry{Kind: "query_set", ID: id, Actor: by, Action: tr.Action, From: from, To: to, Data: map[string]any{"hash": s.Hash}})
}

// Intact recomputes the hash of a frozen set and says whether it is what was frozen; of a draft there is
// nothing to say, and it is. Queries withdrawn since then count.
func Intact(s Set, qs []Query) bool {
	if s.FrozenAt == nil {
		return true
	}
	var frozen []Query
	for _, q := range qs {
		if q.WithdrawnAt == nil || q.WithdrawnAt.After(*s.FrozenAt) {
			frozen = append(frozen, q)
		}
	}
	return Hash(frozen) == s.Hash
}

// answerable refuses a set that models are not to answer.
func (s Set) answerable() error {
	switch s.State {
	case Draft:
		return errs.Conflictf("%s is a draft: freeze it first, so that what was answered cannot change", s.Title())
	case Retired:
		return errs.Conflictf("%s is retired: restore it first", s.Title())
	}
	return nil
}
