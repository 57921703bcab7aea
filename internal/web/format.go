package web

import (
	"context"
	"strconv"
	"strings"
	"time"

	texts "coigwriter/internal/text"
)

// Num writes a whole number for running text: 12,345 in English; 1.2 万 in Chinese from
// ten thousand on. Where the exact number counts, use Exact.
func Num(ctx context.Context, n int) string { return number(Lang(ctx), n) }

// Exact writes a whole number with all its digits, in groups of three parted by thin
// spaces: for tables.
func Exact(n int) string { return grouped(n, "\u2009") }

// Percent writes a share between 0 and 1 as a percentage with one decimal.
func Percent(share float64) string { return strconv.FormatFloat(share*100, 'f', 1, 64) + "%" }

func number(lang string, n int) string {
	if lang != "zh-CN" {
		return grouped(n, ",")
	}
	abs := max(n, -n)
	switch {
	case abs < 10_000:
		return strconv.Itoa(n)
	case abs < 100_000_000:
		return trimZero(strconv.FormatFloat(float64(n)/10_000, 'f', 1, 64)) + " 万"
	}
	return trimZero(strconv.FormatFloat(float64(n)/100_000_000, 'f', 1, 64)) + " 亿"
}

func trimZero(s string) string { return strings.TrimSuffix(s, ".0") }

func grouped(n int, sep string) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	first := (len(digits)-1)%3 + 1
	if digits == "" {
		return sign
	}
	out := digits[:first]
	for i := first; i < len(digits); i += 3 {
		out += sep + digits[i:i+3]
	}
	return sign + out
}

// relative says how long before now t was, in the words of the page's language.
func relative(ctx context.Context, t, now time.Time) string {
	ago := now.Sub(t)
	switch {
	case ago < -time.Minute:
		return exactTime(ctx, t)
	case ago < time.Minute:
		return T(ctx, "time.now")
	case ago < time.Hour:
		return T(ctx, "time.minutes", "n", int(ago/time.Minute))
	case ago < 24*time.Hour:
		return T(ctx, "time.hours", "n", int(ago/time.Hour))
	case ago < 14*24*time.Hour:
		return T(ctx, "time.days", "n", int(ago/(24*time.Hour)))
	}
	return t.In(viewOf(ctx).Zone).Format("2006-01-02")
}

// exactTime writes a time to the minute with its zone.
func exactTime(ctx context.Context, t time.Time) string {
	return t.In(viewOf(ctx).Zone).Format("2006-01-02 15:04 MST")
}

// langOf returns the language of a short text that people wrote, for its lang attribute.
func langOf(s string) string {
	if lang := texts.Language(s); lang != "und" {
		return lang
	}
	return "zh"
}
