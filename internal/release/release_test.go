package release_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
	"coigwriter/internal/release"
	"coigwriter/internal/triplet"
)

// accepted adds an accepted triplet with a passed sheet and two reviews.
func accepted(t testing.TB, d *db.DB, id, genre, article string) {
	t.Helper()
	ctx := context.Background()
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	exec := func(q string, args ...any) {
		t.Helper()
		if _, err := d.Exec(ctx, q, args...); err != nil {
			t.Fatal(err)
		}
	}
	var people []string
	if err := d.All(ctx, &people, `SELECT id FROM person ORDER BY login`); err != nil {
		t.Fatal(err)
	}
	exec(`INSERT INTO source (id, content_hash, text, chars, genre, date_verdict, state, url, platform, licence, title, published_at, created_at, updated_at)
		VALUES (?, ?, ?, 1, ?, 'passed', 'claimed', 'https://example.org/1', '青禾论坛', 'CC0-1.0', '题', ?, ?, ?)`, "s"+id, "s"+id, article, genre, at, at, at)
	c := triplet.Content{Prompt: "写山\n居", Reasoning: "先想<意象>，再想声音", Attributes: triplet.Attributes{Theme: "山居"}}
	exec(`INSERT INTO triplet (id, source_id, annotator_id, genre, language, article, state, revision, content, tier, round, created_at, updated_at, decided_at)
		VALUES (?, ?, ?, ?, 'zh', ?, 'accepted', 3, ?, 'standard', 1, ?, ?, ?)`, id, "s"+id, people[0], genre, article, db.AsJSON(c), at, at, at)
	exec(`INSERT INTO sheet (id, triplet_id, revision, judge_kind, judge, scripted, article_quality, article_creativity, prompt_quality, prompt_creativity, reasoning_quality, reasoning_creativity, passed, gate, created_at)
		VALUES (?, ?, 3, 'model', 'scripted-judge', ?, 9, 8, 8, 9, 8, 9, ?, '{}', ?)`, "h"+id, id, true, true, at)
	for _, p := range people[1:] {
		exec(`INSERT INTO review (id, triplet_id, round, revision, reviewer_id, state, verdict, assigned_at, done_at) VALUES (?, ?, 1, 3, ?, 'done', 'accept', ?, ?)`,
			id+p, id, p, at, at)
	}
}

func fixture(t testing.TB) *db.DB {
	d := dbtest.Open(t)
	dbtest.Person(t, d, "annotator-linke", "annotator")
	dbtest.Person(t, d, "reviewer-shen", "reviewer")
	dbtest.Person(t, d, "reviewer-pei", "reviewer")
	if _, err := d.Exec(t.Context(), `UPDATE person SET pseudonym = 'writer-' || substr(login, length(login) - 2), name = '真名' || login`); err != nil {
		t.Fatal(err)
	}
	accepted(t, d, "t3", "poetry", "山中\n有时需要去山中")
	accepted(t, d, "t1", "essay", "雨停了，\"母亲\"还在灶前 & <等>。")
	accepted(t, d, "t2", "essay", "=不是公式🌧")
	return d
}

func cut(t testing.TB, d *db.DB, version string) *release.Release {
	t.Helper()
	r, err := release.Cut(context.Background(), d, release.Options{Version: version, By: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCutIsFrozenAndReproducible(t *testing.T) {
	d, ctx := fixture(t), t.Context()
	a := cut(t, d, "1.0.0")
	b := cut(t, d, "v1.1.0")
	if a.ContentHash != b.ContentHash || a.Items != 3 || b.Manifest.V.Previous != "1.0.0" {
		t.Errorf("%+v\n%+v", a, b)
	}
	if _, err := d.Exec(ctx, `UPDATE triplet SET article = '改了' WHERE id = 't1'`); err != nil {
		t.Fatal(err)
	}
	if fs, err := release.Verify(ctx, d, "1.0.0"); err != nil || len(fs) != 0 {
		t.Errorf("a later change reached into a release: %v, %v", fs, err)
	}
	accepted(t, d, "t4", "essay", "新的一篇")
	cut(t, d, "2.0.0")
	diff, err := release.Diff(ctx, d, "1.0.0", "latest")
	if d := cmp.Diff([]release.Change{{TripletID: "t4", What: "added"}, {TripletID: "t1", What: "changed"}}, diff); d != "" || err != nil {
		t.Error(d, err)
	}
	for version, kind := range map[string]error{"2.0.0": errs.Conflict, "1.5.0": errs.Conflict, "two": errs.Invalid, "1.0": errs.Invalid} {
		if _, err := release.Cut(ctx, d, release.Options{Version: version}); !errors.Is(err, kind) {
			t.Errorf("version %s gave %v", version, err)
		}
	}
	if _, err := release.Cut(ctx, dbtest.Open(t), release.Options{Version: "1.0.0"}); !errors.Is(err, errs.Invalid) {
		t.Errorf("nothing accepted gave %v", err)
	}
}

// What a model failed to judge is in no release, and the release and its card say so.
func TestCutSaysWhatWasNotJudged(t *testing.T) {
	d, ctx := fixture(t), t.Context()
	unjudged := func(r *release.Release) string {
		for _, w := range r.Manifest.V.Warnings {
			if w.Code == "unjudged" {
				return w.Text
			}
		}
		return ""
	}
	if said := unjudged(cut(t, d, "1.0.0")); said != "" {
		t.Errorf("nothing failed: %s", said)
	}
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	if _, err := d.Exec(ctx, `INSERT INTO source (id, content_hash, text, chars, genre, date_verdict, state, reason, url, platform, licence, title, created_at, updated_at)
		VALUES ('s9', 's9', '刀', 1, 'essay', 'passed', 'held', 'screen.failed.refused', 'https://example.org/9', '', '', '题', ?, ?)`, at, at); err != nil {
		t.Fatal(err)
	}
	if err := d.Insert(ctx, &llm.Call{ID: "c9", Key: "k9", Attempt: 1, Prompt: "assessment", ItemKind: "source", ItemID: "s9", Model: "m", Failure: "refused", CreatedAt: at}); err != nil {
		t.Fatal(err)
	}
	r := cut(t, d, "1.1.0")
	if said := unjudged(r); !strings.Contains(said, "failed: 1 (") || !strings.Contains(said, "assessment refused 1);") {
		t.Errorf("said %q", said)
	}
}

func TestVerifyFindsTampering(t *testing.T) {
	for _, sql := range []string{
		`UPDATE release_item SET record = replace(record, '山', '水') WHERE position = 2`,
		`UPDATE release_item SET record = replace(record, '山', '水'), hash = 'x' WHERE position = 2`,
		`DELETE FROM release_item WHERE position = 1`, `DELETE FROM release_item WHERE position = 2`,
		`UPDATE release SET content_hash = 'x'`, `UPDATE release SET items = 2`,
	} {
		d := fixture(t)
		cut(t, d, "1.0.0")
		if _, err := d.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if fs, err := release.Verify(t.Context(), d, "1.0.0"); err != nil || len(fs) == 0 {
			t.Errorf("%s went unnoticed, %v", sql, err)
		}
	}
}

func TestExports(t *testing.T) {
	d := fixture(t)
	cut(t, d, "1.0.0")
	for _, f := range release.Formats {
		for _, reasoning := range release.Reasonings {
			dir := filepath.Join(t.TempDir(), f.Name)
			files, err := release.Export(t.Context(), d, "latest", release.ExportOptions{Format: f.Name, Reasoning: reasoning, Dir: dir})
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if fs, err := release.VerifyDir(dir); err != nil || len(fs) != 0 {
				t.Errorf("%s: %v, %v", f.Name, fs, err)
			}
			for _, name := range files {
				b, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				for _, secret := range []string{"linke", "annotator-", "reviewer-", "真名"} {
					if strings.Contains(string(b), secret) {
						t.Errorf("%s/%s tells %q", f.Name, name, secret)
					}
				}
			}
		}
	}
}

// The first record of each format, word for word.
func TestFormatsGolden(t *testing.T) {
	d := fixture(t)
	cut(t, d, "1.0.0")
	for _, tc := range []struct{ format, reasoning, want string }{
		{"coig", "", `{"id":"t1","query":"写山\n居","thought":"先想<意象>，再想声音","answer":"雨停了，\"母亲\"还在灶前 & <等>。"}`},
		{"alpaca", "think", `{"instruction":"写山\n居","input":"","output":"<think>\n先想<意象>，再想声音\n</think>\n\n雨停了，\"母亲\"还在灶前 & <等>。"}`},
		{"alpaca", "none", `{"instruction":"写山\n居","input":"","output":"雨停了，\"母亲\"还在灶前 & <等>。"}`},
		{"sharegpt", "field", `{"conversations":[{"from":"human","value":"写山\n居"},{"from":"gpt","value":"雨停了，\"母亲\"还在灶前 & <等>。"}],"thought":"先想<意象>，再想声音"}`},
		{"messages", "field", `{"messages":[{"role":"user","content":"写山\n居"},{"role":"assistant","content":"雨停了，\"母亲\"还在灶前 & <等>。","reasoning_content":"先想<意象>，再想声音"}]}`},
		{"prompt-completion", "none", `{"prompt":"写山\n居","completion":"雨停了，\"母亲\"还在灶前 & <等>。"}`},
	} {
		f, err := release.FormatOf(tc.format)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := release.Export(t.Context(), d, "1.0.0", release.ExportOptions{Format: tc.format, Reasoning: tc.reasoning, Dir: dir}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := strings.Cut(string(b), "\n"); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.format, got, tc.want)
		}
	}
}

// What was written reads back as what was frozen.
func TestExportsReadBack(t *testing.T) {
	d := fixture(t)
	cut(t, d, "1.0.0")
	dir := t.TempDir()
	if _, err := release.Export(t.Context(), d, "1.0.0", release.ExportOptions{Format: "jsonl", Dir: dir}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "triplets.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rd, err := record.NewReader("x", f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := rd.Next()
	if err != nil {
		t.Fatal(err)
	}
	got, err := record.DecodeTriplet(raw)
	if err != nil || got.ID != "t1" || got.Genre != "essay" || got.Scores.ArticleQuality != 9 || got.SourcePlatform != "青禾论坛" {
		t.Errorf("%+v, %v", got, err)
	}
	pq := t.TempDir()
	if _, err := release.Export(t.Context(), d, "1.0.0", release.ExportOptions{Format: "parquet", Dir: pq}); err != nil {
		t.Fatal(err)
	}
	rows, err := parquet.ReadFile[struct {
		ID        string   `parquet:"id"`
		Article   string   `parquet:"article"`
		Reviewers []string `parquet:"reviewers,list"`
	}](filepath.Join(pq, "triplets.parquet"))
	if err != nil || len(rows) != 3 || rows[1].Article != "=不是公式🌧" || len(rows[0].Reviewers) != 2 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestThinkTagInATextIsRefused(t *testing.T) {
	d := fixture(t)
	accepted(t, d, "t9", "essay", "他写下 </think> 然后停笔")
	cut(t, d, "1.0.0")
	_, err := release.Export(t.Context(), d, "latest", release.ExportOptions{Format: "alpaca", Dir: t.TempDir()})
	if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "t9") {
		t.Errorf("got %v", err)
	}
	if _, err := release.Export(t.Context(), d, "latest", release.ExportOptions{Format: "alpaca", Reasoning: "field", Dir: t.TempDir()}); err != nil {
		t.Error(err)
	}
}

func TestVerifyDirNamesTheLine(t *testing.T) {
	d := fixture(t)
	cut(t, d, "1.0.0")
	dir := t.TempDir()
	if _, err := release.Export(t.Context(), d, "1.0.0", release.ExportOptions{Format: "jsonl", Dir: dir}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "triplets.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), "公式", "公试", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	fs, err := release.VerifyDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := fs[1].Where; got != "triplets.jsonl:2" {
		t.Errorf("faults %+v", fs)
	}
	if _, err := release.VerifyDir(t.TempDir()); !errors.Is(err, errs.Invalid) {
		t.Errorf("an empty directory gave %v", err)
	}
}

const loader = `
import sys
from datasets import load_dataset
for d in sys.argv[1:]:
    ds = load_dataset(d)["train"]
    assert len(ds) == 3, len(ds)
    print(d.split("/")[-1], ds.column_names)
`

// Python's datasets library opens the directories as they are.
func TestPythonDatasetsOpensExports(t *testing.T) {
	must := os.Getenv("COIGWRITER_TEST_PYTHON") == "required"
	if err := exec.Command("python3", "-c", "import datasets").Run(); err != nil {
		if must {
			t.Fatal("python3 with the datasets library is required:", err)
		}
		t.Skip("python3 with the datasets library is not here:", err)
	}
	d := fixture(t)
	cut(t, d, "1.0.0")
	args := []string{"-c", loader}
	for _, f := range release.Formats {
		dir := filepath.Join(t.TempDir(), f.Name)
		if _, err := release.Export(t.Context(), d, "1.0.0", release.ExportOptions{Format: f.Name, Dir: dir}); err != nil {
			t.Fatal(err)
		}
		args = append(args, dir)
	}
	c := exec.CommandContext(t.Context(), "python3", args...)
	c.Env = append(os.Environ(), "HF_HOME="+t.TempDir(), "HF_DATASETS_OFFLINE=1", "HF_HUB_OFFLINE=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
