package report

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"coigwriter/internal/analysis"
	"coigwriter/internal/record"
)

func vote(query string, a, b, winner string) record.Vote {
	return record.Vote{QueryID: query, Language: "en", ModelA: a, ModelB: b, Winner: winner, Rater: "r" + query, First: "a"}
}

func sentences(notes []analysis.Note) string {
	var b strings.Builder
	for _, n := range notes {
		b.WriteString(n.EN + "\n" + n.ZH + "\n")
	}
	return b.String()
}

func wants(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q:\n%s", w, text)
		}
	}
}

// Where nothing differs the findings say so, and name no leader.
func TestFindingsWithoutADifference(t *testing.T) {
	_, s := makeReport(t, Options{Bootstrap: 50}, func(in *Inputs) {
		for i := range 20 {
			add(t, in, vote(itoa(i), "A", "B", []string{"a", "b"}[i%2]))
		}
	})
	found := sentences(s.Findings)
	wants(t, found, "English: no pair of models differs after Holm's correction (1 pairs, 20 votes, 20 queries).", "英文：Holm 校正后没有一对模型有差别")
	if strings.Contains(found, "beats") || strings.Contains(found, "highest") {
		t.Error(found)
	}
	wants(t, sentences(s.Limits), "only 20 queries", "No plan was frozen", "no pair of outputs was judged by two raters")
}

func TestFindingsNameWhatTheLeaderBeats(t *testing.T) {
	_, s := makeReport(t, Options{Bootstrap: 50}, func(in *Inputs) {
		for i := range 60 {
			add(t, in, vote(itoa(i), "A", "B", "a"), vote(itoa(i), "A", "C", []string{"a", "b"}[i%2]), vote(itoa(i), "B", "C", []string{"b", "b", "a"}[i%3]))
		}
	})
	wants(t, sentences(s.Findings), "English: 2 of 3 pairs", "A has the highest mean win rate (75.0%). It beats B (60/60, 100.0%", "No difference is shown against C (30/60, 50.0%")
}

// A study that was frozen before the votes takes the reproach away; one that came after does not.
func TestPlansAndLimits(t *testing.T) {
	for _, c := range []struct {
		study Study
		want  string
		not   string
	}{
		{Study{ID: "s", Name: "spring", Kind: "pair", PlanHash: "abc", FrozenAt: "2026-01-01", OpenedAt: "2026-01-02", Tasks: 40, Done: 40}, "", "exploratory"},
		{Study{ID: "s", Name: "spring", Kind: "pair", PlanHash: "abc", FrozenAt: "2026-01-03", OpenedAt: "2026-01-02", Tasks: 40, Done: 39}, "spring: no plan was frozen before the votes", ""},
		{Study{ID: "s", Name: "spring", Kind: "pair", Tasks: 40, Done: 39}, "spring: of 40 judgements planned 39 were given", ""},
	} {
		_, s := makeReport(t, Options{Bootstrap: 20}, func(in *Inputs) {
			if err := in.Studies([]Study{c.study}); err != nil {
				t.Fatal(err)
			}
			for i := range 40 {
				add(t, in, vote(itoa(i), "A", "B", "a"))
			}
		})
		limits := sentences(s.Limits)
		wants(t, limits, c.want)
		if c.not != "" && strings.Contains(limits, c.not) {
			t.Errorf("it says %q:\n%s", c.not, limits)
		}
	}
}

// What models say stands in tables of their own, a judge at a time.
func TestJudgesAreKeptApart(t *testing.T) {
	dir, s := makeReport(t, Options{}, func(in *Inputs) {
		add(t, in, vote("1", "A", "B", "a"))
		for _, judge := range []string{"j1", "j2"} {
			for i := range 3 {
				v := vote(itoa(i), "A", "B", "b")
				v.Rater = judge
				if err := in.Add(v, true); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := in.Add(record.Triplet{Prompt: "p", Article: "a"}, true); err == nil {
			t.Error("a triplet by a judge was taken")
		}
	})
	for name, want := range map[string]string{"pairs-en": "A,B,1,0,", "judge-j1-pairs-en": "A,B,0,3,", "judge-j2-pairs-en": "A,B,0,3,"} {
		data, err := os.ReadFile(filepath.Join(dir, "tables", name+".csv"))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
	}
	if s.Records[Votes] != 1 || s.Records[JudgeVotes] != 6 {
		t.Errorf("%v", s.Records)
	}
}

// Names that are markup, formulas or commands come out as the letters they are, in every kind of file.
func TestHostileNames(t *testing.T) {
	names := []string{`<script>alert(1)</script>`, `=HYPERLINK("http://x","y")`, `\input{/etc/passwd}`, "../../x", `"><img src=x onerror=alert(1)>`, "{{.}}"}
	dir, _ := makeReport(t, Options{Lang: Both, Bootstrap: 10}, func(in *Inputs) {
		plan := json.RawMessage(`{"<b>":["</script>"]}`)
		if err := in.Studies([]Study{{ID: "../../s", Name: names[0], Kind: names[4], Plan: plan, Rules: []Rule{{ZH: names[0], EN: names[4]}}, Deviations: []Deviation{{What: names[0]}}, Judges: []Judge{{Model: names[0], Parameters: plan}}}}); err != nil {
			t.Fatal(err)
		}
		for i, a := range names {
			add(t, in, record.Vote{QueryID: a, Language: names[4], Genre: a, ModelA: a, ModelB: names[(i+1)%len(names)], Winner: "a", Rater: a})
			add(t, in, record.Generation{QueryID: a, Model: a, Language: "en", Prompt: a, Output: a + " 雨停了，谁也没有说话。"})
			add(t, in, record.Rating{Item: a, Query: a, Model: a, Genre: a, Rater: a, Dimension: names[0], Score: 2})
			add(t, in, record.Triplet{ID: a, Genre: a, Prompt: a, Article: a, Reasoning: a})
			v := vote(a, a, "z", "a")
			v.Rater = names[2]
			if err := in.Add(v, true); err != nil {
				t.Fatal(err)
			}
		}
	})
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, s := filepath.Base(path), string(data)
		switch {
		case strings.HasSuffix(name, ".html"):
			doc, err := html.Parse(strings.NewReader(s))
			if err != nil {
				return err
			}
			for n := range doc.Descendants() {
				for _, a := range n.Attr {
					if strings.HasPrefix(a.Key, "on") || (a.Key == "href" || a.Key == "src") && strings.Contains(a.Val, ":") {
						t.Errorf("%s: %s=%q in %s", name, a.Key, a.Val, n.Data)
					}
				}
				if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "img" || n.Data == "b" && strings.Contains(fmt.Sprint(n.FirstChild), "script")) {
					t.Errorf("%s has a <%s>", name, n.Data)
				}
			}
		case strings.HasSuffix(name, ".tex") && (strings.Contains(s, `\input`) || strings.Contains(s, "<script")):
			t.Errorf("%s:\n%s", name, s)
		case strings.HasSuffix(name, ".csv"):
			for line := range strings.Lines(s) {
				if strings.HasPrefix(line, "=") || strings.Contains(line, ",=") || strings.Contains(line, `,"=`) || strings.HasPrefix(line, `"=`) {
					t.Errorf("%s: %s", name, line)
				}
			}
		case strings.HasSuffix(name, ".svg") && (strings.Contains(s, "script") || strings.Contains(s, "onerror")):
			t.Errorf("%s holds words", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestManifestRefusesWhatNoReportIsMadeWith(t *testing.T) {
	dir := t.TempDir()
	for _, s := range []string{"", "{", `{"format":2}`, `{"format":1,"options":{"language":"fr"}}`, `{"format":1,"own":1}`, `{"format":1,"options":{"language":"zh","tie_policy":"half"}}`, `{"format":1,"options":{"language":"zh","tie_policy":"decided"},"inputs":[{"file":"../x"}]}`} {
		if err := os.WriteFile(filepath.Join(dir, manifestFile), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadManifest(dir); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
