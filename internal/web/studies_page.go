package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/train"
	"coigwriter/internal/user"
)

// studyView is one study: where it stands, who does what, and what was done otherwise than planned.
type studyView struct {
	S        evaluate.Study
	Set      *bench.Set // nil for an imported study
	Names    map[string]string
	Outlook  *evaluate.Outlook // of a draft
	NoLook   string            // why there is none
	Records  evaluate.Records
	Pace     map[string]evaluate.Pace
	Done, Of int
	Devs     []evaluate.Deviation
	Judges   []evaluate.Judge
	Order    *evaluate.JudgeOrder
	Estimate *evaluate.JudgeEstimate // of the configured model; nil without one
	Trained  map[string]train.Source // models that were trained here
	Model    string
	Scripted bool
	Files    []evaluate.File
	Others   []*user.Person // who may take tasks over
}

// recordsOf reads a study's records, or what was read before if nothing has changed.
func (s *Server) recordsOf(ctx context.Context, st evaluate.Study) (r evaluate.Records, version string, err error) {
	if version, err = evaluate.Version(ctx, s.db, st); err != nil {
		return r, "", err
	}
	r, err = s.records.exact(st.ID, version, func() (evaluate.Records, error) { return evaluate.RecordsOf(ctx, s.db, st) })
	return r, version, err
}

// studyShow shows one study.
func (s *Server) studyShow(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	st, err := evaluate.Get(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := &studyView{S: st}
	if v.Trained, err = train.Sources(ctx, s.db); err != nil {
		return err
	}
	if v.Names, err = user.Names(ctx, s.db); err != nil {
		return err
	}
	if st.Plan.V.SetID != "" {
		set, err := bench.GetSet(ctx, s.db, st.Plan.V.SetID)
		if err != nil {
			return err
		}
		v.Set = &set
	}
	if st.State == evaluate.Draft {
		err = s.fillDraft(ctx, v)
	} else {
		err = s.fillStudy(ctx, v)
	}
	if err != nil {
		return err
	}
	p := Page{Title: st.Name, Lede: st.Plan.V.Question, Section: "studies", Up: []Crumb{{T(ctx, "study.title"), "/studies"}}, Actions: studyActions(v)}
	return s.render(w, r, p, studyPage(v))
}

func (s *Server) fillDraft(ctx context.Context, v *studyView) error {
	o, err := evaluate.Look(ctx, s.db, v.S.Kind, v.S.Plan.V)
	switch {
	case err == nil:
		v.Outlook = &o
	case errs.Kind(err) == errs.Invalid, errs.Kind(err) == errs.NotFound, errs.Kind(err) == errs.Conflict:
		v.NoLook = err.Error()
	default:
		return err
	}
	return nil
}

func (s *Server) fillStudy(ctx context.Context, v *studyView) (err error) {
	if v.Records, _, err = s.recordsOf(ctx, v.S); err != nil {
		return err
	}
	for _, r := range v.Records.Raters {
		v.Done, v.Of = v.Done+r.Done, v.Of+r.Tasks
	}
	if v.Pace, err = evaluate.PaceOf(ctx, s.db, v.S, v.Records.Raters); err != nil {
		return err
	}
	if v.Devs, err = evaluate.Deviations(ctx, s.db, v.S.ID); err != nil {
		return err
	}
	if v.Files, err = evaluate.Files(ctx, s.db, v.S, v.Records); err != nil {
		return err
	}
	people, err := user.List(ctx, s.db)
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.May(user.EvaluateDo) {
			v.Others = append(v.Others, p)
		}
	}
	return s.fillJudges(ctx, v)
}

func (s *Server) fillJudges(ctx context.Context, v *studyView) (err error) {
	if v.Judges, err = evaluate.Judges(ctx, s.db, v.S.ID); err != nil || v.S.Origin != evaluate.Here {
		return err
	}
	o, err := evaluate.OrderOf(ctx, s.db, v.S.ID)
	switch {
	case err == nil:
		v.Order = &o
	case !errors.Is(err, errs.NotFound):
		return err
	}
	if !s.opt.LLM.Configured() || v.S.State == evaluate.Abandoned {
		return nil
	}
	v.Model, v.Scripted = s.opt.LLM.Endpoint().Model, s.opt.LLM.Endpoint().Scripted()
	est, err := evaluate.EstimateJudge(ctx, s.db, s.opt.LLM, v.S)
	v.Estimate = &est
	return err
}

// studyOpen freezes a plan and puts its tasks before people.
func (s *Server) studyOpen(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id := r.PathValue("id")
	st, err := evaluate.Begin(ctx, s.db, viewOf(ctx).Person.ID, id)
	if fs := errs.FieldsOf(err); len(fs) > 0 {
		return s.done(w, r, studyPath(id), Flash{Warn, fieldText(Lang(ctx), fs[0]), ""})
	}
	if err != nil {
		return err
	}
	return s.done(w, r, studyPath(id), Flash{Good, T(ctx, "study.opened", "n", st.Drawn.V.Tasks, "hash", st.PlanHash[:8]), ""})
}

// studyMove closes, reopens or abandons a study. What departs from the plan wants a reason.
func (s *Server) studyMove(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, to, why := r.PathValue("id"), r.FormValue("to"), strings.TrimSpace(text(r, "reason"))
	_, err := evaluate.Move(ctx, s.db, viewOf(ctx).Person.ID, id, to, why)
	if errors.Is(err, errs.Invalid) { // all that can be wrong with a move is that its reason is missing
		return s.done(w, r, studyPath(id), Flash{Warn, T(ctx, "error.reason_needed"), ""})
	}
	if err != nil {
		return err
	}
	return s.done(w, r, studyPath(id), Flash{Good, T(ctx, "study.moved_"+to), ""})
}

// studyRaters excludes or includes a rater, or gives the open tasks of one to another.
func (s *Server) studyRaters(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, by, who, why := r.PathValue("id"), viewOf(ctx).Person.ID, r.FormValue("person"), text(r, "reason")
	done := ""
	var err error
	switch r.FormValue("do") {
	case "exclude":
		err, done = evaluate.Exclude(ctx, s.db, by, id, who, why), T(ctx, "study.excluded")
	case "include":
		err, done = evaluate.Include(ctx, s.db, by, id, who, why), T(ctx, "study.included")
	case "reassign":
		var n int64
		n, err = evaluate.Reassign(ctx, s.db, by, id, who, r.FormValue("to"), why)
		done = T(ctx, "study.reassigned", "n", int(n))
	default:
		err = errs.Invalidf("raters are excluded, included or relieved, and not %q", r.FormValue("do"))
	}
	if fs := errs.FieldsOf(err); len(fs) > 0 {
		return s.done(w, r, studyPath(id), Flash{Warn, fieldText(Lang(ctx), fs[0]), ""})
	}
	if err != nil {
		return err
	}
	return s.done(w, r, studyPath(id), Flash{Good, done, ""})
}

// studyJudge asks that the configured model judge the study, or stops that.
func (s *Server) studyJudge(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, by := r.PathValue("id"), viewOf(ctx).Person.ID
	if r.FormValue("to") == bench.Stopped {
		if err := evaluate.MoveJudge(ctx, s.db, by, id, bench.Stopped, ""); err != nil {
			return err
		}
		return s.done(w, r, studyPath(id)+"#judges", Flash{Neutral, T(ctx, "study.judge_stopped"), ""})
	}
	if !s.opt.LLM.Configured() {
		return errs.Conflictf("no model is configured")
	}
	if err := evaluate.AskJudge(ctx, s.db, by, id); err != nil {
		return err
	}
	return s.done(w, r, studyPath(id)+"#judges", Flash{Good, T(ctx, "study.judge_asked"), ""})
}

// studyFrozen sends the plan as it was frozen, byte for byte: its SHA-256 is the plan's hash.
func (s *Server) studyFrozen(w http.ResponseWriter, r *http.Request) error {
	st, err := evaluate.Get(r.Context(), s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	if st.Frozen == "" {
		return errs.NotFoundf("%s is %s: its plan is not frozen yet", st.Name, st.State)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="plan.json"`)
	h.Set("X-Plan-SHA256", st.PlanHash)
	_, _ = io.WriteString(w, st.Frozen) // the reader has gone; there is nobody to tell
	return nil
}

// studyFile sends one of the files a study is exported as.
func (s *Server) studyFile(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	st, err := evaluate.Get(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	records, _, err := s.recordsOf(ctx, st)
	if err != nil {
		return err
	}
	files, err := evaluate.Files(ctx, s.db, st, records)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Name == r.PathValue("file") {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote(f.Name))
			return f.Write(w)
		}
	}
	return errs.NotFoundf("this study has no file %q", r.PathValue("file"))
}
