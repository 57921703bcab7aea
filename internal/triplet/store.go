package triplet

import (
	"context"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

// Get returns a triplet.
func Get(ctx context.Context, d *db.DB, id string) (*Triplet, error) {
	t := &Triplet{}
	err := d.One(ctx, t, `SELECT * FROM triplet WHERE id = ?`, id)
	if errors.Is(err, errs.NotFound) {
		return nil, errs.NotFoundf("there is no triplet %q", id)
	}
	return t, err
}

// Own returns a triplet of an annotator; somebody else's is not found.
func Own(ctx context.Context, d *db.DB, id, annotator string) (*Triplet, error) {
	t, err := Get(ctx, d, id)
	if err == nil && t.AnnotatorID != annotator {
		return nil, errs.NotFoundf("there is no triplet %q of yours", id)
	}
	return t, err
}

// Claim takes a source from the pool and opens a draft on it. Of two people who claim at once
// one gets it, the other errs.Conflict; so does somebody with too many open drafts.
func Claim(ctx context.Context, d *db.DB, by, sourceID string) (*Triplet, error) {
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return nil, err
	}
	var t *Triplet
	err = d.Transact(ctx, func(tx *db.DB) (err error) {
		t, err = claim(ctx, tx, tax, by, sourceID)
		return err
	})
	return t, err
}

func claim(ctx context.Context, tx *db.DB, tax *genre.Taxonomy, by, sourceID string) (*Triplet, error) {
	if err := tx.Lock(ctx, "drafts of "+by); err != nil {
		return nil, err
	}
	set, err := project.Get(ctx, tx)
	if err != nil {
		return nil, err
	}
	var open int
	if err := tx.One(ctx, &open, `SELECT COUNT(*) FROM triplet WHERE annotator_id = ? AND state IN (?)`, by, bun.List([]string{Draft, Returned})); err != nil {
		return nil, err
	}
	if open >= set.MaxDrafts {
		return nil, errs.Conflictf("you have %d open triplets, which is the limit; submit or give back one first", open)
	}
	s, err := source.Get(ctx, tx, sourceID)
	if err != nil {
		return nil, err
	}
	if s.Genre == "" {
		return nil, errs.Conflictf("source %s has no genre yet; a lead must set it first", sourceID)
	}
	tier := genre.Standard
	if g, ok := tax.Get(s.Genre); ok {
		tier = g.Tier
	}
	t := &Triplet{
		ID: db.NewID(), SourceID: s.ID, AnnotatorID: by, Genre: s.Genre, Language: s.Language, Article: s.Text,
		State: Draft, Step: 1, Content: db.AsJSON(Content{Checks: map[string]bool{}}), ArticleChars: text.Len(s.Text), Tier: tier, CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
	}
	if err := source.Advance(ctx, tx, s.ID, source.Claimed, by, "", map[string]string{"triplet": t.ID}); err != nil {
		return nil, err
	}
	if err := tx.Insert(ctx, t); err != nil {
		if tx.IsUnique(err) {
			return nil, errs.Conflictf("somebody else is writing from this source already")
		}
		return nil, err
	}
	return t, audit.Record(ctx, tx, audit.Entry{
		Kind: "triplet", ID: t.ID, Actor: by, Action: "claim", To: Draft,
		Data: map[string]string{"source": s.ID, "content_hash": s.ContentHash},
	})
}

// ClaimNext claims the source that is needed most: of the genres with the fewest triplets
// under way, the text with the most readers' response. genreID narrows it; "" means any.
// An empty pool is errs.NotFound.
func ClaimNext(ctx context.Context, d *db.DB, by, genreID string) (*Triplet, error) {
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return nil, err
	}
	var t *Triplet
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "claim next"); err != nil { // or all would reach for the same text
			return err
		}
		var id string
		err := tx.One(ctx, &id, `SELECT s.id FROM source s LEFT JOIN
				(SELECT genre, COUNT(*) AS n FROM triplet WHERE state NOT IN ('removed', 'abandoned') GROUP BY genre) c ON c.genre = s.genre
			WHERE s.state = 'pool' AND s.genre <> '' AND (? = '' OR s.genre = ?)
				AND NOT EXISTS (SELECT 1 FROM triplet t WHERE t.source_id = s.id AND t.annotator_id = ?)
			ORDER BY COALESCE(c.n, 0), s.likes + 2 * s.comments + 3 * s.shares DESC, s.id LIMIT 1`, genreID, genreID, by)
		if errors.Is(err, errs.NotFound) {
			return errs.NotFoundf("the pool is empty; new texts appear when they have been screened")
		}
		if err != nil {
			return err
		}
		t, err = claim(ctx, tx, tax, by, id)
		return err
	})
	return t, err
}

// Submit hands a draft over to its score sheet. What blocks is returned as fields (errs.Invalid);
// warnings do not hinder.
func Submit(ctx context.Context, d *db.DB, by, id string, revision int64) error {
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return err
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		t, err := Own(ctx, tx, id, by)
		if err != nil {
			return err
		}
		if t.Revision != revision {
			return &StaleError{Current: t}
		}
		var state string
		if err := tx.One(ctx, &state, `SELECT state FROM source WHERE id = ?`, t.SourceID); err != nil {
			return err
		}
		if state == source.Removed {
			return errs.Conflictf("its article was taken down, so it cannot go on; give it up")
		}
		g, _ := tax.Get(t.Genre)
		findings := Coherence(t.Content.V, t.Article, g)
		if err := blocked(findings); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE triplet SET submitted_at = ? WHERE id = ? AND revision = ? AND state = ?`, tx.Now(), id, revision, t.State)
		if err != nil {
			return err
		}
		if n == 0 { // saved since it was checked
			return lost(ctx, tx, id)
		}
		helped, err := FromHelp(ctx, tx, t)
		if err != nil {
			return err
		}
		return Advance(ctx, tx, t, Submitted, by, "", map[string]any{
			"revision": revision, "warnings": len(findings), "pasted": t.Content.V.Pasted, "from_help": helped,
		})
	})
}

// Withdraw takes a submitted triplet back before anyone has scored it.
func Withdraw(ctx context.Context, d *db.DB, by, id string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		t, err := Own(ctx, tx, id, by)
		if err != nil {
			return err
		}
		return Advance(ctx, tx, t, Draft, by, "", nil)
	})
}

// Abandon gives a draft up with a reason; the source goes back to the pool. What was written stays.
// An article that was taken down meanwhile stays down.
func Abandon(ctx context.Context, d *db.DB, by, id, reason string) error {
	reason = strings.TrimSpace(clean(reason))
	return d.Transact(ctx, func(tx *db.DB) error {
		t, err := Own(ctx, tx, id, by)
		if err != nil {
			return err
		}
		if err := Advance(ctx, tx, t, Abandoned, by, reason, nil); err != nil {
			return err
		}
		s, err := source.Get(ctx, tx, t.SourceID)
		if err != nil || s.State == source.Removed {
			return err
		}
		return source.Advance(ctx, tx, t.SourceID, source.Pool, by, reason, map[string]string{"triplet": id})
	})
}
