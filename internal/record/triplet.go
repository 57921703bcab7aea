package record

import (
	"encoding/json"
	"strings"
)

// Scores are the six marks of a score sheet, 1 to 10; 0 where a file has none.
type Scores struct {
	ArticleQuality      int `json:"article_quality"`
	ArticleCreativity   int `json:"article_creativity"`
	PromptQuality       int `json:"prompt_quality"`
	PromptCreativity    int `json:"prompt_creativity"`
	ReasoningQuality    int `json:"reasoning_quality"`
	ReasoningCreativity int `json:"reasoning_creativity"`
}

// A Triplet is a prompt, the writer's reasoning and the article, as files carry it.
type Triplet struct {
	ID, Genre, Language        string
	Prompt, Reasoning, Article string
	Scores                     *Scores
	SourceURL, SourcePlatform  string
	SourcePublished            string
	Extra                      map[string]json.RawMessage // unknown fields
}

// DecodeTriplet reads a record as a triplet, in any of the shapes that are about: our own, the
// released COIG-Writer's (id, query, thought, answer), its older one (reverse_inspiration_prompt,
// reasoning_process, article, metadata.genre), and training data: Alpaca (instruction, input,
// output), prompt and completion, ShareGPT conversations and messages of one question and one
// answer. A <think> block that opens the answer is the reasoning where no field holds it. A
// *BadRecord names the field that is wrong. The reasoning may be empty: general data has none.
func DecodeTriplet(raw Raw) (Triplet, error) {
	f, err := newFields(raw)
	if err != nil {
		return Triplet{}, err
	}
	var t Triplet
	t.ID = f.text("id")
	t.Genre = f.text("genre")
	t.Language = f.text("language", "lang")
	if err := t.texts(f); err != nil {
		return t, err
	}
	if err := t.scores(f); err != nil {
		return t, err
	}
	if v, ok := f.m["source"]; ok {
		var s struct {
			URL       string `json:"url"`
			Platform  string `json:"platform"`
			Published string `json:"published_at"`
		}
		if json.Unmarshal(v, &s) == nil {
			t.SourceURL, t.SourcePlatform, t.SourcePublished = s.URL, s.Platform, s.Published
			delete(f.m, "source")
		}
	}
	if v, ok := f.m["metadata"]; ok && t.Genre == "" {
		var m struct {
			Genre    string `json:"genre"`
			Language string `json:"language"`
		}
		if json.Unmarshal(v, &m) == nil {
			t.Genre = m.Genre
			if t.Language == "" {
				t.Language = m.Language
			}
		}
	}
	if err := f.err(); err != nil {
		return t, err
	}
	for _, p := range []struct{ name, v, aliases string }{
		{"prompt", t.Prompt, "prompt, query, instruction, reverse_inspiration_prompt"},
		{"article", t.Article, "article, answer, output, response, completion"},
	} {
		if p.v == "" {
			return t, f.badf(p.name, "is missing; the names read are %s (or conversations, messages)", p.aliases)
		}
	}
	t.Extra = f.m
	return t, nil
}

// texts takes the three parts.
func (t *Triplet) texts(f *fields) error {
	asked, _, _ := peek(f, "prompt", "query", "instruction")
	t.Prompt = f.text("prompt", "query", "instruction", "reverse_inspiration_prompt")
	t.Reasoning = f.text("reasoning", "thought", "reasoning_process", "think")
	t.Article = f.text("article", "answer", "output", "response", "completion")
	if asked == "instruction" {
		if in := f.text("input"); in != "" {
			t.Prompt += "\n" + in // as LLaMA-Factory joins them
		}
	}
	for _, name := range []string{"conversations", "messages"} {
		if v, ok := f.m[name]; ok && t.Prompt == "" && t.Article == "" {
			if err := t.turns(f, name, v); err != nil {
				return err
			}
		}
	}
	if t.Reasoning == "" {
		t.Reasoning, t.Article = SplitThink(t.Article)
	}
	return nil
}

// turns takes question and answer from a conversation of two turns; a system turn before them
// is kept under "system".
func (t *Triplet) turns(f *fields, name string, v json.RawMessage) error {
	var c Conversation
	if err := c.list(f, name, v); err != nil {
		return err
	}
	for _, x := range c.Turns {
		switch {
		case x.Role == "system":
			f.m["system"], _ = json.Marshal(x.Text) // a text always encodes
		case x.Role == "user" && t.Prompt != "":
			return f.badf(name, "has more than one question; a triplet is one question and one answer")
		case x.Role == "user":
			t.Prompt = x.Text
		case t.Article != "":
			return f.badf(name, "has more than one answer; a triplet is one question and one answer")
		default:
			t.Article = x.Text
			if t.Reasoning == "" {
				t.Reasoning = x.Thought
			}
		}
	}
	delete(f.m, name)
	return nil
}

// SplitThink splits an answer that opens with a <think> block into the reasoning and the rest.
// An answer without a whole block is all article.
func SplitThink(answer string) (reasoning, article string) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(answer, " \t\r\n"), "<think>")
	if !ok {
		return "", answer
	}
	reasoning, article, ok = strings.Cut(rest, "</think>")
	if !ok {
		return "", answer
	}
	return strings.Trim(reasoning, "\r\n"), strings.TrimLeft(article, "\r\n")
}

// WithThought puts a thought before an answer, as [SplitThink] takes it off and as the templates of the
// models that think write it; an answer without a thought stays as it is. Neither may hold the tags.
func WithThought(thought, answer string) string {
	if thought == "" {
		return answer
	}
	return "<think>\n" + thought + "\n</think>\n\n" + answer
}

// HoldsThinkTag reports whether a text holds a tag that begins or ends a thought: in a block it would end
// the thought at the wrong place.
func HoldsThinkTag(s string) bool {
	return strings.Contains(s, "<think>") || strings.Contains(s, "</think>")
}

func (t *Triplet) scores(f *fields) error {
	v, ok := f.m["scores"]
	if !ok {
		return nil
	}
	var s *Scores
	if err := json.Unmarshal(v, &s); err != nil {
		return f.badf("scores", "must be an object of six whole numbers: %v", err)
	}
	t.Scores = s // nil for null
	delete(f.m, "scores")
	return nil
}
