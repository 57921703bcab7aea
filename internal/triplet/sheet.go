package triplet

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/project"
)

// A Sheet is a score sheet on one revision of a triplet.
type Sheet struct {
	bun.BaseModel `bun:"table:sheet"`

	ID                  string                     `json:"id"`
	TripletID           string                     `json:"triplet_id"`
	Revision            int64                      `json:"revision"`
	JudgeKind           string                     `json:"judge_kind"` // model or person
	Judge               string                     `json:"judge"`      // model name or person ID
	Scripted            bool                       `json:"scripted"`   // by the scripted fake, not by a model
	ArticleQuality      int                        `json:"article_quality"`
	ArticleCreativity   int                        `json:"article_creativity"`
	PromptQuality       int                        `json:"prompt_quality"`
	PromptCreativity    int                        `json:"prompt_creativity"`
	ReasoningQuality    int                        `json:"reasoning_quality"`
	ReasoningCreativity int                        `json:"reasoning_creativity"`
	Passed              bool                       `json:"passed"`
	Gate                db.JSON[GateResult]        `json:"gate"`
	Reasons             db.JSON[map[string]string] `json:"reasons"` // article, prompt, reasoning → words
	CallIDs             db.JSON[[]string]          `bun:"call_ids" json:"call_ids"`
	CreatedAt           time.Time                  `json:"created_at"`
}

// A GateResult is the gate as it stood, and what the sheet missed.
type GateResult struct {
	Gate
	Misses []Miss `json:"misses"`
}

// Scores returns the six marks in the order of [Dimensions].
func (s *Sheet) Scores() Scores {
	return Scores{s.ArticleQuality, s.ArticleCreativity, s.PromptQuality, s.PromptCreativity, s.ReasoningQuality, s.ReasoningCreativity}
}

// Sheets returns a triplet's score sheets, newest first.
func Sheets(ctx context.Context, d *db.DB, id string) ([]Sheet, error) {
	var ss []Sheet
	err := d.All(ctx, &ss, `SELECT * FROM sheet WHERE triplet_id = ? ORDER BY created_at DESC, id DESC`, id)
	return ss, err
}

// verdict is what a judge says, before the gate has read it.
type verdict struct {
	kind, judge string
	actor       string // for the history
	scripted    bool
	scores      Scores
	reasons     map[string]string
	calls       []string
}

// ScoreByHand fills a score sheet for a submitted triplet and applies the gate. Nobody scores
// their own triplet.
func ScoreByHand(ctx context.Context, d *db.DB, by, id string, s Scores, reasons map[string]string) (*Sheet, error) {
	if !s.Valid() {
		var bad []errs.Field
		for i, v := range s {
			if v < 1 || v > 10 {
				bad = append(bad, errs.Field{Name: Dimensions[i], Msg: "give a whole number from 1 to 10", Key: "score.range"})
			}
		}
		return nil, errs.Fields(bad...)
	}
	t, err := Get(ctx, d, id)
	if err != nil {
		return nil, err
	}
	if t.AnnotatorID == by {
		return nil, errs.Forbiddenf("nobody scores their own triplet")
	}
	return apply(ctx, d, id, t.Revision, verdict{kind: "person", judge: by, actor: by, scores: s, reasons: reasons})
}

// apply stores a sheet and moves the triplet by the gate, in one transaction. A triplet that
// is no longer submitted at this revision is errs.Conflict: the sheet was about another text.
func apply(ctx context.Context, d *db.DB, id string, revision int64, v verdict) (*Sheet, error) {
	var sheet *Sheet
	err := d.Transact(ctx, func(tx *db.DB) error {
		t, err := Get(ctx, tx, id)
		if err != nil {
			return err
		}
		if t.State != Submitted || t.Revision != revision {
			return errs.Conflictf("the triplet is %s at revision %d, so it is not waiting for this sheet", t.State, t.Revision)
		}
		set, err := project.Get(ctx, tx)
		if err != nil {
			return err
		}
		gate := Gate{MinTotal: set.MinTotal, MinEach: set.MinEach}
		misses := gate.Check(v.scores)
		sheet = &Sheet{
			ID: db.NewID(), TripletID: id, Revision: revision, JudgeKind: v.kind, Judge: v.judge, Scripted: v.scripted,
			ArticleQuality: v.scores[0], ArticleCreativity: v.scores[1], PromptQuality: v.scores[2], PromptCreativity: v.scores[3],
			ReasoningQuality: v.scores[4], ReasoningCreativity: v.scores[5],
			Passed: len(misses) == 0, Gate: db.AsJSON(GateResult{gate, misses}), Reasons: db.AsJSON(maps.Collect(maps.All(v.reasons))), CallIDs: db.AsJSON(v.calls), CreatedAt: tx.Now(),
		}
		if err := tx.Insert(ctx, sheet); err != nil {
			return err
		}
		data := map[string]any{"sheet": sheet.ID, "scores": v.scores, "gate": gate, "judge": v.actor, "calls": v.calls}
		if !sheet.Passed {
			return Advance(ctx, tx, t, Returned, "rule:gate", "gate.failed", data)
		}
		if _, err := tx.Exec(ctx, `UPDATE triplet SET round = round + 1 WHERE id = ?`, id); err != nil {
			return err
		}
		return Advance(ctx, tx, t, InReview, "rule:gate", "gate.passed", data)
	})
	return sheet, err
}

// waiting returns submitted triplets after a cursor.
func waiting(ctx context.Context, d *db.DB, after string, n int) ([]string, error) {
	var ids []string
	err := d.All(ctx, &ids, `SELECT id FROM triplet WHERE state = 'submitted' AND id > ? ORDER BY id LIMIT ?`, after, n)
	if errors.Is(err, errs.NotFound) {
		return nil, nil
	}
	return ids, err
}
