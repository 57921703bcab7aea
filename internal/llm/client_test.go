package llm

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/errs"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "0.5": 500 * time.Millisecond, "-3": 0, "NaN": 0, "1e300": 0, "soon": 0,
		"Sun, 01 Mar 2026 12:00:30 GMT": 30 * time.Second, "Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, now); got != want {
			t.Errorf("%q: %s, want %s", v, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for n, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := backoff(n, time.Second, 10*time.Second, 0.9999999); got.Round(time.Millisecond) != want*time.Second {
			t.Errorf("retry %d waits up to %s, want %s", n, got, want*time.Second)
		}
	}
	if got := backoff(1000, time.Second, time.Minute, 0); got != 0 {
		t.Errorf("full jitter starts at 0, got %s", got)
	}
}

func TestEndpointChecks(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Endpoint{
		"base_url":    {BaseURL: "127.0.0.1:8000", Model: "m"},
		"model":       {BaseURL: "http://127.0.0.1:8000/v1"},
		"structured":  {Structured: "xml"},
		"temperature": {Temperature: 3},
		"top_p":       {TopP: 1.5},
		"token_field": {TokenField: "n_predict"},
	} {
		_, err := NewClient(e)
		if f := errs.FieldsOf(err); len(f) != 1 || f[0].Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewClient(Endpoint{BaseURL: "http://me:pw@host/v1", Model: "m"}); err == nil || strings.Contains(err.Error(), "pw") {
		t.Errorf("password in the address: %v", err)
	}
}

// server answers every request by h and returns a client on it.
func server(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return client(t, Endpoint{BaseURL: s.URL + "/v1/", Model: "m", APIKey: "sk-key", Retries: 2})
}

func askOnce(t *testing.T, c *Client) exchange {
	t.Helper()
	s := sheetSchema(t)
	x, err := c.ask(t.Context(), []Message{{"system", "x"}, {"user", "y"}}, s, c.e.parameters(0))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Error bodies as the servers of the field send them.
func TestHTTPFailure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   Kind
	}{
		{"vLLM overflow", 400, `{"error":{"message":"This model's maximum context length is 4096 tokens. However…","type":"BadRequestError","param":null,"code":400}}`, KindTooLong},
		{"SGLang flat overflow", 400, `{"object":"error","message":"The input is longer than the model's context length","type":"BadRequest","param":null,"code":400}`, KindTooLong},
		{"llama.cpp overflow", 400, `{"error":{"code":400,"message":"request (9017 tokens) exceeds the available context size","type":"exceed_context_size_error"}}`, KindTooLong},
		{"OpenAI overflow", 400, `{"error":{"message":"too many","code":"context_length_exceeded"}}`, KindTooLong},
		{"Qwen overflow", 400, `{"error":{"message":"Range of input length should be [1, 30720]","type":"invalid_request_error","code":"InvalidParameter"}}`, KindTooLong},
		{"body too large", 413, ``, KindTooLong},
		{"Qwen inspection", 400, `{"error":{"message":"Input data may contain inappropriate content.","type":"data_inspection_failed","code":"data_inspection_failed"}}`, KindRefused},
		{"Azure filter", 400, `{"error":{"message":"filtered","code":"content_filter"}}`, KindRefused},
		{"key", 401, `{"error":{"message":"Incorrect API key"}}`, KindAuth},
		{"money", 402, `{"error":{"message":"Insufficient Balance"}}`, KindAuth},
		{"Qwen arrears", 400, `{"code":"Arrearage","message":"Access denied"}`, KindAuth},
		{"OpenAI quota is not a rate", 429, `{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}`, KindAuth},
		{"rate", 429, `{"error":{"message":"Throttling","code":"limit_requests"}}`, KindTransient},
		{"llama.cpp loading", 503, `{"error":{"code":503,"message":"Loading model"}}`, KindTransient},
		{"proxy", 502, `<html>bad gateway</html>`, KindTransient},
		{"overloaded", 529, ``, KindTransient},
		{"no such model", 404, `{"error":{"message":"The model x does not exist"}}`, KindBadEndpoint},
		{"FastAPI", 422, `{"detail":"Unsupported fields"}`, KindBadEndpoint},
		{"Ollama native", 404, `{"error":"model not found"}`, KindBadEndpoint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := httpFailure(tt.status, []byte(tt.body))
			if f.Kind != tt.want || f.Message == "" || f.HTTP != tt.status {
				t.Errorf("%+v, want %s", f, tt.want)
			}
		})
	}
}

func TestLongRetryAfterGivesUp(t *testing.T) {
	t.Parallel()
	n := 0
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	})
	if x := askOnce(t, c); x.failure == nil || x.failure.Kind != KindTransient || n != 1 || !strings.Contains(x.failure.Message, "1h0m0s") {
		t.Errorf("%d calls, %+v", n, x.failure)
	}
}

func TestHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	n := 0
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(503)
			return
		}
		w.Write(body(good, "stop"))
	})
	var longest time.Duration
	c.Wait = func(ctx context.Context, d time.Duration) error { longest = max(longest, d); return nil }
	if x := askOnce(t, c); x.failure != nil || longest < 29*time.Second || longest > 31*time.Second {
		t.Errorf("waited %s, %+v", longest, x.failure)
	}
}

// A redirect would take the text and the key to a machine nobody configured.
func TestNoRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 307, 308} {
		c := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		if x := askOnce(t, c); x.failure == nil || x.failure.Kind != KindBadEndpoint || !strings.Contains(x.failure.Message, "base_url") {
			t.Errorf("%d: %+v", status, x.failure)
		}
	}
}

func TestStepsDownAndStaysDown(t *testing.T) {
	t.Parallel()
	var formats []string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1<<16)
		k, _ := r.Body.Read(b)
		switch text := string(b[:k]); {
		case strings.Contains(text, `"json_schema":`):
			formats = append(formats, "schema")
			http.Error(w, `{"error":{"message":"response_format of type json_schema is not supported"}}`, 400)
		case !strings.Contains(text, "JSON Schema"):
			t.Errorf("without a schema the prompt must hold it: %s", text)
		default:
			formats = append(formats, "object")
			w.Write(body(good, "stop"))
		}
	})
	for range 2 {
		if x := askOnce(t, c); x.failure != nil || x.level != StructuredObject {
			t.Fatalf("%+v", x)
		}
	}
	if got := strings.Join(formats, " "); got != "schema object object" {
		t.Errorf("asked %s", got)
	}
}

// A wrong model name is no reason to ask in a weaker way.
func TestUnknownModelDoesNotStepDown(t *testing.T) {
	t.Parallel()
	n := 0
	c := server(t, func(w http.ResponseWriter, r *http.Request) { n++; http.Error(w, `{"error":"no such model"}`, 404) })
	if x := askOnce(t, c); x.failure.Kind != KindBadEndpoint || n != 1 {
		t.Errorf("%d calls, %+v", n, x.failure)
	}
}

func TestEndlessAnswerIsBounded(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		for chunk := []byte(strings.Repeat(" ", 1<<16)); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if x := askOnce(t, c); len(x.response) > maxBody {
		t.Errorf("%d bytes", len(x.response))
	}
}

func TestScriptIsDeterministicAndLabelled(t *testing.T) {
	t.Parallel()
	s, err := StartScript()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c := client(t, s.Endpoint())
	a, b := askOnce(t, c), askOnce(t, c)
	if string(a.response) != string(b.response) || !strings.Contains(string(a.response), scriptNote) || !c.Endpoint().Scripted() {
		t.Errorf("%s\n%s", a.response, b.response)
	}
	e := s.Endpoint()
	e.Model = "qwen2.5-7b-instruct"
	if x := askOnce(t, client(t, e)); x.failure == nil || x.status != 404 {
		t.Errorf("a script must not pass for a model: %+v", x)
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	s, err := StartScript()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if names, err := client(t, s.Endpoint()).Models(t.Context()); err != nil || len(names) != 1 || names[0] != "scripted-judge" {
		t.Errorf("%v, %v", names, err)
	}
	if _, err := client(t, Endpoint{}).Models(t.Context()); FailureOf(err) == nil {
		t.Error(err)
	}
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, `{"error":{"message":"bad `+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+`"}}`, http.StatusUnauthorized)
	})
	if _, err := c.Models(t.Context()); FailureOf(err) == nil || FailureOf(err).Kind != KindAuth || strings.Contains(err.Error(), "sk-key") {
		t.Error(err)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"http://127.0.0.1:8000/v1":          "http://127.0.0.1:8000/v1",
		"https://me:pw@host/v1?api-key=abc": "https://me:xxxxx@host/v1",
		"http://[":                          "(not an address)",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
