package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/plot"
	"coigwriter/internal/train"
	"coigwriter/internal/user"
)

// runView is one run.
type runView struct {
	R      train.Run
	M      train.Mix
	Points []train.Point
	Log    string
	Gone   bool // its directory is not there any more, or on another machine
	Cost   string
	Names  map[string]string
	Models []train.Source
	Set    *bench.Set // that models can be asked to answer, nil where there is none
	May    bool
	Err    error
	Form   url.Values
}

// logShown is how much of the end of a log a page shows.
const logShown = 12 << 10

// runShow shows one run.
func (s *Server) runShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.runViewOf(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.showRun(w, r, v, http.StatusOK)
}

func (s *Server) showRun(w http.ResponseWriter, r *http.Request, v *runView, status int) error {
	ctx := r.Context()
	p := Page{Title: v.R.Name, Section: "experiments", Up: []Crumb{{T(ctx, "train.title"), "/experiments"}, {v.M.Name, mixPath(v.M.ID)}}, Actions: runActions(v.R, v.May, true)}.With(status)
	return s.render(w, r, p, runPage(v))
}

func (s *Server) runViewOf(ctx context.Context, id string) (*runView, error) {
	run, err := train.GetRun(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	v := &runView{R: run, May: s.canTrain(ctx), Form: url.Values{"name": {run.Name}}}
	if v.M, err = train.GetMix(ctx, s.db, run.MixID); err != nil {
		return nil, err
	}
	if v.Points, err = train.Points(ctx, s.db, id); err != nil {
		return nil, err
	}
	if v.Names, err = user.Names(ctx, s.db); err != nil {
		return nil, err
	}
	models, err := train.Models(ctx, s.db)
	if err != nil {
		return nil, err
	}
	v.Models = madeBy(models, id)
	if a, known := run.Cost(s.db.Now()); known {
		v.Cost = llm.AmountWords([]llm.Amount{a})
	}
	v.Log = run.LogTail
	if _, err := os.Stat(run.LogPath()); err == nil && run.Here() {
		v.Log = train.Tail(run.LogPath(), logShown)
	} else {
		v.Gone = run.Attempt > 0
	}
	sets, err := s.frozenSets(ctx)
	if err != nil {
		return nil, err
	}
	if len(sets) > 0 {
		v.Set = &sets[0]
	}
	return v, nil
}

// runFigure draws the curve of one run, and those of its kinds of rows where the engine tells them apart.
func (s *Server) runFigure(w http.ResponseWriter, r *http.Request) error {
	run, err := train.GetRun(r.Context(), s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	points, err := train.Points(r.Context(), s.db, run.ID)
	if err != nil {
		return err
	}
	var curves []plot.Curve
	if len(points) > 0 {
		curves = append(curves, curveOf(run.Configuration, points, func(p train.Point) float64 { return p.Loss }))
	}
	return s.drawCurves(w, r, "loss", append(curves, curvesByKind(r.Context(), points)...))
}

// curvesByKind are the losses of creative and of general rows, each over the steps that had such rows.
func curvesByKind(ctx context.Context, points []train.Point) []plot.Curve {
	of := map[string][]train.Point{}
	for _, p := range points {
		for kind, loss := range p.ByKind {
			p.Loss = loss
			of[kind] = append(of[kind], p)
		}
	}
	var curves []plot.Curve
	for _, kind := range slices.Sorted(maps.Keys(of)) {
		curves = append(curves, curveOf(T(ctx, "train.kind_"+kind), of[kind], func(p train.Point) float64 { return p.Loss }))
	}
	return curves
}

// runMove stops a run, or has it started or taken up again in its turn.
func (s *Server) runMove(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	run, err := train.GetRun(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := s.mayTrain(); err != nil {
		return err
	}
	by, word := viewOf(ctx).Person.ID, ""
	switch to := r.FormValue("to"); to {
	case train.Stopping:
		run, err = train.Stop(ctx, s.db, by, run.ID)
		word = "train.stop_asked"
	case train.Running:
		run, err = train.Queue(ctx, s.db, by, run.ID)
		word = "train.queued"
	default:
		return errs.Invalidf("a run can be started and stopped, and not %q", to)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, localPath(r.FormValue("back")), Flash{Good, T(ctx, word, "name", run.Name), ""})
}

// runRegister makes a model of a finished run.
func (s *Server) runRegister(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.runViewOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	m, err := train.Register(ctx, s.db, viewOf(ctx).Person.ID, v.R.ID, r.FormValue("name"), nil)
	if len(errs.FieldsOf(err)) > 0 {
		v.Err, v.Form = err, r.PostForm
		return s.showRun(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, runPath(v.R.ID), Flash{Good, T(ctx, "train.registered", "name", m.Name), ""})
}
