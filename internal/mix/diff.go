package mix

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"coigwriter/internal/errs"
)

// A Difference is what differs between two mixes.
type Difference struct {
	A              string                `json:"a"` // the mixes' identities
	B              string                `json:"b"`
	Same           bool                  `json:"same"`
	Plan           []Change              `json:"plan"`
	Sources        []SourceChange        `json:"sources"`
	Configurations []ConfigurationChange `json:"configurations"`
}

// A Change is a value that differs; "" where one side has none.
type Change struct {
	Key string `json:"key"`
	A   string `json:"a"`
	B   string `json:"b"`
}

// A SourceChange is a source that is not the same on both sides.
type SourceChange struct {
	Name  string `json:"name"`
	What  string `json:"what"` // added, removed, or changed: other files
	RowsA int    `json:"rows_a"`
	RowsB int    `json:"rows_b"`
	KeptA int    `json:"kept_a"`
	KeptB int    `json:"kept_b"`
}

// A ConfigurationChange is a configuration that is not the same on both sides.
type ConfigurationChange struct {
	Name    string   `json:"name"`
	What    string   `json:"what"` // added, removed or changed
	RowsA   int      `json:"rows_a"`
	RowsB   int      `json:"rows_b"`
	Same    int      `json:"same"` // rows
	Came    []RowRef `json:"came"`
	Went    []RowRef `json:"went"`
	Altered []RowRef `json:"altered"` // the same row, written otherwise
	Counts  []Change `json:"counts"`  // by kind, genre, language and source, characters and tokens
}

// Diff compares two mixes, row by row.
func Diff(ctx context.Context, a, b string) (d Difference, err error) {
	ma, err := OpenManifest(a)
	if err != nil {
		return d, err
	}
	mb, err := OpenManifest(b)
	if err != nil {
		return d, err
	}
	d = Difference{A: ma.ID, B: mb.ID, Same: ma.ID == mb.ID, Plan: []Change{}, Sources: []SourceChange{}, Configurations: []ConfigurationChange{}}
	if d.Same {
		return d, nil
	}
	pa, err := planValues(a)
	if err != nil {
		return d, err
	}
	pb, err := planValues(b)
	if err != nil {
		return d, err
	}
	d.Plan = changes(pa, pb)
	d.sources(ma.Sources, mb.Sources)
	for _, name := range names(ma.Configurations, mb.Configurations, func(c Configuration) string { return c.Name }) {
		ca, _ := ma.Configuration(name) // one that is not there has no rows
		cb, _ := mb.Configuration(name)
		if ca.Hash == cb.Hash {
			continue
		}
		c := ConfigurationChange{Name: name, What: what(ca.Name, cb.Name), RowsA: ca.Rows, RowsB: cb.Rows, Counts: changes(counts(ca), counts(cb))}
		if err := c.rows(ctx, filepath.Join(a, ca.File), filepath.Join(b, cb.File)); err != nil {
			return d, err
		}
		d.Configurations = append(d.Configurations, c)
	}
	return d, nil
}

func what(a, b string) string {
	switch {
	case a == "":
		return "added"
	case b == "":
		return "removed"
	}
	return "changed"
}

// names are those of both lists, in the order of the first and then of the second.
func names[T any](a, b []T, name func(T) string) (out []string) {
	for _, x := range slices.Concat(a, b) {
		if !slices.Contains(out, name(x)) {
			out = append(out, name(x))
		}
	}
	return out
}

func (d *Difference) sources(a, b []Source) {
	find := func(list []Source, name string) Source {
		for _, s := range list {
			if s.Name == name {
				return s
			}
		}
		return Source{}
	}
	for _, name := range names(a, b, func(s Source) string { return s.Name }) {
		sa, sb := find(a, name), find(b, name)
		if sa.Hash != sb.Hash || sa.Kept != sb.Kept {
			d.Sources = append(d.Sources, SourceChange{name, what(sa.Name, sb.Name), sa.Rows, sb.Rows, sa.Kept, sb.Kept})
		}
	}
}

// planValues are the values of a mix's plan by their keys.
func planValues(dir string) (map[string]string, error) {
	data, err := os.ReadFile(filepath.Join(dir, PlanFile))
	if err != nil {
		return nil, errs.Invalidf("%w", err)
	}
	var tree map[string]any
	if _, err := toml.Decode(string(data), &tree); err != nil {
		return nil, errs.Invalidf("%s: %w", filepath.Join(dir, PlanFile), err)
	}
	out := map[string]string{}
	flatten("", tree, out)
	return out, nil
}

// flatten names values by their keys; tables of a list go by their name, or by their number.
func flatten(at string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(strings.TrimPrefix(at+"."+k, "."), x, out)
		}
	case []map[string]any:
		for i, x := range v {
			name, ok := x["name"].(string)
			if !ok {
				name = fmt.Sprint(i + 1)
			}
			flatten(at+"["+name+"]", x, out)
		}
	default:
		out[at] = fmt.Sprint(v)
	}
}

func changes(a, b map[string]string) []Change {
	out := []Change{}
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if a[k] != b[k] {
			out = append(out, Change{k, a[k], b[k]})
		}
	}
	return out
}

// counts are the figures of a configuration by name.
func counts(c Configuration) map[string]string {
	out := map[string]string{
		"rows": fmt.Sprint(c.Rows), "creative": fmt.Sprint(c.Creative), "general": fmt.Sprint(c.General), "characters": fmt.Sprint(c.Characters),
		"thoughts": fmt.Sprint(c.Thoughts), "tokens": fmt.Sprint(c.Lengths.Total), "longest": fmt.Sprint(c.Lengths.Max),
	}
	for by, m := range map[string]map[string]int{"genre": c.ByGenre, "language": c.ByLanguage, "source": c.BySource} {
		for k, n := range m {
			out[by+" "+k] = fmt.Sprint(n)
		}
	}
	return out
}

// rows compares two files of rows; a folder stands for none.
func (c *ConfigurationChange) rows(ctx context.Context, a, b string) error {
	c.Came, c.Went, c.Altered = []RowRef{}, []RowRef{}, []RowRef{}
	was := map[RowRef][]key{}
	err := rowsOf(ctx, a, func(r RowRef, line key) { was[r] = append(was[r], line) })
	if err != nil {
		return err
	}
	left := map[RowRef][]key{} // of b, not the same as one of a
	err = rowsOf(ctx, b, func(r RowRef, line key) {
		if i := slices.Index(was[r], line); i >= 0 {
			was[r] = slices.Delete(was[r], i, i+1)
			c.Same++
			return
		}
		left[r] = append(left[r], line)
	})
	if err != nil {
		return err
	}
	for r, lines := range left {
		for range lines {
			if n := len(was[r]); n > 0 {
				was[r] = was[r][:n-1]
				c.Altered = append(c.Altered, r)
			} else {
				c.Came = append(c.Came, r)
			}
		}
	}
	for r, lines := range was {
		for range lines {
			c.Went = append(c.Went, r)
		}
	}
	for _, list := range [][]RowRef{c.Came, c.Went, c.Altered} {
		slices.SortFunc(list, func(a, b RowRef) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Source, b.Source), strings.Compare(a.ID, b.ID))
		})
	}
	return nil
}

func rowsOf(ctx context.Context, path string, f func(RowRef, key)) error {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil
	}
	_, err := eachRow(ctx, path, func(r Row, line []byte) error {
		h := sha256.Sum256(line)
		f(RowRef{r.Kind, r.Source, r.ID}, key(h[:16]))
		return nil
	})
	return err
}
