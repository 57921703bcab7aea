package api

import (
	"context"
	"encoding/json"
	"net/http"

	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/project"
	"coigwriter/internal/user"
)

// StudyWithPlan is a study with what its plan comes to.
type StudyWithPlan struct {
	Study      evaluate.Study       `json:"study"`
	Outlook    *evaluate.Outlook    `json:"outlook,omitempty" doc:"of a draft: load, time and what it can tell"`
	Deviations []evaluate.Deviation `json:"deviations"`
	Judges     []evaluate.Judge     `json:"judges"`
}

// RecordPage is a part of a study's verdicts, as files carry them.
type RecordPage struct {
	Records []json.RawMessage `json:"records"`
	Total   int               `json:"total"`
	Next    int               `json:"next,omitempty" doc:"give it as after; absent on the last page"`
}

// NewStudy is a plan to be kept as a draft.
type NewStudy struct {
	Name string          `json:"name" maxLength:"200"`
	Kind string          `json:"kind" enum:"pair,rank,rate"`
	Plan json.RawMessage `json:"plan" doc:"fields of a plan; those left out keep their default"`
}

func (a *API) studies() {
	d := a.opt.DB
	op(a, http.MethodGet, "/studies", user.StudyManage, "Studies, newest first, with how far they are", func(ctx context.Context, _ *struct{}) (*body[[]evaluate.Summary], error) {
		return answer(evaluate.Summaries(ctx, d))
	})
	op(a, http.MethodPost, "/studies", user.StudyManage, "Keep a plan as a draft", func(ctx context.Context, in *struct{ Body NewStudy }) (*body[evaluate.Study], error) {
		p := evaluate.DefaultPlan()
		if err := p.Read(in.Body.Plan); err != nil {
			return nil, err
		}
		return answer(evaluate.New(ctx, d, by(ctx).ID, in.Body.Name, in.Body.Kind, p))
	})
	op(a, http.MethodGet, "/studies/{id}", user.StudyManage, "A study: its plan, what it comes to, what was drawn, what was done otherwise, who judged", func(ctx context.Context, in *OnItem) (*body[StudyWithPlan], error) {
		return answer(a.study(ctx, in.ID))
	})
	op(a, http.MethodPost, "/studies/{id}/open", user.StudyManage, "Freeze the plan and put its tasks before people", func(ctx context.Context, in *OnItem) (*body[evaluate.Study], error) {
		return answer(evaluate.Begin(ctx, d, by(ctx).ID, in.ID))
	})
	op(a, http.MethodPost, "/studies/{id}/close", user.StudyManage, "Take no more verdicts", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Reason string `json:"reason,omitempty" maxLength:"2000" doc:"where tasks are open"`
		}
	},
	) (*body[evaluate.Study], error) {
		return answer(evaluate.Move(ctx, d, by(ctx).ID, in.ID, evaluate.Closed, in.Body.Reason))
	})
	op(a, http.MethodGet, "/studies/{id}/results", user.StudyManage, "What people's verdicts say and, apart from them, each judge's: the figures of coigwriter winrate, ratings and agreement", func(ctx context.Context, in *OnItem) (*body[json.RawMessage], error) {
		return answer(a.studyResults(ctx, in.ID))
	})
	op(a, http.MethodGet, "/studies/{id}/raters", user.StudyManage, "Who rates, how far they are and how carefully, by pseudonym", func(ctx context.Context, in *OnItem) (*body[[]evaluate.Rater], error) {
		s, err := evaluate.Get(ctx, d, in.ID)
		if err != nil {
			return nil, err
		}
		raters, err := evaluate.Raters(ctx, d, s)
		return answer(listed(raters), err)
	})
	op(a, http.MethodGet, "/studies/{id}/records", user.StudyManage, "The verdicts that count, as files carry them", func(ctx context.Context, in *struct {
		OnItem
		Of    string `query:"of" enum:"votes,rankings,ratings,judge-votes,judge-ratings" default:"votes"`
		After int    `query:"after" minimum:"0"`
		Limit int    `query:"limit" minimum:"1" maximum:"5000" default:"1000"`
	},
	) (*body[RecordPage], error) {
		s, err := evaluate.Get(ctx, d, in.ID)
		if err != nil {
			return nil, err
		}
		r, err := evaluate.RecordsOf(ctx, d, s)
		if err != nil {
			return nil, err
		}
		switch in.Of {
		case "rankings":
			return answer(pageOf(r.Rankings, in.After, in.Limit))
		case "ratings":
			return answer(pageOf(r.Ratings, in.After, in.Limit))
		case "judge-votes":
			return answer(pageOf(r.JudgeVotes, in.After, in.Limit))
		case "judge-ratings":
			return answer(pageOf(r.JudgeRatings, in.After, in.Limit))
		}
		return answer(pageOf(r.Votes, in.After, in.Limit))
	})
}

func (a *API) study(ctx context.Context, id string) (out StudyWithPlan, err error) {
	d := a.opt.DB
	if out.Study, err = evaluate.Get(ctx, d, id); err != nil {
		return out, err
	}
	if out.Study.State == evaluate.Draft {
		o, err := evaluate.Look(ctx, d, out.Study.Kind, out.Study.Plan.V)
		if err != nil {
			return out, err
		}
		out.Outlook = &o
	}
	if out.Deviations, err = evaluate.Deviations(ctx, d, id); err != nil {
		return out, err
	}
	out.Judges, err = evaluate.Judges(ctx, d, id)
	return out, err
}

// studyResults writes them here: their undefined figures are null, which their Go types do not tell.
func (a *API) studyResults(ctx context.Context, id string) (json.RawMessage, error) {
	d := a.opt.DB
	s, err := evaluate.Get(ctx, d, id)
	if err != nil {
		return nil, err
	}
	if s.State == evaluate.Draft || s.State == evaluate.Abandoned {
		return nil, errs.Conflictf("%s is %s: there are no results", s.Name, s.State)
	}
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return nil, err
	}
	r, err := evaluate.RecordsOf(ctx, d, s)
	if err != nil {
		return nil, err
	}
	out, err := evaluate.ResultsOf(ctx, d, s, r, tax)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// pageOf is a part of a list of records.
func pageOf[T any](all []T, after, limit int) (p RecordPage, err error) {
	p = RecordPage{Records: []json.RawMessage{}, Total: len(all)}
	from := min(after, len(all))
	to := min(from+limit, len(all))
	for _, r := range all[from:to] {
		b, err := json.Marshal(r)
		if err != nil {
			return p, err
		}
		p.Records = append(p.Records, b)
	}
	if to < len(all) {
		p.Next = to
	}
	return p, nil
}
