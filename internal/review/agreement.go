package review

import (
	"context"
	"math"
	"slices"

	"coigwriter/internal/db"
	"coigwriter/internal/stats"
)

// An Agreement says how far reviewers of the same round agree on the verdict (PRODUCT: the
// dashboard). Values are NaN where they are not defined.
type Agreement struct {
	Rounds  int     // rounds with two verdicts or more
	Percent float64 // mean share of agreeing pairs of reviewers
	Alpha   float64 // Krippendorff, nominal
	AC1     float64 // Gwet: does not collapse when nearly all verdicts are the same
}

// AgreementOf compares the verdicts within every round that has at least two.
func AgreementOf(ctx context.Context, d *db.DB) (Agreement, error) {
	var rows []struct {
		TripletID string
		Round     int
		Verdict   string
	}
	err := d.All(ctx, &rows, `SELECT triplet_id, round, verdict FROM review WHERE state = 'done' ORDER BY triplet_id, round, done_at, id`)
	if err != nil {
		return Agreement{}, err
	}
	var ratings stats.Ratings
	for i := 0; i < len(rows); {
		var unit []float64
		j := i
		for ; j < len(rows) && rows[j].TripletID == rows[i].TripletID && rows[j].Round == rows[i].Round; j++ {
			unit = append(unit, float64(slices.Index(Verdicts, rows[j].Verdict)))
		}
		if len(unit) > 1 {
			ratings = append(ratings, unit)
		}
		i = j
	}
	if len(ratings) == 0 {
		return Agreement{Percent: math.NaN(), Alpha: math.NaN(), AC1: math.NaN()}, nil
	}
	codes := []float64{0, 1, 2}
	return Agreement{
		Rounds: len(ratings), Percent: ratings.Counts(nil).PercentAgreement().Value,
		Alpha: ratings.Counts(nil).Alpha(stats.NominalMetric), AC1: ratings.Counts(codes).Gwet(stats.Identity).Value,
	}, nil
}
