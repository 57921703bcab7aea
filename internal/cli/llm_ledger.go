package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
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

type ledgerDoc struct {
	By      string        `json:"by"`
	Lines   []llm.Entry   `json:"lines"`
	Total   llm.Entry     `json:"total"`
	Triplet triplet.Costs `json:"per_accepted_triplet"`
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
	doc := ledgerDoc{By: c.By}
	if doc.Lines, err = llm.Ledger(ctx, d, cfg.LLM.Prices, f, llm.By(c.By)); err != nil {
		return err
	}
	doc.Total = llm.Total(doc.Lines)
	if doc.Triplet, err = triplet.CostsOf(ctx, d, cfg.LLM.Prices, f); err != nil {
		return err
	}
	names, err := user.Names(ctx, d)
	if err != nil {
		return err
	}
	return con.print(doc, func(w io.Writer) error { return doc.table(names).Terminal(w) })
}

func (doc ledgerDoc) table(names map[string]string) *table.Table {
	t := table.New("", table.Text(doc.By), table.Num("calls"), table.Num("failed"), table.Num("prompt"), table.Num("cached"),
		table.Num("completion"), table.Num("reasoning"), table.Num("time"), table.Num("cost"))
	row := func(name string, e llm.Entry) {
		t.Add(name, e.Calls, e.Failed, e.Tokens.Prompt, e.Cached, e.Completion, e.Reasoning, took(e.DurationMS), costWords(e))
	}
	for _, e := range doc.Lines {
		row(lineName(doc.By, e, names), e)
	}
	if len(doc.Lines) > 1 {
		row("all", doc.Total)
	}
	t.Note = strings.Join(doc.notes(), "\n")
	return t
}

// lineName is what a line of the ledger is about.
func lineName(by string, e llm.Entry, names map[string]string) string {
	name := ""
	switch llm.By(by) {
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

// costWords writes what a line cost; what is not known is said and is never 0.
func costWords(e llm.Entry) string {
	var parts []string
	for _, a := range e.Cost {
		parts = append(parts, a.String())
	}
	switch {
	case e.NoPrice > 0 && len(parts) > 0:
		parts = append(parts, fmt.Sprintf("%d calls without a price", e.NoPrice))
	case e.NoPrice > 0:
		parts = append(parts, "no price")
	}
	return strings.Join(parts, " + ")
}

func amounts(as []llm.Amount) string {
	var parts []string
	for _, a := range as {
		parts = append(parts, a.String())
	}
	return strings.Join(parts, " + ")
}

// took is a sum of times for people.
func took(ms int64) string { return (time.Duration(ms) * time.Millisecond).Round(time.Second).String() }

func (doc ledgerDoc) notes() []string {
	var notes []string
	if n := doc.Triplet.Accepted; n > 0 && len(doc.Triplet.All) > 0 {
		notes = append(notes, fmt.Sprintf("an accepted triplet cost %s, all calls shared out over %d; %s for the calls about it and its source",
			amounts(doc.Triplet.All), n, cmp.Or(amounts(doc.Triplet.Own), "nothing")))
	}
	var kinds []string
	for kind, n := range doc.Total.Failures {
		kinds = append(kinds, fmt.Sprintf("%s %d", kind, n))
	}
	slices.Sort(kinds)
	if len(kinds) > 0 {
		notes = append(notes, "failed: "+strings.Join(kinds, ", "))
	}
	for _, x := range []struct {
		n    int
		what string
	}{
		{doc.Total.Lost, "calls were sent by a process that died; their answers are lost"},
		{doc.Total.Estimated, "calls with tokens counted by us, since the server did not say"},
		{doc.Total.Unmetered, "answered calls without a count of tokens: their cost is in no sum"},
	} {
		if x.n > 0 {
			notes = append(notes, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	if doc.Total.NoPrice > 0 {
		notes = append(notes, "no price: what these calls cost is not known; add [[llm.price]] to coigwriter.toml")
	}
	return notes
}
