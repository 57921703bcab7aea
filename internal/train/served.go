package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// serveDir is below a run's directory.
const serveDir = "serve"

// ServingOf is how a model is served: its weights, or its adapter over what it was trained on.
func ServingOf(ctx context.Context, d *db.DB, m Source) (Serving, error) {
	r, err := GetRun(ctx, d, m.RunID)
	if err != nil {
		return Serving{}, err
	}
	s := Serving{Server: Servers[0], Checkpoint: m.Path, Name: m.Name, Dir: filepath.Join(r.Dir, serveDir)}
	if set := r.Job.V.Settings; set.Tuning == "lora" {
		s.Base, s.Rank = r.Job.V.Model, set.LoraRank
	}
	return s, nil
}

// ServeLog is where a server of a model prints.
func (s Serving) ServeLog() string { return filepath.Join(s.Dir, LogFile) }

// Served reports whether the model's server runs on this machine.
func (m Model) Served() bool {
	if m.Server == "" || m.Host != hostname() {
		return false
	}
	p, what := m.process()
	return p.alive(what)
}

func (m Model) process() (Process, string) { return Process{m.Pid, m.PidBorn}, "serve/" + m.ID }

// Serve starts the server of a model on this machine. It outlives this process.
func Serve(ctx context.Context, d *db.DB, by string, m Source, s Serving) (Source, error) {
	if m.Served() {
		return m, errs.Conflictf("%s is served at %s already", m.Name, m.URL)
	}
	run, err := GetRun(ctx, d, m.RunID)
	if err != nil {
		return m, err
	}
	if run.Carried() { // its paths are what a file says
		return m, errs.Conflictf("%s came from a file: its weights are on %s; serve it there, or with the command that --print gives", m.Name, run.Machine())
	}
	if _, err := os.Stat(m.Path); err != nil {
		return m, errs.NotFoundf("the weights of %s are not at %s on this machine", m.Name, m.Path)
	}
	cmd, err := ServeCommand(s)
	if err != nil {
		return m, err
	}
	_, what := m.process()
	if err := ClearExit(s.Dir); err != nil {
		return m, errs.Unavailablef("%w", err)
	}
	if err := WriteFiles(ctx, s.Dir, []File{textFile(scriptFile, script("the server of "+m.Name, cmd))}); err != nil {
		return m, err
	}
	p, err := spawn(filepath.Join(s.Dir, scriptFile), what)
	if err != nil {
		return m, err
	}
	port := s.Port
	if port == 0 {
		port = 8000
	}
	m.Server, m.URL, m.Host, m.Pid, m.PidBorn = s.Server, fmt.Sprintf("http://127.0.0.1:%d/v1", port), hostname(), p.Pid, p.Born
	return m, keepServer(context.WithoutCancel(ctx), d, by, "serve", m.Model)
}

// Unserve ends the server of a model, and kills what has not ended in [StopGrace].
func Unserve(ctx context.Context, d *db.DB, by string, m Source) error {
	if m.Server == "" {
		return errs.Conflictf("%s is not served", m.Name)
	}
	if m.Host != hostname() {
		return errs.Conflictf("%s is served on the machine %s: stop it there", m.Name, m.Host)
	}
	p, what := m.process()
	p.terminate(what)
	for end := time.Now().Add(StopGrace); p.alive(what); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		if time.Now().After(end) {
			p.kill(what)
		}
	}
	m.Server, m.URL, m.Host, m.Pid, m.PidBorn = "", "", "", 0, ""
	return keepServer(context.WithoutCancel(ctx), d, by, "unserve", m.Model)
}

func keepServer(ctx context.Context, d *db.DB, by, action string, m Model) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		if _, err := tx.Exec(ctx, `UPDATE trained_model SET server = ?, url = ?, host = ?, pid = ?, pid_born = ? WHERE id = ?`, m.Server, m.URL, m.Host, m.Pid, m.PidBorn, m.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "trained_model", ID: m.ID, Actor: by, Action: action, Data: map[string]any{"server": m.Server, "url": m.URL, "host": m.Host}})
	})
}
