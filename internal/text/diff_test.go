package text_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"coigwriter/internal/text"
)

func marked(edits []text.Edit) string {
	var b strings.Builder
	for _, e := range edits {
		switch e.Op {
		case text.Delete:
			b.WriteString("[-" + e.Text + "-]")
		case text.Insert:
			b.WriteString("{+" + e.Text + "+}")
		default:
			b.WriteString(e.Text)
		}
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	for _, tc := range []struct{ a, b, want string }{
		{"", "", ""},
		{"雨停了", "雨停了", "雨停了"},
		{"", "雨", "{+雨+}"},
		{"雨", "", "[-雨-]"},
		{"雨停了，我们走。", "雨还没停，我们走吧。", "雨{+还没+}停[-了-]，我们走{+吧+}。"},
		{"the cat sat", "the black cat sits", "the {+black +}cat [-sat-]{+sits+}"},
		{"第一行\n第二行\n", "第一行\n改过的\n第二行\n", "第一行\n{+改过的\n+}第二行\n"},
		// 的 alone between two rewritten stretches helps nobody
		{"春天的山", "秋夜的海", "[-春天的山-]{+秋夜的海+}"},
	} {
		if d := cmp.Diff(tc.want, marked(text.Diff(tc.a, tc.b))); d != "" {
			t.Errorf("%q to %q: %s", tc.a, tc.b, d)
		}
	}
}

func checkDiff(t interface{ Fatalf(string, ...any) }, a, b string) []text.Edit {
	edits := text.Diff(a, b)
	var was, is strings.Builder
	for i, e := range edits {
		if e.Op != text.Insert {
			was.WriteString(e.Text)
		}
		if e.Op != text.Delete {
			is.WriteString(e.Text)
		}
		if e.Text == "" || (i > 0 && edits[i-1].Op == e.Op) {
			t.Fatalf("an empty or split edit: %v", edits)
		}
	}
	if was.String() != a || is.String() != b {
		t.Fatalf("edits %v do not lead from %q to %q", edits, a, b)
	}
	return edits
}

func TestDiffProperties(t *testing.T) {
	few := rapid.StringOfN(rapid.SampledFrom([]rune("ab雨山 \n,é\u0301")), 0, 40, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := few.Draw(t, "a"), few.Draw(t, "b")
		edits := checkDiff(t, a, b)
		if a == b && len(edits) > 1 {
			t.Fatalf("equal texts differ: %v", edits)
		}
		checkDiff(t, a, rapid.String().Draw(t, "c"))
	})
}

// Long texts: a small change is found as such; a whole rewriting ends, and is true.
func TestDiffOfLongTexts(t *testing.T) {
	var long, other strings.Builder
	for i := range 40_000 {
		long.WriteRune(rune(0x4E00 + i*7919%9000))
		other.WriteRune(rune(0x4E00 + i*104729%9000))
	}
	a := []rune(long.String())
	b := string(a[:100]) + "插入" + string(a[100:39_000]) + string(a[39_010:])
	if got := checkDiff(t, string(a), b); len(got) != 5 {
		t.Errorf("two changes gave %d edits", len(got))
	}
	checkDiff(t, long.String(), other.String())
	checkDiff(t, strings.Repeat("雨", 50_000), strings.Repeat("雪雨", 20_000))
}

func TestDiffSpoiltBytes(t *testing.T) {
	checkDiff(t, "a\xffb\xe4", "a\xfeb")
}
