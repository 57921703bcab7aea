package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"coigwriter/internal/audit"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/review"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// tripletList is everything the list of all triplets shows.
type tripletList struct {
	Rows       []triplet.Row
	Chips      []Chip
	State      string
	Genre      string
	Annotator  string
	Query      string
	Genres     []Option
	Annotators []Option
	Names      map[string]string
	Pager      Cursor
	Tax        *genre.Taxonomy
	Failed     int                // submitted triplets that a model failed to score
	Failures   []llm.FailureCount // and why
}

// triplets lists all triplets; the address holds the filter.
func (s *Server) triplets(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	l := tripletList{State: r.FormValue("state"), Genre: r.FormValue("genre"), Annotator: r.FormValue("annotator"), Query: strings.TrimSpace(r.FormValue("q")), Tax: tax}
	f := triplet.Filter{Annotator: l.Annotator, Query: l.Query, After: r.FormValue("after")}
	if l.State != "" {
		f.States = []string{l.State}
	}
	if l.Genre != "" {
		f.Genres = []string{l.Genre}
	}
	counts, err := triplet.Counts(ctx, s.db, l.Annotator)
	if err != nil {
		return err
	}
	total := -1
	if l.Genre == "" && l.Query == "" {
		total = countOf(counts, l.State)
	}
	rows, next, err := triplet.List(ctx, s.db, f)
	if err != nil {
		return err
	}
	l.Rows, l.Pager, l.Chips = rows, cursorPager(r.URL, next, len(rows), total), stateChips(ctx, r.URL, counts, l.State)
	if l.Names, err = user.Names(ctx, s.db); err != nil {
		return err
	}
	if l.Annotators, err = s.annotatorOptions(ctx); err != nil {
		return err
	}
	l.Genres = []Option{{"", T(ctx, "annotate.all_genres")}}
	for _, g := range tax.Genres {
		l.Genres = append(l.Genres, Option{g.ID, g.In(Lang(ctx))})
	}
	if Can(ctx, user.ScreenRun) {
		if l.Failures, err = triplet.FailureCounts(ctx, s.db); err != nil {
			return err
		}
		if len(l.Failures) > 0 {
			if l.Failed, err = triplet.CountFailures(ctx, s.db); err != nil {
				return err
			}
		}
	}
	p := Page{Title: T(ctx, "triplets.title"), Lede: T(ctx, "triplets.lede"), Section: "triplets"}
	if n := counts[triplet.Submitted]; Can(ctx, user.TripletScore) && n > 0 {
		p.Actions = toScoreLink(n)
	}
	return s.render(w, r, p, tripletsPage(l))
}

// countOf sums the counts of one state, or of all.
func countOf(counts map[string]int, state string) int {
	if state != "" {
		return counts[state]
	}
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// stateChips are the states as links, in the order of the flow; the rest of the filter stays.
func stateChips(ctx context.Context, u *url.URL, counts map[string]int, state string) []Chip {
	chips := []Chip{{T(ctx, "triplets.all"), stateAddress(u, ""), countOf(counts, ""), state == ""}}
	for _, st := range triplet.States {
		if counts[st] > 0 || st == state {
			chips = append(chips, Chip{statusWord(ctx, "triplets", st), stateAddress(u, st), counts[st], st == state})
		}
	}
	return chips
}

// stateAddress is the list's address with another state, at its beginning.
func stateAddress(u *url.URL, state string) string {
	q := u.Query()
	for _, name := range []string{"after", "trail", "state"} {
		q.Del(name)
	}
	if state != "" {
		q.Set("state", state)
	}
	if len(q) == 0 {
		return u.Path
	}
	return u.Path + "?" + q.Encode()
}

func (s *Server) annotatorOptions(ctx context.Context) ([]Option, error) {
	people, err := user.List(ctx, s.db)
	if err != nil {
		return nil, err
	}
	out := []Option{{"", T(ctx, "triplets.anyone")}}
	for _, p := range people {
		if p.Has(user.Annotator) {
			out = append(out, Option{p.ID, p.Name})
		}
	}
	return out, nil
}

// tripletView is one triplet with all that happened to it.
type tripletView struct {
	T         *triplet.Triplet
	Source    *source.Source
	Genre     genre.Genre
	Sheets    []triplet.Sheet
	Reviews   []review.Review // for those who manage reviews
	Removal   *review.Proposal
	Taken     int // characters taken from a model's words
	History   []audit.Event
	Failed    []llm.Call // about it, newest first, for those who may read the history
	Stuck     bool       // some of them keep the model from being asked about it again
	Names     map[string]string
	Err       error      // of the form that came back
	Form      url.Values // what was typed into it
	Viewer    string     // the person who looks
	ShowNames bool       // whoever scores blind does not learn who wrote it
}

// tripletViewOf gathers a triplet for its page; names and reviews only where permitted.
func (s *Server) tripletViewOf(r *http.Request) (*tripletView, error) {
	ctx := r.Context()
	t, err := triplet.Get(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v := &tripletView{T: t, Viewer: viewOf(ctx).Person.ID, ShowNames: Can(ctx, user.TripletRead), Form: url.Values{}}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return nil, err
	}
	v.Genre, _ = tax.Get(t.Genre)
	if v.Source, err = source.Get(ctx, s.db, t.SourceID); err != nil {
		return nil, err
	}
	if !v.ShowNames {
		return v, nil
	}
	if v.Names, err = user.Names(ctx, s.db); err != nil {
		return nil, err
	}
	if v.Sheets, err = triplet.Sheets(ctx, s.db, t.ID); err != nil {
		return nil, err
	}
	if v.Taken, err = triplet.FromHelp(ctx, s.db, t); err != nil {
		return nil, err
	}
	if Can(ctx, user.HistoryRead) {
		if v.History, err = audit.History(ctx, s.db, "triplet", t.ID); err != nil {
			return nil, err
		}
		slices.Reverse(v.History)
		if v.Failed, _, err = llm.ListCalls(ctx, s.db, llm.Filter{Failure: llm.AnyFailure, Items: []llm.Items{{Kind: "triplet", IDs: "?", Args: []any{t.ID}}}}, "", 20); err != nil {
			return nil, err
		}
		if v.Stuck, err = triplet.Stuck(ctx, s.db, t.ID); err != nil {
			return nil, err
		}
	}
	if Can(ctx, user.ReviewManage) {
		if v.Reviews, err = review.OfTriplet(ctx, s.db, t.ID); err != nil {
			return nil, err
		}
	}
	if t.State == triplet.Removal {
		ps, err := review.Proposals(ctx, s.db, t.ID)
		if err != nil {
			return nil, err
		}
		if len(ps) > 0 && ps[0].DecidedAt == nil {
			v.Removal = &ps[0]
		}
	}
	return v, nil
}

// tripletShow is the page of one triplet.
func (s *Server) tripletShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.tripletViewOf(r)
	if err != nil {
		return err
	}
	return s.showTriplet(w, r, v, http.StatusOK)
}

// tripletCall shows one question to a model about a triplet with its raw answer.
func (s *Server) tripletCall(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.tripletViewOf(r)
	if err != nil {
		return err
	}
	k, err := s.callViewOf(ctx, r.PathValue("call"))
	if err != nil {
		return err
	}
	if k.Call.ItemKind != "triplet" || k.Call.ItemID != v.T.ID {
		return errs.NotFoundf("this call is not about triplet %s", v.T.ID)
	}
	p := Page{Title: T(ctx, "models.call"), Section: "triplets", Up: []Crumb{{T(ctx, "triplets.title"), "/triplets"}, {tripletTitle(ctx, v.Source.Title), "/triplets/" + v.T.ID}}}
	return s.render(w, r, p, callPage(k))
}

func (s *Server) showTriplet(w http.ResponseWriter, r *http.Request, v *tripletView, status int) error {
	p := Page{Title: tripletTitle(r.Context(), v.Source.Title), Section: "triplets", Wide: true}.With(status)
	return s.render(w, r, p, tripletPage(v))
}

// tripletAct answers an action on a triplet: done, or the page again with what was wrong
// at its fields.
func (s *Server) tripletAct(w http.ResponseWriter, r *http.Request, err error, done string) error {
	if len(errs.FieldsOf(err)) > 0 && Can(r.Context(), user.TripletRead) {
		v, e := s.tripletViewOf(r)
		if e != nil {
			return e
		}
		v.Err, v.Form = err, r.PostForm
		return s.showTriplet(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	to := "/"
	if Can(r.Context(), user.TripletRead) {
		to = "/triplets/" + r.PathValue("id")
	}
	return s.done(w, r, to, Flash{Good, T(r.Context(), done), ""})
}

// tripletPropose proposes a removal; a second person decides.
func (s *Server) tripletPropose(w http.ResponseWriter, r *http.Request) error {
	err := review.ProposeRemoval(r.Context(), s.db, r.PathValue("id"), viewOf(r.Context()).Person.ID, r.FormValue("reason_code"), text(r, "note"))
	return s.tripletAct(w, r, err, "triplets.proposed")
}

// tripletDecide is the second person's word on a removal.
func (s *Server) tripletDecide(w http.ResponseWriter, r *http.Request) error {
	confirm := r.FormValue("decision") == "confirm"
	if !confirm && r.FormValue("decision") != "decline" {
		return errs.Invalidf("say whether the removal is confirmed or declined")
	}
	done := "triplets.declined_now"
	if confirm {
		done = "triplets.removed_now"
	}
	err := review.DecideRemoval(r.Context(), s.db, r.PathValue("id"), viewOf(r.Context()).Person.ID, confirm, text(r, "reason"))
	return s.tripletAct(w, r, err, done)
}

// tripletAdjudicate is a lead's word on a dispute.
func (s *Server) tripletAdjudicate(w http.ResponseWriter, r *http.Request) error {
	err := review.Adjudicate(r.Context(), s.db, r.PathValue("id"), viewOf(r.Context()).Person.ID, r.FormValue("verdict"), text(r, "reason"))
	return s.tripletAct(w, r, err, "triplets.adjudicated")
}

// judgeName is who filled a sheet.
func (v *tripletView) judgeName(ctx context.Context, sheet *triplet.Sheet) string {
	if sheet.JudgeKind == "person" {
		return actorName(ctx, v.Names, sheet.Judge)
	}
	return sheet.Judge
}
