package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// sampleTexts are what the data is made from when no folder is named.
const sampleTexts = "internal/sample/texts"

// A pool is the sentences of real texts. New texts are drawn from it with a fixed seed: every
// one is different, and their letters, words and lengths are those of real ones.
type pool struct {
	sentences []string
	files     int
	chars     int
}

func (p *pool) String() string {
	return fmt.Sprintf("%s sentences (%s characters) of %d files, recombined with a fixed seed", thousands(len(p.sentences)), thousands(p.chars), p.files)
}

// loadPool reads a folder. Of JSON it takes every string of at least 20 characters.
func loadPool(dir string) (*pool, error) {
	if dir == "" {
		dir = sampleTexts
	}
	p, seen := &pool{}, map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "README") {
			return err
		}
		var found []string
		raw, err := os.ReadFile(path)
		switch filepath.Ext(path) {
		case ".md", ".txt", ".yaml":
			found = []string{string(raw)}
		case ".json", ".jsonl":
			found = jsonTexts(raw)
		}
		if err != nil || len(found) == 0 {
			return err
		}
		p.files++
		for _, t := range found {
			p.add(t, seen)
		}
		return nil
	})
	if err == nil && len(p.sentences) < 100 {
		err = fmt.Errorf("%s: %d Chinese sentences; at least 100 are needed", dir, len(p.sentences))
	}
	return p, err
}

// add keeps the Chinese sentences of a text.
func (p *pool) add(t string, seen map[string]bool) {
	for line := range strings.SplitSeq(text.Normalize(t), "\n") {
		for len(line) > 0 {
			end := strings.IndexAny(line, "。！？")
			if end < 0 {
				break
			}
			s := strings.TrimLeft(line[:end]+"。", " #*->”’」）　")
			line = line[end+len("。"):]
			if n := text.Len(s); n >= 10 && n <= 120 && text.Language(s) == "zh" && !seen[s] {
				seen[s] = true
				p.sentences, p.chars = append(p.sentences, s), p.chars+n
			}
		}
	}
}

// jsonTexts returns the strings in JSON documents that follow each other.
func jsonTexts(raw []byte) (out []string) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if len(v) >= 60 {
				out = append(out, v)
			}
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
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var v any
		if dec.Decode(&v) != nil { // the end, or no JSON: what was read is enough
			return out
		}
		walk(v)
	}
}

// text returns sentences of at least so many bytes, in paragraphs.
func (p *pool) text(rng *rand.Rand, least int) string {
	var b strings.Builder
	for b.Len() < least {
		b.WriteString(p.sentences[rng.IntN(len(p.sentences))])
		if rng.IntN(5) == 0 && b.Len() < least {
			b.WriteString("\n\n")
		}
	}
	return b.String()
}

// title is the beginning of a sentence.
func (p *pool) title(rng *rand.Rand) string {
	r := []rune(strings.TrimRight(p.sentences[rng.IntN(len(p.sentences))], "。"))
	return string(r[:min(len(r), 6+rng.IntN(12))])
}

var platforms = []string{"豆瓣", "知乎", "微澜日记", "简书", "公众号", "贴吧"}

// writeSources writes n source records of 2 kB of text each; it returns the size of the file.
func writeSources(path string, p *pool, n int) (int64, error) {
	rng := rand.New(rand.NewPCG(2, uint64(n)))
	genres := genre.Default().Genres
	return writeRecords(path, n, func(i int) any {
		day := time.Date(2022, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.IntN(1000*24)) * time.Hour)
		rec := map[string]any{
			"url": fmt.Sprintf("https://example.org/%d", i), "platform": platforms[rng.IntN(len(platforms))], "title": p.title(rng),
			"author": fmt.Sprintf("作者%d", rng.IntN(3000)), "text": p.text(rng, 2000), "published_at": day.Format(time.RFC3339), "language": "zh",
			"likes": rng.IntN(5000), "shares": rng.IntN(400), "comments": rng.IntN(900), "licence": "CC-BY-4.0",
		}
		if rng.IntN(20) > 0 { // some wait for somebody to name theirs
			rec["genre"] = genres[rng.IntN(len(genres))].ID
		}
		if rng.IntN(50) == 0 { // and some have no date
			delete(rec, "published_at")
		}
		return rec
	})
}

// writeTriplets writes n triplet records of about the lengths of the paper's.
func writeTriplets(path string, p *pool, n int) (int64, error) {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	genres := genre.Default().Genres
	return writeRecords(path, n, func(i int) any {
		return map[string]any{
			"id": fmt.Sprintf("t%d", i), "genre": genres[rng.IntN(len(genres))].ID, "language": "zh",
			"prompt": p.text(rng, 800), "reasoning": p.text(rng, 1500), "article": p.text(rng, 2000),
		}
	})
}

func writeRecords(path string, n int, rec func(i int) any) (int64, error) {
	w, err := record.Create(path)
	if err != nil {
		return 0, err
	}
	for i := range n {
		if err := w.Write(rec(i)); err != nil {
			return 0, err
		}
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
