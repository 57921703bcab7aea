package bench

import (
	"errors"
	"strings"
	"testing"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
)

// An order is worked on in pieces, can be stopped and taken up again, and ends when all is there.
func TestOrders(t *testing.T) {
	b := setup(t, llm.ScriptRule{Reply: story})
	ctx := t.Context()
	sampling := Sampling{Temperature: 0.5, TopP: 1, MaxTokens: 300, Seed: 7, Samples: 1}
	order := func(model string) *Order {
		return &Order{SetID: b.set.ID, Model: model, Sampling: db.AsJSON(sampling)}
	}
	o := order("scripted-judge")
	if err := AskFor(ctx, b.d, "system", o); err != nil || o.Name != "scripted-judge" || o.State != Wanted {
		t.Fatal(o, err)
	}
	if err := AskFor(ctx, b.d, "system", order("scripted-judge")); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	bad := order("")
	bad.Sampling.V.TopP, bad.Sampling.V.Samples = 0, 0
	if fs := errs.FieldsOf(AskFor(ctx, b.d, "system", bad)); len(fs) != 3 {
		t.Errorf("%v", fs)
	}
	if err := MoveOrder(ctx, b.d, "system", o.ID, Stopped, ""); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Minute)
	if err := Sweep(ctx, b.d, b.client, later); err != nil || b.script.Calls() != 0 {
		t.Fatal(b.script.Calls(), err)
	}
	if err := MoveOrder(ctx, b.d, "system", o.ID, Wanted, ""); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(ctx, b.d, b.client, later); err != nil {
		t.Fatal(err)
	}
	got, err := GetOrder(ctx, b.d, o.ID)
	if err != nil || got.State != Done {
		t.Fatalf("%+v %v", got, err)
	}
	p, err := ProgressOf(ctx, b.d, got)
	if err != nil || p.Wanted != 6 || p.Answered != 6 || p.Recent != 6 || p.Left() != 0 {
		t.Errorf("%+v %v", p, err)
	}
	if err := MoveOrder(ctx, b.d, "system", o.ID, Stopped, ""); !errors.Is(err, errs.Conflict) {
		t.Error(err)
	}
	// The server knows no such model: a person must act, and the reason says why.
	wrong := order("gpt-none")
	if err := AskFor(ctx, b.d, "system", wrong); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(ctx, b.d, b.client, later); err != nil {
		t.Fatal(err)
	}
	if got, err = GetOrder(ctx, b.d, wrong.ID); err != nil || got.State != Failed || !strings.Contains(got.Reason, "scripted") {
		t.Errorf("%+v %v", got, err)
	}
	// Other settings under a name that has answers fail before a question is asked.
	asked := b.script.Calls()
	sampling.Temperature = 1
	other := order("scripted-judge")
	if err := AskFor(ctx, b.d, "system", other); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(ctx, b.d, b.client, later); err != nil || b.script.Calls() != asked {
		t.Fatal(err)
	}
	if got, err = GetOrder(ctx, b.d, other.ID); err != nil || got.State != Failed || !strings.Contains(got.Reason, "temperature") {
		t.Errorf("%+v %v", got, err)
	}
	// A server that is away keeps it running, with the reason; when it is well the order ends.
	other.Name = "warm"
	b.script.SetRules(llm.ScriptRule{Mode: llm.ScriptBroken})
	if err := AskFor(ctx, b.d, "system", other); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(ctx, b.d, b.client, later); err != nil {
		t.Fatal(err)
	}
	if got, err = GetOrder(ctx, b.d, other.ID); err != nil || got.State != Running || got.Reason == "" {
		t.Errorf("%+v %v", got, err)
	}
	b.script.SetRules(llm.ScriptRule{Reply: story})
	if err := Sweep(ctx, b.d, b.client, later); err != nil {
		t.Fatal(err)
	}
	if got, err = GetOrder(ctx, b.d, other.ID); err != nil || got.State != Done || got.Reason != "" {
		t.Errorf("%+v %v", got, err)
	}
	// A time that is up begins nothing.
	other.Name = "late"
	if err := AskFor(ctx, b.d, "system", other); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(ctx, b.d, b.client, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err = GetOrder(ctx, b.d, other.ID); err != nil || got.State != Wanted {
		t.Errorf("%+v %v", got, err)
	}
	b.whole()
}

// A person who stops an order in the middle ends it within a question.
func TestOrderStoppedWhileRunning(t *testing.T) {
	b := setup(t, llm.ScriptRule{Reply: story})
	o := &Order{SetID: b.set.ID, Model: "scripted-judge", Sampling: db.AsJSON(DefaultSampling)}
	if err := AskFor(t.Context(), b.d, "system", o); err != nil {
		t.Fatal(err)
	}
	if err := MoveOrder(t.Context(), b.d, "system", o.ID, Running, ""); err != nil {
		t.Fatal(err)
	}
	if err := MoveOrder(t.Context(), b.d, "system", o.ID, Stopped, ""); err != nil {
		t.Fatal(err)
	}
	o.State = Running // as a worker saw it before
	if err := work(t.Context(), b.d, b.client, *o, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got, err := GetOrder(t.Context(), b.d, o.ID); err != nil || got.State != Stopped || b.script.Calls() != 0 {
		t.Errorf("%+v %v, %d calls", got, err, b.script.Calls())
	}
}
