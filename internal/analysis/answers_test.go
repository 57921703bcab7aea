package analysis

import (
	"fmt"
	"testing"

	"coigwriter/internal/record"
)

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
