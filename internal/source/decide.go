package source

import (
	"context"
	"errors"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// Decisions of a person on a source that was held for one.
const (
	DecidePass   = "pass"
	DecideRefuse = "refuse"
)

// Decide records a person's decision on a held source: pass sends it to screening, refuse ends
// it with a reason. A pass settles the date too, because the date was what was asked, or was
// known when the rule's question was answered.
func Decide(ctx context.Context, d *db.DB, id, by, decision, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		switch decision {
		case DecidePass:
			if err := advanceFrom(ctx, tx, id, Held, Waiting, by, reason, map[string]string{"decision": decision}); err != nil {
				return errors.Join(missing(ctx, tx, id), err)
			}
			_, err := tx.Exec(ctx, `UPDATE source SET date_verdict = ? WHERE id = ?`, DatePassed, id)
			return err
		case DecideRefuse:
			err := advanceFrom(ctx, tx, id, Held, Refused, by, reason, map[string]string{"decision": decision})
			if err != nil {
				return errors.Join(missing(ctx, tx, id), err)
			}
			return nil
		}
		return errs.Invalidf("decision %q: say pass or refuse", decision)
	})
}

// missing tells a source that does not exist from one that somebody moved.
func missing(ctx context.Context, tx *db.DB, id string) error {
	var n int
	if err := tx.One(ctx, &n, `SELECT COUNT(*) FROM source WHERE id = ?`, id); err != nil || n > 0 {
		return err
	}
	return errs.NotFoundf("no source %s", id)
}

// Reopen takes a refused source back to screening, with a reason.
func Reopen(ctx context.Context, d *db.DB, id, by, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		var from stored
		if err := tx.One(ctx, &from, `SELECT id, duplicate_of FROM source WHERE id = ?`, id); err != nil {
			return err
		}
		if from.DuplicateOf != "" {
			return errs.Conflictf("it has the same text as %s; open that one", from.DuplicateOf)
		}
		return Advance(ctx, tx, id, Waiting, by, reason, nil)
	})
}

// Remove takes a source down, whatever its state, with a reason. The text stays in the database
// for the record; lists, the pool and releases leave it out.
func Remove(ctx context.Context, d *db.DB, id, by, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error { return Advance(ctx, tx, id, Removed, by, reason, nil) })
}

// Refuse ends a source that is held, waits or is in the pool, with a reason. One that somebody
// writes from is a Conflict: its annotator gives it up, or it is removed.
func Refuse(ctx context.Context, d *db.DB, id, by, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		var from Source
		if err := tx.One(ctx, &from, `SELECT id, state FROM source WHERE id = ?`, id); err != nil {
			return errors.Join(missing(ctx, tx, id), err)
		}
		if from.State == Claimed {
			return errs.Conflictf("somebody writes from it: its annotator may give it up, or it is removed")
		}
		return advanceFrom(ctx, tx, id, from.State, Refused, by, reason, map[string]string{"decision": DecideRefuse})
	})
}

// SetGenre gives a source a genre of the taxonomy, "" for none; the caller has checked the id.
func SetGenre(ctx context.Context, d *db.DB, id, genre, by string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		var before Source
		if err := tx.One(ctx, &before, `SELECT id, genre, state FROM source WHERE id = ?`, id); err != nil {
			return err
		}
		if before.Genre == genre {
			return nil
		}
		if before.State == Claimed || before.State == Removed {
			return errs.Conflictf("the genre of a %s source cannot change", before.State)
		}
		if _, err := tx.Exec(ctx, `UPDATE source SET genre = ?, updated_at = ? WHERE id = ?`, genre, tx.Now(), id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Kind: "source", ID: id, Actor: by, Action: "genre", From: before.State, To: before.State,
			Data: map[string]string{"from": before.Genre, "to": genre},
		})
	})
}
