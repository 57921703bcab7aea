package stats_test

import (
	"testing"

	"coigwriter/internal/stats"
)

func goldenMultiplicity(t *testing.T, input []byte) values {
	in := decode[struct{ P []float64 }](t, input)
	return values{
		"holm": stats.Holm(in.P), "bh": stats.BenjaminiHochberg(in.P), "bonferroni": stats.Bonferroni(in.P),
	}
}
