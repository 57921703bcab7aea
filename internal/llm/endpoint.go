// Package llm asks models and remembers every answer.
//
// A question is a [Prompt]: a template with a version and a reply type. [Ask] renders it,
// looks the question up in the store of raw replies, calls an OpenAI-compatible server when
// nobody has asked it before, stores the raw reply, and only then parses it. Parsing is a
// pure function ([ParseReply]), so a better parser never pays for a call again. What goes
// wrong is a [Failure] of a named kind, never a default answer.
//
// [Script] is a server that speaks the same protocol from a script: tests and the sample
// project use it, and everything it says is labelled as scripted.
package llm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"time"

	"coigwriter/internal/errs"
)

// A Secret is a value that must not be seen: printing, logging or encoding it gives "***".
type Secret string

// String hides the secret; the empty secret stays empty, so that "none is set" can be seen.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// Format hides the secret from every verb, %q and %x included.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from JSON, YAML and TOML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Structured says how a server is asked for JSON, from the strongest to the weakest.
type Structured string

// The levels. The one that produced a reply is stored with it, because it changes the judge.
const (
	StructuredAuto   Structured = "auto"        // the strongest the server takes, found by trying
	StructuredSchema Structured = "json_schema" // the server constrains the reply to the schema
	StructuredObject Structured = "json_object" // the server promises JSON; the schema stands in the prompt
	StructuredPrompt Structured = "prompt"      // the schema stands in the prompt and nothing is promised
)

// An Endpoint describes one OpenAI-compatible server and how to ask it. Zero fields take the
// defaults named beside them.
type Endpoint struct {
	BaseURL    string     // up to and including /v1, as in http://127.0.0.1:8000/v1; empty means that no endpoint is configured
	APIKey     Secret     // sent as a bearer token; empty sends none
	Model      string     // the model's name on that server
	Digest     string     // of the model's weights where it is known: other weights under the same name are asked anew
	Flavour    string     // a Profile's, "" for a server of no kind we know
	NoThinking bool       // ask it to answer without a thought
	Structured Structured // StructuredAuto

	Temperature float64        // 0; always sent, since servers have defaults of their own
	TopP        float64        // 1; always sent
	MaxTokens   int            // 2048 tokens for the reply
	TokenField  string         // "max_tokens"; some servers want "max_completion_tokens"
	Seed        int64          // 20221001; the sample and attempt numbers are added to it
	Extra       map[string]any // further request fields, as {"chat_template_kwargs": {"enable_thinking": false}}

	Timeout     time.Duration // 10 minutes for one attempt, waiting in the server's queue included
	Retries     int           // 5 further attempts after a transient failure; negative means none
	RetryWait   time.Duration // 1 s before the first retry, doubling, with full jitter
	MaxWait     time.Duration // 60 s: the longest wait; a server that asks for more is left alone
	MaxInFlight int           // 64: the most requests at once, of all processes together; they start at 8 and climb

	RequestsPerMinute int // what the provider allows, of all processes together; 0 bounds nothing
	TokensPerMinute   int // of prompts and replies; 0 bounds nothing

	Prompts PromptDir // the project's own, in the place of ours

	Prices  Prices // what models cost; without a price the cost is not known
	MaxCost Amount // the most that one run of the program may cost; the zero amount bounds nothing
}

// Configured reports whether there is a server to ask at all.
func (e Endpoint) Configured() bool { return e.BaseURL != "" }

// Scripted reports whether the answers come from [Script] and must be labelled so.
func (e Endpoint) Scripted() bool { return IsScripted(e.Model) }

// Sampling says in words how answers are drawn: what a verdict of this model rests on beside its prompt.
func (e Endpoint) Sampling() string {
	s := fmt.Sprintf("temperature %g, top_p %g, seed %d, max_tokens %d", e.Temperature, e.TopP, e.Seed, e.MaxTokens)
	if e.Digest != "" {
		s += ", weights " + e.Digest
	}
	if len(e.Extra) > 0 {
		extra, err := json.Marshal(e.Extra) // keys are sorted
		if err != nil {
			extra = []byte(fmt.Sprint(e.Extra))
		}
		s += ", " + string(extra)
	}
	return s
}

// withDefaults returns the endpoint with every zero field filled, or says what is wrong with it.
func (e Endpoint) withDefaults() (Endpoint, error) {
	var bad []errs.Field
	if e.BaseURL != "" {
		u, err := url.Parse(e.BaseURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			bad = append(bad, errs.Field{Name: "base_url", Msg: "must be an address such as http://127.0.0.1:8000/v1"})
		} else if u.User != nil || u.RawQuery != "" {
			bad = append(bad, errs.Field{Name: "base_url", Msg: "must not hold a password or a query: use api_key"})
		}
		if e.Model == "" {
			bad = append(bad, errs.Field{Name: "model", Msg: "is empty: name the model the server serves"})
		}
	}
	e.BaseURL = strings.TrimRight(e.BaseURL, "/")
	switch e.Structured {
	case "":
		e.Structured = StructuredAuto
	case StructuredAuto, StructuredSchema, StructuredObject, StructuredPrompt:
	default:
		bad = append(bad, errs.Field{Name: "structured", Msg: fmt.Sprintf("is %q: use auto, json_schema, json_object or prompt", string(e.Structured))})
	}
	if e.Temperature < 0 || e.Temperature > 2 {
		bad = append(bad, errs.Field{Name: "temperature", Msg: "must be from 0 to 2"})
	}
	if e.TopP < 0 || e.TopP > 1 {
		bad = append(bad, errs.Field{Name: "top_p", Msg: "must be from 0 to 1"})
	}
	profile, known := ProfileOf(e.Flavour)
	if e.Flavour != "" && !known {
		bad = append(bad, errs.Field{Name: "flavour", Msg: fmt.Sprintf("is %q: use one of %s, or leave it out", e.Flavour, strings.Join(Flavours(), ", "))})
	}
	if e.TokenField == "" {
		e.TokenField = cmp.Or(profile.TokenField, "max_tokens")
	}
	if e.NoThinking {
		extra := maps.Clone(localThinking)
		if known {
			extra = maps.Clone(profile.NoThinking)
		}
		if extra == nil {
			extra = map[string]any{}
		}
		maps.Copy(extra, e.Extra) // what was asked for by name goes first
		e.Extra = extra
	}
	if e.TokenField != "max_tokens" && e.TokenField != "max_completion_tokens" {
		bad = append(bad, errs.Field{Name: "token_field", Msg: "must be max_tokens or max_completion_tokens"})
	}
	orElse(&e.TopP, 1)
	orElse(&e.MaxTokens, 2048)
	orElse(&e.Seed, 20221001)
	orElse(&e.Timeout, 10*time.Minute)
	orElse(&e.Retries, 5)
	orElse(&e.RetryWait, time.Second)
	orElse(&e.MaxWait, time.Minute)
	orElse(&e.MaxInFlight, 64)
	if e.MaxTokens < 0 || e.Timeout < 0 || e.RetryWait < 0 || e.MaxWait < 0 || e.MaxInFlight < 0 || e.RequestsPerMinute < 0 || e.TokensPerMinute < 0 {
		bad = append(bad, errs.Field{Name: "endpoint", Msg: "max_tokens, timeout, waits, max_in_flight and what is allowed per minute must not be negative"})
	}
	return e, errs.Fields(bad...)
}

func orElse[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
