package web

import (
	"context"
	"strconv"
	"strings"

	"coigwriter/internal/evaluate"
	texts "coigwriter/internal/text"
)

// letter is what an answer is called on its page, by its place from 0.
func letter(ctx context.Context, place int) string {
	return T(ctx, "evaluate.letter_"+strconv.Itoa(place+1))
}

// saidWords says a verdict in words.
func saidWords(ctx context.Context, sh evaluate.Sheet) string {
	g := sh.Given
	if g == nil {
		return ""
	}
	switch sh.Kind {
	case evaluate.Rank:
		var names []string
		for _, place := range g.Ranked {
			names = append(names, letter(ctx, place))
		}
		return strings.Join(names, " › ")
	case evaluate.Rate:
		var parts []string
		for _, dim := range evaluate.Dimensions {
			if m, ok := g.Marks[dim.Key]; ok {
				parts = append(parts, dim.Name.In(Lang(ctx))+" "+strconv.Itoa(m))
			}
		}
		return strings.Join(parts, " · ")
	}
	for _, c := range pairChoices {
		if c.value == g.Winner {
			return T(ctx, "evaluate.said_"+c.value)
		}
	}
	return ""
}

func progressWords(ctx context.Context, done, of int) string {
	return T(ctx, "evaluate.progress", "done", done, "of", of)
}

// pairChoices are the verdicts on a pair in the order of the buttons, with their keys.
var pairChoices = []struct{ value, key, digit string }{
	{"a", "←", "1"}, {"b", "→", "2"}, {evaluate.Tie, "↓", "3"}, {evaluate.BothBad, "↑", "4"},
}

// A taskKey is a key of a task's page, for the list that ? shows.
type taskKey struct{ keys, what string }

// keysOf lists the keys of a kind of task.
func keysOf(kind string) []taskKey {
	return append(map[string][]taskKey{
		evaluate.Pair: {{"← 1", "a"}, {"→ 2", "b"}, {"↓ 3", "tie"}, {"↑ 4", "both_bad"}, {"j k", "lines"}, {"Space PgDn", "page"}, {"l", "link"}},
		evaluate.Rank: {{"j k", "walk"}, {"1 … 8", "place"}, {"0", "unplace"}, {"p", "pin"}, {"Space PgDn", "page"}, {"Ctrl+Enter", "submit"}},
		evaluate.Rate: {{"0 1 2 3", "mark"}, {"j k", "dimension"}, {"Space PgDn", "page"}, {"Ctrl+Enter", "submit"}},
	}[kind], taskKey{"q", "query"}, taskKey{"m", "note"}, taskKey{"u", "undo"})
}

// placeIn is the place of an answer in a form that came back or a verdict; 0 for none.
func (v taskView) placeIn(answer int) int {
	if v.Places != nil {
		return v.Places[answer]
	}
	return 0
}

// markIn is a dimension's mark in a form that came back; -1 for none.
func (v taskView) markIn(key string) int {
	if m, ok := v.Form.Marks[key]; ok {
		return m
	}
	return -1
}

// textLang is the language a text is set in, which need not be that of its query.
func textLang(body, query string) string {
	if lang := texts.Language(body); lang == "zh" || lang == "en" {
		return lang
	}
	return query
}
