package web

import (
	"net/http"
	"strconv"

	"coigwriter/internal/errs"
	"coigwriter/internal/triplet"
)

// annotateWithdraw takes a submission back before anyone has scored it.
func (s *Server) annotateWithdraw(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := triplet.Withdraw(r.Context(), s.db, viewOf(r.Context()).Person.ID, id); err != nil {
		return err
	}
	return s.done(w, r, "/annotate/"+id, Flash{Good, T(r.Context(), "annotate.withdrawn"), ""})
}

// annotateAbandon gives a draft up; the text goes back to the pool.
func (s *Server) annotateAbandon(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	err := triplet.Abandon(r.Context(), s.db, viewOf(r.Context()).Person.ID, id, text(r, "reason"))
	if len(errs.FieldsOf(err)) > 0 {
		return s.done(w, r, "/annotate/"+id, Flash{Warn, T(r.Context(), "annotate.abandon_reason_needed"), ""})
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/annotate", Flash{Good, T(r.Context(), "annotate.abandoned"), ""})
}

// maxRevisions is how many saves the history of a triplet lists.
const maxRevisions = 300

// revisionList is the saves of a triplet with the content of one of them.
type revisionList struct {
	*workspace
	List  []triplet.Revision
	Shown *triplet.Revision // nil before the first save
}

// annotateHistory lists the saves; ?n= shows one.
func (s *Server) annotateHistory(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	ws, err := s.workspaceOf(r)
	if err != nil {
		return err
	}
	l := revisionList{workspace: ws}
	if l.List, err = triplet.Revisions(ctx, s.db, ws.T.ID, maxRevisions); err != nil {
		return err
	}
	n := ws.T.Revision
	if raw := r.FormValue("n"); raw != "" {
		if n, err = strconv.ParseInt(raw, 10, 64); err != nil {
			return errs.NotFoundf("there is no revision %q", raw)
		}
	}
	if n > 0 {
		rev, err := triplet.RevisionAt(ctx, s.db, ws.T.ID, n)
		if err != nil {
			return err
		}
		l.Shown = &rev
	}
	p := Page{
		Title: T(ctx, "annotate.history"), Lede: T(ctx, "annotate.history_lede"), Section: "annotate",
		Up: []Crumb{{T(ctx, "annotate.title"), "/annotate"}, {tripletTitle(ctx, ws.Source.Title), "/annotate/" + ws.T.ID}},
	}
	return s.render(w, r, p, revisionsPage(l))
}

// annotateRestore makes an earlier save the newest one.
func (s *Server) annotateRestore(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	rev, err := revision(r)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(r.FormValue("n"), 10, 64)
	if err != nil {
		return errs.Invalidf("say which revision to restore")
	}
	now, err := triplet.Restore(r.Context(), s.db, viewOf(r.Context()).Person.ID, id, n, int64(rev))
	if err != nil {
		return err
	}
	return s.done(w, r, "/annotate/"+id, Flash{Good, T(r.Context(), "annotate.restored", "n", int(n), "now", int(now)), ""})
}
