package analysis

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/plot"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// realData is where the public files lie that these tests read; they skip without.
const realData = "../../../shared/data"

func realFile(t *testing.T, into any, path ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{realData}, path...)...))
	if err != nil {
		t.Skip(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// looked writes figures to COIGWRITER_FIGURES, to be looked at, and draws them in any case.
func looked(t *testing.T, figures ...Named) {
	t.Helper()
	for _, f := range figures {
		var b strings.Builder
		if err := f.SVG(&b); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if dir := os.Getenv("COIGWRITER_FIGURES"); dir != "" {
			file, err := os.Create(filepath.Join(dir, f.Name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.PNG(file); err != nil {
				t.Error(err)
			}
			file.Close()
		}
	}
}

func whole(t *testing.T, what string, doc any) {
	t.Helper()
	if _, err := json.Marshal(doc); err != nil {
		t.Errorf("%s is no JSON: %v", what, err)
	}
}

// Nineteen models on Chinese queries with human scores: a higher score on the same question is a vote.
func TestRealScoresAsVotes(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(filepath.Join(realData, "wpb_results", "scores_final", "*.json"))
	if len(files) == 0 {
		t.Skip("the public score files are not here")
	}
	type scored struct {
		Question string `json:"question_id"`
		Score    float64
	}
	type output struct {
		Question string   `json:"question_id"`
		Genres   []string `json:"__internal_tags__"`
		Prompt   string
		Text     string `json:"predict0"`
	}
	scores, outputs, genres := map[string]map[string]float64{}, map[string]map[string]output{}, map[string]string{}
	for _, f := range files {
		name := filepath.Base(f)
		model := strings.TrimSuffix(name, ".json")
		var list []scored
		realFile(t, &list, "wpb_results", "scores_final", name)
		scores[model] = map[string]float64{}
		for _, s := range list {
			scores[model][s.Question] = s.Score
		}
		var texts []output
		if _, err := os.Stat(filepath.Join(realData, "wpb_results", "outputs", name)); err != nil {
			continue // some models come with scores alone
		}
		realFile(t, &texts, "wpb_results", "outputs", name)
		outputs[model] = map[string]output{}
		for _, o := range texts {
			outputs[model][o.Question] = o
			if len(o.Genres) > 0 {
				genres[o.Question] = o.Genres[0]
			}
		}
	}
	var models []string
	for m := range scores {
		models = append(models, m)
	}
	slices.Sort(models)
	votes := NewVotes()
	for i, a := range models {
		for _, b := range models[i+1:] {
			for q, x := range scores[a] {
				y, ok := scores[b][q]
				if !ok {
					continue
				}
				v := record.Vote{QueryID: q, Language: "zh", Genre: genres[q], ModelA: a, ModelB: b, Winner: record.WinnerTie, LengthA: float64(text.Len(outputs[a][q].Text)), LengthB: float64(text.Len(outputs[b][q].Text))}
				if x > y {
					v.Winner = record.WinnerA
				} else if y > x {
					v.Winner = record.WinnerB
				}
				votes.Add(v)
			}
		}
	}
	if votes.Len() < 1000 {
		t.Fatalf("%d votes", votes.Len())
	}
	w := votes.WinRates("zh", VoteOptions{Bootstrap: 50, Seed: 1})
	whole(t, "win rates", w)
	if len(w.Models) != len(models) || len(w.Pairs) != len(models)*(len(models)-1)/2 {
		t.Errorf("%d models, %d pairs", len(w.Models), len(w.Pairs))
	}
	s, err := votes.Strengths("zh", VoteOptions{Bootstrap: 50, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, "strengths", s)
	for _, m := range s.Models {
		if s.Method == "bradley-terry" && !(m.EloIn.Lo < m.Elo && m.Elo < m.EloIn.Hi) {
			t.Errorf("%+v", m)
		}
	}
	whole(t, "genres", votes.Genres("zh", models[0], VoteOptions{}))
	lengths, diversity, language, reasoning := NewLengths(), NewDiversity(text.Tokens{}), NewContamination(), NewReasoning()
	for _, m := range models[:5] {
		n := 0
		for q, o := range outputs[m] {
			if n++; n > 30 {
				break
			}
			g := record.Generation{QueryID: q, Model: m, Language: "zh", Prompt: o.Prompt, Output: o.Text}
			lengths.Add(g)
			diversity.Add(g)
			language.Add(g)
			reasoning.Add(g)
		}
	}
	ll, dl, gl, rl := lengths.Lines(50, 1), diversity.Lines(50, 1), language.Lines(), reasoning.Lines(50, 1)
	for what, doc := range map[string]any{"lengths": ll, "diversity": dl, "language": gl, "reasoning": rl, "paradox": diversity.Paradox(votes, "zh")} {
		whole(t, what, doc)
	}
	if ttr := dl[0].Measures["ttr"].Mean; ttr < 0.2 || ttr > 0.9 {
		t.Errorf("TTR %v", ttr)
	}
	looked(t, append([]Named{w.Figure("zh", plot.Light), s.Figure("zh", plot.Light)}, slices.Concat(LengthFigures(ll, "zh", plot.Light), DiversityFigures(dl, "zh", plot.Dark), LanguageFigures(gl, "zh", plot.Light), ReasoningFigures(rl[:1], "zh", plot.Light))...)...)
}

// Three professional writers rank three versions of each paragraph: their rankings become votes, and
// how far they agree is neither nothing nor everything.
func TestRealRankings(t *testing.T) {
	var batches map[string]map[string][][]int
	realFile(t, &batches, "writer_rankings", "agreement_map.json")
	rankings, votes := NewRankings(), NewVotes()
	for batch, writers := range batches {
		for writer, list := range writers {
			for i, ranks := range list {
				var ranked []string
				for _, version := range ranks {
					ranked = append(ranked, fmt.Sprint("version ", version))
				}
				query := fmt.Sprint(batch, "/", i)
				rankings.Add(query, writer, ranked)
				for a := range ranked {
					for _, worse := range ranked[a+1:] {
						votes.Add(record.Vote{QueryID: query, Language: "en", Rater: writer, ModelA: ranked[a], ModelB: worse, Winner: record.WinnerA, Ranked: true})
					}
				}
			}
		}
	}
	a := rankings.Agreement(200, 1)
	whole(t, "agreement", a)
	if tau := a.Measures[0]; a.Shared < 50 || tau.Value < 0.05 || tau.Value > 0.95 || !(tau.Interval.Lo < tau.Value) {
		t.Errorf("%+v", a)
	}
	w := votes.WinRates("en", VoteOptions{Bootstrap: 100, Seed: 1})
	if w.Ranked != w.Votes || !w.Interval(w.Pairs[0]).Lo.Defined() {
		t.Errorf("%+v", w.Pairs[0])
	}
	looked(t, w.Figure("en", plot.Light))
}

// Outputs of 5 MB, of nothing, and of broken UTF-8 are measured like any other.
func TestOutputsThatStrain(t *testing.T) {
	t.Parallel()
	l, d, c, r := NewLengths(), NewDiversity(text.Tokens{}), NewContamination(), NewReasoning()
	for i, s := range []string{strings.Repeat("雨停了，巷口的灯一盏一盏亮起来。", 5<<20/48), "", "\xff\xfe坏\x00的\x80字节", strings.Repeat("a", 1<<20), strings.Repeat("“", 10_000)} {
		for _, lang := range []string{"zh", "en"} {
			g := record.Generation{QueryID: fmt.Sprint(i, lang), Model: "m", Language: lang, Output: s}
			l.Add(g)
			d.Add(g)
			c.Add(g)
			r.Add(g)
		}
	}
	ll, dl, cl, rl := l.Lines(10, 1), d.Lines(10, 1), c.Lines(), r.Lines(10, 1)
	for what, doc := range map[string]any{"lengths": ll, "diversity": dl, "language": cl, "reasoning": rl, "flagged": c.Flagged} {
		whole(t, what, doc)
	}
	for i := range ll { // an empty output is counted, and has neither diversity nor language
		if ll[i].Empty != 1 || dl[i].Empty != 2 || dl[i].Texts != 5 || cl[i].Empty != 1 || cl[i].Any.N != 4 {
			t.Errorf("%s: %d empty of length, %d of %d of diversity, %d and n %d of language", ll[i].Language, ll[i].Empty, dl[i].Empty, dl[i].Texts, cl[i].Empty, cl[i].Any.N)
		}
	}
}
