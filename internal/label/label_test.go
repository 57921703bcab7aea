package label_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"coigwriter/internal/dbtest"
	"coigwriter/internal/label"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
)

// answer labels units first to last as the scripted fake of a model.
func answer(first, last int, change func(map[string]any)) string {
	var labels []map[string]any
	for id := first; id <= last; id++ {
		labels = append(labels, map[string]any{"id": id, "label": "normal", "refers_to": nil})
	}
	if len(labels) > 1 {
		labels[1]["label"], labels[1]["refers_to"] = "self_reflection", first
	}
	r := map[string]any{"labels": labels, "summary": "写到这里"}
	if change != nil {
		change(r)
	}
	b, _ := json.Marshal(r)
	return string(b)
}

func generation() record.Generation {
	var b strings.Builder
	for i := range 25 {
		fmt.Fprintf(&b, "第%d段的第一句。第二句。\n", i+1)
	}
	return record.Generation{QueryID: "7", Model: "CW", Output: b.String()}
}

// Two windows: every unit has one label, the second question shows what came before, asking again costs
// nothing, and what pretends to be an order in the text stays text.
func TestGeneration(t *testing.T) {
	d := dbtest.Open(t)
	s, err := llm.StartScript(llm.ScriptRule{Contains: "1 到 20", Reply: answer(1, 20, nil)}, llm.ScriptRule{Contains: "21 到 25", Reply: answer(21, 25, nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := llm.NewClient(s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	g := generation()
	got, err := label.Generation(t.Context(), d, c, g)
	if err != nil || len(got) != 25 {
		t.Fatalf("%d labels, %v", len(got), err)
	}
	if l := got[1]; l.Label != "self_reflection" || l.RefersTo != 1 || !l.Scripted || l.CallID == "" {
		t.Errorf("%+v", l)
	}
	asked := s.Calls()
	if last := s.Requests()[asked-1].Messages[1].Content; !strings.Contains(last, "此前写到") || !strings.Contains(last, "18：") || strings.Contains(last, "17：") {
		t.Errorf("the second question: %.400s", last)
	}
	again, err := label.Generation(t.Context(), d, c, g)
	if err != nil || len(again) != 25 || s.Calls() != asked {
		t.Errorf("asked again: %d labels, %v, %d calls after %d", len(again), err, s.Calls(), asked)
	}
}

// A reply that does not label each unit once gives no labels at all; a reference forward is dropped.
func TestBadLabels(t *testing.T) {
	d := dbtest.Open(t)
	const three = "一句。两句。\n三句。四句。\n五句。六句。" // units
	g := record.Generation{QueryID: "1", Model: "G"}
	for name, c := range map[string]struct {
		change func(map[string]any)
		ok     bool
	}{
		"twice":   {func(r map[string]any) { r["labels"].([]map[string]any)[2]["id"] = 1 }, false},
		"forward": {func(r map[string]any) { r["labels"].([]map[string]any)[1]["refers_to"] = 3 }, true},
		"short":   {func(r map[string]any) { r["labels"] = r["labels"].([]map[string]any)[:1] }, false},
		"unknown": {func(r map[string]any) { r["labels"].([]map[string]any)[0]["label"] = "musing" }, false},
	} {
		s, err := llm.StartScript(llm.ScriptRule{Reply: answer(1, 3, c.change)})
		if err != nil {
			t.Fatal(err)
		}
		client, err := llm.NewClient(s.Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		g.Output = name + three // a question of its own
		got, err := label.Generation(t.Context(), d, client, g)
		switch {
		case c.ok && (err != nil || len(got) != 3 || got[1].RefersTo != 0):
			t.Errorf("%s: %+v, %v", name, got, err)
		case !c.ok && (err == nil || len(got) > 0 || llm.FailureOf(err) == nil && !errors.Is(err, label.ErrLabels)):
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		s.Close()
	}
}
