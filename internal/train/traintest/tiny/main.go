// Command tiny writes what the five configurations can be tried on at a reduced size without anything from a
// network: a Qwen2-shaped model with random weights, triplets, general rows, and the plan of the mix.
//
//	go run ./internal/train/traintest/tiny -out DIR [-size tiny|small]
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"coigwriter/internal/train/traintest"
)

// sizes are the model's and the rows': tiny for a processor, small for a GPU (a tenth of the paper's rows).
var sizes = map[string]struct {
	model             traintest.Model
	creative, general int
	steps             [3]int // general rows of the three mixtures
}{
	"tiny":  {traintest.Model{Seed: 1, Spelt: true}, 16, 40, [3]int{4, 20, 40}},
	"small": {traintest.Model{Seed: 1, Spelt: true, Hidden: 1024, Layers: 16, Heads: 16, KVHeads: 8, Inner: 2816}, 166, 1000, [3]int{100, 500, 1000}},
}

func main() {
	out := flag.String("out", "", "directory to write")
	size := flag.String("size", "tiny", "tiny or small")
	flag.Parse()
	if err := write(*out, *size); err != nil {
		fmt.Fprintln(os.Stderr, "tiny:", err)
		os.Exit(1)
	}
}

func write(out, size string) error {
	s, ok := sizes[size]
	if !ok || out == "" {
		return fmt.Errorf("give -out DIR and a size: tiny or small")
	}
	model := filepath.Join(out, "model")
	if err := s.model.Write(model); err != nil {
		return err
	}
	if err := traintest.WriteSources(out, s.creative, s.general); err != nil {
		return err
	}
	plan := traintest.Plan("model")
	for _, c := range []struct {
		name              string
		creative, general int
	}{{"CW", s.creative, 0}, {"CW+1k", s.creative, s.steps[0]}, {"CW+5k", s.creative, s.steps[1]}, {"CW+10k", s.creative, s.steps[2]}, {"G", 0, s.steps[2]}} {
		plan += fmt.Sprintf("\n[[configuration]]\nname = %q\ncreative = %d\ngeneral = %d\n", c.name, c.creative, c.general)
	}
	return os.WriteFile(filepath.Join(out, "plan.toml"), []byte(plan), 0o644)
}
