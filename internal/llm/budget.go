package llm

import (
	"sync"
	"time"
)

// A Budget is the most that one run may cost. Every call asks it before it is sent and tells it
// afterwards what it cost:
//
//	most := …                                  // what the call can cost at worst, see [Budget.Most]
//	if err := b.Hold(most); err != nil { … }   // a *Failure of KindBudget, which stops the run
//	…                                          // the call
//	b.Settle(most, cost)                       // what it did cost; 0 when nothing was answered
//
// Since what is in flight is held, calls at once cannot pass the limit together. A nil budget
// bounds nothing. Safe for concurrent use.
type Budget struct {
	Limit Amount
	price Price

	mu    sync.Mutex
	spent int64 // micro-units of the limit's currency
	held  int64 // of calls in flight, at worst
}

// NewBudget returns the budget of a run that asks one model from now on, or nil when limit is
// the zero amount. A model without a price in the limit's currency cannot be kept within it,
// which is a failure of [KindBudget].
func NewBudget(limit Amount, prices Prices, model string, now time.Time) (*Budget, error) {
	if limit.Currency == "" {
		return nil, nil
	}
	p, ok := prices.Of(model, now)
	switch {
	case !ok:
		return nil, failf(KindBudget, "the run may cost %s at most, but %s has no price: add a [[llm.price]] to coigwriter.toml, or leave --llm-max-cost out", limit, model)
	case p.Currency != limit.Currency:
		return nil, failf(KindBudget, "the run may cost %s at most, but the price of %s is in %s: give --llm-max-cost in %[3]s", limit, model, p.Currency)
	}
	return &Budget{Limit: limit, price: p}, nil
}

// Spent is what the run has cost so far.
func (b *Budget) Spent() Amount {
	if b == nil {
		return Amount{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return Amount{b.Limit.Currency, b.spent}
}

// Check is a failure of [KindBudget] once the limit is reached, and nil before.
func (b *Budget) Check() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+b.held >= b.Limit.Micro {
		return b.reached()
	}
	return nil
}

// Hold sets aside what a call can cost at worst. When that could pass the limit, nothing is set
// aside and the failure is of [KindBudget].
func (b *Budget) Hold(most int64) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+b.held+most > b.Limit.Micro || b.spent >= b.Limit.Micro {
		return b.reached()
	}
	b.held += most
	return nil
}

// Settle gives back what was held for a call and takes what it cost, in micro-units.
func (b *Budget) Settle(held, cost int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= held
	b.spent += cost
}

// Cost is what tokens cost at the budget's price, in micro-units.
func (b *Budget) Cost(t Tokens) int64 {
	if b == nil {
		return 0
	}
	return b.price.Cost(t).Micro
}

// Most is what a call can cost at worst: a prompt of so many bytes, of which no tokenizer makes
// more than a token each, and the longest reply.
func (b *Budget) Most(promptBytes, maxTokens int) int64 {
	return b.Cost(Tokens{Prompt: int64(promptBytes), Completion: int64(maxTokens)})
}

func (b *Budget) reached() error {
	return failf(KindBudget, "%s of at most %s are spent (%s for calls under way): raise --llm-max-cost to go on",
		Amount{b.Limit.Currency, b.spent}, b.Limit, Amount{b.Limit.Currency, b.held})
}
