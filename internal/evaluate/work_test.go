package evaluate

import (
	"testing"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
)

// A request for a judge is worked on until all is judged; one that is stopped asks nothing, and goes on.
func TestJudgeOrder(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3, 2, nil)
	s := l.begin(t, "一", Pair, l.plan(func(p *Plan) { p.Attention = 0 }))
	c, script := judge(t, llm.ScriptRule{Reply: `{"reasons":"好","winner":"tie"}`})
	est, err := EstimateJudge(t.Context(), l.d, c, s)
	if err != nil || est.Wanted != 30 || est.Calls != 60 || est.Tokens.Prompt == 0 || est.Tokens.Completion != 60*guessedVerdict {
		t.Errorf("%+v %v", est, err)
	}
	sweep := func() {
		t.Helper()
		if err := Sweep(t.Context(), l.d, c, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	state := func(want string) {
		t.Helper()
		if o, err := OrderOf(t.Context(), l.d, s.ID); err != nil || o.State != want {
			t.Fatalf("%+v %v, want %s", o, err, want)
		}
	}
	if err := AskJudge(t.Context(), l.d, l.lead, s.ID); err != nil {
		t.Fatal(err)
	}
	if err := AskJudge(t.Context(), l.d, l.lead, s.ID); err != nil { // asked for already
		t.Fatal(err)
	}
	if err := MoveJudge(t.Context(), l.d, l.lead, s.ID, bench.Stopped, ""); err != nil {
		t.Fatal(err)
	}
	sweep()
	if state(bench.Stopped); script.Calls() != 0 {
		t.Fatalf("%d calls after it was stopped", script.Calls())
	}
	if err := AskJudge(t.Context(), l.d, l.lead, s.ID); err != nil {
		t.Fatal(err)
	}
	sweep()
	if state(bench.Done); script.Calls() != 60 {
		t.Fatalf("%d calls", script.Calls())
	}
	draft, err := New(t.Context(), l.d, l.lead, "草稿", Pair, l.plan(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := AskJudge(t.Context(), l.d, l.lead, draft.ID); errs.Kind(err) != errs.Conflict {
		t.Error(err)
	}
}

// Without a model the request ends, and says what to do.
func TestJudgeOrderWithoutModel(t *testing.T) {
	t.Parallel()
	l := newLab(t, 3, 2, nil)
	s := l.begin(t, "一", Pair, l.plan(func(p *Plan) { p.Attention = 0 }))
	if err := AskJudge(t.Context(), l.d, l.lead, s.ID); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(t.Context(), l.d, nil, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if o, err := OrderOf(t.Context(), l.d, s.ID); err != nil || o.State != bench.Failed || o.Reason == "" {
		t.Errorf("%+v %v", o, err)
	}
}
