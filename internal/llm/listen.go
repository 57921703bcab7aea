package llm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// maxEvent bounds one line of a stream.
const maxEvent = 1 << 20

// streams reports whether a response is a stream of events; a server may answer in one piece instead.
func streams(res *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return res.StatusCode == http.StatusOK && kind == "text/event-stream"
}

// A listener hears one streamed answer: it says the words as they come and keeps the whole.
type listener struct {
	say func(Piece)

	said    bool // something was said
	content strings.Builder
	thought strings.Builder
	split   thoughtSplitter
	head    struct {
		ID    string `json:"id"`
		Model string `json:"model"`
	}
	finish string
	usage  json.RawMessage
	events int
	first  time.Duration // until the first word
}

// began reports whether somebody has read a part of the answer; a nil listener hears nothing.
func (l *listener) began() bool { return l != nil && l.said }

// event is the data of one event, as far as we read it.
type event struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Choices []struct {
		FinishReason *string `json:"finish_reason"`
		Delta        struct {
			Content          *string `json:"content"`
			ReasoningContent *string `json:"reasoning_content"`
			Reasoning        any     `json:"reasoning"`
			Refusal          *string `json:"refusal"`
		} `json:"delta"`
	} `json:"choices"`
	Usage json.RawMessage `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// hear reads a stream to its end and returns it as one chat completion, whatever part came. alive is
// called at each sign of life. Servers differ in what stands between the events (comments, blank lines,
// names), in when they send usage, and in whether they say that they are done.
func (l *listener) hear(body io.Reader, alive func()) (whole []byte, f *Failure) {
	*l = listener{say: l.say} // an earlier attempt may have ended before its first word
	start := time.Now()
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 4096), maxEvent)
	done := false
	for f == nil && !done && lines.Scan() {
		alive()
		line := bytes.TrimSpace(lines.Bytes())
		data, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			if len(line) > 0 && line[0] == '{' { // an error that forgot the form of the stream
				f = eventError(line)
			}
			continue
		}
		data = bytes.TrimSpace(data)
		if string(data) == "[DONE]" {
			done = true
			continue
		}
		f = l.take(data, start)
	}
	l.flush()
	if f == nil {
		switch err := lines.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			f = failf(KindBadOutput, "one event of the stream is larger than %d MB", maxEvent>>20)
		case l.finish == "" && err != nil:
			f = failf(KindTransient, "the answer broke off: %s", clip(err.Error(), 200))
		case l.finish == "":
			f = failf(KindTransient, "the answer broke off: the stream ended without saying why")
		case l.finish == "abort" || l.finish == "insufficient_system_resource":
			f = failf(KindTransient, "the server gave up (finish reason %s)", l.finish)
		}
	}
	return l.whole(), f
}

// take reads one event.
func (l *listener) take(data []byte, start time.Time) *Failure {
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return failf(KindBadOutput, "an event of the stream is not JSON: %v", err)
	}
	if len(e.Error) > 0 && string(e.Error) != "null" {
		return eventError(data)
	}
	l.events++
	if e.ID != "" {
		l.head.ID, l.head.Model = e.ID, e.Model
	}
	if len(e.Usage) > 0 && string(e.Usage) != "null" {
		l.usage = bytes.Clone(e.Usage)
	}
	if l.content.Len()+l.thought.Len() > maxBody {
		return failf(KindBadOutput, "the answer is larger than %d MB; its beginning is kept", maxBody>>20)
	}
	if len(e.Choices) == 0 {
		return nil // usage alone
	}
	c := e.Choices[0]
	if c.FinishReason != nil && *c.FinishReason != "" {
		l.finish = *c.FinishReason
	}
	if r := c.Delta.Refusal; r != nil && *r != "" {
		return failf(KindRefused, "the model refused: %s", clip(*r, 200))
	}
	thought := ""
	if c.Delta.ReasoningContent != nil { // some send both names with the same words
		thought = *c.Delta.ReasoningContent
	} else if text, ok := c.Delta.Reasoning.(string); ok {
		thought = text
	}
	if thought != "" {
		l.thought.WriteString(thought)
		l.tell(Piece{Text: thought, Thought: true}, start)
	}
	if text := c.Delta.Content; text != nil && *text != "" {
		l.content.WriteString(*text)
		if l.thought.Len() > 0 { // the server tells thoughts apart: there are no tags to look for
			l.tell(Piece{Text: *text}, start)
			return nil
		}
		for _, p := range l.split.add(*text) {
			l.tell(p, start)
		}
	}
	return nil
}

func (l *listener) tell(p Piece, start time.Time) {
	if !l.said {
		l.said, l.first = true, time.Since(start)
	}
	l.say(p)
}

// flush says what was held back in case it was the beginning of a tag.
func (l *listener) flush() {
	if p := l.split.rest(); p.Text != "" {
		l.tell(p, time.Now())
	}
}

// whole is what was heard, in the form of an answer in one piece. The field stream says what is not in
// such an answer.
func (l *listener) whole() []byte {
	message := map[string]any{"role": "assistant", "content": l.content.String()}
	if l.thought.Len() > 0 {
		message["reasoning_content"] = l.thought.String()
	}
	out := map[string]any{
		"object": "chat.completion", "id": l.head.ID, "model": l.head.Model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": l.finish, "message": message}},
		"stream":  map[string]any{"events": l.events, "first_ms": l.first.Milliseconds()},
	}
	if l.usage != nil {
		out["usage"] = l.usage
	}
	raw, err := json.Marshal(out)
	if err != nil { // usage was JSON, all else is ours
		return nil
	}
	return raw
}

// eventError is an error that comes inside a response of status 200. It may carry the status that was
// meant.
func eventError(data []byte) *Failure {
	var e struct {
		Code  any `json:"code"`
		Error struct {
			Code any `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(data, &e)
	status := 500
	for _, code := range []any{e.Code, e.Error.Code} {
		if n, ok := code.(float64); ok && n >= 400 && n < 600 {
			status = int(n)
		}
	}
	f := httpFailure(status, data)
	f.HTTP = http.StatusOK
	return f
}

// The tags of a thought that stands in the content.
const (
	thinkOpen  = "<think>"
	thinkClose = "</think>"
)

// A thoughtSplitter tells thought from words in a content that comes in pieces, by the tags in it. What
// may be the beginning of a tag is held back until that is known.
type thoughtSplitter struct {
	held    string
	begun   bool // something other than space has come
	thought bool // inside of one
	closed  bool // a thought has ended: what follows are words
}

func (s *thoughtSplitter) add(text string) (out []Piece) {
	s.held += text
	if !s.begun {
		s.held = strings.TrimLeft(s.held, " \t\r\n")
		if len(s.held) < len(thinkOpen) && strings.HasPrefix(thinkOpen, s.held) {
			return nil
		}
		s.begun = true
		s.held, s.thought = strings.CutPrefix(s.held, thinkOpen)
	}
	if s.closed {
		return s.give(len(s.held), out)
	}
	if before, after, ok := strings.Cut(s.held, thinkClose); ok {
		if s.thought {
			out = append(out, Piece{Text: before, Thought: true})
		} else {
			out = append(out, Piece{Text: before}, Piece{Restart: true})
		}
		s.thought, s.closed, s.held = false, true, strings.TrimLeft(after, " \t\r\n")
		return s.give(len(s.held), out)
	}
	return s.give(len(s.held)-tagBegun(s.held), out)
}

// give says the first n bytes of what is held.
func (s *thoughtSplitter) give(n int, out []Piece) []Piece {
	if n > 0 {
		out = append(out, Piece{Text: s.held[:n], Thought: s.thought})
		s.held = s.held[n:]
	}
	return out
}

// rest is what is still held when nothing more comes.
func (s *thoughtSplitter) rest() Piece {
	p := Piece{Text: s.held, Thought: s.thought}
	s.held = ""
	return p
}

// tagBegun is how many bytes at the end may be the beginning of the closing tag.
func tagBegun(text string) int {
	for n := min(len(thinkClose)-1, len(text)); n > 0; n-- {
		if strings.HasPrefix(thinkClose, text[len(text)-n:]) {
			return n
		}
	}
	return 0
}
