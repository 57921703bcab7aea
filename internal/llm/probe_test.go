package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

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
		profile, _ := ProfileOf(flavour)
		for name, path := range map[string]string{"health": profile.Health, "tokenize": profile.Tokenize} {
			if asked := slices.ContainsFunc(p.Checks, func(c Check) bool { return c.Name == name }); asked != (path != "") {
				t.Errorf("%s: %s asked: %v", flavour, name, asked)
			}
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
		if flavour != "" && (len(p.Traps) == 0 || p.Errors == "" || p.Overload == "") {
			t.Errorf("%s has no traps", flavour)
		}
	}
}

// Providers are known by their address, and every flavour was played above.
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
		if _, played := fakeFlavours[p.Flavour]; !played {
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
		"wrong key":   {serve(func(w http.ResponseWriter, _ *http.Request) { nested(w, 401, "", "bad key sk-very-secret") }) + "/v1", "auth", "COIGWRITER_LLM_KEY"},
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
