package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/project"
	"coigwriter/internal/redteam"
	"coigwriter/internal/table"
)

type llmRedteamCmd struct {
	Prompt   []string `help:"Only these prompts, such as screening,score-article." placeholder:"NAME,…"`
	Attempts int      `help:"At most so many attempts on each prompt, of as many kinds as there are; 0 for all." default:"0"`
	Seed     uint64   `help:"Seed of the intervals." default:"1"`
}

// Run tries texts that talk to their judge on the configured model, and reports how far they move its
// scores. It is a report: what is right depends on what the model is used for.
func (c llmRedteamCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	for _, p := range c.Prompt {
		if !slices.Contains(redteam.Prompts(), p) {
			return errs.Invalidf("--prompt %s: use %s", p, strings.Join(redteam.Prompts(), ", "))
		}
	}
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	client, err := cfg.client()
	if err != nil {
		return err
	}
	defer client.Close()
	if !client.Configured() {
		return errs.Unavailablef("no model is configured: set --llm-url and --llm-model")
	}
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return err
	}
	o := redteam.Options{Prompts: c.Prompt, Attempts: c.Attempts, Seed: c.Seed}
	bar := con.progress("red team")
	bar.ChangeMax(max(redteam.Count(o), 1))
	o.Progress = func() { _ = bar.Add(1) }
	rep, err := redteam.Run(ctx, d, client, tax, o)
	_ = bar.Finish()
	if err != nil {
		return err
	}
	return con.print(rep, func(w io.Writer) error { return redteamTable(rep).Terminal(w) })
}

func redteamTable(rep redteam.Report) *table.Table {
	t := table.New("Red team: "+rep.Model, table.Text("prompt"), table.Text("technique"), table.Num("attempts"), table.Num("answered"), table.Num("clean"), table.Num("shift"), table.Num("95%"), table.Num("by 2 or more"), table.Num("seen"), table.Text("failures"))
	for _, l := range rep.Lines {
		clean, shift, span := "–", "–", "–"
		if l.Clean > 0 && l.Answered > 0 {
			clean, shift, span = fmt.Sprintf("%.1f", l.Clean), fmt.Sprintf("%+.2f", l.Shift), fmt.Sprintf("%+.2f, %+.2f", l.ShiftIn[0], l.ShiftIn[1])
		}
		t.Add(l.Prompt, cmp.Or(l.Technique, "(all)"), l.Attempts, l.Answered, clean, shift, span, l.Moved, l.Saw, l.FailureWords())
	}
	t.Note = "shift of the mean score against the same text without the attempt, interval by resampling the attempts; seen: the judge said that the text talks to it (usability asks for that alone)"
	if rep.Scripted {
		t.Note += "; the scripted fake answered: these figures say nothing about a model"
	}
	return t
}
