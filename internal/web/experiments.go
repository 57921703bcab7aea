package web

import (
	"context"
	"net/http"
	"net/url"

	"coigwriter/internal/errs"
	"coigwriter/internal/train"
	"coigwriter/internal/user"
)

// mixRow is a mix with what became of its runs.
type mixRow struct {
	train.Mix
	Tally train.Tally
}

// runRow is a run with its newest point.
type runRow struct {
	train.Run
	MixName string
	Last    train.Point // its Step is 0 before there is one
}

// experimentList is all mixes, the newest runs and the models they made.
type experimentList struct {
	Mixes  []mixRow
	Runs   []runRow
	Models []train.Source
	Open   bool // whether pages may start runs
	Err    error
	Form   url.Values
}

// runsAtOnce is how many of the newest runs stand on the first page.
const runsAtOnce = 20

// experiments lists mixes, runs and models.
func (s *Server) experiments(w http.ResponseWriter, r *http.Request) error {
	return s.showExperiments(w, r, experimentList{Form: url.Values{}}, http.StatusOK)
}

func (s *Server) showExperiments(w http.ResponseWriter, r *http.Request, l experimentList, status int) error {
	ctx := r.Context()
	mixes, err := train.Mixes(ctx, s.db)
	if err != nil {
		return err
	}
	tallies, err := train.Tallies(ctx, s.db)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, m := range mixes {
		l.Mixes = append(l.Mixes, mixRow{m, tallies[m.ID]})
		names[m.ID] = m.Name
	}
	runs, err := train.Runs(ctx, s.db, "")
	if err != nil {
		return err
	}
	last, err := train.LastPoints(ctx, s.db)
	if err != nil {
		return err
	}
	for _, run := range runs[:min(len(runs), runsAtOnce)] {
		l.Runs = append(l.Runs, runRow{run, names[run.MixID], last[run.ID]})
	}
	if l.Models, err = train.Models(ctx, s.db); err != nil {
		return err
	}
	l.Open = s.opt.Train.Web
	p := Page{Title: T(ctx, "train.title"), Lede: T(ctx, "train.lede"), Section: "experiments"}.With(status)
	return s.render(w, r, p, experimentsPage(l))
}

// experimentAdd adds a mix that lies on the server, below one of the configured directories.
func (s *Server) experimentAdd(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := s.mayTrain(); err != nil {
		return err
	}
	path, err := s.opt.Train.Inside(text(r, "path"))
	if err != nil {
		err = errs.Fields(errs.Field{Name: "path", Key: "train.outside", Msg: err.Error()})
		return s.showExperiments(w, r, experimentList{Err: err, Form: r.PostForm}, http.StatusUnprocessableEntity)
	}
	m, err := train.AddMix(ctx, s.db, viewOf(ctx).Person.ID, path)
	if err != nil {
		err = errs.Fields(errs.Field{Name: "path", Msg: err.Error()})
		return s.showExperiments(w, r, experimentList{Err: err, Form: r.PostForm}, http.StatusUnprocessableEntity)
	}
	return s.done(w, r, mixPath(m.ID), Flash{Good, T(ctx, "train.mix_added", "name", m.Name), ""})
}

// mayTrain refuses to start or stop anything from pages where the machine's settings do not allow it.
func (s *Server) mayTrain() error {
	if !s.opt.Train.Web {
		return errs.Conflictf("pages start and stop no training here: set web = true and roots under [train] in coigwriter.toml, or use coigwriter train")
	}
	return nil
}

// canTrain reports whether the person may start and stop runs from the pages.
func (s *Server) canTrain(ctx context.Context) bool {
	return s.opt.Train.Web && Can(ctx, user.TrainRun)
}

func mixPath(id string) string { return "/experiments/" + id }
func runPath(id string) string { return "/runs/" + id }
