package record

import "encoding/json"

// A Generation is a model's answer to a query.
type Generation struct {
	QueryID, Model, Language, Genre string
	Prompt, Reasoning, Output       string
	Tokens                          float64 // completion tokens as the server counted them; 0 when unknown
	Finish                          string  // why it ended: stop, length …
}

// DecodeGeneration reads a record as a generation: query_id, model, language, genre, prompt,
// reasoning, output (response, answer, completion, article), usage.completion_tokens, finish_reason. A
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
			Completion float64 `json:"completion_tokens"`
		}
		if json.Unmarshal(u, &usage) == nil {
			g.Tokens = usage.Completion
		}
	}
	if g.Reasoning == "" {
		g.Reasoning, g.Output = SplitThink(g.Output)
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
