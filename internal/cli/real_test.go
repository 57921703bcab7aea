package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coigwriter/internal/record"
)

// Real judgements go through the whole: files of the contract, a closed study in a project, its results, a
// report and its verification. The data are not the project's and may be absent.
const realData = "../../../shared/data"

// A project for real data, and a way to run commands in it.
type realProject struct {
	t   *testing.T
	dir string
}

func newRealProject(t *testing.T) realProject {
	t.Helper()
	p := realProject{t, t.TempDir()}
	p.run("init", p.dir)
	return p
}

// run runs a command that must not fail, and returns what it printed.
func (p realProject) run(args ...string) string {
	p.t.Helper()
	var out, errOut bytes.Buffer
	if code := Run(p.t.Context(), append(args, "-q"), strings.NewReader(""), &out, &errOut); code != 0 {
		p.t.Fatalf("%v: exit %d\n%s%s", args, code, out.String(), errOut.String())
	}
	return out.String()
}

// file writes lines of JSON.
func (p realProject) file(name string, lines []any) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	w, err := record.Create(path)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, l := range lines {
		if err := w.Write(l); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func realJSON(t *testing.T, into any, path ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{realData}, path...)...))
	if err != nil {
		t.Skipf("the real data are not beside the project: %v", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// through has records judged as a study and told as a report, and holds the two and the plain command
// against each other.
func (p realProject) through(name string, models []string, files ...string) (votes int) {
	p.t.Helper()
	p.run(append([]string{"import", "votes", "--data", p.dir, "--study", name}, files[0])...)
	type matrix struct {
		Languages []struct {
			Language string `json:"language"`
			Votes    int    `json:"votes"`
			Pairs    []any  `json:"pairs"`
		} `json:"languages"`
	}
	read := func(text string, into any) {
		p.t.Helper()
		if err := json.Unmarshal([]byte(text), into); err != nil {
			p.t.Fatalf("%v: %.300s", err, text)
		}
	}
	var study struct{ People matrix }
	read(p.run("study", "results", name, "--data", p.dir, "--json"), &study)
	var command matrix
	read(p.run("winrate", files[0], "--models", strings.Join(models, ","), "--json"), &command)
	if fmt.Sprint(study.People.Languages) != fmt.Sprint(command.Languages) {
		p.t.Errorf("study and winrate differ:\n%v\n%v", study.People.Languages, command.Languages)
	}
	for _, l := range study.People.Languages {
		votes += l.Votes
	}
	out := filepath.Join(p.dir, "report")
	p.run(append(append([]string{"report"}, files...), "--out", out)...)
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range models {
		if !bytes.Contains(page, []byte(m)) {
			p.t.Errorf("the report does not name %s", m)
		}
	}
	p.run("report", "verify", out)
	return votes
}

// Three writers ranked three versions of 202 paragraphs, in seven batches.
func TestRealRankings(t *testing.T) {
	t.Parallel()
	var batches map[string]map[string][][]int
	realJSON(t, &batches, "writer_rankings", "agreement_map.json")
	var lines []any
	for batch, writers := range batches {
		for writer, list := range writers {
			for i, ranks := range list {
				ranked := make([]string, len(ranks))
				for place, version := range ranks {
					ranked[place] = fmt.Sprint("version ", version)
				}
				lines = append(lines, map[string]any{"query_id": fmt.Sprint(batch, "-", i), "language": "en", "rater": writer, "ranked": ranked})
			}
		}
	}
	p := newRealProject(t)
	votes := p.through("writers", []string{"version 1", "version 2", "version 3"}, p.file("rankings.jsonl", lines))
	if want := 3 * len(lines); votes != want {
		t.Errorf("%d votes of %d rankings", votes, len(lines))
	}
}

// Five models' outputs on 204 queries of 51 genres, each marked 0 to 3 by one person, fail in the ways that
// real outputs do; the same marks, held against each other query by query, are votes.
func TestRealMarks(t *testing.T) {
	t.Parallel()
	models := []string{"claude-4-opus-nothinking", "deepseek-r1-0528", "doubao-1.5-pro", "gpt-4.1-mini", "qwen-plus"}
	type output struct {
		ID     string   `json:"question_id"`
		Tags   []string `json:"__internal_tags__"`
		Prompt string   `json:"prompt"`
		Text   any      `json:"predict0"`
	}
	type mark struct {
		ID    string  `json:"question_id"`
		Score float64 `json:"score"`
	}
	var generations, ratings, votes []any
	marks, genres := make([]map[string]float64, len(models)), map[string]string{}
	for i, m := range models {
		var outputs []output
		realJSON(t, &outputs, "wpb_results", "outputs", m+".json")
		for _, o := range outputs {
			text, _ := o.Text.(string)
			genres[o.ID] = strings.Join(o.Tags, " ")
			generations = append(generations, map[string]any{"query_id": o.ID, "model": m, "language": "zh", "genre": genres[o.ID], "prompt": o.Prompt, "output": text})
		}
		var scores []mark
		realJSON(t, &scores, "wpb_results", "scores_final", m+".json")
		marks[i] = map[string]float64{}
		for _, s := range scores {
			marks[i][s.ID] = s.Score
			ratings = append(ratings, map[string]any{"item_id": s.ID + "/" + m, "query_id": s.ID, "model": m, "language": "zh", "genre": genres[s.ID], "rater": "reader of " + m, "dimension": "overall_preference", "score": s.Score})
			for j := range i {
				if other, ok := marks[j][s.ID]; ok {
					winner := map[bool]string{true: "a", false: "b"}[s.Score > other]
					if s.Score == other {
						winner = "tie"
					}
					votes = append(votes, map[string]any{"query_id": s.ID, "model_a": m, "model_b": models[j], "language": "zh", "genre": genres[s.ID], "winner": winner, "rater": "marks"})
				}
			}
		}
	}
	p := newRealProject(t)
	r := p.file("ratings.jsonl", ratings)
	p.run("import", "votes", "--data", p.dir, "--study", "marks", r)
	for _, m := range models {
		if said := p.run("study", "results", "marks", "--data", p.dir); !strings.Contains(said, m) {
			t.Errorf("no %s in %s", m, said)
		}
	}
	if n := p.through("marks as votes", models, p.file("votes.jsonl", votes), p.file("generations.jsonl", generations), r); n != len(votes) {
		t.Errorf("%d of %d votes", n, len(votes))
	}
}
