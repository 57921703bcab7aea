package llm

import "strings"

// Said is what a model answered, its thought apart from its words, whichever way the server has of
// telling them apart.
type Said struct {
	Thought string // "" where there is none, or the server hides it
	Content string
	Finish  string // why it ended: stop, length …
	// Unfinished is set where the thought never ended: then there is no content.
	Unfinished bool
}

// SaidIn reads a raw chat completion (the body of a 200 response): the thought stands in
// reasoning_content or reasoning, or inline before a closing </think>, whose opening tag may be in
// the prompt and so be missing.
func SaidIn(raw []byte) (s Said, f *Failure) {
	c, f := decodeCompletion(raw)
	if f != nil {
		return s, f
	}
	m := c.Choices[0].Message
	s.Finish, s.Thought = c.Choices[0].FinishReason, m.ReasoningContent
	if text, ok := m.Reasoning.(string); ok && s.Thought == "" {
		s.Thought = text
	}
	if m.Content != nil {
		s.Content = strings.TrimSpace(*m.Content)
	}
	if s.Thought != "" {
		s.Unfinished = s.Content == "" && s.Finish == "length"
		return s, nil
	}
	switch thought, rest, ok := strings.Cut(s.Content, "</think>"); {
	case ok && !strings.HasPrefix(s.Content, "{"):
		s.Thought, s.Content = strings.TrimSpace(strings.TrimPrefix(thought, "<think>")), strings.TrimSpace(rest)
	case strings.HasPrefix(s.Content, "<think>"):
		s.Thought, s.Content, s.Unfinished = strings.TrimSpace(strings.TrimPrefix(s.Content, "<think>")), "", true
	}
	return s, nil
}
