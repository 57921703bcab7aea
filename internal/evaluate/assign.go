package evaluate

import (
	"cmp"
	"math"
	"slices"
)

// assignRaters says which real items each rater gets. Every item gets one rater, shared ones as many as
// planned; loads differ by at most a few; within that a rater meets every pair of models, and every
// other rater, about equally often.
func assignRaters(p Plan, items []drawnItem) [][]int {
	rng := p.rng(streamAssign)
	n := len(p.Evaluators)
	type rater struct {
		items   []int
		strata  map[string]int
		queries map[string]int
		with    []int // how many items are shared with each other rater
		models  map[string]bool
	}
	rs := make([]rater, n)
	for i := range rs {
		rs[i] = rater{strata: map[string]int{}, queries: map[string]int{}, with: make([]int, n), models: map[string]bool{}}
	}
	if p.Assignment == ByModel {
		for i, m := range modelSets(p) {
			for _, model := range m {
				rs[i].models[model] = true
			}
		}
	}
	needs := needsOf(p, items)
	order := rng.Perm(len(items))
	for _, i := range order {
		it := items[i]
		var chosen []int
		for range needs[i] {
			best := -1
			var why [5]float64
			for r := range rs {
				if slices.Contains(chosen, r) || p.Assignment == ByModel && !rs[r].models[it.answers[0].Model] {
					continue
				}
				cost := [5]float64{float64(len(rs[r].items)), float64(rs[r].queries[it.query.ID]), float64(rs[r].strata[it.stratum()]), 0, rng.Float64()}
				for _, c := range chosen {
					cost[3] += float64(rs[r].with[c])
				}
				if best < 0 || slices.Compare(cost[:], why[:]) < 0 {
					best, why = r, cost
				}
			}
			if best < 0 {
				break // fewer raters have the model than the overlap: all of them rate it
			}
			for _, c := range chosen {
				rs[c].with[best]++
				rs[best].with[c]++
			}
			chosen = append(chosen, best)
			rs[best].items = append(rs[best].items, i)
			rs[best].strata[it.stratum()]++
			rs[best].queries[it.query.ID]++
		}
	}
	out := make([][]int, n)
	for r := range rs {
		out[r] = rs[r].items
		slices.Sort(out[r])
	}
	return out
}

// needsOf says how many raters each item gets; attention items none, since everybody gets them. Which
// items are shared is spread evenly over what is compared.
func needsOf(p Plan, items []drawnItem) []int {
	needs := make([]int, len(items))
	order := p.rng(streamAssign + 100).Perm(len(items))
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(items[i].stratum(), items[j].stratum()) })
	at := 0
	for _, i := range order {
		if items[i].kind != Real {
			continue
		}
		needs[i] = 1
		if math.Floor(float64(at+1)*p.Shared+1e-9) > math.Floor(float64(at)*p.Shared+1e-9) {
			needs[i] = p.Overlap
		}
		at++
	}
	return needs
}

// modelSets gives every evaluator a fixed set of models, every model as many evaluators as the overlap
// says or one more, so that nobody is without work (paper section 3.1).
func modelSets(p Plan) [][]string {
	n := len(p.Evaluators)
	sets := make([][]string, n)
	places := max(p.Overlap*len(p.Models), n)
	for k := range places {
		r, m := k%n, p.Models[k%len(p.Models)]
		for range n { // where it would meet itself, the next one takes it
			if !slices.Contains(sets[r], m) {
				break
			}
			r = (r + 1) % n
		}
		if !slices.Contains(sets[r], m) {
			sets[r] = append(sets[r], m)
		}
	}
	return sets
}
