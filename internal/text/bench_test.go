package text_test

import (
	"strings"
	"testing"

	"coigwriter/internal/text"
)

// article is 6 kB of mixed text, as long as a typical source; the benchmarks report bytes of it.
var article = strings.Repeat("山中有时需要去，尤其在春天。He said “离开人类”，然后走进雾里。\n\n", 75)

func bench(b *testing.B, f func()) {
	b.SetBytes(int64(len(article)))
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

func BenchmarkNormalize(b *testing.B)      { bench(b, func() { text.Normalize(article) }) }
func BenchmarkLen(b *testing.B)            { bench(b, func() { _ = text.Len(article) }) }
func BenchmarkContentHash(b *testing.B)    { bench(b, func() { text.ContentHash(article) }) }
func BenchmarkLanguage(b *testing.B)       { bench(b, func() { text.Language(article) }) }
func BenchmarkRepeatedNGrams(b *testing.B) { bench(b, func() { text.RepeatedNGrams(article, 10) }) }
func BenchmarkShingles(b *testing.B)       { bench(b, func() { text.Shingles(article, 5) }) }
