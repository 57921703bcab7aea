package llm

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// A Schema is what a reply must look like: sent to the server, and held against every reply.
type Schema struct {
	JSON     json.RawMessage // canonical: the same schema is always the same bytes
	resolved *jsonschema.Resolved
}

// SchemaOf derives the schema of a reply struct: every field is required and no other is
// allowed. The tag `jsonschema` is a field's description; `min`, `max` bound a number,
// `enum:"a,b"` lists a string's values, `maxlen` bounds a string in code points and `maxitems`
// a list. narrow, when not nil, changes the schema for one question, as when the values of an
// enum come from a taxonomy.
func SchemaOf[Reply any](narrow func(*jsonschema.Schema)) (*Schema, error) {
	s, err := jsonschema.For[Reply](nil)
	if err != nil {
		return nil, err
	}
	if err := tighten(s, reflect.TypeFor[Reply]()); err != nil {
		return nil, err
	}
	if narrow != nil {
		narrow(s)
	}
	return resolve(s)
}

// ReadSchema reads a schema back from its JSON, as stored with a call.
func ReadSchema(text []byte) (*Schema, error) {
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("reply schema: %w", err)
	}
	return resolve(&s)
}

func resolve(s *jsonschema.Schema) (*Schema, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("reply schema: %w", err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		return nil, fmt.Errorf("reply schema: %w", err)
	}
	return &Schema{JSON: text, resolved: r}, nil
}

// tighten applies the tags of t's fields to s, and takes back the null that the library
// allows for lists: strict servers reject a list of types.
func tighten(s *jsonschema.Schema, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice:
		s.Type, s.Types = "array", nil
		return tighten(s.Items, t.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		p := s.Properties[name]
		if p == nil {
			continue
		}
		if err := tighten(p, f.Type); err != nil {
			return err
		}
		if err := applyTags(p, f.Tag); err != nil {
			return fmt.Errorf("reply field %s: %w", f.Name, err)
		}
	}
	return nil
}

func applyTags(p *jsonschema.Schema, tag reflect.StructTag) error {
	for _, b := range []struct {
		tag string
		dst **float64
	}{{"min", &p.Minimum}, {"max", &p.Maximum}} {
		if text, ok := tag.Lookup(b.tag); ok {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return err
			}
			*b.dst = &v
		}
	}
	for _, b := range []struct {
		tag string
		dst **int
	}{{"maxlen", &p.MaxLength}, {"maxitems", &p.MaxItems}} {
		if text, ok := tag.Lookup(b.tag); ok {
			v, err := strconv.Atoi(text)
			if err != nil {
				return err
			}
			*b.dst = &v
		}
	}
	if text, ok := tag.Lookup("enum"); ok {
		for v := range strings.SplitSeq(text, ",") {
			p.Enum = append(p.Enum, v)
		}
	}
	return nil
}

// validate holds a decoded JSON value against the schema.
func (s *Schema) validate(v any) error { return s.resolved.Validate(v) }
