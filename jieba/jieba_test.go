package jieba_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coigwriter/jieba"
)

func Example() {
	fmt.Println(strings.Join(jieba.Cut("我来到北京清华大学"), "/"))
	// Output: 我/来到/北京/清华大学
}

func ExampleTokens() {
	types := map[string]bool{}
	n := 0
	for t := range jieba.Tokens("春雨停了，春雨又下了。") {
		n++
		types[t] = true
	}
	fmt.Println(n, "tokens,", len(types), "types")
	// Output: 9 tokens, 7 types
}

func ExampleNewSegmenter() {
	s, err := jieba.NewSegmenter(strings.NewReader("清华 3\n大学 3\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Join(slices.Collect(s.Tokens("清华大学")), "/"))
	// Output: 清华/大学
}

// golden opens a file of reference values made with Python jieba 0.42.1.
func golden(t *testing.T, name string) *bufio.Scanner {
	t.Helper()
	dir := os.Getenv("GOLDEN")
	if dir == "" {
		dir = "../../shared/golden"
	}
	f, err := os.Open(filepath.Join(dir, "segmentation", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the reference values are not here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	in := bufio.NewScanner(f)
	in.Buffer(nil, 16<<20)
	return in
}

func TestGoldenTokens(t *testing.T) {
	for _, name := range []string{"edge.jsonl", "fuzz.jsonl"} {
		t.Run(name, func(t *testing.T) {
			n, wrong := 0, 0
			for in := golden(t, name); in.Scan(); n++ {
				var c struct {
					Text   string
					Tokens []string
				}
				if err := json.Unmarshal(in.Bytes(), &c); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.Tokens, jieba.Cut(c.Text)); diff != "" {
					if wrong++; wrong <= 5 {
						t.Errorf("%q:\n%s", c.Text, diff)
					}
				}
			}
			if n == 0 || wrong > 0 {
				t.Fatalf("%d of %d texts are cut otherwise", wrong, n)
			}
			t.Logf("%d texts compared", n)
		})
	}
}

// TestGoldenOutputs compares the hashes of the tokens of 76 long model outputs.
func TestGoldenOutputs(t *testing.T) {
	type want struct {
		SHA256   string `json:"sha256"`
		NTokens  int    `json:"n_tokens"`
		NTypes   int    `json:"n_types"`
		TokenSHA string `json:"tokens_sha256"`
	}
	wants := map[string]want{}
	for in := golden(t, "wpb.jsonl"); in.Scan(); {
		var w want
		if err := json.Unmarshal(in.Bytes(), &w); err != nil {
			t.Fatal(err)
		}
		wants[w.SHA256] = w
	}
	files, _ := filepath.Glob("../../shared/data/wpb_results/outputs/*")
	if len(files) == 0 {
		t.Skip("the outputs are not here")
	}
	compared := 0
	for _, text := range outputs(t, files) {
		w, ok := wants[hash(text)]
		if !ok {
			continue
		}
		compared++
		tokens := jieba.Cut(text)
		types := map[string]bool{}
		for _, tok := range tokens {
			types[tok] = true
		}
		got := want{w.SHA256, len(tokens), len(types), hash(strings.Join(tokens, "\x1f"))}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Error(diff)
		}
	}
	if compared != len(wants) {
		t.Errorf("%d of %d reference texts were found", compared, len(wants))
	}
}

func outputs(t testing.TB, files []string) []string {
	t.Helper()
	var texts []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case string:
				texts = append(texts, v)
			case []any:
				for _, x := range v {
					walk(x)
				}
			case map[string]any:
				for _, x := range v {
					walk(x)
				}
			}
		}
		for dec := json.NewDecoder(strings.NewReader(string(data))); dec.More(); {
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			walk(v)
		}
	}
	return texts
}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func TestDictionaryOfOnesOwn(t *testing.T) {
	for dict, want := range map[string]string{
		"":                "it holds no words",
		"清华\n":            "line 1: want a word and its frequency",
		"清华 3\n大学 many\n": `line 2: frequency "many"`,
		"清华 0\n":          "it holds no words",
	} {
		if _, err := jieba.NewSegmenter(strings.NewReader(dict)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", dict, err, want)
		}
	}
}

func FuzzTokensAreTheText(f *testing.F) {
	for _, s := range []string{"", "雨停了", "C++和C#，3.14%", "a\r\nb\r", "\xff雨\xfe", "𠮷野家", "１２３．４５", "..--..", "鿕鿖"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tokens := jieba.Cut(s)
		if got := strings.Join(tokens, ""); got != s {
			t.Fatalf("%q became %q", s, got)
		}
		if slices.Contains(tokens, "") {
			t.Fatalf("%q: an empty token in %q", s, tokens)
		}
	})
}

func BenchmarkTokens(b *testing.B) {
	files, _ := filepath.Glob("../../shared/data/wpb_results/outputs/*")
	if len(files) == 0 {
		b.Skip("the outputs are not here")
	}
	var texts []string
	size := 0
	for _, s := range outputs(b, files[:1]) {
		texts, size = append(texts, s), size+len(s)
	}
	jieba.Cut("")
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, s := range texts {
			for range jieba.Tokens(s) {
			}
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	packed, err := os.ReadFile("data/dict.txt.gz")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := jieba.NewSegmenter(z); err != nil {
			b.Fatal(err)
		}
	}
}
