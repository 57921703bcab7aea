package source

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/text"
)

// A Finding is what one rule saw in a source. The rules live in screen; the row lives here, so
// that a source's page needs one package.
type Finding struct {
	Rule    string            `json:"rule"`
	Level   string            `json:"level"`          // refuse, ask, note
	Message string            `json:"message"`        // message key, such as rule.too_short
	Args    map[string]string `json:"args,omitempty"` // what the message names
	Excerpt string            `json:"excerpt,omitempty"`
}

// Levels of a finding.
const (
	LevelRefuse = "refuse" // unusable; a person may still reopen it
	LevelAsk    = "ask"    // a person must look
	LevelNote   = "note"   // shown beside the text, moves nothing
)

type evidenceRow struct {
	bun.BaseModel `bun:"table:source_evidence"`

	ID       string
	SourceID string
	Kind     string
	Raw      string
	At       *time.Time
	Place    string
	Zone     bool
	Precise  string
	Note     string
}

type findingRow struct {
	bun.BaseModel `bun:"table:source_finding"`

	ID       string
	SourceID string
	Rule     string
	Level    string
	Message  string
	Args     db.JSON[map[string]string]
	Excerpt  string
}

// Get returns one source, or NotFound.
func Get(ctx context.Context, d *db.DB, id string) (_ *Source, err error) {
	defer errs.Wrap(&err, "source %s", id)
	s := &Source{}
	if err := d.One(ctx, s, `SELECT * FROM source WHERE id = ?`, id); err != nil {
		return nil, err
	}
	return s, nil
}

// EvidenceOf returns what was known of a source's date, in the order it was found.
func EvidenceOf(ctx context.Context, d *db.DB, id string) ([]Evidence, error) {
	var rows []evidenceRow
	if err := d.All(ctx, &rows, `SELECT * FROM source_evidence WHERE source_id = ? ORDER BY id`, id); err != nil {
		return nil, err
	}
	ev := make([]Evidence, len(rows))
	for i, r := range rows {
		ev[i] = Evidence{Kind: r.Kind, Raw: r.Raw, At: r.At, Place: r.Place, Zone: r.Zone, Precise: r.Precise, Note: r.Note}
	}
	return ev, nil
}

// Findings returns what the rules saw in a source: refusals first, then questions, then notes.
func Findings(ctx context.Context, d *db.DB, id string) ([]Finding, error) {
	var rows []findingRow
	err := d.All(ctx, &rows, `SELECT * FROM source_finding WHERE source_id = ?
		ORDER BY CASE level WHEN 'refuse' THEN 0 WHEN 'ask' THEN 1 ELSE 2 END, id`, id)
	if err != nil {
		return nil, err
	}
	fs := make([]Finding, len(rows))
	for i, r := range rows {
		fs[i] = Finding{Rule: r.Rule, Level: r.Level, Message: r.Message, Args: r.Args.V, Excerpt: r.Excerpt}
	}
	return fs, nil
}

// SetFindings replaces what the rules saw in a source, for a re-check after the rules or the
// genre changed. It moves nothing.
func SetFindings(ctx context.Context, tx *db.DB, id string, findings []Finding) error {
	if _, err := tx.Exec(ctx, `DELETE FROM source_finding WHERE source_id = ?`, id); err != nil {
		return err
	}
	rows := findingRows(id, findings)
	if len(rows) == 0 {
		return nil
	}
	return tx.Insert(ctx, &rows)
}

func findingRows(id string, findings []Finding) []findingRow {
	rows := make([]findingRow, len(findings))
	for i, f := range findings {
		rows[i] = findingRow{
			ID: db.NewID(), SourceID: id, Rule: f.Rule, Level: f.Level, Message: f.Message,
			Args: db.AsJSON(f.Args), Excerpt: clip(f.Excerpt, 300),
		}
	}
	return rows
}

// A Draft is a source about to be stored, with what belongs to it.
type Draft struct {
	Source   Source
	Evidence []Evidence
	Findings []Finding
}

// What became of one draft.
const (
	Added     = "added"
	Same      = "same"      // this text at this address is stored already; nothing was done
	Duplicate = "duplicate" // the same text from elsewhere; stored as refused, linked to the first
)

// Insert stores drafts in one transaction, history included, and says what became of each. It is
// idempotent by content hash and address. The state and reason of each draft come from its
// maker; a duplicate is refused whatever they say.
func Insert(ctx context.Context, d *db.DB, by string, drafts []Draft) (outcomes []string, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		outcomes, err = insert(ctx, tx, by, drafts)
		return err
	})
	return outcomes, err
}

// stored is what Insert must know of a text that is there already.
type stored struct {
	ID          string
	ContentHash string
	URL         string `bun:"url"`
	DuplicateOf string
}

func insert(ctx context.Context, tx *db.DB, by string, drafts []Draft) ([]string, error) {
	hashes := make([]string, len(drafts))
	for i := range drafts {
		hashes[i] = drafts[i].Source.ContentHash
	}
	var have []stored
	err := tx.All(ctx, &have, `SELECT id, content_hash, url, duplicate_of FROM source WHERE content_hash IN (?) ORDER BY id`, bun.List(hashes))
	if err != nil {
		return nil, err
	}
	first, same := map[string]string{}, map[string]bool{}
	for _, s := range have {
		same[s.ContentHash+" "+s.URL] = true
		if s.DuplicateOf == "" && first[s.ContentHash] == "" {
			first[s.ContentHash] = s.ID
		}
	}
	outcomes := make([]string, len(drafts))
	var sources []Source
	var evidence []evidenceRow
	var findings []findingRow
	var entries []audit.Entry
	now := tx.Now()
	for i := range drafts {
		s := drafts[i].Source
		key := s.ContentHash + " " + s.URL
		if same[key] {
			outcomes[i] = Same
			continue
		}
		same[key] = true
		outcomes[i] = Added
		s.ID, s.CreatedAt, s.UpdatedAt = db.NewID(), now, now
		if original := first[s.ContentHash]; original != "" {
			outcomes[i] = Duplicate
			s.State, s.Reason, s.DuplicateOf = Refused, "duplicate", original
		} else {
			first[s.ContentHash] = s.ID
		}
		t, err := transition("", s.State, s.Reason)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
		for _, e := range drafts[i].Evidence {
			evidence = append(evidence, evidenceRow{
				ID: db.NewID(), SourceID: s.ID, Kind: e.Kind, Raw: e.Raw, At: e.At, Place: e.Place, Zone: e.Zone, Precise: e.Precise, Note: e.Note,
			})
		}
		findings = append(findings, findingRows(s.ID, drafts[i].Findings)...)
		entries = append(entries, audit.Entry{
			Kind: "source", ID: s.ID, Actor: by, Action: t.Action, To: s.State, Reason: s.Reason, Data: importFacts(&s),
		})
	}
	if len(sources) == 0 {
		return outcomes, nil
	}
	if err := tx.Insert(ctx, &sources); err != nil {
		return nil, err
	}
	if len(evidence) > 0 {
		if err := tx.Insert(ctx, &evidence); err != nil {
			return nil, err
		}
	}
	if len(findings) > 0 {
		if err := tx.Insert(ctx, &findings); err != nil {
			return nil, err
		}
	}
	return outcomes, audit.RecordNew(ctx, tx, entries)
}

// importFacts is what the first line of history says: enough to check the text later.
func importFacts(s *Source) map[string]any {
	facts := map[string]any{"content_hash": s.ContentHash, "chars": s.Chars, "date": s.DateVerdict}
	if s.File != "" {
		facts["file"], facts["line"] = s.File, s.Line
	}
	if s.ImportID != "" {
		facts["import"] = s.ImportID
	}
	if s.DuplicateOf != "" {
		facts["duplicate_of"] = s.DuplicateOf
	}
	return facts
}

// Decisions of a person on a source that was held for one.
const (
	DecidePass   = "pass"
	DecideRefuse = "refuse"
)

// Decide records a person's decision on a held source: pass sends it to screening, refuse ends
// it with a reason. A pass settles the date too, because the date was what was asked, or was
// known when the rule's question was answered.
func Decide(ctx context.Context, d *db.DB, id, by, decision, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		switch decision {
		case DecidePass:
			if err := advanceFrom(ctx, tx, id, Held, Waiting, by, reason, map[string]string{"decision": decision}); err != nil {
				return errors.Join(missing(ctx, tx, id), err)
			}
			_, err := tx.Exec(ctx, `UPDATE source SET date_verdict = ? WHERE id = ?`, DatePassed, id)
			return err
		case DecideRefuse:
			err := advanceFrom(ctx, tx, id, Held, Refused, by, reason, map[string]string{"decision": decision})
			if err != nil {
				return errors.Join(missing(ctx, tx, id), err)
			}
			return nil
		}
		return errs.Invalidf("decision %q: say pass or refuse", decision)
	})
}

// missing tells a source that does not exist from one that somebody moved.
func missing(ctx context.Context, tx *db.DB, id string) error {
	var n int
	if err := tx.One(ctx, &n, `SELECT COUNT(*) FROM source WHERE id = ?`, id); err != nil || n > 0 {
		return err
	}
	return errs.NotFoundf("no source %s", id)
}

// Reopen takes a refused source back to screening, with a reason.
func Reopen(ctx context.Context, d *db.DB, id, by, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		var from stored
		if err := tx.One(ctx, &from, `SELECT id, duplicate_of FROM source WHERE id = ?`, id); err != nil {
			return err
		}
		if from.DuplicateOf != "" {
			return errs.Conflictf("it has the same text as %s; open that one", from.DuplicateOf)
		}
		return Advance(ctx, tx, id, Waiting, by, reason, nil)
	})
}

// Remove takes a source down, whatever its state, with a reason. The text stays in the database
// for the record; lists, the pool and releases leave it out.
func Remove(ctx context.Context, d *db.DB, id, by, reason string) error {
	return d.Transact(ctx, func(tx *db.DB) error { return Advance(ctx, tx, id, Removed, by, reason, nil) })
}

// SetGenre gives a source a genre of the taxonomy, "" for none; the caller has checked the id.
func SetGenre(ctx context.Context, d *db.DB, id, genre, by string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		var before Source
		if err := tx.One(ctx, &before, `SELECT id, genre, state FROM source WHERE id = ?`, id); err != nil {
			return err
		}
		if before.Genre == genre {
			return nil
		}
		if before.State == Claimed || before.State == Removed {
			return errs.Conflictf("the genre of a %s source cannot change", before.State)
		}
		if _, err := tx.Exec(ctx, `UPDATE source SET genre = ?, updated_at = ? WHERE id = ?`, genre, tx.Now(), id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Kind: "source", ID: id, Actor: by, Action: "genre", From: before.State, To: before.State,
			Data: map[string]string{"from": before.Genre, "to": genre},
		})
	})
}

// Make fills the computed fields of a source from its text: its normal form, length, hash, and
// the language when nobody said it.
func (s *Source) Make() {
	s.Text = text.Normalize(s.Text)
	s.Chars = text.Len(s.Text)
	s.ContentHash = text.ContentHash(s.Text)
	if s.Language == "" {
		if l := text.Language(s.Text); l != "und" {
			s.Language = l
		}
	}
	s.URL = strings.TrimSpace(s.URL)
}
