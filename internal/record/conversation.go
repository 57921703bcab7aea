package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Conversation is a row of general data: what was asked and answered, in one turn or in several.
type Conversation struct {
	ID, Genre, Language string
	Turns               []Turn
}

// A Turn is what one side says.
type Turn struct {
	Role    string // system, user or assistant
	Text    string
	Thought string // of an assistant, where the row has one
}

// A Shape is one of the forms in which general data comes.
type Shape struct {
	Name   string
	Doc    string
	Fields []string // its fields; the first one tells it from the others
	turns  func(c *Conversation, f *fields) error
}

// Shapes are all forms that [DecodeConversation] reads.
var Shapes = []Shape{
	{"sharegpt", "conversations: a list of {from, value}", []string{"conversations", "system"}, (*Conversation).sharegpt},
	{"messages", "messages: a list of {role, content}", []string{"messages"}, (*Conversation).messages},
	{"alpaca", "instruction, input, output; system and history where there are any", []string{"instruction", "input", "output", "system", "history"}, (*Conversation).alpaca},
	{"prompt-completion", "prompt and completion, texts or lists of {role, content}", []string{"prompt", "completion", "system"}, (*Conversation).promptCompletion},
}

// DecodeConversation reads a row of general data. shape is the name of one of [Shapes], or "" or auto to
// tell it by the fields. names maps our name of a field to the file's, for files that call them otherwise.
// A *BadRecord says what is wrong: a row must open with a question (after a system turn, if there is one),
// take turns, say something in each and end with an answer. Answers that open with a <think> block have it
// taken out as their thought.
func DecodeConversation(raw Raw, shape string, names map[string]string) (c Conversation, err error) {
	f, err := newFields(raw)
	if err != nil {
		return c, err
	}
	if len(names) > 0 {
		was := maps.Clone(f.m)
		for ours, theirs := range names {
			if v, ok := was[theirs]; ok {
				f.m[ours] = v
			}
		}
	}
	c = Conversation{ID: f.text("id"), Genre: f.text("genre"), Language: f.text("language", "lang")}
	for _, s := range Shapes {
		_, has := f.m[s.Fields[0]]
		if shape == s.Name || (has && (shape == "" || shape == "auto")) {
			if !has {
				return c, f.badf(s.Fields[0], "is missing; rows of %s have %s", s.Name, strings.Join(s.Fields, ", "))
			}
			if err = s.turns(&c, f); err == nil {
				err = f.err()
			}
			if err == nil {
				err = c.check(f)
			}
			return c, err
		}
	}
	var docs []string
	for _, s := range Shapes {
		docs = append(docs, s.Doc)
	}
	return c, f.badf("", "has none of the shapes that are read: %s", strings.Join(docs, "; or "))
}

// check holds the turns to their order and splits the thoughts off.
func (c *Conversation) check(f *fields) error {
	want := "user"
	for i := range c.Turns {
		t := &c.Turns[i]
		switch {
		case t.Role == "system" && i == 0:
			continue
		case t.Role == "system":
			return f.badf("", "turn %d is a system turn; only the first can be one", i+1)
		case t.Role != want:
			return f.badf("", "turn %d is the %s's, it should be the %s's: question and answer take turns", i+1, t.Role, want)
		}
		if t.Role == "assistant" && t.Thought == "" {
			t.Thought, t.Text = SplitThink(t.Text)
		}
		if strings.TrimSpace(t.Text) == "" {
			return f.badf("", "turn %d (%s) is empty", i+1, t.Role)
		}
		want = map[string]string{"user": "assistant", "assistant": "user"}[want]
	}
	if n := len(c.Turns); n == 0 || c.Turns[n-1].Role != "assistant" {
		return f.badf("", "has no answer at its end: there is nothing to learn")
	}
	return nil
}

func (c *Conversation) add(role, text, thought string) {
	c.Turns = append(c.Turns, Turn{Role: role, Text: text, Thought: thought})
}

// system puts a system turn first, if the row has a text for it.
func (c *Conversation) system(f *fields) {
	if s := f.text("system"); strings.TrimSpace(s) != "" {
		c.Turns = slices.Insert(c.Turns, 0, Turn{Role: "system", Text: s})
	}
}

func (c *Conversation) alpaca(f *fields) error {
	if v, ok := f.m["history"]; ok {
		var before [][2]string
		if err := json.Unmarshal(v, &before); err != nil {
			return f.badf("history", "must be a list of [question, answer]: %v", err)
		}
		for _, b := range before {
			c.add("user", b[0], "")
			c.add("assistant", b[1], "")
		}
	}
	q := f.text("instruction")
	if in := f.text("input"); strings.TrimSpace(in) != "" {
		q += "\n" + in // as LLaMA-Factory joins them
	}
	c.add("user", q, "")
	c.add("assistant", f.text("output", "response", "completion"), f.text(thoughtNames...))
	c.system(f)
	return nil
}

func (c *Conversation) promptCompletion(f *fields) error {
	prompt, completion := f.m["prompt"], f.m["completion"]
	if len(prompt) > 0 && prompt[0] == '[' {
		if err := c.list(f, "prompt", prompt); err != nil {
			return err
		}
	} else {
		c.add("user", f.text("prompt"), "")
	}
	if len(completion) > 0 && completion[0] == '[' {
		if err := c.list(f, "completion", completion); err != nil {
			return err
		}
	} else {
		c.add("assistant", f.text("completion", "response", "output", "answer"), f.text(thoughtNames...))
	}
	c.system(f)
	return nil
}

func (c *Conversation) sharegpt(f *fields) error {
	err := c.list(f, "conversations", f.m["conversations"])
	if err == nil && (len(c.Turns) == 0 || c.Turns[0].Role != "system") {
		c.system(f)
	}
	return err
}

func (c *Conversation) messages(f *fields) error { return c.list(f, "messages", f.m["messages"]) }

// roles are the names that the sides go by.
var roles = map[string]string{"system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"}

// list adds the turns of a list, in either spelling.
func (c *Conversation) list(f *fields, name string, v json.RawMessage) error {
	var turns []struct {
		From      string  `json:"from"`
		Value     string  `json:"value"`
		Role      string  `json:"role"`
		Content   content `json:"content"`
		Reasoning string  `json:"reasoning_content"`
	}
	if err := json.Unmarshal(v, &turns); err != nil {
		return f.badf(name, "must be a list of {from, value} or {role, content}, all texts: %v", err)
	}
	for _, t := range turns {
		role, ok := roles[t.From+t.Role]
		if !ok {
			return f.badf(name, "has a turn from %q; known are system, human, user, gpt, assistant", cut(t.From+t.Role))
		}
		c.add(role, t.Value+string(t.Content), t.Reasoning)
	}
	return nil
}

// content is a text, or a list of parts that are all texts.
type content string

func (c *content) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '[' {
		return json.Unmarshal(b, (*string)(c))
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		if p.Type != "text" {
			return fmt.Errorf("a part is of type %q; only texts can be trained on", cut(p.Type))
		}
		*c += content(p.Text)
	}
	return nil
}
