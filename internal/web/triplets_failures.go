package web

import (
	"cmp"
	"net/http"

	"coigwriter/internal/llm"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// tripletFailures lists the submitted triplets without a score sheet because a model failed.
func (s *Server) tripletFailures(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rows, err := triplet.Failures(ctx, s.db, mostFailures)
	if err != nil {
		return err
	}
	stages, err := triplet.Unscored(ctx, s.db)
	if err != nil {
		return err
	}
	l := failureList{
		Stages: stages,
		Path:   "/triplets", All: T(ctx, "triplets.title"), Configured: triplet.ModelScores(viewOf(ctx).Project, s.opt.LLM) && s.opt.LLM.Configured(),
		None: T(ctx, "sources.failures_none"), NoneWhat: T(ctx, "triplets.failures_none_what"), NoModel: T(ctx, "triplets.retry_no_model"),
	}
	if Can(ctx, user.TripletScore) {
		l.ByHand, l.ByHandWord = "/triplets/to-score", T(ctx, "triplets.score_hand")
	}
	open := map[string]bool{} // those that wait for somebody to ask again
	for _, f := range rows {
		final := llm.Kind(f.Failure).Final()
		if final {
			open[f.TripletID] = true
		}
		l.Rows = append(l.Rows, failureRow{
			ID: f.TripletID, Title: tripletTitle(ctx, f.Title), Stage: promptWord(ctx, f.Prompt), Failure: f.Failure, Detail: f.Detail, CallID: f.CallID,
			Scripted: f.Scripted, At: f.At, Retry: final,
		})
	}
	p := Page{Title: T(ctx, "sources.failures"), Lede: T(ctx, "triplets.failures_lede"), Section: "triplets", Up: []Crumb{{T(ctx, "triplets.title"), "/triplets"}}}
	if len(open) > 0 {
		p.Actions = retryAll("/triplets", len(open))
	}
	return s.render(w, r, p, failuresPage(l))
}

// tripletRetry has the model asked anew, about one triplet or about all that it failed to score.
func (s *Server) tripletRetry(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), viewOf(r.Context()).Person.ID
	n := 1
	var err error
	if id := r.FormValue("id"); id != "" {
		err = triplet.Retry(ctx, s.db, by, id)
	} else {
		n, err = triplet.RetryAll(ctx, s.db, by)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, cmp.Or(r.FormValue("back"), "/triplets/failures"), Flash{Good, T(ctx, "sources.retried", "n", n), ""})
}
