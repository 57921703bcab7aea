// Package genre holds the taxonomy: which genres there are, in which category and domain, how
// long their texts are expected to be, and how many reviews they need. It is data, a YAML file
// in the binary; a project may bring its own.
package genre

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strings"
	"sync"

	"golang.org/x/text/width"
)

// The tiers of review (paper section 2.3).
const (
	Standard   = "standard"   // two reviews
	Specialist = "specialist" // four, by people marked as specialists
)

// A Name is one thing's name in the languages of the interface.
type Name struct {
	ID string `yaml:"id" json:"id"`
	ZH string `yaml:"zh" json:"zh"`
	EN string `yaml:"en" json:"en"`
}

// In returns the name in a language: Chinese for zh and zh-CN, English for all others.
func (n Name) In(lang string) string {
	if strings.HasPrefix(lang, "zh") {
		return n.ZH
	}
	return n.EN
}

// A Range is a length in code points between which nobody is surprised, ends included.
type Range [2]int

// Min is the least expected length.
func (r Range) Min() int { return r[0] }

// Max is the greatest expected length.
func (r Range) Max() int { return r[1] }

// Holds reports whether n lies in the range.
func (r Range) Holds(n int) bool { return n >= r[0] && n <= r[1] }

// A Genre is one of the taxonomy's leaves.
type Genre struct {
	Name      `yaml:",inline"`
	Aliases   []string `yaml:"aliases" json:"aliases,omitempty"`
	Category  string   `yaml:"category" json:"category"`
	Domain    string   `yaml:"domain" json:"domain"`
	Tier      string   `yaml:"tier" json:"tier"` // Standard or Specialist
	Article   Range    `yaml:"article" json:"article"`
	Prompt    Range    `yaml:"prompt" json:"prompt"`
	Reasoning Range    `yaml:"reasoning" json:"reasoning"`
	Estimated bool     `yaml:"estimated" json:"estimated,omitempty"` // the ranges rest on no counted texts
}

// A Taxonomy is an immutable version of the genres; get one from [Default] or [Parse].
type Taxonomy struct {
	Name       string  `yaml:"name" json:"name"`
	Version    string  `yaml:"version" json:"version"`
	MinCount   int     `yaml:"min_count" json:"min_count"` // triplets wanted of each genre (paper section 2.3: 15)
	Categories []Name  `yaml:"categories" json:"categories"`
	Domains    []Name  `yaml:"domains" json:"domains"`
	Genres     []Genre `yaml:"genres" json:"genres"`

	hash   string
	byID   map[string]int
	byName map[string]int // folded names and aliases
}

//go:embed taxonomy.yaml
var taxonomyYAML []byte

// Default returns the 51 genres of the paper.
var Default = sync.OnceValue(func() *Taxonomy {
	t, err := Parse("taxonomy.yaml", taxonomyYAML)
	if err != nil {
		panic(err) // the file is ours and tested
	}
	return t
})

// YAML returns the text of the default taxonomy, as a start for a project's own.
func YAML() []byte { return taxonomyYAML }

// Hash identifies this version: SHA-256 of the file, in hex.
func (t *Taxonomy) Hash() string { return t.hash }

// Get returns the genre with this ID.
func (t *Taxonomy) Get(id string) (Genre, bool) {
	i, ok := t.byID[id]
	if !ok {
		return Genre{}, false
	}
	return t.Genres[i], true
}

// Find returns the genre a person or a file calls so: by ID, Chinese or English name or alias,
// whatever the case, width, hyphens, slashes or spaces.
func (t *Taxonomy) Find(name string) (Genre, bool) {
	i, ok := t.byName[fold(name)]
	if !ok {
		return Genre{}, false
	}
	return t.Genres[i], true
}

// Title returns a genre's name in a language, or the ID itself when the taxonomy lacks it.
func (t *Taxonomy) Title(id, lang string) string {
	if g, ok := t.Get(id); ok {
		return g.In(lang)
	}
	return id
}

// Category returns the category with this ID.
func (t *Taxonomy) Category(id string) (Name, bool) { return find(t.Categories, id) }

// Domain returns the domain with this ID.
func (t *Taxonomy) Domain(id string) (Name, bool) { return find(t.Domains, id) }

// In returns the genres of one category, in the order of the file.
func (t *Taxonomy) In(category string) []Genre {
	var out []Genre
	for _, g := range t.Genres {
		if g.Category == category {
			out = append(out, g)
		}
	}
	return out
}

// Nearest returns up to n genre names that look most like name, for error messages.
func (t *Taxonomy) Nearest(name string, n int) []string {
	return nearest(t.Genres, fold(name), n)
}

func find(names []Name, id string) (Name, bool) {
	for _, n := range names {
		if n.ID == id {
			return n, true
		}
	}
	return Name{}, false
}

// fold makes spellings of one name equal.
func fold(s string) string {
	s = strings.ToLower(width.Fold.String(s))
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '/', '、', '·', '_', '—', '–', '|', '\t', '\u3000':
			return -1
		}
		return r
	}, s)
}

func hashOf(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
