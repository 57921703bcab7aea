package genre

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A walker reads a YAML tree into a taxonomy by hand. It reports every wrong key and value with
// its line, where decoding by reflection stops at the first (and panics on a list of three
// numbers for a [Range]).
type walker struct {
	list  []Problem
	lines map[string]int // path of a value, such as genres[3].tier, to its line
}

// keys says what reads the value of each key; at is the value's path.
type keys map[string]func(n ast.Node, at string)

func (w *walker) badAt(line int, format string, a ...any) {
	w.list = append(w.list, Problem{Line: line, Msg: fmt.Sprintf(format, a...)})
}

func (w *walker) taxonomy(file *ast.File, t *Taxonomy) {
	docs := slices.DeleteFunc(slices.Clone(file.Docs), func(d *ast.DocumentNode) bool { return d.Body == nil })
	if len(docs) == 0 {
		return // the checks say what is missing
	}
	if len(docs) > 1 {
		w.badAt(lineOf(docs[1].Body), "a second document begins here; a taxonomy is one")
	}
	w.mapping(docs[0].Body, "", keys{
		"name":       w.text(&t.Name),
		"version":    w.text(&t.Version),
		"min_count":  w.number(&t.MinCount),
		"categories": w.names(&t.Categories),
		"domains":    w.names(&t.Domains),
		"genres": w.sequence(func(n ast.Node, at string) {
			t.Genres = append(t.Genres, Genre{})
			w.genre(n, at, &t.Genres[len(t.Genres)-1])
		}),
	})
}

func (w *walker) genre(n ast.Node, at string, g *Genre) {
	w.mapping(n, at, keys{
		"id": w.text(&g.ID), "zh": w.text(&g.ZH), "en": w.text(&g.EN),
		"aliases": w.sequence(func(n ast.Node, at string) {
			var s string
			w.text(&s)(n, at)
			g.Aliases = append(g.Aliases, s)
		}),
		"category": w.text(&g.Category), "domain": w.text(&g.Domain), "tier": w.text(&g.Tier),
		"article": w.span(&g.Article), "prompt": w.span(&g.Prompt), "reasoning": w.span(&g.Reasoning),
		"estimated": w.truth(&g.Estimated),
	})
}

func (w *walker) names(dst *[]Name) func(ast.Node, string) {
	return w.sequence(func(n ast.Node, at string) {
		var x Name
		w.mapping(n, at, keys{"id": w.text(&x.ID), "zh": w.text(&x.ZH), "en": w.text(&x.EN)})
		*dst = append(*dst, x)
	})
}

// mapping hands each value of a mapping to the reader of its key.
func (w *walker) mapping(n ast.Node, at string, known keys) {
	w.lines[at] = lineOf(n)
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		w.badAt(lineOf(n), "%sis %s; it must be a list of \"key: value\"", subject(at), kind(n))
		return
	}
	for _, v := range values {
		key := v.Key.GetToken().Value
		read, ok := known[key]
		if !ok {
			w.badAt(lineOf(v.Key), "unknown field %q; known are %s", key, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			continue
		}
		path := key
		if at != "" {
			path = at + "." + key
		}
		w.lines[path] = lineOf(v.Key)
		read(v.Value, path)
	}
}

// sequence hands each element of a list to each.
func (w *walker) sequence(each func(n ast.Node, at string)) func(ast.Node, string) {
	return func(n ast.Node, at string) {
		s, ok := n.(*ast.SequenceNode)
		if !ok {
			w.badAt(lineOf(n), "%sis %s; it must be a list", subject(at), kind(n))
			return
		}
		for i, v := range s.Values {
			path := at + "[" + strconv.Itoa(i) + "]"
			w.lines[path] = lineOf(v)
			each(v, path)
		}
	}
}

// text reads a scalar as it is written: version: 1 is the text "1".
func (w *walker) text(dst *string) func(ast.Node, string) {
	return func(n ast.Node, at string) {
		switch v := n.(type) {
		case *ast.StringNode:
			*dst = v.Value
		case *ast.LiteralNode:
			*dst = v.Value.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			*dst = v.GetToken().Value
		case *ast.NullNode: // "zh:" with nothing after it is a missing name
		default:
			w.badAt(lineOf(n), "%sis %s; it must be a text", subject(at), kind(n))
		}
	}
}

func (w *walker) number(dst *int) func(ast.Node, string) {
	return func(n ast.Node, at string) {
		if v, ok := n.(*ast.IntegerNode); ok {
			if x, err := strconv.Atoi(strings.ReplaceAll(v.GetToken().Value, "_", "")); err == nil {
				*dst = x
				return
			}
		}
		w.badAt(lineOf(n), "%sis %s; it must be a whole number", subject(at), kind(n))
	}
}

func (w *walker) truth(dst *bool) func(ast.Node, string) {
	return func(n ast.Node, at string) {
		if v, ok := n.(*ast.BoolNode); ok {
			*dst = v.Value
			return
		}
		w.badAt(lineOf(n), "%sis %s; it must be true or false", subject(at), kind(n))
	}
}

// span reads a Range. One that cannot be read becomes [1, 1], so that it is reported once.
func (w *walker) span(dst *Range) func(ast.Node, string) {
	return func(n ast.Node, at string) {
		s, ok := n.(*ast.SequenceNode)
		if !ok || len(s.Values) != 2 {
			*dst = Range{1, 1}
			w.badAt(lineOf(n), "%sis %s; give [least, greatest] in characters", subject(at), kind(n))
			return
		}
		before := len(w.list)
		w.number(&dst[0])(s.Values[0], at)
		w.number(&dst[1])(s.Values[1], at)
		if len(w.list) > before {
			*dst = Range{1, 1}
		}
	}
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return lineOf(m.Values[0].Key) // a block's own token is its first colon
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		return lineOf(v.Key)
	}
	return n.GetToken().Position.Line
}

func subject(at string) string {
	if at == "" {
		return "the file "
	}
	return at + " "
}

func kind(n ast.Node) string {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return "empty"
	case *ast.SequenceNode:
		return fmt.Sprintf("a list of %d", len(v.Values))
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "an anchor, alias or tag, which a taxonomy cannot have"
	}
	s := n.GetToken().Value
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return strconv.Quote(s)
}
