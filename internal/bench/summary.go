package bench

import (
	"context"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
)

// A SetSummary is a set with what is in it.
type SetSummary struct {
	Set
	Queries   int `json:"queries"` // that stand
	Withdrawn int `json:"withdrawn"`
	Chinese   int `json:"zh"`
	English   int `json:"en"`
	Genres    int `json:"genres"` // with at least one query
	Models    int `json:"models"` // that have answered something
	Marked    int `json:"marked"` // queries that the panel has marked
}

// Summaries returns all sets with what is in them, the newest first.
func Summaries(ctx context.Context, d *db.DB) ([]SetSummary, error) {
	sets, err := Sets(ctx, d)
	if err != nil {
		return nil, err
	}
	type count struct {
		SetID                                                        string
		Queries, Withdrawn, Chinese, English, Genres, Models, Marked int
	}
	var counts []count
	err = d.All(ctx, &counts, `SELECT q.set_id, COUNT(CASE WHEN q.withdrawn_at IS NULL THEN 1 END) AS queries, COUNT(q.withdrawn_at) AS withdrawn,
			COUNT(CASE WHEN q.withdrawn_at IS NULL AND q.language = 'zh' THEN 1 END) AS chinese, COUNT(CASE WHEN q.withdrawn_at IS NULL AND q.language = 'en' THEN 1 END) AS english,
			COUNT(DISTINCT CASE WHEN q.withdrawn_at IS NULL THEN q.genre END) AS genres,
			COUNT(CASE WHEN q.withdrawn_at IS NULL AND EXISTS (SELECT 1 FROM query_mark m WHERE m.query_id = q.id) THEN 1 END) AS marked
		FROM query q GROUP BY q.set_id`)
	if err != nil {
		return nil, err
	}
	var models []count
	if err := d.All(ctx, &models, `SELECT q.set_id, COUNT(DISTINCT a.model) AS models FROM answer a JOIN query q ON q.id = a.query_id GROUP BY q.set_id`); err != nil {
		return nil, err
	}
	at := map[string]count{}
	for _, c := range counts {
		at[c.SetID] = c
	}
	for _, m := range models {
		c := at[m.SetID]
		c.Models = m.Models
		at[m.SetID] = c
	}
	out := make([]SetSummary, len(sets))
	for i, s := range sets {
		c := at[s.ID]
		out[i] = SetSummary{s, c.Queries, c.Withdrawn, c.Chinese, c.English, c.Genres, c.Models, c.Marked}
	}
	return out, nil
}

// EachAnswer calls f with every answer to the queries of a set that stand, as files carry it: of all
// models, or of some, model by model in the order of the queries.
func EachAnswer(ctx context.Context, d *db.DB, setID string, models []string, f func(AnswerRecord) error) error {
	qs, err := Queries(ctx, d, setID)
	if err != nil {
		return err
	}
	byID := map[string]Query{}
	for _, q := range Standing(qs) {
		byID[q.ID] = q
	}
	where, args := answersOf(setID, models)
	return db.Each(ctx, d, func(a *Answer) error {
		q, ok := byID[a.QueryID]
		if !ok {
			return nil
		}
		return f(RecordOf(q, *a))
	}, `SELECT a.* FROM answer a JOIN query q ON q.id = a.query_id WHERE `+where+` ORDER BY a.model, q.position, q.id, a.sample`, args...)
}

// Titles names those ids that are sets or queries: a set's name and version, a query's id and the set's.
func Titles(ctx context.Context, d *db.DB, ids []string) (map[string]string, error) {
	out := map[string]string{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []struct {
		ID, Name, Code string
		Version        int
	}
	err := d.All(ctx, &rows, `SELECT s.id, s.name, s.version, '' AS code FROM query_set s WHERE s.id IN (?)
		UNION ALL SELECT q.id, s.name, s.version, q.code FROM query q JOIN query_set s ON s.id = q.set_id WHERE q.id IN (?)`, bun.List(ids), bun.List(ids))
	for _, r := range rows {
		if out[r.ID] = (Set{Name: r.Name, Version: r.Version}).Title(); r.Code != "" {
			out[r.ID] = r.Code + " · " + out[r.ID]
		}
	}
	return out, err
}
