package traintest

import (
	_ "embed"
	"os"
	"path/filepath"
)

//go:embed fake_python.sh
var fakePython string

// FakePython writes a stand-in for the Python of an environment with LLaMA-Factory into dir and returns its
// path. It is a fake: it speaks the engine's file protocol and trains nothing.
func FakePython(dir string) (string, error) {
	path := filepath.Join(dir, "fake-python")
	return path, os.WriteFile(path, []byte(fakePython), 0o755)
}
