package source_test

import (
	"fmt"
	"strings"
	"testing"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/source"
)

// BenchmarkList asks for lists of 5,000 sources: the first page, one deep inside, and a filter
// that finds nothing.
func BenchmarkList(b *testing.B) {
	d := dbtest.Open(b)
	ids := make([]string, 5000)
	text := strings.Repeat("雾从山谷里升起来，", 80)
	err := d.Transact(b.Context(), func(tx *db.DB) error {
		for i := range ids {
			ids[i] = db.NewID()
			_, err := tx.Exec(b.Context(), `INSERT INTO source (id, content_hash, title, author, text, chars, language, genre, date_verdict, state, created_at, updated_at)
				VALUES (?, ?, ?, '作者', ?, 720, 'zh', 'essay', 'passed', ?, ?, ?)`,
				ids[i], ids[i], fmt.Sprintf("题目%d", i), text, source.Waiting, tx.Now(), tx.Now())
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]source.Filter{
		"first":   {States: []string{source.Waiting}},
		"deep":    {States: []string{source.Waiting}, Cursor: source.CursorAfter(ids[100])},
		"title":   {Query: "不会有的词"},
		"in text": {Query: "不会有的词", InText: true},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := source.List(b.Context(), d, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
