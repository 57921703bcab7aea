// Package label lets a model judge how a generation reasons: every unit of it gets one of four labels,
// window by window, and a reflection names the earlier unit that it revises (paper appendix C). Raw
// replies lie in the one store of calls, so that a run that stopped goes on where it was and pays nothing
// twice. What was not judged has no label.
package label

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"

	"coigwriter/internal/analysis"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
)

//go:embed prompts/*.tmpl
var prompts embed.FS

// How many units one question is about, and how many before them it shows.
const (
	window = 20
	before = 3
)

type reply struct {
	Labels  []unitLabel `json:"labels"`
	Summary string      `json:"summary" maxlen:"300"`
}

type unitLabel struct {
	ID       int    `json:"id"`
	Label    string `json:"label" enum:"normal,deep_reasoning,self_exploration,self_reflection"`
	RefersTo *int   `json:"refers_to"`
}

type unit struct {
	ID   int
	Text llm.Text
}

type question struct {
	Summary       llm.Text
	Before, Units []unit
	First, Last   int
}

// behaviour asks for exactly one label for each unit of the window.
var behaviour = func() *llm.Prompt[reply] {
	p := llm.MustPrompt[reply](prompts, "behaviour")
	p.Narrow = func(s *jsonschema.Schema, data any) {
		q, ok := data.(question)
		if !ok {
			return
		}
		labels := s.Properties["labels"]
		n := len(q.Units)
		labels.MinItems, labels.MaxItems = &n, &n
		first, last := float64(q.First), float64(q.Last)
		labels.Items.Properties["id"].Minimum, labels.Items.Properties["id"].Maximum = &first, &last
	}
	return p
}()

// Prompts are those of this package, to be read and tried.
func Prompts() []llm.Info {
	return []llm.Info{behaviour.Info(func(s llm.Sample) (any, error) {
		units := analysis.UnitsOf(record.Generation{Reasoning: s.Reasoning, Output: s.Article})
		q := question{First: 1, Last: min(window, len(units))}
		for i, text := range units[:q.Last] {
			q.Units = append(q.Units, unit{i + 1, llm.Text(text)})
		}
		if q.Last == 0 {
			return nil, errs.Invalidf("there is no text to label: give an article or a line of reasoning")
		}
		return q, nil
	})}
}

// A Label is one judged unit, as it is written to a file of labels.
type Label struct {
	QueryID  string `json:"query_id"`
	Model    string `json:"model"` // whose output it is
	Unit     int    `json:"unit"`  // from 1
	Label    string `json:"label"`
	RefersTo int    `json:"refers_to,omitempty"` // the earlier unit that a reflection revises
	Judge    string `json:"judge"`
	Scripted bool   `json:"scripted,omitempty"` // the judge is the scripted fake
	Prompt   string `json:"prompt"`             // version of the prompt
	CallID   string `json:"call_id"`            // the stored raw reply
}

// Generation judges all units of a generation. An error that is an llm.Failure leaves it without labels:
// labels of a part would shift what position means.
func Generation(ctx context.Context, d *db.DB, c *llm.Client, g record.Generation) ([]Label, error) {
	units := analysis.UnitsOf(g)
	var out []Label
	summary := ""
	for from := 0; from < len(units); from += window {
		to := min(from+window, len(units))
		q := question{Summary: llm.Text(summary), First: from + 1, Last: to}
		for i := max(from-before, 0); i < to; i++ {
			u := unit{i + 1, llm.Text(units[i])}
			if i < from {
				q.Before = append(q.Before, u)
			} else {
				q.Units = append(q.Units, u)
			}
		}
		about := llm.About{Kind: "generation", ID: g.Model + "/" + g.QueryID}
		r, callID, err := llm.Ask(ctx, d, c, behaviour, q, about)
		if err != nil {
			return nil, err
		}
		judged, err := check(r, q)
		if err != nil {
			return nil, fmt.Errorf("call %s: %w", callID, err)
		}
		for _, l := range judged {
			x := Label{
				QueryID: g.QueryID, Model: g.Model, Unit: l.ID, Label: l.Label, Judge: c.Endpoint().Model, Scripted: c.Endpoint().Scripted(),
				Prompt: behaviour.Version(c), CallID: callID,
			}
			if l.RefersTo != nil {
				x.RefersTo = *l.RefersTo
			}
			out = append(out, x)
		}
		summary = r.Summary
	}
	return out, nil
}

// ErrLabels marks a reply that fits the schema and still does not label each unit once.
var ErrLabels = errors.New("the model did not label each unit once")

// check holds a reply against the units that were asked for: each once, in order, and what a reflection
// revises lies before it. A reference that cannot be is dropped; the label stays.
func check(r reply, q question) ([]unitLabel, error) {
	byID := map[int]unitLabel{}
	for _, l := range r.Labels {
		if _, twice := byID[l.ID]; twice || l.ID < q.First || l.ID > q.Last {
			return nil, fmt.Errorf("%w: %d is there twice, or was not asked for", ErrLabels, l.ID)
		}
		byID[l.ID] = l
	}
	out := make([]unitLabel, 0, len(q.Units))
	for _, u := range q.Units {
		l, ok := byID[u.ID]
		if !ok {
			return nil, fmt.Errorf("%w: %d is missing", ErrLabels, u.ID)
		}
		if l.RefersTo != nil && (l.Label != "self_reflection" || *l.RefersTo < 1 || *l.RefersTo >= l.ID) {
			l.RefersTo = nil
		}
		out = append(out, l)
	}
	return out, nil
}
