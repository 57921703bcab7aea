package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/label"
	"coigwriter/internal/llm"
	"coigwriter/internal/screen"
	"coigwriter/internal/table"
	"coigwriter/internal/triplet"
)

type llmPromptCmd struct {
	List llmPromptListCmd `cmd:"" needs:"model" help:"List the prompts with their versions; those of the project's own are marked."`
	Show llmPromptShowCmd `cmd:"" needs:"model" help:"Print a prompt and what its reply must look like."`
	Diff llmPromptDiffCmd `cmd:"" needs:"model" help:"Compare a prompt with ours, or with a version that a model was asked with before."`
	Test llmPromptTestCmd `cmd:"" needs:"model" help:"Fill a prompt with a text and print what a model would be sent; with --send, ask it."`
}

// prompts are all that the program asks models with, in the order of the work, as c asks them.
func prompts(c *llm.Client) []llm.PromptInfo {
	return llm.Infos(c, screen.Prompts(), triplet.Prompts(), label.Prompts(), evaluate.Prompts())
}

// promptOf returns one of them, and the client that asks it.
func promptOf(cfg *Config, name string) (llm.PromptInfo, *llm.Client, error) {
	client, err := cfg.client()
	if err != nil {
		return llm.PromptInfo{}, nil, err
	}
	var names []string
	for _, p := range prompts(client) {
		if p.Name == name {
			return p, client, nil
		}
		names = append(names, p.Name)
	}
	return llm.PromptInfo{}, nil, errs.NotFoundf("there is no prompt %q; there are %s", name, strings.Join(names, ", "))
}

type llmPromptListCmd struct{}

// Run needs no project: ours are part of the program.
func (c llmPromptListCmd) Run(_ context.Context, con *console, cfg *Config) error {
	client, err := cfg.client()
	if err != nil {
		return err
	}
	defer client.Close()
	list := prompts(client)
	return con.print(list, func(w io.Writer) error {
		t := table.New("", table.Text("prompt"), table.Text("version"), table.Text("whose"), table.Text("reply"))
		for _, p := range list {
			reply := strings.Join(fieldsOf(p.Schema), ", ")
			if p.Schema == nil {
				reply = "words"
			}
			t.Add(p.Name, p.Hash[:8], whose(p), reply)
		}
		return t.Terminal(w)
	})
}

func whose(p llm.PromptInfo) string {
	if p.Own {
		return "the project's"
	}
	return "ours"
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
	File bool   `help:"Only the file itself: what to begin with for one of the project's own."`
}

// Run needs no project: ours are part of the program.
func (c llmPromptShowCmd) Run(_ context.Context, con *console, cfg *Config) error {
	p, client, err := promptOf(cfg, c.Name)
	if err != nil {
		return err
	}
	defer client.Close()
	if c.File {
		_, err := io.WriteString(con.out, p.Text)
		return err
	}
	return con.print(p, func(w io.Writer) error {
		reply := "words, for a person to read"
		if p.Schema != nil {
			var schema bytes.Buffer
			if err := json.Indent(&schema, p.Schema, "", "  "); err != nil {
				return err
			}
			reply = schema.String()
		}
		_, err := fmt.Fprintf(w, "%s (%s), version %s\n\n%s\n\nreply:\n%s\n", p.Name, whose(p), p.Hash, strings.TrimSpace(p.Text), reply)
		return err
	})
}

type llmPromptDiffCmd struct {
	Name    string `arg:"" help:"Name of the prompt, as list prints it."`
	Version string `arg:"" optional:"" help:"Start of the version to compare with, as verdicts and calls name it; left out, ours."`
}

// Run compares what is asked now with what stands beside it.
func (c llmPromptDiffCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	p, client, err := promptOf(cfg, c.Name)
	if err != nil {
		return err
	}
	defer client.Close()
	old, from := p.Ours, "ours"
	if c.Version == "" && !p.Own {
		return errs.Invalidf("%s is asked as we ship it: name a version to compare it with, or put a file %s.tmpl in the prompts of the project", p.Name, p.Name)
	}
	if c.Version != "" {
		d, err := cfg.openExisting(ctx)
		if err != nil {
			return err
		}
		defer d.Close()
		v, err := llm.PromptVersionOf(ctx, d, p.Name, c.Version)
		if err != nil {
			return err
		}
		old, from = v.Text, "version "+v.Hash[:8]+", first used "+v.FirstUsed.Format("2006-01-02 15:04")
	}
	text := string(diff.Diff(from, []byte(old), "now, version "+p.Hash[:8], []byte(p.Text)))
	return con.print(map[string]string{"name": p.Name, "from": from, "diff": text}, func(w io.Writer) error {
		if text == "" {
			text = "no difference\n"
		}
		_, err := io.WriteString(w, text)
		return err
	})
}

type llmPromptTestCmd struct {
	Name      string `arg:"" help:"Name of the prompt, as list prints it."`
	Article   string `help:"File with the article; without one, a few lines of ours." placeholder:"FILE"`
	Prompt    string `help:"File with the writing prompt, where it asks about one." placeholder:"FILE"`
	Reasoning string `help:"File with the reasoning, where it asks about one." placeholder:"FILE"`
	Title     string `help:"Title of the article, where it asks about one."`
	Genre     string `help:"Genre, as the prompt shall name it." default:"散文"`
	Send      bool   `help:"Ask the configured model, and print its reply."`
}

// sampleParts are what a prompt is tried on where no file is named.
var sampleParts = llm.Sample{
	Article:   "雨停了，巷口的灯一盏一盏亮起来。\n母亲把面条又捞起来一回，说：再等等，他就回来了。\n水龙头滴答滴答地响，一直响到半夜。",
	Prompt:    "写一个等人的雨夜，三百字以内，不写等的是谁，只写屋里的声音。",
	Reasoning: "先定声音：水龙头是主线，每一段回到它一次。不写等的人，让面条替人说话。结尾收在半夜，不收在重逢。",
}

// Run prints what is sent, so that a change can be read before anybody pays for it.
func (c llmPromptTestCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	p, client, err := promptOf(cfg, c.Name)
	if err != nil {
		return err
	}
	defer client.Close()
	s := sampleParts
	s.Genre, s.Title = c.Genre, c.Title
	for _, part := range []struct {
		file string
		into *string
	}{{c.Article, &s.Article}, {c.Prompt, &s.Prompt}, {c.Reasoning, &s.Reasoning}} {
		if part.file == "" {
			continue
		}
		text, err := os.ReadFile(part.file)
		if err != nil {
			return errs.Invalidf("%w", err)
		}
		*part.into = string(text)
	}
	doc := struct {
		Prompt   string        `json:"prompt"`
		Version  string        `json:"version"`
		Messages []llm.Message `json:"messages"`
		CallID   string        `json:"call_id,omitempty"`
		Reply    any           `json:"reply,omitempty"`
	}{Prompt: p.Name, Version: p.Hash}
	if doc.Messages, err = p.Messages(s); err != nil {
		return err
	}
	if c.Send {
		d, err := cfg.openExisting(ctx)
		if err != nil {
			return err
		}
		defer d.Close()
		if doc.Reply, doc.CallID, err = p.Try(ctx, d, s); err != nil {
			return err
		}
	}
	return con.print(doc, func(w io.Writer) error {
		for _, m := range doc.Messages {
			fmt.Fprintf(w, "── %s\n%s\n\n", m.Role, m.Content)
		}
		if doc.Reply == nil {
			return nil
		}
		if text, ok := doc.Reply.(string); ok {
			_, err := fmt.Fprintf(w, "── reply (call %s)\n%s\n", doc.CallID, text)
			return err
		}
		reply, err := json.MarshalIndent(doc.Reply, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "── reply (call %s)\n%s\n", doc.CallID, reply)
		return err
	})
}
