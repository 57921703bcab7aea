package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

func TestDecodeConversation(t *testing.T) {
	type turns = []record.Turn
	u := func(s string) record.Turn { return record.Turn{Role: "user", Text: s} }
	a := func(s string) record.Turn { return record.Turn{Role: "assistant", Text: s} }
	sys := record.Turn{Role: "system", Text: "短些"}
	for _, tc := range []struct {
		name, in string
		want     turns
		bad      string
	}{
		{"alpaca", `{"instruction":"写雨","input":"","output":"雨停了。"}`, turns{u("写雨"), a("雨停了。")}, ""},
		{"alpaca with input, system and history", `{"instruction":"译","input":"rain","output":"雨","system":"短些","history":[["早","早安"]]}`, turns{sys, u("早"), a("早安"), u("译\nrain"), a("雨")}, ""},
		{"sharegpt", `{"conversations":[{"from":"system","value":"短些"},{"from":"human","value":"一"},{"from":"gpt","value":"二"},{"from":"human","value":"三"},{"from":"gpt","value":"四"}]}`, turns{sys, u("一"), a("二"), u("三"), a("四")}, ""},
		{"sharegpt with a system field", `{"system":"短些","conversations":[{"from":"human","value":"一"},{"from":"gpt","value":"二"}]}`, turns{sys, u("一"), a("二")}, ""},
		{"messages", `{"messages":[{"role":"user","content":"一"},{"role":"assistant","content":"二","reasoning_content":"想"}]}`, turns{u("一"), {Role: "assistant", Text: "二", Thought: "想"}}, ""},
		{"messages of parts", `{"messages":[{"role":"user","content":[{"type":"text","text":"一"},{"type":"text","text":"！"}]},{"role":"assistant","content":"二"}]}`, turns{u("一！"), a("二")}, ""},
		{"prompt and completion", `{"prompt":"一","completion":"二"}`, turns{u("一"), a("二")}, ""},
		{"prompt and completion as lists", `{"prompt":[{"role":"system","content":"短些"},{"role":"user","content":"一"}],"completion":[{"role":"assistant","content":"二"}]}`, turns{sys, u("一"), a("二")}, ""},
		{"a think block", `{"prompt":"一","completion":"<think>\n想\n</think>\n\n二"}`, turns{u("一"), {Role: "assistant", Text: "二", Thought: "想"}}, ""},
		{"an empty answer", `{"instruction":"写雨","output":" \n"}`, nil, "turn 2 (assistant) is empty"},
		{"an empty question", `{"instruction":"","output":"雨"}`, nil, "turn 1 (user) is empty"},
		{"no answer", `{"messages":[{"role":"user","content":"一"}]}`, nil, "no answer at its end"},
		{"a question last", `{"messages":[{"role":"user","content":"一"},{"role":"assistant","content":"二"},{"role":"user","content":"三"}]}`, nil, "no answer at its end"},
		{"an answer first", `{"conversations":[{"from":"gpt","value":"二"}]}`, nil, "turn 1 is the assistant's, it should be the user's"},
		{"two questions in a row", `{"conversations":[{"from":"human","value":"一"},{"from":"human","value":"二"},{"from":"gpt","value":"三"}]}`, nil, "turn 2 is the user's"},
		{"a late system turn", `{"messages":[{"role":"user","content":"一"},{"role":"system","content":"二"}]}`, nil, "only the first can be one"},
		{"nothing", `{"conversations":[]}`, nil, "no answer at its end"},
		{"a tool", `{"conversations":[{"from":"function_call","value":"{}"}]}`, nil, `a turn from "function_call"`},
		{"a picture", `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, nil, `a part is of type "image_url"`},
		{"a number for a text", `{"messages":[{"role":"user","content":3}]}`, nil, "must be a list"},
		{"no list", `{"conversations":"一"}`, nil, "must be a list"},
		{"a broken history", `{"history":"x","instruction":"一","output":"二"}`, nil, "history: must be a list"},
		{"an object for a text", `{"instruction":{},"output":"二"}`, nil, "instruction: is an object"},
		{"no shape", `{"question":"一","class":"x"}`, nil, "none of the shapes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := record.DecodeConversation(record.Raw{File: "f", Line: 3, Data: []byte(tc.in)}, "auto", nil)
			if tc.bad != "" {
				var b *record.BadRecord
				if !errors.As(err, &b) || b.Line != 3 || !strings.Contains(err.Error(), tc.bad) {
					t.Errorf("got %v, want %s", err, tc.bad)
				}
				return
			}
			if diff := cmp.Diff(tc.want, c.Turns); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

// A named shape refuses rows of another, and a file may call its fields otherwise, also crosswise.
func TestConversationShapesAndNames(t *testing.T) {
	raw := record.Raw{File: "f", Line: 1, Data: []byte(`{"question":"一","std_answer":"二","prompt":"三","completion":"四","class":"诗"}`)}
	names := map[string]string{"prompt": "question", "completion": "std_answer", "genre": "class"}
	c, err := record.DecodeConversation(raw, "prompt-completion", names)
	if err != nil || c.Turns[0].Text != "一" || c.Turns[1].Text != "二" || c.Genre != "诗" {
		t.Errorf("%+v %v", c, err)
	}
	c, err = record.DecodeConversation(raw, "", map[string]string{"prompt": "completion", "completion": "prompt"})
	if err != nil || c.Turns[0].Text != "四" || c.Turns[1].Text != "三" {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := record.DecodeConversation(raw, "alpaca", nil); err == nil || !strings.Contains(err.Error(), "instruction: is missing; rows of alpaca have instruction, input, output") {
		t.Error(err)
	}
}

func FuzzDecodeConversation(f *testing.F) {
	for _, s := range []string{
		`{"instruction":"写雨","input":"x","output":"雨"}`, `{"conversations":[{"from":"human","value":"一"},{"from":"gpt","value":"<think>a</think>二"}]}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"一"}]}]}`, `{"prompt":[{}],"completion":[]}`, `{"history":[["a"]],"instruction":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := record.DecodeConversation(record.Raw{File: "f", Line: 1, Data: data}, "", nil)
		var b *record.BadRecord
		if err != nil {
			if !errors.As(err, &b) {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if n := len(c.Turns); n < 2 || c.Turns[n-1].Role != "assistant" {
			t.Fatalf("%+v", c.Turns)
		}
		for _, x := range c.Turns {
			if x.Role != "system" && strings.TrimSpace(x.Text) == "" {
				t.Fatalf("an empty turn: %+v", c.Turns)
			}
		}
	})
}

type parquetTurn struct {
	From  string `parquet:"from"`
	Value string `parquet:"value,optional"`
}

type parquetConversation struct {
	ID            string        `parquet:"id"`
	Conversations []parquetTurn `parquet:"conversations,list"`
	Note          []byte        `parquet:"note"`
}

func parquetFile(t testing.TB, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[parquetConversation](&b, parquet.Compression(&parquet.Zstd))
	for i := range n {
		rows := []parquetConversation{{string(rune('a' + i%26)), []parquetTurn{{"human", "写雨"}, {"gpt", "雨停了。"}}, []byte("注")}}
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Rows of Parquet are the records that they would be in JSON Lines.
func TestParquetReader(t *testing.T) {
	data := parquetFile(t, 200) // more than one batch
	r, err := record.NewParquetReader("f.parquet", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for {
		raw, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		c, err := record.DecodeConversation(raw, "", nil)
		if err != nil || raw.Line != n || len(c.Turns) != 2 || c.Turns[1].Text != "雨停了。" {
			t.Fatalf("%d: %s %v", n, raw.Data, err)
		}
		var m map[string]any
		if json.Unmarshal(raw.Data, &m) != nil || m["note"] != "注" {
			t.Fatalf("%s", raw.Data)
		}
	}
	if n != 200 {
		t.Errorf("%d rows", n)
	}
}

func TestBrokenParquet(t *testing.T) {
	data := parquetFile(t, 3)
	for name, b := range map[string][]byte{"cut": data[:len(data)/2], "empty": nil, "text": []byte("PAR1 once upon a time PAR1"), "magic": []byte("PAR1")} {
		if _, err := record.NewParquetReader("f", bytes.NewReader(b), int64(len(b))); !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParquet(f *testing.F) {
	f.Add(parquetFile(f, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		r, err := record.NewParquetReader("f", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for range 1000 {
			if _, err := r.Next(); err != nil && !errors.As(err, new(*record.BadRecord)) {
				break
			}
		}
	})
}

// The general data of ../shared is read: only rows that its README calls empty are refused.
func TestRealGeneralData(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/dg_*/*.json")
	for _, pattern := range []string{"*/*.json", "*/*/*.json"} {
		more, _ := filepath.Glob("../../../shared/data/dg_zh/" + pattern)
		files = append(files, more...)
	}
	if len(files) == 0 {
		t.Skip("../shared/data is not here")
	}
	read, empty := 0, 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := record.NewReader(name, f)
		if err != nil {
			t.Fatal(err)
		}
		for {
			raw, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			read++
			_, err = record.DecodeConversation(raw, "", map[string]string{"prompt": "question", "completion": "std_answer"})
			switch {
			case err == nil:
			case strings.Contains(err.Error(), "is empty"):
				empty++
			default:
				t.Error(err)
			}
		}
	}
	t.Logf("%d rows, %d empty", read, empty)
	if read != 11976+12345 || empty > 400 {
		t.Errorf("%d rows, %d empty", read, empty)
	}
}
