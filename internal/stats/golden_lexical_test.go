package stats_test

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"coigwriter/internal/stats"
	"coigwriter/internal/text"
)

// lexicalValues are the measures of diversity that are offered, under the files' names.
func lexicalValues(tokens []string) values {
	l := text.NewLexicon(tokens)
	v := values{
		"N_V": []float64{float64(l.Tokens()), float64(l.Types())}, "ttr": l.TTR(), "guiraud_r": l.Guiraud(), "herdan_c": l.Herdan(), "maas_a2_ln": l.Maas(),
		"yule_k": l.YuleK(), "mattr_50": l.MATTR(50), "mattr_100": l.MATTR(100), "hdd_42_attr": l.HDD(), "hdd_42": l.HDD(), "mtld_lt_072": l.MTLD(),
		"repeated_4gram_share": l.Repeated(4),
	}
	for n := 1; n <= 4; n++ {
		v[fmt.Sprintf("distinct_%d", n)] = l.Distinct(n)
	}
	return v
}

func goldenLexical(t *testing.T, input []byte) values {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(input, &in); err != nil {
		t.Fatal(err)
	}
	out := values{}
	for _, list := range []string{"tokens", "all_tokens"} {
		var tokens []string
		if err := json.Unmarshal(in[list], &tokens); err != nil || tokens == nil {
			continue
		}
		for key, v := range lexicalValues(tokens) {
			out[list+"/"+key] = v
		}
	}
	return out
}

func goldenGrowth(t *testing.T, input []byte) values {
	var in struct {
		Tokens []string
		Prefix []int
	}
	if err := json.Unmarshal(input, &in); err != nil {
		t.Fatal(err)
	}
	out := values{}
	whole := text.NewLexicon(in.Tokens)
	for _, n := range in.Prefix {
		for key, v := range lexicalValues(in.Tokens[:n]) {
			out[fmt.Sprintf("N=%d/%s", n, key)] = v
		}
		if got := whole.First(n); got.TTR() != text.NewLexicon(in.Tokens[:n]).TTR() {
			t.Errorf("the first %d tokens have TTR %v", n, got.TTR())
		}
	}
	return out
}

// The edges: what is undefined is said to be, and not printed as a number.
func goldenEdge(t *testing.T, input []byte) values {
	var in struct {
		Cases []struct {
			Name, Kind string
			K, N       int
			Units      [][]*float64
			A, B       []float64
			Labels     []float64
			Tokens     []string
		}
	}
	if err := json.Unmarshal(input, &in); err != nil {
		t.Fatal(err)
	}
	out := values{}
	for _, c := range in.Cases {
		switch c.Kind {
		case "wilson":
			if i := stats.Wilson(float64(c.K), float64(c.N), 0.95); math.IsNaN(i.Lo) {
				out[c.Name] = i.Lo
			} else {
				out[c.Name] = []float64{i.Lo, i.Hi}
			}
		case "exact":
			out[c.Name] = stats.BinomialTest(c.K, c.N, 0.5)
		case "alpha":
			for name, m := range metrics {
				out[c.Name+"/"+name] = ratingsOf(c.Units).Counts(nil).Alpha(m)
			}
		case "kappa":
			r := make(stats.Ratings, len(c.A))
			for i := range r {
				r[i] = []float64{c.A[i], c.B[i]}
			}
			for name, w := range map[string]stats.Weight{"unweighted": stats.Identity, "linear": stats.Linear, "quadratic": stats.Quadratic} {
				kappa, _ := r.CohenKappa(0, 1, c.Labels, w)
				out[c.Name+"/"+name] = kappa.Value
			}
		case "lex":
			for key, v := range lexicalValues(c.Tokens) {
				out[c.Name+"/"+key] = v
			}
		default:
			t.Errorf("edge case of kind %q", c.Kind)
		}
	}
	return out
}
