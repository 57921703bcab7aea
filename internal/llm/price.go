package llm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/errs"
)

// A Price is what a model's tokens cost from a day on, in micro-units per million tokens.
type Price struct {
	Model    string    // name, or a pattern in which * stands for anything, as qwen*
	From     time.Time // the beginning of the first day on which it is in force
	Currency string    // three capitals, as CNY
	Input    int64     // of the prompt
	Cached   int64     // of those prompt tokens that the server had at hand
	Output   int64     // of the reply, its thought included
}

// Prices is a price table. Several rows of a model follow each other by their days; see [Prices.Of].
type Prices []Price

// Check reports what is wrong with the table.
func (ps Prices) Check() error {
	var bad []errs.Field
	seen := map[string]bool{}
	for i, p := range ps {
		wrong := func(field, msg string) {
			bad = append(bad, errs.Field{Name: fmt.Sprintf("price %d (%s): %s", i+1, cmp.Or(p.Model, "no model"), field), Msg: msg})
		}
		if p.Model == "" {
			wrong("model", "is missing: name the model, or a pattern such as qwen*")
		}
		if p.From.IsZero() {
			wrong("from", "is missing: give the first day of the price, such as 2026-01-01")
		}
		if !isCurrency(p.Currency) {
			wrong("currency", "must be three capital letters, such as CNY")
		}
		if p.Input < 0 || p.Cached < 0 || p.Output < 0 {
			wrong("input, cached, output", "must not be negative")
		}
		key := p.Model + "\x00" + p.From.UTC().String()
		if p.Model != "" && seen[key] {
			wrong("from", "stands twice for this model and day")
		}
		seen[key] = true
	}
	return errs.Fields(bad...)
}

// Of returns the price in force for a model at a time. Of the rows that fit, the one that names
// the model most closely counts (its own name before a pattern, a long pattern before a short
// one), and of those the latest that has begun. ok is false for a model without a price: what
// it costs is not known, which is not nothing.
func (ps Prices) Of(model string, at time.Time) (p Price, ok bool) {
	for _, q := range ps {
		if q.From.After(at) || !fits(q.Model, model) {
			continue
		}
		if c := cmp.Compare(closeness(q.Model), closeness(p.Model)); !ok || c > 0 || c == 0 && q.From.After(p.From) {
			p, ok = q, true
		}
	}
	return p, ok
}

// closeness orders patterns: a name without a star is closest, then the pattern that says most.
func closeness(pattern string) int {
	if !strings.Contains(pattern, "*") {
		return 1 << 30
	}
	return len(pattern)
}

// fits reports whether a model's name fits a pattern in which * stands for anything.
func fits(pattern, model string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == model
	}
	rest, ok := strings.CutPrefix(model, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// starts are the days within [since, until) on which some price begins, in order.
func (ps Prices) starts(since, until time.Time) []time.Time {
	var days []time.Time
	for _, p := range ps {
		if p.From.After(since) && p.From.Before(until) {
			days = append(days, p.From)
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	return slices.CompactFunc(days, time.Time.Equal)
}

// Tokens is what a call or many used.
type Tokens struct {
	Prompt     int64 `json:"prompt_tokens"`
	Cached     int64 `json:"cached_tokens"` // of Prompt
	Completion int64 `json:"completion_tokens"`
	Reasoning  int64 `json:"reasoning_tokens"` // of Completion
}

func (t *Tokens) add(u Tokens) {
	t.Prompt += u.Prompt
	t.Cached += u.Cached
	t.Completion += u.Completion
	t.Reasoning += u.Reasoning
}

// Cost is what tokens cost at the price, rounded once to a micro-unit.
func (p Price) Cost(t Tokens) Amount {
	const million = 1_000_000
	cached := min(t.Cached, t.Prompt)
	var whole, rest int64 // whole millions of tokens apart, so that nothing overflows
	for _, part := range [][2]int64{{t.Prompt - cached, p.Input}, {cached, p.Cached}, {t.Completion, p.Output}} {
		whole += part[0] / million * part[1]
		rest += part[0] % million * part[1]
	}
	return Amount{p.Currency, whole + (rest+million/2)/million}
}

// Cost is what a stored call cost by the price of its day. ok is false when its model has no price.
func (ps Prices) Cost(k *Call) (a Amount, ok bool) {
	p, ok := ps.Of(k.Model, k.CreatedAt)
	if !ok {
		return a, false
	}
	return p.Cost(k.tokens()), true
}

func (k *Call) tokens() Tokens {
	return Tokens{k.PromptTokens, k.CachedTokens, k.CompletionTokens, k.ReasoningTokens}
}
