package bench

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A Mark is what one person of the panel says of a query (paper section 2.4), each from 1 to 5.
type Mark struct {
	bun.BaseModel `bun:"table:query_mark"`

	ID         string    `json:"-"`
	QueryID    string    `json:"-"`
	PersonID   string    `json:"person_id"`
	Clarity    int       `json:"clarity"`    // is it understood at once
	Precise    int       `json:"precision"`  // does it say what an answer is held to
	Difficulty int       `json:"difficulty"` // how hard it is to answer well
	Note       string    `json:"note,omitempty"`
	At         time.Time `json:"at"`
}

// Sides are what a panel marks, in order.
var Sides = []string{"clarity", "precise", "difficulty"}

// Give stores a person's marks of a query; marks given before are replaced, and stay in the history.
func Give(ctx context.Context, d *db.DB, m Mark) error {
	var bad []errs.Field
	for _, f := range []struct {
		name string
		v    int
	}{{"clarity", m.Clarity}, {"precise", m.Precise}, {"difficulty", m.Difficulty}} {
		if f.v < 1 || f.v > 5 {
			bad = append(bad, errs.Field{Name: f.name, Key: "review.need_criterion", Msg: "mark it from 1 to 5"})
		}
	}
	if len([]rune(m.Note)) > 2000 {
		bad = append(bad, errs.Field{Name: "note", Key: "annotate.too_long", Msg: "is longer than 2000 characters"})
	}
	if err := errs.Fields(bad...); err != nil {
		return err
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		q, err := GetQuery(ctx, tx, m.QueryID)
		if err != nil {
			return err
		}
		if q.WithdrawnAt != nil {
			return errs.Conflictf("query %s has been withdrawn meanwhile", q.Code)
		}
		if err := tx.Lock(ctx, "marks "+m.QueryID+" "+m.PersonID); err != nil { // a double click
			return err
		}
		m.ID, m.At = db.NewID(), tx.Now()
		if _, err := tx.Exec(ctx, `DELETE FROM query_mark WHERE query_id = ? AND person_id = ?`, m.QueryID, m.PersonID); err != nil {
			return err
		}
		if err := tx.Insert(ctx, &m); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "query", ID: m.QueryID, Actor: m.PersonID, Action: "mark", Data: m})
	})
}

// Marks returns the marks of a query, oldest first.
func Marks(ctx context.Context, d *db.DB, queryID string) ([]Mark, error) {
	var ms []Mark
	err := d.All(ctx, &ms, `SELECT * FROM query_mark WHERE query_id = ? ORDER BY at, id`, queryID)
	return ms, err
}

// A Panel is what a panel says of a query, on average.
type Panel struct {
	QueryID    string
	People     int
	Clarity    float64
	Precise    float64
	Difficulty float64
}

// Panels returns the averages of the queries of a set that have marks, by query.
func Panels(ctx context.Context, d *db.DB, setID string) (map[string]Panel, error) {
	var rows []Panel
	err := d.All(ctx, &rows, `SELECT m.query_id, COUNT(*) AS people, AVG(m.clarity * 1.0) AS clarity, AVG(m.precise * 1.0) AS precise, AVG(m.difficulty * 1.0) AS difficulty
		FROM query_mark m JOIN query q ON q.id = m.query_id WHERE q.set_id = ? GROUP BY m.query_id`, setID)
	out := map[string]Panel{}
	for _, r := range rows {
		out[r.QueryID] = r
	}
	return out, err
}

// A Turn is how far a person of the panel is with a set.
type Turn struct {
	Marked int `json:"marked"`
	Of     int `json:"of"` // queries that stand
}

// TurnOf counts what a person has marked of a set.
func TurnOf(ctx context.Context, d *db.DB, setID, personID string) (t Turn, err error) {
	err = d.One(ctx, &t, `SELECT COUNT(*) AS of, COUNT(m.id) AS marked FROM query q
		LEFT JOIN query_mark m ON m.query_id = q.id AND m.person_id = ? WHERE q.set_id = ? AND q.withdrawn_at IS NULL`, personID, setID)
	return t, err
}

// NextToMark returns the first query after a place in the set that a person has not marked, or, where
// there is none, the first of all that they have not; NotFound when they have marked every one.
func NextToMark(ctx context.Context, d *db.DB, setID, personID string, after int) (q Query, err error) {
	err = d.One(ctx, &q, `SELECT q.* FROM query q WHERE q.set_id = ? AND q.withdrawn_at IS NULL
		AND NOT EXISTS (SELECT 1 FROM query_mark m WHERE m.query_id = q.id AND m.person_id = ?)
		ORDER BY CASE WHEN q.position > ? THEN 0 ELSE 1 END, q.position, q.id LIMIT 1`, setID, personID, after)
	return q, err
}
