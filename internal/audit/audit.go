// Package audit is the history that every change writes: who or what moved which item from
// where to where, when, why, and on which inputs.
//
// Each item has a chain of its own: an entry's hash covers its content and the hash of the
// entry before it, so changing or dropping an entry breaks the item's chain, and writers of
// different items never wait for each other. A periodic [Root] binds the heads of all chains,
// so that cutting the newest entries off a chain, or dropping a whole item, shows too.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// An Entry is one change, as the code that makes it reports it.
type Entry struct {
	Kind   string // what kind of item: source, triplet, release, person …
	ID     string // the item
	Actor  string // a person's ID, or "system", "rule:<name>", "model:<name>"
	Action string // the verb: import, advance, submit …
	From   string // state before, or empty
	To     string // state after, or empty
	Reason string // in words or as a message key
	Data   any    // what it rested on (hashes, scores, call IDs); stored as JSON
}

// An Event is an entry as it stands in the history.
type Event struct {
	bun.BaseModel `bun:"table:history"`

	ID       string
	ItemKind string
	ItemID   string
	Seq      int64 // 1, 2, 3 … within the item
	At       time.Time
	Actor    string
	Action   string
	From     string `bun:"from_state"`
	To       string `bun:"to_state"`
	Reason   string
	Data     string // JSON, or empty
	PrevHash string
	Hash     string
}

// Record appends one entry to its item's chain. It must run in the transaction of the change
// it reports, so that there is never one without the other.
func Record(ctx context.Context, tx *db.DB, e Entry) (err error) {
	defer errs.Wrap(&err, "history of %s %s", e.Kind, e.ID)
	if !tx.InTx() {
		return errors.New("audit: Record outside the transaction of its change")
	}
	if err := tx.Lock(ctx, "history "+e.Kind+" "+e.ID); err != nil {
		return err
	}
	var head Event
	err = tx.One(ctx, &head, `SELECT seq, hash FROM history WHERE item_kind = ? AND item_id = ? ORDER BY seq DESC LIMIT 1`, e.Kind, e.ID)
	if err != nil && !errors.Is(err, errs.NotFound) {
		return err
	}
	ev, err := next(e, head.Seq, head.Hash, tx.Now())
	if err != nil {
		return err
	}
	return tx.Insert(ctx, &ev)
}

// RecordNew starts the chains of items that were made in this very transaction, in one
// statement; bulk import uses it. An item that has a history already is a unique violation.
func RecordNew(ctx context.Context, tx *db.DB, entries []Entry) error {
	if !tx.InTx() {
		return errors.New("audit: RecordNew outside the transaction of its change")
	}
	if len(entries) == 0 {
		return nil
	}
	events := make([]Event, len(entries))
	for i, e := range entries {
		var err error
		if events[i], err = next(e, 0, "", tx.Now()); err != nil {
			return fmt.Errorf("history of %s %s: %w", e.Kind, e.ID, err)
		}
	}
	return tx.Insert(ctx, &events)
}

func next(e Entry, seq int64, prev string, at time.Time) (Event, error) {
	if e.Kind == "" || e.ID == "" || e.Actor == "" || e.Action == "" {
		return Event{}, fmt.Errorf("audit: entry without kind, id, actor or action: %+v", e)
	}
	ev := Event{
		ID: db.NewID(), ItemKind: e.Kind, ItemID: e.ID, Seq: seq + 1, At: at, Actor: e.Actor, Action: e.Action,
		From: e.From, To: e.To, Reason: e.Reason, PrevHash: prev,
	}
	if e.Data != nil {
		b, err := json.Marshal(e.Data)
		if err != nil {
			return Event{}, err
		}
		ev.Data = string(b)
	}
	ev.Hash = ev.sum()
	return ev, nil
}

// sum is the SHA-256 over the entry and the hash before it, as a JSON list: unambiguous, and
// any language can recompute it.
func (ev Event) sum() string {
	b, err := json.Marshal([]any{
		ev.PrevHash, ev.ID, ev.ItemKind, ev.ItemID, ev.Seq, ev.At.UTC().Format(time.RFC3339Nano),
		ev.Actor, ev.Action, ev.From, ev.To, ev.Reason, ev.Data,
	})
	if err != nil {
		panic(err) // unreachable: strings and numbers always marshal
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// History returns an item's entries, oldest first. An item without history gives none.
func History(ctx context.Context, d *db.DB, kind, id string) ([]Event, error) {
	var evs []Event
	err := d.All(ctx, &evs, `SELECT * FROM history WHERE item_kind = ? AND item_id = ? ORDER BY seq`, kind, id)
	return evs, err
}

// Recent returns the newest entries of all items, newest first, at most limit (1 to 500); kinds of items
// that come in thousands can be left out.
func Recent(ctx context.Context, d *db.DB, limit int, except ...string) ([]Event, error) {
	var evs []Event
	err := d.All(ctx, &evs, `SELECT * FROM history WHERE item_kind NOT IN (?) ORDER BY at DESC, id DESC LIMIT ?`, bun.List(append(except, "")), min(max(limit, 1), 500))
	return evs, err
}
