package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/table"
)

type screenCmd struct {
	Limit    int  `help:"Screen at most so many sources."`
	Wait     bool `help:"Where the server fails for a while, wait and go on until every source has been screened."`
	Estimate bool `help:"Say what a run would ask, use and cost, and ask nothing."`
}

// Run screens all waiting sources; it can be stopped and run again and pays nothing twice.
func (c screenCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	client, err := cfg.client()
	if err != nil {
		return err
	}
	states, err := source.Counts(ctx, d)
	if err != nil {
		return err
	}
	if c.Estimate {
		return estimate(ctx, con, d, client)
	}
	bar := con.progress("screen")
	bar.ChangeMax(max(states[source.Waiting], 1))
	s, err := screen.ScreenerOf(ctx, d, client)
	if err != nil {
		return err
	}
	defer client.Close()
	report := everyMinute(con, "screened", states[source.Waiting])
	progress := func(o screen.Outcome) {
		if !c.Wait || o.State != source.Waiting { // one that will be tried again is not done
			_ = bar.Add(1)
			report()
		}
	}
	sum, err := s.Run(ctx, d, screen.Options{Limit: c.Limit, Progress: progress})
	for wait := time.Second; err == nil && c.Wait && passing(sum); wait = min(2*wait, longestWait) {
		if !con.quiet {
			fmt.Fprintf(con.err, "the server fails for the time being; %d sources wait, next try in %s\n", sum.Waiting, wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		before := sum
		if sum, err = s.Run(ctx, d, screen.Options{Limit: c.Limit, Progress: progress}); sum.Pool+sum.Refused+sum.Held > 0 {
			wait = time.Second // it is well again
		}
		sum = before.And(sum)
	}
	_ = bar.Finish()
	if err != nil {
		return err
	}
	err = con.print(sum, func(w io.Writer) error {
		t := table.New("", table.Text("screened"), table.Num("sources"), table.Text(""))
		t.Add("into the pool", sum.Pool, "")
		t.Add("refused", sum.Refused, "")
		t.Add("held for a person", sum.Held, "")
		t.Add("still waiting", sum.Waiting, "")
		if sum.NeedsPerson > 0 {
			t.Add("  of them for a person", sum.NeedsPerson, "the judge was unsure, or they were reopened")
		}
		for _, k := range slices.Sorted(maps.Keys(sum.Failures)) {
			t.Add("failed: "+string(k), sum.Failures[k], "such as: "+short(sum.Details[k]))
		}
		return t.Terminal(w)
	})
	switch {
	case err != nil:
		return err
	case sum.Stopped != nil:
		if do := sum.Stopped.Remedy(client.Endpoint().BaseURL); do != "" {
			return fmt.Errorf("stopped: %w; %s", sum.Stopped, do)
		}
		return fmt.Errorf("stopped: %w", sum.Stopped)
	case len(sum.Failures) > 0:
		return fmt.Errorf("%w: the model failed on some sources, which are held or wait; coigwriter status, or the page /sources/failures", errRefused)
	}
	return nil
}

// short cuts a detail to what fits beside a count.
func short(detail string) string {
	if r := []rune(detail); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return detail
}

// longestWait is between two tries with --wait.
const longestWait = 5 * time.Minute

// passing reports whether what kept a run from its end is the server's state, which may pass.
func passing(sum screen.Summary) bool {
	if sum.Stopped != nil {
		return sum.Stopped.Kind == llm.KindTransient
	}
	return sum.Failures[llm.KindTransient] > 0
}

// everyMinute says on stderr how far a run is where nobody watches a bar: a log wants a line now and then.
func everyMinute(con *console, done string, all int) func() {
	if con.quiet || isTerminal(con.err) {
		return func() {}
	}
	began, said, n := time.Now(), time.Now(), 0
	return func() {
		n++
		if time.Since(said) < time.Minute {
			return
		}
		said = time.Now()
		rate := float64(n) / said.Sub(began).Seconds()
		left := time.Duration(float64(max(all-n, 0)) / rate * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(con.err, "%s %d of %d, %.1f a second, %s left\n", done, n, all, rate, left)
	}
}

// estimate prints what a run would ask, without asking.
func estimate(ctx context.Context, con *console, d *db.DB, client *llm.Client) error {
	if !client.Configured() {
		return errs.Unavailablef("no model is configured: set --llm-url and --llm-model, so that it can be said what its calls use")
	}
	s, err := screen.ScreenerOf(ctx, d, client)
	if err != nil {
		return err
	}
	stages, err := s.EstimateRun(ctx, d)
	if err != nil {
		return err
	}
	return con.print(stages, func(w io.Writer) error {
		t := table.New("Next run, at most", table.Text("stage"), table.Num("questions"), table.Num("prompt tokens"), table.Num("completion"), table.Num("cost"), table.Text("from"))
		var all llm.Tokens
		var cost []llm.Amount
		n, guessed, slowest := 0, false, int64(0)
		for _, x := range stages {
			from := fmt.Sprintf("median of %d calls", x.Calls)
			if x.Calls == 0 {
				from, guessed = "length of the texts", true
			}
			t.Add(x.Stage, x.Questions, x.Tokens.Prompt, x.Tokens.Completion, cmp.Or(llm.AmountWords(x.Cost), "no price"), from)
			n, slowest = n+x.Questions, max(slowest, x.Took)
			all.Prompt, all.Completion = all.Prompt+x.Tokens.Prompt, all.Completion+x.Tokens.Completion
			cost = llm.AddAmounts(cost, x.Cost)
		}
		t.Add("all", n, all.Prompt, all.Completion, cmp.Or(llm.AmountWords(cost), "no price"), "")
		t.Note = "if every source passes every stage; a source that fails one is not asked about further"
		if guessed {
			t.Note += "; tokens guessed from 1.58 Chinese characters a token, until there are calls to learn from"
		}
		if slowest > 0 {
			most := client.Endpoint().MaxInFlight
			t.Note += fmt.Sprintf("; %s with %d calls in flight", (time.Duration(n) * time.Duration(slowest) * time.Millisecond / time.Duration(most)).Round(time.Second), most)
		}
		return t.Terminal(w)
	})
}
