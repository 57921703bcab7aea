package main

import (
	"context"
	"fmt"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/genre"
	"coigwriter/internal/review"
	"coigwriter/internal/source"
	"coigwriter/internal/text"
	"coigwriter/internal/triplet"
)

// write puts a triplet on each of the first sources: drafts of everybody first, one in ten in
// each other state, and the rest accepted.
func (c *campaign) write(ctx context.Context, pooled []string) error {
	others := []string{triplet.Submitted, triplet.Returned, triplet.InReview, triplet.InReview, triplet.Disputed, triplet.Removal, triplet.Removed, triplet.Abandoned}
	var states []string
	for range c.people {
		states = append(states, triplet.Draft)
	}
	for i := range c.size.Triplets / 10 {
		states = append(states, others[i%len(others)])
	}
	for range c.size.Triplets {
		states = append(states, triplet.Accepted)
	}
	if len(pooled) < len(states) {
		return fmt.Errorf("%d sources in the pool for %d triplets; the texts are refused by the rules", len(pooled), len(states))
	}
	i := 0
	return c.inBatches(ctx, pooled[:len(states)], func(ctx context.Context, tx *db.DB, id string) error {
		i++
		return c.one(ctx, tx, i-1, id, states[i-1])
	})
}

// one writes a triplet with its revisions, sheet, reviews and history.
func (c *campaign) one(ctx context.Context, tx *db.DB, i int, sourceID, state string) error {
	src, err := source.Get(ctx, tx, sourceID)
	if err != nil {
		return err
	}
	writer, content, began := c.people[i%len(c.people)], c.content(), c.since(tx)
	t := &triplet.Triplet{
		ID: db.NewID(), SourceID: sourceID, AnnotatorID: writer, Genre: src.Genre, Language: src.Language, Article: src.Text, State: state,
		Step: 3, Revision: 5, Content: db.AsJSON(content), PromptChars: text.Len(content.Prompt), ReasoningChars: text.Len(content.Reasoning),
		ArticleChars: src.Chars, Tier: tier(src.Genre), CreatedAt: began, UpdatedAt: began.Add(time.Hour),
	}
	if state == triplet.Draft {
		c.drafts, c.revisions = append(c.drafts, t.ID), append(c.revisions, int(t.Revision))
	} else {
		t.Round, t.SubmittedAt = 1, &t.UpdatedAt
	}
	if state == triplet.Accepted || state == triplet.Removed {
		t.DecidedAt = &t.UpdatedAt
	}
	if err := source.Advance(ctx, tx, sourceID, source.Claimed, writer, "", map[string]string{"triplet": t.ID}); err != nil {
		return err
	}
	if err := tx.Insert(ctx, t); err != nil {
		return err
	}
	for n := range 5 {
		_, err := tx.Exec(ctx, `INSERT INTO triplet_revision (triplet_id, revision, at, by_person, content, note) VALUES (?, ?, ?, ?, ?, '')`,
			t.ID, n+1, began.Add(time.Duration(n)*time.Minute), writer, t.Content)
		if err != nil {
			return err
		}
	}
	if err := c.judged(ctx, tx, i, t); err != nil {
		return err
	}
	return c.history(ctx, tx, t)
}

func tier(genreID string) string {
	if g, ok := genre.Default().Get(genreID); ok {
		return g.Tier
	}
	return genre.Standard
}

// judged adds the score sheet and the reviews of a triplet that was submitted.
func (c *campaign) judged(ctx context.Context, tx *db.DB, i int, t *triplet.Triplet) error {
	if t.State == triplet.Draft || t.State == triplet.Submitted {
		return nil
	}
	sheet := &triplet.Sheet{
		ID: db.NewID(), TripletID: t.ID, Revision: t.Revision, JudgeKind: "person", Judge: c.people[0], ArticleQuality: 9, ArticleCreativity: 8,
		PromptQuality: 9, PromptCreativity: 8, ReasoningQuality: 9, ReasoningCreativity: 8, Passed: true, CreatedAt: t.UpdatedAt,
	}
	if err := tx.Insert(ctx, sheet); err != nil {
		return err
	}
	n := 2
	if t.Tier == genre.Specialist {
		n = 4
	}
	reviews := make([]review.Review, n)
	for k := range reviews {
		r := review.Review{
			ID: db.NewID(), TripletID: t.ID, Round: 1, Revision: t.Revision, ReviewerID: c.people[(i+k+1)%len(c.people)], Kind: "review",
			State: review.Open, Criteria: db.AsJSON(map[string]int{}), AssignedAt: t.UpdatedAt,
		}
		if t.State != triplet.InReview {
			r.State, r.Verdict, r.Comment, r.DoneAt = review.Done, review.Accept, c.pool.text(c.rng, 100), &t.UpdatedAt
			for _, name := range review.Criteria {
				r.Criteria.V[name] = 4
			}
		}
		reviews[k] = r
	}
	if err := tx.Insert(ctx, &reviews); err != nil {
		return err
	}
	if t.State != triplet.Removal {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO removal (id, triplet_id, reason_code, note, proposed_by, proposed_at, from_state) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		db.NewID(), t.ID, review.ReasonCodes[0], c.pool.text(c.rng, 60), c.people[1], t.UpdatedAt, triplet.Accepted)
	return err
}

// history writes as many entries as the way to the state has.
func (c *campaign) history(ctx context.Context, tx *db.DB, t *triplet.Triplet) error {
	way := []string{triplet.Draft, triplet.Submitted, triplet.InReview, t.State}
	from := ""
	for _, to := range way {
		err := audit.Record(ctx, tx, audit.Entry{Kind: "triplet", ID: t.ID, Actor: t.AnnotatorID, Action: "bench", From: from, To: to})
		if err != nil {
			return err
		}
		if from = to; to == t.State {
			break
		}
	}
	return nil
}
