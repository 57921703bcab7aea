package train

import (
	"context"
	"errors"
	"fmt"
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
const realPythons = "COIGWRITER_TEST_ENGINES"

// eachReal runs a test with every engine in every interpreter in which it works, and skips, saying how to
// get one, where there is none.
func eachReal(t *testing.T, test func(*testing.T, Engine, Probe)) {
	for _, e := range Engines {
		t.Run(e.Name(), func(t *testing.T) {
			why, found := "", false
			for _, python := range filepath.SplitList(os.Getenv(realPythons)) {
				p, err := e.Probe(t.Context(), python)
				if err != nil {
					t.Fatal(err)
				}
				if !p.Installed || p.Broken != "" {
					why += "\n" + python + " has none that works: " + p.Broken
					t.Log(why)
					continue
				}
				found = true
				t.Run("transformers-"+p.Versions["transformers"], func(t *testing.T) {
					t.Log(p.Versions)
					test(t, e, p)
				})
			}
			if !found {
				t.Skipf("%s names no Python with %s: nothing is tried on the real engine. To have it: %s%s", realPythons, e.Title(), e.Install(), why)
			}
		})
	}
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
	return j
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

// render writes a job's files and returns its warnings.
func render(t *testing.T, e Engine, j Job, p Probe) []Warning {
	t.Helper()
	warn, err := e.Check(j, p)
	if err != nil {
		t.Fatal(err)
	}
	files, err := e.Render(j, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFiles(t.Context(), j.Dir, files); err != nil {
		t.Fatal(err)
	}
	return warn
}

// dryRuns are programs that have an engine's own parser read train.yaml, and fail where it does not take
// all of it.
var dryRuns = map[string]string{
	"llamafactory": `
import sys
sys.argv = ["x", "train.yaml"]
from llamafactory.hparams import get_train_args
model, data, training, finetuning, generating = get_train_args()
got = (training.learning_rate, training.per_device_train_batch_size, training.gradient_accumulation_steps, training.num_train_epochs, data.cutoff_len, training.seed, finetuning.finetuning_type)
`,
	"swift": `
import sys
from swift.cli.main import parse_yaml_args
argv = ["train.yaml"]
parse_yaml_args(argv)
from swift.arguments import SftArguments
from swift.utils import parse_args
a, rest = parse_args(SftArguments, argv)
assert not rest, rest
got = (a.learning_rate, a.per_device_train_batch_size, a.gradient_accumulation_steps, a.num_train_epochs, a.max_length, a.seed, a.tuner_type)
`,
	"trl": `
from trl.scripts.sft import make_parser
script, training, model, *_, rest = make_parser().parse_args_and_config(["--config", "train.yaml"], return_remaining_strings=True)
assert not rest, rest
got = (training.learning_rate, training.per_device_train_batch_size, training.gradient_accumulation_steps, training.num_train_epochs, training.max_length, training.seed, "lora" if model.use_peft else "full")
`,
}

// Every engine's own parser takes what is rendered, and reads from it what was meant.
func TestRealEngineTakesTheSettings(t *testing.T) {
	eachReal(t, func(t *testing.T, e Engine, p Probe) {
		for _, tuning := range []string{"full", "lora"} {
			j := tinyJob(t, p, traintest.Rows(2, 2))
			j.Settings.Tuning, j.Settings.Batch, j.Settings.PerDevice = tuning, 32, 2
			if tuning == "lora" {
				j.Settings.Save, j.Settings.MaxSteps, j.Settings.Scheduler, j.Settings.Attention, j.Settings.Thinking = "steps", 7, "linear", "sdpa", true
			}
			render(t, e, j, p)
			c := e.Command(j, p, "")
			cmd := exec.CommandContext(t.Context(), c.Args[0], "-c", dryRuns[e.Name()]+"\nimport os\nos.write(2, ('\\nGOT ' + repr(got)).encode())\nos._exit(0)\n")
			cmd.Dir, cmd.Env = c.Dir, append(os.Environ(), c.Env...)
			out, err := cmd.CombinedOutput()
			if want := fmt.Sprintf("GOT (2e-05, 2, 16, 3.0, 1024, 42, '%s')", tuning); err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), want) {
				t.Errorf("%s: %v, want %s\n%s", tuning, err, want, out[max(0, len(out)-3000):])
			}
		}
	})
}

// A run over a small mix ends where it should, and says what we know of it; one that is killed in its
// middle and resumed takes the same steps with the same losses, and ends at the same weights.
func TestRealEngineTrainsAndResumes(t *testing.T) {
	const rows, steps = 24, 18
	eachReal(t, func(t *testing.T, e Engine, p Probe) {
		j := tinyJob(t, p, nil)
		if err := (traintest.Model{Seed: 1, Spelt: true}).Write(j.Model); err != nil {
			t.Fatal(err)
		}
		j.Mix = filepath.Join(filepath.Dir(j.Mix), "mix")
		m, err := traintest.MakeMix(t.Context(), filepath.Dir(j.Mix), j.Configuration, j.Model, 13, 11)
		if err != nil {
			t.Fatal(err)
		}
		j.Settings.LearningRate, j.Settings.Save, j.Settings.SaveSteps, j.Settings.Keep = 1e-3, "steps", 4, 2
		if warn := render(t, e, j, p); len(warn) != 1 || warn[0].Key != "think_tokens" {
			t.Errorf("warned of %v", warn)
		}
		code, text := runCommand(t.Context(), t, j, e.Command(j, p, ""), nil)
		if code != 0 {
			t.Fatalf("exit %d\n%s", code, text[max(0, len(text)-6000):])
		}
		whole := finished(t, e, j, steps)
		loaded, err := e.Loaded(j.Dir)
		if err != nil || loaded != (Loaded{rows, steps}) {
			t.Errorf("the engine says that it loaded %+v, %v; the mix has %d rows, which are %d steps", loaded, err, rows, steps)
		}
		if got, want := whole[len(whole)-1].Tokens, int64(3*m.Configurations[0].Lengths.Total); got != want {
			t.Errorf("the engine read %d tokens in three epochs; the mix has %d", got, want)
		}
		weights := identity(t, e, j)

		j.Dir += " again"
		render(t, e, j, p)
		code, text = runCommand(t.Context(), t, j, e.Command(j, p, ""), func() bool {
			c, err := Newest(j.Dir)
			return err == nil && c.Step < steps-4
		})
		if code >= 0 {
			t.Fatalf("exit %d before it could be killed\n%s", code, text[max(0, len(text)-6000):])
		}
		if o, err := e.Done(j.Dir); err != nil || o.Done || o.Steps >= steps {
			t.Errorf("killed, it is %+v, %v", o, err)
		}
		from, err := Newest(j.Dir)
		if err != nil {
			t.Fatal(err)
		}
		code, text = runCommand(t.Context(), t, j, e.Command(j, p, from.Path), nil)
		if code != 0 {
			t.Fatalf("resumed from %s: exit %d\n%s", from.Path, code, text[max(0, len(text)-6000):])
		}
		resumed := finished(t, e, j, steps)
		for i := range whole {
			if whole[i].Loss != resumed[i].Loss || whole[i].Step != resumed[i].Step {
				t.Errorf("step %d: loss %v in one go, %v with a resume from step %d", whole[i].Step, whole[i].Loss, resumed[i].Loss, from.Step)
			}
		}
		if got := identity(t, e, j); got != weights {
			t.Errorf("the resumed run ends at other weights: %s, %s in one go", got, weights)
		}
	})
}

// finished wants a run done after so many steps, each with a point.
func finished(t *testing.T, e Engine, j Job, steps int) []Point {
	t.Helper()
	o, err := e.Done(j.Dir)
	if err != nil || !o.Done || o.Steps != steps || o.Loss <= 0 || o.Runtime <= 0 {
		t.Fatalf("got %+v, %v", o, err)
	}
	points, err := e.Progress(j.Dir)
	if err != nil || len(points) != steps {
		t.Fatalf("%d points, %v: %+v", len(points), err, points)
	}
	for i, p := range points {
		if p.Step != i+1 || p.Steps != steps || p.Loss <= 0 || p.NotFinite {
			t.Errorf("point %d is %+v", i, p)
		}
	}
	return points
}

// identity is that of the weights alone: what is beside them may hold paths and times.
func identity(t *testing.T, e Engine, j Job) string {
	t.Helper()
	o, err := e.Done(j.Dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := HashWeights(t.Context(), o.Checkpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range w.Files {
		if f.Path == "model.safetensors" {
			return f.SHA256
		}
	}
	t.Fatalf("no weights among %v", w.Files)
	return ""
}
