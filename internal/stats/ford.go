package stats

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/gonum/graph/simple"
	"gonum.org/v1/gonum/graph/topo"
)

// A Graph says which models can be ranked against which from the votes at hand.
type Graph struct {
	Component []int // by model: models with the same number were linked by votes
	Strong    []int // by model: models with the same number beat each other, perhaps through others
}

// Connections finds the components of the comparison graph. Only where all models are in one
// strong component do finite strengths exist (Ford 1957): otherwise some group never lost to
// the rest, and nothing says by how much it is better.
func (c Comparisons) Connections() Graph {
	beats, met := simple.NewDirectedGraph(), simple.NewUndirectedGraph()
	for i := range c.Models {
		beats.AddNode(simple.Node(i))
		met.AddNode(simple.Node(i))
	}
	for i := range c.Models {
		for j := range c.Models {
			tied := at(c.Tie, i, j) > 0
			if i != j && (c.Win[i][j] > 0 || tied) {
				beats.SetEdge(simple.Edge{F: simple.Node(i), T: simple.Node(j)})
				met.SetEdge(simple.Edge{F: simple.Node(i), T: simple.Node(j)})
			}
		}
	}
	g := Graph{Component: make([]int, len(c.Models)), Strong: make([]int, len(c.Models))}
	for _, group := range topo.ConnectedComponents(met) {
		least := len(c.Models)
		for _, n := range group {
			least = min(least, int(n.ID()))
		}
		for _, n := range group {
			g.Component[n.ID()] = least
		}
	}
	for _, group := range topo.TarjanSCC(beats) {
		least := len(c.Models)
		for _, n := range group {
			least = min(least, int(n.ID()))
		}
		for _, n := range group {
			g.Strong[n.ID()] = least
		}
	}
	return g
}

// Rankable reports whether finite strengths exist for all models together.
func (g Graph) Rankable() bool {
	for _, s := range g.Strong {
		if s != g.Strong[0] {
			return false
		}
	}
	return true
}

// Groups names the models of each strong component, as {a, b}.
func (g Graph) Groups(models []string) []string {
	groups := map[int][]string{}
	for i, s := range g.Strong {
		groups[s] = append(groups[s], models[i])
	}
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(groups)) {
		parts = append(parts, "{"+strings.Join(groups[s], ", ")+"}")
	}
	return parts
}

// Explain says in words why the models cannot be ranked together; empty where they can.
func (g Graph) Explain(models []string) string {
	if g.Rankable() {
		return ""
	}
	return fmt.Sprintf("the votes do not connect all models both ways: between %s one side never lost to the other, or they never met", strings.Join(g.Groups(models), " and "))
}
