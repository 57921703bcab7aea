package llm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"text/template"

	"github.com/google/jsonschema-go/jsonschema"

	"coigwriter/internal/errs"
)

// A Prompt is a question to a model: a template file with the parts "system" and "user", and
// the type of its reply. Its version is the hash of the file, stored with every call.
type Prompt[Reply any] struct {
	Name string // the file's name without its ending

	// Narrow, when set, changes the reply's schema for one question, as when a field's values
	// come from the data.
	Narrow func(s *jsonschema.Schema, data any)

	hash, text string
	tmpl       *template.Template
}

// A PromptInfo is a prompt to be read: its text, and what its reply must look like.
type PromptInfo struct {
	Name   string          `json:"name"`
	Hash   string          `json:"hash"` // its version
	Text   string          `json:"text"` // of the file
	Schema json.RawMessage `json:"reply"`
}

// Info returns the prompt to be read; the schema is that of a reply to no text in particular.
func (p *Prompt[Reply]) Info() PromptInfo {
	info := PromptInfo{Name: p.Name, Hash: p.hash, Text: p.text}
	if s, err := SchemaOf[Reply](nil); err == nil { // read when the program started
		info.Schema = s.JSON
	}
	return info
}

// MustPrompt reads prompts/<name>.tmpl from files. It panics on a broken template or reply
// type: both are compiled in, so this is a programmer's error at start-up.
func MustPrompt[Reply any](files fs.FS, name string) *Prompt[Reply] {
	p, err := ReadPrompt[Reply](files, name)
	if err != nil {
		panic(err)
	}
	return p
}

// ReadPrompt is [MustPrompt] with an error.
func ReadPrompt[Reply any](files fs.FS, name string) (_ *Prompt[Reply], err error) {
	defer errs.Wrap(&err, "prompt %s", name)
	text, err := fs.ReadFile(files, "prompts/"+name+".tmpl")
	if err != nil {
		return nil, err
	}
	t, err := template.New(name).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	for _, part := range []string{"system", "user"} {
		if t.Lookup(part) == nil {
			return nil, fmt.Errorf("the template does not define %q", part)
		}
	}
	if _, err := SchemaOf[Reply](nil); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return &Prompt[Reply]{Name: name, hash: hex.EncodeToString(sum[:]), text: string(text), tmpl: t}, nil
}

// Hash is the sha256 of the template file in hex: the prompt's version.
func (p *Prompt[Reply]) Hash() string { return p.hash }

// Version is the start of the hash, for people.
func (p *Prompt[Reply]) Version() string { return p.hash[:8] }

// Render fills the template. Whatever in data comes from outside must be [Text], which prints
// itself delimited.
func (p *Prompt[Reply]) Render(data any) (_ []Message, err error) {
	defer errs.Wrap(&err, "prompt %s", p.Name)
	msgs := []Message{{Role: "system"}, {Role: "user"}}
	for i := range msgs {
		var b strings.Builder
		if err := p.tmpl.ExecuteTemplate(&b, msgs[i].Role, data); err != nil {
			return nil, err
		}
		msgs[i].Content = strings.TrimSpace(b.String())
	}
	return msgs, nil
}

// Schema returns the schema of the reply to data.
func (p *Prompt[Reply]) Schema(data any) (*Schema, error) {
	if p.Narrow == nil {
		return SchemaOf[Reply](nil)
	}
	return SchemaOf[Reply](func(s *jsonschema.Schema) { p.Narrow(s, data) })
}
