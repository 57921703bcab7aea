package record_test

import (
	"testing"

	"coigwriter/internal/record"
)

func TestSplitThought(t *testing.T) {
	for _, c := range []struct{ in, thought, rest, how string }{
		{"只有答案", "", "只有答案", ""},
		{"<think>想</think>\n答", "想", "答", ""},
		{"<think>\n想\n</think>答", "想", "答", ""},
		{"想了又想</think>答", "想了又想", "答", record.ThoughtNoOpening},
		{"<think>没想完", "没想完", "", record.ThoughtUnclosed},
		{"<think>想</think>答</think>完", "想", "答完", record.ThoughtStray},
		{"<think>一</think>答<think>二</think>", "一", "答<think>二</think>", ""},
		{"< think>想< /think>答", "想", "答", ""},
		{"<thinking>想</thinking>答", "想", "答", ""},
		{"他写下 <think> 这个标签。", "", "他写下 <think> 这个标签。", ""},
		{"", "", "", ""},
	} {
		thought, rest, how := record.SplitThought(c.in)
		if thought != c.thought || rest != c.rest || how != c.how {
			t.Errorf("%q: %q, %q, %q", c.in, thought, rest, how)
		}
	}
}
