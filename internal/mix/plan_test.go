package mix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coigwriter/internal/errs"
)

const goodPlan = `name = "n"
seed = 7

[[creative]]
name = "cw"
paths = ["cw.jsonl"]

[[general]]
name = "g"
paths = ["g.jsonl"]
format = "alpaca"

[[configuration]]
name = "CW+1k"
creative = "all"
general = 1000
`

// What is wrong with a plan is said with file, line, field and what to do.
func TestPlanSaysWhatIsWrong(t *testing.T) {
	for _, tc := range []struct{ name, was, is, want string }{
		{"an unknown key", `format = "alpaca"`, `formt = "alpaca"`, "p.toml:11: general.formt: no such key; did you mean format?"},
		{"an unknown key at the top", "seed = 7", "sed = 7", "p.toml:2: sed: no such key; did you mean seed?"},
		{"an unknown table", "[[general]]", "[[generals]]", "p.toml:8: generals: no such key; did you mean general?"},
		{"a key of a known inner table", "seed = 7", "seed = 7\n[length]\nmaximum = 3", "p.toml:4: length.maximum: no such key"},
		{"an unknown format", `"alpaca"`, `"csv"`, `p.toml:11: general[0].format: "csv": give auto, sharegpt`},
		{"no TOML", "seed = 7", "seed = = 7", "p.toml:2: seed:"},
		{"a seed of words", "seed = 7", `seed = "x"`, "p.toml:2: seed"},
		{"a negative seed", "seed = 7", "seed = -7", "p.toml:2: seed: -7: give a whole number from 0"},
		{"a size of words", "general = 1000", `general = "many"`, `p.toml:16: configuration.general: many: give a number of rows from 0, or "all"`},
		{"a negative size", "general = 1000", "general = -1", "p.toml:16: configuration.general: -1: give a number"},
		{"a name that is no file's", `"CW+1k"`, `"../CW"`, `p.toml:14: configuration[0].name: "../CW": give letters`},
		{"two of one name", `general = 1000`, "general = 1000\n[[configuration]]\nname = \"CW+1k\"\ngeneral = 1", `p.toml:18: configuration[1].name: "CW+1k" is there twice`},
		{"two of one file", `general = 1000`, "general = 1000\n[[configuration]]\nname = \"cw+1K\"\ngeneral = 1", `p.toml:18: configuration[1].name: "cw+1K" would have the same file as "CW+1k"`},
		{"nothing in it", "creative = \"all\"\ngeneral = 1000", "", "p.toml:13: configuration[0]: takes no row at all"},
		{"no configurations", "[[configuration]]\nname = \"CW+1k\"\ncreative = \"all\"\ngeneral = 1000", "", "p.toml: configuration: there is none"},
		{"the same source twice", `name = "g"`, `name = "cw"`, `p.toml:9: general[0].name: "cw" is the name of another source`},
		{"no paths", `paths = ["g.jsonl"]`, "", "p.toml:8: general[0].paths: name files or folders"},
		{"a field we do not have", `format = "alpaca"`, `fields = { question = "q" }`, "p.toml:11: general[0].fields.question: no field is called so"},
		{"thoughts nowhere", "seed = 7", "seed = 7\n[reasoning]\ncreative = \"tag\"", `p.toml:4: reasoning.creative: "tag": give think, field, none`},
		{"a template without the prompt", "seed = 7", "seed = 7\n[template]\nuser = \"write\"", `p.toml:4: template.user: "write" holds no {prompt}`},
		{"an unknown placeholder", "seed = 7", "seed = 7\n[template]\nuser = \"{prompt} {style}\"", `p.toml:4: template.user: {style}: there are {prompt}`},
		{"a share of two", "seed = 7", "seed = 7\n[duplicates]\ngeneral = 2", "p.toml:4: duplicates.general: 2: give a share from 0.3 to 1"},
		{"a run of three", "seed = 7", "seed = 7\n[benchmark]\nrun = 3", "p.toml:4: benchmark.run: 3: give at least 8"},
		{"lengths that cut", "seed = 7", "seed = 7\n[length]\nover = \"cut\"", `p.toml:4: length.over: "cut": give refuse, list`},
		{"more than the bound", `format = "alpaca"`, "min_characters = 9\nmax_characters = 3", "p.toml:12: general[0].max_characters: 3 is less than min_characters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(goodPlan, tc.was, tc.is, 1)
			if text == goodPlan {
				t.Fatal("nothing was changed")
			}
			_, err := ParsePlan("p.toml", ".", []byte(text))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
			if errs.Kind(err) != errs.Invalid {
				t.Errorf("kind %v", errs.Kind(err))
			}
		})
	}
}

func TestPlanNamesEverythingAtOnce(t *testing.T) {
	text := strings.NewReplacer(`"alpaca"`, `"csv"`, "seed = 7", "seed = -1").Replace(goodPlan)
	_, err := ParsePlan("p.toml", ".", []byte(text))
	if n := len(errs.FieldsOf(err)); n != 2 {
		t.Errorf("%d problems: %v", n, err)
	}
}

func TestPlanIsRead(t *testing.T) {
	p, err := ParsePlan("p.toml", ".", []byte(goodPlan))
	if err != nil {
		t.Fatal(err)
	}
	if w := p.Configurations[0]; w.Creative != All || w.General != 1000 || p.Seed != 7 || p.General[0].Format != "alpaca" {
		t.Errorf("%+v", p)
	}
	if d := defaults(); p.Duplicates != d.Duplicates || p.Length != d.Length || p.Reasoning != d.Reasoning {
		t.Errorf("what a plan does not say is not as by default: %+v", p)
	}
	if got := FileOf("CW+10k"); got != "train/cw_plus_10k.jsonl" {
		t.Error(got)
	}
}

// A plan that init writes is read, and what it spells out is what it would be without.
func TestPresetsAreDefaults(t *testing.T) {
	for _, preset := range Presets {
		p, err := ParsePlan("p.toml", ".", preset.Render())
		if err != nil {
			t.Fatal(err)
		}
		d := defaults()
		if p.Seed != d.Seed || p.Reasoning != d.Reasoning || p.Template != d.Template || p.Duplicates != d.Duplicates || p.Length != d.Length ||
			p.Benchmark.Share != d.Benchmark.Share || p.Benchmark.Run != d.Benchmark.Run {
			t.Errorf("%s: %+v", preset.Name, p)
		}
		if len(p.Configurations) != len(preset.sizes) {
			t.Errorf("%s: %+v", preset.Name, p.Configurations)
		}
		for i, w := range p.Configurations {
			if w != preset.sizes[i] {
				t.Errorf("%s: %+v, want %+v", preset.Name, w, preset.sizes[i])
			}
		}
	}
	if _, err := PresetOf("five"); err == nil || !strings.Contains(err.Error(), "paper, published") {
		t.Error(err)
	}
}

// Patterns, folders, exports and what stands beside records.
func TestInputs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.jsonl", "b/c.json", "b/d/e.jsonl.gz", "b/d/f.parquet", "b/README.md", "b/dataset_info.json", "b/.hidden.jsonl", "x[1].jsonl"} {
		write(t, filepath.Join(dir, name), "{}")
	}
	for _, tc := range []struct {
		path, want string
	}{
		{"a.jsonl", "a.jsonl"},
		{"b", "c.json d/e.jsonl.gz d/f.parquet"},
		{"b/*.json", "c.json"},
		{"b/**/*.gz", "d/e.jsonl.gz"},
		{"./b/**", "c.json d/e.jsonl.gz d/f.parquet"},
		{"[ab].jsonl", "a.jsonl"},
		{"x[1].jsonl", "x[1].jsonl"},
		{"?.jsonl", "a.jsonl"},
	} {
		ins, _, err := Plan{dir: dir, file: "p"}.inputs("creative", []string{tc.path}, "")
		if err != nil {
			t.Errorf("%s: %v", tc.path, err)
		}
		var got []string
		for _, in := range ins {
			got = append(got, in.name)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %v, want %s", tc.path, got, tc.want)
		}
	}
	for path, want := range map[string]string{"none.jsonl": "no such file", "b/*.csv": "no files of records", "[": "no files of records"} {
		if _, _, err := (Plan{dir: dir, file: "p"}).inputs("creative", []string{path}, ""); err == nil || (!strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "pattern")) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestInputsOfReleases(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"1.0.0", "1.1.0"} {
		write(t, filepath.Join(dir, "exports", v, "manifest.json"), `{"version":"`+v+`","data":"triplets.jsonl"}`)
		write(t, filepath.Join(dir, "exports", v, "triplets.jsonl"), "{}\n")
		write(t, filepath.Join(dir, "exports", v, "notes.jsonl"), "{}\n")
	}
	p := Plan{dir: dir, file: "p"}
	ins, version, err := p.inputs("creative", []string{"exports"}, "1.1.0")
	if err != nil || version != "1.1.0" || len(ins) != 1 || ins[0].name != "triplets.jsonl" {
		t.Errorf("%v %s %v", ins, version, err)
	}
	for _, tc := range []struct{ path, release, want string }{
		{"exports/1.0.0", "1.1.0", "is release 1.0.0, the plan wants 1.1.0"},
		{"exports/1.0.0/notes.jsonl", "1.0.0", "is no export of a release"},
	} {
		if _, _, err := p.inputs("creative", []string{tc.path}, tc.release); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want %s", err, tc.want)
		}
	}
	if _, _, err := p.inputs("creative", []string{"exports/1.0.0", "exports/1.1.0"}, ""); err == nil || !strings.Contains(err.Error(), "two releases") {
		t.Error(err)
	}
	write(t, filepath.Join(dir, "exports/1.0.0/SHA256SUMS"), strings.Repeat("0", 64)+"  triplets.jsonl\n")
	if _, _, err := p.inputs("creative", []string{"exports/1.0.0"}, ""); err == nil || !strings.Contains(err.Error(), "not as it was exported") {
		t.Error(err)
	}
}

func write(t testing.TB, path, s string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Whatever a plan holds, it is read or refused by name.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(goodPlan))
	f.Add(Presets[1].Render())
	f.Add([]byte("[[general]]\nfields = { a.b = 1 }\n[general.fields]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePlan("p.toml", ".", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "p.toml") {
				t.Fatalf("does not name the file: %v", err)
			}
			return
		}
		if len(p.Configurations) == 0 || p.Hash() == "" {
			t.Fatalf("%+v", p)
		}
	})
}
