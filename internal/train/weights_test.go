package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"coigwriter/internal/errs"
	"coigwriter/internal/train/traintest"
)

func TestHashWeights(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"config.json": "{}", "model-00001-of-00002.safetensors": "one", "model-00002-of-00002.safetensors": "two", "tokenizer.json": "{}"}
	write(t, dir, files)
	list := ""
	for _, name := range []string{"config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "tokenizer.json"} {
		h := sha256.Sum256([]byte(files[name]))
		list += fmt.Sprintf("%s  %s\n", hex.EncodeToString(h[:]), name)
	}
	h := sha256.Sum256([]byte(list))
	var last, all int64
	w, err := HashWeights(t.Context(), dir, func(done, n int64) { last, all = done, n })
	if err != nil || w.ID != hex.EncodeToString(h[:]) || w.Bytes != 10 || len(w.Files) != 4 || last != 10 || all != 10 {
		t.Fatalf("got %+v, %v; read %d of %d", w, err, last, all)
	}
	same := func(want bool, why string) {
		t.Helper()
		got, err := HashWeights(t.Context(), dir, nil)
		if err != nil || (got.ID == w.ID) != want {
			t.Errorf("%s: %s, %v; it was %s", why, got.ID, err, w.ID)
		}
	}
	write(t, dir, map[string]string{"optimizer.pt": "x", "trainer_state.json": "{}", "training_args.bin": "x", "README.md": "x", "pytorch_model.bin": "x", "checkpoint-2/model.safetensors": "x"})
	same(true, "what a trainer leaves changes no answer")
	write(t, dir, map[string]string{"model-00002-of-00002.safetensors": "twp"})
	same(false, "another weight")
	write(t, dir, map[string]string{"model-00002-of-00002.safetensors": "two", "chat_template.jinja": "x"})
	same(false, "another template")

	if _, err := HashWeights(t.Context(), t.TempDir(), nil); !errors.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "no weights") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := HashWeights(ctx, dir, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The tiny model is the same bytes for the same seed, other bytes for another, and a whole checkpoint.
func TestTinyModel(t *testing.T) {
	ids := map[uint64]string{}
	for _, seed := range []uint64{1, 2, 1} {
		dir := filepath.Join(t.TempDir(), "model")
		if err := (traintest.Model{Seed: seed}).Write(dir); err != nil {
			t.Fatal(err)
		}
		w, err := HashWeights(t.Context(), dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if was, ok := ids[seed]; ok && was != w.ID {
			t.Errorf("seed %d gives %s and %s", seed, was, w.ID)
		}
		ids[seed] = w.ID
		m, err := openModel(dir)
		if err != nil || m.Type != "qwen2" || m.Positions != 4096 || !m.Chat || !m.Think || m.Params != 91200 {
			t.Errorf("got %+v, %v", m, err)
		}
	}
	if ids[1] == ids[2] {
		t.Error("two seeds give the same weights")
	}
}
