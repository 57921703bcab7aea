package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/table"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

type llmLedgerCmd struct {
	By    string `help:"Group by: ${enum}." enum:"stage,model,person,day" default:"stage"`
	Since string `help:"Only calls from this day on, such as 2026-03-01." placeholder:"DATE"`
	Until string `help:"Only calls before this day." placeholder:"DATE"`
	Only  string `help:"Only calls of this model." name:"only-model" placeholder:"NAME"`
}

// Run adds up the stored calls; prices come from coigwriter.toml.
func (c llmLedgerCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	f := llm.Filter{Model: c.Only, Zone: project.Zone}
	for _, day := range []struct {
		flag, value string
		dst         *time.Time
	}{{"since", c.Since, &f.Since}, {"until", c.Until, &f.Until}} {
		if day.value == "" {
			continue
		}
		t, err := dateOf(day.value)
		if err != nil {
			return usagef("--%s: %v", day.flag, err)
		}
		*day.dst = t
	}
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	doc, err := triplet.LedgerOf(ctx, d, cfg.LLM.Prices, f, llm.By(c.By))
	if err != nil {
		return err
	}
	names, err := user.Names(ctx, d)
	if err != nil {
		return err
	}
	return con.print(doc, func(w io.Writer) error { return ledgerTable(doc, names).Terminal(w) })
}

func ledgerTable(doc triplet.Ledger, names map[string]string) *table.Table {
	t := table.New("", table.Text(string(doc.By)), table.Num("calls"), table.Num("failed"), table.Num("prompt"), table.Num("cached"),
		table.Num("completion"), table.Num("reasoning"), table.Num("time"), table.Num("cost"))
	row := func(name string, e llm.Entry) {
		t.Add(name, e.Calls, e.Failed, e.Tokens.Prompt, e.Cached, e.Completion, e.Reasoning, took(e.DurationMS), e.CostWords("en"))
	}
	for _, e := range doc.Lines {
		row(lineName(doc.By, e, names), e)
	}
	if len(doc.Lines) > 1 {
		row("all", doc.Total)
	}
	t.Note = strings.Join(ledgerNotes(doc), "; ")
	return t
}

// lineName is what a line of the ledger is about.
func lineName(by llm.By, e llm.Entry, names map[string]string) string {
	name := ""
	switch by {
	case llm.ByStage:
		name = strings.TrimPrefix(e.ItemKind+" / "+e.Prompt, " / ")
	case llm.ByModel:
		name = e.Model
	case llm.ByDay:
		name = e.Day
	case llm.ByPerson:
		name = cmp.Or(names[e.Person], e.Person, "(runs)")
	}
	switch {
	case e.Scripted > 0 && e.Scripted == e.Calls:
		name += " (scripted)"
	case e.Scripted > 0:
		name += fmt.Sprintf(" (%d scripted)", e.Scripted)
	}
	return name
}

// took is a sum of times for people.
func took(ms int64) string { return (time.Duration(ms) * time.Millisecond).Round(time.Second).String() }

func ledgerNotes(doc triplet.Ledger) []string {
	var notes, kinds []string
	if s := doc.Triplet.Words("en"); s != "" {
		notes = append(notes, s)
	}
	for _, k := range doc.Total.ByKind() {
		kinds = append(kinds, fmt.Sprintf("%s %d", k.Failure, k.Count))
	}
	if len(kinds) > 0 {
		notes = append(notes, "failed: "+strings.Join(kinds, ", "))
	}
	return append(notes, doc.Total.Notes("en")...)
}
