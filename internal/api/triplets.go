package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// TripletPage is a page of a list; Next is the cursor of the following one.
type TripletPage struct {
	Items []triplet.Row `json:"items"`
	Next  string        `json:"next"`
}

// withRevision is an answer whose ETag is the triplet's revision.
type withRevision[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

func tagged(t *triplet.Triplet, err error) (*withRevision[*triplet.Triplet], error) {
	if err != nil {
		return nil, err
	}
	return &withRevision[*triplet.Triplet]{quote(t.Revision), t}, nil
}

func quote(n int64) string { return strconv.Quote(strconv.FormatInt(n, 10)) }

// based reads the revision a change is based on from If-Match.
func based(ifMatch string) (int64, error) {
	n, err := strconv.ParseInt(strings.Trim(ifMatch, `"`), 10, 64)
	if err != nil {
		return 0, errs.Fields(errs.Field{Name: "If-Match", Msg: `send the revision you read, such as If-Match: "3"`})
	}
	return n, nil
}

func (a *API) triplets() {
	d := a.opt.DB
	op(a, http.MethodGet, "/triplets", user.TripletRead, "List triplets, newest first", func(ctx context.Context, in *struct {
		State     string `query:"state"`
		Genre     string `query:"genre"`
		Annotator string `query:"annotator"`
		Query     string `query:"query"`
		Cursor    string `query:"cursor"`
		Limit     int    `query:"limit" minimum:"0" maximum:"200"`
	},
	) (*body[TripletPage], error) {
		rows, next, err := triplet.List(ctx, d, triplet.Filter{States: list(in.State), Genres: list(in.Genre), Annotator: in.Annotator, Query: in.Query, After: in.Cursor, Limit: in.Limit})
		return answer(TripletPage{rows, next}, err)
	})
	op(a, http.MethodGet, "/triplets/{id}", user.Self, "One triplet: one's own, or any with triplet.read", func(ctx context.Context, in *OnItem) (*withRevision[*triplet.Triplet], error) {
		if by(ctx).May(user.TripletRead) {
			return tagged(triplet.Get(ctx, d, in.ID))
		}
		return tagged(triplet.Own(ctx, d, in.ID, by(ctx).ID))
	})
	op(a, http.MethodPost, "/triplets", user.TripletWrite, "Claim a source, or the one that is needed most", func(ctx context.Context, in *struct {
		Body struct {
			SourceID string `json:"source_id,omitempty"`
			Genre    string `json:"genre,omitempty"`
		}
	},
	) (*withRevision[*triplet.Triplet], error) {
		if in.Body.SourceID != "" {
			return tagged(triplet.Claim(ctx, d, by(ctx).ID, in.Body.SourceID))
		}
		id, err := a.genre(ctx, in.Body.Genre)
		if err != nil {
			return nil, err
		}
		return tagged(triplet.ClaimNext(ctx, d, by(ctx).ID, id))
	})
	op(a, http.MethodPut, "/triplets/{id}/content", user.TripletWrite, "Save the content; If-Match names the revision it is based on, 409 answers a stale one", func(ctx context.Context, in *struct {
		OnItem
		IfMatch string `header:"If-Match" required:"true"`
		Body    triplet.Content
	},
	) (*withRevision[map[string]int64], error) {
		n, err := based(in.IfMatch)
		if err != nil {
			return nil, err
		}
		if n, err = triplet.Save(ctx, d, by(ctx).ID, in.ID, n, 0, in.Body, "api"); err != nil {
			return nil, err
		}
		return &withRevision[map[string]int64]{quote(n), map[string]int64{"revision": n}}, nil
	})
	op(a, http.MethodGet, "/triplets/{id}/revisions", user.Self, "The saves of a triplet, newest first", func(ctx context.Context, in *OnItem) (*body[[]triplet.Revision], error) {
		if !by(ctx).May(user.TripletRead) {
			if _, err := triplet.Own(ctx, d, in.ID, by(ctx).ID); err != nil {
				return nil, err
			}
		}
		return answer(triplet.Revisions(ctx, d, in.ID, 1000))
	})
	op(a, http.MethodPost, "/triplets/{id}/submit", user.TripletWrite, "Submit for scoring and review", func(ctx context.Context, in *struct {
		OnItem
		IfMatch string `header:"If-Match" required:"true"`
	},
	) (*body[done], error) {
		n, err := based(in.IfMatch)
		if err != nil {
			return nil, err
		}
		return finished(triplet.Submit(ctx, d, by(ctx).ID, in.ID, n))
	})
	op(a, http.MethodPost, "/triplets/{id}/abandon", user.TripletWrite, "Give a draft up; its source goes back to the pool", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Reason string `json:"reason"`
		}
	},
	) (*body[done], error) {
		return finished(triplet.Abandon(ctx, d, by(ctx).ID, in.ID, in.Body.Reason))
	})
	op(a, http.MethodGet, "/triplets/{id}/sheets", user.TripletScore, "Score sheets, newest first", func(ctx context.Context, in *OnItem) (*body[[]triplet.Sheet], error) {
		return answer(triplet.Sheets(ctx, d, in.ID))
	})
	op(a, http.MethodPost, "/triplets/{id}/sheets", user.TripletScore, "Fill a score sheet by hand; the gate decides", func(ctx context.Context, in *struct {
		OnItem
		Body struct {
			Scores  map[string]int    `json:"scores" doc:"the six dimensions, 1 to 10"`
			Reasons map[string]string `json:"reasons,omitempty" doc:"article, prompt, reasoning"`
		}
	},
	) (*body[*triplet.Sheet], error) {
		var s triplet.Scores
		for i, name := range triplet.Dimensions {
			s[i] = in.Body.Scores[name]
		}
		return answer(triplet.ScoreByHand(ctx, d, by(ctx).ID, in.ID, s, in.Body.Reasons))
	})
	op(a, http.MethodPost, "/scoring", user.ScreenRun, "Have the configured model score all submitted triplets", func(ctx context.Context, _ *struct{}) (*body[triplet.Summary], error) {
		if !a.opt.LLM.Configured() {
			return nil, errs.Unavailablef("no model is configured; people can fill score sheets")
		}
		sum, err := triplet.ScoreWaiting(ctx, d, a.opt.LLM)
		if errors.Is(err, context.Canceled) {
			err = errs.Unavailablef("the request ended; what was scored is kept")
		}
		return answer(sum, err)
	})
}
