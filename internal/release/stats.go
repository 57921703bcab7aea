package release

import (
	"context"

	"coigwriter/internal/analysis"
	"coigwriter/internal/db"
	"coigwriter/internal/genre"
	"coigwriter/internal/text"
)

// Stats computes the paper's Tables 5 to 10 over the frozen records of a release.
func Stats(ctx context.Context, d *db.DB, r *Release, tax *genre.Taxonomy) (*analysis.TripletStats, error) {
	s := analysis.NewTripletStats(tax)
	return s, Each(ctx, d, r, func(it *Item) error {
		rec, err := it.decode()
		if err != nil {
			return err
		}
		s.AddLengths(rec.Genre, rec.Category, text.Len(rec.Article), text.Len(rec.Prompt), text.Len(rec.Reasoning))
		return nil
	})
}
