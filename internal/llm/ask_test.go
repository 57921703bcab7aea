package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
)

type askData struct{ Text Text }

// setup starts a script with rules and returns a database, a client on it that does not sleep, and a prompt.
func setup(t *testing.T, rules ...ScriptRule) (*db.DB, *Client, *Script, *Prompt[sheet]) {
	t.Helper()
	s, err := StartScript(rules...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p, err := ReadPrompt[sheet](os.DirFS("testdata"), "ask")
	if err != nil {
		t.Fatal(err)
	}
	return dbtest.Open(t), client(t, s.Endpoint()), s, p
}

func client(t *testing.T, e Endpoint) *Client {
	t.Helper()
	c, err := NewClient(e)
	if err != nil {
		t.Fatal(err)
	}
	c.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	t.Cleanup(c.Close)
	return c
}

var article = askData{Text: "雪落无声，他推开了门。"}

func TestAskModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode  ScriptMode
		want  Kind
		calls int // over HTTP, retries and repair included
		rows  int
		again int // further calls when asked once more
	}{
		{ScriptGood, "", 1, 1, 0},
		{ScriptThink, "", 1, 1, 0},
		{ScriptNoSchema, "", 3, 1, 0}, // schema, object, prompt
		{ScriptProse, KindBadOutput, 2, 2, 0},
		{ScriptHalf, KindBadOutput, 2, 2, 0},
		{ScriptEmpty, KindBadOutput, 2, 2, 0},
		{ScriptRange, KindBadOutput, 2, 2, 0},
		{ScriptTwo, KindBadOutput, 2, 2, 0},
		{ScriptGarbage, KindTransient, 1, 1, 1},
		{ScriptRefused, KindRefused, 1, 1, 0},
		{ScriptTooLong, KindTooLong, 1, 1, 0},
		{ScriptCut, KindTooLong, 1, 1, 0},
		{ScriptNoKey, KindAuth, 1, 1, 1},
		{ScriptBusy, KindTransient, 3, 1, 3},
		{ScriptBroken, KindTransient, 3, 1, 3},
		{ScriptNothing, KindTransient, 3, 1, 3},
	} {
		t.Run(string(tt.mode), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			d, c, s, p := setup(t, ScriptRule{Mode: tt.mode})
			about := About{"source", "s1"}
			reply, id, err := Ask(ctx, d, c, p, article, about)
			if tt.want == "" && (err != nil || reply.Quality < 1) {
				t.Fatalf("%+v, %v", reply, err)
			}
			if tt.want != "" {
				if f := FailureOf(err); f == nil || f.Kind != tt.want {
					t.Fatalf("error %v, want %s", err, tt.want)
				}
				if !errors.Is(err, errs.Unavailable) || reply.Quality != 0 {
					t.Errorf("reply %+v, %v", reply, err)
				}
			}
			if s.Calls() != tt.calls {
				t.Errorf("%d calls, want %d", s.Calls(), tt.calls)
			}
			calls, err := Calls(ctx, d, about)
			if err != nil {
				t.Fatal(err)
			}
			if len(calls) != tt.rows || calls[len(calls)-1].ID != id {
				t.Fatalf("rows %+v, id %s", calls, id)
			}
			if k := calls[len(calls)-1]; k.Failure != string(tt.want) || !k.Scripted || k.PromptHash != p.Hash(nil) {
				t.Errorf("row %+v", k)
			}
			if _, id2, _ := Ask(ctx, d, c, p, article, about); s.Calls() != tt.calls+tt.again || (tt.again == 0 && id2 != id) {
				t.Errorf("asked again: %d calls, want %d", s.Calls(), tt.calls+tt.again)
			}
		})
	}
}

func TestAskHang(t *testing.T) {
	t.Parallel()
	d, _, s, p := setup(t, ScriptRule{Mode: ScriptHang})
	e := s.Endpoint()
	e.Timeout, e.Retries = 30*time.Millisecond, -1
	_, _, err := Ask(t.Context(), d, client(t, e), p, article, About{"source", "s1"})
	if f := FailureOf(err); f == nil || f.Kind != KindTransient || !strings.Contains(f.Message, "no answer within") {
		t.Fatal(err)
	}
}

// A cancelled question is no failure of the model: nothing is stored, nothing is decided.
func TestAskCancelled(t *testing.T) {
	t.Parallel()
	d, c, s, p := setup(t, ScriptRule{Mode: ScriptBroken})
	ctx, cancel := context.WithCancel(t.Context())
	c.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	_, _, err := Ask(ctx, d, c, p, article, About{"source", "s1"})
	if !errors.Is(err, context.Canceled) || FailureOf(err) != nil {
		t.Fatal(err)
	}
	if calls, _ := Calls(t.Context(), d, About{"source", "s1"}); len(calls) != 0 || s.Calls() != 1 {
		t.Errorf("%d rows, %d calls", len(calls), s.Calls())
	}
}

func TestAskRepairs(t *testing.T) {
	t.Parallel()
	d, c, s, p := setup(t, ScriptRule{Mode: ScriptRange, Times: 1})
	reply, _, err := Ask(t.Context(), d, c, p, article, About{"source", "s1"})
	if err != nil || reply.Quality > 10 {
		t.Fatal(reply, err)
	}
	seen := s.Requests()
	if len(seen) != 2 || len(seen[1].Messages) != 4 || seen[1].Seed == seen[0].Seed {
		t.Fatalf("requests %+v", seen)
	}
	if m := seen[1].Messages; m[2].Role != "assistant" || !strings.Contains(m[3].Content, "quality: maximum") || !strings.Contains(m[3].Content, "creativity: maximum") {
		t.Errorf("the repair must show the reply and what was wrong: %+v", m[2:])
	}
}

// The raw reply is kept from before it is parsed, so a crash in between costs no second call.
func TestAskUnparsedRow(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d, c, s, p := setup(t)
	if _, _, err := Ask(ctx, d, c, p, article, About{"source", "s1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Exec(ctx, `UPDATE llm_call SET response = ?, failure = ''`, string(body("八分", "stop"))); err != nil {
		t.Fatal(err)
	}
	// The stored reply is now prose that nobody has parsed: it counts, and is repaired once.
	if _, _, err := Ask(ctx, d, c, p, article, About{"source", "s1"}); err != nil {
		t.Fatal(err)
	}
	calls, _ := Calls(ctx, d, About{"source", "s1"})
	if len(calls) != 2 || calls[0].Failure != string(KindBadOutput) || s.Calls() != 2 || len(s.Requests()[1].Messages) != 4 {
		t.Errorf("%+v", calls)
	}
}

func TestSetAside(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d, c, s, p := setup(t, ScriptRule{Mode: ScriptProse})
	about := About{"source", "s1"}
	_, _, err := Ask(ctx, d, c, p, article, about)
	if FailureOf(err) == nil {
		t.Fatal(err)
	}
	s.SetRules()
	if _, _, err := Ask(ctx, d, c, p, article, about); FailureOf(err) == nil {
		t.Fatal("a final failure must stay final until someone puts it aside")
	}
	if n, err := SetAside(ctx, d, about); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if _, _, err := Ask(ctx, d, c, p, article, about); err != nil {
		t.Fatal(err)
	}
	if m := s.Requests()[2].Messages; len(m) != 2 {
		t.Errorf("a question opened again starts afresh: %+v", m)
	}
}

func TestAskKey(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d, c, s, p := setup(t)
	ask := func(c *Client, text string) {
		t.Helper()
		if _, _, err := Ask(ctx, d, c, p, askData{Text(text)}, About{"source", "s"}); err != nil {
			t.Fatal(err)
		}
	}
	ask(c, "甲")
	ask(c, "乙") // another text
	warm := s.Endpoint()
	warm.Temperature = 0.5
	ask(client(t, warm), "甲") // other parameters
	other := s.Endpoint()
	other.Model = "scripted-other"
	ask(client(t, other), "甲") // another model
	moved := s.Endpoint()
	moved.APIKey, moved.Structured = "sk-1", StructuredPrompt
	ask(client(t, moved), "甲") // key and level of structure change nothing
	if s.Calls() != 4 {
		t.Errorf("%d calls, want 4", s.Calls())
	}
}

func TestAskConcurrently(t *testing.T) {
	t.Parallel()
	d, c, _, p := setup(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := Ask(t.Context(), d, c, p, article, About{"source", "s1"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	d, _, _, p := setup(t)
	_, _, err := Ask(t.Context(), d, client(t, Endpoint{}), p, article, About{"source", "s1"})
	if f := FailureOf(err); f == nil || f.Kind != KindNoEndpoint || !f.Kind.Stops() {
		t.Fatal(err)
	}
	if err := d.Transact(t.Context(), func(tx *db.DB) error {
		_, _, err := Ask(t.Context(), tx, client(t, Endpoint{}), p, article, About{})
		return err
	}); err == nil || FailureOf(err) != nil {
		t.Errorf("inside a transaction: %v", err)
	}
}

// The key is sent to the server and is nowhere else: not printed, not logged, not stored.
func TestSecret(t *testing.T) {
	t.Parallel()
	const key = "sk-very-secret"
	d, _, s, p := setup(t, ScriptRule{Mode: ScriptNoKey})
	e := s.Endpoint()
	e.APIKey = key
	j, _ := json.Marshal(e)
	for _, out := range []string{fmt.Sprint(e), fmt.Sprintf("%#v %+v %q %x", e, e, e.APIKey, e.APIKey), string(j)} {
		if strings.Contains(out, key) || strings.Contains(out, fmt.Sprintf("%x", key)) {
			t.Errorf("shown: %s", out)
		}
	}
	_, id, err := Ask(t.Context(), d, client(t, e), p, article, About{"source", "s1"})
	if s.Requests()[0].Authorization != "Bearer "+key {
		t.Errorf("not sent: %+v", s.Requests()[0])
	}
	k, gerr := GetCall(t.Context(), d, id)
	if gerr != nil {
		t.Fatal(gerr)
	}
	if row := fmt.Sprintf("%+v %v", k, err); strings.Contains(row, key) || !strings.Contains(row, "***") {
		t.Errorf("stored: %s", row)
	}
}

func TestCutOff(t *testing.T) {
	t.Parallel()
	q := &question{messages: []Message{{Content: strings.Repeat("雪", 12000)}}}
	for tokens, want := range map[int64]bool{0: false, 4096: true, 7600: false} {
		if got := q.cutOff(tokens); got != want {
			t.Errorf("%d tokens: %v", tokens, got)
		}
	}
}
