package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/label"
	"coigwriter/internal/llm"
	"coigwriter/internal/screen"
	"coigwriter/internal/table"
	"coigwriter/internal/triplet"
)

type llmPromptCmd struct {
	List llmPromptListCmd `cmd:"" help:"List the prompts with their versions."`
	Show llmPromptShowCmd `cmd:"" help:"Print a prompt and what its reply must look like."`
}

// prompts are all that the program asks models with, in the order of the work.
func prompts() []llm.PromptInfo {
	return slices.Concat(screen.Prompts(), triplet.Prompts(), label.Prompts())
}

type llmPromptListCmd struct{}

// Run needs no project: the prompts are part of the program.
func (c llmPromptListCmd) Run(_ context.Context, con *console) error {
	return con.print(prompts(), func(w io.Writer) error {
		t := table.New("", table.Text("prompt"), table.Text("version"), table.Text("reply"))
		for _, p := range prompts() {
			t.Add(p.Name, p.Hash[:8], strings.Join(fieldsOf(p.Schema), ", "))
		}
		return t.Terminal(w)
	})
}

// fieldsOf lists the fields of a reply in order.
func fieldsOf(schema json.RawMessage) []string {
	var s struct {
		Required []string `json:"required"`
	}
	_ = json.Unmarshal(schema, &s) // ours
	return s.Required
}

type llmPromptShowCmd struct {
	Name string `arg:"" help:"Name of the prompt, as list prints it."`
}

// Run needs no project: the prompts are part of the program.
func (c llmPromptShowCmd) Run(_ context.Context, con *console) error {
	var names []string
	for _, p := range prompts() {
		if p.Name != c.Name {
			names = append(names, p.Name)
			continue
		}
		return con.print(p, func(w io.Writer) error {
			var schema bytes.Buffer
			if err := json.Indent(&schema, p.Schema, "", "  "); err != nil {
				return err
			}
			_, err := fmt.Fprintf(w, "%s, version %s\n\n%s\n\nreply:\n%s\n", p.Name, p.Hash, strings.TrimSpace(p.Text), schema.String())
			return err
		})
	}
	return errs.NotFoundf("there is no prompt %q; there are %s", c.Name, strings.Join(names, ", "))
}
