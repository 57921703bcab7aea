package triplet

import (
	"context"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
)

// Costs is what model calls cost for each accepted triplet.
type Costs struct {
	Accepted int          `json:"accepted"` // triplets
	All      []llm.Amount `json:"all"`      // all calls, refused sources and failures too, shared out over them
	Own      []llm.Amount `json:"own"`      // only the calls about them and their sources
	NoPrice  int          `json:"no_price"` // calls of models without a price, which are in neither
}

// CostsOf shares out what the calls that f picks cost over the accepted triplets. The time of
// f is that of the calls; triplets are those that are accepted now.
func CostsOf(ctx context.Context, d *db.DB, prices llm.Prices, f llm.Filter) (c Costs, err error) {
	defer errs.Wrap(&err, "cost of accepted triplets")
	c.All, c.Own = []llm.Amount{}, []llm.Amount{}
	if err := d.One(ctx, &c.Accepted, `SELECT COUNT(*) FROM triplet WHERE state = ?`, Accepted); err != nil {
		return c, err
	}
	all, err := llm.Ledger(ctx, d, prices, f, llm.ByModel)
	if err != nil {
		return c, err
	}
	sum := llm.Total(all)
	c.NoPrice = sum.NoPrice
	f.Items = []llm.Items{
		{Kind: "triplet", IDs: `SELECT id FROM triplet WHERE state = ?`, Args: []any{Accepted}},
		{Kind: "source", IDs: `SELECT source_id FROM triplet WHERE state = ?`, Args: []any{Accepted}},
	}
	own, err := llm.Ledger(ctx, d, prices, f, llm.ByModel)
	if err != nil {
		return c, err
	}
	c.All, c.Own = shared(sum.Cost, c.Accepted), shared(llm.Total(own).Cost, c.Accepted)
	return c, nil
}

// shared divides amounts by n, which gives nothing when there is nobody to share.
func shared(sums []llm.Amount, n int) []llm.Amount {
	out := []llm.Amount{}
	for _, a := range sums {
		if n > 0 {
			a.Micro = (a.Micro + int64(n)/2) / int64(n)
			out = append(out, a)
		}
	}
	return out
}

// CostOf is what the calls about one triplet and its source cost.
func CostOf(ctx context.Context, d *db.DB, prices llm.Prices, id string) (_ llm.Entry, err error) {
	defer errs.Wrap(&err, "cost of triplet %s", id)
	lines, err := llm.Ledger(ctx, d, prices, llm.Filter{Items: []llm.Items{
		{Kind: "triplet", IDs: "?", Args: []any{id}},
		{Kind: "source", IDs: `SELECT source_id FROM triplet WHERE id = ?`, Args: []any{id}},
	}}, llm.ByModel)
	return llm.Total(lines), err
}
