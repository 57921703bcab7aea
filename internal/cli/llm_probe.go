package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/table"
)

type llmProbeCmd struct{}

// Run asks a server what it is and what it can do; without an address it looks for one here.
func (c llmProbeCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	if cfg.LLM.URL == "" {
		return offer(con, llm.Discover(ctx, llm.UsualPorts...))
	}
	e, err := cfg.endpoint()
	if err != nil {
		return err
	}
	p, err := llm.ProbeServer(ctx, e)
	if err != nil {
		return err
	}
	err = con.print(p, func(w io.Writer) error { return printProbe(w, p) })
	if err == nil && !p.OK() {
		err = errs.Unavailablef("this server cannot judge as it is; the table above says why")
	}
	return err
}

func printProbe(w io.Writer, p llm.Probe) error {
	t := table.New(fmt.Sprintf("%s: %s", p.Endpoint, p.Name), table.Text("check"), table.Text(""), table.Text("detail"), table.Text("what to do"))
	for _, c := range p.Checks {
		t.Add(c.Name, map[bool]string{true: "ok", false: "no"}[c.OK], c.Detail, c.Do)
	}
	if p.Flavour != "" {
		t.Add("errors", "", p.Errors, "")
		t.Add("overload", "", p.Overload, "")
	}
	if err := t.Terminal(w); err != nil {
		return err
	}
	if len(p.Traps) > 0 {
		t = table.New("", table.Text("mind that"), table.Text("so"))
		for _, trap := range p.Traps {
			t.Add(trap.What, trap.Do)
		}
		if err := t.Terminal(w); err != nil {
			return err
		}
	}
	if !p.OK() {
		return nil
	}
	_, err := fmt.Fprintf(w, "JSON by %s. In coigwriter.toml:\n\n%s\n", p.Level, settingsOf(p.Endpoint, p.Model, p.Flavour))
	return err
}

// settingsOf is the part of a config file that uses a server.
func settingsOf(url, model, flavour string) string {
	s := fmt.Sprintf("[llm]\nurl = %q\nmodel = %q\n", url, model)
	if flavour != "" {
		s += fmt.Sprintf("flavour = %q\n", flavour)
	}
	return s
}

// offer names the servers that were found, with the settings to use each.
func offer(con *console, found []llm.Found) error {
	if len(found) == 0 {
		return errs.NotFoundf("no model server listens on this machine's usual ports; name one with --llm-url http://HOST:PORT/v1")
	}
	return con.print(found, func(w io.Writer) error {
		for _, f := range found {
			if _, err := fmt.Fprintf(w, "%s\ntry it: coigwriter llm probe %s\n\n", settingsOf(f.URL, f.Models[0], f.Flavour), flagsOf(f)); err != nil {
				return err
			}
		}
		return nil
	})
}

func flagsOf(f llm.Found) string {
	return strings.TrimSpace(fmt.Sprintf("--llm-url %s --llm-model %s", f.URL, f.Models[0]))
}

// offerAtStart tells whoever starts a server without a model of one that is at hand.
func offerAtStart(ctx context.Context, w io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, f := range llm.Discover(ctx, llm.UsualPorts...) {
		fmt.Fprintf(w, "a model server is at hand: start with %s to use it\n", flagsOf(f))
	}
}
