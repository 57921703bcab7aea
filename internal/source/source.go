// Package source holds collected texts: how they are read from files, what is known of their
// dates, which are copies, and in which state each one is.
//
// A text is read by one of [Readers], its date is weighed by a [DateGate], its rules are checked
// by a function the caller hands in (screen.Check), and it is stored in one transaction with
// its evidence, its findings and its first line of history. Nothing is ever deleted.
package source

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// The states of a source.
const (
	Held    = "held"    // a person must decide: its date, or a rule's question
	Waiting = "waiting" // the deterministic checks passed; awaits screening
	Pool    = "pool"    // screened; an annotator may claim it
	Claimed = "claimed" // somebody writes a triplet from it
	Refused = "refused" // not for annotation: too old, a copy, a rule, a judge, a person
	Removed = "removed" // taken down: rights, or the author asked
)

// A Source is one collected text.
type Source struct {
	bun.BaseModel `bun:"table:source"`

	ID          string
	ContentHash string // text.ContentHash of Text
	URL         string `bun:"url"`
	Platform    string
	Title       string
	Author      string
	Text        string
	Chars       int    // code points of Text
	Language    string // zh, en, ja …
	Genre       string // id in the taxonomy, "" until someone says
	PublishedAt *time.Time
	DateVerdict string // passed, refused, ask
	Likes       int64
	Shares      int64
	Comments    int64
	Licence     string
	Extra       db.JSON[map[string]any]
	File        string
	Line        int
	ImportID    string
	DuplicateOf string
	State       string
	Reason      string // why it is in its state: a message key such as date.before or rule.mojibake, or a person's words
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Transitions are all the moves there are; any other is an error. Upstream states never depend
// on downstream ones: a triplet that is given up sends its source back to the pool.
var Transitions = audit.Transitions{
	{To: Held, Action: "import", Who: "source.import", Reason: true},
	{To: Waiting, Action: "import", Who: "source.import"},
	{To: Refused, Action: "import", Who: "source.import", Reason: true},

	{From: Held, To: Waiting, Action: "pass", Who: "source.decide"},
	{From: Held, To: Refused, Action: "refuse", Who: "source.decide", Reason: true},
	{From: Waiting, To: Held, Action: "hold", Who: "system", Reason: true}, // a judge could not tell, or its reply could not be used
	{From: Waiting, To: Pool, Action: "screen", Who: "system"},
	{From: Waiting, To: Refused, Action: "refuse", Who: "source.decide", Reason: true},
	{From: Pool, To: Refused, Action: "refuse", Who: "source.decide", Reason: true},
	{From: Refused, To: Waiting, Action: "reopen", Who: "source.decide", Reason: true},
	{From: Held, To: Pool, Action: "screen", Who: "source.decide", Reason: true}, // a person's own verdict takes the place of the judge's

	{From: Pool, To: Claimed, Action: "claim", Who: "triplet.write"},
	{From: Claimed, To: Pool, Action: "release", Who: "triplet.write"},
	{From: Claimed, To: Refused, Action: "refuse", Who: "triplet.write", Reason: true}, // the annotator found it unusable

	{From: Held, To: Removed, Action: "remove", Who: "source.remove", Reason: true},
	{From: Waiting, To: Removed, Action: "remove", Who: "source.remove", Reason: true},
	{From: Pool, To: Removed, Action: "remove", Who: "source.remove", Reason: true},
	{From: Claimed, To: Removed, Action: "remove", Who: "source.remove", Reason: true},
	{From: Refused, To: Removed, Action: "remove", Who: "source.remove", Reason: true},
}

// Advance moves a source along one arrow of [Transitions] and writes its history, in the
// caller's transaction. A move the table does not have, or a source that somebody moved in the
// meantime, is a Conflict. data goes into the history as JSON: what the move rested on.
func Advance(ctx context.Context, tx *db.DB, id, to, by, reason string, data any) (err error) {
	defer errs.Wrap(&err, "source %s", id)
	var from string
	if err := tx.One(ctx, &from, `SELECT state FROM source WHERE id = ?`, id); err != nil {
		return err
	}
	return advanceFrom(ctx, tx, id, from, to, by, reason, data)
}

func advanceFrom(ctx context.Context, tx *db.DB, id, from, to, by, reason string, data any) error {
	t, err := Transitions.Find("source", from, to, reason)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE source SET state = ?, reason = ?, updated_at = ? WHERE id = ? AND state = ?`,
		to, reason, tx.Now(), id, from)
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.Conflictf("somebody moved it from %s in the meantime; look again", from)
	}
	return audit.Record(ctx, tx, audit.Entry{
		Kind: "source", ID: id, Actor: by, Action: t.Action, From: from, To: to, Reason: reason, Data: data,
	})
}
