package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// The winners of a comparison, in the order of an item's answers: as a vote of a pair stores them.
const (
	winFirst   = "0"
	winSecond  = "1"
	winTie     = Tie
	winBothBad = BothBad
)

// TakeBackFor is how long a verdict can be taken back.
const TakeBackFor = time.Minute

// A Verdict is what a person said about a task.
type Verdict struct {
	bun.BaseModel `bun:"table:study_verdict"`

	ID          string                  `json:"id"`
	StudyID     string                  `json:"-"`
	TaskID      string                  `json:"task_id"`
	Winner      string                  `json:"winner,omitempty"` // pair: 0 or 1 of the item's answers, tie, both_bad
	Ranked      db.JSON[[]int]          `json:"ranked,omitempty"` // rank: the item's answers, best first
	Marks       db.JSON[map[string]int] `json:"marks,omitempty"`  // rate
	Note        string                  `json:"note,omitempty"`
	Seconds     float64                 `json:"seconds"` // in front of the person
	GivenAt     time.Time               `json:"given_at"`
	TakenBackAt *time.Time              `json:"taken_back_at,omitempty"`
}

// same reports whether two verdicts say the same.
func (v Verdict) same(w Verdict) bool {
	return v.Winner == w.Winner && v.Note == w.Note && slices.Equal(v.Ranked.V, w.Ranked.V) && sameJSON(v.Marks.V, w.Marks.V)
}

// verdict turns what a person said, in the order they saw, into the order of the item's answers. What
// is missing, twice or unknown is named.
func (t Task) verdict(kind string, g Given) (v Verdict, err error) {
	if len([]rune(g.Note)) > 2000 {
		return v, errs.Fields(errs.Field{Name: "note", Key: "annotate.too_long", Msg: "is longer than 2000 characters"})
	}
	v = Verdict{Note: g.Note, Ranked: db.AsJSON([]int{}), Marks: db.AsJSON(map[string]int{})}
	switch kind {
	case Pair:
		switch g.Winner {
		case "a", "b":
			v.Winner = fmt.Sprint(t.Shown.V[slices.Index(sides, g.Winner)])
		case winTie, winBothBad:
			v.Winner = g.Winner
		default:
			return v, errs.Fields(errs.Field{Name: "winner", Key: "evaluate.need_winner", Msg: "say a, b, tie or both_bad"})
		}
	case Rank:
		n := len(t.Shown.V)
		seen := map[int]bool{}
		for _, p := range g.Ranked {
			if p < 0 || p >= n || seen[p] {
				return v, errs.Fields(errs.Field{Name: "ranked", Key: "evaluate.bad_ranking", Msg: fmt.Sprintf("each of the %d answers has one place: no ties, none twice", n), Args: []any{"n", n}})
			}
			seen[p] = true
			v.Ranked.V = append(v.Ranked.V, t.Shown.V[p])
		}
		if len(g.Ranked) != n {
			return v, errs.Fields(errs.Field{Name: "ranked", Key: "evaluate.gaps", Msg: fmt.Sprintf("%d of %d answers have a place; give every one a place", len(g.Ranked), n), Args: []any{"have", len(g.Ranked), "n", n}})
		}
	case Rate:
		if err := checkMarks(g.Marks); err != nil {
			return v, err
		}
		v.Marks.V = g.Marks
	}
	return v, nil
}

// Give records a person's verdict on their task, and is durable when it returns. The same verdict again
// (a double click, a lost reply) changes nothing; another one is refused until the first is taken back.
func Give(ctx context.Context, d *db.DB, personID, taskID string, g Given) (v Verdict, err error) {
	defer errs.Wrap(&err, "verdict")
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "task "+taskID); err != nil {
			return err
		}
		t, s, _, err := taskOf(ctx, tx, personID, taskID)
		if err != nil {
			return err
		}
		if v, err = t.verdict(s.Kind, g); err != nil {
			return err
		}
		if t.State == TaskDone {
			old, err := verdictOn(ctx, tx, taskID)
			if err != nil {
				return err
			}
			if old.same(v) {
				v = old
				return nil
			}
			return errs.Conflictf("you have decided this already; take it back first, which is possible for a minute")
		}
		if s.State != Open {
			return errs.Conflictf("%s is %s: no verdicts are taken any more", s.Name, s.State)
		}
		now := tx.Now()
		v.ID, v.StudyID, v.TaskID, v.GivenAt = db.NewID(), s.ID, taskID, now
		if t.SeenAt != nil {
			v.Seconds = math.Max(now.Sub(*t.SeenAt).Seconds(), 0)
		}
		if err := tx.Insert(ctx, &v); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE study_task SET state = 'done', done_at = ? WHERE id = ?`, now, taskID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "task", ID: taskID, Actor: personID, Action: "judge", From: TaskOpen, To: TaskDone, Data: map[string]any{"verdict": v.ID, "winner": v.Winner, "ranked": v.Ranked.V, "marks": v.Marks.V}})
	})
	return v, err
}

// TakeBack opens a task again within a minute of its verdict, which stays in the history.
func TakeBack(ctx context.Context, d *db.DB, personID, taskID string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "task "+taskID); err != nil {
			return err
		}
		t, s, _, err := taskOf(ctx, tx, personID, taskID)
		if err != nil {
			return err
		}
		if t.State == TaskOpen {
			return nil // it is what was asked for
		}
		v, err := verdictOn(ctx, tx, taskID)
		if err != nil {
			return err
		}
		now := tx.Now()
		if s.State != Open || now.Sub(v.GivenAt) > TakeBackFor {
			return errs.Conflictf("a verdict can be taken back for a minute, while the study is open")
		}
		if _, err := tx.Exec(ctx, `UPDATE study_verdict SET taken_back_at = ? WHERE id = ?`, now, v.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE study_task SET state = 'open', done_at = NULL, seen_at = ? WHERE id = ?`, now, taskID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "task", ID: taskID, Actor: personID, Action: "take-back", From: TaskDone, To: TaskOpen, Data: map[string]any{"verdict": v.ID}})
	})
}
