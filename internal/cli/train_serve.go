package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/train"
)

type trainServeCmd struct {
	Model     string        `arg:"" help:"Name of a registered model."`
	Server    string        `help:"Server: ${enum}." enum:"vllm,sglang" default:"vllm"`
	Python    string        `help:"Python of the environment in which the server is installed (default: --train-python)." placeholder:"FILE"`
	Port      int           `help:"Port to listen on, on this machine only." default:"8000"`
	GPUs      int           `name:"gpus" help:"GPUs that the weights are spread over." default:"1"`
	MaxLength int           `help:"Tokens of question and answer together (default: the model's own)."`
	Print     bool          `help:"Print the command and start nothing."`
	Stop      bool          `help:"End the server that was started here."`
	Wait      time.Duration `help:"How long to wait until it answers; it loads on after that." default:"10m"`
}

// Run prints, starts or ends a server.
func (c trainServeCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	host, err := cfg.host()
	if err != nil {
		return err
	}
	m, err := train.FindModel(ctx, d, c.Model)
	if err != nil {
		return err
	}
	if c.Stop {
		if err := train.Unserve(ctx, d, "system", m); err != nil {
			return err
		}
		return con.print(map[string]string{"model": m.Name, "state": "stopped"}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s  stopped\n", m.Name)
			return err
		})
	}
	s, err := train.ServingOf(ctx, d, m)
	if err != nil {
		return err
	}
	s.Server, s.Python, s.Port, s.GPUs, s.MaxLength = c.Server, cmp.Or(c.Python, host.Python), c.Port, c.GPUs, c.MaxLength
	if c.Print {
		cmd, err := train.ServeCommand(s)
		if err != nil {
			return err
		}
		cmd.Dir = "" // it needs none
		return con.print(cmd, func(w io.Writer) error { _, err := fmt.Fprintln(w, cmd); return err })
	}
	if m, err = train.Serve(ctx, d, "system", m, s); err != nil {
		return err
	}
	con.say("%s: process %d, log %s", m.Name, m.Pid, s.ServeLog())
	if err := c.answered(ctx, con, m, s); err != nil {
		return err
	}
	return con.print(m, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s answers at %s\ncoigwriter generate --set SET --model %s --llm-url %s\n", m.Name, m.URL, m.Name, m.URL)
		return err
	})
}

// answered waits until the server answers, or has ended.
func (c trainServeCmd) answered(ctx context.Context, con *console, m train.Source, s train.Serving) error {
	for end := time.Now().Add(c.Wait); ; {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+"/models", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		switch {
		case !m.Served():
			fmt.Fprint(con.err, train.Tail(s.ServeLog(), 4<<10))
			return errs.Unavailablef("the server of %s ended: see %s; install it into %s, or name another with --python", m.Name, s.ServeLog(), cmp.Or(s.Python, "python3"))
		case time.Now().After(end):
			return errs.Unavailablef("%s does not answer yet after %s; it goes on loading, and coigwriter train serve %s --stop ends it", m.Name, c.Wait, m.Name)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s goes on loading; coigwriter train serve %s --stop ends it", m.Name, m.Name)
		case <-time.After(time.Second):
		}
	}
}

// servedAt is where a registered model of the project is served, "" where it is not.
func (c *Config) servedAt(ctx context.Context, set, model string) string {
	if set == "" || model == "" {
		return ""
	}
	d, err := c.openExisting(ctx)
	if err != nil {
		return ""
	}
	defer d.Close()
	if m, err := train.FindModel(ctx, d, model); err == nil && m.Served() {
		return m.URL
	}
	return ""
}
