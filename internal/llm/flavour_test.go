package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coigwriter/internal/dbtest"
)

// A fakeFlavour plays one kind of server: what it shows at its root, what it takes and how it fails. It
// is a fake.
type fakeFlavour struct {
	owner    string
	root     map[string]string // path → body
	named    string            // the flavour that settings name, where only the address would show it
	rejects  []string          // fields it answers 422 to, or 400 where errors are of OpenAI's shape
	schema   bool              // takes json_schema
	object   bool              // takes json_object, with the word JSON in the prompt
	thought  string            // the field of the message a thought stands in, inline, or ""
	usage    bool
	cuts     int    // tokens of context beyond which it cuts without a word; 0 for none
	reply    string // "" is the probe's
	errors   func(w http.ResponseWriter, status int, code, msg string)
	overload func(w http.ResponseWriter, stream bool) // nil: it only lets one wait
	overflow string                                   // the message with status 400, "" where it says nothing

	busy      *atomic.Int64 // answers overload to so many questions first
	tooLong   bool          // answers overflow
	questions *atomic.Int64
}

func nested(w http.ResponseWriter, status int, code, msg string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": msg, "type": code, "param": nil, "code": status}})
}

func named(w http.ResponseWriter, status int, code, msg string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": msg, "type": "invalid_request_error", "code": code}})
}

func flat(w http.ResponseWriter, status int, code, msg string) {
	writeJSON(w, status, map[string]any{"object": "error", "message": msg, "type": code, "param": nil, "code": status})
}

func detail(w http.ResponseWriter, status int, _, msg string) {
	writeJSON(w, status, map[string]any{"detail": msg})
}

const probed = `{"reason":"短","score":6}`

// fakeFlavours are the servers by their flavour; "" is one of no kind we know.
var fakeFlavours = map[string]fakeFlavour{
	"vllm": {
		owner: "vllm", root: map[string]string{"/version": `{"version":"0.11"}`, "/health": ``}, schema: true, object: true, thought: "reasoning", usage: true,
		errors: nested, overflow: "This model's maximum context length is 8192 tokens. However, you requested 9017 tokens.",
		overload: func(w http.ResponseWriter, _ bool) { nested(w, 503, "ServiceUnavailable", "the queue is full") },
	},
	"sglang": {
		owner: "sglang", root: map[string]string{"/get_model_info": `{"model_path":"Qwen"}`, "/health": ``}, schema: true, object: true, thought: "reasoning_content", usage: true,
		errors: flat, overflow: "The input (9017 tokens) is longer than the model's context length (8192 tokens).",
		overload: func(w http.ResponseWriter, stream bool) {
			if stream {
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprint(w, `data: {"error":{"message":"The request queue is full."},"code":503}`+"\n\n")
				return
			}
			flat(w, 503, "ServiceUnavailable", "The request queue is full.")
		},
	},
	"llama.cpp": {
		owner: "llamacpp", root: map[string]string{"/props": `{"default_generation_settings":{}}`, "/health": `{"status":"ok"}`}, schema: true, object: true, usage: true,
		errors: nested, overflow: "request (9017 tokens) exceeds the available context size (2048 tokens), try increasing it",
		overload: func(w http.ResponseWriter, _ bool) { nested(w, 503, "unavailable_error", "Loading model") },
	},
	"ollama": {
		owner: "library", root: map[string]string{"/api/version": `{"version":"0.33"}`, "/{$}": "Ollama is running"}, schema: true, object: true, thought: "reasoning", usage: true,
		errors: nested, cuts: 40,
		overload: func(w http.ResponseWriter, _ bool) {
			nested(w, 503, "api_error", "server busy, please try again. maximum pending requests exceeded")
		},
	},
	"transformers": {
		owner: "Qwen", root: map[string]string{"/health": `{"status":"ok"}`}, rejects: []string{"response_format", "stream_options", "max_completion_tokens"},
		thought: "inline", usage: true, errors: detail,
	},
	"dashscope": {
		named: "dashscope", owner: "system", schema: true, object: true, thought: "reasoning_content", usage: true, errors: named,
		overflow: "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
		overload: func(w http.ResponseWriter, _ bool) {
			named(w, 429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.")
		},
	},
	"deepseek": {
		named: "deepseek", owner: "deepseek", object: true, rejects: []string{"seed"}, thought: "reasoning_content", usage: true, errors: named,
		overflow: "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens.",
		overload: func(w http.ResponseWriter, _ bool) {
			named(w, 503, "service_unavailable_error", "Service is too busy.")
		},
	},
	"openai": {
		named: "openai", owner: "system", schema: true, object: true, rejects: []string{"max_tokens"}, usage: true, errors: named, overflow: "context_length_exceeded",
		overload: func(w http.ResponseWriter, _ bool) {
			w.Header().Set("Retry-After", time.Now().Add(20*time.Second).UTC().Format(http.TimeFormat))
			named(w, 429, "rate_limit_exceeded", "Rate limit reached for requests")
		},
	},
	"": {owner: "somebody", root: map[string]string{}, object: true, errors: nested},
}

func (f fakeFlavour) start(t *testing.T) Endpoint {
	t.Helper()
	mux := http.NewServeMux()
	for path, body := range f.root {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	}
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, map[string]any{"data": []any{map[string]any{"id": "m-7b", "owned_by": f.owner, "max_model_len": 8192}}})
	})
	mux.HandleFunc("POST /tokenize", func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Prompt, Content string }
		_ = json.NewDecoder(r.Body).Decode(&q)
		if f.owner == "llamacpp" {
			writeJSON(w, 200, map[string]any{"tokens": make([]int, len([]rune(q.Content)))})
			return
		}
		writeJSON(w, 200, map[string]any{"count": len([]rune(q.Prompt)), "max_model_len": 8192})
	})
	mux.HandleFunc("POST /v1/chat/completions", f.complete)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return Endpoint{BaseURL: s.URL + "/v1", Flavour: f.named, Timeout: 5 * time.Second}
}

func (f fakeFlavour) complete(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	if f.questions != nil {
		f.questions.Add(1)
	}
	var q map[string]json.RawMessage
	if json.Unmarshal(raw, &q) != nil {
		f.errors(w, 500, "server_error", "cannot parse") // as llama.cpp does
		return
	}
	streams := string(q["stream"]) == "true"
	if f.busy != nil && f.busy.Add(-1) >= 0 {
		f.overload(w, streams)
		return
	}
	for _, field := range f.rejects {
		if _, ok := q[field]; ok {
			status := 422
			if f.owner == "system" {
				status = 400
			}
			f.errors(w, status, "unsupported_parameter", "Unsupported fields in the request: {'"+field+"'}")
			return
		}
	}
	format := string(q["response_format"])
	switch {
	case strings.Contains(format, "json_schema") && !f.schema || strings.Contains(format, "json_object") && !f.object:
		f.errors(w, 400, "invalid_request_error", "response_format is not supported")
		return
	case strings.Contains(format, "json_object") && !strings.Contains(strings.ToLower(string(q["messages"])), "json"):
		f.errors(w, 400, "invalid_request_error", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.")
		return
	case f.tooLong && f.overflow != "":
		f.errors(w, 400, "invalid_request_error", f.overflow)
		return
	}
	reply := f.reply
	if reply == "" {
		reply = probed
	}
	message := map[string]any{"role": "assistant", "content": reply}
	switch f.thought {
	case "":
	case "inline":
		message["content"] = "先想。</think>" + reply
	default:
		message[f.thought] = "先想。"
	}
	if streams {
		f.stream(w, q, message)
		return
	}
	out := map[string]any{"choices": []any{map[string]any{"finish_reason": "stop", "message": message}}}
	if f.usage {
		prompt := 300
		if f.tooLong && f.cuts > 0 {
			prompt = f.cuts
		}
		out["usage"] = map[string]any{"prompt_tokens": prompt, "completion_tokens": 9}
	}
	fmt.Fprint(w, "\n\n") // as those do that keep a connection alive
	_ = json.NewEncoder(w).Encode(out)
}

// stream plays how each kind of server streams: the thought under its name, or both (vLLM), usage only
// when asked for, except where it always comes (transformers), comments that keep the connection alive
// (DeepSeek).
func (f fakeFlavour) stream(w http.ResponseWriter, q map[string]json.RawMessage, message map[string]any) {
	w.Header().Set("Content-Type", "text/event-stream")
	event := func(v any) {
		text, _ := json.Marshal(v)
		if f.owner == "deepseek" {
			fmt.Fprint(w, ": keep-alive\n\n")
		}
		fmt.Fprintf(w, "data: %s\n\n", text)
		w.(http.Flusher).Flush()
	}
	chunk := func(delta map[string]any, finish any) {
		event(map[string]any{"id": "x", "model": "m-7b", "choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}})
	}
	chunk(map[string]any{"role": "assistant"}, nil)
	if thought, ok := message[f.thought]; ok {
		delta := map[string]any{f.thought: thought}
		if f.owner == "vllm" {
			delta["reasoning_content"] = thought
		}
		chunk(delta, nil)
	}
	for _, r := range message["content"].(string) {
		chunk(map[string]any{"content": string(r)}, nil)
	}
	chunk(map[string]any{}, "stop")
	if f.usage && (strings.Contains(string(q["stream_options"]), "true") || f.owner == "Qwen") {
		event(map[string]any{"choices": []any{}, "usage": map[string]any{"prompt_tokens": 300, "completion_tokens": 9}})
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// Every kind of server judges, by the strongest way to get JSON that it takes, which is stored; also
// where settings do not name the kind, as far as what it rejects says so.
func TestJudgingOnEveryFlavour(t *testing.T) {
	t.Parallel()
	for flavour, f := range fakeFlavours {
		f.reply = good
		for _, set := range []string{flavour, ""} {
			if set == "" && (flavour == "openai" || flavour == "deepseek") {
				continue // what they reject is known of the profile alone
			}
			d := dbtest.Open(t)
			_, _, _, p := setup(t)
			e := f.start(t)
			e.Model, e.Flavour, e.Retries = "m-7b", set, -1
			reply, id, err := Ask(t.Context(), d, client(t, e), p, article, About{"source", "s1"})
			if err != nil || reply.Quality == 0 {
				t.Errorf("%s as %q: %+v %v", flavour, set, reply, err)
				continue
			}
			want := StructuredPrompt
			if f.object {
				want = StructuredObject
			}
			if f.schema {
				want = StructuredSchema
			}
			if k, err := GetCall(t.Context(), d, id); err != nil || k.Level != string(want) || k.Flavour != set {
				t.Errorf("%s as %q: answered by %s, %v", flavour, set, k.Level, err)
			}
		}
	}
}

// Each says in its own way that it has too much to do: the whole endpoint waits, as long as it asks, and
// the question is asked again.
func TestOverloadOfEveryFlavour(t *testing.T) {
	t.Parallel()
	for flavour, f := range fakeFlavours {
		if f.overload == nil {
			continue
		}
		f.reply = good
		for _, streams := range []bool{false, true} {
			f.busy, f.questions = &atomic.Int64{}, &atomic.Int64{}
			f.busy.Store(1)
			d := dbtest.Open(t)
			_, _, _, p := setup(t)
			e := f.start(t)
			e.Model, e.Flavour, e.Retries, e.RetryWait = "m-7b", flavour, 2, time.Millisecond
			c := client(t, e)
			var longest atomic.Int64
			c.Wait = func(_ context.Context, d time.Duration) error {
				longest.Store(max(longest.Load(), int64(d)))
				return nil
			}
			var err error
			if streams {
				_, _, err = Stream(t.Context(), d, c, talk(t), article, About{"triplet", "t1"}, false, func(Piece) {})
			} else {
				_, _, err = Ask(t.Context(), d, c, p, article, About{"source", "s1"})
			}
			if err != nil || f.questions.Load() != 2 {
				t.Errorf("%s, stream %v: %v after %d questions", flavour, streams, err, f.questions.Load())
			}
			if wait := time.Duration(longest.Load()); flavour == "openai" && (wait < 15*time.Second || wait > 21*time.Second) {
				t.Errorf("it asked to wait until a date 20 s away; waited %s", wait)
			}
		}
	}
}

// Each says in its own way that a text is too long, or cuts it without a word: that is no judgement.
func TestOverflowOfEveryFlavour(t *testing.T) {
	t.Parallel()
	for flavour, f := range fakeFlavours {
		if f.overflow == "" && f.cuts == 0 {
			continue
		}
		f.reply, f.tooLong = good, true
		d := dbtest.Open(t)
		_, _, _, p := setup(t)
		e := f.start(t)
		e.Model, e.Flavour, e.Retries = "m-7b", flavour, -1
		long := article
		long.Text = Text(strings.Repeat("雨停了以后，巷口的灯一盏一盏亮起来。", 200))
		_, id, err := Ask(t.Context(), d, client(t, e), p, long, About{"source", "s1"})
		if f := FailureOf(err); f == nil || f.Kind != KindTooLong {
			t.Errorf("%s: %v", flavour, err)
		}
		if k, err := GetCall(t.Context(), d, id); err != nil || k.Failure != string(KindTooLong) || k.Response == "" {
			t.Errorf("%s: stored as %q, %v", flavour, k.Failure, err)
		}
	}
}
