package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"coigwriter/internal/stats"
)

func goldenMultiplicity(t *testing.T, input []byte) values {
	in := decode[struct{ P []float64 }](t, input)
	return values{
		"holm": stats.Holm(in.P), "bh": stats.BenjaminiHochberg(in.P), "bonferroni": stats.Bonferroni(in.P),
	}
}

// Tests that were not made are no part of the family, wherever they stand in the list: the rest is
// corrected as if they were not there, never below its own p-value, and in the same order.
func TestCorrectionsPassOverUndefined(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var with, without []float64
		for range 1 + rng.IntN(60) {
			if rng.IntN(3) > 0 {
				with = append(with, math.NaN())
				continue
			}
			p := rng.Float64()
			with, without = append(with, p), append(without, p)
		}
		for name, correct := range map[string]func([]float64) []float64{"Holm": stats.Holm, "BH": stats.BenjaminiHochberg, "Bonferroni": stats.Bonferroni} {
			got, want := correct(with), correct(without)
			if defined := slices.DeleteFunc(slices.Clone(got), math.IsNaN); !slices.Equal(defined, want) {
				t.Fatalf("%s of %v is %v, without the undefined %v", name, with, defined, want)
			}
			for i, p := range with {
				if math.IsNaN(p) != math.IsNaN(got[i]) || got[i] < p {
					t.Fatalf("%s makes %v of %v", name, got[i], p)
				}
			}
		}
	}
}
