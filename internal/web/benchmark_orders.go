package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/train"
)

// orderRow is a request for answers with how far it is.
type orderRow struct {
	bench.Order
	bench.Progress
}

func (s *Server) fillAnswers(ctx context.Context, v *setView) (err error) {
	if v.Models, err = bench.Counts(ctx, s.db, v.S.ID); err != nil {
		return err
	}
	orders, err := bench.Orders(ctx, s.db, v.S.ID)
	if err != nil {
		return err
	}
	for _, o := range orders {
		p, err := bench.ProgressOf(ctx, s.db, o)
		if err != nil {
			return err
		}
		v.Orders = append(v.Orders, orderRow{o, p})
	}
	if v.Trained, err = train.Sources(ctx, s.db); err != nil {
		return err
	}
	if s.opt.LLM.Configured() {
		e := s.opt.LLM.Endpoint()
		v.Configured, v.Scripted = e.Model, e.Scripted()
	}
	if len(v.Form) == 0 {
		d := bench.DefaultSampling
		v.Form = url.Values{
			"model": {cmp.Or(v.Asked, v.Configured)}, "temperature": {number32(d.Temperature)}, "top_p": {number32(d.TopP)},
			"max_tokens": {strconv.Itoa(d.MaxTokens)}, "seed": {strconv.FormatInt(d.Seed, 10)}, "samples": {strconv.Itoa(d.Samples)},
		}
	}
	return nil
}

func number32(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

// benchmarkGenerate orders the answers of a model.
func (s *Server) benchmarkGenerate(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.setViewOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	o := &bench.Order{SetID: v.S.ID, Model: r.FormValue("model"), Name: r.FormValue("name"), Again: r.FormValue("again") != ""}
	sampling, bad := readSampling(r)
	o.Sampling = db.AsJSON(sampling)
	if lang := r.FormValue("language"); lang != "" {
		o.Languages.V = []string{lang}
	}
	if err = errs.Fields(bad...); err == nil {
		err = bench.AskFor(ctx, s.db, viewOf(ctx).Person.ID, o)
	}
	if len(errs.FieldsOf(err)) > 0 {
		v.Tab, v.Err, v.Form = "answers", err, r.PostForm
		return s.showSet(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/benchmark/"+v.S.ID+"?tab=answers", Flash{Good, T(ctx, "benchmark.ordered", "name", o.Name), ""})
}

// readSampling takes the parameters of the form; what is no number is named.
func readSampling(r *http.Request) (s bench.Sampling, bad []errs.Field) {
	real := func(name string) float64 {
		f, err := strconv.ParseFloat(strings.TrimSpace(r.FormValue(name)), 64)
		if err != nil {
			bad = append(bad, errs.Field{Name: name, Key: "benchmark.no_number", Msg: "is no number"})
		}
		return f
	}
	whole := func(name string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(r.FormValue(name)), 10, 64)
		if err != nil {
			bad = append(bad, errs.Field{Name: name, Key: "benchmark.no_number", Msg: "is no whole number"})
		}
		return n
	}
	s = bench.Sampling{Temperature: real("temperature"), TopP: real("top_p"), MaxTokens: int(whole("max_tokens")), Seed: whole("seed"), Samples: int(whole("samples")), System: text(r, "system")}
	return s, bad
}

// orderMove stops an order or takes it up again.
func (s *Server) orderMove(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	to := r.FormValue("to")
	if to != bench.Stopped && to != bench.Wanted {
		return errs.Invalidf("a request for answers can be stopped or taken up again, and not %q", to)
	}
	o, err := bench.GetOrder(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := bench.MoveOrder(ctx, s.db, viewOf(ctx).Person.ID, o.ID, to, ""); err != nil {
		return err
	}
	return s.done(w, r, "/benchmark/"+o.SetID+"?tab=answers", Flash{Good, T(ctx, "benchmark.order_"+to), ""})
}

// anyOpen reports whether the page watches work that goes on.
func anyOpen(orders []orderRow) bool {
	return slices.ContainsFunc(orders, func(o orderRow) bool { return o.Open() })
}
