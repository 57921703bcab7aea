package llm

import (
	"context"
	"encoding/json"
	"io/fs"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A Prompt is a question to a model: a file with the parts "system" and "user", and the type of its
// reply. Its version is the hash of the file, stored with every call. A project may put a file of its
// own in the place of ours ([Endpoint.Prompts]).
type Prompt[Reply any] struct {
	Name string // the file's name without its ending

	// Narrow, when set, changes the reply's schema for one question, as when a field's values
	// come from the data.
	Narrow func(s *jsonschema.Schema, data any)

	file *promptFile
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
	file, err := readPromptFile(files, name)
	if err != nil {
		return nil, err
	}
	if _, err := SchemaOf[Reply](nil); err != nil {
		return nil, err
	}
	return &Prompt[Reply]{Name: name, file: file}, nil
}

// Hash is the version with which c asks: the sha256 of the file in hex.
func (p *Prompt[Reply]) Hash(c *Client) string { return c.promptFile(p.file).hash }

// Version is the start of the hash, for people.
func (p *Prompt[Reply]) Version(c *Client) string { return p.Hash(c)[:8] }

// Schema returns the schema of the reply to data.
func (p *Prompt[Reply]) Schema(data any) (*Schema, error) {
	if p.Narrow == nil {
		return SchemaOf[Reply](nil)
	}
	return SchemaOf[Reply](func(s *jsonschema.Schema) { p.Narrow(s, data) })
}

// A Prose is a question whose answer is words, for a person to read ([Stream]).
type Prose struct {
	Name string
	file *promptFile
}

// MustProse is [MustPrompt] for an answer in words.
func MustProse(files fs.FS, name string) *Prose {
	file, err := readPromptFile(files, name)
	if err != nil {
		panic(err)
	}
	return &Prose{name, file}
}

// A Sample is what a prompt is tried on: the parts of a triplet, of which a prompt takes those it asks
// about.
type Sample struct{ Genre, Title, Article, Prompt, Reasoning string }

// A PromptInfo is a prompt to be read and tried.
type PromptInfo struct {
	Name   string          `json:"name"`
	Hash   string          `json:"hash"`            // its version
	Own    bool            `json:"own,omitempty"`   // a file of the project stands in the place of ours
	Text   string          `json:"text"`            // of the file
	Ours   string          `json:"ours,omitempty"`  // with Own: what it stands in the place of
	Schema json.RawMessage `json:"reply,omitempty"` // what its reply must look like; without one it is words

	// Messages are what a model is sent about a sample.
	Messages func(Sample) ([]Message, error) `json:"-"`
	// Try asks the model about a sample and returns its reply, and the ID of the stored call.
	Try func(ctx context.Context, d *db.DB, s Sample) (reply any, callID string, err error) `json:"-"`
}

// An Info describes a prompt as c asks it. A nil client asks with ours.
type Info func(c *Client) PromptInfo

// triedOn is what calls that try a prompt are about.
var triedOn = About{Kind: "prompt"}

// Info describes the prompt; data makes what its template sees of a sample.
func (p *Prompt[Reply]) Info(data func(Sample) (any, error)) Info {
	return func(c *Client) PromptInfo {
		info := p.file.info(c, data)
		if s, err := SchemaOf[Reply](nil); err == nil { // read when the program started
			info.Schema = s.JSON
		}
		info.Try = func(ctx context.Context, d *db.DB, s Sample) (any, string, error) {
			x, err := data(s)
			if err != nil {
				return nil, "", err
			}
			return Ask(ctx, d, c, p, x, About{triedOn.Kind, p.Name})
		}
		return info
	}
}

// Info describes the prompt; data makes what its template sees of a sample.
func (p *Prose) Info(data func(Sample) (any, error)) Info {
	return func(c *Client) PromptInfo {
		info := p.file.info(c, data)
		info.Try = func(ctx context.Context, d *db.DB, s Sample) (any, string, error) {
			x, err := data(s)
			if err != nil {
				return nil, "", err
			}
			said, callID, err := Stream(ctx, d, c, p, x, About{triedOn.Kind, p.Name}, false, func(Piece) {})
			return said.Content, callID, err
		}
		return info
	}
}

// info is what the two kinds of prompt have in common.
func (f *promptFile) info(c *Client, data func(Sample) (any, error)) PromptInfo {
	used := c.promptFile(f)
	info := PromptInfo{Name: f.name, Hash: used.hash, Text: used.text}
	if used != f {
		info.Own, info.Ours = true, f.text
	}
	info.Messages = func(s Sample) ([]Message, error) {
		x, err := data(s)
		if err != nil {
			return nil, err
		}
		return used.render(x)
	}
	return info
}

// Infos describes prompts as c asks them.
func Infos(c *Client, lists ...[]Info) []PromptInfo {
	var out []PromptInfo
	for _, of := range slices.Concat(lists...) {
		out = append(out, of(c))
	}
	return out
}
