package record_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// readAll returns the data of good records and the messages of bad ones.
func readAll(t testing.TB, r io.Reader, maxLine int) (good []string, bad []string, end error) {
	t.Helper()
	rd, err := record.NewReader("f", r)
	if err != nil {
		return nil, nil, err
	}
	defer rd.Close()
	if maxLine > 0 {
		rd.MaxLine = maxLine
	}
	for {
		raw, err := rd.Next()
		var br *record.BadRecord
		switch {
		case errors.Is(err, io.EOF):
			return good, bad, nil
		case errors.As(err, &br):
			bad = append(bad, br.Error())
		case err != nil:
			return good, bad, err
		default:
			good = append(good, fmt.Sprintf("%d %s", raw.Line, raw.Data))
		}
	}
}

func TestReader(t *testing.T) {
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(`{"text":"雨停了，我们去山中走走，看一看春天的草木"}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, in  string
		good, bad int
		first     string // of the good
		msg       string // in the bad, or in the error
	}{
		{"lines", "{\"a\":1}\n\n{\"a\":2}\r\n", 2, 0, `1 {"a":1}`, ""},
		{"mark", "\ufeff{\"a\":1}\n", 1, 0, `1 {"a":1}`, ""},
		{"broken line between good ones", "{\"a\":1}\n{\"a\":\n{\"a\":3}", 2, 1, `1 {"a":1}`, "f:2: broken JSON at byte"},
		{"torn last line", "{\"a\":1}\n{\"a\":\"x", 1, 1, `1 {"a":1}`, "f:2: broken JSON"},
		{"prose", "once upon a time\n", 0, 1, "", "f:1: not a JSON object"},
		{"a list", "[{\"a\":1},\n {\"a\":2}]", 2, 0, `1 {"a":1}`, ""},
		{"a list with a number in it", "[\n{\"a\":1},\n\n7, {\"a\":2}]", 2, 1, `2 {"a":1}`, "f:4: not a JSON object"},
		{"a torn list", "[{\"a\":1},\n {\"a\"", 1, 0, `1 {"a":1}`, "f:1: element 2: the file ends in the middle"},
		{"a list broken inside", "[{\"a\":1},\n{\"a\":2},\n{\"a\" 3}]", 2, 0, `1 {"a":1}`, "what follows is not read"},
		{"a list with spoilt bytes", "[{\"a\":\"\xff\"},\n{\"a\":2}]", 1, 1, `2 {"a":2}`, "f:1: not valid UTF-8"},
		{"an empty list", "[]", 0, 0, "", ""},
		{"utf-16 without a mark", utf16le("{\"text\":\"雨\"}\n"), 1, 0, `1 {"text":"雨"}`, ""},
		{"gb18030 with spoilt bytes", strings.Repeat(gb+"\n", 3) + gb[:12] + "\xff\xff" + gb[12:], 3, 1, "", "f:4: bytes that are not GB18030"},
		{"utf-8 with a spoilt byte", "{\"a\":\"english words 雨停了 more words\"}\n{\"a\":\"\xa5\"}\n{\"a\":1}\n", 2, 1, `1 {"a":"english words 雨停了 more words"}`, "f:2: not valid UTF-8"},
		{"an object over lines", "{\n  \"a\": 1\n}\n", 1, 0, "1 {\n  \"a\": 1\n}", ""},
		{"empty", "", 0, 0, "", "the file is empty"},
		{"gb18030", gb, 1, 0, `1 {"text":"雨停了，我们去山中走走，看一看春天的草木"}`, ""},
		{"bytes of nothing", "{\"a\":1}\n{\"a\":\"\xff\xfe\xfd\"}\n", 1, 1, `1 {"a":1}`, "not valid UTF-8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			good, bad, err := readAll(t, strings.NewReader(tc.in), 0)
			if len(good) != tc.good || len(bad) != tc.bad {
				t.Fatalf("good %q, bad %q, %v", good, bad, err)
			}
			if tc.first != "" && good[0] != tc.first {
				t.Errorf("first %q", good[0])
			}
			said := strings.Join(bad, "\n")
			if err != nil {
				said += err.Error()
			}
			if !strings.Contains(said, tc.msg) || (tc.msg == "" && said != "") {
				t.Errorf("said %q, want %q", said, tc.msg)
			}
		})
	}
}

func utf16le(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// A line far over the limit is refused by number without being held, and what follows is read.
func TestReaderPassesOverAGiantLine(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	giant := io.MultiReader(strings.NewReader("{\"a\":1}\n{\"a\":\""), io.LimitReader(letters{}, 50<<20), strings.NewReader("\"}\n{\"a\":3}\n"))
	good, bad, err := readAll(t, giant, 1<<20)
	if err != nil || len(good) != 2 || len(bad) != 1 || !strings.Contains(bad[0], "f:2: the line is longer than 1 MB") {
		t.Fatalf("good %d, bad %v, %v", len(good), bad, err)
	}
	if good[1] != `3 {"a":3}` {
		t.Errorf("after it came %q", good[1])
	}
	runtime.ReadMemStats(&after)
	if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 10 {
		t.Errorf("a line of 50 MB cost %d MB of memory", mb)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestReaderUnpacks(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, "{\"a\":1}\n")
	z.Close()
	if good, bad, err := readAll(t, &b, 0); len(good) != 1 || err != nil {
		t.Errorf("%v %v %v", good, bad, err)
	}
}

func raw(s string) record.Raw { return record.Raw{File: "f", Line: 7, Data: []byte(s)} }

func TestDecodeSource(t *testing.T) {
	s, err := record.DecodeSource(raw(`{"content":"雨","likes":"1.2万","date":"2023年5月1日","category":"散文","x":[1],"_error":"old"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Text != "雨" || s.Likes != 12000 || s.Genre != "散文" || s.Published == nil || s.Published.Time.Format("2006-01-02") != "2023-05-01" {
		t.Errorf("got %+v", s)
	}
	if len(s.Extra) != 1 || string(s.Extra["x"]) != "[1]" {
		t.Errorf("unknown fields %v", s.Extra)
	}
	if s, err := record.DecodeSource(raw(`{"正文":"雨"}`), map[string]string{"text": "正文"}); err != nil || s.Text != "雨" {
		t.Errorf("mapped: %+v, %v", s, err)
	}
	for in, want := range map[string]string{
		`{"title":"x"}`:                "f:7: text: is missing",
		`{"text":"x","date":"soon"}`:   `f:7: date: "soon" is not a date`,
		`{"text":["x"]}`:               "f:7: text: is a list, must be a text",
		`{"text":"x","likes":"viele"}`: `f:7: likes: "viele" is not a count`,
	} {
		if _, err := record.DecodeSource(raw(in), nil); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}

func TestParseDate(t *testing.T) {
	for in, want := range map[string]string{
		"2023-05-01": "2023-05-01T00:00:00+08:00 day", "2023/5/1 12:30": "2023-05-01T12:30:00+08:00 second",
		"2023年5月1日 8时5分": "2023-05-01T08:05:00+08:00 second", "2023年5月": "2023-05-01T00:00:00+08:00 month",
		"2024-05-31T15:59:59.000Z": "2024-05-31T15:59:59Z second", "1682899200": "2023-05-01T08:00:00+08:00 second",
		"1682899200000": "2023-05-01T08:00:00+08:00 second", "2020-07-13 10:36:57": "2020-07-13T10:36:57+08:00 second",
		"2023.05.01": "2023-05-01T00:00:00+08:00 day", "2023.5": "2023-05-01T00:00:00+08:00 month",
		"2023.5.1 12:30": "2023-05-01T12:30:00+08:00 second", "２０２３年５月１日": "2023-05-01T00:00:00+08:00 day",
		"2023年5月1日 下午3:05": "2023-05-01T15:05:00+08:00 second", "2023年5月1日 星期一 08:05": "2023-05-01T08:05:00+08:00 second",
		"1682899200.5": "2023-05-01T08:00:00+08:00 second", "1.6828992e+09": "2023-05-01T08:00:00+08:00 second",
		"Mon May 01 12:30:00 +0800 2023": "2023-05-01T12:30:00+08:00 second",
	} {
		d, err := record.ParseDate(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got := d.Time
		if !d.Zoned || len(in) < 14 {
			got = got.In(record.Zone)
		}
		if s := got.Format("2006-01-02T15:04:05Z07:00") + " " + d.Precise; s != want {
			t.Errorf("%s: got %s, want %s", in, s, want)
		}
	}
	for _, in := range []string{"", "soon", "2023-13-40", "2023-02-30", "05-01", "昨天 12:30", "2023.", "Inf", "1e999", strings.Repeat("1", 99)} {
		if _, err := record.ParseDate(in); err == nil {
			t.Errorf("%q was read as a date", in)
		}
	}
}

func TestCounts(t *testing.T) {
	for in, want := range map[string]int64{
		`12`: 12, `"1,234"`: 1234, `"1.2万"`: 12000, `"3亿"`: 300000000, `"5千"`: 5000, `"10万+"`: 100000, `12.0`: 12, `1e3`: 1000,
		`"２，０００"`: 2000, `"4.7k"`: 4700, `""`: 0, `null`: 0,
	} {
		s, err := record.DecodeSource(raw(`{"text":"x","likes":`+in+`}`), nil)
		if err != nil || s.Likes != want {
			t.Errorf("%s: got %d, %v; want %d", in, s.Likes, err, want)
		}
	}
	for _, in := range []string{`-3`, `"-3"`, `true`, `[1]`, `"many"`, `1e99`, `"99999999999999999999亿"`} {
		if _, err := record.DecodeSource(raw(`{"text":"x","likes":`+in+`}`), nil); err == nil || !strings.Contains(err.Error(), "f:7: likes: ") {
			t.Errorf("%s: got %v", in, err)
		}
	}
}

func TestDecodeTriplet(t *testing.T) {
	for name, in := range map[string]string{
		"ours":          `{"prompt":"p","reasoning":"r","article":"a","genre":"诗歌"}`,
		"released":      `{"id":"1","query":"p","thought":"r","answer":"a","metadata":{"genre":"诗歌"}}`,
		"older":         `{"reverse_inspiration_prompt":"p","reasoning_process":"r","article":"a","metadata":{"genre":"诗歌"}}`,
		"alpaca":        `{"instruction":"p","input":"","output":"<think>\nr\n</think>\n\na","genre":"诗歌"}`,
		"alpaca field":  `{"instruction":"p","input":"","output":"a","thought":"r","genre":"诗歌"}`,
		"sharegpt":      `{"conversations":[{"from":"human","value":"p"},{"from":"gpt","value":"<think>\nr\n</think>\n\na"}],"genre":"诗歌"}`,
		"messages":      `{"messages":[{"role":"user","content":"p"},{"role":"assistant","content":"a","reasoning_content":"r"}],"genre":"诗歌"}`,
		"completion":    `{"prompt":"p","completion":"a","thought":"r","genre":"诗歌"}`,
		"system before": `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"p"},{"role":"assistant","content":"<think>r</think>a"}],"genre":"诗歌"}`,
	} {
		got, err := record.DecodeTriplet(raw(in))
		if err != nil || got.Prompt != "p" || got.Reasoning != "r" || got.Article != "a" || got.Genre != "诗歌" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	got, err := record.DecodeTriplet(raw(`{"instruction":"续写","input":"雨停了","output":"<think>没有结尾","scores":null,"likes":3}`))
	if err != nil || got.Prompt != "续写\n雨停了" || got.Article != "<think>没有结尾" || got.Scores != nil || string(got.Extra["likes"]) != "3" {
		t.Errorf("%+v, %v", got, err)
	}
	for in, want := range map[string]string{
		`{"query":"p"}`:  "article: is missing",
		`{"answer":"a"}`: "prompt: is missing",
		`{"query":"p","answer":"a","scores":[8]}`:                                    "scores: must be an object",
		`{"query":"p","answer":{"a":1}}`:                                             "answer: is an object, must be a text",
		`{"conversations":"x"}`:                                                      "conversations: must be a list",
		`{"conversations":[{"from":"cat"}]}`:                                         `conversations: has a turn from "cat"`,
		`{"messages":[{"role":"user","content":"p"},{"role":"user","content":"q"}]}`: "messages: has more than one question",
	} {
		if _, err := record.DecodeTriplet(raw(in)); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, want %s", in, err, want)
		}
	}
}

// SplitThink undoes what an export with <think> blocks does.
func TestSplitThinkProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.StringMatching(`[山水a ]{1,9}(\n[雨b]{1,4}){0,2}`)
		r, a := words.Draw(t, "reasoning"), words.Draw(t, "article")
		gotR, gotA := record.SplitThink("<think>\n" + r + "\n</think>\n\n" + a)
		if gotR != r || gotA != a {
			t.Fatalf("got %q, %q", gotR, gotA)
		}
	})
}

func TestTheReleasedSampleIsRead(t *testing.T) {
	f, err := os.Open("../../../shared/data/coig_writer_repo/sample_triplet.jsonl")
	if err != nil {
		t.Skip("the released sample is not here:", err)
	}
	defer f.Close()
	rd, err := record.NewReader("sample", f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := rd.Next()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := record.DecodeTriplet(raw); err != nil || !strings.HasPrefix(got.Article, "山中") || got.Reasoning == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWriterAppearsWhole(t *testing.T) {
	for _, name := range []string{"a.jsonl", "a.jsonl.gz", "a.jsonl.zst"} {
		path := filepath.Join(t.TempDir(), name)
		w, err := record.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(map[string]string{"a": "<雨>"}); err != nil {
			t.Fatal(err)
		}
		line := []byte(`{"b":1}, and more`)
		if err := w.WriteLine(line[:7]); err != nil || string(line) != `{"b":1}, and more` {
			t.Errorf("writing a line left %q, %v", line, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("the file is there before it is whole")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		good, _, err := readAll(t, f, 0)
		f.Close()
		if err != nil || len(good) != 2 || good[0] != `1 {"a":"<雨>"}` || good[1] != `2 {"b":1}` {
			t.Errorf("%s: %q, %v", name, good, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{"{\"a\":1}\n", "[{}]", "\x1f\x8b", "{\n\"a\":1}", "\xff\xfe{\x00}\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		good, _, _ := readAll(t, bytes.NewReader(data), 1<<16)
		for _, g := range good {
			_, obj, _ := strings.Cut(g, " ")
			if !json.Valid([]byte(obj)) {
				t.Errorf("not JSON: %q", obj)
			}
			_, _ = record.DecodeSource(raw(obj), nil)
			_, _ = record.DecodeTriplet(raw(obj))
			_, _, _ = record.Decode(raw(obj), "m")
		}
	})
}

// The fields of a record decide what it is.
func TestDecodeAnyKind(t *testing.T) {
	for line, want := range map[string]any{
		`{"query_id":"1","model_a":"x","model_b":"y","winner":"a"}`:                         record.Vote{QueryID: "1", ModelA: "x", ModelB: "y", Winner: "a"},
		`{"query_id":"1","model":"x","unit":2,"label":"normal"}`:                            record.Label{QueryID: "1", Model: "x", Unit: 2, Label: "normal"},
		`{"query_id":"1","model":"x","rater":"r","dimension":"overall","score":3}`:          record.Rating{Item: "1 · x", Query: "1", Model: "x", Rater: "r", Dimension: "overall", Score: 3},
		`{"item_id":7,"rater":"r","label":"1"}`:                                             record.Rating{Item: "7", Rater: "r", Score: 1},
		`{"query_id":"1","model":"x","prompt":"写雨","answer":"雨"}`:                           record.Generation{QueryID: "1", Model: "x", Prompt: "写雨", Output: "雨"},
		`{"index":3,"prompt":"p","response":"r"}`:                                           record.Generation{QueryID: "3", Model: "file", Prompt: "p", Output: "r"},
		`{"query_id":"1","genre":"诗歌","language":"zh","prompt":"写雨","constraints":{"n":1}}`: record.Query{ID: "1", Genre: "诗歌", Language: "zh", Prompt: "写雨"},
	} {
		got, ok, err := record.Decode(record.Raw{File: "f", Line: 1, Data: []byte(line)}, "file")
		if err != nil || !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v (%v, %v), want %#v", line, got, ok, err, want)
		}
	}
	for line, kind := range map[string]string{
		`{"id":1,"query":"写雨","thought":"先想","answer":"雨"}`:                "record.Triplet", // as COIG-Writer was released
		`{"id":1,"genre":"诗歌","prompt":"写雨","reasoning":"想","output":"雨"}`: "record.Triplet",
		`{"query_id":"1","ranked":["x","y"]}`:                              "record.Ranked",
	} {
		if got, _, err := record.Decode(record.Raw{Data: []byte(line)}, ""); err != nil || fmt.Sprintf("%T", got) != kind {
			t.Errorf("%s is %T, want %s (%v)", line, got, kind, err)
		}
	}
	for _, line := range []string{`{"a":1}`, `{}`, `[1]`, `{"query_id":"1","ranked":["x"]}`, `{"query_id":"1","output":3}`} {
		if got, ok, err := record.Decode(record.Raw{File: "f", Line: 4, Data: []byte(line)}, ""); err == nil || ok {
			t.Errorf("%s is %#v", line, got)
		}
	}
	if _, ok, err := record.Decode(record.Raw{Data: []byte(`{"item_id":"1","rater":"r","score":null}`)}, ""); ok || err != nil {
		t.Errorf("a score that was not given: %v, %v", ok, err)
	}
}
