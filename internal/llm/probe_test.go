package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A fakeFlavour plays one kind of server: what it shows at its root, and how it answers. It is a fake.
type fakeFlavour struct {
	owner   string
	root    map[string]string // path → body
	rejects []string          // fields it answers 422 to
	schema  bool              // takes json_schema
	object  bool              // takes json_object
	thought string            // the field of the message a thought stands in, inline, or ""
	usage   bool
	errors  func(w http.ResponseWriter, status int, msg string)
}

func nested(w http.ResponseWriter, status int, msg string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": msg, "type": "BadRequestError", "code": status}})
}

func flat(w http.ResponseWriter, status int, msg string) {
	writeJSON(w, status, map[string]any{"object": "error", "message": msg, "type": "BadRequestError", "code": status})
}

func detail(w http.ResponseWriter, status int, msg string) {
	writeJSON(w, status, map[string]any{"detail": msg})
}

// fakeFlavours are the servers of this machine by their flavour, as far as a root and errors show it.
var fakeFlavours = map[string]fakeFlavour{
	"vllm":         {owner: "vllm", root: map[string]string{"/version": `{"version":"0.11"}`, "/health": ``}, schema: true, object: true, thought: "reasoning", usage: true, errors: nested},
	"sglang":       {owner: "sglang", root: map[string]string{"/get_model_info": `{"model_path":"Qwen"}`, "/health": ``}, schema: true, object: true, thought: "reasoning_content", usage: true, errors: flat},
	"llama.cpp":    {owner: "llamacpp", root: map[string]string{"/props": `{"default_generation_settings":{}}`, "/health": `{"status":"ok"}`}, schema: true, object: true, usage: true, errors: nested},
	"ollama":       {owner: "library", root: map[string]string{"/api/version": `{"version":"0.33"}`}, schema: true, object: true, thought: "reasoning", usage: true, errors: nested},
	"transformers": {owner: "Qwen", root: map[string]string{"/health": `{"status":"ok"}`}, rejects: []string{"response_format", "stream_options", "max_completion_tokens"}, thought: "inline", usage: true, errors: detail},
	"":             {owner: "somebody", root: map[string]string{}, object: true, errors: nested},
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
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var q map[string]json.RawMessage
		if json.NewDecoder(r.Body).Decode(&q) != nil {
			f.errors(w, 500, "cannot parse") // as llama.cpp does
			return
		}
		for _, field := range f.rejects {
			if _, ok := q[field]; ok {
				f.errors(w, 422, "Unsupported fields in the request: {'"+field+"'}")
				return
			}
		}
		format := string(q["response_format"])
		if strings.Contains(format, "json_schema") && !f.schema || strings.Contains(format, "json_object") && !f.object {
			f.errors(w, 400, "response_format is not supported")
			return
		}
		message := map[string]any{"role": "assistant", "content": `{"reason":"短","score":6}`}
		switch f.thought {
		case "":
		case "inline":
			message["content"] = "先想。</think>" + `{"reason":"短","score":6}`
		default:
			message[f.thought] = "先想。"
		}
		if string(q["stream"]) == "true" {
			f.stream(w, q, message)
			return
		}
		out := map[string]any{"choices": []any{map[string]any{"finish_reason": "stop", "message": message}}}
		if f.usage {
			out["usage"] = map[string]any{"prompt_tokens": 300, "completion_tokens": 9}
		}
		fmt.Fprint(w, "\n\n") // as those do that keep a connection alive
		_ = json.NewEncoder(w).Encode(out)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return Endpoint{BaseURL: s.URL + "/v1", Timeout: 5 * time.Second}
}

// stream plays how each kind of server streams: the thought under its name, or both (vLLM), usage only
// when asked for, except where it always comes (transformers).
func (f fakeFlavour) stream(w http.ResponseWriter, q map[string]json.RawMessage, message map[string]any) {
	w.Header().Set("Content-Type", "text/event-stream")
	event := func(v any) {
		text, _ := json.Marshal(v)
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

func TestProbeNamesEveryFlavour(t *testing.T) {
	t.Parallel()
	for flavour, f := range fakeFlavours {
		p, err := ProbeServer(t.Context(), f.start(t))
		if err != nil {
			t.Fatal(err)
		}
		want := StructuredPrompt
		if f.object {
			want = StructuredObject
		}
		if f.schema {
			want = StructuredSchema
		}
		if p.Flavour != flavour || p.Level != want || p.Model != "m-7b" || p.Context != 8192 || !p.OK() {
			t.Errorf("%s: %+v", flavour, p)
		}
		if thought := map[string]string{"": "none"}[f.thought]; p.Thought != f.thought && p.Thought != thought {
			t.Errorf("%s: thought %q", flavour, p.Thought)
		}
		for _, c := range p.Checks {
			ok := c.Name != "usage" || f.usage
			if c.Name == string(StructuredSchema) || c.Name == string(StructuredObject) {
				ok = c.Name == string(StructuredSchema) && f.schema || c.Name == string(StructuredObject) && f.object
			}
			if c.OK != ok {
				t.Errorf("%s: %+v", flavour, c)
			}
		}
		if flavour != "" && len(p.Traps) == 0 {
			t.Errorf("%s has no traps", flavour)
		}
	}
}

// Providers are known by their address, and every flavour but those was played above.
func TestHostedFlavours(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://dashscope.aliyuncs.com/compatible-mode/v1": "dashscope", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1": "dashscope",
		"https://api.deepseek.com/v1": "deepseek", "https://api.openai.com/v1": "openai", "https://notapi.openai.com.evil.example/v1": "",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if p, _ := recognise(clues{host: u.Hostname()}); p.Flavour != want {
			t.Errorf("%s is %q", address, p.Flavour)
		}
	}
	for _, p := range Profiles {
		if _, played := fakeFlavours[p.Flavour]; !played && p.Flavour != "dashscope" && p.Flavour != "deepseek" && p.Flavour != "openai" {
			t.Errorf("nobody plays %s", p.Flavour)
		}
		if p.Name == "" || len(p.Levels) == 0 || p.TokenField == "" {
			t.Errorf("%+v", p)
		}
	}
}

// What is wrong with an address or a key is said, with what to do; the key never shows.
func TestProbeFailures(t *testing.T) {
	t.Parallel()
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	for name, c := range map[string]struct{ url, want, do string }{
		"wrong key":   {serve(func(w http.ResponseWriter, _ *http.Request) { nested(w, 401, "bad key sk-very-secret") }) + "/v1", "auth", "COIGWRITER_LLM_KEY"},
		"no /v1":      {serve(http.NotFound), "bad_endpoint", "/v1"},
		"HTML":        {serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello") }) + "/v1", "not a list of models", "complete"},
		"self-signed": {tls.URL + "/v1", "certificate is not trusted", "--llm-url"},
		"nobody":      {"http://127.0.0.1:1/v1", "transient", "running"},
	} {
		p, err := ProbeServer(t.Context(), Endpoint{BaseURL: c.url, APIKey: "sk-very-secret", Model: "m"})
		if err != nil || p.OK() || len(p.Checks) != 1 {
			t.Errorf("%s: %+v %v", name, p, err)
			continue
		}
		if k := p.Checks[0]; k.OK || !strings.Contains(k.Detail, c.want) || !strings.Contains(k.Do, c.do) || strings.Contains(k.Detail, "secret") {
			t.Errorf("%s: %+v", name, k)
		}
	}
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(fakeFlavours["ollama"].start(t).BaseURL)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(u.Port())
	found := Discover(context.Background(), 1, port)
	if len(found) != 1 || found[0].Flavour != "ollama" || found[0].Models[0] != "m-7b" {
		t.Errorf("%+v", found)
	}
}

// A profile's ways are those of every request: the field that bounds the reply, what is left out, how a
// thought is turned off, where degrading begins.
func TestProfilesShapeRequests(t *testing.T) {
	t.Parallel()
	s := sheetSchema(t)
	for flavour, want := range map[string]string{
		"openai": `"max_completion_tokens":2048`, "deepseek": `"type":"json_object"`, "transformers": "max_tokens", "dashscope": `"enable_thinking":false`,
		"vllm": `"chat_template_kwargs":{"enable_thinking":false}`, "ollama": `"reasoning_effort":"none"`,
	} {
		e, err := Endpoint{BaseURL: "http://x/v1", Model: "m", Flavour: flavour, NoThinking: true}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		body, err := e.requestBody(short("x"), s, e.parameters(0), e.levels()[0])
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s", flavour, body)
		}
		p, _ := ProfileOf(flavour)
		for _, field := range p.Rejects {
			if strings.Contains(string(body), `"`+field+`":`) {
				t.Errorf("%s is sent %s", flavour, field)
			}
		}
	}
	if _, err := (Endpoint{BaseURL: "http://x/v1", Model: "m", Flavour: "vlm"}).withDefaults(); err == nil || !strings.Contains(err.Error(), "vllm") {
		t.Error(err)
	}
}

func TestSaidIn(t *testing.T) {
	t.Parallel()
	message := func(m map[string]any, finish string) []byte {
		raw, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"finish_reason": finish, "message": m}}})
		return raw
	}
	for name, c := range map[string]struct {
		raw  []byte
		want Said
	}{
		"none":              {message(map[string]any{"content": "雨"}, "stop"), Said{Content: "雨", Finish: "stop"}},
		"reasoning_content": {message(map[string]any{"content": "雨", "reasoning_content": "想"}, "stop"), Said{Thought: "想", Content: "雨", Finish: "stop"}},
		"reasoning":         {message(map[string]any{"content": "雨", "reasoning": "想"}, "stop"), Said{Thought: "想", Content: "雨", Finish: "stop"}},
		"reasoning object":  {message(map[string]any{"content": "雨", "reasoning": map[string]any{"effort": 1}}, "stop"), Said{Content: "雨", Finish: "stop"}},
		"inline":            {message(map[string]any{"content": "<think>想</think>\n雨"}, "stop"), Said{Thought: "想", Content: "雨", Finish: "stop"}},
		"no opening":        {message(map[string]any{"content": "想</think>雨"}, "stop"), Said{Thought: "想", Content: "雨", Finish: "stop"}},
		"never ends":        {message(map[string]any{"content": "<think>想了又想"}, "length"), Said{Thought: "想了又想", Finish: "length", Unfinished: true}},
		"field, cut off":    {message(map[string]any{"content": nil, "reasoning_content": "想了又想"}, "length"), Said{Thought: "想了又想", Finish: "length", Unfinished: true}},
		"tag in JSON":       {message(map[string]any{"content": `{"a":"</think>"}`}, "stop"), Said{Content: `{"a":"</think>"}`, Finish: "stop"}},
	} {
		if got, f := SaidIn(c.raw); f != nil || got != c.want {
			t.Errorf("%s: %+v %v", name, got, f)
		}
	}
}
