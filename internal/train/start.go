package train

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// scriptFile is what an attempt runs, in the run's directory.
const scriptFile = "run.sh"

// Of returns the engine of that name.
func Of(name string) (Engine, error) {
	var names []string
	for _, e := range Engines {
		if e.Name() == name {
			return e, nil
		}
		names = append(names, e.Name())
	}
	return nil, errs.NotFoundf("there is no engine %q; there are %s", name, strings.Join(names, ", "))
}

// WriteFiles writes what an engine reads into a run's directory, each file whole or not at all.
func WriteFiles(dir string, files []File) error {
	for _, f := range files {
		if err := writeFile(filepath.Join(dir, f.Path), 0o600, f.Write); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, mode os.FileMode, write func(io.Writer) error) (err error) {
	defer errs.Wrap(&err, "write %s", path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return errs.Unavailablef("%w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return errs.Unavailablef("%w", err)
	}
	defer os.Remove(tmp.Name())
	if err = write(tmp); err == nil {
		err = tmp.Chmod(mode)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// Begin starts a planned run on this machine, or takes a stopped or failed one up from its newest
// checkpoint. It returns when the processes are started; they outlive this one.
func Begin(ctx context.Context, d *db.DB, by, id string) (r Run, err error) {
	if r, err = GetRun(ctx, d, id); err != nil {
		return r, err
	}
	if !r.Here() {
		return r, errs.Conflictf("%s belongs to the machine %s: start it there", r.Name, r.Host)
	}
	if l := r.Job.V.Topology.Launcher; l != Local {
		return r, errs.Conflictf("%s is for %s, whose command is printed and not started here", r.Name, l)
	}
	e, err := Of(r.Engine)
	if err != nil {
		return r, err
	}
	cmd, err := ready(e, r)
	if err != nil {
		return r, err
	}
	r, err = move(ctx, d, by, id, Running, func(tx *db.DB, r *Run) error {
		now := tx.Now()
		r.Attempt++
		r.Pid, r.PidBorn, r.Queued, r.Reason, r.Advice, r.StartedAt, r.StopAt, r.EndedAt = 0, "", false, "", "", &now, nil, nil
		return nil
	})
	if err != nil {
		return r, err
	}
	p, err := launch(r, cmd)
	if err != nil {
		failed, ferr := end(context.WithoutCancel(ctx), d, id, Failed, r.Outcome.V, err.Error(), "", r.LogTail)
		if ferr != nil {
			return r, ferr
		}
		return failed, err
	}
	r.Pid, r.PidBorn = p.Pid, p.Born
	_, err = d.Exec(context.WithoutCancel(ctx), `UPDATE training_run SET pid = ?, pid_born = ? WHERE id = ? AND attempt = ?`, p.Pid, p.Born, id, r.Attempt)
	return r, err
}

// ready writes the run's files where it has never been started, and returns the command of its next attempt.
func ready(e Engine, r Run) (Command, error) {
	job, probe := r.Job.V, r.Probe.V
	if r.Attempt == 0 {
		files, err := e.Render(job, probe)
		if err != nil {
			return Command{}, err
		}
		if err := WriteFiles(r.Dir, files); err != nil {
			return Command{}, err
		}
	}
	from, err := NewestCheckpoint(job.Out())
	if err != nil {
		return Command{}, err
	}
	return e.Command(job, probe, 0, from)
}

// launch starts an attempt.
func launch(r Run, cmd Command) (Process, error) {
	log, err := os.OpenFile(r.LogPath(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return Process{}, errs.Unavailablef("%w", err)
	}
	fmt.Fprintf(log, "\n=== %s, attempt %d, %s\n", r.Name, r.Attempt, r.StartedAt.Format(time.RFC3339))
	if err := log.Close(); err != nil {
		return Process{}, errs.Unavailablef("%w", err)
	}
	if err := os.Remove(filepath.Join(r.Dir, ExitFile)); err != nil && !os.IsNotExist(err) {
		return Process{}, errs.Unavailablef("%w", err)
	}
	path := filepath.Join(r.Dir, scriptFile)
	text := script(fmt.Sprintf("%s, attempt %d", r.Name, r.Attempt), cmd, LogFile, ExitFile)
	if err := writeFile(path, 0o700, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
		return Process{}, err
	}
	_, what := r.process()
	return spawn(path, what)
}

// Next returns the run of this machine whose turn it is: the oldest that waits, once none is under way.
// NotFound means that nothing is to be started.
func Next(ctx context.Context, d *db.DB) (Run, error) {
	rs, err := Runs(ctx, d, "")
	if err != nil {
		return Run{}, err
	}
	slices.Reverse(rs)
	next := -1
	for i, r := range rs {
		switch {
		case !r.Here():
		case r.Going():
			return Run{}, errs.NotFoundf("%s is under way", r.Name)
		case r.State == Planned && r.Queued && next < 0:
			next = i
		}
	}
	if next < 0 {
		return Run{}, errs.NotFoundf("no run waits to be started")
	}
	return rs[next], nil
}
