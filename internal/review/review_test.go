package review_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/review"
	"coigwriter/internal/triplet"
)

// Every multiset of verdicts for both tiers.
func TestDecide(t *testing.T) {
	for in, want := range map[string]string{
		"":  review.Pending,
		"a": review.Pending, "r": review.Pending, "x": review.Pending,
		"aa": review.Accepted, "ar": review.Disputed, "rr": review.ToRevise, "ax": review.ToRemove, "rx": review.ToRemove, "xx": review.ToRemove,
	} {
		if got := review.Decide(2, verdicts(in), 0, 3); got != want {
			t.Errorf("two reviews %q: %s, want %s", in, got, want)
		}
	}
	for a := range 5 {
		for r := range 5 - a {
			x := 4 - a - r
			got := review.Decide(4, verdicts(strings.Repeat("a", a)+strings.Repeat("r", r)+strings.Repeat("x", x)), 0, 3)
			want := review.Disputed
			switch {
			case x > 0:
				want = review.ToRemove
			case a >= 3:
				want = review.Accepted
			case r >= 3:
				want = review.ToRevise
			}
			if got != want {
				t.Errorf("%d accept, %d revise, %d remove: %s, want %s", a, r, x, got, want)
			}
		}
	}
	if got := review.Decide(2, verdicts("rr"), 3, 3); got != review.Disputed {
		t.Errorf("after three returns: %s", got)
	}
}

func verdicts(s string) []string {
	var out []string
	for _, c := range s {
		out = append(out, map[rune]string{'a': review.Accept, 'r': review.Revise, 'x': review.Remove}[c])
	}
	return out
}

type team struct {
	d         *db.DB
	annotator string
	lead      string
	reviewers []string
}

func newTeam(t *testing.T) team {
	d := dbtest.Open(t)
	tm := team{d: d, annotator: dbtest.Person(t, d, "lin", "annotator", "reviewer"), lead: dbtest.Person(t, d, "xu", "lead")}
	for _, l := range []string{"shen", "pei", "wen", "fang"} {
		tm.reviewers = append(tm.reviewers, dbtest.Person(t, d, l, "reviewer"))
	}
	return tm
}

// inReview puts a triplet of the annotator into review, with its reviewers assigned.
func (tm team) inReview(t *testing.T, tier string) string {
	t.Helper()
	ctx, id, src := context.Background(), db.NewID(), db.NewID()
	now := tm.d.Now()
	if _, err := tm.d.Exec(ctx, `INSERT INTO source (id, content_hash, text, chars, genre, date_verdict, state, created_at, updated_at)
		VALUES (?, ?, '文', 1, 'essay', 'passed', 'claimed', ?, ?)`, src, src, now, now); err != nil {
		t.Fatal(err)
	}
	if _, err := tm.d.Exec(ctx, `INSERT INTO triplet (id, source_id, annotator_id, genre, language, article, state, revision, tier, round, created_at, updated_at)
		VALUES (?, ?, ?, 'essay', 'zh', '文', 'in_review', 1, ?, 1, ?, ?)`, id, src, tm.annotator, tier, now, now); err != nil {
		t.Fatal(err)
	}
	tm.assign(t)
	return id
}

func (tm team) assign(t *testing.T) []review.Gap {
	t.Helper()
	gaps, err := review.AssignOpen(context.Background(), tm.d, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	return gaps
}

func (tm team) of(t *testing.T, id string) []review.Review {
	t.Helper()
	rs, err := review.OfTriplet(context.Background(), tm.d, id)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func (tm team) state(t *testing.T, id, want string) {
	t.Helper()
	tr, err := triplet.Get(context.Background(), tm.d, id)
	if err != nil {
		t.Fatal(err)
	}
	if tr.State != want {
		t.Errorf("the triplet is %s, want %s", tr.State, want)
	}
}

func form(verdict string) review.Form {
	f := review.Form{Verdict: verdict, Criteria: map[string]int{}, Comment: "结尾和前文接不上"}
	for _, c := range review.Criteria {
		f.Criteria[c] = 4
	}
	if verdict == review.Remove {
		f.ReasonCode = "factual-error"
	}
	return f
}

func (tm team) submit(t *testing.T, r review.Review, verdict string) {
	t.Helper()
	if err := review.Submit(context.Background(), tm.d, r.ID, r.ReviewerID, form(verdict)); err != nil {
		t.Fatal(err)
	}
}

func TestAssignment(t *testing.T) {
	tm := newTeam(t)
	load := map[string]int{}
	for range 6 {
		id := tm.inReview(t, "standard")
		rs := tm.of(t, id)
		if len(rs) != 2 || rs[0].ReviewerID == rs[1].ReviewerID {
			t.Fatalf("%+v", rs)
		}
		for _, r := range rs {
			if r.ReviewerID == tm.annotator {
				t.Error("somebody got their own triplet")
			}
			load[r.ReviewerID]++
		}
	}
	for who, n := range load {
		if n != 3 {
			t.Errorf("%s has %d of twelve reviews by four people", who, n)
		}
	}
	id := tm.inReview(t, "specialist")
	if rs := tm.of(t, id); len(rs) != 4 {
		t.Errorf("a specialist triplet has %d reviews", len(rs))
	}
	if _, err := tm.d.Exec(t.Context(), `UPDATE person SET specialist = ? WHERE id = ?`, false, tm.reviewers[0]); err != nil {
		t.Fatal(err)
	}
	id = tm.inReview(t, "specialist")
	gaps := tm.assign(t)
	if len(gaps) != 1 || gaps[0].TripletID != id || gaps[0].Have != 3 || gaps[0].Want != 4 {
		t.Errorf("gaps %+v", gaps)
	}
}

func TestAcceptAndBlindness(t *testing.T) {
	tm := newTeam(t)
	id := tm.inReview(t, "standard")
	rs := tm.of(t, id)
	if _, err := review.Get(t.Context(), tm.d, rs[0].ID, rs[1].ReviewerID); !errors.Is(err, errs.NotFound) {
		t.Errorf("a reviewer sees another's review: %v", err)
	}
	bad := form(review.Remove)
	bad.ReasonCode, bad.Comment, bad.Criteria = "", "", nil
	if err := review.Submit(t.Context(), tm.d, rs[0].ID, rs[0].ReviewerID, bad); len(errs.FieldsOf(err)) != 6 {
		t.Errorf("got %v", err)
	}
	tm.submit(t, rs[0], review.Accept)
	tm.state(t, id, triplet.InReview)
	if err := review.Submit(t.Context(), tm.d, rs[0].ID, rs[0].ReviewerID, form(review.Revise)); !errors.Is(err, errs.Conflict) {
		t.Errorf("a second verdict gave %v", err)
	}
	tm.submit(t, rs[1], review.Accept)
	tm.state(t, id, triplet.Accepted)
	db, err := review.DashboardOf(t.Context(), tm.d)
	if err != nil || db.FirstRoundDecided != 1 || db.FirstRoundAccepted != 1 || db.Open != 0 {
		t.Errorf("%+v, %v", db, err)
	}
}

func TestReviseAndSameReviewersAgain(t *testing.T) {
	tm := newTeam(t)
	id := tm.inReview(t, "standard")
	first := tm.of(t, id)
	tm.submit(t, first[0], review.Revise)
	tm.submit(t, first[1], review.Revise)
	tm.state(t, id, triplet.Returned)
	cs, err := review.Comments(t.Context(), tm.d, id)
	if err != nil || len(cs) != 2 || cs[0].ReviewerID != "" || cs[0].Comment == "" {
		t.Fatalf("%+v, %v", cs, err)
	}
	if _, err := tm.d.Exec(t.Context(), `UPDATE triplet SET state = 'in_review', round = 2 WHERE id = ?`, id); err != nil {
		t.Fatal(err)
	}
	tm.assign(t)
	was := map[string]bool{first[0].ReviewerID: true, first[1].ReviewerID: true}
	for _, r := range tm.of(t, id)[2:] {
		if !was[r.ReviewerID] {
			t.Error("a revised triplet went to new reviewers though the old ones are there")
		}
	}
}

func TestDispute(t *testing.T) {
	tm := newTeam(t)
	id := tm.inReview(t, "standard")
	rs := tm.of(t, id)
	tm.submit(t, rs[0], review.Accept)
	tm.submit(t, rs[1], review.Revise)
	tm.state(t, id, triplet.Disputed)
	for _, who := range []string{rs[0].ReviewerID, tm.annotator} {
		if err := review.Adjudicate(t.Context(), tm.d, id, who, review.Accept, "好"); !errors.Is(err, errs.Forbidden) {
			t.Errorf("a party decided its own dispute: %v", err)
		}
	}
	if err := review.Adjudicate(t.Context(), tm.d, id, tm.lead, review.Accept, ""); len(errs.FieldsOf(err)) != 1 {
		t.Errorf("without a reason: %v", err)
	}
	if err := review.Adjudicate(t.Context(), tm.d, id, tm.lead, review.Accept, "第二位的意见是口味"); err != nil {
		t.Fatal(err)
	}
	tm.state(t, id, triplet.Accepted)
}

func TestRemovalNeedsASecondPerson(t *testing.T) {
	tm := newTeam(t)
	id := tm.inReview(t, "standard")
	rs := tm.of(t, id)
	tm.submit(t, rs[0], review.Accept)
	tm.submit(t, rs[1], review.Remove)
	tm.state(t, id, triplet.Removal)
	for _, who := range []string{rs[1].ReviewerID, tm.annotator} {
		if err := review.DecideRemoval(t.Context(), tm.d, id, who, true, "是的"); !errors.Is(err, errs.Forbidden) {
			t.Errorf("the same person confirmed: %v", err)
		}
	}
	if err := review.DecideRemoval(t.Context(), tm.d, id, tm.lead, false, "年代没有错"); err != nil {
		t.Fatal(err)
	}
	tm.state(t, id, triplet.Disputed)
	if err := review.ProposeRemoval(t.Context(), tm.d, id, tm.lead, "rights", "作者来信"); err != nil {
		t.Fatal(err)
	}
	if err := review.DecideRemoval(t.Context(), tm.d, id, tm.reviewers[0], true, "确认"); err != nil {
		t.Fatal(err)
	}
	tm.state(t, id, triplet.Removed)
	if err := review.ProposeRemoval(t.Context(), tm.d, id, tm.lead, "rights", "x"); !errors.Is(err, errs.Conflict) {
		t.Errorf("removing what is removed gave %v", err)
	}
}

// Two reviewers who hand in at the same moment make one decision.
func TestTheLastTwoAtOnce(t *testing.T) {
	tm := newTeam(t)
	id := tm.inReview(t, "standard")
	var wg sync.WaitGroup
	for _, r := range tm.of(t, id) {
		wg.Go(func() {
			if err := review.Submit(context.Background(), tm.d, r.ID, r.ReviewerID, form(review.Accept)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	tm.state(t, id, triplet.Accepted)
}

func TestAgreementOf(t *testing.T) {
	d := dbtest.Open(t)
	if a, err := review.AgreementOf(t.Context(), d); err != nil || a.Rounds != 0 || !math.IsNaN(a.Alpha) {
		t.Errorf("nothing reviewed: %+v, %v", a, err)
	}
}
