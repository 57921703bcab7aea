package sample

import (
	"context"
	"errors"
	"slices"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
)

// writers are those of the sample set, from the one that is meant to be good to the one with faults.
var writers = []string{"writer-a", "writer-b", "writer-c"}

// studies adds a closed study of rankings and an open one of pairs, half done, and a draft. Who votes
// here is made up, as are the people: they like the writers in their order, and differ now and then.
func (l *loader) studies(ctx context.Context) error {
	lead := l.people["xu"]
	set, err := bench.FindSet(ctx, l.d, "sample")
	if err != nil {
		return err
	}
	plan := evaluate.DefaultPlan()
	plan.SetID, plan.Models, plan.Repeats, plan.Attention = set.ID, writers, 0, 1
	plan.Question = "三位写手里，读者更愿意读谁的？"
	for _, login := range []string{"tang", "he", "lu"} {
		plan.Evaluators = append(plan.Evaluators, l.people[login])
	}
	plan.Overlap, plan.Shared = 3, 1
	ranked, err := l.begin(ctx, lead, "三位写手的排序", evaluate.Rank, plan)
	if err != nil {
		return err
	}
	if err := l.vote(ctx, ranked, 100); err != nil {
		return err
	}
	l.step(time.Hour)
	if _, err := evaluate.Move(ctx, l.d, lead, ranked.ID, evaluate.Closed, ""); err != nil {
		return err
	}
	plan.Evaluators, plan.Overlap, plan.Shared = plan.Evaluators[:2], 2, 0.5
	paired, err := l.begin(ctx, lead, "逐对比较", evaluate.Pair, plan)
	if err != nil {
		return err
	}
	if err := l.vote(ctx, paired, 7); err != nil {
		return err
	}
	_, err = evaluate.New(ctx, l.d, lead, "下一轮评分", evaluate.Rate, plan)
	return err
}

func (l *loader) begin(ctx context.Context, by, name, kind string, plan evaluate.Plan) (evaluate.Study, error) {
	l.step(20 * time.Minute)
	s, err := evaluate.New(ctx, l.d, by, name, kind, plan)
	if err != nil {
		return s, err
	}
	l.step(5 * time.Minute)
	return evaluate.Begin(ctx, l.d, by, s.ID)
}

// vote has every rater of a study do so many of their tasks.
func (l *loader) vote(ctx context.Context, s evaluate.Study, most int) error {
	items, err := evaluate.Items(ctx, l.d, s.ID)
	if err != nil {
		return err
	}
	who := map[string]string{} // text of an answer to a query → its writer; a foil is nobody's
	as, err := bench.Answers(ctx, l.d, s.Plan.V.SetID)
	if err != nil {
		return err
	}
	prompt := map[string]string{}
	qs, err := bench.Queries(ctx, l.d, s.Plan.V.SetID)
	if err != nil {
		return err
	}
	for _, q := range qs {
		prompt[q.ID] = q.Prompt
	}
	for _, a := range as {
		who[prompt[a.QueryID]+a.Output] = a.Model
	}
	for _, person := range s.Plan.V.Evaluators {
		for range min(most, len(items)) {
			id, err := evaluate.Next(ctx, l.d, person, s.ID, 0)
			if errors.Is(err, errs.NotFound) {
				break
			}
			if err != nil {
				return err
			}
			sheet, err := evaluate.Show(ctx, l.d, person, id, true)
			if err != nil {
				return err
			}
			l.step(90 * time.Second)
			if _, err := evaluate.Give(ctx, l.d, person, id, l.opinionOf(sheet, who)); err != nil {
				return err
			}
		}
	}
	return nil
}

// opinionOf orders what is shown by how good its writer is meant to be, with a taste of one's own.
func (l *loader) opinionOf(sheet evaluate.Sheet, who map[string]string) evaluate.Given {
	worth := make([]float64, len(sheet.Texts))
	order := make([]int, len(sheet.Texts))
	for i, text := range sheet.Texts {
		order[i], worth[i] = i, -3 // an answer to another query
		if at := slices.Index(writers, who[sheet.Prompt+text]); at >= 0 {
			worth[i] = -float64(at) + 0.7*l.rng.NormFloat64()
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		if worth[a] > worth[b] {
			return -1
		}
		return 1
	})
	if sheet.Kind == evaluate.Rank {
		return evaluate.Given{Ranked: order}
	}
	return evaluate.Given{Winner: []string{"a", "b"}[order[0]]}
}
