package text_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"coigwriter/internal/text"
)

// Qwen's published vectors come out exactly, from its ranks and from the same ranks as tokenizer.json.
func TestGoldenTokens(t *testing.T) {
	dir := os.Getenv("GOLDEN")
	if dir == "" {
		dir = "../../../shared/golden"
	}
	vocab := filepath.Join(dir, "tokens", "qwen.tiktoken")
	data, err := os.ReadFile(filepath.Join(dir, "tokens", "qwen2_vectors.json"))
	if err != nil {
		t.Skip(err)
	}
	var vectors []struct {
		Name, Text string
		IDs        []int
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	tok, err := text.OpenTokenizer(vocab)
	if err != nil {
		t.Fatal(err)
	}
	twin, err := text.OpenTokenizer(asTokenizerJSON(t, vocab))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, v := range vectors {
		if v.IDs == nil { // a text that only shows that NFC comes first: its ids are not given
			if got := tok.IDs(v.Text); len(got) == 0 || !slices.Equal(got, tok.IDs(norm.NFC.String(v.Text))) {
				t.Errorf("%s: %v", v.Name, got)
			}
			continue
		}
		compared++
		if got := tok.IDs(v.Text); !slices.Equal(got, v.IDs) && len(got)+len(v.IDs) > 0 {
			t.Errorf("%s: %q: %v, want %v", v.Name, v.Text, got, v.IDs)
		}
		if got := twin.Count(v.Text); got != len(v.IDs) {
			t.Errorf("%s by tokenizer.json: %d tokens, want %d", v.Name, got, len(v.IDs))
		}
	}
	t.Logf("%d vectors compared", compared)
	for _, c := range []struct {
		text string
		want int // beside the words 雨 and 停, of a token each
	}{{"<think>雨</think>停", 4}, {"<think>雨</think>停</think>", 5}, {"雨停", 2}, {"<thi", tok.Count("<thi")}} {
		if got := twin.CountAdded(c.text); got != c.want {
			t.Errorf("%s: %d tokens with the added ones, want %d", c.text, got, c.want)
		}
	}
	if got, want := tok.CountAdded("<think>雨</think>"), tok.Count("<think>雨</think>"); got != want || got < 6 {
		t.Errorf("without added tokens: %d, want %d", got, want)
	}
}

// asTokenizerJSON writes the same vocabulary as a tokenizer.json in a model's directory.
func asTokenizerJSON(t *testing.T, tiktoken string) string {
	t.Helper()
	data, err := os.ReadFile(tiktoken)
	if err != nil {
		t.Fatal(err)
	}
	letter := map[byte]rune{}
	next := rune(256)
	for b := range 256 {
		if b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE {
			letter[byte(b)] = rune(b)
			continue
		}
		letter[byte(b)] = next
		next++
	}
	vocab := map[string]int{}
	for line := range strings.Lines(string(data)) {
		var token string
		var id int
		if _, err := fmt.Sscan(line, &token, &id); err != nil {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		var word strings.Builder
		for _, b := range raw {
			word.WriteRune(letter[b])
		}
		vocab[word.String()] = id
	}
	out, err := json.Marshal(map[string]any{
		"model":         map[string]any{"type": "BPE", "vocab": vocab},
		"pre_tokenizer": map[string]any{"pattern": `|\p{N}| ?[^\s\p{L}\p{N}]+`},
		"added_tokens":  []any{map[string]any{"content": "<think>"}, map[string]any{"content": "</think>"}, map[string]any{"content": "<|im_end|>"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), out, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What is no vocabulary is said to be none.
func TestBadVocabularies(t *testing.T) {
	for name, content := range map[string]string{
		"a.tiktoken": "not base64!! 1\n", "b.tiktoken": "IQ== 0\n", "c.json": "{", "d.json": `{"model":{"type":"Unigram"}}`,
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := text.OpenTokenizer(path); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := text.OpenTokenizer(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a vocabulary that is not there was read")
	}
}
