package llm

import (
	"context"
	"errors"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A Load is how a server bears what all processes ask of it.
type Load struct {
	Ceiling     int        // calls in flight that it has borne; 0 while nothing has been learnt
	InFlight    int        // of the processes that are alive
	Processes   int        // alive
	PausedUntil *time.Time // it asked to be left alone; nil when it did not, or that is over
	PauseReason string
}

// LoadOf returns the load of the server at a base URL; nothing is known of one that no process
// has asked yet.
func LoadOf(ctx context.Context, d *db.DB, baseURL string) (l Load, err error) {
	defer errs.Wrap(&err, "load of %s", baseURL)
	baseURL = strings.TrimRight(baseURL, "/")
	now := d.Now()
	err = d.One(ctx, &l, `SELECT ceiling, paused_until, pause_reason FROM llm_endpoint WHERE endpoint = ?`, baseURL)
	if err != nil && !errors.Is(err, errs.NotFound) {
		return l, err
	}
	if l.PausedUntil != nil && !l.PausedUntil.After(now) {
		l.PausedUntil, l.PauseReason = nil, ""
	}
	var alive struct{ Processes, InFlight int }
	err = d.One(ctx, &alive, `SELECT COUNT(*) AS processes, COALESCE(SUM(in_flight), 0) AS in_flight FROM llm_process WHERE endpoint = ? AND seen_at > ?`, baseURL, now.Add(-deadAfter))
	l.Processes, l.InFlight = alive.Processes, alive.InFlight
	return l, err
}
