package evaluate

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/text"
)

// JudgeTransitions are all the moves of a request that a model judge a study: those of other work that
// models are asked for, and on again where a study that was judged has got further items or verdicts.
var JudgeTransitions = append(bench.OrderMoves("study.manage"), audit.Transition{From: bench.Done, To: bench.Wanted, Action: "go-on", Who: "study.manage"})

// A JudgeOrder asks that the configured model judge a study. It goes on after a restart; how far it is
// stands in the judgements.
type JudgeOrder struct {
	bun.BaseModel `bun:"table:judge_order"`

	StudyID   string    `json:"study_id" bun:",pk"`
	State     string    `json:"state"`
	Reason    string    `json:"reason,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Open reports whether workers are at it, or will be.
func (o JudgeOrder) Open() bool { return o.State == bench.Wanted || o.State == bench.Running }

// OrderOf returns the request of a study, or NotFound.
func OrderOf(ctx context.Context, d *db.DB, studyID string) (o JudgeOrder, err error) {
	return o, d.One(ctx, &o, `SELECT * FROM judge_order WHERE study_id = ?`, studyID)
}

// AskJudge asks that the configured model judge a study, or takes a request up again.
func AskJudge(ctx context.Context, d *db.DB, by, studyID string) error {
	err := d.Transact(ctx, func(tx *db.DB) error {
		s, err := locked(ctx, tx, studyID)
		if err != nil {
			return err
		}
		if err := judgeable(s); err != nil {
			return err
		}
		if _, err := OrderOf(ctx, tx, studyID); !errors.Is(err, errs.NotFound) {
			return err // nil where it is there
		}
		o := &JudgeOrder{StudyID: studyID, State: bench.Wanted, CreatedAt: tx.Now(), CreatedBy: by, UpdatedAt: tx.Now()}
		if err := tx.Insert(ctx, o); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "judge_order", ID: studyID, Actor: by, Action: "ask", To: bench.Wanted})
	})
	if err != nil {
		return err
	}
	o, err := OrderOf(ctx, d, studyID)
	if err != nil || o.Open() {
		return err
	}
	return MoveJudge(ctx, d, by, studyID, bench.Wanted, "")
}

// judgeable says why a study cannot be judged by models.
func judgeable(s Study) error {
	if s.State != Open && s.State != Closed || s.Origin != Here {
		return errs.Conflictf("%s has no items to judge: it is %s, %s", s.Name, s.State, s.Origin)
	}
	return nil
}

// MoveJudge brings a request into another state of [JudgeTransitions].
func MoveJudge(ctx context.Context, d *db.DB, by, studyID, to, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "judge order "+studyID); err != nil {
			return err
		}
		o, err := OrderOf(ctx, tx, studyID)
		if err != nil {
			return err
		}
		tr, err := JudgeTransitions.Find("request for a judge", o.State, to, reason)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE judge_order SET state = ?, reason = ?, updated_at = ? WHERE study_id = ?`, to, reason, tx.Now(), studyID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "judge_order", ID: studyID, Actor: by, Action: tr.Action, From: o.State, To: to, Reason: reason})
	})
}

// A JudgeEstimate is what a judge will be asked and what that costs, if nothing fails.
type JudgeEstimate struct {
	Judge  string       `json:"judge"`
	Wanted int          `json:"wanted"` // pairs of answers, or answers
	There  int          `json:"there"`
	Calls  int          `json:"calls"` // two for a pair
	Past   int          `json:"from_calls"`
	Tokens llm.Tokens   `json:"tokens"`
	Cost   []llm.Amount `json:"cost"`
	Took   int64        `json:"call_ms"` // median of a past call; 0 without
}

// guessedVerdict is the tokens of a verdict with its reasons, and guessedFrame of what is said around
// the texts, while there are no calls to learn from.
const (
	guessedVerdict = 220
	guessedFrame   = 500
)

// EstimateJudge says what [JudgeStudy] would ask, and asks nothing.
func EstimateJudge(ctx context.Context, d *db.DB, c *llm.Client, s Study) (est JudgeEstimate, err error) {
	defer errs.Wrap(&err, "estimate")
	if err := judgeable(s); err != nil {
		return est, err
	}
	judge, _ := Identity(c, s.Kind)
	sum := JudgeSummary{}
	wishes, err := judgeWishes(ctx, d, s, judge, 0, &sum)
	if err != nil {
		return est, err
	}
	est = JudgeEstimate{Judge: judge, Wanted: sum.Wanted, There: sum.There, Cost: []llm.Amount{}}
	var sizes []struct {
		ID    string
		Chars int64
	}
	if err := d.All(ctx, &sizes, `SELECT a.id, a.chars + LENGTH(q.prompt) AS chars FROM answer a JOIN query q ON q.id = a.query_id WHERE q.set_id = ?`, s.Plan.V.SetID); err != nil {
		return est, err
	}
	chars := map[string]int64{}
	for _, x := range sizes {
		chars[x.ID] = x.Chars
	}
	each, reply := int64(1), int64(guessedVerdict)
	if s.Kind != Rate {
		each = 2
	}
	for _, w := range wishes {
		n := chars[w.item.Answers.V[w.first]]
		if w.second >= 0 {
			n += chars[w.item.Answers.V[w.second]]
		}
		est.Calls += int(each)
		est.Tokens.Prompt += each * (guessedFrame + int64(float64(n)/text.HanPerToken))
	}
	var past []struct {
		CompletionTokens int64
		DurationMS       int64 `bun:"duration_ms"`
	}
	name := pairPrompt.Name
	if s.Kind == Rate {
		name = ratingPrompt.Name
	}
	if err := d.All(ctx, &past, `SELECT completion_tokens, duration_ms FROM llm_call WHERE prompt = ? AND model = ? AND http_status = 200 ORDER BY created_at DESC LIMIT 200`, name, c.Endpoint().Model); err != nil {
		return est, err
	}
	if est.Past = len(past); est.Past > 0 {
		reply = 0
		for _, p := range past {
			reply += p.CompletionTokens
			est.Took += p.DurationMS
		}
		reply, est.Took = reply/int64(len(past)), est.Took/int64(len(past))
	}
	est.Tokens.Completion = int64(est.Calls) * reply
	if price, ok := c.Endpoint().Prices.Of(c.Endpoint().Model, d.Now()); ok {
		est.Cost = append(est.Cost, price.Cost(est.Tokens))
	}
	return est, nil
}
