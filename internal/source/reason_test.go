package source

import (
	"os"
	"regexp"
	"testing"
)

func TestEveryDateReasonHasItsSentence(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("evidence.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"duplicate": true}
	for _, m := range regexp.MustCompile(`"(date\.[a-z_]+)"`).FindAllStringSubmatch(string(b), -1) {
		used[m[1]] = true
		if Explain(m[1], "zh-CN") == m[1] || Explain(m[1], "en") == m[1] {
			t.Errorf("%s has no sentence", m[1])
		}
	}
	for k := range reasons {
		if !used[k] {
			t.Errorf("%s is never given", k)
		}
	}
	if got := Explain("the author asked", "zh"); got != "the author asked" {
		t.Errorf("a person's words became %q", got)
	}
}
