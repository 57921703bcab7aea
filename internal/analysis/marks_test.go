package analysis

import (
	"fmt"
	"testing"

	"coigwriter/internal/plot"
	"coigwriter/internal/record"
)

// The mean is over outputs, however many rated each; a second score by one rater does not count.
func TestMarks(t *testing.T) {
	m := NewMarks()
	m.Learn(record.Query{ID: "1", Language: "zh"})
	m.Learn(record.Query{ID: "2", Language: "zh"})
	add := func(query, model, rater string, score float64) {
		m.Add(record.Rating{Item: query + " · " + model, Query: query, Model: model, Rater: rater, Dimension: "overall", Score: score})
	}
	add("1", "A", "r", 3)
	add("1", "A", "s", 1)
	add("1", "A", "s", 3) // again
	add("2", "A", "r", 0)
	add("1", "", "r", 3) // of no model
	lines := m.Lines(200, 1)
	if len(lines) != 1 {
		t.Fatalf("%+v", lines)
	}
	l := lines[0]
	if l.Language != "zh" || l.Model != "A" || l.Outputs != 2 || l.Ratings != 3 || l.Mean != 1 || l.Interval.Lo != 0 || l.Interval.Hi != 2 {
		t.Errorf("%+v", l)
	}
	if tables := MarksTables(lines, "zh"); len(tables) != 1 || tables[0].Name != "marks-zh" || tables[0].Cells()[0][2] != "1" {
		t.Errorf("%+v", tables[0])
	}
	if f := MarksFigures(lines, "overall", "zh", plot.Light); len(f) != 1 || f[0].Name != "marks-zh" {
		t.Errorf("%+v", f)
	}
	if f := MarksFigures(lines, "taste", "zh", plot.Light); len(f) != 0 {
		t.Errorf("a figure of a dimension that is not there: %+v", f)
	}
}

func TestAnswers(t *testing.T) {
	a := NewAnswers()
	for i := range 4 {
		a.Query(record.Query{ID: fmt.Sprint(i), Language: "zh"})
	}
	for _, g := range []record.Generation{
		{QueryID: "0", Model: "A", Language: "zh", Output: "同样的话"},
		{QueryID: "0", Model: "B", Language: "zh", Output: "同样的话\n"},
		{QueryID: "1", Model: "A", Language: "zh", Output: " "},
		{QueryID: "1", Model: "A", Language: "zh", Output: "又一篇", Sample: 1, Finish: "length"},
		{QueryID: "1", Model: "B", Language: "zh", Output: " "},
		{QueryID: "9", Model: "B", Language: "zh", Output: "没有列出的题"},
	} {
		a.Add(g)
	}
	lines := a.Lines()
	if len(lines) != 2 {
		t.Fatalf("%+v", lines)
	}
	want := AnswerLine{Spot: Spot{"A", "zh"}, Answers: 3, Queries: 5, Missing: 3, Empty: 1, Cut: 1, Identical: 1}
	if lines[0] != want {
		t.Errorf("got %+v, want %+v", lines[0], want)
	}
	want = AnswerLine{Spot: Spot{"B", "zh"}, Answers: 3, Queries: 5, Missing: 2, Empty: 1, Identical: 1}
	if lines[1] != want {
		t.Errorf("got %+v, want %+v", lines[1], want)
	}
}
