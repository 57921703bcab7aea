package screen

import (
	"context"
	"slices"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

// An Estimate is what one stage of the next run will ask and cost, if nothing fails and every source
// passes every stage: the most it can be, repairs apart.
type Estimate struct {
	Stage     string       `json:"stage"`
	Questions int          `json:"questions"`
	Calls     int          `json:"from_calls"` // past calls whose median the tokens are; 0 when they are guessed from the texts
	Tokens    llm.Tokens   `json:"tokens"`     // of all questions together
	Cost      []llm.Amount `json:"cost"`       // nothing when the model has no price
	Took      int64        `json:"call_ms"`    // median time of a past call; 0 without
}

// How much a question is guessed to hold besides its text, and a reply, while there are no calls to
// learn from.
const (
	guessedPreamble = 1100
	guessedReply    = 160
)

// EstimateRun says what screening the waiting sources will ask, stage by stage.
func (c Screener) EstimateRun(ctx context.Context, d *db.DB) (out []Estimate, err error) {
	defer errs.Wrap(&err, "estimate")
	e := c.Client.Endpoint()
	price, priced := e.Prices.Of(e.Model, time.Now())
	for _, stage := range Stages {
		x := Estimate{Stage: stage, Cost: []llm.Amount{}}
		var waiting struct {
			N     int
			Chars int64
		}
		err := d.One(ctx, &waiting, `SELECT COUNT(*) AS n, COALESCE(SUM(LENGTH(s.text)), 0) AS chars FROM source s WHERE s.state = ? AND NOT `+needsPerson+`
			AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.source_id = s.id AND v.stage = ? AND v.passed)`, source.Waiting, stage)
		if err != nil {
			return nil, err
		}
		var past []struct {
			PromptTokens, CompletionTokens int64
			DurationMS                     int64 `bun:"duration_ms"`
		}
		if err := d.All(ctx, &past, `SELECT prompt_tokens, completion_tokens, duration_ms FROM llm_call
			WHERE prompt = ? AND model = ? AND http_status = 200 ORDER BY created_at DESC LIMIT 500`, stage, e.Model); err != nil {
			return nil, err
		}
		x.Questions, x.Calls = waiting.N, len(past)
		n := int64(waiting.N)
		if len(past) == 0 {
			x.Tokens = llm.Tokens{Prompt: n*guessedPreamble + int64(float64(waiting.Chars)/text.HanPerToken), Completion: n * guessedReply}
		} else {
			median := func(of func(i int) int64) int64 {
				xs := make([]int64, len(past))
				for i := range past {
					xs[i] = of(i)
				}
				slices.Sort(xs)
				return xs[len(xs)/2]
			}
			x.Tokens = llm.Tokens{Prompt: n * median(func(i int) int64 { return past[i].PromptTokens }), Completion: n * median(func(i int) int64 { return past[i].CompletionTokens })}
			x.Took = median(func(i int) int64 { return past[i].DurationMS })
		}
		if priced {
			x.Cost = append(x.Cost, price.Cost(x.Tokens))
		}
		out = append(out, x)
	}
	return out, nil
}
