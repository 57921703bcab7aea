package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/source"
)

func open(t *testing.T) *db.DB {
	t.Helper()
	d := dbtest.Open(t)
	d.Clock = func() time.Time { return time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC) }
	return d
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func line(n int, extra string) string {
	return fmt.Sprintf(`{"text":"第%d天，雨没有停，他把伞留在了车站，自己走回家去。","date":"2023-05-%02d"%s}`, n, n%28+1, extra) + "\n"
}

func TestImportRecords(t *testing.T) {
	t.Parallel()
	d, ctx, dir := open(t), context.Background(), t.TempDir()
	refused := filepath.Join(dir, "refused.jsonl")
	var b strings.Builder
	for i := range 450 {
		b.WriteString(line(i, fmt.Sprintf(`,"url":"https://a.cn/%d","likes":"1.2万","mood":"雨"`, i)))
	}
	b.WriteString(`{"text":"断了` + "\n")
	b.WriteString(`{"title":"没有正文","date":"2023-05-01"}` + "\n")
	b.WriteString(`{"text":"体裁写错了，可是文字是好的。","genre":"小说故","date":"2023-05-01"}` + "\n")
	b.WriteString(`{"text":"太早的文字，写在那年冬天之前。","date":"2021-05-01"}` + "\n")
	b.WriteString(`{"text":"未来的文字，写在还没有到的那年。","date":"2031-05-01"}` + "\n")
	b.WriteString(line(3, `,"url":"https://elsewhere.cn/3"`))
	b.WriteString(line(3, `,"url":"https://a.cn/3"`))
	b.WriteString(`{"text":"日期不对的文字。","date":"昨天"}` + "\n")
	file := write(t, dir, "in.jsonl", b.String())
	o := source.ImportOptions{Paths: []string{file}, By: "p1", Refused: refused}
	got, err := source.Import(ctx, d, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Problems) != 5 {
		t.Errorf("problems: %v", got.Problems)
	}
	for i, want := range []string{"in.jsonl:451", "in.jsonl:452: text", "小说、故事", "in.jsonl:458: date", "in.jsonl:455: published_at"} {
		if i < len(got.Problems) && !strings.Contains(got.Problems[i], want) {
			t.Errorf("problem %d: %q lacks %q", i, got.Problems[i], want)
		}
	}
	first := got.ImportID
	got.ImportID, got.Problems = "", nil
	want := source.Report{
		Files: 1, Read: 458, Added: 452, Same: 1, Duplicate: 1, Refused: 4,
		ByState:  map[string]int{source.Waiting: 450, source.Held: 1, source.Refused: 1},
		ByReason: map[string]int{"date.before": 1, "date.impossible": 1},
		ByField:  map[string]int{"record": 1, "text": 1, "genre": 1, "date": 1}, RefusedFile: refused,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	// Again: nothing new, and the unreadable ones are still unreadable.
	again, err := source.Import(ctx, d, o)
	if err != nil || again.Added != 0 || again.Same != 454 || again.Duplicate != 0 || again.Refused != 4 {
		t.Errorf("again: %+v, %v", again, err)
	}

	// Mended, the refused file goes in as it is; its notes are passed over.
	mended := mend(t, refused)
	third, err := source.Import(ctx, d, source.ImportOptions{Paths: []string{write(t, dir, "mended.jsonl", mended)}, By: "p1"})
	if err != nil || third.Added != 4 || third.Refused != 0 {
		t.Errorf("mended: %+v, %v", third, err)
	}

	page, err := source.List(ctx, d, source.Filter{ImportID: first, Query: "第7天", InText: true})
	if err != nil || len(page.Rows) != 1 {
		t.Fatalf("list: %+v, %v", page, err)
	}
	s, err := source.Get(ctx, d, page.Rows[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if s.Likes != 12000 || s.Extra.V["mood"] != "雨" || s.Language != "zh" || s.Line != 8 || s.DateVerdict != source.DatePassed || s.Chars != 25 {
		t.Errorf("stored: %+v", s)
	}
	history, err := audit.History(ctx, d, "source", s.ID)
	if err != nil || len(history) != 1 || history[0].Actor != "p1" || history[0].To != source.Waiting {
		t.Errorf("history: %+v, %v", history, err)
	}
	if ev, err := source.EvidenceOf(ctx, d, s.ID); err != nil || len(ev) != 1 || ev[0].Kind != source.KindField {
		t.Errorf("evidence: %+v, %v", ev, err)
	}
}

func mend(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, l := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatal(err)
		}
		if m["_error"] == nil || m["_file"] == nil || m["_line"] == nil {
			t.Errorf("refused line without its notes: %s", l)
		}
		if _, ok := m["text"]; !ok {
			m["text"] = fmt.Sprintf("补上的正文第%d篇，这一回是完整的。", i)
		}
		m["date"] = "2023-06-01"
		delete(m, "genre")
		fixed, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(fixed, '\n'))
	}
	return out.String()
}

// What people really hand in: each case says what it must say and keeps what was good.
func TestImportBadInput(t *testing.T) {
	t.Parallel()
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(line(1, "") + line(2, ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, file, content string
		added, refused      int
		says                string
	}{
		{"GB18030", "a.jsonl", gb, 2, 0, ""},
		{"wrong bytes in one line", "a.jsonl", line(1, "") + "{\"text\":\"\xff\xfe\xff\"}\n" + line(2, ""), 2, 1, "a.jsonl:2"},
		{"empty file", "a.jsonl", "", 0, 1, "empty"},
		{"empty page", "a.html", "\n", 0, 1, "empty"},
		{"a line of 50 MB", "a.jsonl", line(1, "") + `{"text":"` + strings.Repeat("雨", 17<<20) + "\"}\n" + line(2, ""), 2, 1, "a.jsonl:2: the line is longer than"},
		{"a list", "a.json", "[" + strings.TrimSpace(line(1, "")) + "," + strings.TrimSpace(line(2, "")) + "]", 2, 0, ""},
		{"half a list", "a.json", "[" + strings.TrimSpace(line(1, "")) + `,{"text":`, 1, 1, "element 2"},
		{"a number", "a.jsonl", "42\n" + line(1, ""), 1, 1, "a.jsonl:1"},
		{"text is a list", "a.jsonl", `{"text":["a"]}` + "\n" + line(1, ""), 1, 1, "a.jsonl:1: text"},
		{"only pictures", "a.md", "---\ndate: 2023-05-01\n---\n![](a.png)\n", 0, 1, "pictures"},
		{"page without text", "a.html", "<html><body><img src=a></body></html>", 0, 1, "no main text"},
		{"a huge page", "a.html", strings.Repeat("<p>雨</p>", 3<<20), 0, 1, "larger than 16 MB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			file := write(t, t.TempDir(), tt.file, tt.content)
			r, err := source.Import(context.Background(), d, source.ImportOptions{Paths: []string{file}, By: "p1"})
			if err != nil || r.Added != tt.added || r.Refused != tt.refused {
				t.Errorf("%+v, %v", r, err)
			}
			if tt.says != "" && (len(r.Problems) != 1 || !strings.Contains(r.Problems[0], tt.says)) {
				t.Errorf("%v lacks %q", r.Problems, tt.says)
			}
		})
	}
}

func TestImportPaths(t *testing.T) {
	t.Parallel()
	d, ctx, dir := open(t), context.Background(), t.TempDir()
	write(t, dir, "book/2023/05/03/b.md", "---\ntitle: 乙\n---\n夜里下过雨，石阶是湿的，青苔也是湿的。")
	write(t, dir, "book/a.md", "---\ntitle: 甲\ndate: 2023-05-01\n---\n清早的雾还没有散，船已经走远了，桨声还在。")
	write(t, dir, "book/README.md", "说明")
	write(t, dir, "book/.git/c.md", "不要读")
	write(t, dir, "book/photo.jpg", "x")
	secret := write(t, dir, "secret.md", "---\ndate: 2023-05-01\n---\n外面的秘密，不该被读到，也不该被存下来。")
	if err := os.Symlink(secret, filepath.Join(dir, "book", "link.md")); err != nil {
		t.Skip("no links here: ", err)
	}
	write(t, dir, "book/manifest.csv", "file,path_date,platform,genre,git_first_seen\na.md,2023-05-01,某站,博客文章,2023-05-02\n")
	r, err := source.Import(ctx, d, source.ImportOptions{Paths: []string{filepath.Join(dir, "book")}, By: "p1"})
	if err != nil || r.Files != 2 || r.Added != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	page, err := source.List(ctx, d, source.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range page.Rows {
		got[row.Title] = row.State + " " + row.Reason + " " + row.Platform + " " + row.Genre
	}
	want := map[string]string{"甲": "waiting  某站 blog-post", "乙": "held date.single  "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for p, says := range map[string]string{"none.jsonl": "no such file", "book/photo.jpg": "format", "empty": "no file in it"} {
		_, err := source.Import(ctx, d, source.ImportOptions{Paths: []string{filepath.Join(dir, p)}, By: "p1"})
		if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if os.Geteuid() == 0 {
		return // root reads everything
	}
	if err := os.Chmod(filepath.Join(dir, "empty"), 0); err != nil {
		t.Fatal(err)
	}
	_, err = source.Import(ctx, d, source.ImportOptions{Paths: []string{filepath.Join(dir, "empty")}, By: "p1"})
	if !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "right") {
		t.Errorf("folder without rights: %v", err)
	}
}

// An import that is stopped keeps what was committed and says how to go on; the next one ends it.
func TestImportStoppedGoesOn(t *testing.T) {
	t.Parallel()
	d, dir := open(t), t.TempDir()
	var b strings.Builder
	for i := range 1000 {
		b.WriteString(line(i, ""))
	}
	file := write(t, dir, "in.jsonl", b.String())
	ctx, cancel := context.WithCancel(context.Background())
	var n atomic.Int64
	o := source.ImportOptions{Paths: []string{file}, By: "p1", Check: func(context.Context, *source.Source) []source.Finding {
		if n.Add(1) == 500 {
			cancel()
		}
		return nil
	}}
	r, err := source.Import(ctx, d, o)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "run it again") || r.Added < 400 || r.Added > 600 {
		t.Fatalf("stopped: %+v, %v", r, err)
	}
	o.Check = nil
	last, err := source.Import(context.Background(), d, o)
	if err != nil || last.Added+r.Added != 1000 || last.Same != r.Added {
		t.Errorf("went on: %+v, %v", last, err)
	}
}

func TestImportOfAFullDisk(t *testing.T) {
	t.Parallel()
	d, dir, ctx := open(t), t.TempDir(), context.Background()
	if d.Name() != "sqlite" {
		t.Skip("SQLite's page limit stands for the disk")
	}
	var b strings.Builder
	for i := range 3000 {
		b.WriteString(line(i, `,"note":"`+strings.Repeat("纸", 300)+`"`))
	}
	file := write(t, dir, "in.jsonl", b.String())
	if _, err := d.Exec(ctx, `PRAGMA max_page_count = 500`); err != nil {
		t.Fatal(err)
	}
	r, err := source.Import(ctx, d, source.ImportOptions{Paths: []string{file}, By: "p1"})
	if !errors.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "same import again") {
		t.Fatalf("%+v, %v", r, err)
	}
	if n, err := source.CountAll(ctx, d, source.Filter{}); err != nil || n != r.Added || n == 0 {
		t.Errorf("kept %d of %d, %v", n, r.Added, err)
	}
	if _, err := d.Exec(ctx, `PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	last, err := source.Import(ctx, d, source.ImportOptions{Paths: []string{file}, By: "p1"})
	if err != nil || r.Added+last.Added != 3000 {
		t.Errorf("went on: %+v, %v", last, err)
	}
}

// The real folder with its manifest, twice. The manifest brings dates in paths and when git first
// saw each page: two more pages are found to be older than they say, and a person is asked.
func TestImportRealFolder(t *testing.T) {
	t.Parallel()
	const folder = "../../../shared/data/html_blogs_cc"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("the real pages are not here: ", err)
	}
	d, ctx := open(t), context.Background()
	o := source.ImportOptions{Paths: []string{folder}, By: "p1"}
	r, err := source.Import(ctx, d, o)
	if err != nil || r.Read != 144 || r.Refused != 0 || r.Added != 138 || r.Same != 6 {
		t.Fatalf("%+v, %v", r, err)
	}
	want := map[string]int{source.Waiting: 96, source.Held: 8, source.Refused: 34}
	if diff := cmp.Diff(want, r.ByState); diff != "" {
		t.Error(diff, r.ByReason)
	}
	var old int
	err = d.One(ctx, &old, `SELECT COUNT(*) FROM source WHERE state = 'waiting' AND published_at < ?`, source.DefaultDateGate().Cutoff.UTC())
	if err != nil || old != 0 {
		t.Errorf("%d old pages wait for screening, %v", old, err)
	}
	again, err := source.Import(ctx, d, o)
	if err != nil || again.Same != 144 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

// A rule that panics does so in the caller, whose middleware can recover from it; in a goroutine
// of its own it would end the program.
func TestImportPanicsWhereItWasCalled(t *testing.T) {
	t.Parallel()
	d, dir := open(t), t.TempDir()
	file := write(t, dir, "in.jsonl", line(1, "")+line(2, ""))
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "a broken rule") {
			t.Errorf("recovered %v", p)
		}
	}()
	_, err := source.Import(context.Background(), d, source.ImportOptions{
		Paths: []string{file}, By: "p1", Check: func(context.Context, *source.Source) []source.Finding { panic("a broken rule") },
	})
	t.Errorf("returned %v", err)
}
