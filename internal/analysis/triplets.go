// Package analysis computes over files of records: records in, tables out. Pure: no database,
// no network, so that a page and a command give the same numbers for the same file.
package analysis

import (
	"cmp"
	"fmt"
	"slices"

	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
	"coigwriter/internal/text"
)

// A Spread is the least, mean and greatest of some lengths in code points, over N texts.
type Spread struct {
	N    int     `json:"n"`
	Min  int     `json:"min"`
	Mean float64 `json:"mean"`
	Max  int     `json:"max"`

	sum int64
}

func (s *Spread) add(n int) {
	if s.N == 0 || n < s.Min {
		s.Min = n
	}
	s.Max = max(s.Max, n)
	s.N++
	s.sum += int64(n)
	s.Mean = float64(s.sum) / float64(s.N)
}

// String prints a spread as the paper does: min—mean—max.
func (s Spread) String() string {
	if s.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%d—%s—%d", s.Min, table.Cell(s.Mean), s.Max)
}

// A Group is the statistics of one genre, of one category, or of everything.
type Group struct {
	ID        string  `json:"id"` // genre or category, "" for those the taxonomy does not know
	Name      string  `json:"name"`
	Category  string  `json:"category,omitempty"` // of a genre
	Count     int     `json:"count"`
	Share     float64 `json:"share"` // of all triplets, 0 to 1
	Article   Spread  `json:"article"`
	Prompt    Spread  `json:"prompt"`
	Reasoning Spread  `json:"reasoning"` // over the triplets that have one
}

// TripletStats are the counts and lengths of the paper's Tables 5 to 10. Fill it with Add; its
// memory grows with the number of genres, not of triplets. A mean is always over triplets, never
// over the means of smaller groups.
type TripletStats struct {
	tax        *genre.Taxonomy
	overall    Group
	genres     map[string]*Group // by genre ID, or by the file's own name where that is unknown
	categories map[string]*Group
	unknown    int      // different genres that the taxonomy does not know
	lengths    [3][]int // how many articles, prompts and reasonings fall between lengthEdges
}

// lengthEdges part lengths into classes that grow by a quarter, for the histogram.
var lengthEdges = func() []float64 {
	edges := []float64{1}
	for edges[len(edges)-1] < 1e6 {
		edges = append(edges, edges[len(edges)-1]*1.25)
	}
	return edges
}()

// maxUnknown bounds the rows for genres the taxonomy does not know; a file may hold a different
// one in every record. The rest is counted together, under othersID.
const (
	maxUnknown = 500
	othersID   = "…"
)

// NewTripletStats starts statistics that name genres by a taxonomy.
func NewTripletStats(tax *genre.Taxonomy) *TripletStats {
	return &TripletStats{tax: tax, genres: map[string]*Group{}, categories: map[string]*Group{}}
}

// Add counts one triplet. A genre the taxonomy does not know gets a row of its own, under the
// name the file gives it.
func (s *TripletStats) Add(t record.Triplet) {
	id, category := text.Excerpt(t.Genre, 60), ""
	if g, ok := s.tax.Find(t.Genre); ok {
		id, category = g.ID, g.Category
	} else if s.genres[id] == nil && id != "" {
		if s.unknown++; s.unknown > maxUnknown {
			id = othersID
		}
	}
	s.AddLengths(id, category, text.Len(t.Article), text.Len(t.Prompt), text.Len(t.Reasoning))
}

// AddLengths counts one triplet by its lengths in code points; pages that have them in columns
// use it. A reasoning of length 0 is one that is not there.
func (s *TripletStats) AddLengths(genreID, category string, article, prompt, reasoning int) {
	for _, g := range []*Group{&s.overall, group(s.genres, genreID), group(s.categories, category)} {
		g.Count++
		g.Article.add(article)
		g.Prompt.add(prompt)
		if reasoning > 0 {
			g.Reasoning.add(reasoning)
		}
	}
	s.genres[genreID].Category = category
	for part, n := range [3]int{article, prompt, reasoning} {
		if s.lengths[part] == nil {
			s.lengths[part] = make([]int, len(lengthEdges)-1)
		}
		if n > 0 {
			at, found := slices.BinarySearch(lengthEdges, float64(n))
			if !found {
				at--
			}
			s.lengths[part][min(at, len(lengthEdges)-2)]++
		}
	}
}

func group(m map[string]*Group, id string) *Group {
	if m[id] == nil {
		m[id] = &Group{ID: id}
	}
	return m[id]
}

// Summary is the statistics as data, names in the language asked for.
type Summary struct {
	Overall    Group   `json:"overall"`
	Categories []Group `json:"categories"`
	Genres     []Group `json:"genres"`
}

// Summary returns the groups with their shares, largest first.
func (s *TripletStats) Summary(lang string) Summary {
	out := Summary{Overall: s.overall}
	out.Overall.Share = 1
	out.Overall.Name = pick(lang, "全部", "Overall")
	out.Categories = s.sorted(s.categories, func(id string) string {
		if c, ok := s.tax.Category(id); ok {
			return c.In(lang)
		}
		return pick(lang, "（未知体裁）", "(no known genre)")
	})
	out.Genres = s.sorted(s.genres, func(id string) string {
		switch id {
		case "":
			return pick(lang, "（未标体裁）", "(no genre given)")
		case othersID:
			return pick(lang, "（其余未知体裁）", "(other unknown genres)")
		}
		return s.tax.Title(id, lang)
	})
	return out
}

// pick chooses between Chinese and English as [genre.Name.In] does.
func pick(lang, zh, en string) string { return genre.Name{ZH: zh, EN: en}.In(lang) }

func (s *TripletStats) sorted(m map[string]*Group, name func(string) string) []Group {
	out := make([]Group, 0, len(m))
	for _, g := range m {
		c := *g
		c.Name = name(g.ID)
		c.Share = float64(g.Count) / float64(s.overall.Count)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Tables returns the paper's Table 5 (categories) and Tables 6 to 10 (the genres of each
// category), in the language asked for.
func (s *TripletStats) Tables(lang string) []*table.Table {
	columns := func(first string) []table.Column {
		return []table.Column{
			table.Text(first), table.Num(pick(lang, "数量", "count")), table.Num(pick(lang, "占比", "share")),
			table.Num(pick(lang, "文章", "article")), table.Num(pick(lang, "提示", "prompt")), table.Num(pick(lang, "推理", "reasoning")),
		}
	}
	add := func(t *table.Table, g Group) {
		t.Add(g.Name, g.Count, table.Percent(g.Share), g.Article.String(), g.Prompt.String(), g.Reasoning.String())
	}
	sum := s.Summary(lang)
	first := table.New(pick(lang, "各类别概览", "Overview by category"), columns(pick(lang, "类别", "category"))...).As("categories")
	first.Note = pick(lang, "长度为最小—平均—最大，按字符（Unicode 码点）计", "lengths are min—mean—max in characters (Unicode code points)")
	add(first, sum.Overall)
	out := []*table.Table{first}
	for _, c := range sum.Categories {
		add(first, c)
		t := table.New(c.Name, columns(pick(lang, "体裁", "genre"))...).As("genres-" + cmp.Or(c.ID, "unknown"))
		for _, g := range sum.Genres {
			if g.Category == c.ID {
				add(t, g)
			}
		}
		out = append(out, t)
	}
	return out
}

// Flat returns every genre, every category and the whole as rows of one table, for programs:
// lengths in columns of their own.
func (s *TripletStats) Flat(lang string) *table.Table {
	columns := []table.Column{table.Text("level"), table.Text("category"), table.Text("genre"), table.Num("count"), table.Num("share")}
	for _, part := range []string{"article", "prompt", "reasoning"} {
		for _, what := range []string{"n", "min", "mean", "max"} {
			columns = append(columns, table.Num(part+"_"+what))
		}
	}
	t := table.New(pick(lang, "三元组统计", "Triplet statistics"), columns...).As("triplets")
	names := map[string]string{}
	sum := s.Summary(lang)
	for _, c := range sum.Categories {
		names[c.ID] = c.Name
	}
	add := func(level, category, genre string, g Group) {
		row := []any{level, category, genre, g.Count, g.Share}
		for _, sp := range []Spread{g.Article, g.Prompt, g.Reasoning} {
			if sp.N == 0 {
				row = append(row, 0, nil, nil, nil)
				continue
			}
			row = append(row, sp.N, sp.Min, sp.Mean, sp.Max)
		}
		t.Add(row...)
	}
	add("all", "", "", sum.Overall)
	for _, c := range sum.Categories {
		add("category", c.Name, "", c)
	}
	for _, g := range sum.Genres {
		add("genre", names[g.Category], g.Name, g)
	}
	return t
}

func triplets(c *Corpus) Study {
	s := NewTripletStats(c.Taxonomy)
	return Study{"triplets", func(r any) {
		if t, ok := r.(record.Triplet); ok {
			s.Add(t)
		}
	}, func() (Result, error) {
		if s.overall.Count == 0 {
			return Result{}, nil
		}
		return Result{Doc: s.Summary(c.Lang), Tables: s.Tables(c.Lang), Figures: s.Figures(c.Lang, c.Theme)}, nil
	}}
}
