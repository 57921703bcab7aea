package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// scriptFile is what an attempt runs, in the run's directory.
const scriptFile = "run.sh"

// attemptLine begins what an attempt prints.
const attemptLine = "\n=== "

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
	e, err := EngineNamed(r.Engine)
	if err != nil {
		return r, err
	}
	cmd, err := ready(ctx, e, r)
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
	p, err := launch(context.WithoutCancel(ctx), r, cmd)
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

// ready returns the command of a run's next attempt. A run that has no checkpoint yet begins anew, with
// its files written anew.
func ready(ctx context.Context, e Engine, r Run) (Command, error) {
	job, probe := r.Job.V, r.Probe.V
	newest, err := Newest(r.Dir)
	if err == nil {
		return e.Command(job, probe, newest.Path), nil
	}
	if !errors.Is(err, errs.NotFound) {
		return Command{}, err
	}
	files, err := e.Render(job, probe)
	if err != nil {
		return Command{}, err
	}
	if err := WriteFiles(ctx, r.Dir, files); err != nil {
		return Command{}, err
	}
	return e.Command(job, probe, ""), WriteJob(ctx, job)
}

// launch starts an attempt.
func launch(ctx context.Context, r Run, cmd Command) (Process, error) {
	log, err := os.OpenFile(r.LogPath(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return Process{}, errs.Unavailablef("%w", err)
	}
	fmt.Fprintf(log, attemptLine+"%s, attempt %d, %s\n", r.Name, r.Attempt, r.StartedAt.Format(time.RFC3339))
	if err := log.Close(); err != nil {
		return Process{}, errs.Unavailablef("%w", err)
	}
	if err := ClearExit(r.Dir); err != nil {
		return Process{}, errs.Unavailablef("%w", err)
	}
	text := script(fmt.Sprintf("%s, attempt %d", r.Name, r.Attempt), cmd)
	if err := WriteFiles(ctx, r.Dir, []File{textFile(scriptFile, text)}); err != nil {
		return Process{}, err
	}
	_, what := r.process()
	return spawn(filepath.Join(r.Dir, scriptFile), what)
}
