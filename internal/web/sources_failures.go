package web

import (
	"errors"
	"net/http"

	"coigwriter/internal/errs"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
)

// mostFailures is how many a page of failures lists.
const mostFailures = 200

// sourceFailures lists the sources without a verdict because a model failed.
func (s *Server) sourceFailures(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rows, err := screen.Failures(ctx, s.db, mostFailures)
	if err != nil {
		return err
	}
	st, err := screen.StatusOf(ctx, s.db, s.opt.LLM)
	if err != nil {
		return err
	}
	l := failureList{
		Path: "/sources", All: T(ctx, "sources.title"), Configured: st.Configured, Stages: st.Unjudged,
		None: T(ctx, "sources.failures_none"), NoneWhat: T(ctx, "sources.failures_none_what"), NoModel: T(ctx, "sources.retry_no_model"),
	}
	if mayScreen(ctx) {
		l.ByHand, l.ByHandWord = "/screening", T(ctx, "sources.by_hand")
	}
	for _, f := range rows {
		l.Rows = append(l.Rows, failureRow{
			ID: f.SourceID, Title: sourceTitle(ctx, f.Title, ""), Stage: promptWord(ctx, f.Prompt), Failure: f.Failure, Detail: f.Detail, CallID: f.CallID,
			Scripted: f.Scripted, At: f.At, State: f.State, Retry: f.State == source.Held,
		})
	}
	p := Page{Title: T(ctx, "sources.failures"), Lede: T(ctx, "sources.failures_lede"), Section: "sources", Up: []Crumb{{T(ctx, "sources.title"), "/sources"}}}
	if st.Held > 0 {
		p.Actions = retryAll("/sources", st.Held)
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
