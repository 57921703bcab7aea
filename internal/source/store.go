package source

import (
	"context"
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
// genre changed. What an import saw of a licence stays. It moves nothing.
func SetFindings(ctx context.Context, tx *db.DB, id string, findings []Finding) error {
	if _, err := tx.Exec(ctx, `DELETE FROM source_finding WHERE source_id = ? AND rule <> ?`, id, RuleLicence); err != nil {
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

	date Verdict // while it is being imported
}

// What became of one draft.
const (
	Added     = "added"
	Same      = "same"      // this text at this address is stored already; nothing was done
	Duplicate = "duplicate" // the same text from elsewhere; stored as refused, linked to the first
	// OtherLicence is Same, but under another licence than the one stored: a finding is left.
	OtherLicence = "other_licence"
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
	Licence     string
	State       string
}

func insert(ctx context.Context, tx *db.DB, by string, drafts []Draft) ([]string, error) {
	hashes := make([]string, len(drafts))
	for i := range drafts {
		hashes[i] = drafts[i].Source.ContentHash
	}
	var have []stored
	err := tx.All(ctx, &have, `SELECT id, content_hash, url, duplicate_of, licence, state FROM source WHERE content_hash IN (?) ORDER BY id`, bun.List(hashes))
	if err != nil {
		return nil, err
	}
	first, same := map[string]string{}, map[string]stored{}
	for _, s := range have {
		same[s.ContentHash+" "+s.URL] = s
		if s.DuplicateOf == "" && first[s.ContentHash] == "" {
			first[s.ContentHash] = s.ID
		}
	}
	outcomes := make([]string, len(drafts))
	var sources []Source
	var evidence []evidenceRow
	var findings []findingRow
	var entries []audit.Entry
	var others []claim
	now := tx.Now()
	for i := range drafts {
		s := drafts[i].Source
		key := s.ContentHash + " " + s.URL
		if there, ok := same[key]; ok {
			outcomes[i] = Same
			if otherLicence(there.Licence, s.Licence) {
				outcomes[i] = OtherLicence
				others = append(others, claim{there, s.Licence, s.File, s.Line})
			}
			continue
		}
		outcomes[i] = Added
		s.ID, s.CreatedAt, s.UpdatedAt = db.NewID(), now, now
		if original := first[s.ContentHash]; original != "" {
			outcomes[i] = Duplicate
			s.State, s.Reason, s.DuplicateOf = Refused, "duplicate", original
		} else {
			first[s.ContentHash] = s.ID
		}
		same[key] = stored{ID: s.ID, Licence: s.Licence, State: s.State}
		t, err := Transitions.Find("source", "", s.State, s.Reason)
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
		return outcomes, noteLicences(ctx, tx, by, others)
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
	if err := audit.RecordNew(ctx, tx, entries); err != nil {
		return nil, err
	}
	return outcomes, noteLicences(ctx, tx, by, others)
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
