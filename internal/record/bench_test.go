package record_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"coigwriter/internal/record"
)

// BenchmarkReadSources reads and decodes JSON Lines of 2 kB; the rate is that of the file.
func BenchmarkReadSources(b *testing.B) {
	var file strings.Builder
	text := strings.Repeat("雾从山谷里升起来，", 80)
	for i := range 500 {
		fmt.Fprintf(&file, `{"url":"https://example.org/%d","title":"题目","content":%q,"published_at":"2024-03-01","likes":"1.2万"}`+"\n", i, text)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		r, err := record.NewReader("f", strings.NewReader(file.String()))
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			raw, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				_, err = record.DecodeSource(raw, nil)
			}
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		r.Close()
		if n != 500 {
			b.Fatalf("read %d", n)
		}
	}
}
