package cli

import (
	"context"
	"fmt"
	"io"

	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/table"
)

type screenCmd struct {
	Limit int `help:"Screen at most so many sources."`
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
	bar := con.progress("screen")
	bar.ChangeMax(max(states[source.Waiting], 1))
	s, err := screen.ScreenerOf(ctx, d, client)
	if err != nil {
		return err
	}
	sum, err := s.Run(ctx, d, screen.Options{Limit: c.Limit, Progress: func(screen.Outcome) { _ = bar.Add(1) }})
	_ = bar.Finish()
	if err != nil {
		return err
	}
	err = con.print(sum, func(w io.Writer) error {
		t := table.New("", table.Text("screened"), table.Num("sources"))
		t.Add("into the pool", sum.Pool)
		t.Add("refused", sum.Refused)
		t.Add("held for a person", sum.Held)
		t.Add("still waiting", sum.Waiting)
		for k, n := range sum.Failures {
			t.Add("failed: "+string(k), n)
		}
		return t.Terminal(w)
	})
	switch {
	case err != nil:
		return err
	case sum.Stopped != nil:
		return fmt.Errorf("stopped: %w", sum.Stopped)
	case len(sum.Failures) > 0:
		return fmt.Errorf("%w: the model failed on some sources, which are held or wait; coigwriter status, or the page /sources/failures", errRefused)
	}
	return nil
}
