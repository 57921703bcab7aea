package llm

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// An Amount is money of one currency in micro-units: 2,500,000 CNY micro-units are 2.5 CNY.
// Amounts of different currencies are never added.
type Amount struct {
	Currency string `json:"currency"`
	Micro    int64  `json:"micro"`
}

// ParseAmount reads an amount as people write it: "20 CNY", "0.5 USD".
func ParseAmount(s string) (Amount, error) {
	number, currency, ok := strings.Cut(strings.TrimSpace(s), " ")
	currency = strings.TrimSpace(currency)
	if !ok || !isCurrency(currency) {
		return Amount{}, fmt.Errorf("%q is no amount of money: write a number and a currency, such as 20 CNY", s)
	}
	micro, err := parseMicro(number)
	if err != nil {
		return Amount{}, fmt.Errorf("%q is no amount of money: %w", s, err)
	}
	return Amount{currency, micro}, nil
}

// String writes the amount with its currency: two decimals, or as many more as show what is
// not nothing.
func (a Amount) String() string {
	whole, rest := a.Micro/1e6, a.Micro%1e6
	sign := ""
	if a.Micro < 0 {
		whole, rest, sign = -whole, -rest, "-"
	}
	digits := fmt.Sprintf("%06d", rest)
	decimals := 2
	if whole == 0 && rest != 0 && rest < 100_000 { // below 0.1: two digits that mean something
		decimals = min(6, len(digits)-len(strings.TrimLeft(digits, "0"))+2)
	}
	unit := int64(math.Pow10(6 - decimals))
	rest = (rest + unit/2) / unit
	if limit := int64(math.Pow10(decimals)); rest >= limit {
		whole, rest = whole+1, rest-limit
	}
	return fmt.Sprintf("%s%d.%0*d %s", sign, whole, decimals, rest, a.Currency)
}

// isCurrency reports whether s is a code of three capitals, as CNY.
func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// parseMicro reads a decimal number that is not negative, exactly, with at most six decimals.
func parseMicro(s string) (int64, error) {
	whole, frac, _ := strings.Cut(strings.TrimSpace(s), ".")
	if whole == "" && frac == "" || strings.Trim(whole+frac, "0123456789") != "" {
		return 0, fmt.Errorf("%q is not a number such as 2.4", s)
	}
	if len(strings.TrimRight(frac, "0")) > 6 {
		return 0, fmt.Errorf("%s has more than six decimals", s)
	}
	frac = (frac + "000000")[:6]
	n, err := strconv.ParseInt(whole+frac, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is too large", s)
	}
	return n, nil
}

// addAmount adds a to the amount of its currency in sums, which stay in order of currency.
func addAmount(sums []Amount, a Amount) []Amount {
	i, ok := slices.BinarySearchFunc(sums, a.Currency, func(x Amount, c string) int { return strings.Compare(x.Currency, c) })
	if !ok {
		return slices.Insert(sums, i, a)
	}
	sums[i].Micro += a.Micro
	return sums
}

// AddAmounts adds two lists of amounts, currency by currency. Neither list is changed.
func AddAmounts(a, b []Amount) []Amount {
	out := slices.Clone(a)
	for _, x := range b {
		out = addAmount(out, x)
	}
	return out
}
