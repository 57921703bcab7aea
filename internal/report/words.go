package report

import (
	"fmt"
	"slices"

	"coigwriter/internal/analysis"
	"coigwriter/internal/genre"
)

// pick chooses between Chinese and English.
func pick(lang, zh, en string) string { return genre.Name{ZH: zh, EN: en}.In(lang) }

// note writes the same arguments into the words of both languages, each of which takes those it needs by
// their numbers: %[2]s.
func note(zh, en string, args ...any) analysis.Note {
	return analysis.Note{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}
}

// distinct are the values of a key in the order they come.
func distinct[T any](xs []T, key func(T) string) []string {
	var out []string
	for _, x := range xs {
		if k := key(x); !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}
