package analysis

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"coigwriter/internal/record"
)

// Labels from a file: shares, what follows what, and how far back a reflection goes.
func TestReasoningFromLabels(t *testing.T) {
	g := record.Generation{QueryID: "q", Model: "m", Language: "zh", Output: strings.Repeat("一句。又一句。再一句。末一句。\n", 4)}
	if n := len(UnitsOf(g)); n != 4 {
		t.Fatalf("%d units", n)
	}
	r := NewReasoning()
	for _, l := range []record.Label{
		{Unit: 1, Label: "normal", RefersTo: 0},
		{Unit: 2, Label: "self_reflection", RefersTo: 1},
		{Unit: 3, Label: "self_reflection"}, // names none
		{Unit: 4, Label: "self_reflection", RefersTo: 1},
	} {
		l.QueryID, l.Model = "q", "m"
		if err := r.Label("labels.jsonl", l); err != nil {
			t.Fatal(err)
		}
	}
	r.Add(g)
	line := r.Lines(0, 1)[0]
	if line.Units != 4 || line.Shares[reflection].Units != 3 || line.Shares[reflection].Share != 0.75 || line.Transitions[0][reflection] != 1 {
		t.Errorf("%+v", line)
	}
	if line.Referring != 2 || line.Back != 2 { // 1 and 3 units back
		t.Errorf("%d refer back, median %v", line.Referring, line.Back)
	}
	if NewReasoning().Label("f", record.Label{Unit: 1, Label: "musing"}) == nil || NewReasoning().Label("f", record.Label{Label: "normal"}) == nil {
		t.Error("a wrong label or unit was taken")
	}
}

// Without reflections that name a unit the distance is undefined, and JSON says null.
func TestReasoningWithoutReference(t *testing.T) {
	r := NewReasoning()
	r.Add(record.Generation{QueryID: "q", Model: "m", Output: "等等，这样不对。"})
	line := r.Lines(0, 1)[0]
	if line.Source != Lexicon || line.Shares[reflection].Units != 1 || line.Referring != 0 || line.Back.Defined() {
		t.Errorf("%+v", line)
	}
	if data, err := json.Marshal(line); err != nil || !strings.Contains(string(data), `"median_units_back":null`) {
		t.Errorf("%s %v", data, err)
	}
}

// The words of the baseline stand alone, whatever their case; reflection goes before the others.
func TestLexicon(t *testing.T) {
	for unit, want := range map[string]string{
		"夜里下了雨。": "normal", "因为下雨，所以他没有来。": "deep_reasoning", "也许换个角度，因为雨停了。": "self_exploration", "等等，也许不对。": "self_reflection",
		"Wait, that is wrong.": "self_reflection", "The waiter smiled.": "normal", "She waits.": "normal", "WAIT": "self_reflection", "He awaited; then wait": "self_reflection",
		"We revised the end.": "self_reflection", "Maybe it rains.": "self_exploration", "Sincerely yours": "normal", "since_when": "normal", "It fell, because of rain": "deep_reasoning", "": "normal",
	} {
		if got := Behaviours[lexiconLabel(unit)]; got != want {
			t.Errorf("%q is %s, want %s", unit, got, want)
		}
	}
}

// A unit belongs to the tenths that it covers: four units fill all ten, and each unit counts once in all.
func TestPositions(t *testing.T) {
	var b behaviour
	b.add([]int{0, 1, 2, 3})
	whole := 0.0
	for i, want := range []int{0, 0, 0, 1, 1, 2, 2, 2, 3, 3} { // the third is half of the first unit, half of the second
		row := b[1+i]
		for _, x := range row {
			whole += x
		}
		if i != 2 && i != 7 && row[want] != 0.4 {
			t.Errorf("tenth %d: %v", i+1, row)
		}
	}
	if math.Abs(whole-4) > 1e-12 || math.Abs(b[3][0]-0.2) > 1e-12 || math.Abs(b[3][1]-0.2) > 1e-12 {
		t.Errorf("%v units in all; the third tenth %v", whole, b[3])
	}
	var ten behaviour
	ten.add([]int{0, 1, 2, 3, 0, 1, 2, 3, 0, 1})
	for i, l := range []int{0, 1, 2, 3, 0, 1, 2, 3, 0, 1} {
		if math.Abs(ten[1+i][l]-1) > 1e-12 {
			t.Errorf("tenth %d of ten units: %v", i+1, ten[1+i])
		}
	}
}
