package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coigwriter/internal/llm"
)

// A run with --wait outlives a server that fails for a while; without it the sources keep waiting.
func TestScreenWaits(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	file := filepath.Join(t.TempDir(), "sources.jsonl")
	text := strings.Repeat("雨停了以后，巷口的灯一盏一盏亮起来。母亲把面条又捞起来一回，说再等等，他就要回来了。", 4)
	if err := os.WriteFile(file, []byte(`{"id":"1","title":"雨","published_at":"2023-05-01","url":"https://example.org/1","text":"`+text+`"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := llm.StartScript(llm.ScriptRule{Mode: llm.ScriptBroken, Times: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer script.Close()
	e := script.Endpoint()
	run := func(args ...string) (code int, out, errs string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		code = Run(t.Context(), append(args, "--data", dir), strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	for _, args := range [][]string{{"init", dir}, {"import", "sources", file}} {
		if code, out, errs := run(args...); code != 0 {
			t.Fatalf("%v: %d\n%s%s", args, code, out, errs)
		}
	}
	model := []string{"screen", "--llm-url", e.BaseURL, "--llm-model", e.Model, "--llm-retries", "0"}
	if code, out, _ := run(model...); code != exitRefused || !strings.Contains(out, "failed: transient") {
		t.Fatalf("without --wait: %d\n%s", code, out)
	}
	code, out, errs := run(append(model, "--wait", "--json")...)
	if code != 0 || !strings.Contains(errs, "next try in 1s") || !strings.Contains(out, `"waiting": 0`) || strings.Contains(out, "transient") {
		t.Fatalf("with --wait: %d\n%s%s", code, out, errs)
	}
}
