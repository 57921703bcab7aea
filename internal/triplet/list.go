package triplet

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A Filter narrows a list; zero fields do not.
type Filter struct {
	States    []string
	Annotator string
	Source    string // id of its article
	Genres    []string
	Query     string // in title, prompt and article, of [TextsAtOnce] triplets a page
	After     string // cursor: the last ID of the page before
	Limit     int    // 1 to 200, 50 when 0
}

// A Row is a triplet in a list, without its long texts.
type Row struct {
	ID, SourceID, AnnotatorID, Genre, State, Reason, Title, Tier string
	Step, Round                                                  int
	Revision                                                     int64
	PromptChars, ReasoningChars, ArticleChars                    int
	UpdatedAt                                                    time.Time
	SubmittedAt                                                  *time.Time
}

// TextsAtOnce bounds how many triplets one page of a search looks through, about 18 ms for
// every 1,000; the next page looks further.
const TextsAtOnce = 2500

// List returns triplets, newest first, and the cursor of the next page ("" on the last). A
// search may go on after a page without rows.
func List(ctx context.Context, d *db.DB, f Filter) ([]Row, string, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 200)
	where, args := f.where()
	if f.After != "" {
		where += ` AND t.id < ?`
		args = append(args, f.After)
	}
	last, err := f.lastLooked(ctx, d)
	if err != nil {
		return nil, "", err
	}
	if last != "" {
		where += ` AND t.id >= ?`
		args = append(args, last)
	}
	var rows []Row
	err = d.All(ctx, &rows, `SELECT t.id, t.source_id, t.annotator_id, t.genre, t.state, t.reason, s.title, t.tier, t.step, t.round, t.revision,
			t.prompt_chars, t.reasoning_chars, t.article_chars, t.updated_at, t.submitted_at
		FROM triplet t JOIN source s ON s.id = t.source_id WHERE `+where+` ORDER BY t.id DESC LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	next := last
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ID
	}
	return rows, next, nil
}

// lastLooked is the id of the oldest triplet that this page of a search looks at, "" when it
// looks at all that are left.
func (f Filter) lastLooked(ctx context.Context, d *db.DB) (id string, err error) {
	if f.Query == "" {
		return "", nil
	}
	before := f.After
	if before == "" {
		before = "z" // after every id, in every collation
	}
	err = d.One(ctx, &id, `SELECT id FROM triplet WHERE id < ? ORDER BY id DESC LIMIT 1 OFFSET ?`, before, TextsAtOnce-1)
	if errors.Is(err, errs.NotFound) {
		return "", nil
	}
	return id, err
}

func (f Filter) where() (string, []any) {
	where, args := `1 = 1`, []any{}
	if len(f.States) > 0 {
		where += ` AND t.state IN (?)`
		args = append(args, bun.List(f.States))
	}
	if f.Annotator != "" {
		where += ` AND t.annotator_id = ?`
		args = append(args, f.Annotator)
	}
	if f.Source != "" {
		where += ` AND t.source_id = ?`
		args = append(args, f.Source)
	}
	if len(f.Genres) > 0 {
		where += ` AND t.genre IN (?)`
		args = append(args, bun.List(f.Genres))
	}
	if f.Query != "" {
		like, fold := "%"+escapeLike(strings.ToLower(f.Query))+"%", "lower"
		if strings.ToUpper(f.Query) == f.Query && strings.ToLower(f.Query) == f.Query {
			fold = "" // Chinese has no case, and folding long texts costs more than looking through them
		}
		// Asked for by itself, the title comes from the index of titles, without the source's row.
		where += ` AND (` + fold + `(t.content) LIKE ? ESCAPE '!' OR ` + fold + `(t.article) LIKE ? ESCAPE '!' OR
			EXISTS (SELECT 1 FROM source o WHERE o.id = t.source_id AND ` + fold + `(o.title) LIKE ? ESCAPE '!'))`
		args = append(args, like, like, like)
	}
	return where, args
}

func escapeLike(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

// Counts returns how many triplets are in each state; annotator "" counts everybody's.
func Counts(ctx context.Context, d *db.DB, annotator string) (map[string]int, error) {
	var rows []struct {
		State string
		N     int
	}
	where, args := "", []any{} // no condition where there is none: so an index alone answers
	if annotator != "" {
		where, args = " WHERE annotator_id = ?", []any{annotator}
	}
	if err := d.All(ctx, &rows, `SELECT state, COUNT(*) AS n FROM triplet`+where+` GROUP BY state`, args...); err != nil {
		return nil, err
	}
	m := make(map[string]int, len(rows))
	for _, r := range rows {
		m[r.State] = r.N
	}
	return m, nil
}

// A GenreCount is how many triplets of one genre are in one state.
type GenreCount struct {
	Genre, State string
	N            int
}

// CountsByGenre returns the board genre x state.
func CountsByGenre(ctx context.Context, d *db.DB) ([]GenreCount, error) {
	var rows []GenreCount
	err := d.All(ctx, &rows, `SELECT genre, state, COUNT(*) AS n FROM triplet GROUP BY genre, state ORDER BY genre, state`)
	return rows, err
}

// EachLength calls f with the lengths of every triplet in a state, for statistics.
func EachLength(ctx context.Context, d *db.DB, state string, f func(genre string, article, prompt, reasoning int)) error {
	type row struct {
		Genre                                     string
		ArticleChars, PromptChars, ReasoningChars int
	}
	return db.Each(ctx, d, func(r *row) error { f(r.Genre, r.ArticleChars, r.PromptChars, r.ReasoningChars); return nil },
		`SELECT genre, article_chars, prompt_chars, reasoning_chars FROM triplet WHERE state = ?`, state)
}

// Titles returns the titles of the articles of those ids that are triplets.
func Titles(ctx context.Context, d *db.DB, ids []string) (map[string]string, error) {
	var rows []struct{ ID, Title string }
	if len(ids) > 0 {
		if err := d.All(ctx, &rows, `SELECT t.id, s.title FROM triplet t JOIN source s ON s.id = t.source_id WHERE t.id IN (?)`, bun.List(ids)); err != nil {
			return nil, err
		}
	}
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Title
	}
	return out, nil
}

// Oldest returns when the triplet that waits longest in each of the states came there, by state.
func Oldest(ctx context.Context, d *db.DB, states ...string) (map[string]time.Time, error) {
	var rows []struct {
		State string
		At    time.Time
	}
	err := d.All(ctx, &rows, `SELECT state, MIN(updated_at) AS at FROM triplet WHERE state IN (?) GROUP BY state`, bun.List(states))
	out := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		out[r.State] = r.At
	}
	return out, err
}
