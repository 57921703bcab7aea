package release

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/screen"
	"coigwriter/internal/triplet"
)

// Options say what to cut.
type Options struct {
	Version string // 1.0.0
	Notes   string
	By      string // person ID
}

// Cut freezes the accepted triplets as a new version, in one transaction. The same accepted
// triplets give the same content hash. A version that exists, or is older than the newest, is
// errs.Conflict; with nothing accepted there is nothing to cut.
func Cut(ctx context.Context, d *db.DB, o Options) (*Release, error) {
	o.Version = strings.TrimPrefix(strings.TrimSpace(o.Version), "v")
	if err := checkVersion(o.Version); err != nil {
		return nil, err
	}
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return nil, err
	}
	r := &Release{ID: db.NewID(), Version: o.Version, Notes: o.Notes, CutBy: o.By}
	return r, d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "release"); err != nil {
			return err
		}
		return cut(ctx, tx, tax, r)
	})
}

func cut(ctx context.Context, tx *db.DB, tax *genre.Taxonomy, r *Release) error {
	old, err := List(ctx, tx)
	if err != nil {
		return err
	}
	m := Manifest{Version: r.Version, Notes: r.Notes, TaxonomyHash: tax.Hash(), Genres: map[string]int{}}
	if len(old) > 0 {
		m.Previous = old[0].Version
		if compareVersions(r.Version, m.Previous) <= 0 {
			return errs.Conflictf("version %s is not newer than %s; a release is never changed", r.Version, m.Previous)
		}
	}
	set, err := project.Get(ctx, tx)
	if err != nil {
		return err
	}
	m.Project, m.Sample, m.Gate = set.Name, set.Sample, triplet.Gate{MinTotal: set.MinTotal, MinEach: set.MinEach}
	r.CutAt = tx.Now()
	m.CutAt = r.CutAt
	if err := tx.One(ctx, &m.CutBy, `SELECT pseudonym FROM person WHERE id = ?`, r.CutBy); err != nil {
		m.CutBy = "command line"
	}
	recs, err := accepted(ctx, tx, tax)
	if err != nil {
		return err
	}
	if len(recs) == 0 {
		return errs.Invalidf("no triplet is accepted yet, so there is nothing to release; see the review queue")
	}
	items := make([]Item, len(recs))
	h := sha256.New()
	annotators, reviewers := map[string]int{}, map[string]bool{}
	for i, rec := range recs {
		line, err := canonical(rec)
		if err != nil {
			return err
		}
		items[i] = Item{ReleaseID: r.ID, Position: i, TripletID: rec.ID, Revision: rec.Revision, Record: string(line), Hash: sum(line)}
		h.Write(append(line, '\n'))
		m.Genres[rec.Genre]++
		annotators[rec.Annotator]++
		for _, v := range rec.Reviewers {
			reviewers[v] = true
		}
		if rec.ScoredBy.Scripted {
			m.Scripted++
		}
	}
	m.Items, m.Annotators, m.Reviewers = len(recs), len(annotators), len(reviewers)
	m.ContentHash = hex.EncodeToString(h.Sum(nil))
	m.Warnings = warnings(m, tax, annotators)
	if m.Warnings, err = addUnjudged(ctx, tx, m.Warnings); err != nil {
		return err
	}
	r.Items, r.ContentHash, r.Manifest = m.Items, m.ContentHash, db.AsJSON(m)
	if err := tx.Insert(ctx, r); err != nil {
		return err
	}
	for batch := range slices.Chunk(items, 100) {
		if err := tx.Insert(ctx, &batch); err != nil {
			return err
		}
	}
	by := r.CutBy
	if by == "" {
		by = "system"
	}
	return audit.Record(ctx, tx, audit.Entry{
		Kind: "release", ID: r.ID, Actor: by, Action: "cut", To: "frozen",
		Data: map[string]any{"version": r.Version, "items": r.Items, "content_hash": r.ContentHash},
	})
}

// canonical is the one spelling of a record: its hash depends on it.
func canonical(rec Record) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(rec)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// warnings are what a reader of the dataset should know about its balance (paper section 2.3).
func warnings(m Manifest, tax *genre.Taxonomy, annotators map[string]int) []Warning {
	var out []Warning
	warn := func(code string, n, of int, format string, args ...any) {
		out = append(out, Warning{code, n, of, fmt.Sprintf(format, args...)})
	}
	thin, none := 0, 0
	for _, g := range tax.Genres {
		switch n := m.Genres[g.ID]; {
		case n == 0:
			none++
		case n < tax.MinCount:
			thin++
		}
	}
	if thin > 0 {
		warn("thin", thin, tax.MinCount, "%d genres have fewer than %d triplets", thin, tax.MinCount)
	}
	if none > 0 {
		warn("empty", none, len(tax.Genres), "%d of %d genres have none", none, len(tax.Genres))
	}
	for _, n := range slices.Sorted(maps.Values(annotators)) {
		if len(annotators) > 1 && n*10 > m.Items*3 {
			warn("one_hand", n, m.Items, "one annotator wrote %d of %d triplets", n, m.Items)
		}
	}
	if m.Scripted > 0 {
		warn("scripted", m.Scripted, m.Items, "the scores of %d triplets come from the scripted fake, not from a model", m.Scripted)
	}
	return out
}

// addUnjudged warns of texts that no model judged because it failed: they are in no release, and where a
// filter refused them they are of one kind.
func addUnjudged(ctx context.Context, tx *db.DB, to []Warning) ([]Warning, error) {
	counts, err := screen.Unjudged(ctx, tx)
	if err != nil {
		return to, err
	}
	parts, err := triplet.Unscored(ctx, tx)
	if err != nil {
		return to, err
	}
	n, by := 0, []string{}
	for _, c := range append(counts, parts...) {
		n += c.Count
		by = append(by, fmt.Sprintf("%s %s %d", c.Prompt, c.Failure, c.Count))
	}
	if n == 0 {
		return to, nil
	}
	return append(to, Warning{"unjudged", n, 0, fmt.Sprintf("judgements missing because a model failed: %d (%s); those texts are not in this version", n, strings.Join(by, ", "))}), nil
}

// accepted reads the accepted triplets as records, in the order of the release.
func accepted(ctx context.Context, tx *db.DB, tax *genre.Taxonomy) ([]Record, error) {
	var rows []struct {
		ID, Genre, Language, Article, Tier, Annotator  string
		Revision                                       int64
		Round                                          int
		Content                                        db.JSON[triplet.Content]
		DecidedAt                                      *time.Time
		URL, Platform, Title, Author, Licence, SheetID string
		PublishedAt                                    *time.Time
	}
	err := tx.All(ctx, &rows, `SELECT t.id, t.genre, t.language, t.article, t.tier, p.pseudonym AS annotator, t.revision, t.round, t.content, t.decided_at,
			s.url, s.platform, s.title, s.author, s.licence, s.published_at,
			COALESCE((SELECT h.id FROM sheet h WHERE h.triplet_id = t.id AND h.passed ORDER BY h.created_at DESC, h.id DESC LIMIT 1), '') AS sheet_id
		FROM triplet t JOIN source s ON s.id = t.source_id JOIN person p ON p.id = t.annotator_id
		WHERE t.state = 'accepted' ORDER BY t.genre, t.id`)
	if err != nil {
		return nil, err
	}
	names := map[string]string{} // person → pseudonym
	var people []struct{ ID, Pseudonym string }
	if err := tx.All(ctx, &people, `SELECT id, pseudonym FROM person`); err != nil {
		return nil, err
	}
	for _, p := range people {
		names[p.ID] = p.Pseudonym
	}
	reviewers := map[string][]string{}
	var rs []struct{ TripletID, ReviewerID string }
	if err := tx.All(ctx, &rs, `SELECT DISTINCT r.triplet_id, r.reviewer_id FROM review r JOIN triplet t ON t.id = r.triplet_id
		WHERE t.state = 'accepted' AND r.state = 'done'`); err != nil {
		return nil, err
	}
	for _, r := range rs {
		reviewers[r.TripletID] = append(reviewers[r.TripletID], names[r.ReviewerID])
	}
	out := make([]Record, len(rows))
	for i, row := range rows {
		g, _ := tax.Get(row.Genre)
		rec := Record{
			ID: row.ID, Genre: row.Genre, GenreZH: g.ZH, GenreEN: g.EN, Category: g.Category, Language: row.Language,
			Prompt: strings.TrimSpace(row.Content.V.Prompt), Reasoning: strings.TrimSpace(row.Content.V.Reasoning), Article: row.Article,
			Attributes: row.Content.V.Attributes, Annotator: row.Annotator, Reviewers: reviewers[row.ID],
			Source:   Source{row.URL, row.Platform, row.Title, row.Author, utc(row.PublishedAt), row.Licence},
			Revision: row.Revision, Tier: row.Tier, Rounds: row.Round,
		}
		slices.Sort(rec.Reviewers)
		if rec.Reviewers == nil {
			rec.Reviewers = []string{}
		}
		if row.DecidedAt != nil {
			rec.AcceptedAt = row.DecidedAt.UTC()
		}
		if err := scored(ctx, tx, &rec, row.SheetID, names); err != nil {
			return nil, err
		}
		out[i] = rec
	}
	return out, nil
}

func scored(ctx context.Context, tx *db.DB, rec *Record, sheetID string, names map[string]string) error {
	rec.Scores = map[string]int{}
	if sheetID == "" {
		return errs.Conflictf("triplet %s is accepted without a score sheet that passed the gate", rec.ID)
	}
	var s triplet.Sheet
	if err := tx.One(ctx, &s, `SELECT * FROM sheet WHERE id = ?`, sheetID); err != nil {
		return err
	}
	for i, v := range s.Scores() {
		rec.Scores[triplet.Dimensions[i]] = v
	}
	rec.ScoredBy = Judge{Kind: s.JudgeKind, Name: s.Judge, Scripted: s.Scripted}
	if s.JudgeKind == "person" {
		rec.ScoredBy.Name = names[s.Judge]
	}
	return nil
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
