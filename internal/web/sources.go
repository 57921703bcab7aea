package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/user"
)

// sourceList is everything the list of sources shows.
type sourceList struct {
	Rows                      []source.Row
	Chips                     []Chip
	State, Genre, Lang, Query string
	Why                       string // "reason:<key>" or "rule:<name>"
	Import                    string
	InText                    bool
	Groups                    []optionGroup
	Langs                     []Option
	Whys                      []optionGroup
	Pager                     Cursor
	Tax                       *genre.Taxonomy
	Screening                 screen.Status
	Err                       error  // of the bulk decision that came back
	Reason                    string // typed into it
	Picked                    []string
	Address                   string // of this list, to come back to
	Empty                     bool   // there are no sources at all
	Project                   bool   // whether any filter is on
}

// An optionGroup is a part of a select with a heading; "" has none.
type optionGroup struct {
	Label   string
	Options []Option
}

// maxPicked bounds how many sources one bulk decision moves: a page of the list.
const maxPicked = 200

// sources lists sources; the address holds the filter.
func (s *Server) sources(w http.ResponseWriter, r *http.Request) error {
	l, err := s.sourceListOf(r, r.URL)
	if err != nil {
		return err
	}
	return s.showSources(w, r, l, http.StatusOK)
}

func (s *Server) showSources(w http.ResponseWriter, r *http.Request, l *sourceList, status int) error {
	ctx := r.Context()
	p := Page{Title: T(ctx, "sources.title"), Lede: T(ctx, "sources.lede"), Section: "sources", Actions: sourceActions(l)}.With(status)
	return s.render(w, r, p, sourcesPage(l))
}

// sourceListOf gathers the list that an address asks for.
func (s *Server) sourceListOf(r *http.Request, u *url.URL) (*sourceList, error) {
	ctx, q := r.Context(), u.Query()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return nil, err
	}
	l := &sourceList{
		State: q.Get("state"), Genre: q.Get("genre"), Lang: q.Get("lang"), Why: q.Get("why"), Import: q.Get("import"),
		Query: strings.TrimSpace(q.Get("q")), InText: q.Get("text") != "", Tax: tax, Address: u.RequestURI(),
	}
	f := l.filter(q.Get("after"))
	counts, err := source.Counts(ctx, s.db)
	if err != nil {
		return nil, err
	}
	page, err := source.List(ctx, s.db, f)
	if err != nil {
		return nil, err
	}
	l.Empty = countOf(counts, "") == 0
	l.Project = l.Genre != "" || l.Lang != "" || l.Why != "" || l.Import != "" || l.Query != ""
	total := shownOf(counts, l.State)
	if l.Project {
		total = -1
		if !l.InText { // counting in the texts would read them all
			if total, err = source.CountAll(ctx, s.db, f); err != nil {
				return nil, err
			}
		}
	}
	l.Rows, l.Pager, l.Chips = page.Rows, cursorPager(u, page.Next, len(page.Rows), total), sourceChips(ctx, u, counts, l.State)
	if l.Screening, err = screen.StatusOf(ctx, s.db, s.opt.LLM); err != nil {
		return nil, err
	}
	return l, s.sourceOptions(ctx, l)
}

// filter is what the domain is asked for. Removed sources show only when asked for by name.
func (l *sourceList) filter(after string) source.Filter {
	f := source.Filter{Language: l.Lang, ImportID: l.Import, Query: l.Query, InText: l.InText && l.Query != "", Cursor: after}
	if f.States = []string{l.State}; l.State == "" {
		f.States = slices.DeleteFunc(slices.Clone(sourceStates), func(s string) bool { return s == source.Removed })
	}
	switch kind, value, _ := strings.Cut(l.Genre, ":"); {
	case l.Genre == "none":
		f.Genres = []string{""}
	case kind == "category":
		f.Genres = []string{"-"} // a category that is no more has no genres
		for _, g := range l.Tax.In(value) {
			f.Genres = append(f.Genres, g.ID)
		}
	case l.Genre != "":
		f.Genres = []string{l.Genre}
	}
	switch kind, value, _ := strings.Cut(l.Why, ":"); kind {
	case "reason":
		f.Reason = value
		if value == screen.ReasonFailed && l.State == "" {
			f.States = []string{source.Held} // the only state a failure leads to
		}
	case "rule":
		f.Rule = value
	}
	return f
}

// shownOf counts a state, or all that a list without a state shows.
func shownOf(counts map[string]int, state string) int {
	if state != "" {
		return counts[state]
	}
	return countOf(counts, "") - counts[source.Removed]
}

func sourceChips(ctx context.Context, u *url.URL, counts map[string]int, state string) []Chip {
	chips := []Chip{{T(ctx, "sources.all"), stateAddress(u, ""), shownOf(counts, ""), state == ""}}
	for _, st := range sourceStates {
		if counts[st] > 0 || st == state {
			chips = append(chips, Chip{statusWord(ctx, "sources", st), stateAddress(u, st), counts[st], st == state})
		}
	}
	return chips
}

// sourceOptions fills the choices of the filter row.
func (s *Server) sourceOptions(ctx context.Context, l *sourceList) error {
	l.Groups = genreGroups(ctx, l.Tax)
	langs, err := source.Languages(ctx, s.db)
	if err != nil {
		return err
	}
	l.Langs = []Option{{"", T(ctx, "sources.any_language")}}
	for _, lang := range langs {
		l.Langs = append(l.Langs, Option{lang, languageWord(ctx, lang)})
	}
	l.Whys = []optionGroup{{"", []Option{{"", T(ctx, "sources.any_why")}, {"reason:screen.failed.", T(ctx, "sources.why_failed")}}}}
	for _, state := range []string{source.Held, source.Refused} {
		if l.State != "" && l.State != state {
			continue
		}
		reasons, err := source.CountsByReason(ctx, s.db, state)
		if err != nil {
			return err
		}
		g := optionGroup{Label: T(ctx, "sources.why_"+state)}
		for _, c := range reasons {
			if keyReason(c.Reason) {
				g.Options = append(g.Options, Option{"reason:" + c.Reason, sourceReason(ctx, c.Reason) + " · " + Num(ctx, c.N)})
			}
		}
		l.Whys = append(l.Whys, g)
	}
	rules, err := source.CountsByRule(ctx, s.db)
	if err != nil {
		return err
	}
	g := optionGroup{Label: T(ctx, "sources.why_rule")}
	for _, c := range rules {
		g.Options = append(g.Options, Option{"rule:" + c.Rule, ruleWord(ctx, c.Rule) + " · " + Num(ctx, c.N)})
	}
	l.Whys = append(l.Whys, g)
	return nil
}

// genreGroups are all genres under their categories, each category a choice too.
func genreGroups(ctx context.Context, tax *genre.Taxonomy) []optionGroup {
	groups := []optionGroup{{"", []Option{{"", T(ctx, "annotate.all_genres")}, {"none", T(ctx, "sources.no_genre")}}}}
	for _, c := range tax.Categories {
		name := c.In(Lang(ctx))
		g := optionGroup{name, []Option{{"category:" + c.ID, T(ctx, "sources.whole_category", "name", name)}}}
		for _, x := range tax.In(c.ID) {
			g.Options = append(g.Options, Option{x.ID, x.In(Lang(ctx))})
		}
		groups = append(groups, g)
	}
	return groups
}

// moveSource does what a person decided about one source.
func (s *Server) moveSource(ctx context.Context, id, decision, reason string) error {
	by := viewOf(ctx).Person.ID
	switch decision {
	case source.DecidePass:
		src, err := source.Get(ctx, s.db, id)
		if err != nil {
			return err
		}
		if src.State == source.Held && heldByModel(src.Reason) {
			return screen.Retry(ctx, s.db, by, id) // there is nothing to keep: nobody has judged it
		}
		return source.Decide(ctx, s.db, id, by, source.DecidePass, reason)
	case source.DecideRefuse:
		return source.Refuse(ctx, s.db, id, by, reason)
	case "reopen":
		return source.Reopen(ctx, s.db, id, by, reason)
	}
	return errs.Invalidf("decision %q: say pass, refuse or reopen", decision)
}

// sourcesDecide moves many sources at once. Those that the decision does not fit stay as they
// are and are counted.
func (s *Server) sourcesDecide(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return errs.Invalidf("the form cannot be read: %w", err)
	}
	ids, decision, reason := r.PostForm["id"], r.PostForm.Get("decision"), strings.TrimSpace(text(r, "reason"))
	back := localPath(r.PostForm.Get("back"))
	u, err := url.Parse(back)
	if err != nil || u.Path != "/sources" {
		u = &url.URL{Path: "/sources"}
	}
	if len(ids) > maxPicked {
		return errs.Invalidf("%d sources at once are more than a page of the list (%d)", len(ids), maxPicked)
	}
	var bad error
	switch {
	case len(ids) == 0:
		bad = errs.Fields(errs.Field{Name: "id", Msg: "choose at least one source", Key: "sources.pick_one"})
	case decision != source.DecidePass && reason == "":
		bad = errs.Fields(errs.Field{Name: "reason", Msg: "give a reason", Key: "error.reason_needed"})
	}
	if bad != nil {
		l, err := s.sourceListOf(r, u)
		if err != nil {
			return err
		}
		l.Err, l.Reason, l.Picked = bad, reason, ids
		return s.showSources(w, r, l, http.StatusUnprocessableEntity)
	}
	moved, left := 0, 0
	for _, id := range ids {
		err := s.moveSource(ctx, id, decision, reason)
		switch {
		case err == nil:
			moved++
		case errors.Is(err, errs.Conflict) || errors.Is(err, errs.NotFound):
			left++
		default:
			return err
		}
	}
	f := Flash{Good, T(ctx, "sources.moved_"+decision, "n", moved), ""}
	if left > 0 {
		f = Flash{Warn, f.Text + T(ctx, "sources.left", "n", left), ""}
	}
	return s.done(w, r, u.RequestURI(), f)
}

// mayScreen reports whether the person may score sources by hand.
func mayScreen(ctx context.Context) bool { return Can(ctx, user.ScreenScore) }
