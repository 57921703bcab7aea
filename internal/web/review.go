package web

import (
	"net/http"
	"net/url"
	"strconv"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/review"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
)

// reviewList is a reviewer's own list: what waits, or what is done.
type reviewList struct {
	Tabs []Tab
	Done bool
	Rows []review.Task
	Tax  *genre.Taxonomy
}

// doneShown bounds the list of reviews that are done.
const doneShown = 100

// reviewQueue lists the reviews that wait for the person, the longest waiting first.
func (s *Server) reviewQueue(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	me := viewOf(ctx).Person.ID
	l := reviewList{Done: r.FormValue("tab") == "done"}
	var err error
	if l.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return err
	}
	open, err := review.OpenCount(ctx, s.db, me)
	if err != nil {
		return err
	}
	state, limit := review.Open, 500
	if l.Done {
		state, limit = review.Done, doneShown
	}
	if l.Rows, err = review.Queue(ctx, s.db, me, state, limit); err != nil {
		return err
	}
	l.Tabs = []Tab{
		{T(ctx, "review.tab_open"), "/review", open, !l.Done},
		{T(ctx, "review.tab_done"), "/review?tab=done", -1, l.Done},
	}
	p := Page{Title: T(ctx, "review.title"), Lede: T(ctx, "review.lede"), Section: "review"}
	if open > 0 && !l.Done {
		p.Actions = reviewNext(l.Rows[0].ID)
	}
	return s.render(w, r, p, reviewQueuePage(l))
}

// reviewView is one review: the triplet as it is judged, without a name, and the form.
type reviewView struct {
	R    *review.Review
	V    *tripletView
	Form url.Values
	Err  error
	Left int // further reviews that wait

	Before  *triplet.Content // as the round before judged it; nil in the first
	Changes bool             // show what changed since
}

// reviewViewOf gathers a person's own review with the revision it judges.
func (s *Server) reviewViewOf(r *http.Request) (*reviewView, error) {
	ctx := r.Context()
	me := viewOf(ctx).Person.ID
	rev, err := review.Get(ctx, s.db, r.PathValue("id"), me)
	if err != nil {
		return nil, err
	}
	t, err := triplet.Get(ctx, s.db, rev.TripletID)
	if err != nil {
		return nil, err
	}
	if t.Revision != rev.Revision {
		old, err := triplet.RevisionAt(ctx, s.db, t.ID, rev.Revision)
		if err != nil {
			return nil, err
		}
		t.Content = old.Content
	}
	v := &reviewView{R: rev, V: &tripletView{T: t, Viewer: me, Form: url.Values{}}, Form: url.Values{}}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return nil, err
	}
	v.V.Genre, _ = tax.Get(t.Genre)
	if v.V.Source, err = source.Get(ctx, s.db, t.SourceID); err != nil {
		return nil, err
	}
	before, err := review.BeforeRound(ctx, s.db, t.ID, rev.Round)
	if err != nil {
		return nil, err
	}
	if before > 0 {
		old, err := triplet.RevisionAt(ctx, s.db, t.ID, before)
		if err != nil {
			return nil, err
		}
		v.Before, v.Changes = &old.Content.V, r.FormValue("changes") == "1"
	}
	open, err := review.OpenCount(ctx, s.db, me)
	if err != nil {
		return nil, err
	}
	v.Left = open
	if rev.State == review.Open {
		v.Left--
	}
	return v, nil
}

// reviewShow shows a triplet blind, with the form or with what the person said.
func (s *Server) reviewShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.reviewViewOf(r)
	if err != nil {
		return err
	}
	return s.showReview(w, r, v, http.StatusOK)
}

func (s *Server) showReview(w http.ResponseWriter, r *http.Request, v *reviewView, status int) error {
	p := Page{Title: tripletTitle(r.Context(), v.V.Source.Title), Section: "review", Wide: true}.With(status)
	return s.render(w, r, p, reviewPage(v))
}

// reviewSubmit hands in a verdict and leads to the next review.
func (s *Server) reviewSubmit(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	me := viewOf(ctx).Person.ID
	f := review.Form{
		Verdict: r.FormValue("verdict"), Comment: text(r, "comment"), ReasonCode: r.FormValue("reason_code"), Criteria: map[string]int{},
	}
	for _, c := range review.Criteria {
		f.Criteria[c], _ = strconv.Atoi(r.FormValue(c)) // a missing mark is 0, which Submit names
	}
	if f.Verdict != review.Remove {
		f.ReasonCode = ""
	}
	err := review.Submit(ctx, s.db, r.PathValue("id"), me, f)
	if len(errs.FieldsOf(err)) > 0 {
		v, e := s.reviewViewOf(r)
		if e != nil {
			return e
		}
		v.Err, v.Form = err, r.PostForm
		return s.showReview(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	next, err := review.Queue(ctx, s.db, me, review.Open, 1)
	if err != nil {
		return err
	}
	if len(next) == 0 {
		return s.done(w, r, "/review", Flash{Good, T(ctx, "review.handed_in_last"), ""})
	}
	return s.done(w, r, "/review/"+next[0].ID, Flash{Good, T(ctx, "review.handed_in"), ""})
}
