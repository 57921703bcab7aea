package analysis

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/genre"
	"coigwriter/internal/plot"
	"coigwriter/internal/record"
)

// A realSet is a public set: how its shape becomes records, and what must come out of them.
type realSet struct {
	name    string
	records func(t *testing.T, dir string) []any
	check   func(t *testing.T, c *Corpus, results map[string]Result)
	atLeast float64 // of a success
}

// realSets are read one by one through the very corpus that `analyze all` uses.
var realSets = []realSet{
	{"alpaca_eval_outputs", func(t *testing.T, dir string) (out []any) {
		type row struct{ Instruction, Output, Generator string }
		for _, f := range glob(t, dir, "*.json") {
			for i, r := range jsonList[row](t, f) {
				out = append(out, record.Generation{QueryID: fmt.Sprint(i), Model: r.Generator, Language: "en", Prompt: r.Instruction, Output: r.Output})
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		// chatglm2-6b answers English prompts in Chinese more often than all others together
		most, others := 0, 0
		for _, l := range languageLines(results) {
			if l.Model == "chatglm2-6b" {
				most = l.Bad.K
			} else {
				others += l.Bad.K
			}
		}
		if most < 5 || most <= others {
			t.Errorf("chatglm2-6b left the language %d times, the others %d", most, others)
		}
		perToken(t, results, 5)
	}, 2},
	{"ifeval_five_models", func(t *testing.T, dir string) (out []any) {
		type row struct {
			Index            any
			Prompt, Response string
		}
		for _, f := range glob(t, dir, "*.jsonl") {
			for i, r := range jsonLines[row](t, f) {
				out = append(out, record.Generation{QueryID: fmt.Sprint(i), Model: modelName(f), Language: "en", Prompt: r.Prompt, Output: r.Response})
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		for _, l := range languageLines(results) {
			if l.Bad.K > 0 && l.Model == "deepseek67B" || l.Model == "chatglm" && l.Asked.K+l.Bad.K == 0 {
				t.Errorf("%+v", l)
			}
		}
		perToken(t, results, 5)
	}, 2},
	{"halluqa_outputs", func(t *testing.T, dir string) (out []any) {
		type row struct {
			ID       int `json:"question_id"`
			Question string
			Response string
		}
		for _, f := range glob(t, dir, "*.json") {
			for _, r := range jsonList[row](t, f) {
				out = append(out, record.Generation{QueryID: fmt.Sprint(r.ID), Model: modelName(f), Prompt: r.Question, Output: r.Response})
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		perToken(t, results, 24)
	}, 2},
	{"slop_score_outputs", func(t *testing.T, dir string) (out []any) {
		type row struct {
			Model          string `json:"test_model"`
			Index          int    `json:"prompt_index"`
			Prompt, Output string
		}
		for _, f := range glob(t, dir, "*.jsonl") {
			for _, r := range jsonLines[row](t, f) {
				out = append(out, record.Generation{QueryID: fmt.Sprint(r.Index), Model: r.Model, Language: "en", Prompt: r.Prompt, Output: r.Output})
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		for _, l := range results["length"].Doc.([]LengthLine) {
			if strings.Contains(l.Model, "qwen3-4b") != (l.Empty > 0) {
				t.Errorf("%s has %d empty outputs", l.Model, l.Empty)
			}
		}
		for _, l := range results["diversity"].Doc.(DiversityDoc).Lines { // 1,000 words of English fiction
			if m := l.Measures["mtld"].Mean; m < 50 || m > 250 {
				t.Errorf("%s: MTLD %v", l.Model, m)
			}
		}
	}, 2},
	{"pandalm_three_annotators", func(t *testing.T, dir string) (out []any) {
		type row struct {
			ID                                 int    `json:"idx"`
			Pair                               string `json:"cmp_key"`
			Annotator1, Annotator2, Annotator3 int
		}
		for _, r := range jsonList[row](t, filepath.Join(dir, "testset-v1.json")) {
			a, b, ok := strings.Cut(r.Pair, "_")
			if !ok {
				t.Fatalf("pair %q", r.Pair)
			}
			for n, said := range []int{r.Annotator1, r.Annotator2, r.Annotator3} {
				rater := fmt.Sprint("annotator", n+1)
				out = append(out, record.Vote{QueryID: fmt.Sprint(r.ID), Language: "en", ModelA: a, ModelB: b, Winner: []string{record.WinnerTie, record.WinnerA, record.WinnerB}[said], Rater: rater},
					record.Rating{Item: fmt.Sprint(r.ID), Rater: rater, Score: float64(said)})
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		a := results["agreement"].Doc.([]Agreement)[0]
		s := results["ratings"].Doc.([]Strengths)[0]
		if a.Raters != 3 || a.Items != 500 || measureOf(a, "alpha_nominal").Value < 0.4 || !measureOf(a, "icc_2_1").Interval.Lo.Defined() {
			t.Errorf("%+v", a.Measures)
		}
		// votes as ratings: the same agreement, seen from the votes
		if got, want := s.Agree[1].Value, measureOf(a, "alpha_nominal").Value; got-want > 0.02 || want-got > 0.02 {
			t.Errorf("alpha of votes %v, of ratings %v", got, want)
		}
		if len(s.Raters) != 3 || len(s.Ties) < 2 || s.Method != "bradley-terry" {
			t.Errorf("%+v", s)
		}
	}, 2},
	{"union_seven_annotators", func(t *testing.T, dir string) (out []any) {
		for _, f := range glob(t, dir, "*.txt") {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(data)) {
				parts := strings.Split(line, "|||")
				if len(parts) != 3 {
					continue
				}
				for rater, said := range strings.Fields(parts[2]) {
					var x float64
					if _, err := fmt.Sscan(said, &x); err != nil {
						t.Fatal(err)
					}
					out = append(out, record.Rating{Item: strings.TrimSpace(parts[0]), Rater: fmt.Sprint(rater + 1), Dimension: modelName(f), Score: x})
				}
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		for _, a := range results["agreement"].Doc.([]Agreement) {
			if a.Raters != 7 || len(a.Pairs) != 21 || !measureOf(a, "fleiss_kappa").Interval.Lo.Defined() {
				t.Errorf("%s: %d raters, %d pairs", a.Dimension, a.Raters, len(a.Pairs))
			}
		}
	}, 2},
	{"crowd_story_ratings", func(t *testing.T, dir string) (out []any) {
		for _, dim := range []string{"coherence", "interestingness", "naturalness", "ending"} {
			for _, r := range tsv(t, filepath.Join(dir, dim, "full-annotation-result.tsv")) {
				said, worker := r["OUTPUT:category"], r["ASSIGNMENT:worker_id"]
				if said == "" || worker == "" || r["GOLDEN:category"] != "" {
					continue
				}
				if dim == "ending" {
					w := map[string]string{"1": record.WinnerA, "2": record.WinnerB}[said]
					if w == "" || r["INPUT:system_a"] == r["INPUT:system_b"] {
						continue
					}
					out = append(out, record.Vote{QueryID: r["INPUT:content_plan_id"], Language: "en", ModelA: r["INPUT:system_a"], ModelB: r["INPUT:system_b"], Winner: w, Rater: worker, First: record.WinnerA})
					continue
				}
				var x float64
				if _, err := fmt.Sscan(said, &x); err != nil {
					continue
				}
				out = append(out, record.Rating{Item: r["INPUT:content_plan_id"] + r["INPUT:system"], Query: r["INPUT:content_plan_id"], Model: r["INPUT:system"], Genre: "小说", Rater: worker, Dimension: dim, Score: x})
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		// rotating crowd workers: incomplete, so no ICC, and hardly any agreement
		for _, a := range results["agreement"].Doc.([]Agreement) {
			if a.Raters < 10 || measureOf(a, "icc_2_1").Name != "" || measureOf(a, "alpha_ordinal").Value > 0.6 || len(a.Notes) != 2 {
				t.Errorf("%s: %d raters, %+v", a.Dimension, a.Raters, a.Notes)
			}
		}
		doc := results["genres"].Doc.([]RatesBy)
		if s := doc[0].Success[0]; s.Outputs < 100 || len(s.Models) < 3 || s.Models[0].Genres[0].N < fewForRate {
			t.Errorf("%+v", s)
		}
	}, 4},
	{"ttcw_expert_tests", func(t *testing.T, dir string) (out []any) {
		type row struct {
			Story    string `json:"story_id"`
			Expert   int    `json:"expert_idx"`
			Category string
			Verdict  string `json:"binary_verdict"`
		}
		for _, r := range jsonList[row](t, filepath.Join(dir, "ttcw_annotations.json")) {
			_, model, _ := strings.Cut(r.Story, "_")
			query, _, _ := strings.Cut(r.Story, "_")
			out = append(out, record.Rating{Item: r.Story, Query: query, Model: model, Genre: "小说", Rater: fmt.Sprint(r.Expert), Dimension: r.Category, Score: map[string]float64{"Yes": 1}[r.Verdict]})
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		if doc := results["agreement"].Doc.([]Agreement); len(doc) != 14 {
			t.Errorf("%d tests of creative writing", len(doc))
		}
		// experts let professional stories pass more often than a model's
		pass := map[string]int{}
		for _, m := range results["genres"].Doc.([]RatesBy)[0].Success[0].Models {
			pass[m.Model] = m.Genres[0].Wins
		}
		if pass["NewYorker"] <= pass["GPT3.5"] {
			t.Errorf("stories that pass: %v", pass)
		}
	}, 0.5},
	{"think_zh", func(t *testing.T, dir string) (out []any) {
		type row struct {
			ID   int
			Text string
		}
		for _, f := range glob(t, dir, "*.jsonl") {
			for _, r := range jsonLines[row](t, f) {
				data, _ := json.Marshal(map[string]any{"query_id": r.ID, "model": modelName(f), "output": r.Text})
				g, ok, err := record.Decode(record.Raw{File: f, Line: r.ID, Data: data}, "")
				if err != nil || !ok {
					t.Fatal(err)
				}
				out = append(out, g)
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		for _, l := range results["reasoning"].Doc.([]ReasoningLine) {
			if strings.Contains(l.Model, "success") && float64(l.Thoughts) < 0.95*float64(l.Outputs) {
				t.Errorf("%s: %d of %d have a thought", l.Model, l.Thoughts, l.Outputs)
			}
			if l.Source != Lexicon || l.Units < l.Outputs {
				t.Errorf("%s: %d units of %d outputs, labelled by %s", l.Model, l.Units, l.Outputs, l.Source)
			}
		}
	}, 2},
	{"reasoning_spans_en", func(t *testing.T, dir string) (out []any) {
		type row struct {
			Response string
			Thinking string `json:"thinking_process"`
		}
		for _, f := range glob(t, dir, "*.json") {
			for i, r := range jsonList[row](t, f) {
				thought, rest, _ := record.SplitThought(r.Response)
				if thought == "" {
					thought = r.Thinking
				}
				out = append(out, record.Generation{QueryID: fmt.Sprint(i), Model: modelName(f), Language: "en", Reasoning: thought, Output: rest})
			}
		}
		return out
	}, func(t *testing.T, c *Corpus, results map[string]Result) {
		// models trained to reason reflect more than the one that is not
		reflect := map[bool]Number{}
		for _, l := range results["reasoning"].Doc.([]ReasoningLine) {
			reflect[strings.HasPrefix(l.Model, "deepseek-r1")] = max(reflect[strings.HasPrefix(l.Model, "deepseek-r1")], l.Shares[3].Share)
		}
		if reflect[true] <= reflect[false] {
			t.Errorf("reflection %v", reflect)
		}
	}, 2},
}

func TestRealSets(t *testing.T) {
	for _, s := range realSets {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(realData, s.name)
			if _, err := os.Stat(dir); err != nil {
				t.Skip(err)
			}
			c := NewCorpus(Options{Lang: "zh", Theme: plot.Light, Bootstrap: 50, Seed: 1, AtLeast: s.atLeast, Taxonomy: genre.Default(), Dimension: map[string]string{"crowd_story_ratings": "coherence", "ttcw_expert_tests": "Narrative Ending"}[s.name]})
			for _, r := range s.records(t, dir) {
				c.Add(r)
			}
			results, err := c.Results()
			if err != nil {
				t.Fatal(err)
			}
			by := map[string]Result{}
			for _, r := range results {
				by[r.Name] = r
				whole(t, r.Name, r.Doc)
				for i := range r.Figures {
					r.Figures[i].Name = s.name + "-" + r.Figures[i].Name
				}
				looked(t, r.Figures...)
			}
			s.check(t, c, by)
		})
	}
}

func languageLines(results map[string]Result) []LanguageLine {
	return results["language"].Doc.(LanguageDoc).Lines
}

// perToken checks that every model of n was measured in characters.
func perToken(t *testing.T, results map[string]Result, n int) {
	t.Helper()
	models := map[string]bool{}
	for _, l := range results["length"].Doc.([]LengthLine) {
		models[l.Model] = true
		if l.Characters.N == 0 || !l.Characters.Median.Defined() {
			t.Errorf("%+v", l)
		}
	}
	if len(models) != n {
		t.Errorf("%d models, want %d", len(models), n)
	}
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in %s: %v", pattern, dir, err)
	}
	return slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == "params.json" })
}

func modelName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".json")
	return strings.TrimSuffix(strings.TrimSuffix(name, ".txt"), "_output_qa_prompt")
}

func jsonList[T any](t *testing.T, file string) []T {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return list
}

func jsonLines[T any](t *testing.T, file string) []T {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var x T
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, x)
	}
	return list
}

// tsv reads rows by the names of their columns.
func tsv(t *testing.T, file string) (rows []map[string]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all[1:] {
		m := map[string]string{}
		for i, x := range row[:min(len(row), len(all[0]))] {
			m[all[0][i]] = x
		}
		rows = append(rows, m)
	}
	return rows
}
