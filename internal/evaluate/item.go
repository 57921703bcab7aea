package evaluate

import (
	"context"
	"slices"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// An ItemVerdict is what one person said of an item, and whether it counts.
type ItemVerdict struct {
	Rater     Rater
	Winner    string   // pair: the model that was chosen, tie or both_bad
	Ranked    []string // rank: models, best first
	Marks     map[string]int
	Shown     []string // models in the order they were shown
	Repeat    bool
	Note      string
	Seconds   float64
	GivenAt   time.Time
	TakenBack bool
	Why       string // the rule by which it does not count; "" where it counts
}

// A Whole is an item with all that is known of it, for who may see who wrote what.
type Whole struct {
	Item
	Query      bench.Query
	Texts      []bench.Answer // in the order of the item's answers
	Verdicts   []ItemVerdict
	Judgements []Judgement
	Waiting    int // tasks without a verdict
	Prev, Next string
}

// WholeItem returns an item of a study with its texts and everything that was said of it.
func WholeItem(ctx context.Context, d *db.DB, s Study, itemID string, raters []Rater) (x Whole, err error) {
	if x.Item, err = GetItem(ctx, d, itemID); err != nil {
		return x, err
	}
	if x.StudyID != s.ID {
		return x, errs.NotFoundf("there is no such item in %s", s.Name)
	}
	if x.Query, err = bench.GetQuery(ctx, d, x.QueryID); err != nil {
		return x, err
	}
	answers, err := answersOf(ctx, d, x.Answers.V)
	if err != nil {
		return x, err
	}
	for _, id := range x.Answers.V {
		x.Texts = append(x.Texts, answers[id])
	}
	if x.Judgements, err = JudgementsOn(ctx, d, itemID); err != nil {
		return x, err
	}
	for place, into := range map[int]*string{x.Position - 1: &x.Prev, x.Position + 1: &x.Next} {
		var ids []string
		if err := d.All(ctx, &ids, `SELECT id FROM study_item WHERE study_id = ? AND position = ?`, s.ID, place); err != nil {
			return x, err
		}
		if len(ids) > 0 {
			*into = ids[0]
		}
	}
	return x, x.said(ctx, d, raters)
}

// said reads what people said of the item.
func (x *Whole) said(ctx context.Context, d *db.DB, raters []Rater) error {
	if err := d.One(ctx, &x.Waiting, `SELECT COUNT(*) FROM study_task WHERE item_id = ? AND state = 'open'`, x.ID); err != nil {
		return err
	}
	var rows []struct {
		Verdict
		PersonID string
		Shown    db.JSON[[]int]
		RepeatOf string
	}
	err := d.All(ctx, &rows, `SELECT v.*, t.person_id, t.shown, t.repeat_of FROM study_verdict v JOIN study_task t ON t.id = v.task_id WHERE t.item_id = ? ORDER BY v.given_at, v.id`, x.ID)
	if err != nil {
		return err
	}
	for _, row := range rows {
		i := slices.IndexFunc(raters, func(r Rater) bool { return r.PersonID == row.PersonID })
		v := ItemVerdict{Winner: row.Winner, Marks: row.Marks.V, Repeat: row.RepeatOf != "", Note: row.Note, Seconds: row.Seconds, GivenAt: row.GivenAt, TakenBack: row.TakenBackAt != nil}
		if i >= 0 {
			v.Rater = raters[i]
		}
		switch row.Winner {
		case winFirst:
			v.Winner = x.Models.V[0]
		case winSecond:
			v.Winner = x.Models.V[1]
		}
		for _, j := range row.Ranked.V {
			v.Ranked = append(v.Ranked, x.Models.V[j])
		}
		for _, j := range row.Shown.V {
			v.Shown = append(v.Shown, x.Models.V[j])
		}
		if v.Why = whyNot(x.Kind, v.Repeat, x.Query.WithdrawnAt != nil, v.Rater.Excluded); v.TakenBack {
			v.Why = RuleTakenBack
		}
		x.Verdicts = append(x.Verdicts, v)
	}
	return nil
}
