// Package review is the judgement of reviewers on triplets (paper section 2.3): who reviews
// what, blind to each other and never their own; what the verdicts of a round decide; disputes,
// and removals, which need a reason code and a second person.
package review

import (
	"slices"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
)

// The verdicts.
const (
	Accept = "accept"
	Revise = "revise" // back to the annotator; the comment says what to change
	Remove = "remove" // needs a reason code and a second person
)

// Verdicts lists them in the order of their keys on the page.
var Verdicts = []string{Accept, Revise, Remove}

// Criteria are what each review marks from 1 to 5 (paper section 2.3).
var Criteria = []string{"consistency", "authenticity", "coherence", "diversity"}

// ReasonCodes say why something is removed.
var ReasonCodes = []string{"factual-error", "guideline", "rights", "duplicate"}

// The states of an assignment.
const (
	Open      = "open"
	Done      = "done"
	Withdrawn = "withdrawn" // the triplet moved on without this review
)

// A Review is one reviewer's assignment in one round, and their verdict once it is done.
type Review struct {
	bun.BaseModel `bun:"table:review"`

	ID         string                  `json:"id"`
	TripletID  string                  `json:"triplet_id"`
	Round      int                     `json:"round"`
	Revision   int64                   `json:"revision"` // of the triplet that is reviewed
	ReviewerID string                  `json:"reviewer_id"`
	Kind       string                  `json:"kind"` // review
	State      string                  `json:"state"`
	Verdict    string                  `json:"verdict,omitempty"`
	Criteria   db.JSON[map[string]int] `json:"criteria"`
	Comment    string                  `json:"comment,omitempty"`
	ReasonCode string                  `json:"reason_code,omitempty"`
	AssignedAt time.Time               `json:"assigned_at"`
	DoneAt     *time.Time              `json:"done_at,omitempty"`
}

// Quorum returns how many reviews a tier needs.
func Quorum(s project.Settings, tier string) int {
	if tier == genre.Specialist {
		return s.Specialist
	}
	return s.Standard
}

// The outcomes of a round.
const (
	Pending  = "pending"  // reviews are missing
	Accepted = "accepted" // a majority accepts and nobody removes
	ToRevise = "revise"   // a majority asks for changes
	ToRemove = "remove"   // somebody wants it out: a second person decides
	Disputed = "disputed" // no majority, or too many rounds already: a lead decides
)

// Decide is the rule of a round: quorum reviews are needed, one remove sends it to a second
// person, otherwise the majority decides and a tie is disputed. A triplet that came back
// maxReturns times already is disputed instead of returned once more.
func Decide(quorum int, verdicts []string, returns, maxReturns int) string {
	if len(verdicts) < quorum {
		return Pending
	}
	n := map[string]int{}
	for _, v := range verdicts {
		n[v]++
	}
	switch {
	case n[Remove] > 0:
		return ToRemove
	case 2*n[Accept] > len(verdicts):
		return Accepted
	case 2*n[Revise] > len(verdicts) && returns < maxReturns:
		return ToRevise
	}
	return Disputed
}

// A Form is what a reviewer hands in.
type Form struct {
	Verdict    string         `json:"verdict"`
	Criteria   map[string]int `json:"criteria"` // criterion → 1 to 5
	Comment    string         `json:"comment"`
	ReasonCode string         `json:"reason_code"` // for remove
}

func (f Form) check() error {
	var bad []errs.Field
	if !slices.Contains(Verdicts, f.Verdict) {
		bad = append(bad, errs.Field{Name: "verdict", Msg: "accept, revise or remove", Key: "review.need_verdict"})
	}
	for _, c := range Criteria {
		if v := f.Criteria[c]; v < 1 || v > 5 {
			bad = append(bad, errs.Field{Name: c, Msg: "mark it from 1 to 5", Key: "review.need_criterion"})
		}
	}
	if f.Verdict != Accept && len([]rune(f.Comment)) < 4 {
		bad = append(bad, errs.Field{Name: "comment", Msg: "say what is wrong and what would mend it", Key: "review.need_comment"})
	}
	if f.Verdict == Remove && !slices.Contains(ReasonCodes, f.ReasonCode) {
		bad = append(bad, errs.Field{Name: "reason_code", Msg: "choose why it must go", Key: "review.need_reason"})
	}
	if len([]rune(f.Comment)) > 10_000 {
		bad = append(bad, errs.Field{Name: "comment", Msg: "longer than 10,000 characters", Key: "annotate.too_long"})
	}
	return errs.Fields(bad...)
}
