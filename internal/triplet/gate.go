package triplet

// Dimensions are the six scores of a sheet, in order (paper section 2.2).
var Dimensions = []string{
	"article_quality", "article_creativity", "prompt_quality", "prompt_creativity", "reasoning_quality", "reasoning_creativity",
}

// Scores are the six marks of a sheet, 1 to 10, in the order of [Dimensions].
type Scores [6]int

// Total is their sum, 6 to 60.
func (s Scores) Total() int {
	n := 0
	for _, v := range s {
		n += v
	}
	return n
}

// Valid reports whether every mark is from 1 to 10.
func (s Scores) Valid() bool {
	for _, v := range s {
		if v < 1 || v > 10 {
			return false
		}
	}
	return true
}

// A Gate is what a score sheet must reach before a triplet goes to review.
type Gate struct {
	MinTotal int `json:"min_total"` // paper: 50
	MinEach  int `json:"min_each"`  // paper: 8
}

// A Miss is one way in which a sheet fails the gate.
type Miss struct {
	Rule string `json:"rule"` // each, total or invalid
	Name string `json:"name"` // the dimension, for each
	Got  int    `json:"got"`
	Want int    `json:"want"`
}

// Check returns what the sheet misses; nothing means that it passes. With the paper's numbers
// six scores of 8 already sum to 48, so the sum only bites on 48 and 49; the misses say which
// rule bit.
func (g Gate) Check(s Scores) []Miss {
	var out []Miss
	for i, v := range s {
		switch {
		case v < 1 || v > 10:
			out = append(out, Miss{"invalid", Dimensions[i], v, 10})
		case v < g.MinEach:
			out = append(out, Miss{"each", Dimensions[i], v, g.MinEach})
		}
	}
	if n := s.Total(); n < g.MinTotal {
		out = append(out, Miss{"total", "total", n, g.MinTotal})
	}
	return out
}
