package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/project"
)

// What an evaluator gets is made of evaluate.Sheet and evaluate.My alone, which know neither models nor
// lengths; TestBlind reads every byte of it.

// evaluateMine lists the studies in which the person has tasks.
func (s *Server) evaluateMine(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	ms, err := evaluate.Mine(ctx, s.db, viewOf(ctx).Person.ID)
	if err != nil {
		return err
	}
	p := Page{Title: T(ctx, "evaluate.title"), Section: "evaluate"}
	if len(ms) > 0 {
		p.Lede = T(ctx, "evaluate.lede")
	}
	return s.render(w, r, p, evaluateListPage(ms))
}

// A finishedView is a study in which the person has nothing to do now, and why.
type finishedView struct {
	evaluate.My
	Undo undo
}

// evaluateStudy leads to the next open task, or says that there is none.
func (s *Server) evaluateStudy(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	me := viewOf(ctx).Person.ID
	m, err := evaluate.MineOf(ctx, s.db, me, r.PathValue("study"))
	if err != nil {
		return err
	}
	if m.State == evaluate.Open {
		id, err := evaluate.Next(ctx, s.db, me, m.ID, 0)
		if err == nil {
			http.Redirect(w, r, taskPath(id), http.StatusSeeOther)
			return nil
		}
		if !errors.Is(err, errs.NotFound) {
			return err
		}
	}
	return s.finished(w, r, m)
}

func (s *Server) finished(w http.ResponseWriter, r *http.Request, m evaluate.My) error {
	ctx := r.Context()
	v := finishedView{My: m}
	var err error
	if v.Undo, err = s.undoIn(ctx, m.ID, ""); err != nil {
		return err
	}
	p := Page{Title: m.Name, Section: "evaluate", Up: []Crumb{{T(ctx, "evaluate.title"), "/evaluate"}}}
	return s.render(w, r, p, evaluateFinishedPage(v))
}

func taskPath(id string) string { return "/evaluate/task/" + id }

// An undo is the person's last verdict in a study while it can be taken back.
type undo struct {
	TaskID string // "" for none
	Said   string
	Left   int // seconds
}

// undoIn finds it; that on the task which is shown has its own way back on the page.
func (s *Server) undoIn(ctx context.Context, studyID, shown string) (u undo, err error) {
	me := viewOf(ctx).Person.ID
	id, left, err := evaluate.Last(ctx, s.db, me, studyID)
	if errors.Is(err, errs.NotFound) || id == shown {
		return undo{}, nil
	}
	if err != nil {
		return u, err
	}
	sh, err := evaluate.Show(ctx, s.db, me, id, false)
	if err != nil {
		return u, err
	}
	return undo{id, saidWords(ctx, sh), seconds(left)}, nil
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// A taskView is a task on a page.
type taskView struct {
	evaluate.Sheet
	Title  string // of the genre
	Next   string // ID of the task to fetch ahead; "" for none
	Undo   undo
	Form   evaluate.Given // what is filled in: of a form that came back
	Places []int          // rank: the place of each answer as it was filled in, 0 for none
	Err    error
	Notice string
	Chosen string // what was chosen now where something else had been said before
}

// evaluateTask shows a task. A script that fetches it ahead asks for its part alone; then its time does
// not begin to count.
func (s *Server) evaluateTask(w http.ResponseWriter, r *http.Request) error {
	part := r.FormValue("part") != ""
	sh, err := evaluate.Show(r.Context(), s.db, viewOf(r.Context()).Person.ID, r.PathValue("id"), !part)
	if err != nil {
		return err
	}
	v := taskView{Sheet: sh}
	if sh.Done && r.FormValue("other") != "" {
		v.Notice = T(r.Context(), "evaluate.decided_before")
	}
	return s.showTask(w, r, v, http.StatusOK)
}

func (s *Server) showTask(w http.ResponseWriter, r *http.Request, v taskView, status int) error {
	ctx := r.Context()
	me := viewOf(ctx).Person.ID
	if !v.Done && (v.State != evaluate.Open || v.Withdrawn) {
		return s.notWanted(w, r, v)
	}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	v.Title = tax.Title(v.Genre, Lang(ctx))
	v.Next, err = evaluate.Then(ctx, s.db, me, v.Sheet, r.FormValue("from"))
	if err != nil && !errors.Is(err, errs.NotFound) {
		return err
	}
	if r.FormValue("part") != "" {
		return s.renderPart(w, r, evaluateSheet(v))
	}
	if v.Undo, err = s.undoIn(ctx, v.StudyID, v.TaskID); err != nil {
		return err
	}
	p := Page{Title: v.Study, Section: "evaluate", Wide: true}.With(status)
	return s.render(w, r, p, evaluateTaskPage(v))
}

// notWanted answers for a task that nobody waits for any more: its study is over, or its query gone.
func (s *Server) notWanted(w http.ResponseWriter, r *http.Request, v taskView) error {
	ctx := r.Context()
	if v.State == evaluate.Open {
		return s.done(w, r, "/evaluate/"+v.StudyID, Flash{Neutral, T(ctx, "evaluate.withdrawn"), ""})
	}
	m := evaluate.My{ID: v.StudyID, Name: v.Study, Kind: v.Kind, State: v.State, Done: v.Judged, Of: v.Of}
	return s.finished(w, r, m)
}

// A reply is what a script gets for a verdict that is stored.
type reply struct {
	Said  string `json:"said"`
	Left  int    `json:"left"` // seconds in which it can be taken back
	Back  string `json:"back"` // address for that
	Done  int    `json:"done"`
	Of    int    `json:"of"`
	Words string `json:"words"` // the progress in words
	Then  string `json:"then"`  // where to go on
}

// evaluateGive stores a verdict.
func (s *Server) evaluateGive(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	me, id := viewOf(ctx).Person.ID, r.PathValue("id")
	sh, err := evaluate.Show(ctx, s.db, me, id, false)
	if err != nil {
		return err
	}
	given, places, err := givenIn(r, sh)
	if err == nil {
		_, err = evaluate.Give(ctx, s.db, me, id, given)
	}
	switch {
	case errors.Is(err, errs.Conflict):
		return s.notTaken(w, r, given, err)
	case len(errs.FieldsOf(err)) > 0 && !wantsJSON(r):
		return s.showTask(w, r, taskView{Sheet: sh, Form: given, Places: places, Err: err}, http.StatusUnprocessableEntity)
	case err != nil:
		return err
	}
	if !wantsJSON(r) {
		http.Redirect(w, r, "/evaluate/"+sh.StudyID, http.StatusSeeOther)
		return nil
	}
	if sh, err = evaluate.Show(ctx, s.db, me, id, false); err != nil {
		return err
	}
	then := "/evaluate/" + sh.StudyID
	if next, err := evaluate.Then(ctx, s.db, me, sh, ""); err == nil {
		then = taskPath(next)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(reply{saidWords(ctx, sh), seconds(sh.Back), taskPath(id) + "/back", sh.Judged, sh.Of, progressWords(ctx, sh.Judged, sh.Of), then})
}

// notTaken answers a verdict that conflicts with what is stored: the task as it stands now, with what
// was chosen, so that nothing is decided behind the person's back.
func (s *Server) notTaken(w http.ResponseWriter, r *http.Request, given evaluate.Given, why error) error {
	ctx := r.Context()
	if wantsJSON(r) {
		return why
	}
	sh, err := evaluate.Show(ctx, s.db, viewOf(ctx).Person.ID, r.PathValue("id"), false)
	if err != nil {
		return err
	}
	v := taskView{Sheet: sh}
	if sh.Done {
		v.Notice = T(ctx, "evaluate.decided_before")
		sh.Given = &given
		v.Chosen = saidWords(ctx, sh)
	}
	return s.showTask(w, r, v, http.StatusConflict)
}

// evaluateBack takes a verdict back and leads to its task.
func (s *Server) evaluateBack(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	me, id := viewOf(ctx).Person.ID, r.PathValue("id")
	err := evaluate.TakeBack(ctx, s.db, me, id)
	if errors.Is(err, errs.Conflict) {
		sh, e := evaluate.Show(ctx, s.db, me, id, false)
		if e != nil {
			return e
		}
		return s.showTask(w, r, taskView{Sheet: sh, Notice: T(ctx, "evaluate.too_late")}, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, taskPath(id), http.StatusSeeOther)
	return nil
}

// evaluateSeen begins a task's time when a script shows what it fetched ahead.
func (s *Server) evaluateSeen(w http.ResponseWriter, r *http.Request) error {
	waits, err := evaluate.Seen(r.Context(), s.db, viewOf(r.Context()).Person.ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]bool{"waits": waits})
}

// givenIn reads a verdict from a form; for a ranking also the places as they were filled in.
func givenIn(r *http.Request, sh evaluate.Sheet) (g evaluate.Given, places []int, err error) {
	g.Note = strings.TrimSpace(text(r, "note"))
	switch sh.Kind {
	case evaluate.Pair:
		g.Winner = r.FormValue("winner")
	case evaluate.Rank:
		return rankedIn(r, g, len(sh.Texts))
	case evaluate.Rate:
		g.Marks = marksIn(r.Form)
	}
	return g, nil, nil
}

// rankedIn turns the place of each answer into an order. Two answers in one place are refused here,
// since an order cannot say it; what has no place is missing from it, which Give refuses.
func rankedIn(r *http.Request, g evaluate.Given, n int) (evaluate.Given, []int, error) {
	places, at := make([]int, n), make([]int, n+1)
	for i := range places {
		places[i], _ = strconv.Atoi(r.FormValue(placeField(i))) // none is 0
		if places[i] < 0 || places[i] > n || places[i] > 0 && at[places[i]] > 0 {
			return g, places, errs.Fields(errs.Field{Name: "ranked", Key: "evaluate.bad_ranking", Msg: "each answer has one place: no ties, none twice", Args: []any{"n", n}})
		}
		at[places[i]] = i + 1
	}
	for _, i := range at[1:] {
		if i > 0 {
			g.Ranked = append(g.Ranked, i-1)
		}
	}
	return g, places, nil
}

func placeField(i int) string { return "place_" + strconv.Itoa(i+1) }

// marksIn reads the marks that were given; what is no number is none.
func marksIn(form url.Values) map[string]int {
	marks := map[string]int{}
	for _, dim := range evaluate.Dimensions {
		if m, err := strconv.Atoi(form.Get(dim.Key)); err == nil {
			marks[dim.Key] = m
		}
	}
	return marks
}
