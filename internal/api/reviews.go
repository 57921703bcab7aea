package api

import (
	"context"
	"math/rand/v2"
	"net/http"

	"coigwriter/internal/review"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// Assignment is a review with the three parts it is about.
type Assignment struct {
	Review    *review.Review `json:"review"`
	Genre     string         `json:"genre"`
	Tier      string         `json:"tier"`
	Prompt    string         `json:"prompt"`
	Reasoning string         `json:"reasoning"`
	Article   string         `json:"article"`
}

func (a *API) reviews() {
	d := a.opt.DB
	op(a, http.MethodGet, "/reviews", user.ReviewDo, "One's own queue", func(ctx context.Context, in *struct {
		State string `query:"state" enum:"open,done" default:"open"`
	},
	) (*body[[]review.Task], error) {
		return answer(review.Queue(ctx, d, by(ctx).ID, in.State, 500))
	})
	op(a, http.MethodGet, "/reviews/{id}", user.ReviewDo, "One review of one's own, with the triplet, blind", func(ctx context.Context, in *OnItem) (*body[Assignment], error) {
		r, err := review.Get(ctx, d, in.ID, by(ctx).ID)
		if err != nil {
			return nil, err
		}
		t, err := triplet.Get(ctx, d, r.TripletID)
		if err != nil {
			return nil, err
		}
		return answer(Assignment{r, t.Genre, t.Tier, t.Content.V.Prompt, t.Content.V.Reasoning, t.Article}, nil)
	})
	op(a, http.MethodPost, "/reviews/{id}/verdict", user.ReviewDo, "Hand a review in", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Verdict    string         `json:"verdict" enum:"accept,revise,remove"`
			Criteria   map[string]int `json:"criteria" doc:"consistency, authenticity, coherence, diversity: 1 to 5"`
			Comment    string         `json:"comment,omitempty"`
			ReasonCode string         `json:"reason_code,omitempty"`
		}
	},
	) (*body[done], error) {
		b := in.Body
		return finished(review.Submit(ctx, d, in.ID, by(ctx).ID, review.Form{Verdict: b.Verdict, Criteria: b.Criteria, Comment: b.Comment, ReasonCode: b.ReasonCode}))
	})
	op(a, http.MethodPost, "/assignments", user.ReviewManage, "Give triplets in review the reviewers they lack; the answer lists gaps", func(ctx context.Context, _ *struct{}) (*body[[]review.Gap], error) {
		gaps, err := review.AssignOpen(ctx, d, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
		if gaps == nil {
			gaps = []review.Gap{}
		}
		return answer(gaps, err)
	})
	op(a, http.MethodPost, "/triplets/{id}/adjudication", user.ReviewManage, "Decide a disputed triplet", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Verdict string `json:"verdict" enum:"accept,revise"`
			Reason  string `json:"reason"`
		}
	},
	) (*body[done], error) {
		return finished(review.Adjudicate(ctx, d, in.ID, by(ctx).ID, in.Body.Verdict, in.Body.Reason))
	})
	op(a, http.MethodPost, "/triplets/{id}/removal", user.RemovalVote, "Propose to remove a triplet", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			ReasonCode string `json:"reason_code" enum:"factual-error,guideline,rights,duplicate"`
			Note       string `json:"note,omitempty"`
		}
	},
	) (*body[done], error) {
		return finished(review.ProposeRemoval(ctx, d, in.ID, by(ctx).ID, in.Body.ReasonCode, in.Body.Note))
	})
	op(a, http.MethodPost, "/triplets/{id}/removal/decision", user.RemovalVote, "The second person's word on a removal", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Confirm bool   `json:"confirm"`
			Reason  string `json:"reason"`
		}
	},
	) (*body[done], error) {
		return finished(review.DecideRemoval(ctx, d, in.ID, by(ctx).ID, in.Body.Confirm, in.Body.Reason))
	})
}
