package review

import (
	"context"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/job"
	"coigwriter/internal/project"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// A Gap is a triplet in review that lacks reviewers, and why none was found.
type Gap struct {
	TripletID string `json:"triplet_id"`
	Have      int    `json:"have"`
	Want      int    `json:"want"`
	Tier      string `json:"tier"`
	Title     string `json:"title,omitempty"` // of its article
}

// AssignOpen gives every triplet in review the reviewers its tier needs, and returns those for
// which there are not enough. Who reviewed an earlier round comes first, then who has the
// fewest open reviews, then chance (rng). Nobody gets their own triplet; specialist triplets
// go only to people marked as specialists. It may run any number of times.
func AssignOpen(ctx context.Context, d *db.DB, rng *rand.Rand) ([]Gap, error) {
	set, err := project.Get(ctx, d)
	if err != nil {
		return nil, err
	}
	var ids []string
	err = d.All(ctx, &ids, `SELECT t.id FROM triplet t WHERE t.state = 'in_review' AND
		(SELECT COUNT(*) FROM review r WHERE r.triplet_id = t.id AND r.round = t.round AND r.state <> 'withdrawn')
			< CASE WHEN t.tier = 'specialist' THEN ? ELSE ? END ORDER BY t.id`, set.Specialist, set.Standard)
	if err != nil {
		return nil, err
	}
	var gaps []Gap
	for _, id := range ids {
		gap, err := assign(ctx, d, set, id, rng)
		if err != nil {
			return gaps, err
		}
		if gap.Have < gap.Want {
			gaps = append(gaps, gap)
		}
	}
	return gaps, nil
}

type candidate struct {
	ID     string
	Load   int
	Before bool // reviewed an earlier round of this triplet
	Has    bool // has a review in this round
	chance float64
}

func assign(ctx context.Context, d *db.DB, set project.Settings, id string, rng *rand.Rand) (gap Gap, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "assignment"); err != nil { // loads are counted, so one at a time
			return err
		}
		t, err := triplet.Get(ctx, tx, id)
		if err != nil {
			return err
		}
		gap = Gap{TripletID: id, Want: Quorum(set, t.Tier), Tier: t.Tier}
		if t.State != triplet.InReview {
			gap.Have = gap.Want
			return nil
		}
		var cs []candidate
		err = tx.All(ctx, &cs, `SELECT p.id,
				(SELECT COUNT(*) FROM review r WHERE r.reviewer_id = p.id AND r.state = 'open') AS load,
				EXISTS (SELECT 1 FROM review r WHERE r.reviewer_id = p.id AND r.triplet_id = ? AND r.round < ?) AS before,
				EXISTS (SELECT 1 FROM review r WHERE r.reviewer_id = p.id AND r.triplet_id = ? AND r.round = ?) AS has
			FROM person p JOIN person_role o ON o.person_id = p.id AND o.role = 'reviewer'
			WHERE p.disabled_at IS NULL AND p.id <> ? AND (? <> 'specialist' OR p.specialist) ORDER BY p.id`,
			id, t.Round, id, t.Round, t.AnnotatorID, t.Tier)
		if err != nil {
			return err
		}
		for i := range cs {
			cs[i].chance = rng.Float64()
			if cs[i].Has {
				gap.Have++
			}
		}
		cs = slices.DeleteFunc(cs, func(c candidate) bool { return c.Has })
		sort.Slice(cs, func(i, j int) bool {
			a, b := cs[i], cs[j]
			if a.Before != b.Before {
				return a.Before
			}
			if a.Load != b.Load {
				return a.Load < b.Load
			}
			return a.chance < b.chance
		})
		for _, c := range cs[:min(max(gap.Want-gap.Have, 0), len(cs))] {
			if err := give(ctx, tx, t, c.ID, "rule:balanced-assignment", c.Load); err != nil {
				return err
			}
			gap.Have++
		}
		return nil
	})
	return gap, err
}

// AssignTo gives a triplet in review to one reviewer, by a lead's choice. The rules are those
// of [AssignOpen]: never one's own, specialists for specialist triplets.
func AssignTo(ctx context.Context, d *db.DB, tripletID, by, reviewerID string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "assignment"); err != nil {
			return err
		}
		t, err := triplet.Get(ctx, tx, tripletID)
		if err != nil {
			return err
		}
		if t.State != triplet.InReview {
			return errs.Conflictf("the triplet is %s, not in review", t.State)
		}
		p, err := user.Get(ctx, tx, reviewerID)
		if err != nil {
			return err
		}
		if p.ID == t.AnnotatorID || !p.May(user.ReviewDo) || (t.Tier == genre.Specialist && !p.Specialist) {
			return errs.Invalidf("%s cannot review this triplet: it is their own, or they are no reviewer, or it needs a specialist", p.Login)
		}
		return give(ctx, tx, t, reviewerID, by, 0)
	})
}

// give makes one assignment.
func give(ctx context.Context, tx *db.DB, t *triplet.Triplet, reviewer, by string, load int) error {
	r := &Review{
		ID: db.NewID(), TripletID: t.ID, Round: t.Round, Revision: t.Revision, ReviewerID: reviewer, Kind: "review",
		State: Open, Criteria: db.AsJSON(map[string]int{}), AssignedAt: tx.Now(),
	}
	if err := tx.Insert(ctx, r); err != nil {
		if tx.IsUnique(err) {
			return errs.Conflictf("this reviewer has the triplet already")
		}
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Kind: "review", ID: r.ID, Actor: by, Action: "assign", To: Open,
		Data: map[string]any{"triplet": t.ID, "round": t.Round, "reviewer": reviewer, "load": load},
	})
}

// AssignJob assigns reviewers: the state of the triplets asks for it.
type AssignJob struct{}

// Kind names the job in the database.
func (AssignJob) Kind() string { return "review.assign" }

// InsertOpts keeps one waiting copy.
func (AssignJob) InsertOpts() job.InsertOpts { return job.Once() }

// Every is the assignment, for the queue's schedule.
func Every() job.Every { return job.Every{Interval: 15 * time.Second, Args: AssignJob{}} }

// Handlers are the job kinds of reviews.
func Handlers(d *db.DB, rng func() *rand.Rand) []job.Handler {
	return []job.Handler{job.Handle(func(ctx context.Context, _ AssignJob) error {
		_, err := AssignOpen(ctx, d, rng())
		return err
	})}
}

// withdraw closes the open reviews of a triplet that moved on.
func withdraw(ctx context.Context, tx *db.DB, tripletID, by string) error {
	var open []Review
	if err := tx.All(ctx, &open, `SELECT * FROM review WHERE triplet_id = ? AND state = 'open'`, tripletID); err != nil {
		return err
	}
	if len(open) == 0 {
		return nil
	}
	ids := make([]string, len(open))
	for i, r := range open {
		ids[i] = r.ID
		if err := audit.Record(ctx, tx, audit.Entry{Kind: "review", ID: r.ID, Actor: by, Action: "withdraw", From: Open, To: Withdrawn}); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE review SET state = 'withdrawn' WHERE id IN (?)`, bun.List(ids))
	return err
}

// String explains a gap in words.
func (g Gap) String() string {
	if g.Tier == genre.Specialist {
		return "too few reviewers marked as specialists"
	}
	return "too few reviewers"
}

// Gaps lists the triplets in review that lack reviewers, the longest waiting first, at most
// limit; it assigns nobody.
func Gaps(ctx context.Context, d *db.DB, limit int) ([]Gap, error) {
	set, err := project.Get(ctx, d)
	if err != nil {
		return nil, err
	}
	var gaps []Gap
	err = d.All(ctx, &gaps, `SELECT triplet_id, title, tier, want, have FROM (SELECT t.id AS triplet_id, s.title, t.tier, t.updated_at,
			CASE WHEN t.tier = 'specialist' THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END AS want,
			(SELECT COUNT(*) FROM review r WHERE r.triplet_id = t.id AND r.round = t.round AND r.state <> 'withdrawn') AS have
		FROM triplet t JOIN source s ON s.id = t.source_id WHERE t.state = 'in_review') g
		WHERE have < want ORDER BY updated_at, triplet_id LIMIT ?`, set.Specialist, set.Standard, min(max(limit, 1), 500))
	return gaps, err
}
