package train

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/errs"
)

// write writes files below a run's directory, by their names.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckpointsAreWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [run]*")
	if _, err := Newest(dir); !errors.Is(err, errs.NotFound) {
		t.Errorf("no directory: %v", err)
	}
	write(t, dir, map[string]string{
		"out/checkpoint-4/trainer_state.json":  `{"global_step": 4, "max_steps": 20, "best_metric": NaN}`,
		"out/checkpoint-4/model.safetensors":   "x",
		"out/checkpoint-12/trainer_state.json": `{"global_step": 12, "max_steps": 20}`,
		"out/checkpoint-12/model.safetensors":  "x",
		"out/checkpoint-16/model.safetensors":  "x",                                    // killed before the state
		"out/checkpoint-18/trainer_state.json": `{"global_step": 18, "max_st`,          // killed within the state
		"out/checkpoint-18/model.safetensors":  "x",                                    //
		"out/checkpoint-20/trainer_state.json": `{"global_step": 20, "max_steps": 20}`, // without weights
		"out/checkpoint-best":                  "x",
	})
	all, err := Checkpoints(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Checkpoint{{"out/checkpoint-4", 4, 20}, {"out/checkpoint-12", 12, 20}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	if newest, err := Newest(dir); err != nil || newest != want[1] {
		t.Errorf("got %+v, %v", newest, err)
	}
}

// A run is done when its process ended well and the engine wrote its end files, and not before.
func TestDone(t *testing.T) {
	files := map[Engine]map[string]string{
		TRL{}: {
			"out/trainer_state.json": `{"global_step": 6, "max_steps": 6}`, "out/all_results.json": `{"train_loss": 5.4, "train_runtime": 1.5}`, "out/model.safetensors": "x",
		},
		Swift{}: {
			"out/checkpoint-6/trainer_state.json": `{"global_step": 6, "max_steps": 6}`, "out/checkpoint-6/model.safetensors": "x",
			"out/logging.jsonl": `{"train_loss": 5.4, "train_runtime": 1.5, "global_step/max_steps": "6/6"}` + "\n",
		},
	}
	files[LlamaFactory{}] = files[TRL{}]
	for e, all := range files {
		for _, c := range []struct {
			name, file, text string // changed, or taken away with ""
			done             bool
			why              string
		}{
			{"all there", "", "", true, ""},
			{"no marker", ExitFile, "", false, "no end was seen"},
			{"half a marker", ExitFile, `{"exi`, false, "no end was seen"},
			{"it failed at the end", ExitFile, `{"exit":1}`, false, "code 1"},
			{"it stopped early", stateOf(e), `{"global_step": 4, "max_steps": 6}`, false, ""},
			{"no state", stateOf(e), "", false, "no final state"},
		} {
			dir := t.TempDir()
			write(t, dir, all)
			if err := WriteExit(dir, Exit{}); err != nil {
				t.Fatal(err)
			}
			switch {
			case c.file != "" && c.text == "":
				if err := os.Remove(filepath.Join(dir, c.file)); err != nil {
					t.Fatal(err)
				}
			case c.file != "":
				write(t, dir, map[string]string{c.file: c.text})
			}
			o, err := e.Done(dir)
			if err != nil || o.Done != c.done || !strings.Contains(o.Why, c.why) || (o.Why == "") != c.done {
				t.Errorf("%s, %s: %+v, %v", e.Name(), c.name, o, err)
			}
			if o.Done && (o.Steps != 6 || o.Loss != 5.4 || o.Runtime.Seconds() != 1.5 || !hasWeights(o.Checkpoint)) {
				t.Errorf("%s: %+v", e.Name(), o)
			}
			if !o.Done && o.Checkpoint != "" {
				t.Errorf("%s, %s: not done, and yet %s", e.Name(), c.name, o.Checkpoint)
			}
		}
		if o, err := e.Done(t.TempDir()); err != nil || o.Done {
			t.Errorf("%s on nothing: %+v, %v", e.Name(), o, err)
		}
	}
	dir := t.TempDir()
	for range 2 { // the second finds nothing to clear
		if err := ClearExit(dir); err != nil {
			t.Error(err)
		}
	}
}

func stateOf(e Engine) string {
	if e == (Swift{}) {
		return "out/checkpoint-6/trainer_state.json"
	}
	return "out/trainer_state.json"
}
