package source

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A Filter says which sources a list shows. The zero value is all of them, newest first.
type Filter struct {
	States   []string
	Genres   []string // ids; for a category, all of its genres. "" among them means: none assigned
	Platform string
	Language string
	ImportID string
	Reason   string    // why it is in its state; one that ends with a dot is the beginning of one
	Rule     string    // a rule that refused it or asks, as the finding names it
	Query    string    // words in the title or the author, or a whole address
	InText   bool      // look for Query in the texts too, [TextsAtOnce] of them a page
	From, To time.Time // publication; zero is open, To excluded
	Limit    int       // 1 to 200; 0 is 50
	Cursor   string    // Next of the page before
}

// A Row is a source in a list: everything but the text, of which it has the beginning.
type Row struct {
	ID          string
	URL         string `bun:"url"`
	Platform    string
	Title       string
	Author      string
	Excerpt     string // the first 120 code points
	Chars       int
	Language    string
	Genre       string
	PublishedAt *time.Time
	DateVerdict string
	Likes       int64
	Shares      int64
	Comments    int64
	Licence     string
	DuplicateOf string
	State       string
	Reason      string
	CreatedAt   time.Time
}

// TextsAtOnce bounds how many texts one page of a search in the texts looks through, about 7 ms
// for every 1,000; the next page looks further.
const TextsAtOnce = 5000

// A Page is one page of a list.
type Page struct {
	Rows []Row
	Next string // cursor of the next page, "" at the end; a search in the texts may go on after a page without rows
}

// where builds the condition; every value is a parameter.
func (f Filter) where() (string, []any) {
	conds, args := []string{"1 = 1"}, []any{}
	add := func(cond string, a ...any) {
		conds = append(conds, cond)
		args = append(args, a...)
	}
	if len(f.States) > 0 {
		add("state IN (?)", bun.List(f.States))
	}
	if len(f.Genres) > 0 {
		add("genre IN (?)", bun.List(f.Genres))
	}
	if f.Platform != "" {
		add("platform = ?", f.Platform)
	}
	if f.Language != "" {
		add("language = ?", f.Language)
	}
	if f.ImportID != "" {
		add("import_id = ?", f.ImportID)
	}
	switch {
	case strings.HasSuffix(f.Reason, "."):
		add("reason LIKE ? ESCAPE '!'", likeEscape.Replace(f.Reason)+"%")
	case f.Reason != "":
		add("reason = ?", f.Reason)
	}
	if f.Rule != "" {
		add("id IN (SELECT source_id FROM source_finding WHERE rule = ? AND level <> ?)", f.Rule, LevelNote)
	}
	if !f.From.IsZero() {
		add("published_at >= ?", f.From.UTC())
	}
	if !f.To.IsZero() {
		add("published_at < ?", f.To.UTC())
	}
	if u := strings.TrimSpace(f.Query); strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://") {
		add("url = ? AND url <> ''", u)
		return strings.Join(conds, " AND "), args
	}
	for _, word := range strings.Fields(clip(f.Query, 100)) {
		like := "%" + likeEscape.Replace(word) + "%"
		if f.InText {
			add(`(title LIKE ? ESCAPE '!' OR author LIKE ? ESCAPE '!' OR text LIKE ? ESCAPE '!')`, like, like, like)
			continue
		}
		// By itself the inner query is answered from the index of titles, without the texts.
		add(`id IN (SELECT id FROM source WHERE title LIKE ? ESCAPE '!' OR author LIKE ? ESCAPE '!')`, like, like)
	}
	return strings.Join(conds, " AND "), args
}

// likeEscape makes a person's % and _ mean themselves. The escape is ! because \ differs
// between the databases' string literals.
var likeEscape = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

// List returns one page of sources, newest first. IDs are time-ordered, so the page after one is
// everything with a smaller ID: no page costs more than the first.
func List(ctx context.Context, d *db.DB, f Filter) (Page, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 200)
	where, args := f.where()
	if f.Cursor != "" {
		after, err := decodeCursor(f.Cursor)
		if err != nil {
			return Page{}, err
		}
		where += " AND id < ?"
		args = append(args, after)
	}
	last, err := f.lastLooked(ctx, d)
	if err != nil {
		return Page{}, err
	}
	if last != "" {
		where += " AND id >= ?"
		args = append(args, last)
	}
	rows, err := f.rows(ctx, d, where, args, limit+1)
	p := Page{Rows: rows}
	if err != nil {
		return Page{}, err
	}
	if last != "" {
		p.Next = encodeCursor(last)
	}
	if len(p.Rows) > limit {
		p.Rows = p.Rows[:limit]
		p.Next = encodeCursor(p.Rows[limit-1].ID)
	}
	return p, nil
}

// lastLooked is the id of the oldest source that this page of a search in the texts looks at, ""
// when it looks at all that are left.
func (f Filter) lastLooked(ctx context.Context, d *db.DB) (id string, err error) {
	if !f.InText || f.Query == "" {
		return "", nil
	}
	before := "z" // after every id, in every collation
	if f.Cursor != "" {
		if before, err = decodeCursor(f.Cursor); err != nil {
			return "", err
		}
	}
	err = d.One(ctx, &id, `SELECT id FROM source WHERE id < ? ORDER BY id DESC LIMIT 1 OFFSET ?`, before, TextsAtOnce-1)
	if errors.Is(err, errs.NotFound) {
		return "", nil
	}
	return id, err
}

// rows reads the newest rows. SQLite answers "state IN (two states)" by sorting all of both, so
// several states are asked for one by one, each along its index, and merged here.
func (f Filter) rows(ctx context.Context, d *db.DB, where string, args []any, limit int) ([]Row, error) {
	states := f.States
	if len(states) < 2 || len(f.Genres) > 0 || (f.Query != "" && !f.InText) { // words in titles narrow more than states
		states = []string{""}
	}
	var all []Row
	for _, state := range states {
		w, a := where, args
		if state != "" {
			w, a = where+" AND state = ?", append(slices.Clip(args), state)
		}
		var rows []Row
		err := d.All(ctx, &rows, `SELECT id, url, platform, title, author, substr(text, 1, 120) AS excerpt, chars, language, genre,
		published_at, date_verdict, likes, shares, comments, licence, duplicate_of, state, reason, created_at
		FROM source WHERE `+w+` ORDER BY id DESC LIMIT ?`, append(slices.Clip(a), limit)...)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	if len(states) > 1 {
		slices.SortFunc(all, func(a, b Row) int { return strings.Compare(b.ID, a.ID) })
		all = all[:min(len(all), limit)]
	}
	return all, nil
}

// CursorAfter returns the cursor of the page that begins after a source.
func CursorAfter(id string) string { return encodeCursor(id) }

func encodeCursor(id string) string {
	b, _ := json.Marshal([]string{id}) // strings always marshal
	return base64.RawURLEncoding.EncodeToString(b)
}

func decodeCursor(c string) (string, error) {
	var parts []string
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil || json.Unmarshal(b, &parts) != nil || len(parts) != 1 {
		return "", errs.Invalidf("this page address is damaged; start the list again")
	}
	return parts[0], nil
}

// CountAll returns how many sources a filter shows, its cursor and limit aside.
func CountAll(ctx context.Context, d *db.DB, f Filter) (n int, err error) {
	where, args := f.where()
	err = d.One(ctx, &n, `SELECT COUNT(*) FROM source WHERE `+where, args...)
	return n, err
}

// Counts returns how many sources are in each state; a state without any is absent.
func Counts(ctx context.Context, d *db.DB) (map[string]int, error) {
	var rows []struct {
		State string
		N     int
	}
	if err := d.All(ctx, &rows, `SELECT state, COUNT(*) AS n FROM source GROUP BY state`); err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.State] = r.N
	}
	return counts, nil
}

// A GenreCount is how many sources of one genre are in one state.
type GenreCount struct {
	Genre string // "" for those without one
	State string
	N     int
}

// CountsByGenre returns the counts by genre and state.
func CountsByGenre(ctx context.Context, d *db.DB) ([]GenreCount, error) {
	var rows []GenreCount
	err := d.All(ctx, &rows, `SELECT genre, state, COUNT(*) AS n FROM source GROUP BY genre, state ORDER BY genre, state`)
	return rows, err
}

// A ReasonCount is how many sources are in a state for one reason.
type ReasonCount struct {
	Reason string
	N      int
}

// CountsByReason returns why sources are in a state, the commonest reason first.
func CountsByReason(ctx context.Context, d *db.DB, state string) ([]ReasonCount, error) {
	var rows []ReasonCount
	err := d.All(ctx, &rows, `SELECT reason, COUNT(*) AS n FROM source WHERE state = ? GROUP BY reason ORDER BY n DESC, reason`, state)
	return rows, err
}

// A RuleCount is how many sources a rule refused or asks about.
type RuleCount struct {
	Rule string
	N    int
}

// CountsByRule returns what rules had against sources, the commonest first. Notes do not count.
func CountsByRule(ctx context.Context, d *db.DB) ([]RuleCount, error) {
	var rows []RuleCount
	err := d.All(ctx, &rows, `SELECT rule, COUNT(*) AS n FROM source_finding WHERE level <> ? GROUP BY rule ORDER BY n DESC, rule`, LevelNote)
	return rows, err
}

// Languages returns the languages there are, the commonest first, at most 50.
func Languages(ctx context.Context, d *db.DB) ([]string, error) {
	var names []string
	err := d.All(ctx, &names, `SELECT language FROM source WHERE language <> '' GROUP BY language ORDER BY COUNT(*) DESC, language LIMIT 50`)
	return names, err
}

// Platforms returns the platforms there are, the largest first, at most 200.
func Platforms(ctx context.Context, d *db.DB) ([]string, error) {
	var names []string
	err := d.All(ctx, &names, `SELECT platform FROM source WHERE platform <> '' GROUP BY platform ORDER BY COUNT(*) DESC, platform LIMIT 200`)
	return names, err
}

// Titles returns the titles of those ids that are sources.
func Titles(ctx context.Context, d *db.DB, ids []string) (map[string]string, error) {
	var rows []struct{ ID, Title string }
	if len(ids) > 0 {
		if err := d.All(ctx, &rows, `SELECT id, title FROM source WHERE id IN (?)`, bun.List(ids)); err != nil {
			return nil, err
		}
	}
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.ID] = r.Title
	}
	return out, nil
}

// Oldest returns when the source that waits longest in each of the states came there, by state.
func Oldest(ctx context.Context, d *db.DB, states ...string) (map[string]time.Time, error) {
	var rows []struct {
		State string
		At    time.Time
	}
	err := d.All(ctx, &rows, `SELECT state, MIN(updated_at) AS at FROM source WHERE state IN (?) GROUP BY state`, bun.List(states))
	out := make(map[string]time.Time, len(rows))
	for _, r := range rows {
		out[r.State] = r.At
	}
	return out, err
}
