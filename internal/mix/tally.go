package mix

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// A tally counts the rows of a configuration, when they are made and when they are verified.
type tally struct {
	c      Configuration
	tokens []int
}

func newTally(name string) *tally {
	return &tally{c: Configuration{Name: name, File: FileOf(name), ByGenre: map[string]int{}, ByLanguage: map[string]int{}, BySource: map[string]int{}}}
}

func (t *tally) add(r Row, chars, tokens int, thought bool) {
	t.c.Rows++
	if r.Kind == KindCreative {
		t.c.Creative++
	} else {
		t.c.General++
	}
	t.c.ByGenre[r.Genre]++
	t.c.ByLanguage[r.Language]++
	t.c.BySource[r.Source]++
	t.c.Characters += chars
	if thought {
		t.c.Thoughts++
	}
	t.tokens = append(t.tokens, tokens)
}

// sum is the hash of a source: over the names and hashes of its files, whatever their order.
func (s *Source) sum() {
	if s.Files == nil {
		s.Files = []File{}
	}
	slices.SortFunc(s.Files, func(a, b File) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Hash, b.Hash)) })
	h := sha256.New()
	for _, f := range s.Files {
		fmt.Fprintf(h, "%s  %s\n", f.Hash, f.Name)
	}
	s.Hash = hex.EncodeToString(h.Sum(nil))
}
