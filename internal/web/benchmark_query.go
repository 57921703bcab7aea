package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/train"
	"coigwriter/internal/user"
)

// queryView is one query of a set: its form in a draft, what the panel says, what models answered.
type queryView struct {
	S       bench.Set
	Q       bench.Query
	Tax     *genre.Taxonomy
	Groups  []optionGroup
	Marks   []bench.Mark
	Panel   bench.Panel
	Answers []bench.Answer
	Trained map[string]train.Source // models that were trained here
	Names   map[string]string
	Prev    string
	Next    string
	Err     error
	Form    url.Values // of the withdrawal
}

// Editable reports whether the query may still be changed.
func (v *queryView) Editable() bool { return v.S.State == bench.Draft }

func (s *Server) queryViewOf(r *http.Request) (*queryView, error) {
	ctx := r.Context()
	q, err := bench.GetQuery(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v := &queryView{Q: q, Form: url.Values{}}
	if v.S, err = bench.GetSet(ctx, s.db, q.SetID); err != nil {
		return nil, err
	}
	if err := s.fillQuery(r, v); err != nil {
		return nil, err
	}
	if v.Marks, err = bench.Marks(ctx, s.db, q.ID); err != nil {
		return nil, err
	}
	for _, m := range v.Marks {
		n := float64(len(v.Marks))
		v.Panel.People++
		v.Panel.Clarity, v.Panel.Precise, v.Panel.Difficulty = v.Panel.Clarity+float64(m.Clarity)/n, v.Panel.Precise+float64(m.Precise)/n, v.Panel.Difficulty+float64(m.Difficulty)/n
	}
	if v.Answers, err = bench.AnswersTo(ctx, s.db, q.ID); err != nil {
		return nil, err
	}
	if v.Trained, err = train.Sources(ctx, s.db); err != nil {
		return nil, err
	}
	all, err := bench.Queries(ctx, s.db, q.SetID)
	if err != nil {
		return nil, err
	}
	for i, x := range all {
		if x.ID != q.ID {
			continue
		}
		if i > 0 {
			v.Prev = all[i-1].ID
		}
		if i+1 < len(all) {
			v.Next = all[i+1].ID
		}
	}
	return v, nil
}

// fillQuery adds what a form needs.
func (s *Server) fillQuery(r *http.Request, v *queryView) (err error) {
	ctx := r.Context()
	if v.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return err
	}
	v.Groups = append([]optionGroup{{"", []Option{{"", T(ctx, "benchmark.choose_genre")}}}}, genresOnly(ctx, v.Tax)...)
	v.Names, err = user.Names(ctx, s.db)
	return err
}

// queryShow shows one query.
func (s *Server) queryShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.queryViewOf(r)
	if err != nil {
		return err
	}
	return s.showQuery(w, r, v, http.StatusOK)
}

func (s *Server) showQuery(w http.ResponseWriter, r *http.Request, v *queryView, status int) error {
	ctx := r.Context()
	title := v.Q.Code
	if v.Q.ID == "" {
		title = T(ctx, "benchmark.new_query")
	}
	p := Page{Title: title, Section: "benchmark", Up: []Crumb{{T(ctx, "benchmark.title"), "/benchmark"}, {v.S.Title(), "/benchmark/" + v.S.ID}}}.With(status)
	if v.Q.ID != "" {
		p.Actions = queryWalk(v)
	}
	return s.render(w, r, p, queryPage(v))
}

// queryNew is the form for one more query of a draft.
func (s *Server) queryNew(w http.ResponseWriter, r *http.Request) error {
	v, err := s.newQueryOf(r)
	if err != nil {
		return err
	}
	if !v.Editable() {
		return errs.Conflictf("%s is %s: its queries do not change any more; make a new version of it", v.S.Title(), v.S.State)
	}
	return s.showQuery(w, r, v, http.StatusOK)
}

func (s *Server) newQueryOf(r *http.Request) (*queryView, error) {
	set, err := bench.GetSet(r.Context(), s.db, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v := &queryView{S: set, Q: bench.Query{SetID: set.ID}, Form: url.Values{}}
	return v, s.fillQuery(r, v)
}

// queryAdd adds a query to a draft.
func (s *Server) queryAdd(w http.ResponseWriter, r *http.Request) error {
	v, err := s.newQueryOf(r)
	if err != nil {
		return err
	}
	return s.saveQuery(w, r, v, "benchmark.query_added")
}

// querySave changes a query of a draft.
func (s *Server) querySave(w http.ResponseWriter, r *http.Request) error {
	v, err := s.queryViewOf(r)
	if err != nil {
		return err
	}
	return s.saveQuery(w, r, v, "benchmark.query_saved")
}

func (s *Server) saveQuery(w http.ResponseWriter, r *http.Request, v *queryView, done string) error {
	ctx := r.Context()
	err := readQuery(r, &v.Q)
	if err == nil {
		err = bench.SaveQuery(ctx, s.db, v.Tax, viewOf(ctx).Person.ID, &v.Q)
	}
	if len(errs.FieldsOf(err)) > 0 {
		v.Err = err
		return s.showQuery(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	to := "/queries/" + v.Q.ID
	if r.FormValue("then") == "new" {
		to = "/benchmark/" + v.S.ID + "/new"
	}
	return s.done(w, r, to, Flash{Good, T(ctx, done, "id", v.Q.Code), ""})
}

// readQuery takes the fields of the form.
func readQuery(r *http.Request, q *bench.Query) error {
	q.Code, q.Genre, q.Language, q.Prompt = r.FormValue("id"), r.FormValue("genre"), r.FormValue("language"), text(r, "prompt")
	q.Style, q.Theme, q.Context, q.Difficulty = text(r, "style"), text(r, "theme"), text(r, "context"), r.FormValue("difficulty")
	q.LengthUnit, q.LengthMin, q.LengthMax = r.FormValue("length_unit"), 0, 0
	for name, to := range map[string]*int{"length_min": &q.LengthMin, "length_max": &q.LengthMax} {
		raw := strings.TrimSpace(r.FormValue(name))
		if raw == "" {
			continue
		}
		n, err := strconv.Atoi(raw)
		if err != nil || n < 0 || n > 10_000_000 {
			return errs.Fields(errs.Field{Name: "length_max", Key: "benchmark.bad_length", Msg: "lengths are whole numbers"})
		}
		*to = n
	}
	return nil
}

// queryWithdraw takes a query out, with a reason.
func (s *Server) queryWithdraw(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	err := bench.Withdraw(ctx, s.db, viewOf(ctx).Person.ID, r.PathValue("id"), text(r, "reason"))
	if len(errs.FieldsOf(err)) > 0 {
		v, e := s.queryViewOf(r)
		if e != nil {
			return e
		}
		v.Err, v.Form = err, r.PostForm
		return s.showQuery(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/queries/"+r.PathValue("id"), Flash{Good, T(ctx, "benchmark.withdrawn_now"), "/queries/" + r.PathValue("id") + "/reinstate"})
}

// queryReinstate takes a withdrawal back.
func (s *Server) queryReinstate(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	err := bench.Reinstate(ctx, s.db, viewOf(ctx).Person.ID, r.PathValue("id"))
	if errors.Is(err, errs.Conflict) {
		return s.done(w, r, "/queries/"+r.PathValue("id"), Flash{Warn, T(ctx, "benchmark.cannot_reinstate"), ""})
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/queries/"+r.PathValue("id"), Flash{Good, T(ctx, "benchmark.reinstated"), ""})
}
