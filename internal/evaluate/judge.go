package evaluate

import (
	"context"
	"embed"

	"coigwriter/internal/db"
	"coigwriter/internal/llm"
)

//go:embed prompts/*.tmpl
var promptFiles embed.FS

// In every reply the reasons come first, so that the verdict follows from them.
type pairReply struct {
	Reasons string `json:"reasons"`
	Winner  string `json:"winner" enum:"A,B,tie,both_bad"`
}

type pairData struct{ Query, A, B llm.Text }

// A Rating is a mark from 0 to 3 on each of five sides of an answer (paper section 3.2).
type Rating struct {
	ContentQuality          int `json:"content_quality" min:"0" max:"3"`
	CreativeMerit           int `json:"creative_merit" min:"0" max:"3"`
	CulturalAppropriateness int `json:"cultural_appropriateness" min:"0" max:"3"`
	TaskFulfilment          int `json:"task_fulfilment" min:"0" max:"3"`
	OverallPreference       int `json:"overall_preference" min:"0" max:"3"`
}

// Marks are the rating by the keys of [Dimensions].
func (r Rating) Marks() map[string]int {
	return map[string]int{
		"content_quality": r.ContentQuality, "creative_merit": r.CreativeMerit, "cultural_appropriateness": r.CulturalAppropriateness,
		"task_fulfilment": r.TaskFulfilment, "overall_preference": r.OverallPreference,
	}
}

type ratingReply struct {
	Reasons                 string `json:"reasons"`
	ContentQuality          int    `json:"content_quality" min:"0" max:"3"`
	CreativeMerit           int    `json:"creative_merit" min:"0" max:"3"`
	CulturalAppropriateness int    `json:"cultural_appropriateness" min:"0" max:"3"`
	TaskFulfilment          int    `json:"task_fulfilment" min:"0" max:"3"`
	OverallPreference       int    `json:"overall_preference" min:"0" max:"3"`
}

type ratingData struct{ Query, Answer llm.Text }

var (
	pairPrompt   = llm.MustPrompt[pairReply](promptFiles, "judge-pair")
	ratingPrompt = llm.MustPrompt[ratingReply](promptFiles, "judge-rating")
)

// Prompts are those of the judges, to be read and tried. A sample's reasoning stands for the second
// answer of a pair.
func Prompts() []llm.Info {
	return []llm.Info{
		pairPrompt.Info(func(s llm.Sample) (any, error) {
			return pairData{llm.Text(s.Prompt), llm.Text(s.Article), llm.Text(s.Reasoning)}, nil
		}),
		ratingPrompt.Info(func(s llm.Sample) (any, error) {
			return ratingData{llm.Text(s.Prompt), llm.Text(s.Article)}, nil
		}),
	}
}

// The outcomes of a comparison.
const (
	First   = "A"
	Second  = "B"
	Tie     = "tie"
	BothBad = "both_bad"
)

// A PairVerdict is what a model says of two answers after it has read them in both orders.
type PairVerdict struct {
	Winner  string    // First, Second, Tie or BothBad, in the order of the arguments
	Flipped bool      // the two orders disagreed, so that it counts as a tie
	Said    [2]string // of each order, both in the order of the arguments
	Reasons [2]string // of each order
	CallIDs [2]string // of each order
}

// JudgePair asks a model which of two answers to a query is better, in both orders. Where they disagree
// it is a tie, and said to be a flipped one: what changes with the order is the model's liking of a place.
// An error that is an llm.Failure leaves the pair without a verdict.
func JudgePair(ctx context.Context, d *db.DB, c *llm.Client, query, a, b string, about llm.About) (v PairVerdict, err error) {
	var said [2]string
	for i, data := range []pairData{{llm.Text(query), llm.Text(a), llm.Text(b)}, {llm.Text(query), llm.Text(b), llm.Text(a)}} {
		var r pairReply
		if r, v.CallIDs[i], err = llm.Ask(ctx, d, c, pairPrompt, data, about); err != nil {
			return v, err
		}
		said[i], v.Reasons[i] = r.Winner, r.Reasons
	}
	v.Said = [2]string{said[0], turned(said[1])}
	v.Winner, v.Flipped = reconcile(v.Said[0], v.Said[1])
	return v, nil
}

// turned is an outcome seen with the answers in the other order.
func turned(outcome string) string {
	switch outcome {
	case First:
		return Second
	case Second:
		return First
	}
	return outcome
}

// reconcile makes one outcome of two, both in the same order of answers.
func reconcile(one, two string) (winner string, flipped bool) {
	if one == two {
		return one, false
	}
	return Tie, true
}

// JudgeRating asks a model for marks on an answer to a query.
func JudgeRating(ctx context.Context, d *db.DB, c *llm.Client, query, answer string, about llm.About) (r Rating, reasons, callID string, err error) {
	said, callID, err := llm.Ask(ctx, d, c, ratingPrompt, ratingData{llm.Text(query), llm.Text(answer)}, about)
	return Rating{said.ContentQuality, said.CreativeMerit, said.CulturalAppropriateness, said.TaskFulfilment, said.OverallPreference}, said.Reasons, callID, err
}
