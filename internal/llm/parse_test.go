package llm

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type sheet struct {
	Quality    int      `json:"quality" jsonschema:"文章质量" min:"1" max:"10"`
	Creativity int      `json:"creativity" min:"1" max:"10"`
	Usable     string   `json:"usable" enum:"yes,no,unsure"`
	Reasons    []string `json:"reasons" maxitems:"3"`
}

const good = `{"quality": 8, "creativity": 7, "usable": "yes", "reasons": ["稳"]}`

func sheetSchema(t testing.TB) *Schema {
	t.Helper()
	s, err := SchemaOf[sheet](nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// body wraps content as a server would.
func body(content, finish string) []byte {
	b, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{
		"finish_reason": finish, "message": map[string]any{"role": "assistant", "content": content},
	}}})
	return b
}

func TestParseReply(t *testing.T) {
	t.Parallel()
	s := sheetSchema(t)
	half := good[:len(good)/2]
	for _, tt := range []struct {
		name string
		raw  []byte
		want Kind
	}{
		{"plain", body(good, "stop"), ""},
		{"blanks around", append([]byte("\n\n  \n"), body("\n"+good+"\n", "stop")...), ""},
		{"fence", body("```json\n"+good+"\n```", "stop"), ""},
		{"prose around", body("评分如下：\n"+good+"\n以上。", "stop"), ""},
		{"braces in prose", body("先看 {结构} 再说："+good, "stop"), ""},
		{"think", body("<think>也许 {\"quality\": 1}？</think>"+good, "stop"), ""},
		{"think without opening", body("也许九分。</think>\n"+good, "stop"), ""},
		{"tag inside a string", body(`{"quality": 8, "creativity": 7, "usable": "yes", "reasons": ["</think>"]}`, "stop"), ""},
		{"complete, then blanks to the limit", body(good+strings.Repeat("\n", 50), "length"), ""},

		{"prose", body("这篇文章很好，八分。", "stop"), KindBadOutput},
		{"empty", body("", "stop"), KindBadOutput},
		{"null content", []byte(`{"choices":[{"message":{"content":null},"finish_reason":"stop"}]}`), KindBadOutput},
		{"half", body(half, "stop"), KindBadOutput},
		{"half holding a whole", body(`{"scores": `+good, "stop"), KindBadOutput},
		{"lone brace", body("{", "stop"), KindBadOutput},
		{"two objects", body(good+good, "stop"), KindBadOutput},
		{"endless thought", body("<think>"+good, "stop"), KindBadOutput},
		{"list", body("["+good+","+good+"]", "stop"), KindBadOutput},
		{"0 is below the range", body(strings.Replace(good, "8", "0", 1), "stop"), KindBadOutput},
		{"11 is above the range", body(strings.Replace(good, "8", "11", 1), "stop"), KindBadOutput},
		{"text for number", body(strings.Replace(good, "8", `"8"`, 1), "stop"), KindBadOutput},
		{"fraction", body(strings.Replace(good, "8", "8.5", 1), "stop"), KindBadOutput},
		{"point zero", body(strings.Replace(good, "8", "8.0", 1), "stop"), KindBadOutput},
		{"null for number", body(strings.Replace(good, "8", "null", 1), "stop"), KindBadOutput},
		{"huge number", body(strings.Replace(good, "8", "1e400", 1), "stop"), KindBadOutput},
		{"other enum value", body(strings.Replace(good, "yes", "maybe", 1), "stop"), KindBadOutput},
		{"missing field", body(`{"quality": 8}`, "stop"), KindBadOutput},
		{"unknown field", body(strings.Replace(good, "{", `{"total": 80, `, 1), "stop"), KindBadOutput},
		{"other case", body(strings.Replace(good, "quality", "Quality", 1), "stop"), KindBadOutput},
		{"name twice", body(strings.Replace(good, "{", `{"quality": 1, `, 1), "stop"), KindBadOutput},
		{"list too long", body(strings.Replace(good, `"稳"`, `"a","b","c","d"`, 1), "stop"), KindBadOutput},
		{"NUL", body(strings.Replace(good, "稳", `a\u0000b`, 1), "stop"), KindBadOutput},
		{"not JSON at all", []byte("<html>bad gateway</html>"), KindTransient},
		{"no body", nil, KindTransient},
		{"no choices", []byte(`{"choices":[]}`), KindBadOutput},
		{"tool calls", []byte(`{"choices":[{"message":{"content":null,"tool_calls":[]},"finish_reason":"tool_calls"}]}`), KindBadOutput},

		{"cut", body(half, "length"), KindTooLong},
		{"thought cut", body("<think>先看", "length"), KindTooLong},
		{"nothing but thought", body("", "length"), KindTooLong},
		{"filter", body(good, "content_filter"), KindRefused},
		{"refusal", []byte(`{"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]}`), KindRefused},
		{"inspection in a 200", []byte(`{"error":{"code":"data_inspection_failed","message":"no"}}`), KindRefused},
		{"error in a 200", []byte(`{"error":{"code":503,"message":"queue is full"}}`), KindTransient},
		{"abort", body(good, "abort"), KindTransient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reply, f := ParseReply[sheet](s, tt.raw)
			if tt.want == "" {
				if f != nil {
					t.Fatal(f)
				}
				if reply.Quality != 8 || reply.Creativity != 7 || reply.Usable != "yes" || len(reply.Reasons) != 1 {
					t.Errorf("reply %+v", reply)
				}
				return
			}
			if f == nil {
				t.Fatalf("accepted: %+v", reply)
			}
			if f.Kind != tt.want {
				t.Errorf("%v, want kind %s", f, tt.want)
			}
			if diff := cmp.Diff(sheet{}, reply); diff != "" {
				t.Errorf("a failed reply must be empty: %s", diff)
			}
		})
	}
}

func TestSchemaRoundTrip(t *testing.T) {
	t.Parallel()
	s := sheetSchema(t)
	const want = `{"type":"object","properties":{"quality":{"type":"integer","description":"文章质量","minimum":1,"maximum":10},"creativity":{"type":"integer","minimum":1,"maximum":10},"usable":{"type":"string","enum":["yes","no","unsure"]},"reasons":{"type":"array","maxItems":3,"items":{"type":"string"}}},"required":["quality","creativity","usable","reasons"],"additionalProperties":false}`
	var got, wanted any
	json.Unmarshal(s.JSON, &got)
	json.Unmarshal([]byte(want), &wanted)
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
	back, err := ReadSchema(s.JSON)
	if err != nil {
		t.Fatal(err)
	}
	if _, f := ParseReply[sheet](back, body(good, "stop")); f != nil {
		t.Error(f)
	}
}

// The message is stored and shown to the model, so the same reply always gets the same one.
func TestSchemaErrorsAreInOrder(t *testing.T) {
	t.Parallel()
	s := sheetSchema(t)
	for range 20 {
		_, f := ParseReply[sheet](s, body(`{"zeta": 1, "alpha": 1, "creativity": 0, "usable": "maybe", "reasons": []}`, "stop"))
		if f == nil {
			t.Fatal("accepted")
		}
		const want = "the reply breaks its schema: quality is missing; creativity: minimum: 0/1 is less than 1.000000; usable: enum: maybe does not equal any of: [yes no unsure]; alpha is not a field; zeta is not a field"
		if f.Message != want {
			t.Fatal(f.Message)
		}
	}
}

// Whatever a server sends, a reply is either inside the schema or a failure; never both, never a panic.
func FuzzParseReply(f *testing.F) {
	for _, content := range []string{good, "", "{", "```json\n" + good, "<think>" + good + "</think>" + good, good + good, `{"quality":{"quality":8}}`} {
		f.Add(string(body(content, "stop")), content)
	}
	s := sheetSchema(f)
	f.Fuzz(func(t *testing.T, raw, content string) {
		for _, b := range [][]byte{[]byte(raw), body(content, "stop"), body(content, "length")} {
			reply, fail := ParseReply[sheet](s, b)
			if fail != nil {
				if fail.Kind == "" || fail.Message == "" || reply.Quality != 0 {
					t.Fatalf("failure %+v with reply %+v", fail, reply)
				}
				continue
			}
			if reply.Quality < 1 || reply.Quality > 10 || reply.Creativity < 1 || reply.Creativity > 10 || len(reply.Reasons) > 3 {
				t.Fatalf("out of range: %+v", reply)
			}
			if reply.Usable != "yes" && reply.Usable != "no" && reply.Usable != "unsure" {
				t.Fatalf("enum: %+v", reply)
			}
		}
	})
}
