package train

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// The pages for people name every setting with its default and where it comes from, every engine with the
// command that installs it, and every launcher.
func TestDocsNameTheSettings(t *testing.T) {
	defaults := reflect.ValueOf(Defaults())
	for _, file := range []string{"../../docs/TRAINING.md", "../../docs/TRAINING.zh-CN.md"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range Fields {
			value := fmt.Sprint(defaults.Field(i).Interface())
			if value != "" {
				value = "`" + value + "`"
			}
			if row := fmt.Sprintf("| `%s` | %s | %s | ", f.Key, value, f.From); !strings.Contains(string(b), row) {
				t.Errorf("%s has no row %q", file, row)
			}
			if row := "| " + f.Means + " |\n"; file == "../../docs/TRAINING.md" && !strings.Contains(string(b), row) {
				t.Errorf("%s does not say of %s: %s", file, f.Key, f.Means)
			}
		}
		for _, e := range Engines {
			if !strings.Contains(string(b), "| `"+e.Name()+"` |") || !strings.Contains(string(b), e.Install()) {
				t.Errorf("%s does not say how %s is installed: %s", file, e.Title(), e.Install())
			}
		}
		for _, l := range Launchers {
			if !strings.Contains(string(b), "`"+string(l)+"`") && !strings.Contains(string(b), "--launcher "+string(l)) {
				t.Errorf("%s does not name the launcher %s", file, l)
			}
		}
		if !strings.Contains(string(b), realPythons) {
			t.Errorf("%s does not name %s", file, realPythons)
		}
	}
}
