package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/train"
)

// onRun opens the project and finds a run; "" is the one under way, else the newest.
func onRun(ctx context.Context, cfg *Config, name string, f func(d *db.DB, r train.Run) error) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if name != "" {
		r, err := train.FindRun(ctx, d, name)
		if err != nil {
			return err
		}
		return f(d, r)
	}
	rs, err := train.Runs(ctx, d, "")
	if err != nil {
		return err
	}
	if len(rs) == 0 {
		return errs.NotFoundf("nothing was trained yet: coigwriter train MIX --model CHECKPOINT")
	}
	for _, r := range rs {
		if r.Going() {
			return f(d, r)
		}
	}
	return f(d, rs[0])
}

type trainFollowCmd struct {
	Run_ string `arg:"" optional:"" name:"run" help:"Name or ID (default: the one under way)."`
}

// Run follows a run to its end.
func (c trainFollowCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onRun(ctx, cfg, c.Run_, func(d *db.DB, r train.Run) error { return followed(ctx, con, d, r) })
}

// followed follows a run, prints it and says by the exit code how it ended.
func followed(ctx context.Context, con *console, d *db.DB, r train.Run) error {
	r, err := follow(ctx, con, d, r)
	if err != nil {
		return err
	}
	if err := con.print(r, func(w io.Writer) error { return runTable(ctx, d, []train.Run{r}).Terminal(w) }); err != nil {
		return err
	}
	return outcome([]train.Run{r})
}

// How often a followed run is looked at, and how often a line is written where there is no terminal.
const (
	lookEvery = time.Second
	lineEvery = 10 * time.Second
)

// follow looks at a run until it has ended. Ending the command does not end the run.
func follow(ctx context.Context, con *console, d *db.DB, r train.Run) (train.Run, error) {
	tty := isTerminal(con.err)
	last, said := -1, time.Time{}
	for {
		if _, err := train.Look(ctx, d, r); err != nil && ctx.Err() == nil {
			return r, err
		}
		if ctx.Err() != nil {
			con.say("")
			return r, fmt.Errorf("%s goes on without being followed; coigwriter train follow %s comes back to it", r.Name, r.Name)
		}
		if fresh, err := train.GetRun(ctx, d, r.ID); err == nil {
			r = fresh
		}
		points, err := train.Points(ctx, d, r.ID)
		if err == nil && len(points) > 0 && !con.quiet {
			p := points[len(points)-1]
			switch {
			case p.Step == last:
			case tty:
				fmt.Fprintf(con.err, "\r\x1b[K%s", progressLine(r, points))
				last = p.Step
			case time.Since(said) >= lineEvery || !r.Going():
				fmt.Fprintln(con.err, progressLine(r, points))
				last, said = p.Step, time.Now()
			}
		}
		if !r.Going() {
			if tty && last >= 0 {
				fmt.Fprintln(con.err)
			}
			return r, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
}

// progressLine is where a run is: step, loss, rate of learning, pace, time left, memory.
func progressLine(r train.Run, points []train.Point) string {
	p := points[len(points)-1]
	loss := fmt.Sprintf("loss %.4g", p.Loss)
	if p.NotFinite {
		loss = "loss is not a number: stop it, and lower learning_rate or use bf16"
	}
	line := fmt.Sprintf("%s  step %d/%s  %s  lr %.3g", r.Name, p.Step, cmp.Or(positive(p.Steps), "?"), loss, p.LearningRate)
	if p.Step > 0 && p.Elapsed > 0 {
		if left := train.Remaining(points); left > 0 {
			line += "  " + left.Round(time.Second).String() + " left"
		}
	}
	if p.MemoryMiB > 0 {
		line += fmt.Sprintf("  %.1f GiB", float64(p.MemoryMiB)/1024)
	}
	return line
}

func positive(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprint(n)
}

type trainStopCmd struct {
	Run_ string `arg:"" name:"run" help:"Name or ID."`
}

// Run asks a run to end and waits until it has.
func (c trainStopCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onRun(ctx, cfg, c.Run_, func(d *db.DB, r train.Run) error {
		r, err := train.Stop(ctx, d, "system", r.ID)
		if err != nil {
			return err
		}
		if r.Going() {
			con.say("%s: asked to end; killed after %s", r.Name, train.StopGrace)
		}
		for r.Going() {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(lookEvery / 4):
			}
			if r, err = train.Look(ctx, d, r); err != nil {
				return err
			}
		}
		return con.print(r, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s  %s\n", r.Name, r.State)
			return err
		})
	})
}

type trainResumeCmd struct {
	Run_   string `arg:"" name:"run" help:"Name or ID."`
	Detach bool   `short:"d" help:"Return once it has started."`
}

// Run starts a planned run, or takes one up where it ended.
func (c trainResumeCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onRun(ctx, cfg, c.Run_, func(d *db.DB, r train.Run) error {
		if r.Going() { // it may have ended without anybody watching
			var err error
			if r, err = train.Look(ctx, d, r); err != nil {
				return err
			}
		}
		r, err := train.Begin(ctx, d, "system", r.ID)
		if err != nil {
			return err
		}
		con.say("%s: attempt %d, process %d, log %s", r.Name, r.Attempt, r.Pid, r.LogPath())
		if c.Detach {
			return con.print(r, func(w io.Writer) error { return runTable(ctx, d, []train.Run{r}).Terminal(w) })
		}
		return followed(ctx, con, d, r)
	})
}

// tail is the end of a run's log: from its directory, or as it was kept where that is gone.
func tail(r train.Run) string {
	if _, err := os.Stat(r.LogPath()); err == nil && r.Here() {
		return train.Tail(r.LogPath(), 16<<10)
	}
	return r.LogTail
}
