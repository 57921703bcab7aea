package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/project"
	"coigwriter/internal/user"
)

// planView is the plan of a study on its form, beside what it comes to.
type planView struct {
	ID       string // of a draft that is changed; "" for a new study
	Kind     string
	Form     url.Values
	Err      error
	Sets     []bench.Set
	Set      *bench.Set // chosen; nil for none
	Models   []bench.ModelCount
	Standing int // queries of the set that stand
	Genres   []Option
	People   []*user.Person // who may evaluate
	Looked   bool
	Outlook  evaluate.Outlook
	Plan     evaluate.Plan
	Names    map[string]string
	Failed   string // why there is no outlook, in words
}

// A planNumber is a number of a plan: where it stands and what it counts.
type planNumber struct {
	name  string
	whole bool
	more  bool   // folded away
	kind  string // of study that has it; "" for all
	of    func(*evaluate.Plan) any
}

// planNumbers are the numbers of the form, in its order.
var planNumbers = []planNumber{
	{"queries", true, false, "", func(p *evaluate.Plan) any { return &p.Queries }},
	{"pairs_per_query", true, false, evaluate.Pair, func(p *evaluate.Plan) any { return &p.Pairs }},
	{"size", true, false, evaluate.Rank, func(p *evaluate.Plan) any { return &p.Size }},
	{"overlap", true, false, "", func(p *evaluate.Plan) any { return &p.Overlap }},
	{"shared", false, false, "", func(p *evaluate.Plan) any { return &p.Shared }},
	{"detect", false, false, "", func(p *evaluate.Plan) any { return &p.Detect }},
	{"attention", true, true, "", func(p *evaluate.Plan) any { return &p.Attention }},
	{"max_failed", true, true, "", func(p *evaluate.Plan) any { return &p.MaxFailed }},
	{"repeats", false, true, "", func(p *evaluate.Plan) any { return &p.Repeats }},
	{"min_seconds", false, true, "", func(p *evaluate.Plan) any { return &p.MinSeconds }},
	{"alpha", false, true, "", func(p *evaluate.Plan) any { return &p.Alpha }},
	{"power", false, true, "", func(p *evaluate.Plan) any { return &p.Power }},
	{"icc", false, true, "", func(p *evaluate.Plan) any { return &p.ICC }},
	{"bootstrap", true, true, "", func(p *evaluate.Plan) any { return &p.Bootstrap }},
	{"seed", true, true, "", func(p *evaluate.Plan) any { return &p.Seed }},
	{"sample", true, true, "", func(p *evaluate.Plan) any { return &p.Sample }},
	{"zh_characters", false, true, "", func(p *evaluate.Plan) any { return &p.PerMinute.Characters }},
	{"en_words", false, true, "", func(p *evaluate.Plan) any { return &p.PerMinute.Words }},
	{"deciding_secs", false, true, "", func(p *evaluate.Plan) any { return &p.Deciding }},
}

// shownFor are the numbers of a kind of study, those at hand or those folded away.
func shownFor(kind string, more bool) (out []planNumber) {
	for _, n := range planNumbers {
		if n.more == more && (n.kind == "" || n.kind == kind) && (kind != evaluate.Rate || !slices.Contains([]string{"detect", "alpha", "power"}, n.name)) {
			out = append(out, n)
		}
	}
	return out
}

// planForm writes a plan as the form's values.
func planForm(name, kind string, p evaluate.Plan) url.Values {
	f := url.Values{
		"name": {name}, "kind": {kind}, "question": {p.Question}, "set_id": {p.SetID}, "assignment": {p.Assignment},
		"languages": p.Languages, "genres": p.Genres, "models": p.Models, "evaluators": p.Evaluators,
	}
	for _, n := range planNumbers {
		switch v := n.of(&p).(type) {
		case *int:
			f.Set(n.name, strconv.Itoa(*v))
		case *uint64:
			f.Set(n.name, strconv.FormatUint(*v, 10))
		case *float64:
			f.Set(n.name, number32(*v))
		}
	}
	return f
}

// readPlan takes a plan from the form; what is no number is named. Numbers that the kind does not show
// keep their default.
func readPlan(f url.Values) (name, kind string, p evaluate.Plan, err error) {
	p = evaluate.DefaultPlan()
	name, kind = strings.TrimSpace(f.Get("name")), f.Get("kind")
	p.Question, p.SetID = strings.ReplaceAll(f.Get("question"), "\r\n", "\n"), f.Get("set_id")
	if kind == evaluate.Rate && f.Get("assignment") != "" {
		p.Assignment = f.Get("assignment")
	}
	p.Languages, p.Genres, p.Models, p.Evaluators = f["languages"], f["genres"], f["models"], f["evaluators"]
	var bad []errs.Field
	for _, n := range planNumbers {
		raw := strings.TrimSpace(f.Get(n.name))
		if raw == "" || n.kind != "" && n.kind != kind {
			continue
		}
		var err error
		switch v := n.of(&p).(type) {
		case *int:
			*v, err = strconv.Atoi(raw)
		case *uint64:
			*v, err = strconv.ParseUint(raw, 10, 64)
		case *float64:
			if *v, err = strconv.ParseFloat(raw, 64); math.IsNaN(*v) || math.IsInf(*v, 0) {
				err = strconv.ErrRange
			}
		}
		if err != nil {
			bad = append(bad, errs.Field{Name: n.name, Key: "benchmark.no_number", Msg: "is no number"})
		}
	}
	return name, kind, p, errs.Fields(bad...)
}

// wrongIn is what is wrong with a field of the plan; the domain names the pace of reading as one.
func (v planView) wrongIn(ctx context.Context, name string) string {
	w := wrong(Lang(ctx), v.Err, name)
	if w == "" && (name == "zh_characters" || name == "en_words") {
		w = wrong(Lang(ctx), v.Err, "per_minute")
	}
	return w
}

// moreWrong reports whether something that is folded away is wrong.
func (v planView) moreWrong(ctx context.Context) bool {
	return slices.ContainsFunc(shownFor(v.Kind, true), func(n planNumber) bool { return v.wrongIn(ctx, n.name) != "" })
}

func (s *Server) frozenSets(ctx context.Context) ([]bench.Set, error) {
	sets, err := bench.Sets(ctx, s.db)
	return slices.DeleteFunc(sets, func(x bench.Set) bool { return x.State != bench.Frozen }), err
}

// fillPlan looks up what the form offers.
func (s *Server) fillPlan(ctx context.Context, v *planView) (err error) {
	if v.Kind = v.Form.Get("kind"); !slices.Contains(evaluate.Kinds, v.Kind) {
		v.Kind = evaluate.Pair
	}
	if v.Sets, err = s.frozenSets(ctx); err != nil {
		return err
	}
	if i := slices.IndexFunc(v.Sets, func(x bench.Set) bool { return x.ID == v.Form.Get("set_id") }); i >= 0 {
		v.Set = &v.Sets[i]
	}
	people, err := user.List(ctx, s.db)
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.May(user.EvaluateDo) || slices.Contains(v.Form["evaluators"], p.ID) {
			v.People = append(v.People, p)
		}
	}
	if v.Names, err = user.Names(ctx, s.db); err != nil || v.Set == nil {
		return err
	}
	if v.Models, err = bench.Counts(ctx, s.db, v.Set.ID); err != nil {
		return err
	}
	qs, err := bench.Queries(ctx, s.db, v.Set.ID)
	if err != nil {
		return err
	}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, q := range bench.Standing(qs) {
		used[q.Genre] = true
		v.Standing++
	}
	for _, g := range tax.Genres {
		if used[g.ID] {
			v.Genres = append(v.Genres, Option{g.ID, tax.Title(g.ID, Lang(ctx))})
		}
	}
	return nil
}

// look says what the plan comes to, or what is missing for that.
func (s *Server) look(ctx context.Context, v *planView) error {
	_, kind, p, err := readPlan(v.Form)
	if err == nil {
		v.Plan = p
		v.Outlook, err = evaluate.Look(ctx, s.db, kind, p)
	}
	switch {
	case err == nil:
		v.Looked = true
	case len(errs.FieldsOf(err)) > 0:
		v.Failed = T(ctx, "study.look_missing")
		for _, f := range errs.FieldsOf(err) {
			v.Failed += "\n" + planWord(ctx, f.Name) + T(ctx, "study.colon") + fieldText(Lang(ctx), f)
		}
	case errors.Is(err, errs.NotFound), errors.Is(err, errs.Invalid), errors.Is(err, errs.Conflict):
		v.Failed = err.Error()
	default:
		return err
	}
	return nil
}

// planWord names a field of the plan.
func planWord(ctx context.Context, name string) string {
	if key := "study.field_" + name; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return name
}

func (s *Server) showPlan(w http.ResponseWriter, r *http.Request, v planView, status int) error {
	ctx := r.Context()
	if err := s.fillPlan(ctx, &v); err != nil {
		return err
	}
	if v.Set != nil && len(v.Sets) > 0 {
		if err := s.look(ctx, &v); err != nil {
			return err
		}
	}
	if r.FormValue("part") != "" {
		return s.renderPart(w, r, outlookPart(v))
	}
	p := Page{Title: T(ctx, "study.new"), Lede: T(ctx, "study.new_lede"), Section: "studies", Up: []Crumb{{T(ctx, "study.title"), "/studies"}}}.With(status)
	if v.ID != "" {
		p.Title, p.Up = T(ctx, "study.edit"), append(p.Up, Crumb{v.Form.Get("name"), studyPath(v.ID)})
	}
	return s.render(w, r, p, planPage(v))
}

// studyNew offers a plan with sensible numbers, all models that have answered and all evaluators who are blind.
func (s *Server) studyNew(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	p := evaluate.DefaultPlan()
	sets, err := s.frozenSets(ctx)
	if err != nil {
		return err
	}
	if p.SetID = r.FormValue("set"); p.SetID == "" && len(sets) > 0 {
		p.SetID = sets[0].ID
	}
	people, err := user.List(ctx, s.db)
	if err != nil {
		return err
	}
	for _, x := range people {
		if x.May(user.EvaluateDo) && !x.May(user.StudyManage) { // who may see who wrote what is not blind
			p.Evaluators = append(p.Evaluators, x.ID)
		}
	}
	counts, err := bench.Counts(ctx, s.db, p.SetID)
	if err != nil {
		return err
	}
	for _, m := range counts {
		p.Models = append(p.Models, m.Model)
	}
	p.Overlap = min(p.Overlap, max(len(p.Evaluators), 1))
	kind := r.FormValue("kind")
	if !slices.Contains(evaluate.Kinds, kind) {
		kind = evaluate.Pair
	}
	return s.showPlan(w, r, planView{Form: planForm("", kind, p)}, http.StatusOK)
}

// studyPreview says what the plan on the form comes to and keeps nothing; another set or kind offers
// other fields.
func (s *Server) studyPreview(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return errs.Invalidf("this form cannot be read: %w", err)
	}
	return s.showPlan(w, r, planView{ID: r.PostForm.Get("id"), Form: r.PostForm}, http.StatusOK)
}

// studyAdd keeps a plan as a draft.
func (s *Server) studyAdd(w http.ResponseWriter, r *http.Request) error {
	return s.savePlan(w, r, "", func(ctx context.Context, by, name, kind string, p evaluate.Plan) (evaluate.Study, error) {
		return evaluate.New(ctx, s.db, by, name, kind, p)
	})
}

// studyEdit shows the plan of a draft.
func (s *Server) studyEdit(w http.ResponseWriter, r *http.Request) error {
	st, err := evaluate.Get(r.Context(), s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	if st.State != evaluate.Draft {
		return errs.Conflictf("%s is %s: its plan is frozen; what is done otherwise is a deviation", st.Name, st.State)
	}
	return s.showPlan(w, r, planView{ID: st.ID, Form: planForm(st.Name, st.Kind, st.Plan.V)}, http.StatusOK)
}

// studyChange keeps a draft's plan as it was changed. Its kind stays.
func (s *Server) studyChange(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	return s.savePlan(w, r, id, func(ctx context.Context, by, name, _ string, p evaluate.Plan) (evaluate.Study, error) {
		return evaluate.Change(ctx, s.db, by, id, name, p)
	})
}

func (s *Server) savePlan(w http.ResponseWriter, r *http.Request, id string, save func(ctx context.Context, by, name, kind string, p evaluate.Plan) (evaluate.Study, error)) error {
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return errs.Invalidf("this form cannot be read: %w", err)
	}
	name, kind, p, err := readPlan(r.PostForm)
	var st evaluate.Study
	if err == nil {
		st, err = save(ctx, viewOf(ctx).Person.ID, name, kind, p)
	}
	if len(errs.FieldsOf(err)) > 0 {
		return s.showPlan(w, r, planView{ID: id, Form: r.PostForm, Err: err}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, studyPath(st.ID), Flash{Good, T(ctx, "study.saved"), ""})
}
