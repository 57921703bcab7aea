package web

import (
	"errors"
	"net/http"

	"coigwriter/internal/errs"
	"coigwriter/internal/screen"
)

// failureList is what models could not judge.
type failureList struct {
	Rows   []screen.FailedSource
	Status screen.Status
}

// mostFailures is how many the page lists.
const mostFailures = 200

// sourceFailures lists the sources without a verdict because a model failed.
func (s *Server) sourceFailures(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var l failureList
	var err error
	if l.Rows, err = screen.Failures(ctx, s.db, mostFailures); err != nil {
		return err
	}
	if l.Status, err = screen.StatusOf(ctx, s.db, s.opt.LLM); err != nil {
		return err
	}
	p := Page{Title: T(ctx, "sources.failures"), Lede: T(ctx, "sources.failures_lede"), Section: "sources", Up: []Crumb{{T(ctx, "sources.title"), "/sources"}}}
	if l.Status.Held > 0 {
		p.Actions = retryAll(l.Status.Held)
	}
	return s.render(w, r, p, failuresPage(l))
}

// sourceRetry has the model asked anew, about one source or about all that failures hold.
func (s *Server) sourceRetry(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), viewOf(r.Context()).Person.ID
	if id := r.FormValue("id"); id != "" {
		if err := screen.Retry(ctx, s.db, by, id); err != nil {
			return err
		}
		return s.done(w, r, "/sources/failures", Flash{Good, T(ctx, "sources.retried", "n", 1), ""})
	}
	n, err := screen.RetryAll(ctx, s.db, by)
	if err != nil && !errors.Is(err, errs.Conflict) {
		return err
	}
	return s.done(w, r, "/sources/failures", Flash{Good, T(ctx, "sources.retried", "n", n), ""})
}
