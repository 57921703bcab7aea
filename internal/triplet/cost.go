package triplet

import (
	"cmp"
	"context"
	"fmt"
	"strings"

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

// A Ledger is what calls used and cost: its lines, their sum, and what that is for each accepted
// triplet.
type Ledger struct {
	By      llm.By      `json:"by"`
	Lines   []llm.Entry `json:"lines"`
	Total   llm.Entry   `json:"total"`
	Triplet Costs       `json:"per_accepted_triplet"`
}

// LedgerOf adds up the calls that f picks, grouped by one thing, and shares out what they cost
// over the accepted triplets. The time of f is that of the calls; triplets are those that are
// accepted now.
func LedgerOf(ctx context.Context, d *db.DB, prices llm.Prices, f llm.Filter, by llm.By) (l Ledger, err error) {
	l.By = by
	if l.Lines, err = llm.Ledger(ctx, d, prices, f, by); err != nil {
		return l, err
	}
	l.Total = llm.Total(l.Lines)
	l.Triplet, err = costsOf(ctx, d, prices, f, l.Total)
	return l, err
}

// LedgerVersion changes when there are further calls or other accepted triplets.
func LedgerVersion(ctx context.Context, d *db.DB) (version string, err error) {
	err = d.One(ctx, &version, `SELECT (SELECT COALESCE(MAX(id), '') FROM llm_call) || ' ' || CAST((SELECT COUNT(*) FROM triplet WHERE state = ?) AS TEXT)`, Accepted)
	return version, err
}

// costsOf is the share of each accepted triplet in what calls cost that f picks and sum adds up.
func costsOf(ctx context.Context, d *db.DB, prices llm.Prices, f llm.Filter, sum llm.Entry) (c Costs, err error) {
	defer errs.Wrap(&err, "cost of accepted triplets")
	c.All, c.Own, c.NoPrice = []llm.Amount{}, []llm.Amount{}, sum.NoPrice
	if err := d.One(ctx, &c.Accepted, `SELECT COUNT(*) FROM triplet WHERE state = ?`, Accepted); err != nil {
		return c, err
	}
	if c.Accepted == 0 || len(sum.Cost) == 0 {
		return c, nil // nobody to share, or nothing
	}
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

// Words says what an accepted triplet cost, "" where that is not known.
func (c Costs) Words(lang string) string {
	if c.Accepted == 0 || len(c.All) == 0 {
		return ""
	}
	format, nothing, without := "an accepted triplet cost %s, all calls shared out over %d; %s for the calls about it and its source", "nothing", "; %d calls without a price are in neither"
	if strings.HasPrefix(lang, "zh") {
		format, nothing, without = "每个已采纳的三元组花了 %s（全部调用摊到 %d 个上）；只算它和它的原文，%s", "没有花费", "；%d 次没有价格的调用不在其中"
	}
	words := fmt.Sprintf(format, llm.AmountWords(c.All), c.Accepted, cmp.Or(llm.AmountWords(c.Own), nothing))
	if c.NoPrice > 0 {
		words += fmt.Sprintf(without, c.NoPrice)
	}
	return words
}

// shared divides amounts by n, which is not 0.
func shared(sums []llm.Amount, n int) []llm.Amount {
	out := []llm.Amount{}
	for _, a := range sums {
		a.Micro = (a.Micro + int64(n)/2) / int64(n)
		out = append(out, a)
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
