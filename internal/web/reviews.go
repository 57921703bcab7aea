package web

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"

	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/review"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// gapsShown bounds the list of triplets that lack reviewers.
const gapsShown = 100

// reviewBoard is what a lead sees of all reviews.
type reviewBoard struct {
	Figures   []Figure
	Board     review.Dashboard
	Agreement review.Agreement
	Loads     []reviewerLoad
	Gaps      []review.Gap
	Disputed  []triplet.Row
	Removals  []removalRow
	Names     map[string]string
	Tax       *genre.Taxonomy
}

// A reviewerLoad is one reviewer's line; people without any review stand there too.
type reviewerLoad struct {
	Person *user.Person
	review.Load
}

// A removalRow is a removal that waits for its second person.
type removalRow struct {
	review.Proposal
	Title string
}

// reviewsBoard is the lead's page of reviews: who does what, and what needs a decision.
func (s *Server) reviewsBoard(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	b, err := s.reviewBoardOf(ctx)
	if err != nil {
		return err
	}
	p := Page{Title: T(ctx, "review.board"), Lede: T(ctx, "review.board_lede"), Section: "reviews"}
	if len(b.Gaps) > 0 {
		p.Actions = assignButton()
	}
	return s.render(w, r, p, reviewBoardPage(b))
}

func (s *Server) reviewBoardOf(ctx context.Context) (*reviewBoard, error) {
	b := &reviewBoard{}
	var err error
	if b.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return nil, err
	}
	if b.Board, err = review.DashboardOf(ctx, s.db); err != nil {
		return nil, err
	}
	if b.Agreement, err = review.AgreementOf(ctx, s.db); err != nil {
		return nil, err
	}
	if b.Gaps, err = review.Gaps(ctx, s.db, gapsShown); err != nil {
		return nil, err
	}
	if b.Disputed, _, err = triplet.List(ctx, s.db, triplet.Filter{States: []string{triplet.Disputed}}); err != nil {
		return nil, err
	}
	if b.Names, err = user.Names(ctx, s.db); err != nil {
		return nil, err
	}
	if b.Loads, err = s.reviewerLoads(ctx, b.Board); err != nil {
		return nil, err
	}
	proposals, err := review.Proposals(ctx, s.db, "")
	if err != nil {
		return nil, err
	}
	titles := map[string]string{}
	rows, _, err := triplet.List(ctx, s.db, triplet.Filter{States: []string{triplet.Removal}})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		titles[row.ID] = row.Title
	}
	for _, p := range proposals {
		b.Removals = append(b.Removals, removalRow{p, titles[p.TripletID]})
	}
	b.Figures = []Figure{
		{T(ctx, "review.fig_open"), b.Board.Open, "", false},
		{T(ctx, "review.fig_gaps"), len(b.Gaps), "#gaps", true},
		{T(ctx, "review.fig_disputed"), len(b.Disputed), "#disputed", true},
		{T(ctx, "review.fig_removals"), len(b.Removals), "#removals", true},
	}
	return b, nil
}

// reviewerLoads lists everybody who reviews, the most loaded first.
func (s *Server) reviewerLoads(ctx context.Context, d review.Dashboard) ([]reviewerLoad, error) {
	people, err := user.List(ctx, s.db)
	if err != nil {
		return nil, err
	}
	loads := map[string]review.Load{}
	for _, l := range d.Reviewers {
		loads[l.ReviewerID] = l
	}
	var out []reviewerLoad
	for _, p := range people {
		if l, ok := loads[p.ID]; ok || p.May(user.ReviewDo) {
			out = append(out, reviewerLoad{p, l})
		}
	}
	slices.SortStableFunc(out, func(a, b reviewerLoad) int {
		return cmp.Or(cmp.Compare(b.Open, a.Open), cmp.Compare(b.Done, a.Done))
	})
	return out, nil
}

// reviewsAssign gives every triplet in review the reviewers it lacks, as far as there are any.
func (s *Server) reviewsAssign(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	gaps, err := review.AssignOpen(ctx, s.db, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	if err != nil {
		return err
	}
	if len(gaps) > 0 {
		return s.done(w, r, "/reviews", Flash{Warn, T(ctx, "review.assigned_gaps", "n", len(gaps)), ""})
	}
	return s.done(w, r, "/reviews", Flash{Good, T(ctx, "review.assigned"), ""})
}

// reviewsAssignTo gives one triplet to one reviewer.
func (s *Server) reviewsAssignTo(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	err := review.AssignTo(ctx, s.db, r.PathValue("id"), viewOf(ctx).Person.ID, r.FormValue("reviewer"))
	if err != nil {
		return err
	}
	return s.done(w, r, "/reviews", Flash{Good, T(ctx, "review.assigned"), ""})
}

// reviewerOptions are the people a triplet of a tier may be given to.
func (b *reviewBoard) reviewerOptions(ctx context.Context, tier string) []Option {
	out := []Option{{"", T(ctx, "review.choose")}}
	for _, l := range b.Loads {
		if l.Person.May(user.ReviewDo) && (tier != genre.Specialist || l.Person.Specialist) {
			out = append(out, Option{l.Person.ID, l.Person.Name})
		}
	}
	return out
}

// share writes a share that may not be defined.
func shareWord(ctx context.Context, x float64) string {
	if math.IsNaN(x) {
		return T(ctx, "review.undefined")
	}
	return Percent(x)
}

// firstAccepted is the share of first rounds that ended in acceptance.
func (b *reviewBoard) firstAccepted() float64 {
	return float64(b.Board.FirstRoundAccepted) / float64(b.Board.FirstRoundDecided)
}
