package llm

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A sent request, as far as reading a stored reply again needs it.
type sent struct {
	Messages       []Message `json:"messages"`
	ResponseFormat struct {
		JSONSchema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

// Sent returns the messages of a stored call as the model saw them.
func (k *Call) Sent() ([]Message, error) {
	var s sent
	err := json.Unmarshal([]byte(k.Request), &s)
	return s.Messages, err
}

// schema is the schema that a stored request asked its reply to fit: a field of its own, or the
// end of its first message.
func (s *sent) schema() (*Schema, error) {
	raw := s.ResponseFormat.JSONSchema.Schema
	if len(raw) == 0 && len(s.Messages) > 0 {
		if at := strings.LastIndex(s.Messages[0].Content, schemaNote); at >= 0 {
			raw = json.RawMessage(s.Messages[0].Content[at+len(schemaNote):])
		}
	}
	if len(raw) == 0 {
		return nil, errs.Invalidf("the stored request holds no schema")
	}
	return ReadSchema(raw)
}

// Reparse reads the stored reply of a call with the present parser and the schema of its own
// request. It is pure. The error says that there is nothing to read it by, or that there was no
// reply (a status other than 200): then neither reply nor failure means anything.
func (k *Call) Reparse() (reply map[string]any, f *Failure, err error) {
	if k.HTTPStatus != 200 {
		return nil, nil, errs.Invalidf("the call has no reply")
	}
	var s sent
	if err := json.Unmarshal([]byte(k.Request), &s); err != nil {
		return nil, nil, errs.Invalidf("the stored request is not JSON: %w", err)
	}
	schema, err := s.schema()
	if err != nil {
		return nil, nil, err
	}
	// The question without what a repair has added to it, as cutOff measured it when it was asked.
	q := question{schema: schema, messages: s.Messages[:min(2, len(s.Messages))]}
	reply, f = judge[map[string]any](&q, k)
	return reply, f, nil
}

// A Replayed says how the present parser reads the stored replies of one version of a prompt by
// one model, against how they were read before.
type Replayed struct {
	Prompt  string `json:"prompt"`
	Version string `json:"version"` // the hash of the prompt's file
	Model   string `json:"model"`

	Calls      int `json:"calls"`      // with a reply, and not put aside
	Good       int `json:"good"`       // read as good now
	Mended     int `json:"mended"`     // failed before, good now
	Broken     int `json:"broken"`     // good before, failed now
	Other      int `json:"other"`      // another kind or word of failure
	Unreadable int `json:"unreadable"` // nothing to read them by: left as they are
}

// A Change is a stored call that the present parser reads in another way.
type Change struct {
	CallID   string `json:"call_id"`
	Prompt   string `json:"prompt"`
	ItemKind string `json:"item_kind"`
	ItemID   string `json:"item_id"`
	From     string `json:"from"` // a Kind; "" is good
	To       string `json:"to"`
	Detail   string `json:"detail"` // of the failure now
}

// Replay reads every stored reply again, of one prompt or of all (""), and calls nobody. It
// changes nothing; see [Change.Apply].
func Replay(ctx context.Context, d *db.DB, prompt string) (_ []Replayed, _ []Change, err error) {
	defer errs.Wrap(&err, "replay")
	type key struct{ prompt, version, model string }
	groups := map[key]*Replayed{}
	changes := []Change{}
	err = db.Each(ctx, d, func(k *Call) error {
		id := key{k.Prompt, k.PromptHash, k.Model}
		r := groups[id]
		if r == nil {
			r = &Replayed{Prompt: k.Prompt, Version: k.PromptHash, Model: k.Model}
			groups[id] = r
		}
		r.Calls++
		_, f, err := k.Reparse()
		if err != nil {
			r.Unreadable++
			return nil
		}
		if c, changed := r.take(k, f); changed {
			changes = append(changes, c)
		}
		return nil
	}, `SELECT * FROM llm_call WHERE http_status = 200 AND failure <> ? AND (? = '' OR prompt = ?) ORDER BY id`, setAside, prompt, prompt)
	if err != nil {
		return nil, nil, err
	}
	out := []Replayed{}
	for _, r := range groups {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Replayed) int {
		return cmp.Or(cmp.Compare(a.Prompt, b.Prompt), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Model, b.Model))
	})
	return out, changes, nil
}

// take counts one reading.
func (r *Replayed) take(k *Call, f *Failure) (Change, bool) {
	c := Change{CallID: k.ID, Prompt: k.Prompt, ItemKind: k.ItemKind, ItemID: k.ItemID, From: k.Failure}
	if f != nil {
		c.To, c.Detail = string(f.Kind), f.Message
	}
	if c.To == "" {
		r.Good++
	}
	switch {
	case c.From == c.To && k.FailureDetail == c.Detail:
		return c, false
	case c.To == "":
		r.Mended++
	case c.From == "":
		r.Broken++
	default:
		r.Other++
	}
	return c, true
}

// Apply writes the new reading to the call, unless somebody has put it aside or read it anew
// meanwhile; applied says whether. The caller records who did it, in the same transaction.
func (c Change) Apply(ctx context.Context, tx *db.DB) (applied bool, err error) {
	defer errs.Wrap(&err, "replay of call %s", c.CallID)
	n, err := tx.Exec(ctx, `UPDATE llm_call SET failure = ?, failure_detail = ? WHERE id = ? AND failure = ?`, c.To, c.Detail, c.CallID, c.From)
	return n > 0, err
}
