package evaluate

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
)

// Three raters of every pair; the third ties always, or chooses the other.
func TestPreferences(t *testing.T) {
	t.Parallel()
	l := newLab(t, 6, 3, nil)
	s := l.begin(t, "偏好", Pair, l.plan(func(p *Plan) { p.Overlap, p.Shared, p.Repeats, p.Attention = 3, 1, 0, 0 }))
	better := careful(Pair)
	l.everybody(t, s, func(rng *rand.Rand, rater int, shown []string, foil int) Given {
		g := better(rng, rater, shown, foil)
		switch {
		case rater == 2 && slices.Contains(shown, "alpha"):
			return Given{Winner: "tie"}
		case rater == 2:
			return Given{Winner: map[string]string{"a": "b", "b": "a"}[g.Winner]}
		}
		return g
	})
	ps, rep, err := Preferences(t.Context(), l.d, s, PreferOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Pairs != 60 || rep.Written != 60 || rep.Ties != 24 || rep.Models["alpha"] != 24 {
		t.Errorf("%+v", rep)
	}
	for _, p := range ps {
		wantVotes, wantMargin := 3, 1.0/3
		if p.ChosenModel == "alpha" {
			wantVotes, wantMargin = 2, 1
		}
		// Of three raters two say one thing: one pair of three agrees.
		if p.Votes != wantVotes || math.Abs(p.Margin-wantMargin) > 1e-12 || p.Agreement == nil || math.Abs(*p.Agreement-1.0/3) > 1e-12 {
			t.Fatalf("%+v", p)
		}
		if slices.Index(models, p.ChosenModel) > slices.Index(models, p.RejectedModel) || p.Prompt == "" || p.Chosen == p.Rejected || p.Chosen == "" {
			t.Fatalf("%+v", p)
		}
	}
	if _, rep, err = Preferences(t.Context(), l.d, s, PreferOptions{MinMargin: 0.5, MinVotes: 2}); err != nil || rep.Written != 24 || rep.LowMargin != 36 {
		t.Errorf("%v %+v", err, rep)
	}
	if _, rep, err = Preferences(t.Context(), l.d, s, PreferOptions{MinVotes: 3}); err != nil || rep.Written != 36 || rep.FewVotes != 24 {
		t.Errorf("%v %+v", err, rep)
	}
	for _, bad := range []float64{-1, 2, math.NaN()} {
		if _, _, err := Preferences(t.Context(), l.d, s, PreferOptions{MinMargin: bad}); errs.Kind(err) != errs.Invalid {
			t.Errorf("margin %v: %v", bad, err)
		}
	}
	// A rater whose verdicts do not count takes no part.
	if err := Exclude(t.Context(), l.d, l.lead, s.ID, l.eyes[2], "tied without reading"); err != nil {
		t.Fatal(err)
	}
	if ps, rep, err = Preferences(t.Context(), l.d, s, PreferOptions{}); err != nil || rep.Ties != 0 || rep.Excluded != 60 || ps[0].Margin != 1 {
		t.Errorf("%v %+v", err, rep)
	}
}

func TestPreferencesOfRankings(t *testing.T) {
	t.Parallel()
	l := newLab(t, 4, 2, nil)
	s := l.begin(t, "排序的偏好", Rank, l.plan(func(p *Plan) { p.Overlap, p.Shared, p.Attention = 2, 1, 0 }))
	l.everybody(t, s, careful(Rank))
	ps, rep, err := Preferences(t.Context(), l.d, s, PreferOptions{MinVotes: 2})
	if err != nil || rep.Written != 40 {
		t.Fatalf("%v %+v", err, rep)
	}
	for _, p := range ps {
		if want := float64(slices.Index(models, p.RejectedModel) - slices.Index(models, p.ChosenModel)); p.RankGap != want || p.Margin != 1 || *p.Agreement != 1 {
			t.Fatalf("%+v, want a gap of %v", p, want)
		}
	}
	r := l.begin(t, "评分", Rate, l.plan(func(p *Plan) { p.Attention = 0 }))
	if _, _, err := Preferences(t.Context(), l.d, r, PreferOptions{}); errs.Kind(err) != errs.Invalid {
		t.Error(err)
	}
}

// What each format holds, as the trainers' own documentation describes it.
func TestPreferFormats(t *testing.T) {
	t.Parallel()
	p := Preference{Prompt: "写一首诗", Chosen: "好的", Rejected: "差的", Margin: 0.5, Votes: 4}
	for name, want := range map[string]string{
		"trl":          `{"prompt":"写一首诗","chosen":"好的","rejected":"差的","margin":0.5,"votes":4}`,
		"trl-chat":     `{"prompt":[{"role":"user","content":"写一首诗"}],"chosen":[{"role":"assistant","content":"好的"}],"rejected":[{"role":"assistant","content":"差的"}],"margin":0.5,"votes":4}`,
		"llamafactory": `{"conversations":[{"from":"human","value":"写一首诗"}],"chosen":{"from":"gpt","value":"好的"},"rejected":{"from":"gpt","value":"差的"}}`,
		"reward":       `{"chosen":[{"role":"user","content":"写一首诗"},{"role":"assistant","content":"好的"}],"rejected":[{"role":"user","content":"写一首诗"},{"role":"assistant","content":"差的"}],"margin":0.5}`,
	} {
		f, err := PreferFormatOf(name)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := f.Write(&b, []Preference{p}); err != nil || strings.TrimSpace(b.String()) != want {
			t.Errorf("%s: %v\n%s\n%s", name, err, b.String(), want)
		}
	}
	f, err := PreferFormatOf("llamafactory")
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.DatasetInfo("coigwriter", "preferences.jsonl")
	if err != nil || !strings.Contains(string(info), `"ranking": true`) || !strings.Contains(string(info), `"file_name": "preferences.jsonl"`) {
		t.Errorf("%v %s", err, info)
	}
	if _, err := PreferFormatOf("dpo"); errs.Kind(err) != errs.Invalid {
		t.Error(err)
	}
}

const openPreferences = `
import sys, datasets
datasets.disable_progress_bars()
for f in sys.argv[1:]:
    d = datasets.load_dataset("json", data_files=f, split="train", cache_dir=f + ".cache")
    assert len(d) == 2, (f, d)
    for row in d:
        assert row["chosen"] and row["rejected"] and row["chosen"] != row["rejected"], row
`

func TestPythonDatasetsOpensPreferences(t *testing.T) {
	t.Parallel()
	if err := exec.Command("python3", "-c", "import datasets").Run(); err != nil {
		t.Skip("python3 with the datasets library is not here:", err)
	}
	a := 0.5
	ps := []Preference{{Prompt: "一", Chosen: "好", Rejected: "差", Margin: 1, Votes: 2, Agreement: &a}, {Prompt: "二", Chosen: "好\n“引”", Rejected: "差", Margin: 0.2, Votes: 5}}
	dir := t.TempDir()
	args := []string{"-c", openPreferences}
	for _, f := range PreferFormats {
		name := filepath.Join(dir, f.Name+".jsonl")
		w, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Write(w, ps); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	cmd := exec.Command("python3", args...)
	cmd.Env = append(os.Environ(), "HF_HOME="+dir, "HF_DATASETS_OFFLINE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// A whole pair study: results know who was better, and the version changes with what they rest on.
func TestResults(t *testing.T) {
	t.Parallel()
	l := newLab(t, 12, 4, nil)
	s := l.begin(t, "结果", Pair, l.plan(func(p *Plan) { p.Overlap, p.Shared, p.Attention, p.Bootstrap = 2, 0.5, 0, 200 }))
	version := func() string {
		t.Helper()
		now, err := Get(t.Context(), l.d, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Version(t.Context(), l.d, now)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := version()
	l.everybody(t, s, careful(Pair))
	after := version()
	r, err := RecordsOf(t.Context(), l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	res, err := ResultsOf(t.Context(), l.d, s, r, genre.Default())
	if err != nil {
		t.Fatal(err)
	}
	if len(res.People.Languages) != 2 || len(res.Judges) != 0 || res.People.Verdicts != len(r.Votes) {
		t.Fatalf("%+v", res)
	}
	for _, w := range res.People.Languages {
		if !slices.Equal(w.Models, models) || w.Pairs[0].Wins == 0 || w.Pairs[0].Losses != 0 {
			t.Errorf("%+v", w)
		}
	}
	if len(res.People.Genres) == 0 || len(res.People.Categories) == 0 || len(res.People.Strengths) != 2 {
		t.Errorf("%+v", res.People)
	}
	if err := Exclude(t.Context(), l.d, l.lead, s.ID, l.eyes[0], "half asleep"); err != nil {
		t.Fatal(err)
	}
	if now := version(); before == after || after == now {
		t.Errorf("versions %q %q %q", before, after, now)
	}
	dir := t.TempDir()
	if s, err = Get(t.Context(), l.d, s.ID); err != nil {
		t.Fatal(err)
	}
	files, err := Export(t.Context(), l.d, s, dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, []string{"plan.json", "votes.jsonl", "raters.jsonl", "deviations.jsonl", "not-counted.jsonl"}) {
		t.Errorf("%v", names)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "plan.json")); err != nil || hexOf(b) != s.PlanHash {
		t.Errorf("the frozen plan is not what its hash is of: %v", err)
	}
}
