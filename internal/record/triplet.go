package record

import (
	"encoding/json"
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

// DecodeTriplet reads a record as a triplet: our own shape, the released COIG-Writer's (id,
// query, thought, answer), its older one (reverse_inspiration_prompt, reasoning_process,
// article, metadata.genre), and instruction data (instruction, output). A *BadRecord names
// the field that is wrong. The reasoning may be empty: instruction data has none.
func DecodeTriplet(raw Raw) (Triplet, error) {
	f, err := newFields(raw)
	if err != nil {
		return Triplet{}, err
	}
	var t Triplet
	t.ID = f.text("id")
	t.Genre = f.text("genre")
	t.Language = f.text("language", "lang")
	t.Prompt = f.text("prompt", "query", "instruction", "reverse_inspiration_prompt")
	t.Reasoning = f.text("reasoning", "thought", "reasoning_process", "think")
	t.Article = f.text("article", "answer", "output", "response")
	if v, ok := f.m["scores"]; ok {
		var s Scores
		if err := json.Unmarshal(v, &s); err != nil {
			return t, f.badf("scores", "must be an object of six whole numbers: %v", err)
		}
		t.Scores = &s
		delete(f.m, "scores")
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
	for _, p := range []struct{ name, v string }{{"prompt", t.Prompt}, {"article", t.Article}} {
		if p.v == "" {
			return t, f.badf(p.name, "is missing; the names read are %s", aliases[p.name])
		}
	}
	t.Extra = f.m
	return t, nil
}

var aliases = map[string]string{
	"prompt":  "prompt, query, instruction, reverse_inspiration_prompt",
	"article": "article, answer, output, response",
}
