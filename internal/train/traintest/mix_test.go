package traintest

import (
	"path/filepath"
	"testing"

	"coigwriter/internal/mix"
)

// What the mix counts with the tiny model's tokenizer is what was counted by hand.
func TestTokensOfAMix(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model")
	if err := (Model{Spelt: true}).Write(model); err != nil {
		t.Fatal(err)
	}
	m, err := MakeMix(t.Context(), dir, "CW+1k", model, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := m.Configurations[0]
	// A turn as ChatML writes it: one token for each mark, each line end and each byte.
	turn := func(role, text string) int {
		return len("<") + len(role) + len("\n") + len(text) + len(">") + len("\n")
	}
	want := 2*turn("system", DefaultSystem) +
		turn("user", "写第0个雨夜的故事。") + turn("assistant", "<think>\n先写雨声，再写第0盏灯。\n</think>\n\n雨落在0号门前，灯还亮着。") +
		turn("user", "What is 0 + 1?") + turn("assistant", "It is 1.")
	if c.Rows != 2 || c.Thoughts != 1 || c.Lengths.Estimated || c.Lengths.Total != want {
		t.Errorf("got %+v, want %d tokens", c, want)
	}
	if _, err := mix.OpenManifest(filepath.Join(dir, "mix")); err != nil {
		t.Error(err)
	}
}
