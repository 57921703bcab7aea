package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/user"
)

// callsAPage is how many calls one page of the list shows.
const callsAPage = 50

// A callFilter is the part of an address that picks calls; "" picks all.
type callFilter struct {
	Stage        string // item kind and prompt, as source/screening
	Model        string
	Failure      string
	Person       string
	Since, Until string // days, from and before
}

// readCallFilter reads the filter of an address. Days begin where the project's do, as they do for
// the command that prints the same ledger.
func readCallFilter(q url.Values) (c callFilter, f llm.Filter, err error) {
	c = callFilter{q.Get("stage"), q.Get("model"), q.Get("failure"), q.Get("person"), q.Get("since"), q.Get("until")}
	f = llm.Filter{Model: c.Model, Failure: c.Failure, Person: c.Person, Zone: project.Zone}
	f.ItemKind, f.Prompt, _ = strings.Cut(c.Stage, "/")
	for _, day := range []struct {
		name, value string
		at          *time.Time
	}{{"since", c.Since, &f.Since}, {"until", c.Until, &f.Until}} {
		if day.value == "" {
			continue
		}
		if *day.at, err = time.ParseInLocation(time.DateOnly, day.value, project.Zone); err != nil {
			return c, f, errs.Invalidf("%s: %q is not a day such as 2026-03-01", day.name, day.value)
		}
	}
	return c, f, nil
}

func (c callFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"stage": c.Stage, "model": c.Model, "failure": c.Failure, "person": c.Person, "since": c.Since, "until": c.Until} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// calls is the address of the list of these calls.
func (c callFilter) calls() string { return addressOf("/models/calls", c.query()) }

// failing is the address of those of these calls that failed in one way.
func (c callFilter) failing(kind string) string {
	c.Failure = kind
	return c.calls()
}

// callList is everything the list of calls shows.
type callList struct {
	Rows     []llm.Call
	Titles   map[string]string // of the sources and triplets they are about
	Filter   callFilter
	Stages   []Option
	Models   []Option
	Failures []Option
	People   []Option
	Pager    Cursor
	None     bool // there are no calls at all
}

// modelCalls lists calls, newest first; the address holds the filter.
func (s *Server) modelCalls(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var l callList
	var f llm.Filter
	var err error
	if l.Filter, f, err = readCallFilter(r.URL.Query()); err != nil {
		return err
	}
	rows, next, err := llm.ListCalls(ctx, s.db, f, r.FormValue("after"), callsAPage)
	if err != nil {
		return err
	}
	total, err := llm.CountCalls(ctx, s.db, f)
	if err != nil {
		return err
	}
	l.Rows, l.Pager = rows, cursorPager(r.URL, next, len(rows), total)
	var ids []string
	for i := range rows {
		ids = append(ids, rows[i].ItemID)
	}
	if l.Titles, err = titlesOf(ctx, s.db, ids); err != nil {
		return err
	}
	if err := s.callOptions(ctx, &l); err != nil {
		return err
	}
	p := Page{Title: T(ctx, "models.calls"), Lede: T(ctx, "models.calls_lede"), Section: "models", Up: []Crumb{{T(ctx, "models.title"), "/models"}}}
	return s.render(w, r, p, callsPage(l))
}

// callOptions fills the choices of the filter row.
func (s *Server) callOptions(ctx context.Context, l *callList) error {
	stages, models, err := llm.Stages(ctx, s.db)
	if err != nil {
		return err
	}
	l.None = len(models) == 0
	l.Models = modelOptions(ctx, models)
	l.Stages = []Option{{"", T(ctx, "models.any_stage")}}
	for _, st := range stages {
		l.Stages = append(l.Stages, Option{st.ItemKind + "/" + st.Prompt, stageName(ctx, st)})
	}
	l.Failures = []Option{{"", T(ctx, "models.any_end")}, {llm.NoFailure, T(ctx, "models.answered")}, {llm.AnyFailure, T(ctx, "models.any_failure")}}
	for _, kind := range llm.Kinds {
		l.Failures = append(l.Failures, Option{string(kind), failureWord(ctx, string(kind))})
	}
	l.Failures = append(l.Failures, Option{"set_aside", failureWord(ctx, "set_aside")})
	people, err := user.List(ctx, s.db)
	if err != nil {
		return err
	}
	l.People = []Option{{"", T(ctx, "models.any_person")}, {llm.NoPerson, T(ctx, "models.runs")}}
	for _, p := range people {
		l.People = append(l.People, Option{p.ID, p.Name})
	}
	return nil
}

// callView is one question to a model with its answer.
type callView struct {
	Call     llm.Call
	Messages []llm.Message // as they were sent; nil where nothing readable was
	Said     llm.Said      // the answer; empty where there was none
	Attempts []llm.Call    // of the same question, this one too
	Title    string        // of what it is about
	Cost     string
	Asker    string // who had it asked; "" for a run
}

// callViewOf gathers one call for its page.
func (s *Server) callViewOf(ctx context.Context, id string) (v callView, err error) {
	if v.Call, err = llm.GetCall(ctx, s.db, id); err != nil {
		return v, err
	}
	v.Messages, _ = v.Call.Sent() // a request that cannot be read is shown raw
	if v.Call.HTTPStatus == http.StatusOK {
		v.Said, _ = llm.SaidIn([]byte(v.Call.Response)) // and so is an answer
	}
	if v.Attempts, err = llm.Attempts(ctx, s.db, v.Call.Key); err != nil {
		return v, err
	}
	if a, ok := s.opt.LLM.Endpoint().Prices.Cost(&v.Call); ok {
		v.Cost = a.String()
	}
	titles, err := titlesOf(ctx, s.db, []string{v.Call.ItemID})
	if err != nil {
		return v, err
	}
	v.Title = titles[v.Call.ItemID]
	if v.Call.PersonID != "" {
		names, err := user.Names(ctx, s.db)
		if err != nil {
			return v, err
		}
		v.Asker = actorName(ctx, names, v.Call.PersonID)
	}
	return v, nil
}

// modelCall shows one question to a model with its raw answer.
func (s *Server) modelCall(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.callViewOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	p := Page{Title: T(ctx, "models.call"), Section: "models", Up: []Crumb{{T(ctx, "models.title"), "/models"}, {T(ctx, "models.calls"), "/models/calls"}}}
	return s.render(w, r, p, callPage(v))
}
