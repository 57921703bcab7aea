package llm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/dbtest"
)

// Whatever a server sends, it is one of the kinds, it is stored as it came, and no score is made of it.
func TestBadRepliesAreTypedAndStored(t *testing.T) {
	t.Parallel()
	completion := func(content, finish string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, string(body(content, finish))) }
	}
	status := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, text) }
	}
	for name, tt := range map[string]struct {
		serve http.HandlerFunc
		want  Kind
		says  string // in the detail of the failure
	}{
		"fenced JSON":                 {completion("```json\n"+good+"\n```", "stop"), "", ""},
		"wrong key":                   {status(401, `{"error":{"message":"Incorrect API key provided: sk-secret","code":"invalid_api_key"}}`), KindAuth, "Incorrect"},
		"wrong address":               {status(404, `{"detail":"Not Found"}`), KindBadEndpoint, "Not Found"},
		"HTML instead of JSON":        {status(200, "<html><title>Login</title></html>"), KindTransient, "begins \"<html>"},
		"ten megabytes":               {completion(strings.Repeat("雪", 10<<20/3), "stop"), KindBadOutput, "larger than 8 MB"},
		"a name given twice":          {completion(`{"quality":3,"creativity":7,"usable":"yes","reasons":["稳"],"quality":9}`, "stop"), KindBadOutput, "twice"},
		"a score out of range":        {completion(`{"quality":11,"creativity":7,"usable":"yes","reasons":["稳"]}`, "stop"), KindBadOutput, "quality"},
		"a score as a string":         {completion(`{"quality":"8","creativity":7,"usable":"yes","reasons":["稳"]}`, "stop"), KindBadOutput, "quality"},
		"a score in Chinese":          {completion(`{"quality":"八","creativity":"七分","usable":"yes","reasons":["稳"]}`, "stop"), KindBadOutput, "quality"},
		"a score with a half":         {completion(`{"quality":7.5,"creativity":7,"usable":"yes","reasons":["稳"]}`, "stop"), KindBadOutput, "quality"},
		"two objects":                 {completion(good+"\n"+good, "stop"), KindBadOutput, "more than one"},
		"an object about nothing":     {completion(`{"article_id":"another","score":8}`, "stop"), KindBadOutput, ""},
		"a refusal":                   {status(200, `{"choices":[{"finish_reason":"stop","message":{"content":null,"refusal":"I cannot rate this."}}]}`), KindRefused, "cannot rate"},
		"the provider's filter":       {status(400, `{"error":{"message":"Output data may contain inappropriate content.","code":"data_inspection_failed"}}`), KindRefused, "inappropriate"},
		"a truncated object":          {completion(good[:30], "length"), KindTooLong, "cut off"},
		"a flat error":                {status(400, `{"object":"error","message":"The input is longer than the model's context length","code":400}`), KindTooLong, "context length"},
		"an error with status 200":    {status(200, `{"error":{"message":"The request queue is full.","code":503}}`), KindTransient, "queue is full"},
		"no choices":                  {status(200, `{"choices":[]}`), KindBadOutput, "no choices"},
		"nothing":                     {status(200, ``), KindTransient, "nothing"},
		"500 to what it cannot parse": {status(500, `{"error":{"code":500,"message":"parse error","type":"server_error"}}`), KindTransient, "parse error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tt.serve)
			defer srv.Close()
			d, _, _, p := setup(t)
			c := client(t, Endpoint{BaseURL: srv.URL + "/v1", Model: "m", APIKey: "sk-secret", Retries: -1, Timeout: 10 * time.Second, Structured: StructuredSchema})
			reply, id, err := Ask(t.Context(), d, c, p, article, About{"source", "s1"})
			kind := Kind("")
			if f := FailureOf(err); f != nil {
				kind = f.Kind
			} else if err != nil {
				t.Fatal(err)
			}
			if kind != tt.want || kind != "" && (reply.Quality != 0 || reply.Usable != "") {
				t.Fatalf("%+v %v", reply, err)
			}
			k, err := GetCall(t.Context(), d, id)
			if err != nil || k.Failure != string(tt.want) || !strings.Contains(k.FailureDetail, tt.says) {
				t.Fatalf("stored as %q: %q, %v", k.Failure, k.FailureDetail, err)
			}
			if strings.Contains(k.Response+k.FailureDetail+k.Request, "sk-secret") {
				t.Error("the key was stored")
			}
			if name != "nothing" && k.Response == "" || !json.Valid([]byte(k.Request)) {
				t.Errorf("not kept as it came: %q", k.Response)
			}
		})
	}
}

// A server whose certificate nobody vouches for is not asked, and neither is one that is not there.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	for name, tt := range map[string]struct {
		url  string
		want Kind
		says string
	}{
		"self-signed certificate": {tls.URL + "/v1", KindBadEndpoint, "certificate"},
		"nobody listens":          {"http://127.0.0.1:1/v1", KindTransient, "refused"},
		"no such host":            {"http://no-such-host.invalid/v1", KindTransient, "no-such-host"},
	} {
		d := dbtest.Open(t)
		_, _, _, p := setup(t)
		c := client(t, Endpoint{BaseURL: tt.url, Model: "m", Retries: -1, Timeout: 5 * time.Second})
		_, id, err := Ask(t.Context(), d, c, p, article, About{"source", "s1"})
		f := FailureOf(err)
		if f == nil || f.Kind != tt.want || !strings.Contains(f.Message, tt.says) {
			t.Errorf("%s: %v", name, err)
		}
		if k, err := GetCall(t.Context(), d, id); err != nil || k.Failure != string(tt.want) || k.HTTPStatus != 0 {
			t.Errorf("%s: %+v %v", name, k, err)
		}
	}
}
