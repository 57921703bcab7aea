package web

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"coigwriter/internal/llm"
)

// promptWord is what a prompt asks, in words.
func promptWord(ctx context.Context, prompt string) string {
	for _, key := range []string{"sources.stage_" + prompt, "models.prompt_" + prompt} {
		if has(Lang(ctx), key) {
			return T(ctx, key)
		}
	}
	return prompt
}

// itemWord is the kind of thing that a call is about.
func itemWord(ctx context.Context, kind string) string {
	if key := "models.item_" + kind; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return kind
}

// stageName is what models were asked about, and what.
func stageName(ctx context.Context, st llm.Stage) string {
	if st.ItemKind == "" {
		return promptWord(ctx, st.Prompt)
	}
	return itemWord(ctx, st.ItemKind) + " · " + promptWord(ctx, st.Prompt)
}

// failureWord is a kind of model failure in words.
func failureWord(ctx context.Context, kind string) string {
	if key := "models.failure_" + kind; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return kind
}

// roleWord is who speaks in a message to a model.
func roleWord(ctx context.Context, role string) string {
	if key := "models.role_" + role; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return role
}

// levelWord is how strictly the reply's form was asked for.
func levelWord(ctx context.Context, level string) string {
	if key := "models.level_" + level; has(Lang(ctx), key) {
		return T(ctx, key)
	}
	return level
}

// flavourWord is the kind of a server by its name.
func flavourWord(ctx context.Context, flavour string) string {
	if p, ok := llm.ProfileOf(flavour); ok && flavour != "" {
		return p.Name
	}
	return T(ctx, "models.flavour_none")
}

// aboutPath is the page of what a call is about, "" where it has none.
func aboutPath(k *llm.Call) string {
	switch k.ItemKind {
	case "source":
		return "/sources/" + k.ItemID
	case "triplet":
		return "/triplets/" + k.ItemID
	case "query":
		return "/queries/" + k.ItemID
	}
	return ""
}

// aboutName names what a call is about: its title, or its ID where it has none.
func aboutName(ctx context.Context, k *llm.Call, title string) string {
	switch {
	case title != "":
		return title
	case aboutPath(k) != "":
		return sourceTitle(ctx, "", "")
	}
	return k.ItemID
}

// lasted writes how long something took: 8 ms, 0.8 s, 43 s, 2 m 5 s, 3 h 12 m.
func lasted(ctx context.Context, ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	whole := func(d, unit, of time.Duration) string { return strconv.Itoa(int(d % of / unit)) }
	switch {
	case d < 100*time.Millisecond:
		return T(ctx, "models.call_took", "ms", int(ms))
	case d < 10*time.Second:
		return T(ctx, "models.took_s", "s", strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
	case d < time.Minute:
		return T(ctx, "models.took_s", "s", whole(d, time.Second, time.Minute))
	case d < time.Hour:
		return T(ctx, "models.took_m", "m", whole(d, time.Minute, time.Hour), "s", whole(d, time.Second, time.Minute))
	}
	return T(ctx, "models.took_h", "h", strconv.Itoa(int(d/time.Hour)), "m", whole(d, time.Minute, time.Hour))
}

// version is the beginning of a prompt's hash.
func version(hash string) string { return hash[:min(len(hash), 8)] }

// pretty indents JSON for reading; what is none is returned as it is.
func pretty(raw string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(raw), "", "  ") != nil {
		return raw
	}
	return b.String()
}

// readable indents a request, with the signs that Go's encoder escapes as they are.
func readable(request string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(pretty(request))
}
