package web

import (
	"net/http"

	"coigwriter/internal/evaluate"
)

// studyList is all studies.
type studyList struct {
	Rows  []evaluate.Summary
	Ready bool // there is a frozen set to compare on
}

// studies lists the studies for whoever plans them.
func (s *Server) studies(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rows, err := evaluate.Summaries(ctx, s.db)
	if err != nil {
		return err
	}
	sets, err := s.frozenSets(ctx)
	if err != nil {
		return err
	}
	p := Page{Title: T(ctx, "study.title"), Lede: T(ctx, "study.lede"), Section: "studies"}
	if len(rows) > 0 {
		p.Actions = studyNewLink()
	}
	return s.render(w, r, p, studiesPage(studyList{rows, len(sets) > 0}))
}

func studyPath(id string) string { return "/studies/" + id }
