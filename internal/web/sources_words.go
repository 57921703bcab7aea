package web

import (
	"context"
	"strings"

	"coigwriter/internal/genre"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
)

// sourceStates are the states in the order of the flow.
var sourceStates = []string{source.Held, source.Waiting, source.Pool, source.Claimed, source.Refused, source.Removed}

// sourceTone is how a state of a source looks.
func sourceTone(state string) Tone {
	switch state {
	case source.Held:
		return Warn
	case source.Pool:
		return Good
	case source.Claimed:
		return Active
	case source.Refused, source.Removed:
		return Bad
	}
	return Neutral
}

// sourceReason says why a source is in its state: the words of a key, or a person's own.
func sourceReason(ctx context.Context, reason string) string {
	if key := "sources.reason_" + reason; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return screen.Why(reason, Lang(ctx))
}

// keyReason reports whether a reason is a key and not a person's words.
func keyReason(reason string) bool {
	head, _, dotted := strings.Cut(reason, ".")
	return reason == "duplicate" || dotted && (head == "date" || head == "rule" || head == "screen")
}

// ruleWord is a rule's name in words.
func ruleWord(ctx context.Context, rule string) string {
	if key := "sources.rule_" + rule; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return rule
}

// languageWord is a language by its name.
func languageWord(ctx context.Context, lang string) string {
	if key := "sources.lang_" + lang; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return lang
}

// sourceTitle is a title, or the beginning of the text where there is none.
func sourceTitle(ctx context.Context, title, excerpt string) string {
	if title != "" {
		return title
	}
	if words := strings.Join(strings.Fields(excerpt), " "); words != "" {
		r := []rune(words)
		return string(r[:min(len(r), 24)]) + "…"
	}
	return T(ctx, "sources.untitled")
}

// judgementTone is how a ruling looks.
func judgementTone(v *screen.Verdict) Tone {
	switch {
	case v.Passed:
		return Good
	case v.Stage == screen.Usability && v.Judgement.V.Usable != screen.No:
		return Warn
	}
	return Bad
}

func judgementWord(ctx context.Context, v *screen.Verdict) string {
	switch judgementTone(v) {
	case Good:
		return T(ctx, "sources.passed")
	case Warn:
		return T(ctx, "sources.undecided")
	}
	return T(ctx, "sources.missed")
}

// genresOnly are all genres under their categories, for a form that sets one.
func genresOnly(ctx context.Context, tax *genre.Taxonomy) []optionGroup {
	var groups []optionGroup
	for _, g := range genreGroups(ctx, tax)[1:] {
		groups = append(groups, optionGroup{g.Label, g.Options[1:]})
	}
	return groups
}

// heldByModel reports whether a reason is a model's failure, which a person's verdicts lift.
func heldByModel(reason string) bool { return strings.HasPrefix(reason, "screen.") }
