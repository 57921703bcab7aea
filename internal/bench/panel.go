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
		if _, err := GetQuery(ctx, tx, m.QueryID); err != nil {
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
