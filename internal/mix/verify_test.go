package mix

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coigwriter/internal/errs"
)

// Verify finds what was changed, added, taken away or lied about.
func TestVerifyFindsChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, triplets(3), append(general(10), general(1)...))
	plan := head + sizes("M", 3, 5, "L", 3, 10)
	edit := func(name string, f func(string) string) func(string) {
		return func(out string) {
			path := filepath.Join(out, name)
			s, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, f(string(s)))
		}
	}
	relabel := func(f func(m *Manifest)) func(string) {
		return edit(ManifestFile, func(s string) string {
			var m Manifest
			if err := json.Unmarshal([]byte(s), &m); err != nil {
				t.Fatal(err)
			}
			f(&m)
			m.ID = m.identity()
			return string(m.encode())
		})
	}
	dropLine := func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest }
	for _, tc := range []struct {
		name string
		do   func(out string)
		want string
	}{
		{"a row less", edit("train/m.jsonl", dropLine), "train/m.jsonl: the file was changed"},
		{"a row less is counted", edit("train/m.jsonl", dropLine), "train/m.jsonl: rows is 7, the manifest says 8"},
		{"a character more", edit("train/m.jsonl", func(s string) string { return strings.Replace(s, `"content":"`, `"content":"多`, 1) }), "characters is"},
		{"not nested any more", edit("train/m.jsonl", func(s string) string { return strings.Replace(s, `"content":"`, `"content":"多`, 1) }), "rows are not in L, which has more"},
		{"no rows", edit("train/m.jsonl", func(string) string { return "once\n" }), "train/m.jsonl: "},
		{"a file taken away", func(out string) { os.Remove(filepath.Join(out, "train/l.jsonl")) }, "train/l.jsonl: the file is missing"},
		{"a file more", func(out string) { write(t, filepath.Join(out, "train/x.jsonl"), "") }, "train/x.jsonl: the manifest does not know the file"},
		{"another plan", edit(PlanFile, func(s string) string { return "# mine\n" + s }), "plan.toml: is not the plan"},
		{"another list", edit(LeftOutFile, dropLine), "left_out.jsonl: the file was changed"},
		{"no list", func(out string) { os.Remove(filepath.Join(out, LeftOutFile)) }, "left_out.jsonl: the file is missing"},
		{"a manifest that lies", relabel(func(m *Manifest) { m.Configurations[0].ByGenre["散文"] = 99 }), "by_genre is map[:5 散文:3], the manifest says map[:5 散文:99]"},
		{"a manifest that lies of lengths", relabel(func(m *Manifest) { m.Configurations[0].Lengths.Max = 9 }), "lengths is"},
		{"a manifest that points elsewhere", relabel(func(m *Manifest) { m.Configurations[0].File = "../../etc" }), `manifest.json: M is said to stand in "../../etc"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, out := b.must(plan)
			tc.do(out)
			faults, err := Verify(t.Context(), out, "")
			var said []string
			for _, f := range faults {
				said = append(said, f.Where+": "+f.Msg)
			}
			if all := strings.Join(said, "\n"); err != nil || !strings.Contains(all, tc.want) {
				t.Errorf("%v\n%s\nwant %s", err, all, tc.want)
			}
		})
	}
	_, out := b.must(plan)
	edit(ManifestFile, func(s string) string { return strings.Replace(s, `"rows": 8`, `"rows": 9`, 1) })(out)
	if _, err := Verify(t.Context(), out, ""); err == nil || !strings.Contains(err.Error(), "was changed") {
		t.Error(err)
	}
	write(t, filepath.Join(out, ManifestFile), `{"format":9}`)
	if _, err := OpenManifest(out); err == nil || !strings.Contains(err.Error(), "of format 9") {
		t.Error(err)
	}
	if _, err := OpenManifest(b.dir); !errors.Is(err, errs.Invalid) {
		t.Error(err)
	}
}

// Made again from the same files it is the same; from others it says which.
func TestRebuild(t *testing.T) {
	b := newBench(t, triplets(3), general(10))
	plan := head + sizes("M", 3, 5)
	_, out := b.must(plan)
	p, err := ParsePlan("plan.toml", b.dir, []byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	if faults, err := Rebuild(t.Context(), out, p, Options{Tool: "another"}); err != nil || len(faults) > 0 {
		t.Errorf("%v %v", faults, err)
	}
	b.put("g.jsonl", general(12)[2:])
	faults, err := Rebuild(t.Context(), out, p, Options{})
	if err != nil || len(faults) < 2 || faults[0].Where != "train/m.jsonl" || faults[len(faults)-1].Where != "source g" {
		t.Errorf("%v %v", faults, err)
	}
}

func TestDiff(t *testing.T) {
	b := newBench(t, triplets(3), general(20))
	_, first := b.must(head + sizes("M", 3, 5, "old", 0, 2))
	a := filepath.Join(b.dir, "a")
	if err := os.Rename(first, a); err != nil {
		t.Fatal(err)
	}
	lines := general(20)
	lines[4] = strings.Replace(lines[4], `{"`, `{"genre":"诗","`, 1)
	b.put("g.jsonl", lines)
	_, out := b.must(strings.Replace(head, "42", "42\nname = \"two\"", 1) + sizes("M", 2, 15, "new", 0, 2))
	d, err := Diff(t.Context(), a, out)
	if err != nil || d.Same {
		t.Fatal(err)
	}
	plan := map[string]bool{}
	for _, c := range d.Plan {
		plan[c.Key+" "+c.A+"→"+c.B] = true
	}
	for _, want := range []string{"name →two", "configuration[M].general 5→15", "configuration[M].creative 3→2", "configuration[old].general 2→", "configuration[new].name →new"} {
		if !plan[want] {
			t.Errorf("no %q in %v", want, plan)
		}
	}
	if len(d.Sources) != 2 || d.Sources[1].Name != "g" || d.Sources[1].What != "changed" || d.Sources[1].KeptA != 5 || d.Sources[1].KeptB != 15 {
		t.Errorf("%+v", d.Sources)
	}
	by := map[string]ConfigurationChange{}
	for _, c := range d.Configurations {
		by[c.Name] = c
	}
	m := by["M"]
	if m.What != "changed" || m.RowsA != 8 || m.RowsB != 17 || len(m.Went) != 1 || m.Went[0].Kind != KindCreative || m.Same+len(m.Altered) != 7 || len(m.Came) != 10 {
		t.Errorf("%+v", m)
	}
	if by["old"].What != "removed" || len(by["old"].Went) != 2 || by["new"].What != "added" || len(by["new"].Came) != 2 {
		t.Errorf("%+v", by)
	}
	if d, err := Diff(t.Context(), a, a); err != nil || !d.Same || len(d.Configurations) != 0 {
		t.Errorf("%+v %v", d, err)
	}
}
