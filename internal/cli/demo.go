package cli

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/sample"
	"coigwriter/internal/user"
)

type demoCmd struct {
	Keep string `help:"Directory to keep the sample project in (default: one that is removed at the end)." type:"path" placeholder:"DIR"`
}

// Run fills a fresh SQLite database with the sample project, serves it with the scripted
// server in the model's place, and prints who can log in. The password is new at every start.
func (c demoCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	dir := c.Keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "coigwriter-demo-"); err != nil {
			return errs.Unavailablef("%w", err)
		}
		defer os.RemoveAll(dir)
	}
	own := *cfg
	own.Data, own.DB = dir, ""
	d, err := own.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	password := strings.ToLower(rand.Text()[:12])
	bar := con.progress("sample project")
	err = sample.Load(ctx, d, password, func(done, of int) { bar.ChangeMax(of); _ = bar.Set(done) })
	_ = bar.Finish()
	if err != nil {
		return err
	}
	script, err := llm.StartScript()
	if err != nil {
		return err
	}
	defer script.Close()
	script.Pace = 30 * time.Millisecond // so that one sees words come as a model's do
	client, err := llm.NewClient(script.Endpoint())
	if err != nil {
		return err
	}
	return serve(ctx, con, &own, d, client, func(base string) error {
		ps, err := user.List(ctx, d)
		if err != nil {
			return err
		}
		fmt.Fprintf(con.out, "\n  %s\n\n  The sample project. Log in with any of these; the password of all is  %s\n\n", base, password)
		for _, p := range ps {
			roles := make([]string, len(p.Roles))
			for i, r := range p.Roles {
				roles[i] = string(r)
			}
			fmt.Fprintf(con.out, "    %-6s %s  (%s)\n", p.Login, p.Name, strings.Join(roles, ", "))
		}
		_, err = fmt.Fprint(con.out, "\n  No model is asked: a scripted server stands in its place, and what it says is labelled.\n  Stop with Ctrl-C.\n\n")
		return err
	})
}
