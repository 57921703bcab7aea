package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ParserVersion changes when [ParseReply] would read a stored reply differently.
const ParserVersion = 1

// ParseReply reads a raw chat completion (the body of a 200 response) as a Reply that the
// schema allows. It is pure: the same bytes always give the same result.
//
// The content may be wrapped in a code fence, follow a <think>…</think> part, or stand in
// prose, as long as it holds exactly one JSON object: with two there is no telling which was
// meant (a text may have talked the model into quoting one). An object is never mended,
// completed or coerced: "8" is not 8, 8.0 is not 8, a name given twice or one the schema does
// not know is bad output. A reply that was cut off is too_long, unless the object was already
// complete (models constrained to JSON may go on with blanks until the limit).
func ParseReply[Reply any](s *Schema, raw []byte) (reply Reply, f *Failure) {
	c, f := decodeCompletion(raw)
	if f != nil {
		return reply, f
	}
	choice := c.Choices[0]
	switch choice.FinishReason {
	case "content_filter":
		return reply, failf(KindRefused, "the provider's filter stopped the reply")
	case "abort", "insufficient_system_resource":
		return reply, failf(KindTransient, "the server gave up (finish reason %s)", choice.FinishReason)
	}
	if r := choice.Message.Refusal; r != nil && *r != "" {
		return reply, failf(KindRefused, "the model refused: %s", clip(*r, 200))
	}
	content := ""
	if choice.Message.Content != nil {
		content = *choice.Message.Content
	}
	reply, err := decodeReply[Reply](s, content)
	switch {
	case err == nil:
		return reply, nil
	case choice.FinishReason == "length":
		return reply, failf(KindTooLong, "the reply was cut off at the token limit: raise max_tokens, or turn thinking off")
	}
	return reply, failf(KindBadOutput, "%v", err)
}

// decodeReply finds the one object in content, holds it against the schema and decodes it.
func decodeReply[Reply any](s *Schema, content string) (reply Reply, err error) {
	object, err := findObject(content)
	if err != nil {
		return reply, err
	}
	if err := noDuplicates(object); err != nil {
		return reply, err
	}
	var loose any
	if err := json.Unmarshal(object, &loose); err != nil {
		return reply, fmt.Errorf("the reply is not JSON: %w", err)
	}
	if err := s.validate(loose); err != nil {
		return reply, fmt.Errorf("the reply breaks its schema: %s", clip(err.Error(), 300))
	}
	if err := json.Unmarshal(object, &reply); err != nil {
		var zero Reply
		return zero, fmt.Errorf("the reply breaks its schema: %w", err)
	}
	return reply, nil
}

// findObject returns the only JSON object in content.
func findObject(content string) ([]byte, error) {
	if !utf8.ValidString(content) {
		return nil, errors.New("the reply is not valid UTF-8")
	}
	rest, err := afterThinking(content)
	if err != nil {
		return nil, err
	}
	if rest == "" {
		return nil, errors.New("the reply is empty")
	}
	var found []byte
	for {
		i := strings.IndexByte(rest, '{')
		if i < 0 {
			break
		}
		rest = rest[i:]
		if !opensObject(rest) {
			rest = rest[1:]
			continue
		}
		var object json.RawMessage
		dec := json.NewDecoder(strings.NewReader(rest))
		if err := dec.Decode(&object); err != nil {
			return nil, fmt.Errorf("the reply holds half JSON or broken JSON: %w", err)
		}
		if found != nil {
			return nil, errors.New("the reply holds more than one JSON object")
		}
		found, rest = object, rest[dec.InputOffset():]
	}
	if found == nil {
		return nil, errors.New("the reply is prose without a JSON object")
	}
	return found, nil
}

// opensObject tells the brace of an object from one in prose: after it comes a name or the end.
// A brace that opens an object and does not parse makes the whole reply bad, since taking an
// inner object of a broken one would be a guess.
func opensObject(s string) bool {
	s = strings.TrimLeft(s[1:], " \t\r\n")
	return s == "" || s[0] == '"' || s[0] == '}'
}

// afterThinking drops a leading thought. Its opening tag may stand in the prompt, so that
// only the closing one is in the reply.
func afterThinking(content string) (string, error) {
	s := strings.TrimSpace(content)
	if strings.HasPrefix(s, "{") {
		return s, nil
	}
	if _, rest, ok := strings.Cut(s, "</think>"); ok {
		return strings.TrimSpace(rest), nil
	}
	if strings.HasPrefix(s, "<think>") {
		return "", errors.New("the reply is a thought without an end")
	}
	return s, nil
}

// noDuplicates refuses an object in which a name occurs twice (decoders would take the last,
// readers the first), and NUL in its strings, which no database text can hold.
func noDuplicates(object []byte) error {
	dec := json.NewDecoder(bytes.NewReader(object))
	type level struct {
		names map[string]bool // nil in a list
		value bool            // a name was read, its value comes next
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the reply is not JSON: %w", err)
		}
		if d, ok := tok.(json.Delim); ok && (d == '}' || d == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if text, ok := tok.(string); ok && strings.ContainsRune(text, 0) {
			return errors.New("the reply holds a NUL character")
		}
		if n := len(stack); n > 0 && stack[n-1].names != nil {
			top := &stack[n-1]
			if name, ok := tok.(string); ok && !top.value {
				if top.names[name] {
					return fmt.Errorf("the reply gives %q twice", clip(name, 40))
				}
				top.names[name], top.value = true, true
				continue
			}
			top.value = false
		}
		switch tok {
		case json.Delim('{'):
			stack = append(stack, level{names: map[string]bool{}})
		case json.Delim('['):
			stack = append(stack, level{})
		}
	}
}
