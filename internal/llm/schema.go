package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

// A Schema is what a reply must look like: sent to the server, and held against every reply.
type Schema struct {
	JSON     json.RawMessage // canonical: the same schema is always the same bytes
	resolved *jsonschema.Resolved
	fields   []field // of an object, in order
}

// A field is one property of the reply, to name what is wrong with it.
type field struct {
	name     string
	resolved *jsonschema.Resolved
}

// SchemaOf derives the schema of a reply struct: every field is required and no other is
// allowed. The tag `jsonschema` is a field's description; `min`, `max` bound a number,
// `enum:"a,b"` lists a string's values, `maxlen` bounds a string in code points and `maxitems`
// a list. narrow, when not nil, changes the schema for one question, as when the values of an
// enum come from a taxonomy.
func SchemaOf[Reply any](narrow func(*jsonschema.Schema)) (*Schema, error) {
	if narrow == nil {
		t := reflect.TypeFor[Reply]()
		if known, ok := schemas.Load(t); ok {
			return known.(*Schema), nil
		}
		s, err := schemaOf[Reply](nil)
		if err == nil {
			schemas.Store(t, s)
		}
		return s, err
	}
	return schemaOf[Reply](narrow)
}

// schemas are those of whole reply types, of which there are as many as prompts: deriving one costs
// more than all the rest of a question.
var schemas sync.Map

func schemaOf[Reply any](narrow func(*jsonschema.Schema)) (*Schema, error) {
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
	out := &Schema{JSON: text, resolved: r}
	for _, name := range s.Required {
		p := s.Properties[name]
		if p == nil {
			continue
		}
		pr, err := p.CloneSchemas().Resolve(nil)
		if err != nil {
			return nil, fmt.Errorf("reply schema: %s: %w", name, err)
		}
		out.fields = append(out.fields, field{name, pr})
	}
	return out, nil
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

// validate holds a decoded JSON value against the schema. The library walks a map, so the
// first error it finds changes from run to run; the message must not, because it is stored and
// shown to the model.
func (s *Schema) validate(v any) error {
	err := s.resolved.Validate(v)
	object, ok := v.(map[string]any)
	if err == nil || !ok {
		return err
	}
	var bad []string
	for _, f := range s.fields {
		value, given := object[f.name]
		if !given {
			bad = append(bad, f.name+" is missing")
		} else if err := f.resolved.Validate(value); err != nil {
			bad = append(bad, f.name+": "+lastPart(err))
		}
		delete(object, f.name)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		bad = append(bad, clip(name, 40)+" is not a field")
	}
	if len(bad) == 0 {
		return err
	}
	return errors.New(strings.Join(bad, "; "))
}

// lastPart drops the library's trail of places, of which the field's name is enough.
func lastPart(err error) string {
	_, msg, ok := strings.Cut(err.Error(), "validating root: ")
	if !ok {
		msg = err.Error()
	}
	return clip(msg, 120)
}
