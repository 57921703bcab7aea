package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/project"
	"coigwriter/internal/triplet"
)

// Get returns a reviewer's own assignment; somebody else's is not found, so that nobody sees a
// verdict before their own is in.
func Get(ctx context.Context, d *db.DB, id, reviewer string) (*Review, error) {
	r := &Review{}
	err := d.One(ctx, r, `SELECT * FROM review WHERE id = ? AND reviewer_id = ?`, id, reviewer)
	if errors.Is(err, errs.NotFound) {
		return nil, errs.NotFoundf("there is no review %q of yours", id)
	}
	return r, err
}

// A Task is a line of a reviewer's queue.
type Task struct {
	ID             string     `json:"id"`
	TripletID      string     `json:"triplet_id"`
	State          string     `json:"state"`
	Verdict        string     `json:"verdict,omitempty"`
	Title          string     `json:"title"`
	Genre          string     `json:"genre"`
	Tier           string     `json:"tier"`
	Round          int        `json:"round"`
	ArticleChars   int        `json:"article_chars"` // code points
	PromptChars    int        `json:"prompt_chars"`
	ReasoningChars int        `json:"reasoning_chars"`
	AssignedAt     time.Time  `json:"assigned_at"`
	DoneAt         *time.Time `json:"done_at,omitempty"`
}

// Queue returns a reviewer's open reviews, oldest first, or their done ones, newest first.
func Queue(ctx context.Context, d *db.DB, reviewer, state string, limit int) ([]Task, error) {
	order := `r.assigned_at, r.id`
	if state != Open {
		order = `r.done_at DESC, r.id DESC`
	}
	var ts []Task
	err := d.All(ctx, &ts, `SELECT r.id, r.triplet_id, r.state, r.verdict, s.title, t.genre, t.tier, r.round,
			t.article_chars, t.prompt_chars, t.reasoning_chars, r.assigned_at, r.done_at
		FROM review r JOIN triplet t ON t.id = r.triplet_id JOIN source s ON s.id = t.source_id
		WHERE r.reviewer_id = ? AND r.state = ? ORDER BY `+order+` LIMIT ?`, reviewer, state, min(max(limit, 1), 500))
	return ts, err
}

// OpenCount returns how many reviews wait for a reviewer.
func OpenCount(ctx context.Context, d *db.DB, reviewer string) (n int, err error) {
	err = d.One(ctx, &n, `SELECT COUNT(*) FROM review WHERE reviewer_id = ? AND state = 'open'`, reviewer)
	return n, err
}

// OfTriplet returns all reviews of a triplet by round. Verdicts of a round that is still open
// are for leads only; the caller checks that.
func OfTriplet(ctx context.Context, d *db.DB, tripletID string) ([]Review, error) {
	var rs []Review
	err := d.All(ctx, &rs, `SELECT * FROM review WHERE triplet_id = ? ORDER BY round, assigned_at, id`, tripletID)
	return rs, err
}

// BeforeRound returns the revision that the round before this one judged, 0 when it is the first.
func BeforeRound(ctx context.Context, d *db.DB, tripletID string, round int) (revision int64, err error) {
	err = d.One(ctx, &revision, `SELECT COALESCE(MAX(revision), 0) FROM review WHERE triplet_id = ? AND round < ?`, tripletID, round)
	return revision, err
}

// Comments returns what reviewers wrote about a triplet in rounds that are over, for its
// annotator: without names.
func Comments(ctx context.Context, d *db.DB, tripletID string) ([]Review, error) {
	var rs []Review
	err := d.All(ctx, &rs, `SELECT r.* FROM review r JOIN triplet t ON t.id = r.triplet_id
		WHERE r.triplet_id = ? AND r.state = 'done' AND (r.round < t.round OR t.state IN ('returned', 'accepted', 'removed', 'draft', 'submitted'))
		ORDER BY r.round DESC, r.done_at`, tripletID)
	for i := range rs {
		rs[i].ReviewerID = ""
	}
	return rs, err
}

// Submit hands in a review. When it is the last one its round needs, the decision is made in
// the same transaction. A review of a triplet that moved on is errs.Conflict.
func Submit(ctx context.Context, d *db.DB, id, by string, f Form) error {
	if err := f.check(); err != nil {
		return err
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		r, err := Get(ctx, tx, id, by)
		if err != nil {
			return err
		}
		if err := tx.Lock(ctx, "round of "+r.TripletID); err != nil {
			return err
		}
		t, err := triplet.Get(ctx, tx, r.TripletID)
		if err != nil {
			return err
		}
		if t.AnnotatorID == by {
			return errs.Forbiddenf("nobody reviews their own triplet")
		}
		if r.State != Open || t.State != triplet.InReview || t.Round != r.Round {
			return errs.Conflictf("this review is %s and the triplet is %s; your verdict is not needed any more", r.State, t.State)
		}
		n, err := tx.Exec(ctx, `UPDATE review SET state = 'done', verdict = ?, criteria = ?, comment = ?, reason_code = ?, done_at = ? WHERE id = ? AND state = 'open'`,
			f.Verdict, db.AsJSON(f.Criteria), f.Comment, f.ReasonCode, tx.Now(), id)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.Conflictf("this review was handed in already")
		}
		err = audit.Record(ctx, tx, audit.Entry{
			Kind: "review", ID: id, Actor: by, Action: "verdict", From: Open, To: Done, Reason: f.ReasonCode,
			Data: map[string]any{"triplet": t.ID, "round": r.Round, "revision": r.Revision, "verdict": f.Verdict, "criteria": f.Criteria},
		})
		if err != nil {
			return err
		}
		return settle(ctx, tx, t)
	})
}

// settle applies the rule of a round to a triplet.
func settle(ctx context.Context, tx *db.DB, t *triplet.Triplet) error {
	set, err := project.Get(ctx, tx)
	if err != nil {
		return err
	}
	var rs []Review
	if err := tx.All(ctx, &rs, `SELECT * FROM review WHERE triplet_id = ? AND round = ? AND state = 'done' ORDER BY done_at, id`, t.ID, t.Round); err != nil {
		return err
	}
	verdicts := make([]string, len(rs))
	for i, r := range rs {
		verdicts[i] = r.Verdict
	}
	data := map[string]any{"round": t.Round, "verdicts": verdicts, "quorum": Quorum(set, t.Tier)}
	const rule = "rule:review-quorum"
	switch Decide(Quorum(set, t.Tier), verdicts, t.Returns, set.MaxReturns) {
	case Accepted:
		return decided(ctx, tx, t, triplet.Accepted, rule, "", data)
	case ToRevise:
		return sendBack(ctx, tx, t, rule, "review.revise", data)
	case Disputed:
		return triplet.Advance(ctx, tx, t, triplet.Disputed, rule, "review.disputed", data)
	case ToRemove:
		i := slices.IndexFunc(rs, func(r Review) bool { return r.Verdict == Remove })
		return propose(ctx, tx, t, rs[i].ReviewerID, rs[i].ReasonCode, rs[i].Comment)
	}
	return nil
}

func decided(ctx context.Context, tx *db.DB, t *triplet.Triplet, to, by, reason string, data any) error {
	if err := triplet.Advance(ctx, tx, t, to, by, reason, data); err != nil {
		return err
	}
	if err := withdraw(ctx, tx, t.ID, by); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE triplet SET decided_at = ? WHERE id = ?`, tx.Now(), t.ID)
	return err
}

func sendBack(ctx context.Context, tx *db.DB, t *triplet.Triplet, by, reason string, data any) error {
	if err := triplet.Advance(ctx, tx, t, triplet.Returned, by, reason, data); err != nil {
		return err
	}
	if err := withdraw(ctx, tx, t.ID, by); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE triplet SET returns = returns + 1, step = 1 WHERE id = ?`, t.ID)
	return err
}

// Adjudicate is a lead's decision on a disputed triplet: Accept or Revise, with a reason. Its
// annotator and its reviewers do not decide their own dispute.
func Adjudicate(ctx context.Context, d *db.DB, tripletID, by, verdict, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		t, err := triplet.Get(ctx, tx, tripletID)
		if err != nil {
			return err
		}
		var own int
		if err := tx.One(ctx, &own, `SELECT COUNT(*) FROM review WHERE triplet_id = ? AND reviewer_id = ? AND state = 'done'`, tripletID, by); err != nil {
			return err
		}
		if t.AnnotatorID == by || own > 0 {
			return errs.Forbiddenf("you wrote or reviewed this triplet; another lead must decide")
		}
		if t.State != triplet.Disputed {
			return errs.Conflictf("the triplet is %s, not disputed", t.State)
		}
		switch verdict {
		case Accept:
			return decided(ctx, tx, t, triplet.Accepted, by, reason, nil)
		case Revise:
			return sendBack(ctx, tx, t, by, reason, nil)
		}
		return errs.Fields(errs.Field{Name: "verdict", Msg: fmt.Sprintf("%q: accept or revise; to remove it, propose its removal", verdict), Key: "review.need_verdict"})
	})
}
