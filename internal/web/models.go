package web

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/plot"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// daysDrawn is how many days with calls the figure shows, the last ones.
const daysDrawn = 14

// modelsView is the ledger of model calls, and the server that is asked.
type modelsView struct {
	triplet.Ledger
	Filter   callFilter
	Tabs     []Tab
	Models   []Option
	Names    map[string]string
	Endpoint llm.Endpoint
	Load     llm.Load
	Unpriced []string // models without a price today, those that are scripts apart
	None     bool     // nothing has ever been asked
}

// A ledgerKey is what decides a ledger.
type ledgerKey struct {
	filter callFilter
	by     llm.By
}

// models shows what model calls used, cost and took; the address holds grouping and filter.
func (s *Server) models(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := modelsView{Endpoint: s.opt.LLM.Endpoint()}
	var f llm.Filter
	var err error
	if v.Filter, f, err = readCallFilter(r.URL.Query()); err != nil {
		return err
	}
	by := llm.By(r.FormValue("by"))
	if by == "" {
		by = llm.ByStage
	}
	version, err := triplet.LedgerVersion(ctx, s.db)
	if err != nil {
		return err
	}
	v.Ledger, err = s.ledgers.get(ledgerKey{v.Filter, by}, version, func() (triplet.Ledger, error) {
		return triplet.LedgerOf(ctx, s.db, v.Endpoint.Prices, f, by)
	})
	if err != nil {
		return err
	}
	if v.Load, err = llm.LoadOf(ctx, s.db, v.Endpoint.BaseURL); err != nil {
		return err
	}
	if v.Names, err = user.Names(ctx, s.db); err != nil {
		return err
	}
	_, names, err := llm.Stages(ctx, s.db)
	if err != nil {
		return err
	}
	v.None = len(names) == 0
	v.Models = modelOptions(ctx, names)
	for _, name := range names {
		if _, ok := v.Endpoint.Prices.Of(name, s.db.Now()); !ok && !llm.IsScripted(name) {
			v.Unpriced = append(v.Unpriced, name)
		}
	}
	for _, b := range llm.Bys {
		v.Tabs = append(v.Tabs, Tab{T(ctx, "models.by_"+string(b)), v.at(b), -1, b == by})
	}
	p := Page{Title: T(ctx, "models.title"), Lede: T(ctx, "models.lede"), Section: "models"}
	if !v.None {
		p.Actions = callsLink(v.Filter.calls())
	}
	return s.render(w, r, p, modelsPage(v))
}

// at is the address of the same ledger, grouped in another way.
func (v modelsView) at(by llm.By) string {
	q := v.Filter.query()
	if by != llm.ByStage {
		q.Set("by", string(by))
	}
	return addressOf("/models", q)
}

// cleared is the address of the same ledger without a filter.
func (v modelsView) cleared() string {
	v.Filter = callFilter{}
	return v.at(v.By)
}

func modelOptions(ctx context.Context, names []string) []Option {
	out := []Option{{"", T(ctx, "models.any_model")}}
	for _, name := range names {
		out = append(out, Option{name, name})
	}
	return out
}

// lineFilter picks the calls of one line of the ledger.
func (v modelsView) lineFilter(e llm.Entry) callFilter {
	f := v.Filter
	switch v.By {
	case llm.ByStage:
		f.Stage = e.ItemKind + "/" + e.Prompt
	case llm.ByModel:
		f.Model = e.Model
	case llm.ByPerson:
		f.Person = e.Person
		if e.Person == "" {
			f.Person = llm.NoPerson
		}
	case llm.ByDay:
		if day, err := time.Parse(time.DateOnly, e.Day); err == nil {
			f.Since, f.Until = e.Day, day.AddDate(0, 0, 1).Format(time.DateOnly)
		}
	}
	return f
}

// lineName is what a line of the ledger is about.
func (v modelsView) lineName(ctx context.Context, e llm.Entry) string {
	switch v.By {
	case llm.ByModel:
		return e.Model
	case llm.ByDay:
		return e.Day
	case llm.ByPerson:
		if e.Person == "" {
			return T(ctx, "models.runs")
		}
		return actorName(ctx, v.Names, e.Person)
	}
	return stageName(ctx, llm.Stage{ItemKind: e.ItemKind, Prompt: e.Prompt})
}

// most is the greatest number of calls of a line.
func (v modelsView) most() int {
	n := 1
	for _, e := range v.Lines {
		n = max(n, e.Calls)
	}
	return n
}

// modelsFigure sends the calls of each of the last days as SVG.
func (s *Server) modelsFigure(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	filter, f, err := readCallFilter(r.URL.Query())
	if err != nil {
		return err
	}
	version, err := triplet.LedgerVersion(ctx, s.db)
	if err != nil {
		return err
	}
	days, err := s.days.get(filter, version, func() ([]llm.Entry, error) {
		return llm.Ledger(ctx, s.db, s.opt.LLM.Endpoint().Prices, f, llm.ByDay)
	})
	if err != nil {
		return err
	}
	var bars []plot.Bar
	for _, e := range days[:min(len(days), daysDrawn)] {
		words := Exact(e.Calls)
		if len(e.Cost) > 0 {
			words += " · " + llm.AmountWords(e.Cost)
		}
		bars = append(bars, plot.Bar{Name: e.Day, Value: float64(e.Calls), Text: words})
	}
	if len(bars) == 0 {
		return errs.NotFoundf("there are no calls to draw")
	}
	return sendFigure(w, plot.Bars(T(ctx, "models.figure"), T(ctx, "models.figure_axis"), bars, nil, themeOf(r)))
}

// addressOf is a path with a query, or without one where that is empty.
func addressOf(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
