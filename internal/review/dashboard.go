package review

import (
	"context"

	"coigwriter/internal/db"
)

// A Dashboard is what a lead sees of the reviews.
type Dashboard struct {
	// FirstRound counts triplets whose first round is decided, and those of them accepted in it:
	// the paper's initial acceptance of about 70% (section 2.3).
	FirstRoundDecided, FirstRoundAccepted int
	Open                                  int // reviews that wait
	Reviewers                             []Load
}

// A Load is one reviewer's work so far.
type Load struct {
	ReviewerID                string
	Open, Done                int
	Accepts, Revises, Removes int
}

// DashboardOf counts reviews.
func DashboardOf(ctx context.Context, d *db.DB) (Dashboard, error) {
	var out Dashboard
	err := d.All(ctx, &out.Reviewers, `SELECT reviewer_id,
			COUNT(*) FILTER (WHERE state = 'open') AS open, COUNT(*) FILTER (WHERE state = 'done') AS done,
			COUNT(*) FILTER (WHERE verdict = 'accept') AS accepts, COUNT(*) FILTER (WHERE verdict = 'revise') AS revises,
			COUNT(*) FILTER (WHERE verdict = 'remove') AS removes
		FROM review WHERE state <> 'withdrawn' GROUP BY reviewer_id ORDER BY reviewer_id`)
	if err != nil {
		return out, err
	}
	for _, l := range out.Reviewers {
		out.Open += l.Open
	}
	// The first step a triplet took out of its first review tells how that round ended.
	var rows []struct {
		ToState string
		N       int
	}
	err = d.All(ctx, &rows, `SELECT h.to_state, COUNT(*) AS n FROM history h
		WHERE h.item_kind = 'triplet' AND h.from_state = 'in_review' AND NOT EXISTS (
			SELECT 1 FROM history e WHERE e.item_kind = 'triplet' AND e.item_id = h.item_id AND e.from_state = 'in_review' AND e.seq < h.seq)
		GROUP BY h.to_state`)
	for _, r := range rows {
		out.FirstRoundDecided += r.N
		if r.ToState == "accepted" {
			out.FirstRoundAccepted += r.N
		}
	}
	return out, err
}
