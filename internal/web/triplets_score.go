package web

import (
	"net/http"
	"strconv"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// scoreParts are the three parts of a sheet; each has a mark for quality and one for creativity.
var scoreParts = []string{"article", "prompt", "reasoning"}

// scoreQueue is what waits for a score sheet by hand.
type scoreQueue struct {
	Rows  []triplet.Row
	Pager Cursor
	Tax   *genre.Taxonomy
}

// scoreSection is where the score pages hang in the rail: not everybody who scores may read
// all triplets.
func scoreSection(p *user.Person) string {
	if p.May(user.TripletRead) {
		return "triplets"
	}
	return "review"
}

// tripletsToScore lists submitted triplets, without those the person wrote, and without names.
func (s *Server) tripletsToScore(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	rows, next, err := triplet.List(ctx, s.db, triplet.Filter{States: []string{triplet.Submitted}, After: r.FormValue("after")})
	if err != nil {
		return err
	}
	q := scoreQueue{Tax: tax}
	for _, row := range rows {
		if row.AnnotatorID != viewOf(ctx).Person.ID {
			q.Rows = append(q.Rows, row)
		}
	}
	q.Pager = cursorPager(r.URL, next, len(q.Rows), -1)
	p := Page{Title: T(ctx, "score.queue"), Lede: T(ctx, "score.queue_lede"), Section: scoreSection(viewOf(ctx).Person)}
	return s.render(w, r, p, scoreQueuePage(q))
}

// scoreShow shows the three parts and the sheet to fill.
func (s *Server) scoreShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.tripletViewOf(r)
	if err != nil {
		return err
	}
	if err := scorable(v); err != nil {
		return err
	}
	return s.showScore(w, r, v, http.StatusOK)
}

// scorable lets through what waits for a sheet by this person.
func scorable(v *tripletView) error {
	if v.T.AnnotatorID == v.Viewer {
		return errs.Forbiddenf("nobody scores their own triplet")
	}
	if v.T.State != triplet.Submitted {
		return errs.Conflictf("the triplet is %s, so it is not waiting for a score sheet", v.T.State)
	}
	return nil
}

func (s *Server) showScore(w http.ResponseWriter, r *http.Request, v *tripletView, status int) error {
	p := Page{Title: tripletTitle(r.Context(), v.Source.Title), Section: scoreSection(viewOf(r.Context()).Person), Wide: true}.With(status)
	return s.render(w, r, p, scorePage(v))
}

// tripletScore stores a sheet that a person filled and applies the gate.
func (s *Server) tripletScore(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var marks triplet.Scores
	for i, name := range triplet.Dimensions {
		marks[i], _ = strconv.Atoi(r.FormValue(name)) // a missing mark is 0, which ScoreByHand names
	}
	reasons := map[string]string{}
	for _, part := range scoreParts {
		if why := strings.TrimSpace(text(r, "why_"+part)); why != "" {
			reasons[part] = why
		}
	}
	sheet, err := triplet.ScoreByHand(ctx, s.db, viewOf(ctx).Person.ID, r.PathValue("id"), marks, reasons)
	if len(errs.FieldsOf(err)) > 0 {
		v, e := s.tripletViewOf(r)
		if e != nil {
			return e
		}
		v.Err, v.Form = err, r.PostForm
		return s.showScore(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	f := Flash{Good, T(ctx, "score.passed"), ""}
	if !sheet.Passed {
		f = Flash{Neutral, T(ctx, "score.returned"), ""}
	}
	return s.done(w, r, "/triplets/to-score", f)
}
