// Package triplet is the work of annotators: a prompt reverse-engineered from an article, the
// reasoning that leads from the prompt to the article, and the check that the three cohere
// (paper section 2.2). It holds the drafts with all their revisions, the score sheets, and the
// gate between writing and review.
package triplet

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// The states of a triplet.
const (
	Draft     = "draft"     // its annotator writes
	Submitted = "submitted" // awaits its score sheet
	Returned  = "returned"  // back with its annotator: the gate failed, or reviewers asked for changes
	InReview  = "in_review" // passed the gate; reviewers judge
	Disputed  = "disputed"  // reviewers disagree; a lead decides
	Accepted  = "accepted"  // will be in the next release
	Removal   = "removal"   // somebody proposes to remove it; a second person decides
	Removed   = "removed"   // out, with a reason code; nothing is deleted
	Abandoned = "abandoned" // its annotator gave it up; the source went back to the pool
)

// States lists all states in the order of the flow.
var States = []string{Draft, Submitted, Returned, InReview, Disputed, Accepted, Removal, Removed, Abandoned}

// Transitions are all the moves there are; any other is an error. The docs' diagram is drawn
// from this table.
var Transitions = audit.Transitions{
	{To: Draft, Action: "claim", Who: "triplet.write"},
	{From: Draft, To: Submitted, Action: "submit", Who: "triplet.write"},
	{From: Returned, To: Submitted, Action: "submit", Who: "triplet.write"},
	{From: Draft, To: Abandoned, Action: "abandon", Who: "triplet.write", Reason: true},
	{From: Returned, To: Abandoned, Action: "abandon", Who: "triplet.write", Reason: true},

	{From: Submitted, To: InReview, Action: "pass-gate", Who: "system"},
	{From: Submitted, To: Returned, Action: "fail-gate", Who: "system", Reason: true},
	{From: Submitted, To: Draft, Action: "withdraw", Who: "triplet.write"},

	{From: InReview, To: Accepted, Action: "accept", Who: "system"},
	{From: InReview, To: Returned, Action: "revise", Who: "system", Reason: true},
	{From: InReview, To: Disputed, Action: "dispute", Who: "system", Reason: true},
	{From: Disputed, To: Accepted, Action: "adjudicate", Who: "review.manage", Reason: true},
	{From: Disputed, To: Returned, Action: "adjudicate", Who: "review.manage", Reason: true},

	{From: InReview, To: Removal, Action: "propose-removal", Who: "removal.vote", Reason: true},
	{From: Disputed, To: Removal, Action: "propose-removal", Who: "removal.vote", Reason: true},
	{From: Accepted, To: Removal, Action: "propose-removal", Who: "removal.vote", Reason: true},
	{From: Removal, To: Removed, Action: "confirm-removal", Who: "removal.vote", Reason: true},
	{From: Removal, To: Disputed, Action: "decline-removal", Who: "removal.vote", Reason: true},
	{From: Removal, To: Accepted, Action: "decline-removal", Who: "removal.vote", Reason: true},
}

// Attributes are what the annotator finds in the article before writing the prompt.
type Attributes struct {
	Theme     string `json:"theme"`
	Style     string `json:"style"`
	Structure string `json:"structure"`
	Cultural  string `json:"cultural"`
}

// Facets are the sides of the reasoning, noted before the running text (paper section 2.2).
type Facets struct {
	Interpretation string `json:"interpretation"` // how the task was understood
	Structure      string `json:"structure"`
	Culture        string `json:"culture"`
	Narrative      string `json:"narrative"`
	Refinement     string `json:"refinement"`
}

// Checks is the list an annotator ticks in the third step.
var Checks = []string{"prompt_leads_here", "reasoning_follows_prompt", "reasoning_fits_article", "facts_hold", "own_words"}

// Content is all that an annotator writes; every acknowledged save of it is a revision.
type Content struct {
	Attributes Attributes      `json:"attributes"`
	Prompt     string          `json:"prompt"`
	Facets     Facets          `json:"facets"`
	Reasoning  string          `json:"reasoning"`
	Checks     map[string]bool `json:"checks"`
	Pasted     int             `json:"pasted"` // characters that came in by pasting, as the page counts them
}

// A Triplet is one row of an annotator's work.
type Triplet struct {
	bun.BaseModel `bun:"table:triplet"`

	ID             string           `json:"id"`
	SourceID       string           `json:"source_id"`
	AnnotatorID    string           `json:"annotator_id"`
	Genre          string           `json:"genre"` // ID in the taxonomy
	Language       string           `json:"language"`
	Article        string           `json:"article"` // the source's text when it was claimed; never edited
	State          string           `json:"state"`
	Reason         string           `json:"reason"`   // why it is in this state
	Step           int              `json:"step"`     // 1 prompt, 2 reasoning, 3 coherence: where the annotator is
	Revision       int64            `json:"revision"` // of Content; 0 before the first save
	Content        db.JSON[Content] `json:"content"`
	PromptChars    int              `json:"prompt_chars"` // code points
	ReasoningChars int              `json:"reasoning_chars"`
	ArticleChars   int              `json:"article_chars"`
	Tier           string           `json:"tier"`    // standard or specialist
	Round          int              `json:"round"`   // of review; 0 before the gate was passed
	Returns        int              `json:"returns"` // how often reviewers sent it back
	CreatedAt      time.Time        `json:"created_at"`
	UpdatedAt      time.Time        `json:"updated_at"`
	SubmittedAt    *time.Time       `json:"submitted_at,omitempty"`
	DecidedAt      *time.Time       `json:"decided_at,omitempty"`
}

// Editable reports whether its annotator may change the content.
func (t *Triplet) Editable() bool { return t.State == Draft || t.State == Returned }

// Advance moves a triplet along one arrow of [Transitions] and writes its history, in the
// caller's transaction. A move the table does not have, or a triplet that somebody moved in
// the meantime, is errs.Conflict.
func Advance(ctx context.Context, tx *db.DB, t *Triplet, to, by, reason string, data any) (err error) {
	defer errs.Wrap(&err, "triplet %s", t.ID)
	tr, err := Transitions.Find("triplet", t.State, to, reason)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE triplet SET state = ?, reason = ?, updated_at = ? WHERE id = ? AND state = ?`, to, reason, tx.Now(), t.ID, t.State)
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.Conflictf("somebody moved it from %s in the meantime; look again", t.State)
	}
	from := t.State
	t.State, t.Reason = to, reason
	return audit.Record(ctx, tx, audit.Entry{Kind: "triplet", ID: t.ID, Actor: by, Action: tr.Action, From: from, To: to, Reason: reason, Data: data})
}
