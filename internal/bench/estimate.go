package bench

import (
	"context"
	"slices"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/text"
)

// An Estimate is what a run will ask and cost if nothing fails.
type Estimate struct {
	Model     string       `json:"model"`
	Wanted    int          `json:"wanted"`
	There     int          `json:"there"`
	Questions int          `json:"questions"`
	Answers   int          `json:"from_answers"` // past answers of the model whose median the reply's tokens are; 0 when they are guessed
	Tokens    llm.Tokens   `json:"tokens"`
	Most      llm.Tokens   `json:"most"` // were every answer as long as it may be
	Cost      []llm.Amount `json:"cost"` // of Tokens; nothing when the model has no price
	Took      int64        `json:"call_ms"`
}

// guessedAnswer is the tokens of an answer while there are none to learn from: about a thousand
// Chinese characters.
const guessedAnswer = 650

// EstimateRun says what [Generate] would ask, and asks nothing.
func EstimateRun(ctx context.Context, d *db.DB, c *llm.Client, run Run) (est Estimate, err error) {
	defer errs.Wrap(&err, "estimate")
	e := c.Endpoint()
	if run.Model == "" {
		run.Model = e.Model
	}
	sum := Summary{}
	wishes, err := wishesOf(ctx, d, run, &sum)
	if err != nil {
		return est, err
	}
	if err := sameSettings(ctx, d, c, run); err != nil {
		return est, err
	}
	est = Estimate{Model: run.Model, Wanted: sum.Wanted, There: sum.There, Questions: len(wishes), Cost: []llm.Amount{}}
	for _, w := range wishes {
		est.Tokens.Prompt += int64(text.EstimateTokens(run.System) + text.EstimateTokens(w.q.Prompt))
	}
	var past []struct {
		CompletionTokens int64
		DurationMS       int64 `bun:"duration_ms"`
	}
	err = d.All(ctx, &past, `SELECT completion_tokens, duration_ms FROM llm_call WHERE item_kind = 'query' AND model = ? AND http_status = 200 ORDER BY created_at DESC LIMIT 500`, e.Model)
	if err != nil {
		return est, err
	}
	each := int64(guessedAnswer)
	if est.Answers = len(past); len(past) > 0 {
		tokens, took := make([]int64, len(past)), make([]int64, len(past))
		for i, p := range past {
			tokens[i], took[i] = p.CompletionTokens, p.DurationMS
		}
		slices.Sort(tokens)
		slices.Sort(took)
		each, est.Took = tokens[len(tokens)/2], took[len(took)/2]
	}
	n := int64(len(wishes))
	est.Most = llm.Tokens{Prompt: est.Tokens.Prompt, Completion: n * int64(e.MaxTokens)}
	est.Tokens.Completion = n * min(each, int64(e.MaxTokens))
	if price, ok := e.Prices.Of(e.Model, time.Now()); ok {
		est.Cost = append(est.Cost, price.Cost(est.Tokens))
	}
	return est, nil
}
