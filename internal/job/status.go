package job

import (
	"context"
	"encoding/json"
	"time"

	"coigwriter/internal/db"
)

// A Count is how many jobs of one kind are in one state: available, scheduled, running,
// retryable (failed, will be tried again), completed, cancelled or discarded (given up).
type Count struct {
	Kind  string `json:"kind"`
	State string `json:"state"`
	N     int64  `json:"n"`
}

// Counts returns the jobs there are, by kind and state.
func Counts(ctx context.Context, d *db.DB) ([]Count, error) {
	out := []Count{}
	err := d.All(ctx, &out, `SELECT kind, CAST(state AS TEXT) AS state, COUNT(*) AS n FROM river_job GROUP BY 1, 2 ORDER BY 1, 2`)
	return out, err
}

// A Failure is a job whose last attempt failed.
type Failure struct {
	ID      int64     `json:"id"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"` // retryable, cancelled or discarded
	Attempt int64     `json:"attempt"`
	At      time.Time `json:"at"`
	Error   string    `json:"error"`
	Args    string    `json:"args"`
}

// Failures returns the newest failing jobs, at most limit.
func Failures(ctx context.Context, d *db.DB, limit int) ([]Failure, error) {
	var rows []struct {
		ID      int64
		Kind    string
		State   string
		Attempt int64
		At      time.Time
		Args    string
		Errors  string
	}
	last := `CAST(errors AS TEXT)`
	if d.Name() == "postgres" {
		last = `CAST(array_to_json(errors) AS TEXT)` // a JSONB array there, a JSON text on SQLite
	}
	err := d.All(ctx, &rows, `SELECT id, kind, CAST(state AS TEXT) AS state, attempt, COALESCE(attempted_at, created_at) AS at,
		CAST(args AS TEXT) AS args, COALESCE(`+last+`, '[]') AS errors
		FROM river_job WHERE state IN ('retryable', 'cancelled', 'discarded') ORDER BY id DESC LIMIT ?`, min(max(limit, 1), 500))
	if err != nil {
		return nil, err
	}
	out := make([]Failure, len(rows))
	for i, r := range rows {
		var attempts []struct {
			Error string `json:"error"`
		}
		msg := r.Errors
		if json.Unmarshal([]byte(r.Errors), &attempts) == nil && len(attempts) > 0 {
			msg = attempts[len(attempts)-1].Error
		}
		out[i] = Failure{ID: r.ID, Kind: r.Kind, State: r.State, Attempt: r.Attempt, At: r.At, Error: msg, Args: r.Args}
	}
	return out, nil
}
