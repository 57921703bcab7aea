package llm

import (
	"errors"
	"slices"
	"testing"
	"time"

	"coigwriter/internal/errs"
)

func TestPriceOfADay(t *testing.T) {
	t.Parallel()
	ps := append(slices.Clone(table), Price{"qwen-*", day("2026-03-01"), "CNY", 1, 1, 1}, Price{"*/Qwen2.5*", day("2020-01-01"), "CNY", 7, 7, 7})
	for _, tt := range []struct {
		model string
		at    time.Time
		input int64 // -1: no price
	}{
		{"qwen-turbo", day("2026-01-01"), 2_400_000},
		{"qwen-turbo", day("2026-01-01").Add(-time.Microsecond), -1},
		{"qwen-turbo", day("2026-02-01").Add(-time.Microsecond), 2_400_000},
		{"qwen-turbo", day("2026-02-01"), 1_200_001},
		{"qwen-turbo", day("2026-03-01"), 1},        // the longer pattern is closer
		{"qwen-max", day("2026-01-05"), 2_400_000},  // before its own price began
		{"qwen-max", day("2026-03-05"), 11_200_000}, // its own name is closest, however old
		{"qwen", day("2026-01-05"), 2_400_000},
		{"Qwen-max", day("2026-03-05"), -1},
		{"gpt-5", day("2026-03-05"), 1_250_000},
		{"gpt-5-mini", day("2026-03-05"), -1},
		{"Alibaba/Qwen2.5-7B", day("2026-03-05"), 7},
	} {
		p, ok := ps.Of(tt.model, tt.at)
		if ok != (tt.input >= 0) || ok && p.Input != tt.input {
			t.Errorf("%s on %s: %+v, %v; want %d", tt.model, tt.at, p, ok, tt.input)
		}
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, model string
		want           bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"*", "", true},
		{"a*", "a", true},
		{"a*c", "abc", true},
		{"a*c", "ac", true},
		{"a*c", "acb", false},
		{"a*a", "a", false},
		{"*b*d", "abcd", true},
		{"*b*b", "abc", false},
		{"a*b*c", "abbc", true},
	} {
		if got := fits(tt.pattern, tt.model); got != tt.want {
			t.Errorf("%q fits %q: %v", tt.model, tt.pattern, got)
		}
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	p := Price{"m", day("2026-01-01"), "CNY", 2_400_000, 600_000, 9_600_000}
	for _, tt := range []struct {
		t    Tokens
		want int64
	}{
		{Tokens{}, 0},
		{Tokens{Prompt: 1_000_000}, 2_400_000},
		{Tokens{Prompt: 1_000_000, Cached: 400_000, Completion: 100_000, Reasoning: 90_000}, 600_000*24/10 + 400_000*6/10 + 960_000},
		{Tokens{Prompt: 100, Cached: 900}, 60}, // a server that counts more at hand than it was sent
		{Tokens{Prompt: 1}, 2},
		{Tokens{Prompt: 2, Completion: 1}, 14}, // 4.8 + 9.6 = 14.4, rounded once
		{Tokens{Prompt: 4_000_000_000_000}, 9_600_000_000_000},
	} {
		if got := p.Cost(tt.t); got != (Amount{"CNY", tt.want}) {
			t.Errorf("%+v: %+v, want %d", tt.t, got, tt.want)
		}
	}
	if _, ok := table.Cost(&Call{Model: "local-7b", CreatedAt: day("2026-02-01")}); ok {
		t.Error("a model without a price has a cost")
	}
	a, ok := table.Cost(&Call{Model: "gpt-5", PromptTokens: 1_000_000, CachedTokens: 1_000_000, CreatedAt: day("2026-02-01")})
	if !ok || a.String() != "0.13 USD" {
		t.Error(a, ok)
	}
}

func TestPricesCheck(t *testing.T) {
	t.Parallel()
	if err := table.Check(); err != nil {
		t.Error(err)
	}
	err := Prices{{"", day("2026-01-01"), "CNY", 1, 1, 1}, {"m", time.Time{}, "yuan", -1, 0, 0}, table[0], table[0]}.Check()
	if fs := errs.FieldsOf(err); len(fs) != 5 || !errors.Is(err, errs.Invalid) {
		t.Errorf("%+v", fs)
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"20 CNY": "20.00 CNY", "0.5 USD": "0.50 USD", " 1.005  EUR": "1.01 EUR", "0.000001 CNY": "0.000001 CNY", "0.00234 CNY": "0.0023 CNY",
		"0.0999 CNY": "0.100 CNY", "12345.678 CNY": "12345.68 CNY", "0.999 CNY": "1.00 CNY", "0 CNY": "0.00 CNY", "9.999999 CNY": "10.00 CNY",
	} {
		a, err := ParseAmount(in)
		if err != nil || a.String() != want {
			t.Errorf("%q: %s, %v; want %s", in, a, err, want)
		}
	}
	for _, in := range []string{"", "20", "CNY", "20CNY", "20 yuan", "-1 CNY", "1,5 CNY", "1e3 CNY", ". CNY", "0.0000001 CNY", "99999999999999999999 CNY", "2 0 CNY"} {
		if a, err := ParseAmount(in); err == nil {
			t.Errorf("%q is %s", in, a)
		}
	}
	sum := AddAmounts([]Amount{{"USD", 1}}, []Amount{{"CNY", 2}, {"USD", 3}, {"EUR", 4}})
	if !slices.Equal(sum, []Amount{{"CNY", 2}, {"EUR", 4}, {"USD", 4}}) {
		t.Error(sum)
	}
}
