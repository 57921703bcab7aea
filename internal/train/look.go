package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// How long a run that is asked to stop has to end by itself, and a start to note its process.
const (
	StopGrace  = 30 * time.Second
	startGrace = time.Minute
)

// tailBytes is how much of the engine's log is kept with a run.
const tailBytes = 16 << 10

// Look reads how far a run is and stores it: the new points of its curve, and its end where it has one.
// Several processes may look at once; each does no harm to the other. It needs the run's machine for the
// end of a run that was killed, since only there can its processes be looked for.
func Look(ctx context.Context, d *db.DB, r Run) (Run, error) {
	if !r.Going() {
		return r, nil
	}
	e, err := EngineNamed(r.Engine)
	if err != nil {
		return r, err
	}
	p, what := r.process()
	here := r.watched()
	alive := here && p.alive(what) // before the files are read: the marker is written before the process ends
	points, err := e.Progress(r.Dir)
	if err == nil { // a log that cannot be read now may be read at the next look
		if _, err := keepPoints(ctx, d, r.ID, points); err != nil {
			return r, err
		}
	} else if !errors.Is(err, os.ErrNotExist) && ctx.Err() == nil {
		r.Reason = err.Error()
	}
	now := d.Now()
	switch {
	case alive && r.State == Stopping && r.StopAt != nil && now.Sub(*r.StopAt) >= StopGrace:
		p.kill(what)
		return r, nil
	case alive, here && r.Pid == 0 && r.StartedAt != nil && now.Sub(*r.StartedAt) < startGrace:
		return r, nil
	}
	code, marked := exitCode(r.Dir)
	if !here && !marked {
		return r, nil // its own machine will say
	}
	return settle(ctx, d, e, r, points, code, marked)
}

// settle ends a run whose processes are gone.
func settle(ctx context.Context, d *db.DB, e Engine, r Run, points []Point, code int, marked bool) (Run, error) {
	tail := Tail(r.LogPath(), tailBytes)
	out, err := e.Done(r.Dir)
	if err != nil && ctx.Err() == nil {
		out.Why = err.Error()
	}
	to, reason, advice := Failed, "", ""
	switch {
	case out.Done:
		to = Finished
		reason, advice = loaded(ctx, d, e, r)
	case r.State == Stopping:
		to = Stopped
	default:
		reason, advice = why(r, points, tail, out, code, marked)
	}
	ended, err := end(ctx, d, r.ID, to, out, reason, advice, tail)
	if errors.Is(err, errs.Conflict) { // another process has said so this instant
		return GetRun(ctx, d, r.ID)
	}
	return ended, err
}

// loaded holds the rows that the engine says it read against the mix: engines leave rows out without a word.
func loaded(ctx context.Context, d *db.DB, e Engine, r Run) (reason, advice string) {
	m, err := GetMix(ctx, d, r.MixID)
	if err != nil {
		return "", ""
	}
	c, err := m.Manifest.V.Configuration(r.Configuration)
	l, lerr := e.Loaded(r.Dir)
	if err != nil || lerr != nil || l.Rows == 0 || l.Rows == c.Rows {
		return "", ""
	}
	return fmt.Sprintf("the engine says it read %d rows, the mix has %d", l.Rows, c.Rows), "see its log for what it left out: what was trained is not this configuration"
}

// exitCode reads the marker of an attempt: how its command ended, and whether it has.
func exitCode(dir string) (int, bool) {
	var e Exit
	ok := readJSON(filepath.Join(dir, ExitFile), &e)
	return e.Code, ok
}

// why says why an attempt failed, and what to change: by its loss and its log where these tell, else by
// how its process ended.
func why(r Run, points []Point, log string, out Outcome, code int, marked bool) (reason, advice string) {
	if i := strings.LastIndex(log, attemptLine); i >= 0 { // earlier attempts had their own reasons
		log = log[i:]
	}
	if f, ok := diagnose(log); ok {
		return f.What, f.Do
	}
	for _, p := range points {
		if p.NotFinite {
			return fmt.Sprintf("the loss became NaN or infinite at step %d", p.Step), "lower learning_rate, lengthen warmup, or compute in bf16 or fp32; start a new run"
		}
	}
	switch {
	case !marked:
		return "interrupted: its processes are gone and left no word, killed or by a restart of the machine", "resume it: it goes on from its newest checkpoint"
	case code == 0:
		return out.Why, "see the end of its log"
	}
	if last := lastLine(log); last != "" && !strings.HasPrefix(last, strings.TrimSpace(attemptLine)) {
		return exitWords(code) + ": " + string([]rune(last)[:min(300, len([]rune(last)))]), "see the end of its log"
	}
	return exitWords(code), "see the end of its log"
}

// exitWords says what a code of the shell means.
func exitWords(code int) string {
	switch {
	case code == 137:
		return "its process was killed (137), as the system does when memory runs out"
	case code > 128:
		return fmt.Sprintf("its process was ended by signal %d", code-128)
	}
	return fmt.Sprintf("its process ended with code %d", code)
}

// Tail returns the end of a file, from the beginning of a line, at most n bytes; "" where there is none.
func Tail(path string, n int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return ""
	}
	from := max(0, st.Size()-n)
	raw := make([]byte, min(n, st.Size()))
	got, err := f.ReadAt(raw, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	return lines(raw[:got], from > 0)
}

// Stop asks a run's processes to end; a planned one is dropped. What does not end in [StopGrace] is
// killed at a later look. The run can be resumed.
func Stop(ctx context.Context, d *db.DB, by, id string) (Run, error) {
	r, err := GetRun(ctx, d, id)
	if err != nil {
		return r, err
	}
	if !r.Here() {
		return r, errs.Conflictf("%s runs on the machine %s: stop it there", r.Name, r.Host)
	}
	if r.Going() && !r.watched() {
		return r, errs.Conflictf("%s was started by %s: end it there", r.Name, r.Job.V.Topology.Launcher)
	}
	if r.State == Planned {
		return move(ctx, d, by, id, Stopped, func(tx *db.DB, r *Run) error { r.Queued = false; return nil })
	}
	r, err = move(ctx, d, by, id, Stopping, func(tx *db.DB, r *Run) error {
		now := tx.Now()
		r.StopAt = &now
		return nil
	})
	if err != nil {
		return r, err
	}
	p, what := r.process()
	p.terminate(what)
	return r, nil
}
