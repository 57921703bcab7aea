package train

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/errs"
)

func TestLaunches(t *testing.T) {
	for _, topology := range []Topology{
		{Launcher: Local, Nodes: 1, GPUs: 2},
		{Launcher: Torchrun, Nodes: 2, GPUs: 8, Master: "10.0.0.1", Port: 29511},
		{Launcher: Slurm, Nodes: 2, GPUs: 8, Partition: "gpu", Account: "lab", Time: "2-00:00:00", CPUs: 64, Memory: "512G"},
		{Launcher: Ray, Nodes: 1, GPUs: 8, Address: "http://ray:8265"},
		{Launcher: Ray, Nodes: 2, GPUs: 8, Address: "http://ray:8265"},
		{Launcher: Kubernetes, Nodes: 1, GPUs: 8, Image: "lab/llamafactory:0.9.5", Claim: "work", Mount: "/data", CPUs: 32, Memory: "256Gi", Namespace: "lab"},
		{Launcher: Kubernetes, Nodes: 2, GPUs: 8, Image: "lab/llamafactory:0.9.5", Claim: "work", Mount: "/data"},
	} {
		for _, version := range []string{"llamafactory-0.9.5", "swift-4.6.0", "trl-0.29.1"} {
			e, p := engineOf(t, version), recorded(t, version)
			j := Job{Name: "CW+10k 一", Dir: "/data/runs/it's one", Mix: "/data/mix", Configuration: "CW+10k", Model: "/data/models/Qwen2.5-7B", Python: p.Python, Settings: Defaults(), Topology: topology}
			l, err := LaunchOf(e, j, p)
			if topology.Launcher == Ray && topology.Nodes > 1 && e != (LlamaFactory{}) {
				if !errors.Is(err, errs.Invalid) {
					t.Errorf("%s over a Ray cluster's machines: %v", e.Name(), err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range l.Files {
				var b strings.Builder
				if err := f.Write(t.Context(), &b); err != nil {
					t.Fatal(err)
				}
				wellFormed(t, f.Path, b.String())
			}
			name := string(topology.Launcher)
			if topology.Nodes > 1 {
				name += "-2"
			}
			golden(t, "launch-"+name+"-"+e.Name(), all(t, l.Files, "\x00")+"-- to type --\n"+strings.Join(l.Lines, "\n")+"\n")
		}
	}
}

// wellFormed has a shell or a YAML parser read a file.
func wellFormed(t *testing.T, name, text string) {
	t.Helper()
	if strings.HasSuffix(name, ".yaml") {
		for doc := range strings.SplitSeq(text, "\n---\n") {
			var v map[string]any
			if err := yaml.Unmarshal([]byte(doc), &v); err != nil || v["kind"] == nil {
				t.Errorf("%s: %v\n%s", name, err, doc)
			}
		}
		return
	}
	cmd := exec.Command("sh", "-n")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", name, err, out)
	}
}

// A shell hands every word on as it is.
func TestShellWords(t *testing.T) {
	needShell(t)
	words := []string{"plain", "", "a b", "it's", `"$HOME"`, "`id`", "$(id)", "a\nb", `\`, "*", "~", "雨", "-n", "a;b", "#x", "!x", "A=b c"}
	out, err := exec.Command("sh", "-c", `printf '%s\0' `+shellAll(words)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(words, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")); diff != "" {
		t.Error(diff)
	}
	c := Command{Args: []string{"printenv", "X", "A"}, Env: []string{"A=it's", "X=a  b"}, Dir: "/"}
	if out, err := exec.Command("sh", "-c", c.String()).Output(); err != nil || string(out) != "a  b\nit's\n" {
		t.Errorf("%s: %q, %v", c, out, err)
	}
}

func needShell(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no POSIX shell here")
	}
}

// The script that starts a run on a machine begins anew without a checkpoint, goes on from the newest whole
// one with, keeps the log, and leaves the marker that Done reads. A program that writes down how it was
// called stands for the engine's Python.
func TestNodeScript(t *testing.T) {
	needShell(t)
	for _, e := range Engines {
		dir := filepath.Join(t.TempDir(), "it's a run")
		python := filepath.Join(dir, "my python")
		write(t, dir, map[string]string{"my python": "#!/bin/sh\nprintf '%s|' \"$PWD\" \"$HF_HUB_DISABLE_TELEMETRY\" \"$NODE_RANK\" \"$PET_MASTER_ADDR\" \"$MASTER_PORT\" \"$@\"\necho\nexit ${CODE:-0}\n"})
		if err := os.Chmod(python, 0o755); err != nil {
			t.Fatal(err)
		}
		j := Job{Name: "x", Dir: dir, Model: "/m", Python: python, Settings: Defaults(), Topology: Topology{Launcher: Torchrun, Nodes: 2, GPUs: 4, Master: "one"}}
		l, err := LaunchOf(e, j, Probe{})
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteFiles(t.Context(), dir, l.Files); err != nil {
			t.Fatal(err)
		}
		call := func(rank int, env ...string) (string, int) {
			log := filepath.Join(dir, LogFile)
			if rank > 0 {
				log = filepath.Join(dir, "engine-1.log")
			}
			_ = os.Remove(log)
			cmd := exec.Command("sh", "-c", l.Lines[rank])
			cmd.Env = append(os.Environ(), env...)
			err := cmd.Run()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			b, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			return string(b), cmd.ProcessState.ExitCode()
		}
		want := func(rank, from string) string {
			return strings.Join(append([]string{dir, "1", rank, "one", "29500"}, e.Command(j, Probe{}, from).Args[1:]...), "|") + "|\n"
		}
		if got, code := call(0); got != want("0", "") || code != 0 {
			t.Errorf("%s begins: exit %d\n%s\nwant\n%s", e.Name(), code, got, want("0", ""))
		}
		write(t, dir, map[string]string{"out/checkpoint-4/trainer_state.json": "{}", "out/checkpoint-12/trainer_state.json": "{}", "out/checkpoint-20/model.safetensors": "x"})
		if got, code := call(0, "CODE=3"); got != want("0", "out/checkpoint-12") || code != 3 {
			t.Errorf("%s goes on: exit %d\n%s", e.Name(), code, got)
		}
		if o, err := e.Done(dir); err != nil || o.Done || !strings.Contains(o.Why, "code 3") {
			t.Errorf("%s: %+v, %v", e.Name(), o, err)
		}
		if err := ClearExit(dir); err != nil {
			t.Fatal(err)
		}
		if got, _ := call(1); got != want("1", "out/checkpoint-12") {
			t.Errorf("%s on the second machine:\n%s", e.Name(), got)
		}
		if _, err := os.Stat(filepath.Join(dir, ExitFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the second machine wrote the marker: %v", err)
		}
	}
}

func TestKubernetesSeesTheFiles(t *testing.T) {
	j := Job{Name: "x", Dir: "/home/a/run", Model: "/data/m", Settings: Defaults(), Topology: Topology{Launcher: Kubernetes, Nodes: 1, GPUs: 1, Image: "i", Claim: "c", Mount: "/data"}}
	if _, err := LaunchOf(TRL{}, j, Probe{}); err == nil || !strings.Contains(err.Error(), "/home/a/run is not below /data") {
		t.Error(err)
	}
	j.Dir, j.Model = "/data/run", "/database/m"
	if _, err := LaunchOf(TRL{}, j, Probe{}); err == nil || !strings.Contains(err.Error(), "/database/m is not below /data") {
		t.Error(err)
	}
	for name, want := range map[string]string{"CW+10k": "train-cw-plus-10k", "一": "train", "a--b_c.": "train-a-b-c", strings.Repeat("x", 99): "train-" + strings.Repeat("x", 44)} {
		if got := dnsName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestServeCommand(t *testing.T) {
	var lines []string
	for _, server := range Servers {
		for _, s := range []Serving{
			{Server: server, Checkpoint: "/runs/a run/out", Name: "CW+10k"},
			{Server: server, Python: "/opt/vllm/bin/python", Checkpoint: "/runs/lora/out", Base: "/models/Qwen2.5-7B", Rank: 16, Name: "CW", Host: "0.0.0.0", Port: 8001, GPUs: 4, MaxLength: 32768, Dir: "/runs/lora"},
		} {
			c, err := ServeCommand(s)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, c.String())
		}
	}
	golden(t, "serve", strings.Join(lines, "\n")+"\n")
	if _, err := ServeCommand(Serving{Server: "x", Checkpoint: "out", Port: -1}); err == nil || len(errs.FieldsOf(err)) != 4 {
		t.Error(err)
	}
}
