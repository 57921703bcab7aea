package train

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/errs"
	"coigwriter/internal/train/traintest"
)

// What can be known before a run is said before it, with what to do.
func TestChecks(t *testing.T) {
	gpu := GPU{"NVIDIA A100", 81920, "8.0"}
	for _, c := range []struct {
		name   string
		engine string // a recorded environment
		change func(*testing.T, *Job, *Probe)
		kind   error
		want   string // in the error; "" for none
		warns  string // the keys
	}{
		{name: "fine", engine: "llamafactory-0.9.5"},
		{name: "missing", engine: "trl-0.29.1", change: func(_ *testing.T, _ *Job, p *Probe) { p.Installed = false }, kind: errs.Unavailable, want: "TRL is not installed for /opt/trl/bin/python; install it: python3 -m venv"},
		{name: "broken", engine: "swift-4.6.0", change: func(_ *testing.T, _ *Job, p *Probe) { p.Broken = "ImportError: x" }, kind: errs.Unavailable, want: "cannot be imported: ImportError: x"},
		{name: "old", engine: "llamafactory-0.9.5", change: func(_ *testing.T, _ *Job, p *Probe) { p.Versions["llamafactory"] = "0.8.3" }, kind: errs.Unavailable, want: "0.8.3 is older than 0.9.3"},
		{name: "another parser", engine: "swift-4.6.0", change: func(_ *testing.T, _ *Job, p *Probe) {
			p.Keys = slices.DeleteFunc(p.Keys, func(k string) bool { return k == "loss_scale" || k == "strict" })
		}, kind: errs.Unavailable, want: "does not know the settings loss_scale, strict"},
		{name: "no gpu", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.CPU = false }, kind: errs.Unavailable, want: "sees no GPU"},
		{name: "fewer gpus", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, p *Probe) {
			j.Settings.CPU, j.Topology.GPUs, p.GPUs = false, 2, []GPU{gpu}
		}, kind: errs.Invalid, want: "2 GPUs are asked for and torch sees 1"},
		{name: "no bf16", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, p *Probe) {
			j.Settings.CPU, p.GPUs = false, []GPU{{"Tesla V100", 32768, "7.0"}}
		}, kind: errs.Invalid, want: "Tesla V100 cannot compute in bf16"},
		{name: "no deepspeed", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, p *Probe) {
			j.Settings.CPU, j.Settings.DeepSpeed, p.GPUs = false, 2, []GPU{gpu}
		}, kind: errs.Unavailable, want: "deepspeed is not installed"},
		{name: "the batch", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.Batch, j.Settings.PerDevice = 32, 5 }, kind: errs.Invalid, want: "per_device 4 and accumulation 8"},
		{name: "cut rows", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.MaxLength = 100 }, kind: errs.Invalid, want: "would be cut at 100"},
		{name: "beyond the model", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.MaxLength = 8192 }, kind: errs.Invalid, want: "beyond the 4096 tokens"},
		{name: "packing", engine: "llamafactory-0.9.5", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.Packing = true }, warns: "packing"},
		{name: "packing without flash attention", engine: "swift-4.6.0", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.Packing = true }, kind: errs.Invalid, want: "only with flash_attention_2"},
		{name: "empty thoughts", engine: "llamafactory-0.9.5", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.Template, j.Settings.Thinking = "qwen3", true }, warns: "empty_thought"},
		{name: "unknown template", engine: "llamafactory-0.9.5", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.Template = "qwen2.5" }, kind: errs.Invalid, want: "those called alike are qwen"},
		{name: "a template for TRL", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.Template = "qwen" }, kind: errs.Invalid, want: "tokenizer's own chat template"},
		{name: "an unknown kind of model", engine: "llamafactory-0.9.5", change: func(t *testing.T, j *Job, _ *Probe) {
			replaceIn(t, filepath.Join(j.Model, "config.json"), `"qwen2"`, `"novelist"`)
		}, kind: errs.Invalid, want: "a model of type novelist"},
		{name: "no token for thoughts", engine: "trl-0.29.1", change: func(t *testing.T, j *Job, _ *Probe) {
			replaceIn(t, filepath.Join(j.Model, "tokenizer.json"), `"<think>"`, `"<thunk>"`)
		}, warns: "think_tokens"},
		{name: "no template", engine: "trl-0.29.1", change: func(t *testing.T, j *Job, _ *Probe) {
			replaceIn(t, filepath.Join(j.Model, "tokenizer_config.json"), `"chat_template"`, `"x"`)
		}, kind: errs.Invalid, want: "brings no chat template"},
		{name: "half a download", engine: "trl-0.29.1", change: func(t *testing.T, j *Job, _ *Probe) {
			if err := os.Truncate(filepath.Join(j.Model, "model.safetensors"), 5000); err != nil {
				t.Fatal(err)
			}
		}, kind: errs.Invalid, want: "fetch it again"},
		{name: "a missing part", engine: "trl-0.29.1", change: func(t *testing.T, j *Job, _ *Probe) {
			write(t, j.Model, map[string]string{"model.safetensors.index.json": `{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}`})
		}, kind: errs.Invalid, want: "model-2.safetensors is missing"},
		{name: "an index that points out", engine: "trl-0.29.1", change: func(t *testing.T, j *Job, _ *Probe) {
			write(t, j.Model, map[string]string{"model.safetensors.index.json": `{"weight_map": {"a": "../x"}}`})
		}, kind: errs.Invalid, want: "no file of this directory"},
		{name: "no weights", engine: "trl-0.29.1", change: func(t *testing.T, j *Job, _ *Probe) { remove(t, j.Model, "model.safetensors") }, kind: errs.Invalid, want: "no weights"},
		{name: "no tokenizer", engine: "trl-0.29.1", change: func(t *testing.T, j *Job, _ *Probe) { remove(t, j.Model, "tokenizer.json") }, kind: errs.Invalid, want: "no tokenizer"},
		{name: "no checkpoint", engine: "trl-0.29.1", change: func(t *testing.T, j *Job, _ *Probe) { remove(t, j.Model, "config.json") }, kind: errs.Invalid, want: "no config.json"},
		{name: "no model", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Model += "x" }, kind: errs.Invalid, want: "neither a directory nor a name on a hub"},
		{name: "a relative directory", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Dir = "run" }, kind: errs.Invalid, want: "no absolute path"},
		{name: "no such configuration", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Configuration = "CW" }, kind: errs.NotFound, want: `no configuration "CW"`},
		{name: "all turns", engine: "trl-0.29.1", change: func(_ *testing.T, j *Job, _ *Probe) { j.Settings.AllTurns = true }, kind: errs.Invalid, want: "all_turns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := recorded(t, c.engine)
			j := tinyJob(t, p, traintest.Rows(3, 2))
			if c.change != nil {
				c.change(t, &j, &p)
			}
			warn, err := engineOf(t, c.engine).Check(j, p)
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			var keys []string
			for _, w := range warn {
				keys = append(keys, w.Key)
			}
			if got := strings.Join(keys, " "); got != c.warns {
				t.Errorf("warned of %q, want %q: %v", got, c.warns, warn)
			}
		})
	}
}

func replaceIn(t *testing.T, path, from, to string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), from) {
		t.Fatalf("%s has no %s", path, from)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), from, to)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// A run on fewer GPUs than there are is held to them: engines take all they see, and the batch is another.
func TestVisibleDevices(t *testing.T) {
	four := slices.Repeat([]GPU{{"A100", 81920, "8.0"}}, 4)
	for _, c := range []struct {
		p    Probe
		t    Topology
		cpu  bool
		want string
	}{
		{Probe{GPUs: four}, Topology{Launcher: Local, Nodes: 1, GPUs: 2}, false, "CUDA_VISIBLE_DEVICES=0,1"},
		{Probe{GPUs: four, Visible: "4,5,6,7"}, Topology{Launcher: Local, Nodes: 1, GPUs: 1}, false, "CUDA_VISIBLE_DEVICES=4"},
		{Probe{GPUs: four}, Topology{Launcher: Local, Nodes: 1, GPUs: 4}, false, ""},
		{Probe{GPUs: four}, Topology{Launcher: Local, Nodes: 1, GPUs: 2, Devices: "2,3"}, false, "CUDA_VISIBLE_DEVICES=2,3"},
		{Probe{GPUs: four}, Topology{Launcher: Slurm, Nodes: 1, GPUs: 2}, false, ""},
		{Probe{GPUs: four}, Topology{Launcher: Local, Nodes: 1, GPUs: 1}, true, "CUDA_VISIBLE_DEVICES="},
	} {
		for _, e := range Engines {
			env := e.Command(Job{Python: "python3", Settings: Settings{CPU: c.cpu}, Topology: c.t}, c.p, "").Env
			got := ""
			for _, kv := range env {
				if strings.HasPrefix(kv, "CUDA_VISIBLE_DEVICES") {
					got = kv
				}
			}
			if got != c.want || !slices.IsSorted(env) {
				t.Errorf("%s, %+v: got %q, want %q", e.Name(), c.t, got, c.want)
			}
		}
	}
}

func TestProbeOfNoPython(t *testing.T) {
	for _, e := range Engines {
		if _, err := e.Probe(t.Context(), filepath.Join(t.TempDir(), "python")); !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "is not there") {
			t.Error(err)
		}
	}
	for have, atLeast := range map[string]bool{"4.57.1": false, "5.0.0": true, "5.6.0.dev0": true, "10.0": true, "5": false} {
		p := Probe{Versions: map[string]string{"x": have}}
		if p.AtLeast("x", "5.0") != atLeast || p.AtLeast("y", "0.1") {
			t.Errorf("%s: got %v", have, !atLeast)
		}
	}
	if _, err := EngineNamed("axolotl"); err == nil || !strings.Contains(err.Error(), "llamafactory, swift, trl") {
		t.Error(err)
	}
}
