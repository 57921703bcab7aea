package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/table"
	"coigwriter/internal/train"
)

type trainProbeCmd struct {
	Engine string `help:"One engine (default: all)." placeholder:"NAME"`
}

type probeDoc struct {
	Engine  string      `json:"engine"`
	Title   string      `json:"title"`
	Python  string      `json:"python"`
	Probe   train.Probe `json:"probe"`
	Install string      `json:"install,omitempty"`
	Error   string      `json:"error,omitempty"`
}

// Run asks each engine's Python what is installed.
func (c trainProbeCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	host, err := cfg.host()
	if err != nil {
		return err
	}
	engines := train.Engines
	if c.Engine != "" {
		e, err := train.EngineNamed(c.Engine)
		if err != nil {
			return err
		}
		engines = []train.Engine{e}
	}
	var docs []probeDoc
	ready := 0
	for _, e := range engines {
		doc := probeDoc{Engine: e.Name(), Title: e.Title(), Python: host.PythonOf(e.Name())}
		con.say("asking %s for %s", doc.Python, e.Title())
		if doc.Probe, err = e.Probe(ctx, doc.Python); err != nil {
			doc.Error = err.Error()
		}
		if !doc.Probe.Installed {
			doc.Install = e.Install()
		} else if doc.Probe.Broken == "" {
			ready++
		}
		doc.Probe.Keys, doc.Probe.Templates = nil, nil
		docs = append(docs, doc)
	}
	err = con.print(docs, func(w io.Writer) error { return probeTable(docs).Terminal(w) })
	if err == nil && ready == 0 {
		return errs.Unavailablef("no engine can be used with these; install one, or name its Python with --train-python")
	}
	return err
}

func probeTable(docs []probeDoc) *table.Table {
	t := table.New("Engines", table.Text("engine"), table.Text("python"), table.Text("state"), table.Text("versions"), table.Text("GPUs"))
	for _, doc := range docs {
		state := "ready"
		switch {
		case doc.Error != "":
			state = doc.Error
		case !doc.Probe.Installed:
			state = "not installed: " + doc.Install
		case doc.Probe.Broken != "":
			state = "broken: " + doc.Probe.Broken
		}
		var versions, gpus []string
		for pkg, v := range doc.Probe.Versions {
			versions = append(versions, pkg+" "+v)
		}
		slices.Sort(versions)
		for _, g := range doc.Probe.GPUs {
			gpus = append(gpus, fmt.Sprintf("%s %d GiB", g.Name, g.MemoryMiB/1024))
		}
		t.Add(doc.Title, doc.Python, state, strings.Join(versions, ", "), cmp.Or(strings.Join(gpus, ", "), "none"))
	}
	return t
}

type trainSettingsCmd struct{}

// Run prints the defaults as a settings file.
func (trainSettingsCmd) Run(con *console) error {
	s := train.Defaults()
	return con.print(s, func(w io.Writer) error {
		for i, v := range s.Values() {
			raw, err := json.Marshal(v.Text)
			if err != nil {
				return err
			}
			text := v.Text
			if isText(v.Key) {
				text = string(raw)
			}
			f := train.Fields[i]
			if _, err := fmt.Fprintf(w, "# %s (%s)\n%s = %s\n\n", f.Means, f.From, v.Key, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// isText reports whether a setting is words, which TOML wants in quotes.
func isText(key string) bool {
	_, err := train.Defaults().With(map[string]string{key: "no number"})
	return err == nil
}

type trainListCmd struct{}

// Run lists the runs, the newest first; those under way here are looked at.
func (trainListCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := train.Sweep(ctx, d, false); err != nil {
		con.say("note: %v", err)
	}
	rs, err := train.Runs(ctx, d, "")
	if err != nil {
		return err
	}
	return con.print(rs, func(w io.Writer) error {
		t := runTable(ctx, d, rs)
		if len(rs) == 0 {
			t.Note = "nothing was trained yet: coigwriter train MIX --model CHECKPOINT"
		}
		return t.Terminal(w)
	})
}

// runTable is runs with how far they are.
func runTable(ctx context.Context, d *db.DB, rs []train.Run) *table.Table {
	t := table.New("", table.Text("run"), table.Text("state"), table.Num("step"), table.Num("of"), table.Num("loss"), table.Text("took"), table.Text("left"), table.Text("cost"))
	for _, r := range rs {
		var step, of, loss any
		left := ""
		points, err := train.Points(ctx, d, r.ID)
		if err == nil && len(points) > 0 {
			p := points[len(points)-1]
			step, loss = p.Step, p.Loss
			if p.Steps > 0 {
				of = p.Steps
			}
			if r.Going() {
				left = train.Remaining(points).Round(time.Second).String()
			}
		}
		state := r.State
		if r.State == train.Planned && r.Queued {
			state = "planned, waits"
		}
		cost := ""
		if a, known := r.Cost(d.Now()); known {
			cost = a.String()
		}
		t.Add(r.Name, state, step, of, loss, r.Spent(d.Now()).Round(time.Second).String(), left, cost)
	}
	return t
}

type trainShowCmd struct {
	Run_ string `arg:"" optional:"" name:"run" help:"Name or ID (default: the one under way, else the newest)."`
	Log  bool   `help:"Print the end of the engine's log only."`
}

type runDoc struct {
	train.Run
	Points []train.Point `json:"points"`
	Log    string        `json:"log"`
}

// Run shows one run.
func (c trainShowCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onRun(ctx, cfg, c.Run_, func(d *db.DB, r train.Run) (err error) {
		if r.Here() {
			if r, err = train.Look(ctx, d, r); err != nil {
				return err
			}
		}
		doc := runDoc{Run: r, Log: tail(r)}
		if doc.Points, err = train.Points(ctx, d, r.ID); err != nil {
			return err
		}
		return con.print(doc, func(w io.Writer) error {
			if c.Log {
				_, err := io.WriteString(w, doc.Log)
				return err
			}
			if err := runTable(ctx, d, []train.Run{r}).Terminal(w); err != nil {
				return err
			}
			j := r.Job.V
			fmt.Fprintf(w, "\nconfiguration  %s of %s\nengine         %s %s\ncheckpoint     %s\ndirectory      %s on %s\n", r.Configuration, j.Mix, r.Engine, r.EngineVersion(), j.Model, r.Dir, r.Host)
			if r.Reason != "" {
				fmt.Fprintf(w, "reason         %s\n", r.Reason)
			}
			if r.Advice != "" {
				fmt.Fprintf(w, "what to do     %s\n", r.Advice)
			}
			for _, warn := range r.Warnings.V {
				fmt.Fprintf(w, "note           %s\n", warn.Msg)
			}
			st := table.New("", table.Text("setting"), table.Text("value"), table.Text("default"))
			defaults := train.Defaults().Values()
			for i, v := range j.Settings.Values() {
				from := string(train.Fields[i].From)
				if defaults[i].Text != v.Text {
					from += ": " + cmp.Or(defaults[i].Text, "empty")
				}
				st.Add(v.Key, v.Text, from)
			}
			if err := st.Terminal(w); err != nil {
				return err
			}
			_, err := fmt.Fprintf(w, "\n%s", doc.Log)
			return err
		})
	})
}

type trainAddCmd struct {
	Dir string `arg:"" help:"Directory that --launcher … wrote and that the run writes to, seen from here."`
}

// Run takes in a run that is started elsewhere.
func (c trainAddCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	host, err := cfg.host()
	if err != nil {
		return err
	}
	r, err := train.Adopt(ctx, d, "system", c.Dir, host.GPUHour)
	if err != nil {
		return err
	}
	if r, err = train.Look(ctx, d, r); err != nil {
		return err
	}
	return con.print(r, func(w io.Writer) error { return runTable(ctx, d, []train.Run{r}).Terminal(w) })
}

type trainRegisterCmd struct {
	Run_ string `arg:"" name:"run" help:"Name or ID of a finished run."`
	Name string `arg:"" optional:"" help:"Name of the model (default: the run's)."`
}

// Run registers a model.
func (c trainRegisterCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	return onRun(ctx, cfg, c.Run_, func(d *db.DB, r train.Run) error {
		bar := con.progress("hashing the weights")
		m, err := train.Register(ctx, d, "system", r.ID, cmp.Or(c.Name, r.Name), func(done, all int64) {
			bar.ChangeMax64(max(all, 1))
			_ = bar.Set64(done)
		})
		_ = bar.Finish()
		if err != nil {
			return err
		}
		return con.print(m, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s  %s  %s\n", m.Name, m.Hash, m.Path)
			return err
		})
	})
}

type trainModelsCmd struct{}

// Run lists the models, the newest first.
func (trainModelsCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	ms, err := train.Models(ctx, d)
	if err != nil {
		return err
	}
	return con.print(ms, func(w io.Writer) error {
		t := table.New("", table.Text("model"), table.Text("trained from"), table.Text("engine"), table.Text("weights"), table.Text("served at"), table.Text("checkpoint"))
		for _, m := range ms {
			t.Add(m.Name, m.Configuration+" of "+m.Mix, m.Engine, m.Hash[:min(12, len(m.Hash))], m.URL, m.Path)
		}
		if len(ms) == 0 {
			t.Note = "none is registered yet: coigwriter train register RUN NAME"
		}
		return t.Terminal(w)
	})
}
