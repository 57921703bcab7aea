package analysis

import "testing"

func TestLexiconLabelsWholeWords(t *testing.T) {
	for unit, want := range map[string]string{
		"等等，这样写不对。": "self_reflection", "Wait, that is wrong.": "self_reflection", "She waited by the waiter.": "normal", "I am revising it": "self_reflection",
		"Let me recheck.": "self_reflection", "what if it rains": "self_exploration", "somewhat iffy": "normal", "WHAT IF": "self_exploration", "因为雨停了": "deep_reasoning",
		"sincerely": "normal", "long since_then": "normal", "also that": "normal", "等because等": "deep_reasoning", "雨停了": "normal", "sincere, since then": "deep_reasoning",
	} {
		if got := Behaviours[lexiconLabel(unit)]; got != want {
			t.Errorf("%s: got %s, want %s", unit, got, want)
		}
	}
}
