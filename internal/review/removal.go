package review

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/triplet"
)

// A Proposal is a removal that waits for, or had, its second person.
type Proposal struct {
	bun.BaseModel `bun:"table:removal"`

	ID         string     `json:"id"`
	TripletID  string     `json:"triplet_id"`
	ReasonCode string     `json:"reason_code"`
	Note       string     `json:"note"`
	ProposedBy string     `json:"proposed_by"`
	ProposedAt time.Time  `json:"proposed_at"`
	FromState  string     `json:"from_state"` // where the triplet returns when it is declined
	DecidedBy  *string    `json:"decided_by,omitempty"`
	DecidedAt  *time.Time `json:"decided_at,omitempty"`
	Decision   string     `json:"decision,omitempty"` // confirmed, declined
}

// ProposeRemoval takes a triplet in review, disputed or accepted out of the flow until a second
// person has decided.
func ProposeRemoval(ctx context.Context, d *db.DB, tripletID, by, reasonCode, note string) error {
	if !slices.Contains(ReasonCodes, reasonCode) {
		return errs.Fields(errs.Field{Name: "reason_code", Msg: "one of " + strings.Join(ReasonCodes, ", "), Key: "review.need_reason"})
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		t, err := triplet.Get(ctx, tx, tripletID)
		if err != nil {
			return err
		}
		return propose(ctx, tx, t, by, reasonCode, note)
	})
}

func propose(ctx context.Context, tx *db.DB, t *triplet.Triplet, by, reasonCode, note string) error {
	p := &Proposal{ID: db.NewID(), TripletID: t.ID, ReasonCode: reasonCode, Note: note, ProposedBy: by, ProposedAt: tx.Now(), FromState: t.State}
	if p.FromState == triplet.InReview {
		p.FromState = triplet.Disputed // its round is over; a lead goes on from there
	}
	if err := triplet.Advance(ctx, tx, t, triplet.Removal, by, reasonCode, map[string]string{"removal": p.ID, "note": note}); err != nil {
		return err
	}
	if err := withdraw(ctx, tx, t.ID, by); err != nil {
		return err
	}
	return tx.Insert(ctx, p)
}

// DecideRemoval is the second person's word: neither who proposed it nor the annotator.
func DecideRemoval(ctx context.Context, d *db.DB, tripletID, by string, confirm bool, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return errs.Fields(errs.Field{Name: "reason", Msg: "give a reason", Key: "error.reason_needed"})
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		t, err := triplet.Get(ctx, tx, tripletID)
		if err != nil {
			return err
		}
		var p Proposal
		if err := tx.One(ctx, &p, `SELECT * FROM removal WHERE triplet_id = ? AND decided_at IS NULL ORDER BY id DESC LIMIT 1`, tripletID); err != nil {
			if t.State != triplet.Removal {
				return errs.Conflictf("the triplet is %s; nobody proposes to remove it", t.State)
			}
			return err
		}
		if p.ProposedBy == by || t.AnnotatorID == by {
			return errs.Forbiddenf("a second person must decide: not who proposed it, and not its annotator")
		}
		to, decision := p.FromState, "declined"
		if confirm {
			to, decision = triplet.Removed, "confirmed"
		}
		if err := triplet.Advance(ctx, tx, t, to, by, reason, map[string]string{"removal": p.ID, "decision": decision, "reason_code": p.ReasonCode}); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE removal SET decided_by = ?, decided_at = ?, decision = ? WHERE id = ?`, by, tx.Now(), decision, p.ID)
		return err
	})
}

// Proposals returns the removals of a triplet, newest first; with tripletID "" all that wait.
func Proposals(ctx context.Context, d *db.DB, tripletID string) ([]Proposal, error) {
	var ps []Proposal
	var err error
	if tripletID == "" {
		err = d.All(ctx, &ps, `SELECT * FROM removal WHERE decided_at IS NULL ORDER BY proposed_at`)
	} else {
		err = d.All(ctx, &ps, `SELECT * FROM removal WHERE triplet_id = ? ORDER BY id DESC`, tripletID)
	}
	return ps, err
}
