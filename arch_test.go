package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// order lists the packages from the edge of the program to its base. A package may import
// only packages on lines below its own. Tests may import dbtest and what they need.
var order = [][]string{
	{"cli"},
	{"web"},
	{"api"},
	{"sample"},
	{"dossier"},
	{"report"},
	{"release"},
	{"review"},
	{"redteam"},
	{"triplet"},
	{"evaluate"},
	{"train"},
	{"mix"},
	{"bench"},
	{"screen", "label"},
	{"source"},
	{"project"},
	{"user"},
	{"llamatest"},
	{"audit", "llm"},
	{"job"},
	{"analysis"},
	{"genre", "record"},
	{"text", "table", "stats", "plot"},
	{"dbtest"},
	{"db"},
	{"errs"},
}

// pure packages compute over files alone: they must not reach a database or the network.
var pure = []string{"report", "mix", "analysis", "record", "text", "table", "stats", "plot"}

func TestImportsPointDown(t *testing.T) {
	rank := map[string]int{}
	for i, line := range order {
		for _, p := range line {
			rank[p] = i
		}
	}
	eachImport(t, func(file, from, imp string, test bool) {
		if _, ok := rank[from]; !ok {
			t.Errorf("%s: package %s is not in order; say where it belongs", file, from)
		}
		to, ours := strings.CutPrefix(imp, "coigwriter/internal/")
		if !ours || test {
			return
		}
		to, _, _ = strings.Cut(to, "/")
		if to != from && rank[to] <= rank[from] {
			t.Errorf("%s: %s must not import %s", file, from, to)
		}
	})
}

func TestPurePackagesStayPure(t *testing.T) {
	eachImport(t, func(file, from, imp string, test bool) {
		for _, p := range pure {
			if from == p && !test && (strings.HasPrefix(imp, "database/") || imp == "net/http" || imp == "coigwriter/internal/db") {
				t.Errorf("%s: pure package %s must not import %s", file, from, imp)
			}
		}
	})
}

func eachImport(t *testing.T, f func(file, from, imp string, test bool)) {
	t.Helper()
	err := filepath.WalkDir("internal", func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(file) != ".go" {
			return err
		}
		from := strings.Split(filepath.ToSlash(file), "/")[1]
		src, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range src.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f(file, from, imp, strings.HasSuffix(file, "_test.go"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
