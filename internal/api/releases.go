package api

import (
	"context"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"coigwriter/internal/analysis"
	"coigwriter/internal/project"
	"coigwriter/internal/release"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// OnVersion is the input of operations on one release.
type OnVersion struct {
	Version string `path:"version" maxLength:"32" doc:"1.0.0 or latest"`
}

// Check is the answer of a verification.
type Check struct {
	OK     bool            `json:"ok"`
	Faults []release.Fault `json:"faults"`
}

func (a *API) releases() {
	d := a.opt.DB
	op(a, http.MethodGet, "/releases", user.ReleaseRead, "Releases, newest first", func(ctx context.Context, _ *struct{}) (*body[[]release.Release], error) {
		return answer(release.List(ctx, d))
	})
	op(a, http.MethodPost, "/releases", user.ReleaseCut, "Freeze the accepted triplets as a new version", func(ctx context.Context, in *struct {
		Body struct {
			Version string `json:"version"`
			Notes   string `json:"notes,omitempty"`
		}
	},
	) (*body[*release.Release], error) {
		return answer(release.Cut(ctx, d, release.Options{Version: in.Body.Version, Notes: in.Body.Notes, By: by(ctx).ID}))
	})
	op(a, http.MethodGet, "/releases/{version}", user.ReleaseRead, "One release with its manifest", func(ctx context.Context, in *OnVersion) (*body[*release.Release], error) {
		return answer(release.Get(ctx, d, in.Version))
	})
	op(a, http.MethodGet, "/releases/{version}/verification", user.ReleaseRead, "Recompute every hash", func(ctx context.Context, in *OnVersion) (*body[Check], error) {
		fs, err := release.Verify(ctx, d, in.Version)
		return answer(Check{len(fs) == 0, fs}, err)
	})
	op(a, http.MethodGet, "/releases/{version}/records", user.ReleaseRead, "The canonical records as JSON Lines", func(ctx context.Context, in *OnVersion) (*huma.StreamResponse, error) {
		r, err := release.Get(ctx, d, in.Version)
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			c.SetHeader("Content-Type", "application/jsonl; charset=utf-8")
			err := release.Each(ctx, d, r, func(it *release.Item) error {
				_, err := io.WriteString(c.BodyWriter(), it.Record+"\n")
				return err
			})
			if err != nil {
				a.opt.Log.WarnContext(ctx, "records cut short", "error", err)
			}
		}}, nil
	})
	op(a, http.MethodGet, "/statistics", user.StatsRead, "Counts and lengths of the accepted triplets", func(ctx context.Context, in *struct {
		Lang string `query:"lang" enum:"zh,en" default:"en"`
	},
	) (*body[analysis.Summary], error) {
		tax, err := project.Taxonomy(ctx, d)
		if err != nil {
			return nil, err
		}
		s := analysis.NewTripletStats(tax)
		err = triplet.EachLength(ctx, d, triplet.Accepted, func(genre string, article, prompt, reasoning int) {
			g, _ := tax.Get(genre)
			s.AddLengths(genre, g.Category, article, prompt, reasoning)
		})
		return answer(s.Summary(in.Lang), err)
	})
}
