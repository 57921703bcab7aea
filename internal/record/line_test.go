package record

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is written under the names of the contract reads back as the same record.
func TestLinesReadBack(t *testing.T) {
	for _, data := range []string{
		`{"question_id":7,"lang":"zh","genre":"诗歌","a":"x","b":"=y","outcome":"=y","left":"b","annotator":"r","len_a":3,"len_b":4.5}`,
		`{"query_id":"1","language":"en","judge":"r","ranked":["x","y","z"]}`,
		`{"query_id":"1","model_a":"x","model_b":"y","winner":"tie","judge":"j","readings":["a","b"]}`,
		`{"query_id":"1","model":"m","judge":"j","dimension":"overall","score":2}`,
		`{"query_id":"1","model":"m","rater":"r","criterion":"overall","score":"2.5"}`,
		`{"query_id":"1","model":"m","response":"<think>想</think>写","usage":{"completion_tokens":12},"finish_reason":"length","sample":2}`,
		`{"query_id":"1","model":"m","unit":3,"label":"self_reflection","refers_to":1,"judge":"j"}`,
		`{"id":"t","genre":"诗歌","query":"q","thought":"t","answer":"a","source":{"url":"u"},"note":{"dropped":true}}`,
		`{"index":1,"instruction":"q","constraints":{"length":{"min":5,"unit":"characters"}},"own":1}`,
	} {
		first, ok, err := Decode(Raw{File: "f", Line: 1, Data: []byte(data)}, "")
		if err != nil || !ok {
			t.Fatalf("%s: %v", data, err)
		}
		_, line, ok := Line(first)
		if !ok {
			t.Fatalf("%T has no line", first)
		}
		out, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		again, ok, err := Decode(Raw{File: "f", Line: 1, Data: out}, "")
		if err != nil || !ok {
			t.Fatalf("%s: %v", out, err)
		}
		if diff := cmp.Diff(known(first), known(again)); diff != "" {
			t.Errorf("%s as %s:\n%s", data, out, diff)
		}
	}
	if _, _, ok := Line("text"); ok {
		t.Error("a text is no record")
	}
}

// known is a record without the fields that we do not know.
func known(r any) any {
	switch r := r.(type) {
	case Triplet:
		r.Extra = nil
		return r
	case Query:
		r.Extra = nil
		return r
	}
	return r
}

// A judge is a model where nobody else is named; beside a rater it says nothing of who rated.
func TestJudgeOf(t *testing.T) {
	for data, want := range map[string]string{
		`{"query_id":"1","model_a":"x","model_b":"y","winner":"a","judge":"j"}`:             "j",
		`{"query_id":"1","model_a":"x","model_b":"y","winner":"a","judge":"j","rater":"r"}`: "",
		`{"query_id":"1","model_a":"x","model_b":"y","winner":"a","rater":"r"}`:             "",
		`{"query_id":"1","judge":"j","ranked":["x","y"]}`:                                   "j",
		`{"query_id":"1","model":"m","judge":"j","dimension":"overall","score":1}`:          "j",
		`{"query_id":"1","model":"m","annotator":"p","judge":"j","score":1}`:                "",
		`{"query_id":"1","model":"m","unit":3,"label":"self_reflection","judge":"j"}`:       "",
	} {
		r, ok, err := Decode(Raw{File: "f", Line: 1, Data: []byte(data)}, "")
		if err != nil || !ok || JudgeOf(r) != want {
			t.Errorf("%s: %q, want %q; %v", data, JudgeOf(r), want, err)
		}
		if want != "" && (JudgeOf(AsJudge(r, "")) != "" || JudgeOf(r) != want) {
			t.Errorf("%s: as a person's %q, and itself %q", data, JudgeOf(AsJudge(r, "")), JudgeOf(r))
		}
	}
}
