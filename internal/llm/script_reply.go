package llm

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// scriptNote is what the script writes wherever a schema asks for words.
const scriptNote = "（脚本生成的示例，不是模型的判断）"

// makeUp answers a question from its schema: the same question always gets the same reply.
// Scores gather around a level drawn from the hash of the text, mostly good, sometimes poor,
// so that a sample project has both.
func makeUp(q ScriptRequest) (string, error) {
	text := q.schema()
	if text == nil { // words were asked for, and not JSON
		return makeUpWords(q), nil
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return "", err
	}
	var asked string
	if n := len(q.Messages); n > 1 {
		asked = q.Messages[1].Content
	} else if n == 1 {
		asked = q.Messages[0].Content
	}
	m := inventor{text: asked, hash: sha256.Sum256([]byte(asked))}
	m.level = []int{9, 8, 8, 8, 7, 8, 9, 4}[m.hash[0]%8]
	out, err := json.Marshal(m.value("", &s))
	return string(out), err
}

// schema finds the schema in the request, or in the first message where servers take none; nil
// without one.
func (q ScriptRequest) schema() json.RawMessage {
	if s := q.ResponseFormat.JSONSchema.Schema; len(s) > 0 {
		return s
	}
	for _, m := range q.Messages {
		if _, s, ok := strings.Cut(m.Content, schemaNote); ok {
			return json.RawMessage(s)
		}
	}
	return nil
}

// inventor makes values up from a hash.
type inventor struct {
	text  string
	hash  [32]byte
	level int // around which scores gather, 1-10
	drawn int
}

func (m *inventor) draw(n int) int {
	m.drawn++
	return int(m.hash[m.drawn%len(m.hash)]) % n
}

func (m *inventor) value(name string, s *jsonschema.Schema) any {
	if len(s.Enum) > 0 {
		return m.choose(s.Enum)
	}
	if slices.Contains(s.Types, "null") {
		return nil
	}
	switch s.Type {
	case "object":
		return m.object(s)
	case "array":
		return m.array(name, s)
	case "integer", "number":
		lo, hi := 0, 10
		if s.Minimum != nil {
			lo = int(*s.Minimum)
		}
		if s.Maximum != nil {
			hi = int(*s.Maximum)
		}
		return min(hi, max(lo, m.level+m.draw(2)))
	case "boolean":
		return false
	}
	words := []rune(scriptNote)
	if s.MaxLength != nil {
		words = words[:min(len(words), *s.MaxLength)]
	}
	return string(words)
}

// array makes as many items as are asked for; items that have a numbered id are numbered.
func (m *inventor) array(name string, s *jsonschema.Schema) any {
	n := 1
	if s.MinItems != nil {
		n = *s.MinItems
	}
	out := make([]any, n)
	for i := range out {
		out[i] = m.value(name, s.Items)
		if id := s.Items.Properties["id"]; id != nil && id.Minimum != nil {
			out[i].(map[string]any)["id"] = int(*id.Minimum) + i
		}
	}
	return out
}

func (m *inventor) object(s *jsonschema.Schema) any {
	out := map[string]any{}
	for _, name := range s.Required { // in the order of the struct
		if p := s.Properties[name]; p != nil {
			out[name] = m.value(name, p)
		}
	}
	return out
}

// choose takes a value the text itself names, as when it says its genre; else yes, for a good
// text; else the hash decides.
func (m *inventor) choose(values []any) any {
	for _, v := range values {
		name, _ := v.(string)
		if len(name) > 4 && strings.Contains(m.text, name) {
			return v
		}
		if name == "yes" && m.level > 5 {
			return v
		}
	}
	return values[m.draw(len(values))]
}

// outOfRange multiplies every number of a reply by ten.
func outOfRange(reply string) string {
	var v map[string]any
	if json.Unmarshal([]byte(reply), &v) != nil {
		return `{"score": 80}`
	}
	for k, x := range v {
		switch x := x.(type) {
		case float64:
			v[k] = x*10 + 10
		case string:
			v[k] = x + "?"
		}
	}
	out, _ := json.Marshal(v)
	return string(out)
}
