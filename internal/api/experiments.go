package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"coigwriter/internal/train"
	"coigwriter/internal/user"
)

// RunWithCurve is a training run with its loss curve.
type RunWithCurve struct {
	Run    train.Run     `json:"run"`
	Points []train.Point `json:"points"`
	Log    string        `json:"log" doc:"the end of what the engine printed, of a run that has ended"`
}

func (a *API) experiments() {
	d := a.opt.DB
	op(a, http.MethodGet, "/mixes", user.TrainRead, "Mixes that runs read, newest first, with their manifests", func(ctx context.Context, _ *struct{}) (*body[json.RawMessage], error) {
		ms, err := train.Mixes(ctx, d)
		return written(listed(ms), err)
	})
	op(a, http.MethodGet, "/runs", user.TrainRead, "Training runs, newest first", func(ctx context.Context, in *struct {
		Mix string `query:"mix" doc:"those of one mix, by its ID"`
	},
	) (*body[[]train.Run], error) {
		rs, err := train.Runs(ctx, d, in.Mix)
		return answer(listed(rs), err)
	})
	op(a, http.MethodGet, "/runs/{id}", user.TrainRead, "A run: settings, notes, state, loss curve, the end of its log", func(ctx context.Context, in *OnItem) (*body[RunWithCurve], error) {
		r, err := train.GetRun(ctx, d, in.ID)
		if err != nil {
			return nil, err
		}
		points, err := train.Points(ctx, d, r.ID)
		return answer(RunWithCurve{r, points, r.LogTail}, err)
	})
	op(a, http.MethodPost, "/runs/{id}/stop", user.TrainRun, "Ask a run to end; it can be resumed", func(ctx context.Context, in *OnItem) (*body[train.Run], error) {
		return answer(train.Stop(ctx, d, by(ctx).ID, in.ID))
	})
	op(a, http.MethodGet, "/trained-models", user.TrainRead, "Registered checkpoints, newest first, with the runs that made them", func(ctx context.Context, _ *struct{}) (*body[[]train.Source], error) {
		ms, err := train.Models(ctx, d)
		return answer(listed(ms), err)
	})
	op(a, http.MethodGet, "/mixes/{id}/experiment", user.TrainRead, "A mix with its runs, curves and models, as coigwriter train export writes it", func(ctx context.Context, in *OnItem) (*body[json.RawMessage], error) {
		x, err := train.Export(ctx, d, in.ID)
		return written(x, err)
	})
	op(a, http.MethodPost, "/experiments", user.TrainRun, "Take in what train export wrote in another database, or bring it up to date", func(ctx context.Context, in *struct {
		Body json.RawMessage `doc:"an experiment; larger ones than a request may be go through coigwriter train import"`
	},
	) (*body[json.RawMessage], error) {
		x, err := train.ReadExperiment("body", bytes.NewReader(in.Body))
		if err != nil {
			return nil, err
		}
		t, err := train.Import(ctx, d, by(ctx).ID, x)
		return written(t, err)
	})
}

// listed is a list that is [] in JSON where it is empty.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// written answers what only its own package's JSON tells in full.
func written(v any, err error) (*body[json.RawMessage], error) {
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	return answer(json.RawMessage(text), err)
}
