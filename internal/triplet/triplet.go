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

// A Transition is one arrow between states.
type Transition struct {
	From, To string
	Action   string // the verb in the history
	Who      string // the permission a person needs, or "system" for a named rule
	Reason   bool   // whether a reason must be given
}

// Transitions are all the moves there are; any other is an error. The docs' diagram is drawn
// from this table.
var Transitions = []Transition{
	{"", Draft, "claim", "triplet.write", false},
	{Draft, Submitted, "submit", "triplet.write", false},
	{Returned, Submitted, "submit", "triplet.write", false},
	{Draft, Abandoned, "abandon", "triplet.write", true},
	{Returned, Abandoned, "abandon", "triplet.write", true},

	{Submitted, InReview, "pass-gate", "system", false},
	{Submitted, Returned, "fail-gate", "system", true},
	{Submitted, Draft, "withdraw", "triplet.write", false},

	{InReview, Accepted, "accept", "system", false},
	{InReview, Returned, "revise", "system", true},
	{InReview, Disputed, "dispute", "system", true},
	{Disputed, Accepted, "adjudicate", "review.manage", true},
	{Disputed, Returned, "adjudicate", "review.manage", true},

	{InReview, Removal, "propose-removal", "removal.vote", true},
	{Disputed, Removal, "propose-removal", "removal.vote", true},
	{Accepted, Removal, "propose-removal", "removal.vote", true},
	{Removal, Removed, "confirm-removal", "removal.vote", true},
	{Removal, Disputed, "decline-removal", "removal.vote", true},
	{Removal, Accepted, "decline-removal", "removal.vote", true},
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

func transition(from, to, reason string) (Transition, error) {
	for _, t := range Transitions {
		if t.From == from && t.To == to {
			if t.Reason && reason == "" {
				return t, errs.Fields(errs.Field{Name: "reason", Msg: "give a reason", Key: "error.reason_needed"})
			}
			return t, nil
		}
	}
	return Transition{}, errs.Conflictf("a triplet cannot go from %s to %s", from, to)
}

// Advance moves a triplet along one arrow of [Transitions] and writes its history, in the
// caller's transaction. A move the table does not have, or a triplet that somebody moved in
// the meantime, is errs.Conflict.
func Advance(ctx context.Context, tx *db.DB, t *Triplet, to, by, reason string, data any) (err error) {
	defer errs.Wrap(&err, "triplet %s", t.ID)
	tr, err := transition(t.State, to, reason)
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
