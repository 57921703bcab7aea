package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/train"
)

// startView is the form that starts runs of a mix.
type startView struct {
	M        train.Mix
	Form     url.Values
	Err      error
	Roots    []string
	Settings []train.Value // the defaults, for what nobody has typed
}

// experimentStart is the form for new runs.
func (s *Server) experimentStart(w http.ResponseWriter, r *http.Request) error {
	m, err := train.GetMix(r.Context(), s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := s.mayTrain(); err != nil {
		return err
	}
	f := url.Values{"engine": {train.Engines[0].Name()}, "gpus": {"1"}}
	for _, c := range m.Manifest.V.Configurations {
		f.Add("configuration", c.Name)
	}
	return s.showStart(w, r, startView{M: m, Form: f}, http.StatusOK)
}

func (s *Server) showStart(w http.ResponseWriter, r *http.Request, v startView, status int) error {
	ctx := r.Context()
	v.Settings, v.Roots = train.Defaults().Values(), s.opt.Train.Roots
	p := Page{Title: T(ctx, "train.start"), Section: "experiments", Up: []Crumb{{T(ctx, "train.title"), "/experiments"}, {v.M.Name, mixPath(v.M.ID)}}}.With(status)
	return s.render(w, r, p, startPage(v))
}

// of is the form's value of a setting, or its default.
func (v startView) of(d train.Value) string {
	if v.Form.Has("set." + d.Key) {
		return v.Form.Get("set." + d.Key)
	}
	return d.Text
}

func (v startView) picked(configuration string) bool {
	return slices.Contains(v.Form["configuration"], configuration)
}

// experimentBegin plans the runs that the form asks for and queues them: the machine's workers start
// them one after another.
func (s *Server) experimentBegin(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	m, err := train.GetMix(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := s.mayTrain(); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return errs.Invalidf("the form cannot be read: %w", err)
	}
	runs, err := s.runsOf(ctx, m, r.PostForm)
	if err != nil {
		switch {
		case len(errs.FieldsOf(err)) > 0:
		case errs.Kind(err) != nil:
			err = errs.Fields(errs.Field{Name: "form", Msg: err.Error()})
		default:
			return err
		}
		return s.showStart(w, r, startView{M: m, Form: r.PostForm, Err: err}, http.StatusUnprocessableEntity)
	}
	for i := range runs {
		if err := train.Add(ctx, s.db, viewOf(ctx).Person.ID, &runs[i]); err != nil {
			return err
		}
	}
	return s.done(w, r, mixPath(m.ID), Flash{Good, T(ctx, "train.queued_n", "n", len(runs)), ""})
}

// runsOf reads the form, and asks the engine about what it says.
func (s *Server) runsOf(ctx context.Context, m train.Mix, f url.Values) ([]train.Run, error) {
	var bad []errs.Field
	host := s.opt.Train
	e, err := train.EngineNamed(f.Get("engine"))
	if err != nil {
		return nil, err
	}
	want := train.Want{Mix: m, Engine: e, Configurations: f["configuration"], Name: strings.TrimSpace(f.Get("name")), Root: host.Runs, GPUHour: host.GPUHour, Queued: true}
	if len(want.Configurations) == 0 {
		bad = append(bad, errs.Field{Name: "configuration", Key: "train.pick_one", Msg: "choose at least one"})
	}
	if want.Mix.Path, err = host.Inside(m.Path); err != nil {
		bad = append(bad, errs.Field{Name: "form", Key: "train.outside", Msg: err.Error()})
	}
	if want.Model, err = host.Inside(strings.TrimSpace(f.Get("model"))); err != nil {
		bad = append(bad, errs.Field{Name: "model", Key: "train.outside", Msg: err.Error()})
	}
	gpus, err := strconv.Atoi(strings.TrimSpace(f.Get("gpus")))
	if err != nil || gpus < 1 {
		bad = append(bad, errs.Field{Name: "gpus", Key: "benchmark.no_number", Msg: "is no number above 0"})
	}
	values := map[string]string{}
	for _, v := range train.Defaults().Values() {
		if f.Has("set." + v.Key) {
			values[v.Key] = f.Get("set." + v.Key)
		}
	}
	want.Settings, err = train.Defaults().With(values)
	if err == nil {
		err = want.Settings.Check()
	}
	for _, b := range errs.FieldsOf(err) {
		b.Name = "set." + b.Name
		bad = append(bad, b)
	}
	if err := errs.Fields(bad...); err != nil {
		return nil, err
	}
	want.Topology = train.Topology{Launcher: train.Local, Nodes: 1, GPUs: gpus}
	if want.Probe, err = s.probe(ctx, e); err != nil {
		return nil, err
	}
	want.Python = want.Probe.Python
	return want.Runs(func(name string) (string, error) { return train.FreeName(ctx, s.db, name) })
}

// probeFor is how long what an engine said of itself is believed.
const probeFor = 10 * time.Minute

type probed struct {
	train.Probe
	at time.Time
}

// probe asks an engine's Python what it is, unless it was asked a while ago: importing it takes long.
func (s *Server) probe(ctx context.Context, e train.Engine) (train.Probe, error) {
	if old, ok := s.probes.Load(e.Name()); ok {
		if p := old.(probed); time.Since(p.at) < probeFor && p.Installed && p.Broken == "" {
			return p.Probe, nil
		}
	}
	p, err := e.Probe(ctx, s.opt.Train.PythonOf(e.Name()))
	if err == nil {
		s.probes.Store(e.Name(), probed{p, time.Now()})
	}
	return p, err
}
