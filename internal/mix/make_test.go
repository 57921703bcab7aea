package mix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"coigwriter/internal/errs"
)

// general makes n different rows; no two share five characters in a row.
func general(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(`{"instruction":"%s","output":"%s"}`, word(2*i), word(2*i+1)))
	}
	return lines
}

// word is a text of 24 characters that only its number has.
func word(n int) string {
	var b strings.Builder
	for k := range 24 {
		b.WriteRune(rune(0x4e00 + (n*131+k*977+n*n%7919*k)%20000))
	}
	return b.String()
}

func triplets(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(`{"id":"t%d","genre":"散文","language":"zh","prompt":"%s","reasoning":"想%d","article":"%s"}`, i, word(5000+2*i), i, word(5001+2*i)))
	}
	return lines
}

// A bench is a folder with a plan's files.
type bench struct {
	t   testing.TB
	dir string
}

func newBench(t testing.TB, creative, generalRows []string) bench {
	b := bench{t, t.TempDir()}
	b.put("cw.jsonl", creative)
	b.put("g.jsonl", generalRows)
	return b
}

func (b bench) put(name string, lines []string) {
	write(b.t, filepath.Join(b.dir, name), strings.Join(lines, "\n")+"\n")
}

const head = `seed = 42
[[creative]]
name = "cw"
paths = ["cw.jsonl"]
[[general]]
name = "g"
paths = ["g.jsonl"]
`

func sizes(of ...any) (s string) {
	for i := 0; i < len(of); i += 3 {
		s += fmt.Sprintf("[[configuration]]\nname = %q\ncreative = %v\ngeneral = %v\n", of[i], of[i+1], of[i+2])
	}
	return s
}

func (b bench) make(plan string) (Manifest, string, error) {
	b.t.Helper()
	p, err := ParsePlan("plan.toml", b.dir, []byte(plan))
	if err != nil {
		b.t.Fatal(err)
	}
	out := filepath.Join(b.dir, "out")
	m, err := Make(b.t.Context(), p, out, Options{Tool: "test"})
	return m, out, err
}

func (b bench) must(plan string) (Manifest, string) {
	b.t.Helper()
	m, out, err := b.make(plan)
	if err != nil {
		b.t.Fatal(err)
	}
	if faults, err := Verify(b.t.Context(), out, ""); err != nil || len(faults) > 0 {
		b.t.Fatalf("a fresh mix has faults: %v %v", faults, err)
	}
	return m, out
}

func rowsIn(t testing.TB, out, name string) (rows []Row) {
	t.Helper()
	m, err := OpenManifest(out)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Configuration(name)
	if err == nil {
		err = EachRow(context.Background(), out, c, func(r Row) error { rows = append(rows, r); return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func ids(rows []Row, kind string) (out []string) {
	for _, r := range rows {
		if r.Kind == kind {
			out = append(out, r.ID)
		}
	}
	return out
}

func leftIn(t testing.TB, out string) (ls []LeftOutRow) {
	t.Helper()
	if err := EachLeftOut(out, func(l LeftOutRow) error { ls = append(ls, l); return nil }); err != nil {
		t.Fatal(err)
	}
	return ls
}

// Copies within general rows, within triplets and between them, and texts of the benchmark, stay out and
// are listed with what they are copies of.
func TestLeftOut(t *testing.T) {
	q, ref := word(9001), word(9002)+word(9003)+word(9004)
	g := general(40)
	g = append(g, g[3], // the same turns
		strings.Replace(g[5], `"output":"`, `"output":"`+"好", 1), // nearly
		fmt.Sprintf(`{"instruction":"请回答：%s","output":"%s"}`, q, word(9100)),
		fmt.Sprintf(`{"instruction":"%s","output":"%s"}`, word(9101), ref[:len(ref)*3/4]),
		fmt.Sprintf(`{"instruction":"%s","output":"%s"}`, "看", word(5001)), // the article of t0
		`{"instruction":"x","output":""}`, `{"a":1}`, `broken`)
	cw := append(triplets(6),
		strings.Replace(strings.Replace(triplets(3)[2], `"t2"`, `"t2b"`, 1), "想2", "另想", 1), // the same but for its thought
		fmt.Sprintf(`{"id":"leak","prompt":"%s","reasoning":"题目是%s","article":"%s"}`, word(9200), q, word(9201)))
	b := newBench(t, cw, g)
	b.put("q.jsonl", []string{`{"id":"q1","prompt":"` + q + `"}`})
	b.put("r.jsonl", []string{`{"query_id":"r1","model":"m","output":"` + ref + `"}`})
	plan := head + sizes("M", `"all"`, `"all"`) + "[benchmark]\nqueries = [\"q.jsonl\"]\nreferences = [\"r.jsonl\"]\n"
	m, out := b.must(plan)
	want := map[string]map[string]int{
		KindCreative: {NearDuplicate: 1, Contaminated: 1},
		KindGeneral:  {Bad: 3, Duplicate: 1, NearDuplicate: 2, Contaminated: 2},
	}
	if diff := cmp.Diff(want, m.LeftOut.ByReason); diff != "" {
		t.Error(diff)
	}
	if c := m.Configurations[0]; c.Creative != 6 || c.General != 40 {
		t.Errorf("%+v", c)
	}
	for _, l := range leftIn(t, out) {
		switch {
		case l.At == "" || l.Kind == "" || l.Source == "":
			t.Errorf("%+v", l)
		case l.Reason == Contaminated && (l.Query == nil || l.Share < 0.5 || l.RunLen < 24 || l.Run == ""):
			t.Errorf("%+v", l)
		case l.Reason == NearDuplicate && (l.Of == nil || l.Share < 0.5):
			t.Errorf("%+v", l)
		case l.Reason == Bad && l.Why == "":
			t.Errorf("%+v", l)
		case l.ID == "leak" && (l.Query.ID != "q1" || l.Query.Kind != "query" || l.Query.File != "q.jsonl" || l.Share != 1):
			t.Errorf("%+v", l)
		}
	}
	// nothing looks where the plan says not to, but the same turns are taken once all the same
	m, _ = b.must(head + sizes("M", `"all"`, `"all"`) + "[duplicates]\ncreative = 0\ngeneral = 0\nagainst_creative = 0\n")
	if diff := cmp.Diff(map[string]map[string]int{KindCreative: {}, KindGeneral: {Bad: 3, Duplicate: 1}}, m.LeftOut.ByReason); diff != "" {
		t.Error(diff)
	}
}

// A long run that stands in a row leaves it out however small its share is.
func TestRunOfTheBenchmark(t *testing.T) {
	ref := ""
	for i := range 40 {
		ref += word(9300 + i)
	}
	rows := append(general(5), fmt.Sprintf(`{"instruction":"%s","output":"%s%s"}`, word(9400), word(9300)+word(9301), strings.Repeat(word(9401)+word(9402), 8)))
	b := newBench(t, triplets(1), rows)
	b.put("r.jsonl", []string{`{"text":"` + ref + `"}`})
	plan := head + sizes("M", 0, `"all"`) + "[benchmark]\nreferences = [\"r.jsonl\"]\n"
	m, out := b.must(plan)
	if n := m.LeftOut.ByReason[KindGeneral][Contaminated]; n != 1 {
		t.Errorf("%d left out: %+v", n, leftIn(t, out))
	}
	if ls := leftIn(t, out); len(ls) == 1 && (ls[0].RunLen != 48 || ls[0].Share >= 0.5) {
		t.Errorf("%+v", ls[0])
	}
	if m, _ = b.must(plan + "run = 0\n"); len(m.LeftOut.ByReason[KindGeneral]) != 0 {
		t.Errorf("%+v", m.LeftOut)
	}
}

// No row of a configuration is left out, holds a query, or is nearly a copy of another: checked by brute
// force over random pools.
func TestNothingLeftOutComesIn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 25).Draw(rt, "n")
		lines := general(n)
		for range rapid.IntRange(0, 12).Draw(rt, "spoilt") {
			from := lines[rapid.IntRange(0, n-1).Draw(rt, "from")]
			switch rapid.IntRange(0, 2).Draw(rt, "how") {
			case 0:
				lines = append(lines, from)
			case 1:
				lines = append(lines, strings.Replace(from, `"output":"`, `"output":"`+rapid.SampledFrom([]string{"好", "的", "，"}).Draw(rt, "mark"), 1))
			case 2:
				lines = append(lines, strings.Replace(from, `"instruction":"`, `"instruction":"`+word(9001), 1))
			}
		}
		b := newBench(t, triplets(2), lines)
		b.put("q.jsonl", []string{`{"id":"q","prompt":"` + word(9001) + `"}`})
		m, out := b.must(head + sizes("M", `"all"`, `"all"`) + "[benchmark]\nqueries = [\"q.jsonl\"]\n")
		rows := rowsIn(t, out, "M")
		for i, r := range rows {
			if strings.Contains(r.Messages[0].Content, word(9001)) {
				rt.Fatal("a row with the query in it")
			}
			for _, o := range rows[:i] {
				if strings.Trim(r.Messages[1].Content, "好的，") == strings.Trim(o.Messages[1].Content, "好的，") {
					rt.Fatalf("%+v and %+v", r, o)
				}
			}
		}
		if general := len(ids(rows, KindGeneral)); general+m.LeftOut.Rows != len(lines) {
			rt.Fatalf("%d rows, %d in, %d left out", len(lines), general, m.LeftOut.Rows)
		}
	})
}

func TestThoughtsAndTemplates(t *testing.T) {
	cw := []string{`{"id":"t","genre":"诗","language":"zh-CN","prompt":"写{genre}","reasoning":"先想","article":"雨停了。"}`}
	g := []string{`{"id":"a","messages":[{"role":"system","content":"短"},{"role":"user","content":"一"},{"role":"assistant","content":"二","reasoning_content":"想"}]}`, `{"id":"b","prompt":"三","completion":"四"}`}
	b := newBench(t, cw, g)
	plan := head + sizes("M", `"all"`, `"all"`)
	for _, tc := range []struct {
		name, more  string
		t, a, b     []Message
		thoughtsSum int
	}{
		{
			"think", "",
			[]Message{{Role: "user", Content: "写{genre}"}, {Role: "assistant", Content: "<think>\n先想\n</think>\n\n雨停了。"}},
			[]Message{{Role: "system", Content: "短"}, {Role: "user", Content: "一"}, {Role: "assistant", Content: "<think>\n想\n</think>\n\n二"}},
			[]Message{{Role: "user", Content: "三"}, {Role: "assistant", Content: "四"}},
			2,
		},
		{
			"field, general thoughts dropped", "[reasoning]\ncreative = \"field\"\ngeneral = \"drop\"\n",
			[]Message{{Role: "user", Content: "写{genre}"}, {Role: "assistant", Content: "雨停了。", Reasoning: "先想"}},
			[]Message{{Role: "system", Content: "短"}, {Role: "user", Content: "一"}, {Role: "assistant", Content: "二"}},
			[]Message{{Role: "user", Content: "三"}, {Role: "assistant", Content: "四"}},
			1,
		},
		{
			"none, with templates", "[reasoning]\ncreative = \"none\"\n[template]\nuser = \"[{genre}] {prompt}\"\nsystem = \"用{language}\"\ngeneral_system = \"答\"\n",
			[]Message{{Role: "system", Content: "用zh"}, {Role: "user", Content: "[诗] 写{genre}"}, {Role: "assistant", Content: "雨停了。"}},
			[]Message{{Role: "system", Content: "短"}, {Role: "user", Content: "一"}, {Role: "assistant", Content: "二"}},
			[]Message{{Role: "system", Content: "答"}, {Role: "user", Content: "三"}, {Role: "assistant", Content: "四"}},
			0,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, out := b.must(plan + tc.more)
			got := map[string][]Message{}
			for _, r := range rowsIn(t, out, "M") {
				got[r.ID] = r.Messages
			}
			if diff := cmp.Diff(map[string][]Message{"t": tc.t, "a": tc.a, "b": tc.b}, got); diff != "" {
				t.Error(diff)
			}
			if n := m.Configurations[0].Thoughts; n != tc.thoughtsSum {
				t.Errorf("%d thoughts", n)
			}
		})
	}
	b.put("cw.jsonl", []string{`{"id":"t","prompt":"写","reasoning":"想</think>","article":"雨"}`, cw[0]})
	m, out := b.must(plan)
	if ls := leftIn(t, out); m.Sources[0].Bad != 1 || !strings.Contains(ls[0].Why, "its thought holds a <think> tag") || ls[0].At != "cw.jsonl:1" {
		t.Errorf("%+v", ls)
	}
}

func TestFilters(t *testing.T) {
	g := []string{
		`{"instruction":"write a poem about rain","output":"the rain has stopped"}`, `{"instruction":"写一首雨的诗","output":"雨停了"}`,
		`{"instruction":"写灯","output":"灯","genre":"诗"}`, `{"instruction":"写一盏很长很长的灯","output":"灯亮了灯又灭了灯又亮了"}`, `{"instruction":"写","output":"x","language":"ja"}`,
	}
	b := newBench(t, triplets(1), g)
	m, _ := b.must(strings.Replace(head, `["g.jsonl"]`, "[\"g.jsonl\"]\nlanguages = [\"zh\"]\nmin_characters = 4\nmax_characters = 15\n", 1) + sizes("M", 0, `"all"`))
	if diff := cmp.Diff(map[string]int{"language": 2, "short": 1, "long": 1}, m.Sources[1].Filtered); diff != "" {
		t.Error(diff)
	}
	m, _ = b.must(strings.Replace(head, `["g.jsonl"]`, "[\"g.jsonl\"]\ngenres = [\"诗\"]\nlanguage = \"en\"\n", 1) + sizes("M", 0, `"all"`))
	if s := m.Sources[1]; s.Filtered["genre"] != 4 || s.Pool != 1 || m.Configurations[0].ByLanguage["en"] != 1 {
		t.Errorf("%+v %+v", s, m.Configurations[0])
	}
}

// Too few rows, and rows that are too long, are said before anything is written; what was there stays.
func TestRefusals(t *testing.T) {
	b := newBench(t, triplets(3), append(general(10), general(2)...))
	_, out := b.must(head + sizes("M", 3, 10))
	was, _ := os.ReadFile(filepath.Join(out, ManifestFile))
	for _, tc := range []struct{ plan, want string }{
		{head + sizes("M", 3, 5, "N", 3, 11), "N wants 11 general rows and there are 10 (1 missing)\nwhere they went"},
		{head + sizes("M", 4, 5), "M wants 4 creative rows and there are 3 (1 missing)"},
		{head + sizes("M", 3, 5) + "[length]\nmax = 30\n", "13 rows are longer than 30 tokens by estimate, and nothing was written:\n  cw t"},
		{strings.Replace(head, `["g.jsonl"]`, "[\"g.jsonl\"]\nlanguages = [\"en\"]", 1) + sizes("M", 0, `"all"`), "M wants all general rows and there are none\nwhere they went:\n  creative: 3 read\n  general: 12 read, 12 filtered by language"},
		{strings.Replace(head, "g.jsonl", "none.jsonl", 1) + sizes("M", 0, 1), "plan.toml: general g: none.jsonl"},
		{head + sizes("M", 0, 1) + "[length]\ntokenizer = \"none\"\n", "length.tokenizer: "},
		{head + sizes("M", 0, 1) + "[benchmark]\nqueries = [\"g.jsonl\"]\n", ""},
		{head + sizes("M", 0, 1) + "[benchmark]\nqueries = [\"plan.json\"]\n", "benchmark.queries: plan.json"},
	} {
		_, _, err := b.make(tc.plan)
		if tc.want == "" {
			tc.want = "there are too few rows" // every row is one of the queries
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) || !errors.Is(err, errs.Invalid) {
			t.Errorf("got %v\nwant %s", err, tc.want)
		}
	}
	if is, _ := os.ReadFile(filepath.Join(out, ManifestFile)); string(is) != string(was) {
		t.Error("a plan that failed changed the mix")
	}
	if left, _ := filepath.Glob(filepath.Join(b.dir, ".mix-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLongRowsAreListed(t *testing.T) {
	long := fmt.Sprintf(`{"id":"long","instruction":"%s","output":"%s"}`, word(1), strings.Repeat(word(9500)+word(9501), 5))
	b := newBench(t, triplets(2), append(general(10), long))
	m, out := b.must(head + sizes("M", `"all"`, 10) + "[length]\nmax = 100\nover = \"list\"\n")
	for _, l := range leftIn(t, out) {
		if l.Reason != TooLong || l.ID != "long" || l.Tokens <= 100 {
			t.Errorf("%+v", l)
		}
	}
	if c := m.Configurations[0]; c.General != 10 || c.Lengths.Max > 100 || !c.Lengths.Estimated || c.Lengths.Min <= 0 || c.Lengths.Total < c.Rows*c.Lengths.Min {
		t.Errorf("%+v", c)
	}
}

// Only a mix is replaced.
func TestOutIsFree(t *testing.T) {
	b := newBench(t, triplets(2), general(3))
	write(t, filepath.Join(b.dir, "out", "thesis.txt"), "mine")
	if _, _, err := b.make(head + sizes("M", 2, 3)); err == nil || !strings.Contains(err.Error(), "holds thesis.txt, which is of no mix") {
		t.Error(err)
	}
	os.Remove(filepath.Join(b.dir, "out", "thesis.txt"))
	b.must(head + sizes("M", 2, 3))
	b.must(head + sizes("M", 2, 2))
}

func TestInterrupted(t *testing.T) {
	b := newBench(t, triplets(2), general(30))
	p, err := ParsePlan("plan.toml", b.dir, []byte(head+sizes("M", 2, 3)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Make(ctx, p, filepath.Join(b.dir, "out"), Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "out")); !errors.Is(err, os.ErrNotExist) {
		t.Error("half a mix")
	}
}

func TestQuantiles(t *testing.T) {
	r := &ruler{}
	tokens := make([]int, 200)
	for i := range tokens {
		tokens[i] = 200 - i
	}
	l := r.lengths(tokens)
	if l.Min != 1 || l.Median != 100 || l.P95 != 190 || l.P99 != 198 || l.Max != 200 || l.Total != 20100 {
		t.Errorf("%+v", l)
	}
	if l := r.lengths([]int{7}); l.Min != 7 || l.Median != 7 || l.P99 != 7 || l.Max != 7 {
		t.Errorf("%+v", l)
	}
	if l := r.lengths(nil); l.Max != 0 || l.Counted == "" {
		t.Errorf("%+v", l)
	}
}
