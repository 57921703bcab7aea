package analysis

import (
	"fmt"
	"runtime"
	"sync"

	"coigwriter/internal/genre"
	"coigwriter/internal/plot"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
	"coigwriter/internal/text"
)

// Options are the choices of all analyses together.
type Options struct {
	Lang       string
	Theme      plot.Theme
	Bootstrap  int
	Seed       uint64
	Models     []string                // that take part in votes, in the order of tables; nil for all
	Taxonomy   *genre.Taxonomy         // names and groups genres
	Tokens     text.Tokens             // of lexical diversity
	Count      func(output string) int // of tokens; nil takes what the server counted
	AtLeast    float64                 // the mean rating from which on an output succeeds
	Dimension  string                  // of success; "" for the only or the overall one
	Categories []float64               // scores that could be given; nil for those that were
}

func (o Options) votes() VoteOptions { return VoteOptions{Bootstrap: o.Bootstrap, Seed: o.Seed} }

// A Grouping says how genres are put together and what a group is called: each by itself, or by category.
type Grouping struct {
	By    string // genre or category
	Of    func(genre string) string
	Title func(group string) string
}

// The groupings there are.
const (
	ByGenre    = "genre"
	ByCategory = "category"
)

// Genres groups genres under any of their names in the taxonomy. One that it does not know stands for
// itself.
func (o Options) Genres(by string) Grouping {
	return Grouping{
		By: by,
		Of: func(name string) string {
			g, ok := o.Taxonomy.Find(name)
			switch {
			case !ok:
				return name
			case by == ByCategory:
				return g.Category
			}
			return g.ID
		},
		Title: func(id string) string {
			if c, ok := o.Taxonomy.Category(id); ok && by == ByCategory {
				return c.In(o.Lang)
			}
			return o.Taxonomy.Title(id, o.Lang)
		},
	}
}

// name is what one group is, in words.
func (g Grouping) name(lang string) string {
	if g.By == ByCategory {
		return pick(lang, "类别", "category")
	}
	return pick(lang, "体裁", "genre")
}

// A Study is one analysis under way: it takes the records that concern it, and ends in a result.
type Study struct {
	Name   string
	Add    func(any) // one record, as [record.Decode] returns it; nil where the votes of the Corpus are enough
	Result func() (Result, error)
}

// A Result is what an analysis found; without tables there was nothing for it to say.
type Result struct {
	Name    string // of the study
	Doc     any
	Tables  []*table.Table
	Figures []Named
}

// All are the analyses of one run over any records, in the order of the paper's tables and figures.
var All = []func(*Corpus) Study{
	triplets, answers, winrates, strengths, marks, genres, lengths, diversity, languages, reasoning, agreements, rankings, judges,
}

// A Corpus feeds the records of any number of files to the analyses.
type Corpus struct {
	Options
	Votes    *Votes
	Problems []string // the first records that do not count, in words
	NotCount int      // how many there are
	Records  map[string]int
	studies  []Study
}

// NewCorpus starts the analyses.
func NewCorpus(o Options) *Corpus {
	c := &Corpus{Options: o, Votes: NewVotes(o.Models...), Records: map[string]int{}}
	for _, start := range All {
		c.studies = append(c.studies, start(c))
	}
	return c
}

// Add takes one record, as [record.Decode] returns it. What a model judged goes to the study of judges
// alone, so that it never stands among what people said.
func (c *Corpus) Add(r any) {
	if record.JudgeOf(r) != "" {
		c.Records["judgements"]++
		for _, s := range c.studies {
			if s.Name == judgesName {
				s.Add(r)
			}
		}
		return
	}
	switch r := r.(type) {
	case record.Vote:
		c.Records["votes"]++
		c.Votes.Add(r)
	case record.Ranked:
		c.Records["rankings"]++
		for _, v := range r.Votes {
			c.Votes.Add(v)
		}
	case record.Query:
		c.Records["queries"]++
	case record.Generation:
		c.Records["generations"]++
	case record.Rating:
		c.Records["ratings"]++
	case record.Label:
		c.Records["labels"]++
	case record.Triplet:
		c.Records["triplets"]++
	}
	for _, s := range c.studies {
		if s.Add != nil {
			s.Add(r)
		}
	}
}

// AddOutputs takes generations, the analyses side by side on as many cores as there are: it is the same as
// adding them one by one, sooner.
func (c *Corpus) AddOutputs(gs []record.Generation) {
	c.Records["generations"] += len(gs)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for _, s := range c.studies {
		if s.Add == nil {
			continue
		}
		all.Add(1)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; all.Done() }()
			for _, g := range gs {
				s.Add(g)
			}
		}()
	}
	all.Wait()
}

// problem notes records that do not count: how many, and the first of them.
func (c *Corpus) problem(n int, named ...string) {
	c.NotCount += n
	c.Problems = append(c.Problems, named...)
}

// Results ends the analyses that had something to say.
func (c *Corpus) Results() ([]Result, error) {
	c.problem(c.Votes.Duplicates+c.Votes.Mixed, c.Votes.Problems...)
	var out []Result
	for _, s := range c.studies {
		r, err := s.Result()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		if len(r.Tables) > 0 {
			r.Name = s.Name
			out = append(out, r)
		}
	}
	return out, nil
}
