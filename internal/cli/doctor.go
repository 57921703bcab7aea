package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"coigwriter/internal/db"
	"coigwriter/internal/llm"
	"coigwriter/internal/table"
)

type doctorCmd struct{}

// A check is one thing doctor looked at.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, warn, fail
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

type doctorDoc struct {
	Version  versionDoc `json:"version"`
	Settings []setting  `json:"settings"`
	Checks   []check    `json:"checks"`
}

// Run checks the set-up and exits with 1 when something must be mended.
func (doctorCmd) Run(ctx context.Context, kctx *kong.Context, con *console, cfg *Config) error {
	doc := doctorDoc{Version: buildVersion(), Settings: effective(kctx.Model.Flags)}
	doc.Checks = append(doc.Checks, checkData(cfg), checkDatabase(ctx, cfg), checkModel(ctx, cfg))
	failed := 0
	for _, c := range doc.Checks {
		if c.Status == "fail" {
			failed++
		}
	}
	err := con.print(doc, func(w io.Writer) error {
		st := table.New("Settings", table.Text("setting"), table.Text("value"), table.Text("environment"))
		for _, s := range doc.Settings {
			st.Add(s.Name, s.Value, s.Env)
		}
		ct := table.New("Checks", table.Text("check"), table.Text("status"), table.Text("detail"), table.Text("what to do"))
		for _, c := range doc.Checks {
			ct.Add(c.Name, c.Status, c.Detail, c.Remedy)
		}
		if err := st.Terminal(w); err != nil {
			return err
		}
		return ct.Terminal(w)
	})
	if err == nil && failed > 0 {
		return fmt.Errorf("%d checks failed", failed)
	}
	return err
}

func checkData(cfg *Config) check {
	c := check{Name: "data directory", Status: "ok", Detail: cfg.Data}
	st, err := os.Stat(cfg.Data)
	switch {
	case os.IsNotExist(err):
		return check{"data directory", "warn", cfg.Data + " does not exist", "coigwriter init " + cfg.Data}
	case err != nil:
		return check{"data directory", "fail", err.Error(), "mend its rights"}
	case !st.IsDir():
		return check{"data directory", "fail", cfg.Data + " is a file", "name a directory with --data"}
	case st.Mode().Perm()&0o077 != 0:
		c.Status, c.Remedy = "warn", "chmod 700 "+cfg.Data
		c.Detail += " can be read by others on this machine"
	}
	probe := filepath.Join(cfg.Data, ".doctor")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		return check{"data directory", "fail", err.Error(), "make it writable"}
	}
	os.Remove(probe)
	return c
}

func checkDatabase(ctx context.Context, cfg *Config) check {
	name := "database"
	if !strings.HasPrefix(cfg.database(), "postgres") {
		if _, err := os.Stat(cfg.database()); os.IsNotExist(err) {
			return check{name, "warn", cfg.database() + " does not exist yet", "it is made by init or serve"}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d, err := db.Open(ctx, cfg.database())
	if err != nil {
		return check{name, "fail", err.Error(), "check the address, and that the server runs"}
	}
	defer d.Close()
	have, want, err := d.SchemaVersion(ctx)
	switch {
	case err != nil:
		return check{name, "fail", err.Error(), "restore a backup"}
	case have < want:
		return check{name, "warn", fmt.Sprintf("%s, schema %d of %d", d.Name(), have, want), "serve brings it up to date; take a backup first"}
	case have > want:
		return check{name, "fail", fmt.Sprintf("%s, schema %d, newer than this program (%d)", d.Name(), have, want), "use a newer coigwriter"}
	}
	return check{Name: name, Status: "ok", Detail: fmt.Sprintf("%s, schema %d", d.Name(), have)}
}

func checkModel(ctx context.Context, cfg *Config) check {
	name := "model endpoint"
	client, err := cfg.client()
	if err != nil {
		return check{name, "fail", err.Error(), "set llm.model"}
	}
	if !client.Configured() {
		remedy := "set llm.url and llm.model"
		if found := llm.Discover(ctx, llm.UsualPorts...); len(found) > 0 {
			remedy = "one is at hand: " + flagsOf(found[0])
		}
		return check{name, "warn", "none configured: sources wait, people may score by hand", remedy}
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	models, err := client.Models(ctx)
	var netErr net.Error
	switch {
	case errors.As(err, &netErr) && netErr.Timeout():
		return check{name, "fail", "no answer within 15 s", "is the server still loading the model?"}
	case err != nil:
		return check{name, "fail", err.Error(), "check llm.url and llm.key"}
	}
	for _, m := range models {
		if m == cfg.LLM.Model {
			return check{Name: name, Status: "ok", Detail: llm.Redact(cfg.LLM.URL) + " serves " + m}
		}
	}
	return check{name, "warn", fmt.Sprintf("the server lists %s, not %s", strings.Join(models, ", "), cfg.LLM.Model), "set llm.model to one of these"}
}
