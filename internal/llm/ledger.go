package llm

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A By is what the ledger is grouped by.
type By string

// The groupings.
const (
	ByStage  By = "stage" // what is asked about, and the prompt
	ByModel  By = "model"
	ByPerson By = "person" // who asked for the call; "" is a run
	ByDay    By = "day"
)

// Bys lists the groupings in the order pages show them.
var Bys = []By{ByStage, ByModel, ByPerson, ByDay}

// An Entry is one line of the ledger. Which of its first fields are set depends on the grouping.
type Entry struct {
	ItemKind string `json:"item_kind,omitempty"` // by stage: what is asked about
	Prompt   string `json:"prompt,omitempty"`    // and the prompt
	Model    string `json:"model,omitempty"`
	Person   string `json:"person,omitempty"`
	Day      string `json:"day,omitempty"` // 2026-03-01

	Calls    int            `json:"calls"`
	Scripted int            `json:"scripted,omitempty"` // of Calls: answered by the scripted server, which is no model
	Failed   int            `json:"failed"`
	Failures map[string]int `json:"failures,omitempty"` // by kind
	Lost     int            `json:"lost,omitempty"`     // sent, or next in line, when a process ended before it stored the answer

	Tokens
	Estimated  int   `json:"estimated,omitempty"` // calls whose tokens were counted by us
	Unmetered  int   `json:"unmetered,omitempty"` // answered calls whose tokens nobody counted
	DurationMS int64 `json:"duration_ms"`         // of all calls, as if one after the other

	Cost    []Amount `json:"cost"`     // of the calls that have a price, by currency
	NoPrice int      `json:"no_price"` // calls of models without a price: what they cost is not known
}

// entryKey tells the lines of a ledger apart.
type entryKey struct{ itemKind, prompt, model, person, day string }

// A ledger gathers groups of calls. Costs are taken from whole sums of tokens at the end, so
// that each is rounded once.
type ledger struct {
	d       *db.DB
	prices  Prices
	filter  Filter
	by      By
	entries map[entryKey]*Entry
	priced  map[entryKey]map[Price]Tokens
}

// Ledger adds up the calls that f picks, grouped by one thing; days come newest first, all else
// by the number of calls. Every stretch of time with the same prices is one query, which reads
// an index and none of the texts.
func Ledger(ctx context.Context, d *db.DB, prices Prices, f Filter, by By) (_ []Entry, err error) {
	defer errs.Wrap(&err, "ledger by %s", by)
	if !slices.Contains(Bys, by) {
		return nil, errs.Invalidf("%q: group by stage, model, person or day", string(by))
	}
	l := &ledger{d, prices, f, by, map[entryKey]*Entry{}, map[entryKey]map[Price]Tokens{}}
	since, until := f.span()
	if by == ByDay {
		err = l.days(ctx, since, until)
	} else {
		err = l.stretches(ctx, since, until, "")
	}
	if err != nil {
		return nil, err
	}
	if err := l.lost(ctx, since, until); err != nil {
		return nil, err
	}
	return l.lines(), nil
}

// days adds every day that has calls, and passes over the others.
func (l *ledger) days(ctx context.Context, since, until time.Time) error {
	for {
		cond, args := l.filter.where(since, until)
		var first struct{ CreatedAt time.Time }
		err := l.d.One(ctx, &first, `SELECT created_at FROM llm_call WHERE `+cond+` ORDER BY created_at LIMIT 1`, args...)
		if errors.Is(err, errs.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		day := dayOf(first.CreatedAt, l.filter.zone())
		next := day.AddDate(0, 0, 1)
		if err := l.stretches(ctx, later(since, day), earlier(until, next), day.Format(time.DateOnly)); err != nil {
			return err
		}
		since = next
	}
}

// stretches adds the calls within [since, until), one stretch of equal prices after the other.
func (l *ledger) stretches(ctx context.Context, since, until time.Time, day string) error {
	for _, change := range append(l.prices.starts(since, until), until) {
		if err := l.stretch(ctx, since, change, day); err != nil {
			return err
		}
		since = change
	}
	return nil
}

// A group is the calls of a stretch that have everything in common that the ledger looks at.
type group struct {
	Model, ItemKind, Prompt, PersonID, Failure string
	Scripted                                   bool
	Calls, Estimated, Unmetered                int
	PromptTokens, CachedTokens                 int64
	CompletionTokens, ReasoningTokens          int64
	DurationMS                                 int64 `bun:"duration_ms"`
}

func (l *ledger) stretch(ctx context.Context, since, until time.Time, day string) error {
	dims := "model, failure, scripted"
	switch l.by {
	case ByStage:
		dims += ", item_kind, prompt"
	case ByPerson:
		dims += ", person_id"
	}
	f := l.filter
	f.Model = "" // taken out below: the index of models would have the rows read, which are long
	cond, args := f.where(since, until)
	var groups []group
	err := l.d.All(ctx, &groups, `SELECT `+dims+`, COUNT(*) AS calls,
			SUM(CASE WHEN tokens_estimated THEN 1 ELSE 0 END) AS estimated,
			SUM(CASE WHEN http_status = 200 AND prompt_tokens = 0 AND completion_tokens = 0 THEN 1 ELSE 0 END) AS unmetered,
			SUM(prompt_tokens) AS prompt_tokens,
			SUM(CASE WHEN cached_tokens < prompt_tokens THEN cached_tokens ELSE prompt_tokens END) AS cached_tokens,
			SUM(completion_tokens) AS completion_tokens, SUM(reasoning_tokens) AS reasoning_tokens, SUM(duration_ms) AS duration_ms
		FROM llm_call WHERE `+cond+` GROUP BY `+dims, args...)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if l.filter.Model != "" && g.Model != l.filter.Model {
			continue
		}
		key := entryKey{g.ItemKind, g.Prompt, "", g.PersonID, day}
		if l.by == ByModel {
			key.model = g.Model
		}
		l.entry(key).add(g)
		p, ok := l.prices.Of(g.Model, since)
		if !ok {
			l.entry(key).NoPrice += g.Calls
			continue
		}
		if l.priced[key] == nil {
			l.priced[key] = map[Price]Tokens{}
		}
		t := l.priced[key][p]
		t.add(g.tokens())
		l.priced[key][p] = t
	}
	return nil
}

func (l *ledger) entry(k entryKey) *Entry {
	e := l.entries[k]
	if e == nil {
		e = &Entry{ItemKind: k.itemKind, Prompt: k.prompt, Model: k.model, Person: k.person, Day: k.day, Cost: []Amount{}}
		l.entries[k] = e
	}
	return e
}

func (g group) tokens() Tokens {
	return Tokens{g.PromptTokens, g.CachedTokens, g.CompletionTokens, g.ReasoningTokens}
}

func (e *Entry) add(g group) {
	e.Calls += g.Calls
	if g.Scripted {
		e.Scripted += g.Calls
	}
	if g.Failure != "" {
		e.Failed += g.Calls
		if e.Failures == nil {
			e.Failures = map[string]int{}
		}
		e.Failures[g.Failure] += g.Calls
		if g.Failure == string(KindLost) {
			e.Lost += g.Calls
		}
	}
	e.Tokens.add(g.tokens())
	e.Estimated += g.Estimated
	e.Unmetered += g.Unmetered
	e.DurationMS += g.DurationMS
}

// silent is how long a process may be silent before what it has sent counts as lost.
const silent = 2 * time.Minute

// lost counts the questions that a dead process had sent and whose answers were never stored:
// the server may have been paid for them. They carry no person.
func (l *ledger) lost(ctx context.Context, since, until time.Time) error {
	if l.filter.Person != "" && l.filter.Person != NoPerson || l.filter.Failure != "" || len(l.filter.Items) > 0 {
		return nil
	}
	var rows []struct {
		ItemKind, Prompt, Model string
		StartedAt               time.Time
	}
	err := l.d.All(ctx, &rows, `SELECT item_kind, prompt, model, started_at FROM llm_intent i
		WHERE started_at >= ? AND started_at < ? AND (? = '' OR item_kind = ?) AND (? = '' OR prompt = ?) AND (? = '' OR model = ?)
			AND NOT EXISTS (SELECT 1 FROM llm_process p WHERE p.id = i.process AND p.seen_at >= ?)`,
		since, until, l.filter.ItemKind, l.filter.ItemKind, l.filter.Prompt, l.filter.Prompt, l.filter.Model, l.filter.Model, l.d.Now().Add(-silent))
	if err != nil {
		return err
	}
	for _, r := range rows {
		var key entryKey
		switch l.by {
		case ByStage:
			key.itemKind, key.prompt = r.ItemKind, r.Prompt
		case ByModel:
			key.model = r.Model
		case ByDay:
			key.day = r.StartedAt.In(l.filter.zone()).Format(time.DateOnly)
		}
		l.entry(key).Lost++
	}
	return nil
}

// lines are the entries with their costs, in order.
func (l *ledger) lines() []Entry {
	out := make([]Entry, 0, len(l.entries))
	for k, e := range l.entries {
		for p, t := range l.priced[k] {
			e.Cost = addAmount(e.Cost, p.Cost(t))
		}
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Day, a.Day), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.ItemKind, b.ItemKind),
			cmp.Compare(a.Prompt, b.Prompt), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Person, b.Person))
	})
	return out
}

// Total adds up the lines of a ledger.
func Total(entries []Entry) Entry {
	sum := Entry{Cost: []Amount{}}
	for _, e := range entries {
		sum.Calls += e.Calls
		sum.Scripted += e.Scripted
		sum.Failed += e.Failed
		sum.Lost += e.Lost
		sum.Estimated += e.Estimated
		sum.Unmetered += e.Unmetered
		sum.DurationMS += e.DurationMS
		sum.NoPrice += e.NoPrice
		sum.Tokens.add(e.Tokens)
		sum.Cost = AddAmounts(sum.Cost, e.Cost)
		for kind, n := range e.Failures {
			if sum.Failures == nil {
				sum.Failures = map[string]int{}
			}
			sum.Failures[kind] += n
		}
	}
	return sum
}

// dayOf is the beginning of the day of t.
func dayOf(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
