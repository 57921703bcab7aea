package web

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coigwriter/internal/analysis"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
)

// ruleWords are the words of a rule of what is compared and counted.
func ruleWords(ctx context.Context, key string) string {
	i := slices.IndexFunc(evaluate.Rules, func(r evaluate.Rule) bool { return r.Key == key })
	if i < 0 {
		return key
	}
	return evaluate.Rules[i].Words.In(Lang(ctx))
}

// modelCounts writes how often each model was concerned.
func modelCounts(n map[string]int) string {
	var parts []string
	for _, m := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s %d", m, n[m]))
	}
	return strings.Join(parts, " · ")
}

// whyExcluded says why a rater's verdicts do not count.
func whyExcluded(ctx context.Context, r evaluate.Rater) string {
	if r.ByRule {
		return T(ctx, "study.by_rule", "failed", r.Checked-r.Passed)
	}
	return r.Why
}

func countedRaters(rs []evaluate.Rater) (out []evaluate.Rater) {
	for _, r := range rs {
		if !r.Excluded || r.ByRule {
			out = append(out, r)
		}
	}
	return out
}

// excludedRaters are those that a lead excluded, who can be let in again.
func excludedRaters(rs []evaluate.Rater) (out []evaluate.Rater) {
	for _, r := range rs {
		if r.Excluded && !r.ByRule {
			out = append(out, r)
		}
	}
	return out
}

// stoppedRaters have tasks left that somebody else could do.
func stoppedRaters(rs []evaluate.Rater) (out []evaluate.Rater) {
	for _, r := range rs {
		if r.Done < r.Tasks {
			out = append(out, r)
		}
	}
	return out
}

// finishWord says when a rater will be done and how much work that is.
func finishWord(ctx context.Context, p evaluate.Pace) string {
	days := int(p.Finish.Sub(viewOf(ctx).Now).Hours()/24) + 1
	return T(ctx, "study.finish", "days", days, "work", minutesWord(ctx, p.Left.Minutes()))
}

// estimateWords say what a judge will be asked and what it costs.
func estimateWords(ctx context.Context, e evaluate.JudgeEstimate) string {
	words := T(ctx, "study.judge_calls", "n", e.Calls, "tokens", Num(ctx, int(e.Tokens.Prompt+e.Tokens.Completion)))
	if len(e.Cost) > 0 {
		words += T(ctx, "frame.list_comma") + T(ctx, "study.judge_cost", "amount", llm.AmountWords(e.Cost))
	}
	return words
}

// deviationWords say what was done otherwise than planned.
func deviationWords(ctx context.Context, x evaluate.Deviation, names map[string]string) string {
	name := func(key string) string {
		id, _ := x.Data.V[key].(string)
		return names[id]
	}
	count := func(key string) int {
		n, _ := x.Data.V[key].(float64)
		return int(n)
	}
	switch x.What {
	case "exclude", "include":
		return T(ctx, "study.deviation_"+x.What, "name", name("person"))
	case "reassign":
		return T(ctx, "study.deviation_reassign", "n", count("tasks"), "from", name("from"), "to", name("to"))
	case "close-early":
		return T(ctx, "study.deviation_close", "open", count("open"), "of", count("tasks"))
	case "reopen":
		return T(ctx, "study.deviation_reopen")
	}
	return x.What
}

// genreTitle names genres in the page's language.
func genreTitle(ctx context.Context, tax *genre.Taxonomy) func(string) string {
	return func(id string) string { return tax.Title(id, Lang(ctx)) }
}

// alphaWords are Krippendorff's alpha of a dimension, where there is one.
func alphaWords(a analysis.Agreement) string {
	for _, m := range a.Measures {
		if m.Name == "alpha_ordinal" && m.Value.Defined() {
			return fmt.Sprintf("α %.2f", m.Value)
		}
	}
	return ""
}
