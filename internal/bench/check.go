package bench

import (
	"cmp"
	"context"
	"slices"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/text"
)

// What counts as covered, alike or leaked.
const (
	EachGenre = 2   // queries of every genre, in each language of the set (paper section 2.4)
	runOf     = 5   // units of a shingle
	TwinFrom  = 0.5 // Jaccard similarity of two queries
	LeakFrom  = 0.5 // share of a query's shingles that stand in one text
)

// A Check is what was found out about a set.
type Check struct {
	Genres []Coverage `json:"genres"`
	Intact bool       `json:"intact"` // the queries are those that were frozen
	Short  int        `json:"short"`  // genres and languages with fewer than EachGenre
	Twins  []Twin     `json:"near_duplicates"`
	Leaks  []Leak     `json:"leaks"`
	Texts  int        `json:"texts"` // that queries were looked for in
}

// A Coverage is how many queries a genre has in each language of the set.
type Coverage struct {
	Genre string         `json:"genre"`
	Count map[string]int `json:"count"` // language → queries
	Short bool           `json:"short"`
}

// A Twin is two queries that are nearly the same.
type Twin struct {
	A     string  `json:"a"`
	B     string  `json:"b"`
	Share float64 `json:"share"` // Jaccard similarity of their shingles
}

// A Leak is a query of which much stands in a text that models may be trained on.
type Leak struct {
	Query string  `json:"query"`
	Where string  `json:"where"` // triplet, or a file's name
	ID    string  `json:"id"`
	Share float64 `json:"share"`   // of the query's shingles
	Run   string  `json:"example"` // the longest run of characters they share
}

// Cover counts the queries of every genre of the taxonomy in the languages that the set has.
func Cover(qs []Query, tax *genre.Taxonomy) (out []Coverage, short int) {
	var langs []string
	count := map[string]map[string]int{}
	for _, q := range qs {
		if !slices.Contains(langs, q.Language) {
			langs = append(langs, q.Language)
		}
		if count[q.Genre] == nil {
			count[q.Genre] = map[string]int{}
		}
		count[q.Genre][q.Language]++
	}
	for _, g := range tax.Genres {
		c := Coverage{Genre: g.ID, Count: map[string]int{}}
		for _, lang := range langs {
			if c.Count[lang] = count[g.ID][lang]; c.Count[lang] < EachGenre {
				c.Short = true
				short++
			}
		}
		out = append(out, c)
	}
	return out, short
}

// A Detector finds queries in other texts, and in each other.
type Detector struct {
	qs   []Query
	sets [][]uint64
	in   text.Index
}

// NewDetector looks for these queries.
func NewDetector(qs []Query) *Detector {
	t := &Detector{qs: qs}
	for _, q := range qs {
		set := text.Shingles(q.Prompt, runOf)
		t.sets = append(t.sets, set)
		t.in.Add(set)
	}
	t.in.Freeze()
	return t
}

// Twins are the pairs of queries that are nearly the same, the most alike first.
func (t *Detector) Twins() (out []Twin) {
	for i := range t.qs {
		t.in.Shared(t.sets[i], func(j, n int) {
			if share := float64(n) / float64(len(t.sets[i])+len(t.sets[j])-n); j > i && share >= TwinFrom {
				out = append(out, Twin{t.qs[i].Code, t.qs[j].Code, share})
			}
		})
	}
	slices.SortFunc(out, func(a, b Twin) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B))
	})
	return out
}

// In returns the queries of which much stands in a text.
func (t *Detector) In(where, id, s string) (out []Leak) {
	t.in.Shared(text.Shingles(s, runOf), func(i, n int) {
		if share := float64(n) / float64(len(t.sets[i])); share >= LeakFrom {
			run, _ := text.LongestCommonRun(t.qs[i].Prompt, s)
			out = append(out, Leak{t.qs[i].Code, where, id, share, text.Excerpt(run, 80)})
		}
	})
	return out
}

// CheckSet looks at the queries of a set that are not withdrawn: do they cover the genres, are two nearly
// the same, does one stand in a triplet. further may name other texts to look into: it calls look for
// each, with where it is from and its ID; nil for none.
func CheckSet(ctx context.Context, d *db.DB, tax *genre.Taxonomy, setID string, further func(look func(where, id, s string)) error) (c Check, err error) {
	defer errs.Wrap(&err, "check queries")
	s, err := GetSet(ctx, d, setID)
	if err != nil {
		return c, err
	}
	all, err := Queries(ctx, d, setID)
	if err != nil {
		return c, err
	}
	c.Intact, c.Twins, c.Leaks = Intact(s, all), []Twin{}, []Leak{}
	qs := Standing(all)
	c.Genres, c.Short = Cover(qs, tax)
	t := NewDetector(qs)
	c.Twins = append(c.Twins, t.Twins()...)
	look := func(where, id, s string) {
		c.Texts++
		c.Leaks = append(c.Leaks, t.In(where, id, s)...)
	}
	type row struct {
		ID, Article string
		Content     db.JSON[struct {
			Prompt string `json:"prompt"`
		}]
	}
	err = db.Each(ctx, d, func(r *row) error {
		look("triplet", r.ID, r.Content.V.Prompt+"\n"+r.Article)
		return ctx.Err()
	}, `SELECT id, content, article FROM triplet WHERE state NOT IN ('removed', 'abandoned') ORDER BY id`)
	if err != nil {
		return c, err
	}
	if further != nil {
		err = further(look)
	}
	slices.SortFunc(c.Leaks, func(a, b Leak) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Query, b.Query), cmp.Compare(a.Where, b.Where), cmp.Compare(a.ID, b.ID))
	})
	return c, err
}
