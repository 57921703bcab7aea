package llm

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// scriptedPrefix marks the models of [Script]; it is how every page knows to label them.
const scriptedPrefix = "scripted-"

// IsScripted reports whether a model of this name is a script and not a model.
func IsScripted(model string) bool { return strings.HasPrefix(model, scriptedPrefix) }

// A ScriptMode is a way of answering.
type ScriptMode string

// The modes: one good, the others the ways in which real servers and models fail.
const (
	ScriptGood     ScriptMode = "good"     // a reply that fits the schema, decided by a hash of the question
	ScriptProse    ScriptMode = "prose"    // words, no JSON
	ScriptHalf     ScriptMode = "half"     // JSON that stops in the middle
	ScriptEmpty    ScriptMode = "empty"    // an empty reply
	ScriptRange    ScriptMode = "range"    // JSON with numbers outside the schema
	ScriptTwo      ScriptMode = "two"      // two JSON objects
	ScriptThink    ScriptMode = "think"    // a good reply after a <think> part, in a code fence, with prose around it
	ScriptRefused  ScriptMode = "refused"  // finish reason content_filter
	ScriptTooLong  ScriptMode = "too_long" // 400, context length exceeded
	ScriptCut      ScriptMode = "cut"      // finish reason length
	ScriptBusy     ScriptMode = "429"      // with Retry-After: 1
	ScriptBroken   ScriptMode = "500"      //
	ScriptNoKey    ScriptMode = "401"      //
	ScriptHang     ScriptMode = "hang"     // no answer until the client gives up
	ScriptNothing  ScriptMode = "nothing"  // the connection closes without an answer
	ScriptGarbage  ScriptMode = "garbage"  // status 200 with a body that is not JSON
	ScriptNoSchema ScriptMode = "422"      // rejects json_schema and json_object; good without

	// And those of a stream; asked for an answer in one piece, they are good.
	ScriptBreaksOff ScriptMode = "breaks_off"   // half the words, and the connection closes
	ScriptErrorLate ScriptMode = "error_late"   // half the words, and an error inside the response of status 200
	ScriptErrorHere ScriptMode = "error_here"   // no words, and an error inside the response of status 200
	ScriptKeepAlive ScriptMode = "keep_alive"   // comments, blank lines, named events, no space after data:, no [DONE]
	ScriptHangsHalf ScriptMode = "hangs_half"   // half the words, and nothing more until the client gives up
	ScriptInOne     ScriptMode = "in_one_piece" // an answer that is no stream, though one was asked for
)

// ScriptModes lists every mode of an answer in one piece, for tests that walk them.
var ScriptModes = []ScriptMode{
	ScriptGood, ScriptProse, ScriptHalf, ScriptEmpty, ScriptRange, ScriptTwo, ScriptThink, ScriptRefused, ScriptTooLong,
	ScriptCut, ScriptBusy, ScriptBroken, ScriptNoKey, ScriptHang, ScriptNothing, ScriptGarbage, ScriptNoSchema,
}

// A ScriptRule says how to answer the questions it matches. The first matching rule that is
// not used up answers; with none, [ScriptGood] does.
type ScriptRule struct {
	Contains string     // a part of the conversation; "" matches every question
	Times    int        // answers this many questions; 0 means all
	Mode     ScriptMode // "" is ScriptGood
	Reply    string     // with ScriptGood: the content to answer instead of one made up
}

// A Script is a server that speaks the chat-completions protocol from rules. It is a fake,
// and says so: its models are named scripted-…, any other name is unknown to it.
type Script struct {
	Pace time.Duration // between the pieces of a stream

	server *http.Server
	url    string
	stop   context.CancelFunc

	mu    sync.Mutex
	rules []ScriptRule
	used  []int
	seen  []ScriptRequest
}

// A ScriptRequest is a question the script was asked.
type ScriptRequest struct {
	Model          string    `json:"model"`
	Messages       []Message `json:"messages"`
	Seed           int64     `json:"seed"`
	Stream         bool      `json:"stream"`
	ResponseFormat struct {
		Type       string `json:"type"`
		JSONSchema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
	Authorization string `json:"-"`
}

// StartScript serves rules on a free port of the loopback address until Close.
func StartScript(rules ...ScriptRule) (*Script, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Script{url: "http://" + l.Addr().String() + "/v1", rules: rules, used: make([]int, len(rules)), stop: stop}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", s.models)
	mux.HandleFunc("POST /v1/chat/completions", s.complete)
	s.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go s.server.Serve(l) // returns when Close is called
	return s, nil
}

// Endpoint describes the script for a client, with waits short enough for tests.
func (s *Script) Endpoint() Endpoint {
	return Endpoint{
		BaseURL: s.url, Model: scriptedPrefix + "judge",
		Timeout: 5 * time.Second, Retries: 2, RetryWait: time.Millisecond,
	}
}

// Close ends the server and whatever it left hanging.
func (s *Script) Close() {
	s.stop()
	s.server.Close()
}

// Calls returns how many questions were asked, retries included.
func (s *Script) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// Requests returns the questions asked so far.
func (s *Script) Requests() []ScriptRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// SetRules replaces the rules, so that a server can recover or fall ill.
func (s *Script) SetRules(rules ...ScriptRule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules, s.used = rules, make([]int, len(rules))
}

func (s *Script) models(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, 200, map[string]any{"object": "list", "data": []any{map[string]any{
		"id": scriptedPrefix + "judge", "object": "model", "owned_by": "script",
	}}})
}

// take notes the question and returns the rule that answers it.
func (s *Script) take(q ScriptRequest) ScriptRule {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, q)
	for i, r := range s.rules {
		if r.Times > 0 && s.used[i] >= r.Times {
			continue
		}
		if r.Contains != "" && !slices.ContainsFunc(q.Messages, func(m Message) bool { return strings.Contains(m.Content, r.Contains) }) {
			continue
		}
		s.used[i]++
		return r
	}
	return ScriptRule{}
}

func (s *Script) complete(w http.ResponseWriter, r *http.Request) {
	var q ScriptRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&q); err != nil {
		writeError(w, 400, "invalid_request_error", err.Error())
		return
	}
	q.Authorization = r.Header.Get("Authorization")
	rule := s.take(q)
	if !IsScripted(q.Model) {
		writeError(w, 404, "model_not_found", "this is a scripted server: its models are named scripted-…")
		return
	}
	if s.failed(w, r, q, rule) {
		return
	}
	content, finish, err := scriptContent(q, rule)
	if err != nil {
		writeError(w, 400, "invalid_request_error", err.Error())
		return
	}
	if q.Stream && rule.Mode != ScriptInOne {
		s.stream(w, r, q, rule.Mode, content, finish)
		return
	}
	writeJSON(w, 200, completionOf(q, content, finish))
}

// failed answers the modes in which no completion is made.
func (s *Script) failed(w http.ResponseWriter, r *http.Request, q ScriptRequest, rule ScriptRule) bool {
	switch rule.Mode {
	case ScriptTooLong:
		writeError(w, 400, "context_length_exceeded", "This model's maximum context length is 8 tokens.")
	case ScriptBusy:
		w.Header().Set("Retry-After", "1")
		writeError(w, 429, "rate_limit_exceeded", "too many requests")
	case ScriptBroken:
		writeError(w, 500, "server_error", "something broke")
	case ScriptNoKey:
		writeError(w, 401, "invalid_api_key", "Incorrect API key provided: "+strings.TrimPrefix(q.Authorization, "Bearer "))
	case ScriptHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case ScriptNothing:
		panic(http.ErrAbortHandler)
	case ScriptGarbage:
		w.Write([]byte("<html>proxy error</html>"))
	case ScriptNoSchema:
		if q.ResponseFormat.Type == "" {
			return false
		}
		writeJSON(w, 422, map[string]any{"detail": "Unsupported fields in the request: {'response_format'}"})
	default:
		return false
	}
	return true
}

// scriptContent is what the script says, and the finish reason.
func scriptContent(q ScriptRequest, rule ScriptRule) (content, finish string, err error) {
	good := rule.Reply
	if good == "" {
		if good, err = makeUp(q); err != nil {
			return "", "", err
		}
	}
	switch rule.Mode {
	case "", ScriptGood, ScriptNoSchema, ScriptBreaksOff, ScriptErrorLate, ScriptErrorHere, ScriptKeepAlive, ScriptHangsHalf, ScriptInOne:
		return good, "stop", nil
	case ScriptProse:
		return "这篇文章写得不错，我会给它八分。", "stop", nil
	case ScriptHalf:
		return good[:len(good)/2], "stop", nil
	case ScriptEmpty:
		return "", "stop", nil
	case ScriptRange:
		return outOfRange(good), "stop", nil
	case ScriptTwo:
		return good + "\n" + good, "stop", nil
	case ScriptThink:
		return "<think>先看结构 {再看语言}。</think>\n评分如下：\n```json\n" + good + "\n```\n以上。", "stop", nil
	case ScriptRefused:
		return "", "content_filter", nil
	case ScriptCut:
		return good[:len(good)/2], "length", nil
	}
	return "", "", errors.New("script: unknown mode " + string(rule.Mode))
}

func completionOf(q ScriptRequest, content, finish string) map[string]any {
	prompt := 0
	for _, m := range q.Messages {
		prompt += len([]rune(m.Content))
	}
	return map[string]any{
		"id": "script-" + strconv.FormatInt(q.Seed, 36), "object": "chat.completion", "model": q.Model,
		"system_fingerprint": "scripted",
		"choices": []any{map[string]any{
			"index": 0, "finish_reason": finish, "message": map[string]any{"role": "assistant", "content": content},
		}},
		"usage": map[string]any{"prompt_tokens": prompt, "completion_tokens": len([]rune(content))},
	}
}

func writeError(w http.ResponseWriter, status int, code, msg string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": msg, "type": code, "code": code}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // the client may be gone, which is its own business
}
