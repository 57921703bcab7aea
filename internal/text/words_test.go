package text_test

import (
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/text"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		in          string
		punctuation bool
		want        string
	}{
		{"我来到北京清华大学。", false, "我|来到|北京|清华大学"},
		{"我来到北京清华大学。", true, "我|来到|北京|清华大学|。"},
		{"Don’t stop, the FOX's 2nd day!", false, "don't|stop|the|fox's|2|nd|day"},
		{"Don't  stop!", true, "don't|stop|!"},
		{"Ａｂｃ １２", false, "abc|12"},
		{"naïve café", false, "naïve|café"},
		{"", false, ""},
		{"……——", false, ""},
	} {
		got := text.Tokens{Punctuation: c.punctuation}.Words(c.in)
		if strings.Join(got, "|") != c.want {
			t.Errorf("%q: %q, want %s", c.in, got, c.want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("我来到北京 don't 12")
	f.Fuzz(func(t *testing.T, s string) {
		less, more := text.Tokens{}.Words(s), text.Tokens{Punctuation: true}.Words(s)
		if len(less) > len(more) || slices.Contains(less, "") {
			t.Errorf("%q: %q, with punctuation %q", s, less, more)
		}
	})
}
