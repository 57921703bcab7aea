package stats

// BootstrapStrengths refits Bradley-Terry on resamples of whole queries: samples are indices
// into queries. It returns the strengths by resample; a resample in which no finite strengths
// exist is left out and counted.
func BootstrapStrengths(models []string, votes []Vote, queries []string, samples [][]int) (draws [][]float64, failed int) {
	per := CountByQuery(models, votes, queries)
	for _, sample := range samples {
		c := sum(models, per, sample)
		s, err := BradleyTerry(c)
		if err != nil {
			failed++
			continue
		}
		draws = append(draws, s.Theta)
	}
	return draws, failed
}

// ByQuery are the counts of each query, in the order of a list of queries.
type ByQuery []Comparisons

// CountByQuery counts votes query by query.
func CountByQuery(models []string, votes []Vote, queries []string) ByQuery {
	index := map[string]int{}
	for i, q := range queries {
		index[q] = i
	}
	byQuery := make([][]Vote, len(queries))
	for _, v := range votes {
		byQuery[index[v.Query]] = append(byQuery[index[v.Query]], v)
	}
	per := make(ByQuery, len(queries))
	for i := range per {
		per[i] = Count(models, byQuery[i])
	}
	return per
}

// BootstrapRate returns the decided rate of model i against j by resample of whole queries: samples are
// indices into queries.
func (per ByQuery) BootstrapRate(samples [][]int, i, j int) []float64 {
	out := make([]float64, 0, len(samples))
	for _, sample := range samples {
		w, n := 0.0, 0.0
		for _, q := range sample {
			w += per[q].Win[i][j]
			n += per[q].Win[i][j] + per[q].Win[j][i]
		}
		if n > 0 {
			out = append(out, w/n)
		}
	}
	return out
}

// A SignTest asks whether more queries favour one model than the other. Each query counts once, however
// many votes it has, so the test holds where votes on one query are alike.
type SignTest struct {
	For, Against, Even int     // queries by what most of their decided votes say; Even ones do not count
	P                  float64 // exact, two-sided; NaN where no query says anything
}

// Sign tests model i against j with queries as the unit.
func (per ByQuery) Sign(i, j int) SignTest {
	var t SignTest
	for _, c := range per {
		switch w, l := c.Win[i][j], c.Win[j][i]; {
		case w > l:
			t.For++
		case w < l:
			t.Against++
		case w > 0:
			t.Even++
		}
	}
	t.P = BinomialTest(t.For, t.For+t.Against, 0.5)
	return t
}

func sum(models []string, per []Comparisons, sample []int) Comparisons {
	c := NewComparisons(models)
	for _, q := range sample {
		for i := range models {
			for j := range models {
				c.Win[i][j] += per[q].Win[i][j]
			}
		}
	}
	return c
}
