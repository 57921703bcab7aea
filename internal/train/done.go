package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"coigwriter/internal/errs"
)

// An Exit is the marker: how a run's process ended. Whoever waited for the process writes it, so that
// its absence means that nobody saw an end.
type Exit struct {
	Code int       `json:"exit"`
	At   time.Time `json:"at,omitzero"`
}

// WriteExit writes the marker, whole or not at all.
func WriteExit(dir string, e Exit) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, ExitFile+".tmp")
	if err := os.WriteFile(tmp, append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, ExitFile))
}

// ClearExit takes the marker away, before a run is started or resumed.
func ClearExit(dir string) error {
	if err := os.Remove(filepath.Join(dir, ExitFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readJSON reads a small file of JSON, NaN included; one that is not there or half written is not ok.
func readJSON(path string, v any) bool {
	b, err := os.ReadFile(path)
	return err == nil && decode(finite(b), v)
}

// state is what transformers' trainer writes beside every checkpoint, last of its files.
type state struct {
	Step  int `json:"global_step"`
	Steps int `json:"max_steps"`
}

// A Checkpoint is one that a run can be resumed from.
type Checkpoint struct {
	Path  string `json:"path"` // relative to the run's directory
	Step  int    `json:"step"`
	Steps int    `json:"steps"` // of the whole run
}

// Checkpoints lists the complete checkpoints of a run, the newest last. A process that was killed while
// it wrote one leaves it without its last file; an engine that looks for the newest by name would fail
// on it.
func Checkpoints(dir string) ([]Checkpoint, error) {
	entries, err := os.ReadDir(filepath.Join(dir, outDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var found []Checkpoint
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), "checkpoint-")
		step, err := strconv.Atoi(name)
		if !ok || err != nil || !e.IsDir() {
			continue
		}
		path := filepath.Join(outDir, e.Name())
		var s state
		if readJSON(filepath.Join(dir, path, "trainer_state.json"), &s) && s.Step == step && hasWeights(filepath.Join(dir, path)) {
			found = append(found, Checkpoint{path, step, s.Steps})
		}
	}
	slices.SortFunc(found, func(a, b Checkpoint) int { return a.Step - b.Step })
	return found, nil
}

// Newest returns the newest complete checkpoint, or NotFound.
func Newest(dir string) (Checkpoint, error) {
	all, err := Checkpoints(dir)
	if err != nil {
		return Checkpoint{}, err
	}
	if len(all) == 0 {
		return Checkpoint{}, errs.NotFoundf("%s holds no complete checkpoint to resume from; start the run anew", filepath.Join(dir, outDir))
	}
	return all[len(all)-1], nil
}

func hasWeights(dir string) bool {
	for _, pattern := range []string{"*.safetensors", "*.bin"} {
		if found, err := fs.Glob(os.DirFS(dir), pattern); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

// ended reads the marker and holds the final state against it.
func ended(dir string, s state) (o Outcome) {
	o.Steps = s.Step
	var e Exit
	switch {
	case !readJSON(filepath.Join(dir, ExitFile), &e):
		o.Why = "no end was seen: it runs, or was killed together with what watched it"
	case e.Code != 0:
		o.Why = fmt.Sprintf("the engine ended with code %d", e.Code)
	case s.Steps == 0:
		o.Why = "the engine ended well but left no final state"
	case s.Step < s.Steps:
		o.Why = fmt.Sprintf("the engine ended after %d of %d steps", s.Step, s.Steps)
	default:
		o.Done = true
	}
	return o
}

// results are the metrics at the end of a training, under transformers' names.
type results struct {
	Loss    number `json:"train_loss"`
	Runtime number `json:"train_runtime"`
}

// doneInOut is for engines that leave the final weights, trainer_state.json and all_results.json in the
// output directory itself.
func doneInOut(dir string) (Outcome, error) {
	out := filepath.Join(dir, outDir)
	var s state
	var r results
	stated := readJSON(filepath.Join(out, "trainer_state.json"), &s)
	summed := readJSON(filepath.Join(out, "all_results.json"), &r)
	if !stated || !summed {
		newest, err := Newest(dir)
		if err != nil && !errors.Is(err, errs.NotFound) {
			return Outcome{}, err
		}
		s = state{Step: newest.Step}
	}
	return finish(ended(dir, s), out, r), nil
}

// finish adds to an outcome what is known only of a run that is done.
func finish(o Outcome, weights string, r results) Outcome {
	if !o.Done {
		return o
	}
	if !hasWeights(weights) {
		o.Done, o.Why = false, "the engine ended well but left no weights in "+weights
		return o
	}
	o.Checkpoint, o.Runtime = weights, seconds(r.Runtime.value)
	var p Point
	r.Loss.set(&o.Loss, &p)
	return o
}
