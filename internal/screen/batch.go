package screen

import (
	"context"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/source"
)

// Questions calls f with the question of the next stage of every waiting source, at most limit
// (0 for all), for a batch service. Sources whose next question is answered already, so that a
// run needs no call for them, are counted and passed over.
func (c Screener) Questions(ctx context.Context, d *db.DB, limit int, f func(llm.BatchLine) error) (answered int, err error) {
	defer errs.Wrap(&err, "questions of waiting sources")
	for after, n := "", 0; ; {
		ids, err := waitingAfter(ctx, d, after, pageSize)
		if err != nil || len(ids) == 0 {
			return answered, err
		}
		after = ids[len(ids)-1]
		for _, id := range ids {
			if limit > 0 && n >= limit {
				return answered, nil
			}
			line, ok, err := c.Question(ctx, d, id)
			if err != nil {
				return answered, err
			}
			if !ok {
				continue
			}
			done, err := line.Answered(ctx, d)
			if err != nil {
				return answered, err
			}
			if done {
				answered++
				continue
			}
			n++
			if err := f(line); err != nil {
				return answered, err
			}
		}
	}
}

// Question is what the model would be asked next about a source; ok is false when it is not
// for a model to judge: it does not wait, waits for a person, or has passed every stage.
func (c Screener) Question(ctx context.Context, d *db.DB, sourceID string) (line llm.BatchLine, ok bool, err error) {
	s, err := source.Get(ctx, d, sourceID)
	if err != nil || s.State != source.Waiting {
		return line, false, err
	}
	vs, err := Verdicts(ctx, d, s.ID)
	if err != nil {
		return line, false, err
	}
	now := Current(vs)
	for _, stage := range Stages {
		switch v, judged := now[stage]; {
		case judged && v.Passed:
			continue
		case judged:
			return line, false, nil
		}
		line, err = c.question(s, stage)
		return line, err == nil, err
	}
	return line, false, nil
}

// question is [AskStage] without the asking.
func (c Screener) question(s *source.Source, stage string) (llm.BatchLine, error) {
	data, about := dataOf(s, c.Taxonomy), llm.About{Kind: "source", ID: s.ID}
	switch stage {
	case Assessment:
		return llm.Question(c.Client, assessmentPrompt, data, about)
	case Screening:
		return llm.Question(c.Client, screeningPrompt, data, about)
	default:
		return llm.Question(c.Client, usabilityPrompt, data, about)
	}
}
