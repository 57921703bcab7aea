package web

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/mix"
	"coigwriter/internal/plot"
	"coigwriter/internal/project"
	"coigwriter/internal/train"
	"coigwriter/internal/user"
)

// runColumn is a configuration of a mix with its newest run.
type runColumn struct {
	Conf   mix.Configuration
	Run    *train.Run // nil before it was trained
	Points []train.Point
	Cost   string
	Memory int // MiB, the most of all points
	Models []train.Source
}

// mixView is one mix, under one of its tabs.
type mixView struct {
	M       train.Mix
	Tab     string // runs, mix
	Tax     *genre.Taxonomy
	Names   map[string]string
	Columns []runColumn
	Earlier []train.Run // that a newer one of the same configuration has replaced
	Diff    []train.Difference
	Alike   int
	Version string // of the curves: another where they have changed
	May     bool   // start and stop
}

// experimentShow shows the runs of a mix side by side, or what is in the mix.
func (s *Server) experimentShow(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.mixViewOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v.Tab = "runs"
	if r.FormValue("tab") == "mix" || !v.hasRuns() && r.FormValue("tab") == "" {
		v.Tab = "mix"
	}
	p := Page{Title: v.M.Name, Section: "experiments", Up: []Crumb{{T(ctx, "train.title"), "/experiments"}}, Actions: experimentActions(v)}
	return s.render(w, r, p, experimentPage(v))
}

func (s *Server) mixViewOf(ctx context.Context, id string) (*mixView, error) {
	m, err := train.GetMix(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	v := &mixView{M: m, May: s.canTrain(ctx)}
	if v.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return nil, err
	}
	if v.Names, err = user.Names(ctx, s.db); err != nil {
		return nil, err
	}
	return v, s.fillColumns(ctx, v)
}

// fillColumns puts the newest run of each configuration beside the others.
func (s *Server) fillColumns(ctx context.Context, v *mixView) error {
	runs, err := train.Runs(ctx, s.db, v.M.ID)
	if err != nil {
		return err
	}
	models, err := train.Models(ctx, s.db)
	if err != nil {
		return err
	}
	newest := map[string]*train.Run{}
	for i := range runs {
		if newest[runs[i].Configuration] == nil {
			newest[runs[i].Configuration] = &runs[i]
		} else {
			v.Earlier = append(v.Earlier, runs[i])
		}
	}
	var settings []train.Settings
	for _, c := range v.M.Manifest.V.Configurations {
		col := runColumn{Conf: c, Run: newest[c.Name]}
		if col.Run != nil {
			if col.Points, err = train.Points(ctx, s.db, col.Run.ID); err != nil {
				return err
			}
			if a, known := col.Run.Cost(s.db.Now()); known {
				col.Cost = llm.AmountWords([]llm.Amount{a})
			}
			for _, p := range col.Points {
				col.Memory = max(col.Memory, p.MemoryMiB)
			}
			col.Models = madeBy(models, col.Run.ID)
			if n := len(col.Points); n > 0 {
				v.Version += fmt.Sprintf("%d.", col.Points[n-1].Step)
			}
			settings = append(settings, col.Run.Job.V.Settings)
		}
		v.Columns = append(v.Columns, col)
	}
	v.Diff, v.Alike = train.Differences(settings)
	return nil
}

// madeBy are the models that a run made.
func madeBy(models []train.Source, run string) []train.Source {
	return slices.DeleteFunc(slices.Clone(models), func(m train.Source) bool { return m.RunID != run })
}

func (v *mixView) hasRuns() bool {
	return slices.ContainsFunc(v.Columns, func(c runColumn) bool { return c.Run != nil })
}

// run are the columns that have been trained.
func (v *mixView) run() (out []runColumn) {
	for _, c := range v.Columns {
		if c.Run != nil {
			out = append(out, c)
		}
	}
	return out
}

// watched reports whether something on the page goes on by itself.
func (v *mixView) watched() bool {
	return slices.ContainsFunc(v.Columns, func(c runColumn) bool { return c.Run != nil && (c.Run.Going() || c.Run.Queued) })
}

// drawn reports whether there is a curve.
func (v *mixView) drawn() bool {
	return slices.ContainsFunc(v.Columns, func(c runColumn) bool { return len(c.Points) > 0 })
}

func (c runColumn) last() train.Point {
	if len(c.Points) == 0 {
		return train.Point{}
	}
	return c.Points[len(c.Points)-1]
}

// experimentFigure draws the loss of all configurations, or their learning rates, as SVG.
func (s *Server) experimentFigure(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.mixViewOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	what := r.PathValue("figure")
	if what == "mix" {
		return s.drawMix(w, r, v)
	}
	of := map[string]func(train.Point) float64{
		"loss": func(p train.Point) float64 { return p.Loss },
		"rate": func(p train.Point) float64 { return p.LearningRate },
	}[what]
	if of == nil {
		return errs.NotFoundf("there is no figure %q", what)
	}
	var curves []plot.Curve
	for _, c := range v.Columns {
		if len(c.Points) > 0 {
			curves = append(curves, curveOf(c.Conf.Name, c.Points, of))
		}
	}
	return s.drawCurves(w, r, what, curves)
}

func curveOf(name string, points []train.Point, of func(train.Point) float64) plot.Curve {
	c := plot.Curve{Name: name}
	for _, p := range points {
		y := of(p)
		if p.NotFinite {
			y = math.NaN()
		}
		c.X, c.Y = append(c.X, float64(p.Step)), append(c.Y, y)
	}
	return c
}

func (s *Server) drawCurves(w http.ResponseWriter, r *http.Request, what string, curves []plot.Curve) error {
	ctx := r.Context()
	if len(curves) == 0 {
		return errs.NotFoundf("there is nothing to draw yet")
	}
	return sendFigure(w, plot.Curves(T(ctx, "train.figure_"+what), T(ctx, "train.axis_step"), T(ctx, "train.axis_"+what), curves, themeOf(r)))
}

// figureAt is the address of a figure; another where its curves have changed, so that a page that is
// fetched anew draws it anew.
func (v *mixView) figureAt(what string) string {
	return mixPath(v.M.ID) + "/figure/" + what + "?" + url.Values{"at": {v.Version}}.Encode()
}

// A part is a count of one kind over the configurations.
type part struct {
	Key    string
	Counts []int
}

// partsOf lays counts of all configurations side by side, the greatest first.
func (v *mixView) partsOf(of func(mix.Configuration) map[string]int) []part {
	keys := map[string]int{}
	for _, c := range v.M.Manifest.V.Configurations {
		for k, n := range of(c) {
			keys[k] = max(keys[k], n)
		}
	}
	var out []part
	for _, k := range slices.SortedFunc(maps.Keys(keys), func(a, b string) int { return cmp.Or(keys[b]-keys[a], cmp.Compare(a, b)) }) {
		p := part{Key: k}
		for _, c := range v.M.Manifest.V.Configurations {
			p.Counts = append(p.Counts, of(c)[k])
		}
		out = append(out, p)
	}
	return out
}

// drawMix draws what each configuration is made of, as SVG.
func (s *Server) drawMix(w http.ResponseWriter, r *http.Request, v *mixView) error {
	ctx := r.Context()
	sources := v.partsOf(func(c mix.Configuration) map[string]int { return c.BySource })
	if len(sources) == 0 {
		return errs.NotFoundf("the mix has no rows")
	}
	var names []string
	for _, p := range sources {
		names = append(names, p.Key)
	}
	var stacks []plot.Stack
	for i, c := range v.M.Manifest.V.Configurations {
		st := plot.Stack{Name: c.Name + " · " + Exact(c.Rows)}
		for _, p := range sources {
			st.Shares = append(st.Shares, float64(p.Counts[i])/float64(max(c.Rows, 1)))
		}
		stacks = append(stacks, st)
	}
	return sendFigure(w, plot.Stacked(T(ctx, "train.figure_mix"), names, stacks, themeOf(r)))
}
