package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/train/traintest"
)

// fakeWant is a small mix to be trained by the fake engine.
func fakeWant(t *testing.T, d *db.DB) Want {
	t.Helper()
	dir := t.TempDir()
	python, err := traintest.FakePython(dir)
	if err != nil {
		t.Fatal(err)
	}
	model, mixDir := filepath.Join(dir, "model"), filepath.Join(dir, "mix")
	if err := (traintest.Model{}).Write(model); err != nil {
		t.Fatal(err)
	}
	if err := traintest.WriteMix(mixDir, "CW", traintest.Rows(12, 4)); err != nil {
		t.Fatal(err)
	}
	m, err := AddMix(t.Context(), d, "system", mixDir)
	if err != nil {
		t.Fatal(err)
	}
	s := Defaults()
	s.CPU, s.Precision, s.MaxSteps, s.Batch, s.MaxLength, s.Save, s.SaveSteps = true, "fp32", 8, 4, 1024, "steps", 2
	e := LlamaFactory{}
	p, err := e.Probe(t.Context(), python)
	if err != nil {
		t.Fatal(err)
	}
	return Want{Mix: m, Engine: e, Probe: p, Python: python, Model: model, Settings: s, Topology: Topology{Launcher: Local, Nodes: 1, GPUs: 1}, Root: filepath.Join(dir, "runs with spaces"), GPUHour: "12 CNY"}
}

// planned adds the one run of a want.
func planned(t *testing.T, d *db.DB, w Want) Run {
	t.Helper()
	rs, err := w.Runs(func(n string) (string, error) { return FreeName(t.Context(), d, n) })
	if err != nil {
		t.Fatal(err)
	}
	if err := Add(t.Context(), d, "system", &rs[0]); err != nil {
		t.Fatal(err)
	}
	return rs[0]
}

// until looks at a run until it is as wanted.
func until(t *testing.T, d *db.DB, id string, ok func(Run, []Point) bool) Run {
	t.Helper()
	for {
		r, err := GetRun(t.Context(), d, id)
		if err != nil {
			t.Fatal(err)
		}
		if r, err = Look(t.Context(), d, r); err != nil {
			t.Fatal(err)
		}
		points, err := Points(t.Context(), d, id)
		if err != nil {
			t.Fatal(err)
		}
		if ok(r, points) {
			return r
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("still %s (%s) after %d points\n%s", r.State, r.Reason, len(points), Tail(r.LogPath(), 4000))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func over(r Run, _ []Point) bool { return !r.Going() }

func started(t *testing.T, d *db.DB, id string) Run {
	t.Helper()
	r, err := Begin(t.Context(), d, "system", id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p, what := r.process()
		p.kill(what)
	})
	return r
}

func actions(t *testing.T, d *db.DB, id string) string {
	t.Helper()
	evs, err := audit.History(t.Context(), d, "training_run", id)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range evs {
		out = append(out, e.Action)
	}
	return strings.Join(out, " ")
}

func TestRunFinishesAndOutlivesItsDirectory(t *testing.T) {
	d := dbtest.Open(t)
	r := planned(t, d, fakeWant(t, d))
	if strings.Contains(r.Name, " ") || filepath.Base(r.Dir) != r.Name {
		t.Errorf("named %q in %q", r.Name, r.Dir)
	}
	started(t, d, r.ID)
	if _, err := Begin(t.Context(), d, "system", r.ID); !errors.Is(err, errs.Conflict) {
		t.Errorf("a second start gave %v", err)
	}
	r = until(t, d, r.ID, over)
	if r.State != Finished || r.Outcome.V.Steps != 8 || r.Outcome.V.Loss != 3.4 || !strings.Contains(r.LogTail, "Running training") {
		t.Fatalf("ended %s (%s), %+v", r.State, r.Reason, r.Outcome.V)
	}
	if got := actions(t, d, r.ID); got != "plan start finish" {
		t.Errorf("history %q", got)
	}
	m, err := Register(t.Context(), d, "system", r.ID, "CW", nil)
	if err != nil || len(m.Hash) != 64 || m.Bytes == 0 {
		t.Fatalf("registered %+v, %v", m, err)
	}
	if _, err := Register(t.Context(), d, "system", r.ID, "CW", nil); len(errs.FieldsOf(err)) != 1 {
		t.Errorf("the same name again gave %v", err)
	}
	for _, name := range []string{"", " ", "a b", "-x", "a\nb", strings.Repeat("x", 101)} {
		if _, err := Register(t.Context(), d, "system", r.ID, name, nil); !errors.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := os.RemoveAll(r.Dir); err != nil {
		t.Fatal(err)
	}
	points, err := Points(t.Context(), d, r.ID)
	if err != nil || len(points) != 8 || points[7].Loss != 3 || points[7].Steps != 8 {
		t.Errorf("without its directory: %+v, %v", points, err)
	}
	if src, err := Sources(t.Context(), d); err != nil || src["CW"].Configuration != "CW" || src["CW"].Mix != "a small mix" {
		t.Errorf("sources %+v, %v", src, err)
	}
	if res, err := audit.Verify(t.Context(), d); err != nil || len(res.Faults) != 0 {
		t.Errorf("history: %+v, %v", res, err)
	}
}

// A run that is stopped, and one whose processes are killed, go on from their newest checkpoints and end
// at the same step, with every step once in the curve.
func TestStopKillAndResume(t *testing.T) {
	for name, halt := range map[string]func(*testing.T, *db.DB, Run) string{
		"stopped": func(t *testing.T, d *db.DB, r Run) string {
			if _, err := Stop(t.Context(), d, "system", r.ID); err != nil {
				t.Fatal(err)
			}
			return Stopped
		},
		"killed": func(t *testing.T, _ *db.DB, r Run) string {
			if err := syscall.Kill(-r.Pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			return Failed
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.Open(t)
			hold := filepath.Join(t.TempDir(), "go on")
			t.Setenv("FAKE_ENGINE_HOLD", hold)
			r := planned(t, d, fakeWant(t, d))
			r = started(t, d, r.ID)
			until(t, d, r.ID, func(_ Run, ps []Point) bool { return len(ps) == 2 })
			want := halt(t, d, r)
			r = until(t, d, r.ID, over)
			if r.State != want || want == Failed && !strings.Contains(r.Reason, "interrupted") {
				t.Fatalf("ended %s: %s", r.State, r.Reason)
			}
			if err := os.WriteFile(hold, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			r = started(t, d, r.ID)
			r = until(t, d, r.ID, over)
			points, err := Points(t.Context(), d, r.ID)
			if err != nil || r.State != Finished || r.Attempt != 2 || len(points) != 8 || r.Outcome.V.Steps != 8 {
				t.Errorf("resumed: %s (%s), attempt %d, %d points, %v", r.State, r.Reason, r.Attempt, len(points), err)
			}
			raw, err := os.ReadFile(filepath.Join(r.Dir, scriptFile))
			if err != nil || !strings.Contains(string(raw), "resume_from_checkpoint=out/checkpoint-2") {
				t.Errorf("the second attempt ran %s, %v", raw, err)
			}
		})
	}
}

func TestFailureIsNamedFromTheLog(t *testing.T) {
	d := dbtest.Open(t)
	t.Setenv("FAKE_ENGINE_SAY", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")
	r := planned(t, d, fakeWant(t, d))
	started(t, d, r.ID)
	r = until(t, d, r.ID, over)
	if r.State != Failed || !strings.Contains(r.Reason, "memory") || !strings.Contains(r.Advice, "per_device") {
		t.Errorf("%s: %s; %s", r.State, r.Reason, r.Advice)
	}
	// its own reason, not that of the attempt before
	t.Setenv("FAKE_ENGINE_SAY", "ValueError: 坏了")
	started(t, d, r.ID)
	r = until(t, d, r.ID, over)
	if r.State != Failed || !strings.Contains(r.Reason, "code 1: ValueError: 坏了") {
		t.Errorf("%s: %s; %s", r.State, r.Reason, r.Advice)
	}
}

// Another process that has got the number of a run's is not that run's.
func TestPidOfAnotherIsNotOurs(t *testing.T) {
	d := dbtest.Open(t)
	r := planned(t, d, fakeWant(t, d))
	hold := filepath.Join(t.TempDir(), "never")
	t.Setenv("FAKE_ENGINE_HOLD", hold)
	r = started(t, d, r.ID)
	p, what := r.process()
	if !p.alive(what) || !p.alive("") {
		t.Fatal("it does not live")
	}
	if other := (Process{p.Pid, "another boot 1"}); other.alive("") || !other.alive(what) {
		t.Error("its number alone makes it a run's, or its mark does not")
	}
	p.kill(what)
	until(t, d, r.ID, over)
	// the machine was started again: the number belongs to this very process
	if _, err := d.Exec(t.Context(), `UPDATE training_run SET state = ?, pid = ?, pid_born = ? WHERE id = ?`, Running, os.Getpid(), "another boot 2", r.ID); err != nil {
		t.Fatal(err)
	}
	if r = until(t, d, r.ID, over); r.State != Failed {
		t.Errorf("it is %s", r.State)
	}
}

func TestSweepStartsInTurn(t *testing.T) {
	d := dbtest.Open(t)
	w := fakeWant(t, d)
	w.Queued = true
	a := planned(t, d, w)
	b := planned(t, d, w)
	if b.Name != a.Name+"-2" {
		t.Errorf("the second is called %q", b.Name)
	}
	if err := Sweep(t.Context(), d, false); err != nil {
		t.Fatal(err)
	}
	if r, _ := GetRun(t.Context(), d, a.ID); r.State != Planned {
		t.Errorf("a sweep that may not start has started: %s", r.State)
	}
	for {
		if err := Sweep(t.Context(), d, true); err != nil {
			t.Fatal(err)
		}
		ra, errA := GetRun(t.Context(), d, a.ID)
		rb, errB := GetRun(t.Context(), d, b.ID)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if ra.Going() && rb.Going() {
			t.Fatal("two at once")
		}
		if ra.State == Finished && rb.State == Finished {
			return
		}
		if ra.Resumable() || rb.Resumable() {
			t.Fatalf("%s: %s; %s: %s", ra.State, ra.Reason, rb.State, rb.Reason)
		}
		select {
		case <-t.Context().Done():
			t.Fatal("they do not end")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// What cannot be started is said once, and not tried for ever.
func TestSweepGivesUpOnWhatCannotStart(t *testing.T) {
	d := dbtest.Open(t)
	w := fakeWant(t, d)
	w.Queued = true
	r := planned(t, d, w)
	if err := os.RemoveAll(w.Model); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(t.Context(), d, true); err == nil {
		t.Fatal("a run without its model was started")
	}
	r, err := GetRun(t.Context(), d, r.ID)
	if err != nil || r.Queued || r.State != Planned || r.Reason == "" {
		t.Errorf("%+v, %v", r, err)
	}
	if err := Sweep(t.Context(), d, true); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestWantRefuses(t *testing.T) {
	d := dbtest.Open(t)
	good := fakeWant(t, d)
	free := func(n string) (string, error) { return n, nil }
	for name, bad := range map[string]func(*Want){
		"no model":               func(w *Want) { w.Model = "" },
		"a model that is no one": func(w *Want) { w.Model = filepath.Join(w.Root, "nothing") },
		"no such configuration":  func(w *Want) { w.Configurations = []string{"CW+1k"} },
		"a batch that is none":   func(w *Want) { w.Settings.PerDevice = 3 },
		"a setting that is none": func(w *Want) { w.Settings.LearningRate = 7 },
		"an engine that is not there": func(w *Want) {
			w.Engine = TRL{}
			w.Probe, _ = w.Engine.Probe(context.Background(), w.Python)
		},
		"a directory in use": func(w *Want) {
			dir := filepath.Join(w.Root, "a-small-mix-CW")
			if err := os.MkdirAll(filepath.Join(dir, "out"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		w := good
		bad(&w)
		if rs, err := w.Runs(free); errs.Kind(err) == nil {
			t.Errorf("%s: %d runs, %v", name, len(rs), err)
		}
	}
}

func TestInside(t *testing.T) {
	root, out := t.TempDir(), t.TempDir()
	h := Host{Roots: []string{root}}
	inside := filepath.Join(root, "模型 one")
	if err := os.Mkdir(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(out, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Inside(inside + "/../模型 one"); err != nil || !strings.HasSuffix(got, "模型 one") {
		t.Errorf("inside: %q, %v", got, err)
	}
	for _, path := range []string{"", ".", "relative", out, root + "/../" + filepath.Base(out), filepath.Join(root, "link"), filepath.Join(root, "file"), filepath.Join(root, "none"), root + "x", "/etc"} {
		if got, err := h.Inside(path); !errors.Is(err, errs.Invalid) {
			t.Errorf("%q: %q, %v", path, got, err)
		}
	}
	if _, err := (Host{}).Inside(inside); err == nil {
		t.Error("without roots a path was let in")
	}
}

func TestCost(t *testing.T) {
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := Run{State: Running, StartedAt: &begun, SpentMs: 1_800_000, GPUHour: "12 CNY", Job: db.AsJSON(Job{Topology: Topology{Nodes: 2, GPUs: 8}})}
	if a, known := r.Cost(begun.Add(30 * time.Minute)); !known || a.String() != "192.00 CNY" { // 1 h x 16 x 12
		t.Errorf("%v, %v", a, known)
	}
	r.GPUHour = ""
	if _, known := r.Cost(begun); known {
		t.Error("a cost without a price")
	}
}

func TestLogLines(t *testing.T) {
	if got := lines([]byte("torn\n 1%|\r 50%|\r100%|\n\x1b[31mred\x1b[0m\x00\xff\n"), true); got != "100%|\n[31mred[0m�\n" {
		t.Errorf("%q", got)
	}
}
