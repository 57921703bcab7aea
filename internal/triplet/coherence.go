package triplet

import (
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/text"
)

// A Finding is one thing the automatic coherence check saw. Key is a message key; Args fill it.
type Finding struct {
	Key     string         `json:"key"`
	Block   bool           `json:"block"` // must be mended before submitting; else a warning
	Field   string         `json:"field"` // prompt, reasoning, checks …
	Args    map[string]any `json:"args,omitempty"`
	Excerpt string         `json:"excerpt,omitempty"`
}

// Pairs returns the arguments of the finding's message, each name before its value.
func (f Finding) Pairs() []any {
	var out []any
	for name, value := range f.Args {
		out = append(out, name, value)
	}
	return out
}

// How many characters in a row may stand in two parts before it counts as copying. Idioms and
// names run to a dozen characters; a quoted line of verse to about twenty. Ours.
const (
	leakWarn  = 13
	leakBlock = 25
	copyWarn  = 40
)

// minShared is the least share of the reasoning's two-character pieces that should stand in the
// article; writing about another text has about a tenth of that in common with it. Ours.
const minShared = 0.03

// Coherence checks a content against its article and its genre's expectations.
func Coherence(c Content, article string, g genre.Genre) []Finding {
	var out []Finding
	block := func(key, field string) { out = append(out, Finding{Key: key, Block: true, Field: field}) }
	warn := func(key, field string, args map[string]any, excerpt string) {
		out = append(out, Finding{Key: key, Field: field, Args: args, Excerpt: excerpt})
	}
	prompt, reasoning := strings.TrimSpace(c.Prompt), strings.TrimSpace(c.Reasoning)
	if prompt == "" {
		block("coherence.no_prompt", "prompt")
	}
	if reasoning == "" {
		block("coherence.no_reasoning", "reasoning")
	}
	for _, k := range Checks {
		if !c.Checks[k] {
			block("coherence.unchecked", "checks")
			break
		}
	}
	if run, n := text.LongestCommonRun(prompt, article); n >= leakWarn {
		out = append(out, Finding{Key: "coherence.leak", Block: n >= leakBlock, Field: "prompt", Args: map[string]any{"n": n}, Excerpt: run})
	}
	if run, n := text.LongestCommonRun(reasoning, article); n >= copyWarn {
		warn("coherence.copied", "reasoning", map[string]any{"n": n}, text.Excerpt(run, 60))
	}
	if reasoning != "" && text.Len(article) >= 200 && text.SharedPairs(reasoning, article) < minShared {
		warn("coherence.unrelated", "reasoning", nil, "")
	}
	if n := text.Len(prompt); prompt != "" && g.ID != "" && !g.Prompt.Holds(n) {
		warn("coherence.prompt_length", "prompt", map[string]any{"n": n, "min": g.Prompt.Min(), "max": g.Prompt.Max()}, "")
	}
	if n := text.Len(reasoning); reasoning != "" && g.ID != "" && !g.Reasoning.Holds(n) {
		warn("coherence.reasoning_length", "reasoning", map[string]any{"n": n, "min": g.Reasoning.Min(), "max": g.Reasoning.Max()}, "")
	}
	a, f := c.Attributes, c.Facets
	if anyEmpty(a.Theme, a.Style, a.Structure, a.Cultural) {
		warn("coherence.attributes", "attributes", nil, "")
	}
	if anyEmpty(f.Interpretation, f.Structure, f.Culture, f.Narrative, f.Refinement) {
		warn("coherence.facets", "facets", nil, "")
	}
	if n := text.Len(prompt) + text.Len(reasoning); n > 0 && c.Pasted*2 > n {
		warn("coherence.pasted", "reasoning", map[string]any{"n": c.Pasted}, "")
	}
	return out
}

func anyEmpty(parts ...string) bool {
	for _, p := range parts {
		if strings.TrimSpace(p) == "" {
			return true
		}
	}
	return false
}

// blocked turns the findings that block into an error naming each field.
func blocked(fs []Finding) error {
	var bad []errs.Field
	for _, f := range fs {
		if f.Block {
			bad = append(bad, errs.Field{Name: f.Field, Key: f.Key, Msg: messages[f.Key], Args: f.Pairs()})
		}
	}
	return errs.Fields(bad...)
}

// messages are the words of blocking findings for programs; pages translate the keys.
var messages = map[string]string{
	"coherence.no_prompt":    "the prompt is empty; write step 1",
	"coherence.no_reasoning": "the reasoning is empty; write step 2",
	"coherence.unchecked":    "tick every point of the checklist in step 3, or mend what does not hold",
	"coherence.leak":         "the prompt repeats the article word for word; say it in your own words",
}
