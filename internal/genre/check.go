package genre

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var idShape = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// A checker finds what is wrong with a taxonomy that could be read.
type checker struct {
	*walker
	t *Taxonomy
}

// bad reports a problem where the value at path stands; for a missing one, where its parent does.
func (c *checker) bad(path, format string, a ...any) {
	line := 1
	for {
		if l, ok := c.lines[path]; ok {
			line = l
			break
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut <= 0 {
			break
		}
		path = path[:cut]
	}
	c.badAt(line, format, a...)
}

func (c *checker) check() {
	t := c.t
	t.byID, t.byName = map[string]int{}, map[string]int{}
	if t.MinCount < 0 {
		c.bad("min_count", "min_count must not be negative")
	}
	if len(t.Genres) == 0 {
		c.bad("genres", "no genres: list at least one under \"genres:\"")
	}
	categories := c.distinct("categories", t.Categories)
	domains := c.distinct("domains", t.Domains)
	for i, g := range t.Genres {
		at := fmt.Sprintf("genres[%d]", i)
		c.name(at, g.Name)
		if j, dup := t.byID[g.ID]; dup {
			c.bad(at+".id", "genre id %q stands twice (also as genre %d)", g.ID, j+1)
		} else {
			t.byID[g.ID] = i
		}
		if !categories[g.Category] {
			c.bad(at+".category", "genre %q: unknown category %q; list it under \"categories:\"", g.ID, g.Category)
		}
		if !domains[g.Domain] {
			c.bad(at+".domain", "genre %q: unknown domain %q; list it under \"domains:\"", g.ID, g.Domain)
		}
		if g.Tier != Standard && g.Tier != Specialist {
			c.bad(at+".tier", "genre %q: tier is %q; say %s (two reviews) or %s (four)", g.ID, g.Tier, Standard, Specialist)
		}
		c.ranges(at, g)
	}
	c.index()
}

func (c *checker) ranges(at string, g Genre) {
	for _, r := range []struct {
		name string
		Range
	}{{"article", g.Article}, {"prompt", g.Prompt}, {"reasoning", g.Reasoning}} {
		if r.Min() < 1 || r.Max() < r.Min() {
			c.bad(at+"."+r.name, "genre %q: %s length is [%d, %d]; give [least, greatest] in characters", g.ID, r.name, r.Min(), r.Max())
		}
	}
}

// index fills byName; two genres must not answer to one name.
func (c *checker) index() {
	for i, g := range c.t.Genres {
		at := fmt.Sprintf("genres[%d]", i)
		for _, n := range append([]string{g.ID, g.ZH, g.EN}, g.Aliases...) {
			key := fold(n)
			if key == "" { // of marks alone, such as "-": nothing to be found by
				if strings.TrimSpace(n) != "" {
					c.bad(at, "genre %q: the name %q has no letter", g.ID, n)
				}
				continue
			}
			if j, taken := c.t.byName[key]; taken && j != i {
				if g.ID != c.t.Genres[j].ID { // else the ID is reported already
					c.bad(at, "genre %q: the name %q belongs to genre %q already", g.ID, n, c.t.Genres[j].ID)
				}
				continue
			}
			c.t.byName[key] = i
		}
	}
}

func (c *checker) distinct(list string, names []Name) map[string]bool {
	seen := map[string]bool{}
	for i, n := range names {
		at := fmt.Sprintf("%s[%d]", list, i)
		c.name(at, n)
		if seen[n.ID] {
			c.bad(at+".id", "%s: id %q stands twice", list, n.ID)
		}
		seen[n.ID] = true
	}
	return seen
}

func (c *checker) name(at string, n Name) {
	if !idShape.MatchString(n.ID) {
		c.bad(at+".id", "id %q: use lower-case letters, digits and hyphens", n.ID)
	}
	for _, s := range []struct{ lang, name string }{{"zh", n.ZH}, {"en", n.EN}} {
		if strings.TrimSpace(s.name) == "" {
			c.bad(at+"."+s.lang, "%q has no name in %q", n.ID, s.lang)
		}
	}
}

// nearest orders genres by shared two-letter pieces with the folded name (Dice).
func nearest(genres []Genre, name string, n int) []string {
	type hit struct {
		name  string
		score float64
	}
	var hits []hit
	for _, g := range genres {
		best := hit{name: g.ZH}
		for _, cand := range append([]string{g.ID, g.ZH, g.EN}, g.Aliases...) {
			if s := dice(fold(cand), name); s > best.score {
				best = hit{cand, s}
			}
		}
		if best.score > 0 {
			hits = append(hits, best)
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	out := make([]string, 0, n)
	for _, h := range hits[:min(n, len(hits))] {
		out = append(out, h.name)
	}
	return out
}

func dice(a, b string) float64 {
	pairs := func(s string) map[string]bool {
		m := map[string]bool{}
		r := []rune(s)
		for i := range r {
			m[string(r[i:min(i+2, len(r))])] = true
		}
		return m
	}
	x, y := pairs(a), pairs(b)
	if len(x)+len(y) == 0 {
		return 0
	}
	shared := 0
	for p := range x {
		if y[p] {
			shared++
		}
	}
	return 2 * float64(shared) / float64(len(x)+len(y))
}
