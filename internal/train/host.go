package train

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
)

// A Host is what the machine's own settings say about training on it.
type Host struct {
	Python  string            // the interpreter that engines are asked of
	Pythons map[string]string // engine → its own interpreter, where it has one
	Runs    string            // directory that runs get theirs in
	Roots   []string          // pages take mixes and checkpoints below these only
	Web     bool              // engineers may start runs from the pages
	GPUHour string            // what a GPU costs an hour, such as 12 CNY
}

// Check says what is wrong in the settings.
func (h Host) Check() error {
	if h.GPUHour != "" {
		if _, err := llm.ParseAmount(h.GPUHour); err != nil {
			return errs.Invalidf("train.gpu-hour: %w", err)
		}
	}
	for _, r := range h.Roots {
		if !filepath.IsAbs(r) {
			return errs.Invalidf("train.roots: %s is not a whole path", r)
		}
	}
	if h.Web && len(h.Roots) == 0 {
		return errs.Invalidf("train.web lets engineers start runs from the pages: name in train.roots the directories that mixes and checkpoints may come from")
	}
	return nil
}

// PythonOf is the interpreter that an engine is asked of.
func (h Host) PythonOf(engine string) string {
	return cmp.Or(h.Pythons[engine], h.Python, "python3")
}

// Inside returns the true path of a directory below one of the roots, and refuses every other, links
// that lead out included.
func (h Host) Inside(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", errs.Invalidf("%q is not a whole path on the server", path)
	}
	for _, root := range h.Roots {
		root, err := filepath.EvalSymlinks(root)
		if err != nil {
			continue // it is not there; then nothing is below it
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		if below(root, real) {
			if st, err := os.Stat(real); err == nil && st.IsDir() {
				return real, nil
			}
		}
	}
	return "", errs.Invalidf("%q is no directory below %s", path, strings.Join(h.Roots, " or ")) // whether another path exists is nobody's business
}
