package screen

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/source"
)

// Kinds of judge.
const (
	ByModel  = "model"
	ByPerson = "person"
)

// A Verdict is one judge's word on a source at one stage: a row of verdict.
type Verdict struct {
	bun.BaseModel `bun:"table:verdict"`

	ID        string
	SourceID  string
	Stage     string
	JudgeKind string             // ByModel or ByPerson
	Judge     string             // the model's name or the person's ID
	Scripted  bool               // the "model" is the scripted server: say so wherever this shows
	CallID    string             // the stored call a model's verdict rests on
	Judgement db.JSON[Judgement] `bun:"scores"`
	Passed    bool
	Reasons   string // the judge's words
	CreatedAt time.Time
}

// Verdicts returns everything judges said of a source, oldest first.
func Verdicts(ctx context.Context, d *db.DB, sourceID string) (_ []Verdict, err error) {
	defer errs.Wrap(&err, "verdicts on source %s", sourceID)
	var vs []Verdict
	err = d.All(ctx, &vs, `SELECT * FROM verdict WHERE source_id = ? ORDER BY id`, sourceID)
	return vs, err
}

// Current picks the verdict that counts at each stage: a person's before a model's, then the newest.
func Current(vs []Verdict) map[string]Verdict {
	now := map[string]Verdict{}
	for _, v := range vs {
		have, ok := now[v.Stage]
		if ok && have.JudgeKind == ByPerson && v.JudgeKind == ByModel {
			continue
		}
		now[v.Stage] = v
	}
	return now
}

// add stores a verdict and settles what follows from it, in one transaction: a source that
// fails a stage is refused, one that has passed every stage enters the pool, any other stays
// where it is. rule names what moves it. It returns the source's state after that.
func add(ctx context.Context, d *db.DB, v Verdict, ruling Ruling, bit []string, rule string) (state string, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		s, err := source.Get(ctx, tx, v.SourceID)
		if err != nil {
			return err
		}
		state = s.State
		if err := mayJudge(s, v.JudgeKind); err != nil {
			return err
		}
		vs, err := Verdicts(ctx, tx, s.ID)
		if err != nil {
			return err
		}
		for _, old := range vs {
			if v.CallID != "" && old.CallID == v.CallID && old.Stage == v.Stage {
				return errs.Conflictf("source %s: another process has recorded this verdict", s.ID)
			}
		}
		v.ID, v.CreatedAt, v.Passed = db.NewID(), tx.Now(), ruling == Pass
		if err := tx.Insert(ctx, &v); err != nil {
			return err
		}
		facts := map[string]any{
			"stage": v.Stage, "verdict": v.ID, "judgement": v.Judgement.V, "ruling": ruling,
			"content_hash": s.ContentHash,
		}
		if v.CallID != "" {
			var version string
			if err := tx.One(ctx, &version, `SELECT prompt_hash FROM llm_call WHERE id = ?`, v.CallID); err != nil {
				return err
			}
			facts["call"], facts["prompt"] = v.CallID, version
		}
		if v.Scripted {
			facts["scripted"] = true
		}
		if len(bit) > 0 {
			facts["because"] = bit
		}
		actor := v.Judge
		if v.JudgeKind == ByModel {
			actor = "model:" + v.Judge
		}
		if err := audit.Record(ctx, tx, audit.Entry{
			Kind: "source", ID: s.ID, Actor: actor, Action: "judge", From: s.State, To: s.State, Data: facts,
		}); err != nil {
			return err
		}
		to, reason := next(s, Current(append(vs, v)), v, ruling)
		if to == s.State {
			return nil
		}
		state = to
		return source.Advance(ctx, tx, s.ID, to, rule, reason, facts)
	})
	return state, err
}

// mayJudge says whether a verdict may be added to a source in its state. A model judges what
// waits; a person may also judge what is held, and what nobody has claimed yet.
func mayJudge(s *source.Source, judgeKind string) error {
	switch {
	case s.State == source.Waiting:
		return nil
	case judgeKind == ByPerson && (s.State == source.Held || s.State == source.Pool):
		return nil
	case s.State == source.Refused:
		return errs.Conflictf("source %s is refused: reopen it first", s.ID)
	}
	return errs.Conflictf("source %s is %s: it cannot be judged now", s.ID, s.State)
}

// next says where a source goes after a verdict, and why. It is pure.
func next(s *source.Source, now map[string]Verdict, latest Verdict, ruling Ruling) (state, reason string) {
	// A source held for its date or by a rule's question stays held whatever judges say of its
	// quality: that question is another.
	if s.State == source.Held && !ours(s.Reason) {
		return s.State, s.Reason
	}
	if ruling == Fail {
		return source.Refused, ReasonBelow + latest.Stage
	}
	if s.State == source.Pool && ruling == Ask {
		return s.State, s.Reason
	}
	for _, stage := range Stages {
		if v, ok := now[stage]; !ok || !v.Passed {
			return s.State, s.Reason
		}
	}
	if latest.JudgeKind == ByPerson && s.State == source.Held {
		return source.Pool, ReasonByPerson
	}
	return source.Pool, ""
}
