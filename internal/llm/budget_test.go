package llm

import (
	"strings"
	"sync"
	"testing"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	now := day("2026-03-01")
	b, err := NewBudget(Amount{"USD", 20}, table, "gpt-5", now)
	if err != nil {
		t.Fatal(err)
	}
	if b.Most(8, 1) != 20 { // 8 × 1.25 + 10
		t.Errorf("at most %d", b.Most(8, 1))
	}
	hold := func(most int64, ok bool) {
		t.Helper()
		err := b.Hold(most)
		if (err == nil) != ok {
			t.Errorf("hold %d: %v", most, err)
		}
		if f := FailureOf(err); err != nil && (f == nil || f.Kind != KindBudget || !f.Kind.Stops() || f.Kind.Final() || !strings.Contains(f.Message, "--llm-max-cost")) {
			t.Errorf("hold %d: %v", most, err)
		}
	}
	hold(10, true)
	b.Settle(10, 4)
	hold(10, true)
	hold(7, false) // 4 spent and 10 under way
	hold(6, true)
	hold(1, false)
	if b.Check() == nil {
		t.Error("nothing is left, but for what is under way")
	}
	b.Settle(10, 9)
	b.Settle(6, 0) // not answered
	hold(7, true)
	b.Settle(7, 7)
	hold(0, false) // 20 spent
	if b.Spent() != (Amount{"USD", 20}) || b.Check() == nil {
		t.Error(b.Spent(), b.Check())
	}
}

// Calls at once cannot pass the limit together.
func TestBudgetHoldsConcurrently(t *testing.T) {
	t.Parallel()
	b, err := NewBudget(Amount{"USD", 1000}, table, "gpt-5", day("2026-03-01"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 100 {
				if b.Hold(30) == nil {
					b.Settle(30, 7)
				}
			}
		})
	}
	wg.Wait()
	if s := b.Spent().Micro; s > 1000 || s < 960 || b.held != 0 {
		t.Errorf("%d spent, %d held", s, b.held)
	}
}

func TestNewBudget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limit Amount
		model string
		want  string
	}{
		{Amount{"CNY", 1}, "local-7b", "no price"},
		{Amount{"CNY", 1}, "gpt-5", "in USD"},
		{Amount{"CNY", 1}, "qwen-max", ""},
		{Amount{}, "local-7b", ""},
	} {
		b, err := NewBudget(tt.limit, table, tt.model, day("2026-03-01"))
		if tt.want == "" && err != nil || tt.want != "" && (FailureOf(err) == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%v of %s: %v", tt.limit, tt.model, err)
		}
		if tt.limit.Currency == "" && (b != nil || b.Check() != nil || b.Hold(1<<60) != nil || b.Most(1, 1) != 0 || b.Spent() != (Amount{})) {
			t.Errorf("a run without a limit has %+v", b)
		}
	}
}
