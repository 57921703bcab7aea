package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
)

// Weights is what a checkpoint is known by: the files that decide what the model answers.
type Weights struct {
	ID    string       `json:"id"` // SHA-256 over the lines "sha256  path" of the files, as sha256sum writes them
	Bytes int64        `json:"bytes"`
	Files []WeightFile `json:"files"` // in the order of their names
}

// A WeightFile is one of them.
type WeightFile struct {
	Path   string `json:"path"` // its name in the checkpoint's directory
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// weightNames are the files beside the weights that change answers: architecture, decoding defaults,
// tokenizer, chat template, adapter. A trainer's own state does not.
var weightNames = []string{
	"adapter_config.json", "added_tokens.json", "chat_template.jinja", "chat_template.json", "config.json", "generation_config.json", "merges.txt",
	"model.safetensors.index.json", "pytorch_model.bin.index.json", "special_tokens_map.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt",
}

// answers says whether a file of a checkpoint decides what it answers.
func answers(name string, safetensors bool) bool {
	switch {
	case strings.HasSuffix(name, ".safetensors"):
		return true
	case strings.HasPrefix(name, "pytorch_model") && strings.HasSuffix(name, ".bin"), name == "adapter_model.bin":
		return !safetensors
	}
	return slices.Contains(weightNames, name)
}

// HashWeights reads a checkpoint's files and returns its identity: the same for a copy anywhere. progress,
// unless nil, is called with the bytes that were read and those there are. Files are streamed.
func HashWeights(ctx context.Context, dir string, progress func(done, all int64)) (w Weights, err error) {
	defer errs.Wrap(&err, "hash the weights of %s", dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return w, errs.Invalidf("it cannot be read: %w", err)
	}
	safetensors := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".safetensors") })
	held := false
	for _, e := range entries {
		if !answers(e.Name(), safetensors) {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name())) // follows links, as a hub's cache has them
		if err != nil {
			return w, err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		held = held || strings.HasSuffix(e.Name(), ".safetensors") || strings.HasSuffix(e.Name(), ".bin")
		w.Files = append(w.Files, WeightFile{Path: e.Name(), Bytes: info.Size()})
		w.Bytes += info.Size()
	}
	if !held {
		return w, errs.Invalidf("it holds no weights (*.safetensors)")
	}
	list, done := sha256.New(), int64(0)
	for i := range w.Files {
		f := &w.Files[i]
		if f.SHA256, err = hashFile(ctx, filepath.Join(dir, f.Path), func(n int64) {
			done += n
			if progress != nil {
				progress(done, w.Bytes)
			}
		}); err != nil {
			return w, err
		}
		fmt.Fprintf(list, "%s  %s\n", f.SHA256, f.Path)
	}
	w.ID = hex.EncodeToString(list.Sum(nil))
	return w, nil
}

func hashFile(ctx context.Context, path string, read func(int64)) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h, buf := sha256.New(), make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		read(int64(n))
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		} else if err != nil {
			return "", err
		}
	}
}
