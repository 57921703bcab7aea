package api

import (
	"context"
	"encoding/json"
	"net/http"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
	"coigwriter/internal/user"
)

// SetWithQueries is a set of the benchmark with its queries.
type SetWithQueries struct {
	Set       bench.Set          `json:"set"`
	Queries   []record.Query     `json:"queries"`   // that stand
	Withdrawn []string           `json:"withdrawn"` // ids
	Coverage  []bench.Coverage   `json:"coverage"`
	Models    []bench.ModelCount `json:"models"`
	Panel     map[string]PanelOf `json:"panel"` // by query id, of those that were marked
}

// PanelOf is what the panel says of a query, on average: 1 to 5.
type PanelOf struct {
	People     int     `json:"people"`
	Clarity    float64 `json:"clarity"`
	Precision  float64 `json:"precision"`
	Difficulty float64 `json:"difficulty"`
}

// QueriesAdded is the answer of adding queries.
type QueriesAdded struct {
	Set     bench.Set `json:"set"`
	Added   int       `json:"added"`
	Refused []string  `json:"refused"` // why, each with its id
}

// AnswersAdded is the answer of importing answers.
type AnswersAdded struct {
	bench.ImportReport
	Refused []string `json:"refused"` // why
}

// AnswerPage is a part of the answers to a set.
type AnswerPage struct {
	Answers []bench.AnswerRecord `json:"answers"`
	Next    int                  `json:"next,omitempty" doc:"give it as after; absent on the last page"`
}

func (a *API) benchmark() {
	d := a.opt.DB
	op(a, http.MethodGet, "/benchmark", user.BenchmarkRead, "Sets of queries, newest first", func(ctx context.Context, _ *struct{}) (*body[[]bench.SetSummary], error) {
		return answer(bench.Summaries(ctx, d))
	})
	op(a, http.MethodPost, "/benchmark", user.BenchmarkManage, "A new draft of queries, or the next version of a set that is there", func(ctx context.Context, in *struct {
		Body struct {
			Name    string            `json:"name" maxLength:"80"`
			Note    string            `json:"note,omitempty" maxLength:"2000"`
			Queries []json.RawMessage `json:"queries" minItems:"1" maxItems:"10000" doc:"records as files have them"`
		}
	},
	) (*body[QueriesAdded], error) {
		tax, err := project.Taxonomy(ctx, d)
		if err != nil {
			return nil, err
		}
		out := QueriesAdded{Refused: []string{}}
		var rs []record.Query
		for i, raw := range in.Body.Queries {
			q, err := record.DecodeQuery(record.Raw{File: "queries", Line: i + 1, Data: raw})
			if err != nil {
				out.Refused = append(out.Refused, err.Error())
				continue
			}
			rs = append(rs, q)
		}
		set, refused, err := bench.ImportQueries(ctx, d, tax, by(ctx).ID, in.Body.Name, in.Body.Note, rs, false)
		if err != nil {
			return nil, err
		}
		for _, r := range refused {
			out.Refused = append(out.Refused, r.Record.(record.Query).ID+": "+r.Err.Error())
		}
		out.Set, out.Added = set, len(rs)-len(refused)
		return answer(out, nil)
	})
	op(a, http.MethodGet, "/benchmark/{id}", user.BenchmarkRead, "One set with its queries, coverage, models and panel", func(ctx context.Context, in *OnItem) (*body[SetWithQueries], error) {
		return answer(a.setWithQueries(ctx, in.ID))
	})
	op(a, http.MethodPost, "/benchmark/{id}/queries", user.BenchmarkManage, "Add one query to a draft", func(ctx context.Context, in *struct {
		OnItem
		Body json.RawMessage `doc:"a record as files have it"`
	},
	) (*body[record.Query], error) {
		r, err := record.DecodeQuery(record.Raw{File: "body", Line: 1, Data: in.Body})
		if err != nil {
			return nil, errs.Invalidf("%w", err)
		}
		tax, err := project.Taxonomy(ctx, d)
		if err != nil {
			return nil, err
		}
		q := bench.QueryOf(r)
		q.SetID = in.ID
		err = bench.SaveQuery(ctx, d, tax, by(ctx).ID, &q)
		return answer(q.Record(), err)
	})
	op(a, http.MethodPost, "/benchmark/{id}/freeze", user.BenchmarkManage, "Freeze a draft: its queries never change again", func(ctx context.Context, in *OnItem) (*body[bench.Set], error) {
		return answer(bench.Move(ctx, d, by(ctx).ID, in.ID, bench.Frozen))
	})
	op(a, http.MethodGet, "/benchmark/{id}/answers", user.BenchmarkRead, "Answers to a set, by query, model and sample", func(ctx context.Context, in *struct {
		OnItem
		Model string `query:"model" maxLength:"200" doc:"of this model only"`
		After int    `query:"after" minimum:"0" doc:"where the page before ended"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	},
	) (*body[AnswerPage], error) {
		return answer(a.answerPage(ctx, in.ID, in.Model, in.After, in.Limit))
	})
	op(a, http.MethodPost, "/benchmark/{id}/answers", user.BenchmarkManage, "Import answers to a frozen set; those that are there are never changed", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Model   string            `json:"model,omitempty" maxLength:"200" doc:"of records that name none"`
			Answers []json.RawMessage `json:"answers" minItems:"1" maxItems:"1000" doc:"generations as files have them"`
		}
	},
	) (*body[AnswersAdded], error) {
		out := AnswersAdded{Refused: []string{}}
		var gs []record.Generation
		for i, raw := range in.Body.Answers {
			g, err := record.DecodeGeneration(record.Raw{File: "answers", Line: i + 1, Data: raw}, in.Body.Model)
			if err != nil {
				out.Refused = append(out.Refused, err.Error())
				continue
			}
			gs = append(gs, g)
		}
		rep, err := bench.ImportAnswers(ctx, d, by(ctx).ID, in.ID, gs)
		if err != nil {
			return nil, err
		}
		for _, r := range rep.Refused {
			out.Refused = append(out.Refused, r.Err.Error())
		}
		rep.Read = len(in.Body.Answers)
		out.ImportReport = rep
		return answer(out, nil)
	})
}

func (a *API) setWithQueries(ctx context.Context, id string) (out SetWithQueries, err error) {
	d := a.opt.DB
	if out.Set, err = bench.GetSet(ctx, d, id); err != nil {
		return out, err
	}
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return out, err
	}
	qs, err := bench.Queries(ctx, d, id)
	if err != nil {
		return out, err
	}
	if out.Models, err = bench.Counts(ctx, d, id); err != nil {
		return out, err
	}
	panels, err := bench.Panels(ctx, d, id)
	if err != nil {
		return out, err
	}
	out.Queries, out.Withdrawn, out.Panel = []record.Query{}, []string{}, map[string]PanelOf{}
	for _, q := range qs {
		if q.WithdrawnAt != nil {
			out.Withdrawn = append(out.Withdrawn, q.Code)
			continue
		}
		out.Queries = append(out.Queries, q.Record())
		if p, ok := panels[q.ID]; ok {
			out.Panel[q.Code] = PanelOf{p.People, p.Clarity, p.Precise, p.Difficulty}
		}
	}
	out.Coverage, _ = bench.Cover(bench.Standing(qs), tax)
	return out, nil
}

func (a *API) answerPage(ctx context.Context, id, model string, after, limit int) (out AnswerPage, err error) {
	d := a.opt.DB
	qs, err := bench.Queries(ctx, d, id)
	if err != nil {
		return out, err
	}
	if _, err := bench.GetSet(ctx, d, id); err != nil {
		return out, err
	}
	byID := map[string]bench.Query{}
	for _, q := range qs {
		byID[q.ID] = q
	}
	as, err := bench.AnswersAfter(ctx, d, id, model, after, limit+1)
	if err != nil {
		return out, err
	}
	if len(as) > limit {
		as, out.Next = as[:limit], after+limit
	}
	out.Answers = []bench.AnswerRecord{}
	for _, x := range as {
		out.Answers = append(out.Answers, bench.RecordOf(byID[x.QueryID], x))
	}
	return out, nil
}
