package mix_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/bench"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
	"coigwriter/internal/record"
	"coigwriter/internal/release"
	"coigwriter/internal/sample"
)

// Mixes of a release of the sample project with real general data, Chinese and English, at the paper's
// sizes, held against our own queries.
func TestMixesOfRealData(t *testing.T) {
	data, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(data, "dg_zh")); err != nil {
		t.Skipf("the general data is not here (dg_zh, dg_en): %v", err)
	}
	d, dir := dbtest.Open(t), t.TempDir()
	if err := sample.Load(t.Context(), d, "", func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(dir, "exports", "0.2.0")
	if _, err := release.Export(t.Context(), d, "0.2.0", release.ExportOptions{Format: "parquet", Dir: export}); err != nil {
		t.Fatal(err)
	}
	starter(t, filepath.Join(dir, "queries.jsonl"))
	const head = `[[creative]]
name = "sample"
release = "0.2.0"
paths = ["exports"]
[benchmark]
queries = ["queries.jsonl"]
`
	source := func(name, paths, more string) string {
		return fmt.Sprintf("[[general]]\nname = %q\npaths = [%s]\n%s", name, paths, more)
	}
	var sizes strings.Builder
	for name, n := range map[string]int{"CW": 0, "CW+1k": 1000, "CW+5k": 5000, "CW+10k": 10_000} {
		fmt.Fprintf(&sizes, "[[configuration]]\nname = %q\ncreative = \"all\"\ngeneral = %d\n", name, n)
	}
	sizes.WriteString("[[configuration]]\nname = \"G\"\ngeneral = 10000\n")
	zh := source("zh", fmt.Sprintf("%q, %q", data+"/dg_zh/hikariming", data+"/dg_zh/llamafactory/*.json"), "")
	en := source("en", fmt.Sprintf("%q", data+"/dg_en"), "")
	for _, tc := range []struct {
		name, general string
		bad           int // rows that the data's README knows to be empty
		least         map[string]int
	}{
		{"zh", zh, 8, map[string]int{"zh": 9500}},
		{"en", en, -1, map[string]int{"en": 9500}},
		{"both", zh + en, -1, map[string]int{"zh": 4000, "en": 4000}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := mix.ParsePlan("plan.toml", dir, []byte(head+tc.general+sizes.String()))
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(dir, tc.name)
			m, err := mix.Make(t.Context(), p, out, mix.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if faults, err := mix.Verify(t.Context(), out, ""); err != nil || len(faults) > 0 {
				t.Errorf("%v %v", faults, err)
			}
			creative, bad := 0, 0
			for _, s := range m.Sources {
				bad += s.Bad
				if s.Kind == mix.KindCreative {
					creative = s.Kept
				}
			}
			if i := slices.IndexFunc(m.Sources, func(s mix.Source) bool { return s.Release == "0.2.0" }); i < 0 || creative < 5 {
				t.Errorf("%d triplets of %+v", creative, m.Sources)
			}
			if tc.bad >= 0 && bad != tc.bad {
				t.Errorf("%d bad rows", bad)
			}
			for _, c := range m.Configurations {
				want := map[string]int{"CW": 0, "CW+1k": 1000, "CW+5k": 5000, "CW+10k": 10_000, "G": 10_000}[c.Name]
				if c.General != want || (c.Creative != creative) != (c.Name == "G") || c.Rows != c.General+c.Creative {
					t.Errorf("%+v", c)
				}
				for lang, n := range tc.least {
					if c.Name == "G" && c.ByLanguage[lang] < n {
						t.Errorf("%d rows in %s: %v", c.ByLanguage[lang], lang, c.ByLanguage)
					}
				}
			}
			t.Logf("%s: %d triplets; left out %v", tc.name, creative, m.LeftOut.ByReason)
		})
	}
	t.Run("more than there is", func(t *testing.T) {
		p, err := mix.ParsePlan("plan.toml", dir, []byte(head+zh+"[[configuration]]\nname = \"CW+12k\"\ncreative = \"all\"\ngeneral = 12000\n"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = mix.Make(t.Context(), p, filepath.Join(dir, "short"), mix.Options{})
		if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "CW+12k wants 12000 general rows and there are 1095") || !strings.Contains(err.Error(), "general: 10976 read, 8 bad, 13 duplicate") {
			t.Error(err)
		}
	})
}

// starter writes our own queries.
func starter(t *testing.T, path string) {
	t.Helper()
	qs, err := bench.Starter("")
	if err != nil {
		t.Fatal(err)
	}
	w, err := record.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range qs {
		if err := w.Write(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// With the model's own vocabulary the tokens are those that it sees: counted turn by turn they are what
// the whole text as ChatML writes it has, when marks are taken as one token each.
func TestLengthsByTokenizer(t *testing.T) {
	vocab, err := filepath.Abs("../../../shared/golden/tokens/qwen.tiktoken")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(vocab); err != nil {
		t.Skipf("the vocabulary is not here: %v", err)
	}
	dir := t.TempDir()
	row := `{"id":"1","prompt":"写一首关于雨的短诗","reasoning":"先想雨从哪里来","article":"雨停了。\nThe rain has stopped."}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "cw.jsonl"), []byte(row), 0o644); err != nil {
		t.Fatal(err)
	}
	plan := "[[creative]]\nname = \"cw\"\npaths = [\"cw.jsonl\"]\n[[configuration]]\nname = \"CW\"\ncreative = \"all\"\n[length]\ntokenizer = " + fmt.Sprintf("%q", vocab) + "\n"
	for more, want := range map[string]int{
		// of the whole text with its marks, by tiktoken over the same ranks
		"": 39, "default_system = \"You are Qwen, created by Alibaba Cloud. You are a helpful assistant.\"\n": 60,
	} {
		p, err := mix.ParsePlan("plan.toml", dir, []byte(plan+more))
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "out")
		m, err := mix.Make(t.Context(), p, out, mix.Options{})
		if err != nil {
			t.Fatal(err)
		}
		l := m.Configurations[0].Lengths
		if l.Estimated || l.Tokenizer == "" || l.Total != want {
			t.Errorf("%+v", l)
		}
		if faults, err := mix.Verify(t.Context(), out, vocab); err != nil || len(faults) > 0 {
			t.Errorf("%v %v", faults, err)
		}
		var line struct{ Messages []mix.Message }
		data, err := os.ReadFile(filepath.Join(out, m.Configurations[0].File))
		if err != nil || json.Unmarshal(data, &line) != nil || len(line.Messages) != 2 {
			t.Errorf("%s %v", data, err)
		}
	}
}
