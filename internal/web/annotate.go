package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/source"
	"coigwriter/internal/triplet"
)

// annotateTabs are the lists of an annotator's own work. A dispute or a proposed removal is
// the reviewers' matter: for the annotator the triplet is in review.
var annotateTabs = []struct {
	name   string
	states []string
}{
	{"open", []string{triplet.Returned, triplet.Draft}},
	{"submitted", []string{triplet.Submitted}},
	{"in_review", []string{triplet.InReview, triplet.Disputed, triplet.Removal}},
	{"accepted", []string{triplet.Accepted}},
	{"ended", []string{triplet.Removed, triplet.Abandoned}},
}

// A poolGenre is a genre with the texts of it that wait in the pool.
type poolGenre struct {
	ID, Title string
	N         int
}

// annotateList is everything the page of an annotator's own work shows.
type annotateList struct {
	Tab    string
	Tabs   []Tab
	Rows   []triplet.Row
	Pager  Cursor
	Genres []poolGenre
	Pool   int // texts that can be claimed
	Open   int // triplets under way, against Limit
	Limit  int
	Tax    *genre.Taxonomy
}

// annotateMine shows the person's own triplets and the way to the next text.
func (s *Server) annotateMine(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	by := viewOf(ctx).Person.ID
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	counts, err := triplet.Counts(ctx, s.db, by)
	if err != nil {
		return err
	}
	l := annotateList{Tab: annotateTabs[0].name, Tax: tax, Limit: viewOf(ctx).Project.MaxDrafts, Open: counts[triplet.Draft] + counts[triplet.Returned]}
	at := 0
	for i, tab := range annotateTabs {
		if tab.name == r.FormValue("tab") {
			at, l.Tab = i, tab.name
		}
	}
	for i, tab := range annotateTabs {
		t := Tab{Label: T(ctx, "annotate.tab_"+tab.name), URL: "/annotate?tab=" + tab.name, On: i == at}
		for _, st := range tab.states {
			t.Count += counts[st]
		}
		if i == 0 {
			t.URL = "/annotate"
		}
		l.Tabs = append(l.Tabs, t)
	}
	rows, next, err := triplet.List(ctx, s.db, triplet.Filter{States: annotateTabs[at].states, Annotator: by, After: r.FormValue("after"), Limit: 50})
	if err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b triplet.Row) int { return firstReturned(a) - firstReturned(b) })
	l.Rows = rows
	l.Pager = cursorPager(r.URL, next, len(rows), l.Tabs[at].Count)
	if l.Genres, l.Pool, err = s.poolGenres(ctx, tax); err != nil {
		return err
	}
	p := Page{Title: T(ctx, "annotate.title"), Lede: T(ctx, "annotate.lede", "open", l.Open, "limit", l.Limit), Section: "annotate", Actions: annotateClaim(l)}
	return s.render(w, r, p, annotateListPage(l))
}

func firstReturned(r triplet.Row) int {
	if r.State == triplet.Returned {
		return 0
	}
	return 1
}

// poolGenres counts what can be claimed, by genre in the order of the taxonomy.
func (s *Server) poolGenres(ctx context.Context, tax *genre.Taxonomy) ([]poolGenre, int, error) {
	rows, err := source.CountsByGenre(ctx, s.db)
	if err != nil {
		return nil, 0, err
	}
	n, all := map[string]int{}, 0
	for _, row := range rows {
		if row.State == source.Pool && row.Genre != "" {
			n[row.Genre] += row.N
			all += row.N
		}
	}
	var out []poolGenre
	for _, g := range tax.Genres {
		if n[g.ID] > 0 {
			out = append(out, poolGenre{g.ID, g.In(Lang(ctx)), n[g.ID]})
		}
	}
	return out, all, nil
}

// annotateTake claims a text: the one named, or the one that is needed most.
func (s *Server) annotateTake(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	by := viewOf(ctx).Person.ID
	back := "/annotate"
	var t *triplet.Triplet
	var err error
	if id := r.FormValue("source"); id != "" {
		back = "/annotate/pool"
		t, err = triplet.Claim(ctx, s.db, by, id)
	} else {
		t, err = triplet.ClaimNext(ctx, s.db, by, r.FormValue("genre"))
	}
	switch {
	case errors.Is(err, errs.NotFound) && back == "/annotate":
		return s.done(w, r, back, Flash{Warn, T(ctx, "annotate.pool_empty_now"), ""})
	case errors.Is(err, errs.Conflict):
		return s.done(w, r, back, Flash{Warn, s.whyNotClaimed(ctx, by), ""})
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/annotate/"+t.ID, http.StatusSeeOther)
	return nil
}

// whyNotClaimed says in the page's language what a conflict of claiming means.
func (s *Server) whyNotClaimed(ctx context.Context, by string) string {
	counts, err := triplet.Counts(ctx, s.db, by)
	limit := viewOf(ctx).Project.MaxDrafts
	if err == nil && counts[triplet.Draft]+counts[triplet.Returned] >= limit {
		return T(ctx, "annotate.limit_reached", "n", limit)
	}
	return T(ctx, "annotate.claimed_by_other")
}

// poolList is a page of texts that can be claimed.
type poolList struct {
	Rows   []source.Row
	Genres []poolGenre
	Genre  string
	Query  string
	Total  int
	Pager  Cursor
	Full   bool // the person has as many open drafts as they may
	Tax    *genre.Taxonomy
}

// annotatePool lists the pool.
func (s *Server) annotatePool(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	l := poolList{Genre: r.FormValue("genre"), Query: r.FormValue("q"), Tax: tax}
	f := source.Filter{States: []string{source.Pool}, Query: l.Query, Limit: 50, Cursor: r.FormValue("after")}
	if l.Genre != "" {
		f.Genres = []string{l.Genre}
	}
	page, err := source.List(ctx, s.db, f)
	if err != nil {
		return err
	}
	if l.Total, err = source.CountAll(ctx, s.db, f); err != nil {
		return err
	}
	if l.Genres, _, err = s.poolGenres(ctx, tax); err != nil {
		return err
	}
	if l.Full, err = s.claimedEnough(ctx); err != nil {
		return err
	}
	l.Rows, l.Pager = page.Rows, cursorPager(r.URL, page.Next, len(page.Rows), l.Total)
	p := Page{Title: T(ctx, "annotate.pool"), Lede: T(ctx, "annotate.pool_lede"), Section: "annotate", Up: []Crumb{{T(ctx, "annotate.title"), "/annotate"}}}
	return s.render(w, r, p, poolPage(l))
}

func (s *Server) claimedEnough(ctx context.Context) (bool, error) {
	counts, err := triplet.Counts(ctx, s.db, viewOf(ctx).Person.ID)
	return counts[triplet.Draft]+counts[triplet.Returned] >= viewOf(ctx).Project.MaxDrafts, err
}

// annotatePreview shows one text of the pool before it is claimed.
func (s *Server) annotatePreview(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	src, err := source.Get(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	if src.State != source.Pool {
		return errs.Conflictf("this text is %s; it is not in the pool any more", src.State)
	}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	full, err := s.claimedEnough(ctx)
	if err != nil {
		return err
	}
	g, _ := tax.Get(src.Genre)
	p := Page{Title: tripletTitle(ctx, src.Title), Section: "annotate", Up: []Crumb{{T(ctx, "annotate.title"), "/annotate"}, {T(ctx, "annotate.pool"), "/annotate/pool"}}, Actions: previewClaim(src, full)}
	return s.render(w, r, p, previewPage(src, g))
}

// tripletTitle returns a text's title, or words for its absence.
func tripletTitle(ctx context.Context, title string) string {
	if title == "" {
		return T(ctx, "annotate.untitled")
	}
	return title
}
