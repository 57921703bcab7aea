package llm

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// stream sends content piece by piece, as servers do, or as they should not.
func (s *Script) stream(w http.ResponseWriter, r *http.Request, q ScriptRequest, mode ScriptMode, content, finish string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	send := func(format string, a ...any) {
		fmt.Fprintf(w, format, a...)
		w.(http.Flusher).Flush()
	}
	event := func(v any) {
		text, _ := json.Marshal(v) // ours
		if mode == ScriptKeepAlive {
			send(": keep-alive\n\n\nevent: chunk\ndata:%s\n\n", text)
			return
		}
		send("data: %s\n\n", text)
	}
	chunk := func(delta map[string]any, finish any) {
		event(map[string]any{
			"id": "script", "object": "chat.completion.chunk", "model": q.Model,
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}},
		})
	}
	if mode == ScriptErrorHere {
		event(map[string]any{"error": map[string]any{"message": "The request queue is full."}, "code": 503})
		return
	}
	chunk(map[string]any{"role": "assistant", "content": nil}, nil)
	pieces := piecesOf(content)
	for i, piece := range pieces {
		if i == len(pieces)/2 {
			switch mode {
			case ScriptBreaksOff:
				panic(http.ErrAbortHandler)
			case ScriptErrorLate:
				event(map[string]any{"error": map[string]any{"message": "something broke", "code": 500}})
				return
			case ScriptHangsHalf:
				<-r.Context().Done()
				return
			}
		}
		chunk(map[string]any{"content": piece}, nil)
		if s.Pace > 0 {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(s.Pace):
			}
		}
	}
	chunk(map[string]any{}, finish)
	usage := completionOf(q, content, finish)["usage"]
	event(map[string]any{"id": "script", "object": "chat.completion.chunk", "model": q.Model, "choices": []any{}, "usage": usage})
	if mode != ScriptKeepAlive {
		send("data: [DONE]\n\n")
	}
}

// piecesOf cuts a content into pieces of a few characters, as tokens are.
func piecesOf(content string) []string {
	var out []string
	runes := []rune(content)
	for i := 0; i < len(runes); i += 3 {
		out = append(out, string(runes[i:min(i+3, len(runes))]))
	}
	return out
}

// numbered finds the numbered paragraphs of a text in a question.
var numbered = regexp.MustCompile(`(?m)^¶(\d+) (.+)$`)

// makeUpWords answers where words are asked for: that it is a script, and, where paragraphs are
// numbered, a few of them, so that a page has something to cite.
func makeUpWords(q ScriptRequest) string {
	var asked string
	for _, m := range q.Messages {
		asked += m.Content + "\n"
	}
	found := numbered.FindAllStringSubmatch(asked, -1)
	if len(found) == 0 {
		return scriptNote
	}
	hash := sha256.Sum256([]byte(asked))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n这里只示范模型的帮助会是什么样子：按段落说话，并注明段号。\n", scriptNote)
	for i := range min(3, len(found)) {
		p := found[(int(hash[0])+i)%len(found)]
		first, _, _ := strings.Cut(p[2], "。")
		fmt.Fprintf(&b, "\n[¶%s] 这一段从“%s”写起，可以想一想它在全文里担着什么。\n", p[1], clip(first, 18))
	}
	return b.String()
}
