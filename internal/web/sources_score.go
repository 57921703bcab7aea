package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/user"
)

// screenQueue is what waits for somebody's judgement.
type screenQueue struct {
	Rows   []source.Row
	Pager  Cursor
	Tax    *genre.Taxonomy
	Status screen.Status
	Tabs   []Tab
	Held   bool
}

// screenSection is where the pages of screening by hand hang in the rail: reviewers score but
// do not see the list of all sources.
func screenSection(p *user.Person) string {
	if p.May(user.SourceRead) {
		return "sources"
	}
	return "review"
}

// screening lists what waits to be screened by hand: what waits, or what a model could not judge.
func (s *Server) screening(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := screenQueue{Held: r.FormValue("view") == "failed"}
	f := source.Filter{States: []string{source.Waiting}, Cursor: r.FormValue("after")}
	if q.Held {
		f.States, f.Reason = []string{source.Held}, screen.ReasonFailed
	}
	var err error
	if q.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return err
	}
	if q.Status, err = screen.StatusOf(ctx, s.db, s.opt.LLM); err != nil {
		return err
	}
	page, err := source.List(ctx, s.db, f)
	if err != nil {
		return err
	}
	total := q.Status.Waiting
	if q.Held {
		total = q.Status.Held
	}
	q.Rows, q.Pager = page.Rows, cursorPager(r.URL, page.Next, len(page.Rows), total)
	q.Tabs = []Tab{{T(ctx, "sources.waiting"), "/screening", q.Status.Waiting, !q.Held}, {T(ctx, "sources.model_failed"), "/screening?view=failed", q.Status.Held, q.Held}}
	p := Page{Title: T(ctx, "sources.by_hand"), Lede: T(ctx, "sources.by_hand_lede"), Section: screenSection(viewOf(ctx).Person)}
	if len(q.Rows) > 0 {
		p.Actions = startScreening(q.Rows[0].ID)
	}
	return s.render(w, r, p, screeningPage(q))
}

// screenView is one source at one stage, to be scored by hand.
type screenView struct {
	*sourceView
	Stage  string
	Skip   string // the source to go to instead, "" when there is none
	Groups []optionGroup
}

func (s *Server) screenViewOf(r *http.Request, stage string) (*screenView, error) {
	ctx := r.Context()
	v, err := s.sourceViewOf(r)
	if err != nil {
		return nil, err
	}
	if v.S.State != source.Waiting && v.S.State != source.Held && v.S.State != source.Pool {
		return nil, errs.Conflictf("the source is %s, so it cannot be scored now", v.S.State)
	}
	sv := &screenView{sourceView: v, Stage: stage, Groups: append([]optionGroup{{"", []Option{{"", T(ctx, "sources.no_genre")}}}}, genresOnly(ctx, v.Tax)...)}
	if _, ok := screen.Dimensions[stage]; !ok {
		sv.Stage = openStage(v.Verdicts)
	}
	page, err := source.List(ctx, s.db, source.Filter{States: []string{source.Waiting}, Limit: 1, Cursor: source.CursorAfter(v.S.ID)})
	if err != nil {
		return nil, err
	}
	if len(page.Rows) > 0 {
		sv.Skip = page.Rows[0].ID
	}
	return sv, nil
}

// openStage is the first stage that no verdict has passed; the last when all have.
func openStage(vs []screen.Verdict) string {
	now := screen.Current(vs)
	for _, stage := range screen.Stages {
		if v, ok := now[stage]; !ok || !v.Passed {
			return stage
		}
	}
	return screen.Usability
}

// screenShow shows a text and the sheet of one stage.
func (s *Server) screenShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.screenViewOf(r, r.FormValue("stage"))
	if err != nil {
		return err
	}
	return s.showScreen(w, r, v, http.StatusOK)
}

func (s *Server) showScreen(w http.ResponseWriter, r *http.Request, v *screenView, status int) error {
	ctx := r.Context()
	p := Page{Title: sourceTitle(ctx, v.S.Title, v.S.Text), Section: screenSection(viewOf(ctx).Person), Wide: true}.With(status)
	return s.render(w, r, p, screenPage(v))
}

// screenScore stores a person's verdict at one stage and goes on: to the next stage, or to the
// next source when this one is settled.
func (s *Server) screenScore(w http.ResponseWriter, r *http.Request) error {
	ctx, id, stage := r.Context(), r.PathValue("id"), r.FormValue("stage")
	j := screen.Judgement{Usable: r.FormValue("usable"), SpeaksToJudge: r.FormValue("speaks") != ""}
	for _, dim := range screen.Dimensions[stage] {
		if j.Scores == nil {
			j.Scores = map[string]int{}
		}
		j.Scores[dim], _ = strconv.Atoi(r.FormValue(dim)) // a missing mark is 0, which Score names
	}
	genreID, err := s.genreID(ctx, r.FormValue("genre"))
	if err == nil {
		j.Genre = genreID
		err = s.recordScore(r, id, stage, j)
	}
	if len(errs.FieldsOf(err)) > 0 {
		v, e := s.screenViewOf(r, stage)
		if e != nil {
			return e
		}
		v.Err, v.Form = err, r.PostForm
		return s.showScreen(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.screenNext(w, r, id, stage)
}

func (s *Server) recordScore(r *http.Request, id, stage string, j screen.Judgement) error {
	ctx, by := r.Context(), viewOf(r.Context()).Person.ID
	if _, err := screen.Score(ctx, s.db, screen.ThresholdsOf(viewOf(ctx).Project), by, id, stage, j, strings.TrimSpace(text(r, "note"))); err != nil {
		return err
	}
	if j.Genre == "" || j.Usable != screen.Yes {
		return nil
	}
	src, err := source.Get(ctx, s.db, id)
	if err != nil || src.Genre != "" {
		return err
	}
	err = source.SetGenre(ctx, s.db, id, j.Genre, by)
	if errors.Is(err, errs.Conflict) {
		return nil // somebody claimed it this instant; the verdict keeps the suggestion
	}
	return err
}

// screenNext leads on after a verdict.
func (s *Server) screenNext(w http.ResponseWriter, r *http.Request, id, stage string) error {
	ctx := r.Context()
	v, err := s.sourceViewOf(r)
	if err != nil {
		return err
	}
	next := openStage(v.Verdicts)
	open := v.S.State == source.Waiting || v.S.State == source.Held
	if open && next != stage {
		return s.done(w, r, "/screening/"+id+"?stage="+url.QueryEscape(next), Flash{Good, T(ctx, "sources.scored_stage", "stage", T(ctx, "sources.stage_"+stage)), ""})
	}
	page, err := source.List(ctx, s.db, source.Filter{States: []string{source.Waiting}, Limit: 1, Cursor: source.CursorAfter(id)})
	if err != nil {
		return err
	}
	to := "/screening"
	if len(page.Rows) > 0 {
		to += "/" + page.Rows[0].ID
	}
	return s.done(w, r, to, Flash{Good, T(ctx, "sources.scored_"+v.S.State), ""})
}
