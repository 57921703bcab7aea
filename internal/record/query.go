package record

import (
	"encoding/json"
	"maps"
)

// A Query is what models are asked.
type Query struct {
	ID          string      `json:"id"`
	Genre       string      `json:"genre"`
	Language    string      `json:"language"`
	Prompt      string      `json:"prompt"` // all that a model is told
	Constraints Constraints `json:"constraints,omitzero"`
	Context     string      `json:"context,omitempty"`    // cultural background, for evaluators; models do not see it
	Difficulty  string      `json:"difficulty,omitempty"` // easy, medium or hard

	Extra map[string]json.RawMessage `json:"-"` // unknown fields
}

// Constraints are what an answer is held to.
type Constraints struct {
	Length Length `json:"length,omitzero"`
	Style  string `json:"style,omitempty"`
	Theme  string `json:"theme,omitempty"`
}

// A Length is the range an answer's length should lie in; a bound of 0 is none.
type Length struct {
	Min  int    `json:"min,omitempty"`
	Max  int    `json:"max,omitempty"`
	Unit string `json:"unit,omitempty"` // characters, words or lines
}

// MarshalJSON writes the query with the fields it came with that we do not know.
func (q Query) MarshalJSON() ([]byte, error) {
	type plain Query
	ours, err := json.Marshal(plain(q))
	if err != nil || len(q.Extra) == 0 {
		return ours, err
	}
	all := maps.Clone(q.Extra)
	if err := json.Unmarshal(ours, &all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// DecodeQuery reads a record as a query: id (query_id, index), genre, language, prompt (query,
// instruction), constraints {length {min, max, unit}, style, theme}, context, difficulty. What a
// constraint or a text is not is refused with its field.
func DecodeQuery(raw Raw) (q Query, err error) {
	f, err := newFields(raw)
	if err != nil {
		return q, err
	}
	q = Query{
		ID: f.text("query_id", "id", "index"), Genre: f.text("genre"), Language: f.text("language", "lang"),
		Prompt: f.text("prompt", "query", "instruction"), Context: f.text("context"), Difficulty: f.text("difficulty"),
	}
	if v, ok := f.m["constraints"]; ok && string(v) != "null" {
		if err := json.Unmarshal(v, &q.Constraints); err != nil {
			return q, f.badf("constraints", "must be {length {min, max, unit}, style, theme}: %v", err)
		}
	}
	delete(f.m, "constraints")
	if len(f.m) > 0 {
		q.Extra = f.m
	}
	return q, f.err()
}
