package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"unicode/utf8"
)

// A Message is one turn of the conversation sent to a model.
type Message struct {
	Role    string `json:"role"` // system, user or assistant
	Content string `json:"content"`
}

// Usage is what a call cost, in tokens as the server counts them; zero when it does not say.
type Usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Cached     int `json:"-"` // of Prompt
	Reasoning  int `json:"-"` // of Completion
}

// UnmarshalJSON reads the names that servers have for the same things.
func (u *Usage) UnmarshalJSON(text []byte) error {
	var x struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Reasoning  int `json:"reasoning_tokens"`        // SGLang
		CacheHit   int `json:"prompt_cache_hit_tokens"` // DeepSeek
		PromptOf   struct {
			Cached int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
		CompletionOf struct {
			Reasoning int `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	}
	if err := json.Unmarshal(text, &x); err != nil {
		return nil // a count that cannot be read is one that was not given
	}
	*u = Usage{
		Prompt: max(x.Prompt, 0), Completion: max(x.Completion, 0),
		Cached: max(x.CacheHit, x.PromptOf.Cached, 0), Reasoning: max(x.Reasoning, x.CompletionOf.Reasoning, 0),
	}
	return nil
}

// usageOf reads the usage of a raw body, zero where there is none.
func usageOf(raw []byte) Usage {
	var c struct {
		Usage Usage `json:"usage"`
	}
	_ = json.Unmarshal(raw, &c)
	return c.Usage
}

// parameters are what besides the messages decides a reply. They are part of the question's key.
type parameters struct {
	Temperature float64        `json:"temperature"`
	TopP        float64        `json:"top_p"`
	MaxTokens   int            `json:"max_tokens"`
	Seed        int64          `json:"seed"`
	Extra       map[string]any `json:"extra,omitempty"`
}

func (e Endpoint) parameters(sample int) parameters {
	return parameters{
		Temperature: e.Temperature, TopP: e.TopP, MaxTokens: e.MaxTokens,
		Seed: e.Seed + int64(sample), Extra: e.Extra,
	}
}

// schemaNote introduces the schema where the server does not take one. It holds the word
// JSON, without which some servers refuse json_object.
const schemaNote = "\n\n只输出一个 JSON 对象，不要输出其他文字。该对象须符合以下 JSON Schema：\n"

// requestBody writes the JSON of one request at one level of structure; words have no schema.
func (e Endpoint) requestBody(msgs []Message, s *Schema, p parameters, level Structured) ([]byte, error) {
	body := maps.Clone(e.Extra)
	if body == nil {
		body = map[string]any{}
	}
	maps.Copy(body, map[string]any{
		"model": e.Model, "temperature": p.Temperature, "top_p": p.TopP,
		e.TokenField: p.MaxTokens, "seed": p.Seed, "stream": level == streamed,
	})
	switch level {
	case streamed:
		body["stream_options"] = map[string]any{"include_usage": true}
	case StructuredSchema:
		body["response_format"] = map[string]any{"type": "json_schema", "json_schema": map[string]any{
			"name": "reply", "strict": true, "schema": s.JSON,
		}}
	case StructuredObject:
		body["response_format"] = map[string]any{"type": "json_object"}
		msgs = withSchema(msgs, s)
	case StructuredPrompt:
		msgs = withSchema(msgs, s)
	}
	body["messages"] = msgs
	profile, _ := ProfileOf(e.Flavour)
	for _, field := range profile.Rejects {
		delete(body, field)
	}
	return json.Marshal(body)
}

// withSchema appends the schema to the first message, before any text from outside.
func withSchema(msgs []Message, s *Schema) []Message {
	out := append([]Message{}, msgs...)
	out[0].Content += schemaNote + string(s.JSON)
	return out
}

// completion is the part of a chat completion that we read.
type completion struct {
	Model   string `json:"model"`
	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content          *string `json:"content"`
			Refusal          *string `json:"refusal"`
			ReasoningContent string  `json:"reasoning_content"`
			Reasoning        any     `json:"reasoning"` // a text, but some send an object
		} `json:"message"`
	} `json:"choices"`
	Usage Usage           `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// decodeCompletion reads a raw body of status 200. Servers may send blank lines first to
// keep the connection open.
func decodeCompletion(raw []byte) (c completion, f *Failure) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return c, failf(KindTransient, "the server answered nothing")
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		if len(raw) > maxError-16 && !json.Valid(raw) {
			return c, failf(KindBadOutput, "the server's answer is no whole chat completion: of one larger than %d MB only the beginning is kept", maxBody>>20)
		}
		if raw[0] == '<' || !json.Valid(raw) { // a proxy or a login page speaks: that is not the text's doing
			return c, failf(KindTransient, "the server's answer is not a chat completion but begins %q: is the address complete, up to /v1, and nothing in between?", clip(string(raw), 60))
		}
		return c, failf(KindBadOutput, "the server's answer is not a chat completion: %v", err)
	}
	if len(c.Error) > 0 && string(c.Error) != "null" {
		f := httpFailure(500, raw)
		if f.Kind == KindBadEndpoint {
			f.Kind = KindTransient
		}
		return c, f
	}
	if len(c.Choices) == 0 {
		return c, failf(KindBadOutput, "the server's answer has no choices")
	}
	return c, nil
}

// httpFailure names the failure behind a status that is not 200. Error bodies come nested,
// flat, as a FastAPI detail or as plain text; the names in them decide more than the status.
func httpFailure(status int, body []byte) *Failure {
	msg, code := errorText(body)
	low := strings.ToLower(code + " " + msg)
	kind := KindBadEndpoint
	switch {
	case has(low, "data_inspection_failed", "datainspectionfailed", "content_filter", "content_policy", "inappropriate content"):
		kind = KindRefused
	case tooLong(low) || status == http.StatusRequestEntityTooLarge:
		kind = KindTooLong
	case has(low, "insufficient_quota", "arrearage", "insufficient balance", "invalid_api_key"):
		kind = KindAuth
	case status == 401, status == 402, status == 403:
		kind = KindAuth
	case status == 408, status == 409, status == 425, status == 429, status >= 500 && status != 501:
		kind = KindTransient
	}
	if msg == "" {
		msg = "no message"
	}
	return &Failure{Kind: kind, Message: clip(msg, 500), HTTP: status}
}

// errorText finds the message and the code or type in the error shapes servers use.
func errorText(body []byte) (msg, code string) {
	var shape struct {
		Error   json.RawMessage `json:"error"`
		Detail  json.RawMessage `json:"detail"`
		Message string          `json:"message"`
		Type    string          `json:"type"`
		Code    any             `json:"code"`
	}
	if json.Unmarshal(body, &shape) != nil {
		return strings.TrimSpace(string(body)), ""
	}
	msg, code = shape.Message, fmt.Sprint(shape.Type, " ", orBlank(shape.Code))
	var nested struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    any    `json:"code"`
	}
	var plain string
	switch {
	case json.Unmarshal(shape.Error, &nested) == nil && nested.Message != "":
		msg, code = nested.Message, fmt.Sprint(nested.Type, " ", orBlank(nested.Code))
	case json.Unmarshal(shape.Error, &plain) == nil && plain != "":
		msg = plain
	case len(shape.Detail) > 0:
		msg = string(shape.Detail)
	}
	return msg, code
}

func orBlank(v any) any {
	if v == nil {
		return ""
	}
	return v
}

func has(s string, subs ...string) bool {
	for _, sub := range subs {
		if strings.Contains(s, sub) {
			return true
		}
	}
	return false
}

// clip shortens a message to n code points.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
