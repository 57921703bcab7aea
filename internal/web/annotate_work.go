package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/review"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
)

// workspace is everything the page of one's own triplet shows.
type workspace struct {
	T        *triplet.Triplet
	Source   *source.Source
	Genre    genre.Genre
	Step     int // 1 to 3
	Findings []triplet.Finding
	Comments []review.Review // from rounds that are over, newest first
	Sheet    *triplet.Sheet  // the last score sheet, nil before the first
	Help     *helpView       // what a model says
	Taken    int             // characters taken from a model's words
	Err      error           // fields to mark, after a submission that was refused
}

// workspaceOf gathers what the pages of one's own triplet need.
func (s *Server) workspaceOf(r *http.Request) (*workspace, error) {
	ctx := r.Context()
	t, err := triplet.Own(ctx, s.db, r.PathValue("id"), viewOf(ctx).Person.ID)
	if err != nil {
		return nil, err
	}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return nil, err
	}
	ws := &workspace{T: t, Step: stepOf(r, t)}
	ws.Genre, _ = tax.Get(t.Genre)
	ws.Findings = triplet.Coherence(t.Content.V, t.Article, ws.Genre)
	if ws.Source, err = source.Get(ctx, s.db, t.SourceID); err != nil {
		return nil, err
	}
	if ws.Comments, err = review.Comments(ctx, s.db, t.ID); err != nil {
		return nil, err
	}
	sheets, err := triplet.Sheets(ctx, s.db, t.ID)
	if err != nil {
		return nil, err
	}
	if len(sheets) > 0 {
		ws.Sheet = &sheets[0]
	}
	if ws.Help, err = s.helpViewOf(ctx, t); err != nil {
		return nil, err
	}
	if ws.Taken, err = triplet.FromHelp(ctx, s.db, t); err != nil {
		return nil, err
	}
	return ws, nil
}

// stepOf is the step the address asks for, or the one the annotator was at.
func stepOf(r *http.Request, t *triplet.Triplet) int {
	for _, raw := range []string{r.URL.Query().Get("step"), strconv.Itoa(t.Step)} {
		if n, err := strconv.Atoi(raw); err == nil && n >= 1 && n <= 3 {
			return n
		}
	}
	return 1
}

// annotateWork is the workspace; a triplet that cannot be changed now is shown for reading.
func (s *Server) annotateWork(w http.ResponseWriter, r *http.Request) error {
	ws, err := s.workspaceOf(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Has("check") {
		ws.Err = blockedFields(ws.Findings)
	}
	return s.showWork(w, r, ws, http.StatusOK)
}

func (s *Server) showWork(w http.ResponseWriter, r *http.Request, ws *workspace, status int) error {
	p := Page{Title: tripletTitle(r.Context(), ws.Source.Title), Section: "annotate", Wide: true}.With(status)
	if !ws.T.Editable() {
		return s.render(w, r, p, annotateReadPage(ws))
	}
	return s.render(w, r, p, annotateWorkPage(ws))
}

// blockedFields marks the fields of findings that must be mended before submitting.
func blockedFields(fs []triplet.Finding) error {
	var bad []errs.Field
	for _, f := range fs {
		if f.Block {
			bad = append(bad, errs.Field{Name: f.Field, Key: f.Key, Msg: f.Key, Args: f.Pairs()})
		}
	}
	return errs.Fields(bad...)
}

// annotateFindings is the part of the workspace that depends on the stored text: the step
// bar and the findings. A script fetches it after each save.
func (s *Server) annotateFindings(w http.ResponseWriter, r *http.Request) error {
	ws, err := s.workspaceOf(r)
	if err != nil {
		return err
	}
	return s.renderPart(w, r, findingParts(ws))
}

// annotateSave stores what was typed.
func (s *Server) annotateSave(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	rev, err := s.keep(r, id)
	var stale *triplet.StaleError
	if errors.As(err, &stale) {
		return s.answerStale(w, r, stale)
	}
	if err != nil {
		return err
	}
	return s.saved(w, r, int(rev), "/annotate/"+id)
}

// keep stores the form of a request as the next revision.
func (s *Server) keep(r *http.Request, id string) (int64, error) {
	rev, err := revision(r)
	if err != nil {
		return 0, err
	}
	step, _ := strconv.Atoi(r.FormValue("step")) // an odd step keeps the stored one
	return triplet.Save(r.Context(), s.db, viewOf(r.Context()).Person.ID, id, int64(rev), step, contentOf(r), "")
}

// answerStale shows both texts: to the script as fields, to a page without scripts as an error.
func (s *Server) answerStale(w http.ResponseWriter, r *http.Request, e *triplet.StaleError) error {
	if r.Header.Get("If-Match") == "" || !e.Current.Editable() {
		return e
	}
	fields := fieldsOf(e.Current.Content.V)
	fields["step"], fields["pasted"] = r.FormValue("step"), r.FormValue("pasted") // not a text to choose between
	return s.stale(w, int(e.Current.Revision), fields)
}

// annotateCheck stores what was typed and goes on to the summary before submitting.
func (s *Server) annotateCheck(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := s.keep(r, id); err != nil {
		return err
	}
	http.Redirect(w, r, "/annotate/"+id+"/submit", http.StatusSeeOther)
	return nil
}

// annotateReady is the summary before submitting: the parts, the findings, the gate.
func (s *Server) annotateReady(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	ws, err := s.workspaceOf(r)
	if err != nil {
		return err
	}
	if !ws.T.Editable() {
		http.Redirect(w, r, "/annotate/"+ws.T.ID, http.StatusSeeOther)
		return nil
	}
	p := Page{
		Title: T(ctx, "annotate.ready"), Lede: T(ctx, "annotate.ready_lede"), Section: "annotate",
		Up: []Crumb{{T(ctx, "annotate.title"), "/annotate"}, {tripletTitle(ctx, ws.Source.Title), "/annotate/" + ws.T.ID}},
	}
	return s.render(w, r, p, readyPage(ws))
}

// annotateSubmit hands the triplet over. What is refused comes back at its fields.
func (s *Server) annotateSubmit(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id := r.PathValue("id")
	rev, err := revision(r)
	if err != nil {
		return err
	}
	err = triplet.Submit(ctx, s.db, viewOf(ctx).Person.ID, id, int64(rev))
	if bad := errs.FieldsOf(err); len(bad) > 0 {
		ws, e := s.workspaceOf(r)
		if e != nil {
			return e
		}
		ws.Err, ws.Step = err, stepOfField(bad[0].Name)
		return s.showWork(w, r, ws, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/annotate", Flash{Good, T(ctx, "annotate.submitted"), "/annotate/" + id + "/withdraw"})
}

// stepOfField says in which step a field stands.
func stepOfField(name string) int {
	switch name {
	case "reasoning", "facets":
		return 2
	case "checks":
		return 3
	}
	return 1
}

// findingsOf returns the findings of one step, the ones that block first.
func (ws *workspace) findingsOf(step int) []triplet.Finding {
	var out []triplet.Finding
	for _, f := range ws.Findings {
		if stepOfField(f.Field) == step {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b triplet.Finding) int {
		switch {
		case a.Block == b.Block:
			return 0
		case a.Block:
			return -1
		}
		return 1
	})
	return out
}

// begun reports whether anything of a step is written.
func (ws *workspace) begun(step int) bool {
	c := ws.T.Content.V
	switch step {
	case 1:
		return strings.TrimSpace(c.Prompt) != ""
	case 2:
		return strings.TrimSpace(c.Reasoning) != ""
	}
	return ticked(c) > 0
}

// steps is the step bar: open, done, or doubtful with what was found.
func (ws *workspace) steps(ctx context.Context) []Step {
	out := make([]Step, 3)
	for i := range out {
		n := i + 1
		st := Step{Label: T(ctx, "annotate.step_"+strconv.Itoa(n)), URL: "#step-" + strconv.Itoa(n), Mark: StepOpen, Current: n == ws.Step}
		if found := len(ws.findingsOf(n)); ws.begun(n) && found == 0 {
			st.Mark = StepDone
		} else if ws.begun(n) {
			st.Mark, st.Finding = StepDoubtful, T(ctx, "annotate.doubts", "n", found)
		}
		out[i] = st
	}
	return out
}

// findingText is a finding in the page's language.
func findingText(ctx context.Context, f triplet.Finding) string {
	return T(ctx, f.Key, f.Pairs()...)
}
