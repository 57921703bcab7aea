package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/job"
	"coigwriter/internal/llm"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
)

type generateCmd struct {
	Set     string   `help:"A frozen set of the project; the answers are kept there." placeholder:"NAME" xor:"from"`
	Queries []string `help:"Query files instead of a set; the answers go into --out." type:"path" placeholder:"FILE" xor:"from"`
	Out     string   `short:"o" help:"With --queries: file of answers (JSON Lines; .gz, .zst). FILE.db beside it keeps what was answered, for the next start." type:"path" placeholder:"FILE"`

	Model string `help:"Model as the server knows it (default: --llm-model)." placeholder:"NAME"`
	As    string `help:"Name that the answers go under (default: the model's)." placeholder:"NAME"`

	Temperature float64 `help:"Temperature." default:"0.7"`
	TopP        float64 `name:"top-p" help:"Share of the likeliest tokens that are drawn from." default:"1"`
	MaxTokens   int     `help:"Longest answer in tokens, reasoning included; one that ends there is marked as cut." default:"8192"`
	Seed        int64   `help:"Seed of the first answer; those after it count up." default:"20221001"`
	Samples     int     `help:"Answers of each query." default:"1"`
	System      string  `help:"System message." placeholder:"TEXT"`

	Language []string `help:"Queries of these languages only." placeholder:"zh,en"`
	Genre    []string `help:"Queries of these genres only."`
	Limit    int      `help:"Ask for at most so many answers."`
	Again    bool     `help:"Ask again where the model failed for good: refused, too long, unusable."`
	At       int      `help:"Questions at once (default: more than the server is let to answer at once)."`
	Wait     bool     `help:"Where the server fails for a while, wait and go on until every query is answered."`
	Estimate bool     `help:"Say what a run would ask, use and cost, and ask nothing."`
}

// Run asks for the answers that are missing; it can be stopped and run again and pays nothing twice.
func (c generateCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	switch {
	case c.Set == "" && len(c.Queries) == 0:
		return usagef("say what to answer: --set NAME of the project, or --queries FILE with --out FILE")
	case len(c.Queries) > 0 && c.Out == "" && !c.Estimate:
		return usagef("--queries needs --out FILE for the answers")
	case c.Set != "" && c.Out != "":
		return usagef("with --set the answers are kept in the project; coigwriter benchmark export %s --answers --out FILE writes them", c.Set)
	case c.Limit < 0 || c.At < 0 || c.At > 1024:
		return usagef("--limit must not be negative, --at must be from 0 to 1024")
	}
	s := bench.Sampling{Temperature: c.Temperature, TopP: c.TopP, MaxTokens: c.MaxTokens, Seed: c.Seed, Samples: c.Samples, System: c.System}
	if err := s.Check(); err != nil {
		return err
	}
	e, err := cfg.endpoint()
	if err != nil {
		return err
	}
	if e = s.Endpoint(e, c.Model); e.BaseURL == "" {
		if e.BaseURL = cfg.servedAt(ctx, c.Set, c.Model); e.BaseURL == "" {
			return errs.Unavailablef("no model is configured: set --llm-url, and --model or --llm-model")
		}
		con.say("%s is served at %s", c.Model, e.BaseURL)
	}
	client, err := llm.NewClient(e)
	if err != nil {
		return err
	}
	run := bench.Run{Model: c.As, Samples: c.Samples, System: c.System, Languages: c.Language, Limit: c.Limit, Again: c.Again, Concurrency: c.At, By: "system"}
	if c.Set != "" {
		return onSet(ctx, cfg, c.Set, func(d *db.DB, tax *genre.Taxonomy, set bench.Set) error {
			defer client.Close()
			run.SetID = set.ID
			return c.run(ctx, con, d, tax, client, run)
		})
	}
	return c.fromFiles(ctx, con, client, run)
}

// fromFiles answers query files. What was asked and answered is kept in a small database beside the
// output, so that a run that ended, however it ended, goes on where it was; the output is written from it.
func (c generateCmd) fromFiles(ctx context.Context, con *console, client *llm.Client, run bench.Run) error {
	var bad refusals
	rs, err := readQueries(ctx, con, c.Queries, &bad)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "coigwriter-estimate-")
	if err != nil {
		return errs.Unavailablef("no room for a database: %w", err)
	}
	defer os.RemoveAll(dir)
	path := c.Out + ".db"
	if c.Out == "" {
		path = dir + "/estimate.db"
	} else if _, err := os.Stat(c.Out); err == nil {
		if _, err := os.Stat(path); err != nil {
			return errs.Conflictf("%s is there, and %s is not, which would say what it holds: name another file", c.Out, path)
		}
	}
	d, err := db.Open(ctx, path)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	if err := job.Migrate(ctx, d); err != nil {
		return err
	}
	defer client.Close()
	tax, err := project.Taxonomy(ctx, d)
	if err != nil {
		return err
	}
	set, refused, err := setOfFile(ctx, d, tax, rs)
	if err != nil {
		return err
	}
	for _, r := range refused {
		bad.add(fmt.Sprintf("query %q: %v", r.Record.(record.Query).ID, r.Err))
	}
	run.SetID = set.ID
	err = c.run(ctx, con, d, tax, client, run)
	if c.Estimate {
		return err
	}
	// What was answered is written even after an interrupt.
	name := cmp.Or(run.Model, client.Endpoint().Model)
	if werr := c.write(context.WithoutCancel(ctx), con, d, set, name); werr != nil {
		return cmp.Or(err, werr)
	}
	return cmp.Or(err, bad.report(con))
}

// setOfFile is the frozen set of these very queries, made if it is not there.
func setOfFile(ctx context.Context, d *db.DB, tax *genre.Taxonomy, rs []record.Query) (s bench.Set, refused []bench.Refused, err error) {
	qs, refused := bench.Prepare(tax, rs)
	sets, err := bench.Sets(ctx, d)
	if err != nil {
		return s, nil, err
	}
	for _, old := range sets {
		if old.Hash == bench.Hash(qs) && old.State == bench.Frozen {
			return old, refused, nil
		}
	}
	if s, refused, err = bench.ImportQueries(ctx, d, tax, "system", "queries", "", rs, false); err == nil {
		s, err = bench.Move(ctx, d, "system", s.ID, bench.Frozen)
	}
	return s, refused, err
}

func (c generateCmd) write(ctx context.Context, con *console, d *db.DB, set bench.Set, model string) error {
	w, err := record.Create(c.Out)
	if err != nil {
		return err
	}
	defer w.Abort()
	n, err := exportSet(ctx, d, set, w, true, []string{model})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if !con.quiet {
		fmt.Fprintf(con.err, "%d answers of %s in %s; %s.db keeps every raw reply, so that a further run asks only for what is missing\n", n, model, c.Out, c.Out)
	}
	return nil
}

func (c generateCmd) run(ctx context.Context, con *console, d *db.DB, tax *genre.Taxonomy, client *llm.Client, run bench.Run) error {
	for _, name := range c.Genre {
		g, ok := tax.Find(name)
		if !ok {
			return usagef("unknown genre %q; near it are %v", name, tax.Nearest(name, 3))
		}
		run.Genres = append(run.Genres, g.ID)
	}
	est, err := bench.EstimateRun(ctx, d, client, run)
	if err != nil {
		return err
	}
	if c.Estimate {
		return con.print(est, func(w io.Writer) error { return printAnswersEstimate(w, est, client.Endpoint().MaxInFlight) })
	}
	if c.Temperature == 0 && c.Samples > 1 && !con.quiet {
		fmt.Fprintln(con.err, "note: at temperature 0 the answers to a query may all be the same")
	}
	bar := con.progress("answers")
	bar.ChangeMax(max(est.Questions, 1))
	report := everyMinute(con, "answered", est.Questions)
	run.Progress = func(s bench.Step) {
		if s.Answer != nil {
			_ = bar.Add(1)
			report()
		}
	}
	sum, err := bench.Generate(ctx, d, client, run)
	for wait := time.Second; err == nil && c.Wait && awaits(sum); wait = min(2*wait, longestWait) {
		if !con.quiet {
			fmt.Fprintf(con.err, "the server fails for the time being; %d answers are missing, next try in %s\n", sum.Open, wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		run.Again = false // once is enough
		before := sum
		if sum, err = bench.Generate(ctx, d, client, run); sum.Added+sum.Failed > 0 {
			wait = time.Second // it is well again
		}
		sum = before.And(sum)
	}
	_ = bar.Finish()
	if perr := con.print(sum, func(w io.Writer) error { return printSummary(w, sum) }); err == nil {
		err = perr
	}
	switch {
	case err != nil:
		return err
	case sum.Stopped != nil:
		return fmt.Errorf("stopped: %w; what was answered is kept", sum.Stopped)
	case sum.Failed > 0 || len(sum.Failures) > 0:
		return fmt.Errorf("%w: %d answers failed, %d are still to be asked for; --again asks the failed ones once more", errRefused, sum.Failed, sum.Open)
	}
	return nil
}

// awaits reports whether what keeps a run from its end is the server's state, which may pass.
func awaits(sum bench.Summary) bool {
	if sum.Stopped != nil {
		return sum.Stopped.Kind == llm.KindTransient
	}
	return sum.Failures[llm.KindTransient] > 0
}

func printSummary(w io.Writer, sum bench.Summary) error {
	t := table.New("", table.Text("answers of "+sum.Model), table.Num(""))
	t.Add("wanted", sum.Wanted)
	t.Add("there before", sum.There)
	t.Add("added", sum.Added)
	for _, finish := range slices.Sorted(maps.Keys(sum.Finish)) {
		t.Add("  finish reason "+cmp.Or(finish, "unknown"), sum.Finish[finish])
	}
	t.Add("  cut at the limit of tokens", sum.Cut)
	t.Add("  in another language", sum.Switched)
	t.Add("  with reasoning", sum.Thought)
	t.Add("failed for good", sum.Failed)
	for _, kind := range slices.Sorted(maps.Keys(sum.Failures)) {
		t.Add("  failure "+string(kind), sum.Failures[kind])
	}
	t.Add("still missing", sum.Open)
	t.Add("prompt tokens", sum.Tokens.Prompt)
	t.Add("completion tokens", sum.Tokens.Completion)
	return t.Terminal(w)
}

func printAnswersEstimate(w io.Writer, est bench.Estimate, most int) error {
	t := table.New("A run would ask", table.Text(est.Model), table.Num(""))
	t.Add("wanted", est.Wanted)
	t.Add("there already", est.There)
	t.Add("questions", est.Questions)
	t.Add("prompt tokens", est.Tokens.Prompt)
	t.Add("completion tokens", est.Tokens.Completion)
	t.Add("  at most", est.Most.Completion)
	t.Add("cost", cmp.Or(llm.AmountWords(est.Cost), "no price"))
	t.Note = fmt.Sprintf("answers as long as the median of %d before", est.Answers)
	if est.Answers == 0 {
		t.Note = "the length of answers is guessed, until there are some of this model"
	} else if est.Took > 0 {
		t.Note += fmt.Sprintf("; %s with %d calls in flight", (time.Duration(est.Questions) * time.Duration(est.Took) * time.Millisecond / time.Duration(most)).Round(time.Second), most)
	}
	return t.Terminal(w)
}
