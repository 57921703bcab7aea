package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
)

// panelRow is a set with how far the person is with it.
type panelRow struct {
	S bench.Set
	bench.Turn
}

// panelSets lists the sets that a panel may mark.
func (s *Server) panelSets(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	sets, err := bench.Sets(ctx, s.db)
	if err != nil {
		return err
	}
	var rows []panelRow
	for _, set := range sets {
		turn, err := bench.TurnOf(ctx, s.db, set.ID, viewOf(ctx).Person.ID)
		if err != nil {
			return err
		}
		if set.State != bench.Retired && turn.Of > 0 {
			rows = append(rows, panelRow{set, turn})
		}
	}
	p := Page{Title: T(ctx, "benchmark.panel"), Lede: T(ctx, "benchmark.panel_lede"), Section: "panel"}
	return s.render(w, r, p, panelSetsPage(rows))
}

// panelView is the one query that a person of the panel is to mark: never an answer to it, nor what
// others said.
type panelView struct {
	S    bench.Set
	Q    bench.Query
	Tax  *genre.Taxonomy
	Done bool // nothing is left
	bench.Turn
	Err  error
	Form url.Values
}

func (s *Server) panelViewOf(r *http.Request, queryID string) (*panelView, error) {
	ctx := r.Context()
	set, err := bench.GetSet(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if set.State == bench.Retired {
		return nil, errs.Conflictf("%s is retired: it is not marked any more", set.Title())
	}
	v := &panelView{S: set, Form: url.Values{}}
	me := viewOf(ctx).Person.ID
	if v.Turn, err = bench.TurnOf(ctx, s.db, set.ID, me); err != nil {
		return nil, err
	}
	if v.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return nil, err
	}
	if queryID != "" {
		v.Q, err = bench.GetQuery(ctx, s.db, queryID)
		if err == nil && v.Q.SetID != set.ID {
			err = errs.NotFoundf("this query is not in %s", set.Title())
		}
		return v, err
	}
	after, _ := strconv.Atoi(r.FormValue("after")) // anything else is the beginning
	if v.Q, err = bench.NextToMark(ctx, s.db, set.ID, me, after); errors.Is(err, errs.NotFound) {
		v.Done, err = true, nil
	}
	return v, err
}

// panelShow shows the next query that the person has not marked.
func (s *Server) panelShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.panelViewOf(r, "")
	if err != nil {
		return err
	}
	return s.showPanel(w, r, v, http.StatusOK)
}

func (s *Server) showPanel(w http.ResponseWriter, r *http.Request, v *panelView, status int) error {
	ctx := r.Context()
	p := Page{Title: T(ctx, "benchmark.panel_of", "name", v.S.Title()), Section: "panel", Up: []Crumb{{T(ctx, "benchmark.panel"), "/panel"}}}.With(status)
	return s.render(w, r, p, panelPage(v))
}

// panelMark stores the marks of one query and goes on to the next.
func (s *Server) panelMark(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.panelViewOf(r, r.FormValue("query"))
	if err != nil {
		return err
	}
	if v.Done {
		return s.showPanel(w, r, v, http.StatusOK)
	}
	err = bench.Give(ctx, s.db, bench.Mark{
		QueryID: v.Q.ID, PersonID: viewOf(ctx).Person.ID, Note: text(r, "note"),
		Clarity: markIn(r.PostForm, "clarity"), Precise: markIn(r.PostForm, "precise"), Difficulty: markIn(r.PostForm, "difficulty"),
	})
	if len(errs.FieldsOf(err)) > 0 {
		v.Err, v.Form = err, r.PostForm
		return s.showPanel(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/panel/"+v.S.ID+"?after="+strconv.Itoa(v.Q.Position), Flash{Good, T(ctx, "benchmark.marked", "id", v.Q.Code), ""})
}
