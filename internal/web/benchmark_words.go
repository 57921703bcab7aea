package web

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"coigwriter/internal/bench"
)

// setLanguages counts a set's queries by language, in words.
func setLanguages(ctx context.Context, s bench.SetSummary) string {
	var out []string
	for _, l := range []struct {
		lang string
		n    int
	}{{"zh", s.Chinese}, {"en", s.English}} {
		if l.n > 0 {
			out = append(out, languageWord(ctx, l.lang)+" "+Exact(l.n))
		}
	}
	return strings.Join(out, " · ")
}

func coverTone(n, of int) Tone {
	if n < of {
		return Warn
	}
	return Good
}

func languageWords(ctx context.Context, langs []string) []string {
	out := make([]string, len(langs))
	for i, l := range langs {
		out[i] = languageWord(ctx, l)
	}
	return out
}

func coverageColumns(genre string, langs []string) []Column {
	cols := []Column{{Label: genre}}
	for _, l := range langs {
		cols = append(cols, Column{Label: l, Numeric: true})
	}
	return append(cols, Column{})
}

// difficultyWord is how hard a query is meant to be; "" stays so.
func difficultyWord(ctx context.Context, d string) string {
	if d == "" || !has(Lang(ctx), "benchmark.difficulty_"+d) {
		return d
	}
	return T(ctx, "benchmark.difficulty_"+d)
}

func difficultyOptions(ctx context.Context) []Option {
	out := []Option{{"", "–"}}
	for _, d := range bench.Difficulties {
		out = append(out, Option{d, difficultyWord(ctx, d)})
	}
	return out
}

func unitOptions(ctx context.Context) []Option {
	out := []Option{{"", "–"}}
	for _, u := range bench.Units {
		out = append(out, Option{u, T(ctx, "benchmark.unit_"+u)})
	}
	return out
}

// lengthWords is the length that an answer is held to: a range, or one bound of it.
func lengthWords(ctx context.Context, q bench.Query) string {
	unit := ""
	if slices.Contains(bench.Units, q.LengthUnit) {
		unit = T(ctx, "benchmark.unit_"+q.LengthUnit)
	}
	switch {
	case q.LengthMax == 0:
		return T(ctx, "benchmark.at_least", "n", Exact(q.LengthMin), "unit", unit)
	case q.LengthMin == 0:
		return T(ctx, "benchmark.at_most", "n", Exact(q.LengthMax), "unit", unit)
	}
	return T(ctx, "benchmark.from_to", "min", Exact(q.LengthMin), "max", Exact(q.LengthMax), "unit", unit)
}

func oneDecimal(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

func zeroBlank(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func orZh(lang string) string {
	if lang == "" {
		return "zh"
	}
	return lang
}

// queryAction is where a query's form goes.
func queryAction(v *queryView) string {
	if v.Q.ID == "" {
		return "/benchmark/" + v.S.ID + "/new"
	}
	return "/queries/" + v.Q.ID
}

// answerLang is the language that an answer is set in.
func answerLang(q bench.Query, a bench.Answer) string {
	if a.OutputLanguage == "" || a.OutputLanguage == "und" {
		return q.Language
	}
	return a.OutputLanguage
}

// failureWords names failures with how often each was.
func failureWords(ctx context.Context, failures map[string]int) string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(failures)) {
		out = append(out, failureWord(ctx, kind)+" "+Exact(failures[kind]))
	}
	return strings.Join(out, " · ")
}
