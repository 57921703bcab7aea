package cli

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
)

// pricesFrom reads the tables [[llm.price]] of a config file. They are no flags, so they have
// a reading of their own, as strict: an unknown field is an error that names its line.
func pricesFrom(path string, raw []byte, value any) (llm.Prices, error) {
	tables, ok := value.([]map[string]any)
	if !ok {
		return nil, errs.Invalidf("%s: llm.price is a list of tables: write [[llm.price]] above each price", path)
	}
	lines := priceLines(raw)
	var ps llm.Prices
	for i, t := range tables {
		where := fmt.Sprintf("%s: price %d", path, i+1)
		if i < len(lines) {
			where = fmt.Sprintf("%s:%d: [[llm.price]]", path, lines[i])
		}
		p, err := priceFrom(t)
		if err == nil {
			err = llm.Prices{p}.Check()
		}
		if fs := errs.FieldsOf(err); len(fs) > 0 {
			return nil, errs.Invalidf("%s: %s %s", where, fs[0].Name[strings.LastIndex(fs[0].Name, ": ")+2:], fs[0].Msg)
		}
		if err != nil {
			return nil, errs.Invalidf("%s: %w", where, err)
		}
		ps = append(ps, p)
		if err := ps.Check(); err != nil {
			return nil, errs.Invalidf("%s: model %q has a price from %s already", where, p.Model, p.From.Format(time.DateOnly))
		}
	}
	return ps, nil
}

var priceHead = regexp.MustCompile(`(?m)^[ \t]*\[\[[ \t]*llm[ \t]*\.[ \t]*price[ \t]*\]\]`)

// priceLines are the lines at which the price tables begin; the TOML reader does not tell.
func priceLines(raw []byte) []int {
	var lines []int
	for _, at := range priceHead.FindAllIndex(raw, -1) {
		lines = append(lines, 1+bytes.Count(raw[:at[0]], []byte("\n")))
	}
	return lines
}

// priceFrom reads one table. Without a price for cached tokens they cost what the others do.
func priceFrom(t map[string]any) (p llm.Price, err error) {
	for _, key := range slices.Sorted(maps.Keys(t)) {
		v := t[key]
		switch key {
		case "model":
			p.Model, err = wordOf(v)
		case "currency":
			p.Currency, err = wordOf(v)
		case "from":
			p.From, err = dateOf(v)
		case "input":
			p.Input, err = microOf(v)
		case "cached":
			p.Cached, err = microOf(v)
		case "output":
			p.Output, err = microOf(v)
		default:
			return p, fmt.Errorf("unknown field %q; a price has model, from, currency, input, cached, output", key)
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", key, err)
		}
	}
	for _, key := range []string{"input", "output"} {
		if _, ok := t[key]; !ok {
			return p, fmt.Errorf("%s is missing: give the price of a million tokens", key)
		}
	}
	if _, ok := t["cached"]; !ok {
		p.Cached = p.Input
	}
	return p, nil
}

func wordOf(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("%v is no text in quotes", v)
	}
	return s, nil
}

// dateOf reads a day, in quotes or as TOML's own kind of date; it begins where the project's days do.
func dateOf(v any) (time.Time, error) {
	s := fmt.Sprint(v)
	if t, ok := v.(time.Time); ok {
		s = t.Format(time.DateOnly)
	}
	t, err := time.ParseInLocation(time.DateOnly, s, project.Zone)
	if err != nil {
		return t, fmt.Errorf("%q is not a day such as 2026-01-01", s)
	}
	return t, nil
}

// microOf reads a price exactly as it is written.
func microOf(v any) (int64, error) {
	var s string
	switch x := v.(type) {
	case int64:
		s = strconv.FormatInt(x, 10)
	case float64:
		s = strconv.FormatFloat(x, 'f', -1, 64)
	default:
		return 0, fmt.Errorf("%v is no number such as 2.4", v)
	}
	a, err := llm.ParseAmount(s + " XXX")
	if err != nil {
		return 0, fmt.Errorf("%s must be a number from 0 on with at most six decimals", s)
	}
	return a.Micro, nil
}
