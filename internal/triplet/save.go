package triplet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/text"
)

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
		WHERE id = ? AND revision = ? AND state = ?`, db.AsJSON(c), step, text.Len(c.Prompt), text.Len(c.Reasoning), tx.Now(), t.ID, t.Revision, t.State)
	if err != nil {
		return err
	}
	if n == 0 {
		return lost(ctx, tx, t.ID)
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

// lost says why a write that was sound when it began came too late.
func lost(ctx context.Context, tx *db.DB, id string) error {
	t, err := Get(ctx, tx, id)
	if err != nil {
		return err
	}
	if !t.Editable() {
		return errs.Conflictf("this triplet is %s; it cannot be changed now", t.State)
	}
	return &StaleError{Current: t}
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
	Content  db.JSON[Content] `json:"content,omitzero"`
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
