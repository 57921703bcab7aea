package web

import (
	"net/http"
	"strconv"

	"coigwriter/internal/triplet"
)

// A noteField is one short text of the workspace: an attribute or a facet.
type noteField struct {
	Name string // of the form's field; annotate.<name> is its label, annotate.<name>_help what it asks
	of   func(*triplet.Content) *string
}

// attributeFields are what the annotator finds in the article (step 1).
var attributeFields = []noteField{
	{"theme", func(c *triplet.Content) *string { return &c.Attributes.Theme }},
	{"style", func(c *triplet.Content) *string { return &c.Attributes.Style }},
	{"structure", func(c *triplet.Content) *string { return &c.Attributes.Structure }},
	{"cultural", func(c *triplet.Content) *string { return &c.Attributes.Cultural }},
}

// facetFields are the sides of the reasoning (step 2).
var facetFields = []noteField{
	{"facet_interpretation", func(c *triplet.Content) *string { return &c.Facets.Interpretation }},
	{"facet_structure", func(c *triplet.Content) *string { return &c.Facets.Structure }},
	{"facet_culture", func(c *triplet.Content) *string { return &c.Facets.Culture }},
	{"facet_narrative", func(c *triplet.Content) *string { return &c.Facets.Narrative }},
	{"facet_refinement", func(c *triplet.Content) *string { return &c.Facets.Refinement }},
}

// in returns the field's text in a content.
func (f noteField) in(c triplet.Content) string { return *f.of(&c) }

// checkField is the form's name of a point of the checklist.
func checkField(key string) string { return "check_" + key }

// contentOf reads the workspace's form.
func contentOf(r *http.Request) triplet.Content {
	c := triplet.Content{Prompt: text(r, "prompt"), Reasoning: text(r, "reasoning"), Checks: map[string]bool{}}
	for _, f := range append(attributeFields[:len(attributeFields):len(attributeFields)], facetFields...) {
		*f.of(&c) = text(r, f.Name)
	}
	for _, k := range triplet.Checks {
		if r.FormValue(checkField(k)) != "" {
			c.Checks[k] = true
		}
	}
	if n, err := strconv.Atoi(r.FormValue("pasted")); err == nil && n > 0 {
		c.Pasted = n
	}
	return c
}

// fieldsOf is the inverse of contentOf: the form's fields of a stored content. A point that
// is not ticked is absent, as in a form.
func fieldsOf(c triplet.Content) map[string]string {
	out := map[string]string{"prompt": c.Prompt, "reasoning": c.Reasoning, "pasted": strconv.Itoa(c.Pasted)}
	for _, f := range append(attributeFields[:len(attributeFields):len(attributeFields)], facetFields...) {
		out[f.Name] = f.in(c)
	}
	for _, k := range triplet.Checks {
		if c.Checks[k] {
			out[checkField(k)] = "1"
		}
	}
	return out
}

// ticked counts the points of the checklist that are ticked.
func ticked(c triplet.Content) int {
	n := 0
	for _, k := range triplet.Checks {
		if c.Checks[k] {
			n++
		}
	}
	return n
}
