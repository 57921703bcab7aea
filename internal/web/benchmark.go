package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/train"
	"coigwriter/internal/user"
)

// benchmarkList is all sets of queries.
type benchmarkList struct {
	Rows    []bench.SetSummary
	Genres  int // of the taxonomy
	Starter int // queries that are shipped; 0 before they are written
	Err     error
	Form    url.Values
}

// benchmark lists the sets.
func (s *Server) benchmark(w http.ResponseWriter, r *http.Request) error {
	return s.showBenchmark(w, r, benchmarkList{Form: url.Values{}}, http.StatusOK)
}

func (s *Server) showBenchmark(w http.ResponseWriter, r *http.Request, l benchmarkList, status int) error {
	ctx := r.Context()
	var err error
	if l.Rows, err = bench.Summaries(ctx, s.db); err != nil {
		return err
	}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	starter, err := bench.Starter("")
	if err != nil {
		return err
	}
	l.Genres, l.Starter = len(tax.Genres), len(starter)
	p := Page{Title: T(ctx, "benchmark.title"), Lede: T(ctx, "benchmark.lede"), Section: "benchmark"}.With(status)
	if Can(ctx, user.BenchmarkManage) {
		p.Actions = benchmarkActions()
	}
	return s.render(w, r, p, benchmarkPage(l))
}

// benchmarkNew makes an empty draft.
func (s *Server) benchmarkNew(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	set, err := bench.NewSet(ctx, s.db, viewOf(ctx).Person.ID, r.FormValue("name"), text(r, "note"))
	if len(errs.FieldsOf(err)) > 0 {
		return s.showBenchmark(w, r, benchmarkList{Err: err, Form: r.PostForm}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/benchmark/"+set.ID, Flash{Good, T(ctx, "benchmark.made", "name", set.Title()), ""})
}

// benchmarkStarter adds our own queries as a frozen set.
func (s *Server) benchmarkStarter(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	qs, err := bench.Starter("")
	if err != nil {
		return err
	}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	set, refused, err := bench.ImportQueries(ctx, s.db, tax, viewOf(ctx).Person.ID, bench.StarterName(""), "", qs, true)
	if err != nil {
		return err
	}
	f := Flash{Good, T(ctx, "benchmark.imported", "name", set.Title(), "n", len(qs)-len(refused)), ""}
	if len(refused) > 0 { // the project's taxonomy lacks a genre
		f = Flash{Warn, T(ctx, "benchmark.some_refused", "n", len(refused), "why", refused[0].Err.Error()), ""}
	}
	return s.done(w, r, "/benchmark/"+set.ID, f)
}

// setView is one set, under one of its tabs.
type setView struct {
	S        bench.Set
	Tab      string // queries, coverage, answers
	Tax      *genre.Taxonomy
	All      []bench.Query
	Standing int
	Names    map[string]string
	Err      error
	Form     url.Values

	// queries
	Rows      []bench.Query
	Panels    map[string]bench.Panel
	Pager     Cursor
	Query     string
	Genre     string
	Language  string
	Withdrawn bool
	Genres    []Option

	// coverage
	Check     bench.Check
	Languages []string

	// answers
	Models     []bench.ModelCount
	Orders     []orderRow
	Configured string // the model that is configured, "" for none
	Scripted   bool
	Asked      string                  // the model that a link here names
	Trained    map[string]train.Source // models that were trained here, by name
}

// queriesAtOnce is a page of the queries of a set.
const queriesAtOnce = 100

func (s *Server) setViewOf(ctx context.Context, id string) (*setView, error) {
	set, err := bench.GetSet(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	v := &setView{S: set, Tab: "queries", Form: url.Values{}}
	if v.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return nil, err
	}
	if v.All, err = bench.Queries(ctx, s.db, id); err != nil {
		return nil, err
	}
	v.Standing = len(bench.Standing(v.All))
	v.Names, err = user.Names(ctx, s.db)
	return v, err
}

// benchmarkShow shows a set under the tab that the address names.
func (s *Server) benchmarkShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.setViewOf(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if tab := r.FormValue("tab"); tab == "coverage" || tab == "answers" {
		v.Tab = tab
	}
	return s.showSet(w, r, v, http.StatusOK)
}

func (s *Server) showSet(w http.ResponseWriter, r *http.Request, v *setView, status int) error {
	ctx := r.Context()
	var err error
	switch v.Tab {
	case "coverage":
		err = s.fillCoverage(ctx, v)
	case "answers":
		v.Asked = r.FormValue("model")
		err = s.fillAnswers(ctx, v)
	default:
		err = s.fillQueries(r, v)
	}
	if err != nil {
		return err
	}
	p := Page{Title: v.S.Title(), Lede: v.S.Note, Section: "benchmark", Up: []Crumb{{T(ctx, "benchmark.title"), "/benchmark"}}, Actions: setActions(v)}.With(status)
	return s.render(w, r, p, setPage(v))
}

// fillQueries picks the queries that the filter asks for.
func (s *Server) fillQueries(r *http.Request, v *setView) error {
	ctx := r.Context()
	v.Query, v.Genre, v.Language, v.Withdrawn = strings.TrimSpace(r.FormValue("q")), r.FormValue("genre"), r.FormValue("lang"), r.FormValue("state") == "withdrawn"
	after, _ := strconv.Atoi(r.FormValue("after")) // anything else is the beginning
	has := map[string]bool{}
	var found []bench.Query
	for _, q := range v.All {
		if !has[q.Genre] {
			has[q.Genre] = true
			v.Genres = append(v.Genres, Option{q.Genre, v.Tax.Title(q.Genre, Lang(ctx))})
		}
		if (v.Genre == "" || q.Genre == v.Genre) && (v.Language == "" || q.Language == v.Language) && (!v.Withdrawn || q.WithdrawnAt != nil) &&
			(v.Query == "" || strings.Contains(strings.ToLower(q.Code+"\n"+q.Prompt+"\n"+q.Theme+"\n"+q.Style), strings.ToLower(v.Query))) {
			found = append(found, q)
		}
	}
	v.Genres = append([]Option{{"", T(ctx, "benchmark.any_genre")}}, v.Genres...)
	total := len(found)
	for len(found) > 0 && found[0].Position <= after {
		found = found[1:]
	}
	next := ""
	if len(found) > queriesAtOnce {
		found = found[:queriesAtOnce]
		next = strconv.Itoa(found[queriesAtOnce-1].Position)
	}
	v.Rows, v.Pager = found, cursorPager(r.URL, next, len(found), total)
	var err error
	v.Panels, err = bench.Panels(ctx, s.db, v.S.ID)
	return err
}

func (s *Server) fillCoverage(ctx context.Context, v *setView) error {
	seen := map[string]bool{}
	for _, q := range bench.Standing(v.All) {
		seen[q.Language] = true
	}
	for _, l := range bench.Languages {
		if seen[l] {
			v.Languages = append(v.Languages, l)
		}
	}
	var newest string // of the queries; texts change more slowly than anybody looks
	for _, q := range v.All {
		newest = max(newest, q.UpdatedAt.String())
	}
	var err error
	v.Check, err = s.checks.get(v.S.ID, fmt.Sprint(newest, v.Standing), func() (bench.Check, error) {
		return bench.CheckSet(ctx, s.db, v.Tax, v.S.ID, nil)
	})
	return err
}

// benchmarkMove freezes, retires or restores a set.
func (s *Server) benchmarkMove(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	to := r.FormValue("to")
	if to != bench.Frozen && to != bench.Retired {
		return errs.Invalidf("a set can be frozen, retired or restored, and not %q", to)
	}
	set, err := bench.Move(ctx, s.db, viewOf(ctx).Person.ID, r.PathValue("id"), to)
	if errors.Is(err, errs.Invalid) {
		return s.done(w, r, "/benchmark/"+r.PathValue("id"), Flash{Bad, T(ctx, "benchmark.nothing_to_freeze"), ""})
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/benchmark/"+set.ID, Flash{Good, T(ctx, "benchmark.moved_"+to, "name", set.Title()), ""})
}

// benchmarkCopy makes the next version as a draft.
func (s *Server) benchmarkCopy(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	set, err := bench.CopySet(ctx, s.db, viewOf(ctx).Person.ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.done(w, r, "/benchmark/"+set.ID, Flash{Good, T(ctx, "benchmark.made", "name", set.Title()), ""})
}
