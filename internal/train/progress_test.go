package train

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The readers of the three engines' logs, with the name of the log below the output directory.
var readers = []struct {
	engine Engine
	log    string
	sample string
	point  func([]byte) (Point, bool)
}{
	{LlamaFactory{}, "trainer_log.jsonl", "llamafactory-0.9.5.jsonl", llamaFactoryPoint},
	{Swift{}, "logging.jsonl", "swift-4.6.0.jsonl", swiftPoint},
	{TRL{}, "progress.jsonl", "trl-0.29.1.jsonl", trlPoint},
}

// logDir is a run's directory in which the engine logged this.
func logDir(t *testing.T, log, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, outDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, outDir, log), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/logs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Three engines trained the same rows from the same weights: their logs tell of the same losses.
func TestRealLogsAreRead(t *testing.T) {
	want := []float64{5.554313, 5.558199, 5.390755, 5.283052, 5.343855, 5.187009}
	for _, r := range readers {
		points, err := r.engine.Progress(logDir(t, r.log, sample(t, r.sample)))
		if err != nil || len(points) != len(want) {
			t.Fatalf("%s: %d points, %v", r.engine.Name(), len(points), err)
		}
		for i, p := range points {
			if p.Step != i+1 || p.Steps != 6 || math.Abs(p.Loss-want[i]) > 1e-6 || p.LearningRate < 0 || p.NotFinite {
				t.Errorf("%s: point %d is %+v", r.engine.Name(), i, p)
			}
		}
		if last := points[5]; last.Epoch != 2 || last.Elapsed < 500*time.Millisecond || last.Remaining != 0 {
			t.Errorf("%s: the last point is %+v", r.engine.Name(), last)
		}
		if _, err := json.Marshal(points); err != nil {
			t.Error(err)
		}
	}
	points, err := Swift{}.Progress(logDir(t, "logging.jsonl", sample(t, "swift-4.6.0.jsonl")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]float64{"creative": 5.54894865, "general": 5.56844101}, points[0].ByKind); diff != "" {
		t.Error(diff)
	}
}

// A log is read while it is written, after a crash and after a resume.
func TestLogsThatAreNotWhole(t *testing.T) {
	for _, r := range readers {
		t.Run(r.engine.Name(), func(t *testing.T) {
			text := sample(t, r.sample)
			var lines []string
			for line := range strings.Lines(text) {
				if _, ok := r.point([]byte(line)); ok {
					lines = append(lines, line)
				}
			}
			for _, c := range []struct {
				name, log string
				want      []int
			}{
				{"nothing yet", "", nil},
				{"half a line at the end", lines[0] + lines[1] + lines[2][:len(lines[2])/2], []int{1, 2}},
				{"no line break at the end", lines[0] + strings.TrimSpace(lines[1]), []int{1, 2}},
				{"killed within a line, and resumed", lines[0] + lines[1][:20] + "\n" + lines[1], []int{1, 2}},
				{"resumed from step 2 after step 4", strings.Join(lines[:4], "") + lines[2], []int{1, 2, 3}},
				{"resumed, to the end", strings.Join(lines[:4], "") + strings.Join(lines[2:], ""), []int{1, 2, 3, 4, 5, 6}},
				{"noise", "warning: x\n{}\n[]\nnull\n\"\"\n" + lines[0] + `{"step":"many"}` + "\n", []int{1}},
				{"a line that is too long", lines[0] + strings.Repeat("x", 2*longestLine) + "\n" + lines[1], []int{1, 2}},
			} {
				points, err := r.engine.Progress(logDir(t, r.log, c.log))
				if err != nil {
					t.Fatal(err)
				}
				var got []int
				for _, p := range points {
					got = append(got, p.Step)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("%s: %s", c.name, diff)
				}
			}
		})
	}
	for _, r := range readers {
		if points, err := r.engine.Progress(t.TempDir()); err != nil || len(points) != 0 {
			t.Errorf("%s without a log: %v, %v", r.engine.Name(), points, err)
		}
	}
}

func TestLossThatIsNotFinite(t *testing.T) {
	for _, c := range []struct {
		point func([]byte) (Point, bool)
		line  string
	}{
		{llamaFactoryPoint, `{"current_steps": 3, "total_steps": 6, "loss": NaN, "lr": 0.001}`},
		{swiftPoint, `{"loss": Infinity, "grad_norm": -Infinity, "global_step/max_steps": "3/6"}`},
		{swiftPoint, `{"loss": "nan", "global_step/max_steps": "3/6"}`},
		{trlPoint, `{"step": 3, "steps": 6, "loss": 2.0, "grad_norm": NaN}`},
	} {
		p, ok := c.point(finite([]byte(c.line)))
		if !ok || !p.NotFinite || p.Step != 3 {
			t.Errorf("%s: %+v, %v", c.line, p, ok)
		}
		if f, ok, err := Diagnose(t.TempDir(), []Point{{Step: 1, Loss: 2}, p}); err != nil || !ok || f.Key != "not_finite" || !strings.Contains(f.What, "step 3") {
			t.Errorf("%+v, %v, %v", f, ok, err)
		}
	}
	const words = `{"a": "NaN \" Infinity", "b": NaN, "c": [-Infinity, Infinity]}`
	if got, want := string(finite([]byte(words))), `{"a": "NaN \" Infinity", "b": "NaN", "c": ["-Infinity", "Infinity"]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSpan(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"0:00:35": 35 * time.Second, "1:03:12": time.Hour + 3*time.Minute + 12*time.Second, "1 day, 2:00:01": 26*time.Hour + time.Second, "12 days, 0:00:00": 288 * time.Hour,
		"7s": 7 * time.Second, "1m 3s": 63 * time.Second, "2h 0m 5s": 2*time.Hour + 5*time.Second, "1d 1h 0m 0s": 25 * time.Hour,
		"": 0, "soon": 0, "-1:00:00": 0, "999999999:00:00": 0,
	} {
		if got := span(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

func TestLoaded(t *testing.T) {
	dir := logDir(t, "progress.jsonl", `{"rows": 2665, "steps": 252}`+"\n"+`{"step": 1, "steps": 252, "loss": 2}`+"\n")
	if err := os.WriteFile(filepath.Join(dir, LogFile), []byte("***** Running training *****\n  Num examples = 11\n[INFO|trainer.py:1470] 2026-01-01 00:00:00,000 >>   Num examples = 2,665\n  Num Epochs = 3\n  Total optimization steps = 252\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, e := range Engines {
		if got, err := e.Loaded(dir); err != nil || got != (Loaded{2665, 252}) {
			t.Errorf("%s: got %+v, %v", e.Name(), got, err)
		}
		if got, err := e.Loaded(t.TempDir()); err != nil || got != (Loaded{}) {
			t.Errorf("%s before it says so: got %+v, %v", e.Name(), got, err)
		}
	}
}

// Whatever stands in a log, reading it ends well: steps rise, numbers are finite and can be written as JSON.
func FuzzProgress(f *testing.F) {
	for _, r := range readers {
		b, err := os.ReadFile(filepath.Join("testdata/logs", r.sample))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"current_steps": 1e300, "step": -1, "global_step/max_steps": "9999999999999999999/1", "loss": NaN, "elapsed": 1e308, "vram_reserved": 1e300}`))
	f.Add([]byte("{\"step\":1,\"loss\":\"\\\"NaN\"}\n{\"step\":1,\"loss\":1}"))
	f.Fuzz(func(t *testing.T, log []byte) {
		for _, r := range readers {
			var c curve
			if err := linesOf(bytes.NewReader(log), func(line []byte) {
				if p, ok := r.point(finite(line)); ok {
					c.add(p)
				}
			}); err != nil {
				t.Fatal(err)
			}
			for i, p := range c {
				if p.Step < 1 || i > 0 && p.Step <= c[i-1].Step || p.Elapsed < 0 || p.Remaining < 0 || p.MemoryMiB < 0 || p.Tokens < 0 {
					t.Fatalf("%s: %+v", r.engine.Name(), p)
				}
			}
			if _, err := json.Marshal(c); err != nil {
				t.Fatalf("%s: %v", r.engine.Name(), err)
			}
		}
	})
}
