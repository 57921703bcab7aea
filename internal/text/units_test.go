package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"coigwriter/internal/text"
)

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"一句。", []string{"一句。"}},
		{"一。二。三。四。五。六。", []string{"一。二。三。四。", "五。六。"}},
		{"他说：“走吧。”她没动。\n第二段。", []string{"他说：“走吧。”她没动。", "第二段。"}},
		{"Wait. Let me check! Is 3.5 right? Yes.", []string{"Wait. Let me check! Is 3.5 right? Yes."}},
		{strings.Repeat("长", 150) + "。" + strings.Repeat("句", 150) + "。", []string{strings.Repeat("长", 150) + "。", strings.Repeat("句", 150) + "。"}},
	} {
		if got := text.Units(c.in); strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%.40q: %q, want %q", c.in, got, c.want)
		}
	}
}

// Nothing but white space is lost, whatever the text.
func FuzzUnits(f *testing.F) {
	f.Add("他说：“走吧。”她没动。\nWait. Really?")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		all := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if got := all(strings.Join(text.Units(s), "")); got != all(s) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
