package audit

import "coigwriter/internal/errs"

// A Transition is one arrow between the states of an item.
type Transition struct {
	From, To string // "" is before there was an item
	Action   string // the verb in the history
	Who      string // the permission a person needs; "system" for steps no person takes by hand
	Reason   bool   // whether a reason must be given
}

// Transitions are all the moves items of one kind can make; the docs' diagrams are drawn from them.
type Transitions []Transition

// Find returns the arrow from one state to another. A move that is not in the table is
// errs.Conflict in words about what (a source, a triplet); a missing reason is errs.Invalid.
func (ts Transitions) Find(what, from, to, reason string) (Transition, error) {
	for _, t := range ts {
		if t.From != from || t.To != to {
			continue
		}
		if t.Reason && reason == "" {
			return t, errs.Fields(errs.Field{Name: "reason", Msg: "give a reason", Key: "error.reason_needed"})
		}
		return t, nil
	}
	if from == "" {
		from = "nothing"
	}
	return Transition{}, errs.Conflictf("a %s cannot go from %s to %s", what, from, to)
}
