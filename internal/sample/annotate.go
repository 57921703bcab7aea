package sample

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/review"
	"coigwriter/internal/triplet"
)

func (l *loader) write(ctx context.Context, sourceID string, w *draft) error {
	by := l.people[w.Annotator]
	tr, err := triplet.Claim(ctx, l.d, by, sourceID)
	if err != nil {
		return err
	}
	c := triplet.Content{Attributes: w.Attributes}
	rev := int64(0)
	save := func(step int, change func()) {
		if err != nil {
			return
		}
		change()
		l.step(25 * time.Minute)
		rev, err = triplet.Save(ctx, l.d, by, tr.ID, rev, step, c, "")
	}
	save(1, func() {})
	save(1, func() { c.Prompt = strings.TrimSpace(w.Prompt) })
	save(2, func() {
		f := w.Facets
		c.Facets = triplet.Facets{Interpretation: f.Interpretation, Structure: f.Structure, Culture: f.Culture, Narrative: f.Narrative, Refinement: f.Refinement}
	})
	save(2, func() { c.Reasoning = strings.TrimSpace(w.Reasoning) })
	if err != nil || w.State == triplet.Draft {
		return err
	}
	if w.State == triplet.Abandoned {
		l.step(20 * time.Hour)
		return triplet.Abandon(ctx, l.d, by, tr.ID, w.Why)
	}
	save(3, func() {
		c.Checks = map[string]bool{}
		for _, k := range triplet.Checks {
			c.Checks[k] = true
		}
	})
	if err != nil {
		return err
	}
	if err := triplet.Submit(ctx, l.d, by, tr.ID, rev); err != nil {
		return err
	}
	if w.ModelFailed {
		return l.failToScore(ctx, tr.ID)
	}
	if w.State == triplet.Submitted {
		return nil
	}
	if err := l.score(ctx, tr.ID, w); err != nil {
		return err
	}
	return l.review(ctx, tr.ID, w)
}

// score has the lead fill the sheet, or the script where the sample shall show that too.
func (l *loader) score(ctx context.Context, id string, w *draft) error {
	l.step(50 * time.Minute)
	var s triplet.Scores
	for i, name := range triplet.Dimensions {
		s[i] = w.Sheet[name]
		if s[i] == 0 {
			s[i] = 8 + i%2
		}
	}
	if l.rng.IntN(3) > 0 {
		_, err := triplet.ScoreByHand(ctx, l.d, l.people["xu"], id, s, nil)
		return err
	}
	var rules []llm.ScriptRule
	for i, part := range []string{"请就文章本身打两个分", "倒推出一条“写作提示”", "“构思过程”"} {
		b, err := json.Marshal(map[string]any{"reasons": "（脚本生成的示例，不是模型的判断）", "quality": s[2*i], "creativity": s[2*i+1]})
		if err != nil {
			return err
		}
		rules = append(rules, llm.ScriptRule{Contains: part, Reply: string(b)})
	}
	l.script.SetRules(rules...)
	_, err := triplet.ScoreByModel(ctx, l.d, l.screen.Client, id)
	return err
}

// failToScore has the script answer prose where a score was asked for.
func (l *loader) failToScore(ctx context.Context, id string) error {
	l.step(50 * time.Minute)
	l.script.SetRules(llm.ScriptRule{Mode: llm.ScriptProse})
	_, err := triplet.ScoreByModel(ctx, l.d, l.screen.Client, id)
	if llm.FailureOf(err) != nil {
		return nil
	}
	return errors.Join(err, errors.New("the script scored it all the same"))
}

func (l *loader) review(ctx context.Context, id string, w *draft) error {
	tr, err := triplet.Get(ctx, l.d, id)
	if err != nil || tr.State != triplet.InReview {
		return err
	}
	set, err := project.Get(ctx, l.d)
	if err != nil {
		return err
	}
	give := w.Reviews[:min(len(w.Reviews), review.Quorum(set, tr.Tier))]
	for _, o := range give {
		if err := review.AssignTo(ctx, l.d, id, l.people["xu"], l.people[o.Reviewer]); err != nil {
			return err
		}
	}
	for _, o := range give {
		if o.Verdict == "" {
			continue
		}
		l.step(4 * time.Hour)
		if err := l.verdict(ctx, id, o); err != nil {
			return err
		}
	}
	if w.State == triplet.Accepted || w.State == triplet.Removed {
		return l.complete(ctx, id)
	}
	return nil
}

// complete hands in the reviews that a text's tier needs beyond those written for it.
func (l *loader) complete(ctx context.Context, id string) error {
	if _, err := review.AssignOpen(ctx, l.d, l.rng); err != nil {
		return err
	}
	rs, err := review.OfTriplet(ctx, l.d, id)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if r.State != review.Open {
			continue
		}
		l.step(3 * time.Hour)
		f := review.Form{Verdict: review.Accept, Comment: "同意。", Criteria: map[string]int{}}
		for _, c := range review.Criteria {
			f.Criteria[c] = 4 + l.rng.IntN(2)
		}
		if err := review.Submit(ctx, l.d, r.ID, r.ReviewerID, f); err != nil && !errors.Is(err, errs.Conflict) {
			return err
		}
	}
	return nil
}

func (l *loader) verdict(ctx context.Context, id string, o opinion) error {
	rs, err := review.OfTriplet(ctx, l.d, id)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if r.ReviewerID != l.people[o.Reviewer] || r.State != review.Open {
			continue
		}
		f := review.Form{Verdict: o.Verdict, Criteria: o.Criteria, Comment: o.Comment, ReasonCode: o.ReasonCode}
		err := review.Submit(ctx, l.d, r.ID, r.ReviewerID, f)
		if errors.Is(err, errs.Conflict) {
			return nil // the round was decided before this one
		}
		return err
	}
	return nil
}

// removeReleased takes out what was accepted and released before somebody found its fault.
func (l *loader) removeReleased(ctx context.Context, texts []*text) error {
	for _, t := range texts {
		if t.Triplet == nil || t.Triplet.Removal == nil {
			continue
		}
		var id string
		if err := l.d.One(ctx, &id, `SELECT id FROM triplet WHERE source_id = ?`, t.id); err != nil {
			return err
		}
		r := t.Triplet.Removal
		l.step(6 * time.Hour)
		if err := review.ProposeRemoval(ctx, l.d, id, l.people[r.ProposedBy], r.ReasonCode, r.Comment); err != nil {
			return err
		}
		l.step(5 * time.Hour)
		if err := review.DecideRemoval(ctx, l.d, id, l.people[r.ConfirmedBy], true, r.Comment); err != nil {
			return err
		}
	}
	return nil
}
