package llm

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/dbtest"
)

// heard gathers what a stream says.
type heard struct {
	words, thought strings.Builder
	pieces         int
}

func (h *heard) say(p Piece) {
	switch h.pieces++; {
	case p.Restart:
		h.thought.WriteString(h.words.String())
		h.words.Reset()
	case p.Thought:
		h.thought.WriteString(p.Text)
	default:
		h.words.WriteString(p.Text)
	}
}

func talk(t *testing.T) *Prose {
	t.Helper()
	return MustProse(os.DirFS("testdata"), "talk")
}

const spoken = "这一段写雪，也写门里的人。第二段才说破。"

func TestStreamModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode    ScriptMode
		want    Kind
		partial bool // some of the words came before it failed
		calls   int  // over HTTP, retries included
	}{
		{ScriptGood, "", false, 1},
		{ScriptKeepAlive, "", false, 1},
		{ScriptInOne, "", false, 1},
		{ScriptThink, "", false, 1},
		{ScriptBreaksOff, KindTransient, true, 1}, // begun, so not asked again behind the reader's back
		{ScriptErrorLate, KindTransient, true, 1},
		{ScriptErrorHere, KindTransient, false, 3}, // nothing was read: retried
		{ScriptNothing, KindTransient, false, 3},
		{ScriptBusy, KindTransient, false, 3},
		{ScriptNoKey, KindAuth, false, 1},
		{ScriptTooLong, KindTooLong, false, 1},
		{ScriptRefused, KindRefused, false, 1},
		{ScriptEmpty, KindBadOutput, false, 1},
		{ScriptGarbage, KindTransient, false, 1},
	} {
		t.Run(string(tt.mode), func(t *testing.T) {
			t.Parallel()
			d, c, s, _ := setup(t, ScriptRule{Mode: tt.mode, Reply: spoken})
			var h heard
			said, id, err := Stream(t.Context(), d, c, talk(t), article, About{"triplet", "t1"}, false, h.say)
			kind := Kind("")
			if f := FailureOf(err); f != nil {
				kind = f.Kind
			} else if err != nil {
				t.Fatal(err)
			}
			if kind != tt.want || s.Calls() != tt.calls {
				t.Fatalf("%v after %d calls", err, s.Calls())
			}
			if kind == "" && tt.mode != ScriptThink && (said.Content != spoken || h.words.String() != spoken || s.Requests()[0].Stream != true) {
				t.Errorf("said %q, heard %q", said.Content, h.words.String())
			}
			if tt.mode == ScriptThink && (h.thought.String() != "先看结构 {再看语言}。" || strings.TrimSpace(h.words.String()) != said.Content || strings.Contains(said.Content, "先看")) {
				t.Errorf("said %+v, thought %q, spoken %q", said, h.thought.String(), h.words.String())
			}
			if tt.partial && (said.Content == "" || said.Content != h.words.String() || !strings.HasPrefix(spoken, said.Content)) {
				t.Errorf("partial text %q, heard %q", said.Content, h.words.String())
			}
			k, err := GetCall(t.Context(), d, id)
			if err != nil || k.Failure != string(tt.want) || k.Level != string(streamed) || !k.Scripted {
				t.Fatalf("%+v %v", k, err)
			}
			if tt.want == "" && tt.mode != ScriptInOne && !json.Valid([]byte(k.Response)) || tt.partial && !strings.Contains(k.Response, said.Content) {
				t.Errorf("stored %s", k.Response)
			}
			if tt.want == "" && (k.CompletionTokens == 0 || k.TokensEstimated) {
				t.Errorf("tokens %d, estimated %v", k.CompletionTokens, k.TokensEstimated)
			}
			var intents int
			if err := d.One(t.Context(), &intents, `SELECT COUNT(*) FROM llm_intent`); err != nil || intents != 0 {
				t.Errorf("%d intents left: %v", intents, err)
			}
		})
	}
}

// Who stops it stops the server too, and keeps what had come.
func TestStreamCancelled(t *testing.T) {
	t.Parallel()
	d, c, s, _ := setup(t, ScriptRule{Mode: ScriptHangsHalf, Reply: spoken})
	ctx, stop := context.WithCancel(t.Context())
	var h heard
	said, id, err := Stream(ctx, d, c, talk(t), article, About{"triplet", "t1"}, false, func(p Piece) {
		h.say(p)
		if h.pieces == 2 {
			stop()
		}
	})
	f := FailureOf(err)
	if f == nil || f.Kind != KindCancelled || said.Content == "" || !strings.HasPrefix(spoken, said.Content) {
		t.Fatalf("%q %v", said.Content, err)
	}
	k, err := GetCall(t.Context(), d, id)
	if err != nil || k.Failure != string(KindCancelled) || !strings.Contains(k.Response, said.Content) {
		t.Fatalf("%+v %v", k, err)
	}
	// The question is still open, and a stopped answer is not taken for a whole one.
	s.SetRules(ScriptRule{Reply: spoken})
	if said, _, err = Stream(t.Context(), d, c, talk(t), article, About{"triplet", "t1"}, false, h.say); err != nil || said.Content != spoken {
		t.Fatalf("%q %v", said.Content, err)
	}
}

// Before the first word too: the request ends, and the call is kept as cancelled.
func TestStreamCancelledBeforeItBegan(t *testing.T) {
	t.Parallel()
	d, c, s, _ := setup(t, ScriptRule{Mode: ScriptHang})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for s.Calls() == 0 && ctx.Err() == nil { // once the server has been asked
			time.Sleep(time.Millisecond)
		}
		stop()
	}()
	said, id, err := Stream(ctx, d, c, talk(t), article, About{"triplet", "t1"}, false, func(Piece) {})
	if f := FailureOf(err); f == nil || f.Kind != KindCancelled || said.Content != "" || id == "" {
		t.Fatalf("%q %q %v", said.Content, id, err)
	}
}

func TestStreamOnceAndAgain(t *testing.T) {
	t.Parallel()
	d, c, s, _ := setup(t, ScriptRule{Reply: spoken})
	ask := func(again bool) string {
		t.Helper()
		var h heard
		said, id, err := Stream(t.Context(), d, c, talk(t), article, About{"triplet", "t1"}, again, h.say)
		if err != nil || h.words.String() != said.Content {
			t.Fatalf("%q %q %v", said.Content, h.words.String(), err)
		}
		return id
	}
	one := ask(false)
	if two := ask(false); two != one || s.Calls() != 1 {
		t.Errorf("asked twice: %s %s, %d calls", one, two, s.Calls())
	}
	three := ask(true)
	if three == one || s.Calls() != 2 || s.Requests()[0].Seed == s.Requests()[1].Seed {
		t.Errorf("another answer was asked for: %d calls", s.Calls())
	}
	if four := ask(false); four != three {
		t.Error("the newest answer is the one that is shown")
	}
}

func TestStreamOfEveryFlavour(t *testing.T) {
	t.Parallel()
	for flavour, f := range fakeFlavours {
		d := dbtest.Open(t)
		e := f.start(t)
		e.Model, e.Flavour, e.Retries = "m-7b", flavour, -1
		c := client(t, e)
		var h heard
		said, id, err := Stream(t.Context(), d, c, talk(t), article, About{"triplet", "t1"}, false, h.say)
		if err != nil || said.Content != `{"reason":"短","score":6}` || h.words.String() != said.Content {
			t.Errorf("%s: %+v, heard %q, %v", flavour, said, h.words.String(), err)
		}
		if f.thought != "" && (said.Thought != "先想。" || h.thought.String() != said.Thought) {
			t.Errorf("%s: thought %q, heard %q", flavour, said.Thought, h.thought.String())
		}
		if k, err := GetCall(t.Context(), d, id); err != nil || k.TokensEstimated == f.usage {
			t.Errorf("%s: tokens estimated %v, %v", flavour, k.TokensEstimated, err)
		}
	}
}

// However a content is cut into pieces, thought and spoken come out the same.
func FuzzThoughtSplitter(f *testing.F) {
	for _, s := range []string{"<think>想</think>说", "想</think>说", " \n<think>想", "说<think>说", "<thi", "说</thin", "</think></think>说", "<think></think>"} {
		f.Add(s, uint8(1))
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, content string, n uint8) {
		split := func(size int) (string, string) {
			var s thoughtSplitter
			var h heard
			for piece := range slices.Chunk([]byte(content), size) {
				for _, p := range s.add(string(piece)) {
					h.say(p)
				}
			}
			h.say(s.rest())
			return h.thought.String(), h.words.String()
		}
		wholeThought, wholeWords := split(max(1, len(content)))
		thought, spoken := split(int(n)%7 + 1)
		if strings.TrimSpace(thought) != strings.TrimSpace(wholeThought) || strings.TrimSpace(spoken) != strings.TrimSpace(wholeWords) {
			t.Errorf("%q in pieces of %d: %q %q, whole %q %q", content, int(n)%7+1, thought, spoken, wholeThought, wholeWords)
		}
	})
}

// A server may send anything as a stream.
func FuzzListener(f *testing.F) {
	for _, s := range []string{
		"data: {\"choices\":[{\"delta\":{\"content\":\"雪\"}}]}\n\ndata: [DONE]\n\n", "data:{\"error\":{\"message\":\"x\",\"code\":429}}\n\n", ": hi\n\n", "{\"error\":\"x\"}",
		"data: {\"choices\":[]}\n", "data: null\n", "data: 3\n", "data: {\"usage\":{\"prompt_tokens\":\"x\"},\"choices\":[{\"finish_reason\":\"stop\"}]}\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stream string) {
		var h heard
		l := &listener{say: h.say}
		whole, failure := l.hear(strings.NewReader(stream), func() {})
		if !json.Valid(whole) {
			t.Fatalf("stored %q", whole)
		}
		if _, f := SaidIn(whole); f != nil && failure == nil {
			t.Fatalf("%q was heard without a failure and reads as %v", stream, f)
		}
		if h.words.Len() > 0 && !l.began() {
			t.Fatal("spoken were said and not noticed")
		}
	})
}

func TestStreamNeedsAnEndpoint(t *testing.T) {
	t.Parallel()
	d, _, _, _ := setup(t)
	_, _, err := Stream(t.Context(), d, nil, talk(t), article, About{"triplet", "t1"}, false, func(Piece) {})
	if f := FailureOf(err); f == nil || f.Kind != KindNoEndpoint || errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
