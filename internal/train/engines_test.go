package train

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coigwriter/internal/mix"
	"coigwriter/internal/train/traintest"
)

// realPythons are the interpreters that the suite with real engines may use.
const realPythons = "COIGWRITER_TRAIN_PYTHON"

// realEngine finds an interpreter in which the engine works, or skips the test and says how to get one.
func realEngine(t *testing.T, e Engine) Probe {
	t.Helper()
	list := os.Getenv(realPythons)
	if list == "" {
		t.Skipf("%s names no Python with %s: nothing is tried on the real engine. To have it: %s", realPythons, e.Title(), e.Install())
	}
	why := ""
	for _, python := range filepath.SplitList(list) {
		p, err := e.Probe(t.Context(), python)
		if err != nil {
			t.Fatal(err)
		}
		if p.Installed && p.Broken == "" {
			t.Logf("%s: %v", python, p.Versions)
			return p
		}
		why += " " + python + ": " + p.Broken
	}
	t.Skipf("no Python of %s has a working %s (%s). To have it: %s", realPythons, e.Title(), why, e.Install())
	return Probe{}
}

// tinyJob is a job over a small mix and a tiny model, in a directory whose name has a space.
func tinyJob(t *testing.T, p Probe, rows []mix.Row) Job {
	t.Helper()
	root := t.TempDir()
	j := Job{
		Name: "CW+1k", Dir: filepath.Join(root, "a run"), Mix: filepath.Join(root, "a mix"), Configuration: "CW+1k", Model: filepath.Join(root, "a model"), Python: p.Python,
		Settings: Defaults(), Topology: Topology{Launcher: Local, Nodes: 1, GPUs: 1},
	}
	j.Settings.CPU, j.Settings.MaxLength, j.Settings.Workers, j.Settings.Batch = true, 1024, 1, 4
	if err := (traintest.Model{Seed: 1}).Write(j.Model); err != nil {
		t.Fatal(err)
	}
	if err := traintest.WriteMix(j.Mix, "CW+1k", rows); err != nil {
		t.Fatal(err)
	}
	if _, err := writeAll(t, j, nil); err != nil {
		t.Fatal(err)
	}
	return j
}

// writeAll writes a job's files.
func writeAll(t *testing.T, j Job, files []File) (string, error) {
	t.Helper()
	return j.Dir, WriteFiles(j.Dir, files)
}

// runCommand runs a command with its output in the run's log, as a supervisor does.
func runCommand(ctx context.Context, t *testing.T, j Job, c Command, stop func() bool) (code int, text string) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(j.Dir, LogFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := ClearExit(j.Dir); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.Dir, append(os.Environ(), c.Env...), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			code = cmd.ProcessState.ExitCode()
			if code >= 0 {
				if err := WriteExit(j.Dir, Exit{Code: code, At: time.Now().UTC()}); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(log.Name())
			if err != nil {
				t.Fatal(err)
			}
			return code, string(b)
		case <-ctx.Done():
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		case <-tick.C:
			if stop != nil && stop() {
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
				stop = nil
			}
		}
	}
}

func TestRealEngineTrains(t *testing.T) {
	for _, e := range Engines {
		t.Run(e.Name(), func(t *testing.T) {
			p := realEngine(t, e)
			rows := traintest.Rows(6, 5)
			j := tinyJob(t, p, rows)
			j.Settings.Epochs, j.Settings.LearningRate = 2, 1e-3
			warn, err := e.Check(j, p)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(warn)
			files, err := e.Render(j, p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := writeAll(t, j, files); err != nil {
				t.Fatal(err)
			}
			code, text := runCommand(t.Context(), t, j, e.Command(j, p, ""), nil)
			if code != 0 {
				t.Fatalf("exit %d\n%s", code, text[max(0, len(text)-6000):])
			}
			points, err := e.Progress(j.Dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", points)
			loaded, err := e.Loaded(j.Dir)
			if err != nil || loaded.Rows != len(rows) || loaded.Steps != 6 {
				t.Errorf("the engine says that it loaded %+v, %v; the mix has %d rows, which are 6 steps", loaded, err, len(rows))
			}
			o, err := e.Done(j.Dir)
			if err != nil || !o.Done || o.Steps != 6 {
				t.Errorf("got %+v, %v", o, err)
			}
			if os.Getenv("COIGWRITER_TRAIN_LOGS") != "" {
				out, _ := exec.Command("cp", "-r", j.Dir, filepath.Join(os.Getenv("COIGWRITER_TRAIN_LOGS"), e.Name())).CombinedOutput()
				t.Log(strings.TrimSpace(string(out)))
			}
		})
	}
}
