package triplet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

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
		State: Draft, Step: 1, ArticleChars: text.Len(s.Text), Tier: tier, CreatedAt: tx.Now(), UpdatedAt: tx.Now(),
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
	for range 5 { // others may take the candidate first
		var id string
		err := d.One(ctx, &id, `SELECT s.id FROM source s LEFT JOIN
				(SELECT genre, COUNT(*) AS n FROM triplet WHERE state NOT IN ('removed', 'abandoned') GROUP BY genre) c ON c.genre = s.genre
			WHERE s.state = 'pool' AND s.genre <> '' AND (? = '' OR s.genre = ?)
				AND NOT EXISTS (SELECT 1 FROM triplet t WHERE t.source_id = s.id AND t.annotator_id = ?)
			ORDER BY COALESCE(c.n, 0), s.likes + 2 * s.comments + 3 * s.shares DESC, s.id LIMIT 1`, genreID, genreID, by)
		if errors.Is(err, errs.NotFound) {
			return nil, errs.NotFoundf("the pool is empty; new texts appear when they have been screened")
		}
		if err != nil {
			return nil, err
		}
		t, err := Claim(ctx, d, by, id)
		if err == nil || !errors.Is(err, errs.Conflict) {
			return t, err
		}
		if s, e := source.Get(ctx, d, id); e != nil || s.State == source.Pool {
			return nil, err // the conflict is not about this source
		}
	}
	return nil, errs.Conflictf("others were faster five times; try again")
}

// A StaleError tells that the text was saved elsewhere since it was read. Nothing was written.
type StaleError struct {
	Current *Triplet // as it stands now
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("this triplet was saved elsewhere: it is at revision %d now", e.Current.Revision)
}

// Unwrap makes it an errs.Conflict.
func (e *StaleError) Unwrap() error { return errs.Conflict }

// Most characters one part may have; the longest prompt of the paper has 2,643, the longest
// reasoning 4,094.
const maxPart = 50_000

// Most characters of one attribute or facet.
const maxNote = 5_000

// Save stores a content as the next revision, when the draft still stands at revision; it
// returns the draft's revision then. A content equal to the stored one makes no new revision.
// When it returns without error the text is on disk. note says why: "" for autosave.
func Save(ctx context.Context, d *db.DB, by, id string, revision int64, step int, c Content, note string) (int64, error) {
	if err := fit(&c); err != nil {
		return 0, err
	}
	note = clean(note)
	now := revision
	err := d.Transact(ctx, func(tx *db.DB) error {
		t, err := Own(ctx, tx, id, by)
		if err != nil {
			return err
		}
		if !t.Editable() {
			return errs.Conflictf("this triplet is %s; it cannot be changed now", t.State)
		}
		if t.Revision == revision+1 && equal(t.Content.V, c) { // the answer to this very save was lost on its way
			now = t.Revision
			return nil
		}
		if t.Revision != revision {
			return &StaleError{Current: t}
		}
		if equal(t.Content.V, c) && note == "" {
			if t.Step != step && step >= 1 && step <= 3 {
				_, err = tx.Exec(ctx, `UPDATE triplet SET step = ? WHERE id = ?`, step, id)
			}
			return err
		}
		now = revision + 1
		return put(ctx, tx, t, by, step, c, note)
	})
	return now, err
}

// put writes a revision; the row in triplet_revision is the record of a save, so the history
// carries only changes of state.
func put(ctx context.Context, tx *db.DB, t *Triplet, by string, step int, c Content, note string) error {
	if step < 1 || step > 3 {
		step = t.Step
	}
	n, err := tx.Exec(ctx, `UPDATE triplet SET content = ?, revision = revision + 1, step = ?, prompt_chars = ?, reasoning_chars = ?, updated_at = ?
		WHERE id = ? AND revision = ?`, db.AsJSON(c), step, text.Len(c.Prompt), text.Len(c.Reasoning), tx.Now(), t.ID, t.Revision)
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.Conflictf("this triplet was saved elsewhere a moment ago; look again")
	}
	_, err = tx.Exec(ctx, `INSERT INTO triplet_revision (triplet_id, revision, at, by_person, content, note) VALUES (?, ?, ?, ?, ?, ?)`,
		t.ID, t.Revision+1, tx.Now(), by, db.AsJSON(c), note)
	t.Revision++
	t.Content.V = c
	return err
}

// fit makes a content fit to store: texts clean, checks only those there are, nothing endless.
func fit(c *Content) error {
	var bad []errs.Field
	bounded := func(name string, p *string, limit int) {
		if *p = clean(*p); text.Len(*p) > limit {
			bad = append(bad, errs.Field{Name: name, Msg: fmt.Sprintf("longer than %d characters", limit), Key: "annotate.too_long"})
		}
	}
	bounded("prompt", &c.Prompt, maxPart)
	bounded("reasoning", &c.Reasoning, maxPart)
	for _, n := range []struct {
		name string
		p    *string
	}{
		{"theme", &c.Attributes.Theme},
		{"style", &c.Attributes.Style},
		{"structure", &c.Attributes.Structure},
		{"cultural", &c.Attributes.Cultural},
		{"facet_interpretation", &c.Facets.Interpretation},
		{"facet_structure", &c.Facets.Structure},
		{"facet_culture", &c.Facets.Culture},
		{"facet_narrative", &c.Facets.Narrative},
		{"facet_refinement", &c.Facets.Refinement},
	} {
		bounded(n.name, n.p, maxNote)
	}
	ticked := map[string]bool{}
	for _, name := range Checks {
		if c.Checks[name] {
			ticked[name] = true
		}
	}
	c.Checks, c.Pasted = ticked, max(c.Pasted, 0)
	return errs.Fields(bad...)
}

// clean removes what no text needs and databases refuse; spaces stay, somebody is typing.
func clean(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""), "\r\n", "\n")
}

func equal(a, b Content) bool {
	same := maps.Equal(a.Checks, b.Checks) || (len(a.Checks) == 0 && len(b.Checks) == 0)
	return same && a.Attributes == b.Attributes && a.Facets == b.Facets && a.Prompt == b.Prompt && a.Reasoning == b.Reasoning && a.Pasted == b.Pasted
}

// A Revision is one acknowledged save.
type Revision struct {
	Revision int64            `json:"revision"`
	At       time.Time        `json:"at"`
	ByPerson string           `json:"by"`
	Note     string           `json:"note"`
	Content  db.JSON[Content] `json:"content"`
}

// Revisions returns a triplet's saves, newest first, at most limit, without contents.
func Revisions(ctx context.Context, d *db.DB, id string, limit int) ([]Revision, error) {
	var rs []Revision
	err := d.All(ctx, &rs, `SELECT revision, at, by_person, note FROM triplet_revision WHERE triplet_id = ? ORDER BY revision DESC LIMIT ?`, id, min(max(limit, 1), 1000))
	return rs, err
}

// RevisionAt returns one save.
func RevisionAt(ctx context.Context, d *db.DB, id string, n int64) (Revision, error) {
	var r Revision
	err := d.One(ctx, &r, `SELECT revision, at, by_person, note, content FROM triplet_revision WHERE triplet_id = ? AND revision = ?`, id, n)
	if errors.Is(err, errs.NotFound) {
		return r, errs.NotFoundf("there is no revision %d", n)
	}
	return r, err
}

// Restore makes an earlier content the newest revision; what came between stays in the list.
func Restore(ctx context.Context, d *db.DB, by, id string, n, revision int64) (int64, error) {
	r, err := RevisionAt(ctx, d, id, n)
	if err != nil {
		return 0, err
	}
	return Save(ctx, d, by, id, revision, 0, r.Content.V, fmt.Sprintf("restore %d", n))
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
		if _, err := tx.Exec(ctx, `UPDATE triplet SET submitted_at = ? WHERE id = ?`, tx.Now(), id); err != nil {
			return err
		}
		return Advance(ctx, tx, t, Submitted, by, "", map[string]any{"revision": revision, "warnings": len(findings)})
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
