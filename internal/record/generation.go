package record

import (
	"encoding/json"
	"regexp"
	"strings"
)

// A Generation is a model's answer to a query.
type Generation struct {
	QueryID, Model, Language, Genre string
	Prompt, Reasoning, Output       string
	Tokens                          float64 // completion tokens as the server counted them; 0 when unknown
	Finish                          string  // why it ended: stop, length …
	Sample                          int     // which of the model's answers to the query, 0 the first
	Thought                         string  // how the reasoning was marked in the output: see SplitThought; "" for whole or none

	// What files of ours say besides.
	PromptTokens float64
	Failure      string          // why there is no output
	Settings     json.RawMessage // the request's fields; nil when unknown
	Scripted     bool            // by the scripted fake
}

// How a thought was marked, where not by a whole <think> block.
const (
	ThoughtNoOpening = "no_opening" // the output begins inside the thought
	ThoughtUnclosed  = "unclosed"   // it never ends: there is no output
	ThoughtStray     = "stray"      // further closing marks stand in the output; they are taken out
)

var thinkMark = regexp.MustCompile(`(?i)<\s*(/?)\s*think(?:ing)?\s*>`)

// SplitThought splits a raw output into the thought and the rest. A closing mark without an opening one
// ends a thought that began with the output; one that never closes is all thought; closing marks that are
// left over are taken out. how is one of the constants, or "".
func SplitThought(output string) (thought, rest, how string) {
	marks := thinkMark.FindAllStringSubmatchIndex(output, -1)
	if len(marks) == 0 {
		return "", output, ""
	}
	closes := func(m []int) bool { return m[3] > m[2] }
	first := marks[0]
	begin := 0
	switch {
	case closes(first):
		how = ThoughtNoOpening
	case strings.TrimSpace(output[:first[0]]) == "":
		begin = first[1]
	default: // a mark in the middle of an answer is part of it
		return "", output, ""
	}
	end := -1
	for _, m := range marks {
		if closes(m) && m[0] >= begin {
			end = m[0]
			rest = output[m[1]:]
			break
		}
	}
	if end < 0 {
		return strings.TrimSpace(output[begin:]), "", ThoughtUnclosed
	}
	thought = strings.TrimSpace(thinkMark.ReplaceAllString(output[begin:end], ""))
	if again := thinkMark.FindAllStringSubmatchIndex(rest, -1); len(again) > 0 {
		stray := true
		for _, m := range again {
			stray = stray && closes(m)
		}
		if stray {
			rest = thinkMark.ReplaceAllString(rest, "")
			if how == "" {
				how = ThoughtStray
			}
		}
	}
	return thought, strings.TrimLeft(rest, "\r\n"), how
}

// DecodeGeneration reads a record as a generation: query_id, model, language, genre, prompt,
// reasoning, output (response, answer, completion, article), usage.completion_tokens, finish_reason, sample. A
// <think> block that opens the output is the reasoning where no field holds it. A record without a model
// takes the one given; an output that is not there is refused, an empty one is kept.
func DecodeGeneration(raw Raw, model string) (Generation, error) {
	f, err := newFields(raw)
	if err != nil {
		return Generation{}, err
	}
	g := Generation{
		QueryID: f.text("query_id", "index", "question_id", "id"), Model: f.text("model", "generator", "model_id"), Language: f.text("language", "lang"), Genre: f.text("genre"),
		Prompt: f.text("prompt", "query", "instruction"), Reasoning: f.text("reasoning", "thought", "reasoning_content"), Finish: f.text("finish_reason"),
		Sample: int(f.number("sample")), Failure: f.text("failure"), Thought: f.text("reasoning_mark"),
	}
	name, v, ok := f.take("output", "response", "answer", "completion", "article")
	if ok && json.Unmarshal(v, &g.Output) != nil {
		return g, f.badf(name, "is %s, must be a text", kindOf(v))
	}
	if err := f.err(); err != nil {
		return g, err
	}
	if !ok {
		return g, f.badf("output", "is missing; the names read are output, response, answer, completion, article")
	}
	if g.Model == "" {
		g.Model = model
	}
	if u, ok := f.m["usage"]; ok {
		var usage struct {
			Prompt     float64 `json:"prompt_tokens"`
			Completion float64 `json:"completion_tokens"`
		}
		if json.Unmarshal(u, &usage) == nil {
			g.PromptTokens, g.Tokens = usage.Prompt, usage.Completion
		}
	}
	if s := f.m["settings"]; len(s) > 0 && s[0] == '{' {
		g.Settings = s
	}
	g.Scripted = string(f.m["scripted"]) == "true"
	if g.Reasoning == "" {
		g.Reasoning, g.Output, g.Thought = SplitThought(g.Output)
	}
	return g, nil
}

// MainText returns the text of a record of any kind: text, article or output, under the names they go
// by; id may be empty.
func MainText(raw Raw) (id, s string, err error) {
	f, err := newFields(raw)
	if err != nil {
		return "", "", err
	}
	id = f.text("id", "query_id", "index")
	name, v, ok := f.take("text", "article", "output", "content", "body", "answer", "response", "completion")
	if err := f.err(); err != nil {
		return id, "", err
	}
	if !ok || json.Unmarshal(v, &s) != nil {
		return id, "", f.badf(name, "is missing or no text; the names read are text, article, output, content, body, answer, response, completion")
	}
	return id, s, nil
}

// A Label is what a judge calls one unit of a generation.
type Label struct {
	QueryID  string `json:"query_id"`
	Model    string `json:"model"`
	Unit     int    `json:"unit"` // from 1
	Label    string `json:"label"`
	RefersTo int    `json:"refers_to"` // the earlier unit that a reflection revises; 0 where none is named
	Judge    string `json:"judge"`     // "" for a person
	Scripted bool   `json:"scripted"`  // the judge is the scripted fake
}

// DecodeLabel reads a record as a label.
func DecodeLabel(raw Raw) (Label, error) {
	f, err := newFields(raw)
	if err != nil {
		return Label{}, err
	}
	l := Label{QueryID: f.text("query_id", "id"), Model: f.text("model"), Unit: int(f.number("unit")), Label: f.text("label"), RefersTo: int(f.number("refers_to")), Judge: f.text("judge")}
	if v, ok := f.m["scripted"]; ok {
		l.Scripted = string(v) == "true"
	}
	if err := f.err(); err != nil {
		return l, err
	}
	if l.QueryID == "" || l.Label == "" {
		return l, f.badf("label", "query_id and label must both be given")
	}
	if l.RefersTo < 0 || l.RefersTo > 0 && l.RefersTo >= l.Unit {
		return l, f.badf("refers_to", "is %d; a reflection revises an earlier unit than its own, %d", l.RefersTo, l.Unit)
	}
	return l, nil
}
