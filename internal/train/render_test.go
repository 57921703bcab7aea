package train

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
	"coigwriter/internal/train/traintest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recorded is a probe of a real environment.
func recorded(t *testing.T, name string) Probe {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/probes", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var p Probe
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// versions are the recorded environments, of each engine the newest and one before transformers 5.
var versions = []string{"llamafactory-0.9.5", "llamafactory-0.9.4", "swift-4.6.0", "swift-4.5.0", "trl-0.29.1", "trl-0.24.0"}

// engineOf is the engine of a recorded environment.
func engineOf(t *testing.T, name string) Engine {
	t.Helper()
	key, _, _ := strings.Cut(name, "-")
	e, err := EngineNamed(key)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// all is every file, one after the other, with the temporary directory called /data.
func all(t *testing.T, files []File, root string) string {
	t.Helper()
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "-- %s --\n", f.Path)
		if err := f.Write(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	return strings.ReplaceAll(b.String(), root, "/data")
}

// golden holds a text against its file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata/golden", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; if it is meant so: go test ./internal/train -update\n%s", path, diff)
	}
}

// variants are settings in which everything that is rendered comes up.
var variants = []struct {
	name   string
	change func(*Job)
}{
	{"defaults", func(*Job) {}},
	{"lora", func(j *Job) {
		s := &j.Settings
		s.Tuning, s.Precision, s.Attention, s.GradientCheckpointing, s.Save, s.Scheduler, s.MaxSteps = "lora", "fp16", "sdpa", false, "steps", "constant", 100
	}},
	{"eight", func(j *Job) {
		j.Settings.DeepSpeed, j.Settings.Attention, j.Settings.Packing, j.Settings.Thinking = 3, "flash_attention_2", true, true
		j.Topology.GPUs = 8
	}},
}

func TestRender(t *testing.T) {
	rows := append(traintest.Rows(2, 1), mix.Row{ID: "own", Source: "triplets", Kind: mix.KindCreative, Messages: []mix.Message{
		{Role: "system", Content: "你是作家。"},
		{Role: "user", Content: "a \"quoted\" <b>\u2028line"},
		{Role: "assistant", Content: "一"},
		{Role: "user", Content: "再写"},
		{Role: "assistant", Content: "雪。", Reasoning: "想：雪。"},
	}})
	for _, version := range versions {
		for _, v := range variants {
			t.Run(version+"-"+v.name, func(t *testing.T) {
				p := recorded(t, version)
				p.GPUs = slices.Repeat([]GPU{{"NVIDIA H100 80GB HBM3", 81559, "9.0"}}, 8)
				p.Versions["deepspeed"] = "0.18.0"
				j := tinyJob(t, p, rows)
				root := filepath.Dir(j.Mix)
				j.Settings.CPU, j.Settings.Batch, j.Settings.MaxLength = false, 32, 4096
				v.change(&j)
				e := engineOf(t, version)
				warn, err := e.Check(j, p)
				if err != nil {
					t.Fatal(err)
				}
				files, err := e.Render(j, p)
				if err != nil {
					t.Fatal(err)
				}
				text := all(t, files, root)
				for _, from := range []string{"", "out/checkpoint-7"} {
					text += "-- command --\n" + strings.ReplaceAll(e.Command(j, p, from).String(), root, "/data") + "\n"
				}
				for _, w := range warn {
					text += "-- warning --\n" + w.Key + ": " + w.Msg + "\n"
				}
				golden(t, version+"-"+v.name, text)
			})
		}
	}
}

// What is written as YAML is read as it was, numbers as numbers and texts as texts.
func TestYAML(t *testing.T) {
	want := map[string]any{
		"a": "no", "b": "1e-5", "c": `C:\"x" # y: z`, "d": "雨\n\t", "e": true, "f": uint64(3), "g": 2e-5, "h": 3.0, "i": nil, "j": []any{"a: b", "- c"}, "k": "", "l": 1e-8, "m": 1e21,
	}
	text := yamlFile("head\nof two lines\n", []pair{
		{"a", "no"}, {"b", "1e-5"}, {"c", `C:\"x" # y: z`}, {"d", "雨\n\t"}, {"e", true}, {"f", 3}, {"g", 2e-5}, {"h", 3.0}, {"i", nil}, {"j", []string{"a: b", "- c"}}, {"k", ""}, {"l", 1e-8}, {"m", 1e21},
	})
	var got map[string]any
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// PyYAML takes a number without a point for a text.
	if !strings.Contains(text, "g: 2.0e-05\n") || !strings.Contains(text, "m: 1.0e+21\n") || !strings.Contains(text, "h: 3.0\n") {
		t.Error(text)
	}
}

// A row that an engine would drop without a word is refused, with its line.
func TestRowsThatCannotBeLearnt(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{"id":"x","kind":"general","messages":[]}`, "rows.jsonl:2: is no row of a mix"},
		{`{"id":"x","kind":"general","messages":[{"role":"user","content":"a"}]}`, "rows.jsonl: line 2: row x has 1 turns"},
		{`{"id":"x","kind":"general","messages":[{"role":"assistant","content":"a"},{"role":"user","content":"b"}]}`, `line 2: row x: turn 1 is of "assistant"`},
		{`{"id":"x","kind":"general","messages":[{"role":"user","content":"a"},{"role":"assistant","content":" "}]}`, "line 2: row x: turn 2 is empty"},
		{`{"id":"x","kind":"general","messages":`, "rows.jsonl:2: "},
	} {
		dir := t.TempDir()
		good := `{"id":"g","kind":"general","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}` + "\n"
		if err := os.WriteFile(filepath.Join(dir, "rows.jsonl"), []byte(good+c.line+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		pl, n := plan{Job: Job{Mix: dir}, mix: mix.Configuration{File: "rows.jsonl"}}, 0
		err := pl.rowsFile(func(r mix.Row) any { n++; return r.ID }).Write(t.Context(), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) || n != 1 {
			t.Errorf("%s: got %v after %d rows", c.line, err, n)
		}
	}
}

// A mix whose rows were changed after it was made is not trained on.
func TestRowsAreTheMixes(t *testing.T) {
	for _, version := range versions {
		p := recorded(t, version)
		j := tinyJob(t, p, traintest.Rows(3, 2))
		replaceIn(t, filepath.Join(j.Mix, "train/rows.jsonl"), "What is 1 + 1?", "What is 1 + 2?")
		files, err := engineOf(t, version).Render(j, p)
		if err != nil {
			t.Fatal(err)
		}
		if err := WriteFiles(t.Context(), j.Dir, files); !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "changed since the mix was made") {
			t.Errorf("%s: got %v", version, err)
		}
		if _, err := os.Stat(filepath.Join(j.Dir, rowsName)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: half of the rows were left: %v", version, err)
		}
	}
}

func TestFilesStayBelow(t *testing.T) {
	for _, name := range []string{"../x", "/etc/x", "a/../../x"} {
		if err := WriteFiles(t.Context(), t.TempDir(), []File{textFile(name, "x")}); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	j := Job{Name: "CW", Dir: filepath.Join(t.TempDir(), "run"), Settings: Defaults(), Topology: Topology{Launcher: Local, Nodes: 1, GPUs: 1}}
	if err := WriteJob(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadJob(j.Dir); err != nil || got != j {
		t.Errorf("got %+v, %v", got, err)
	}
}
