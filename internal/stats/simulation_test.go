package stats_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"coigwriter/internal/stats"
)

// simulate makes votes of models with known strengths; sd is how much queries differ in what they
// favour (logits), so that votes on one query are alike.
func simulate(rng *rand.Rand, theta []float64, queries, votes int, sd float64) []stats.Vote {
	var out []stats.Vote
	for q := range queries {
		shift := make([]float64, len(theta))
		for i := range shift {
			shift[i] = rng.NormFloat64() * sd
		}
		for i := range theta {
			for j := i + 1; j < len(theta); j++ {
				for range votes {
					v := stats.Vote{Query: fmt.Sprint(q), Left: i, Right: j, Outcome: stats.RightWins}
					if rng.Float64() < 1/(1+math.Exp(theta[j]+shift[j]-theta[i]-shift[i])) {
						v.Outcome = stats.LeftWins
					}
					out = append(out, v)
				}
			}
		}
	}
	return out
}

// With known strengths the 95% intervals hold them in 93 to 97 of 100 simulated votings: also where
// queries differ, which the intervals of single votes do not know.
func TestIntervalsCover(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of simulated votings")
	}
	models := []string{"a", "b", "c", "d", "e"}
	theta := []float64{0.6, 0.3, 0, -0.3, -0.6}
	rng := rand.New(rand.NewPCG(7, 7))
	for _, c := range []struct {
		name           string
		queries, votes int
		sd             float64
	}{{"independent votes", 50, 2, 0}, {"queries that differ", 60, 2, 1}} {
		held, naive, all := 0, 0, 0
		for range 400 {
			f, err := stats.FitVotes(models, simulate(rng, theta, c.queries, c.votes, c.sd), stats.VoteOptions{})
			if err != nil {
				t.Fatal(err)
			}
			q := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(f.Queries - 1)}.Quantile(0.975)
			for i := range models {
				truth := theta[i]
				if c.sd > 0 { // a mean over queries is pulled to the middle: compare with the fitted target
					truth = attenuated(theta, c.sd)[i]
				}
				all++
				if math.Abs(f.Theta[i]-truth) <= q*f.SE.CR1[i] {
					held++
				}
				if math.Abs(f.Theta[i]-truth) <= 1.96*f.SE.Model[i] {
					naive++
				}
			}
		}
		coverage := float64(held) / float64(all)
		t.Logf("%s: clustered %.3f, naive %.3f", c.name, coverage, float64(naive)/float64(all))
		if coverage < 0.93 || coverage > 0.97 {
			t.Errorf("%s: intervals hold the truth in %.1f%%", c.name, 100*coverage)
		}
		if c.sd > 0 && float64(naive)/float64(all) > coverage {
			t.Errorf("%s: naive intervals cover more than clustered ones", c.name)
		}
	}
}

// attenuated is the strengths that a marginal model has where queries shift each model by a normal
// deviate: those that fit the mean shares of every pair. They come from one very large voting.
func attenuated(theta []float64, sd float64) []float64 {
	if marginal != nil {
		return marginal
	}
	rng := rand.New(rand.NewPCG(1, 1))
	c := stats.NewComparisons([]string{"a", "b", "c", "d", "e"})
	for i := range theta {
		for j := range theta {
			if i == j {
				continue
			}
			const draws = 200_000
			for range draws {
				c.Win[i][j] += 1 / (1 + math.Exp(theta[j]-theta[i]+sd*math.Sqrt2*rng.NormFloat64()))
			}
		}
	}
	s, err := stats.BradleyTerry(c)
	if err != nil {
		panic(err)
	}
	marginal = s.Theta
	return marginal
}

var marginal []float64

// The same votes four times over: the same strengths, half the errors of independent votes.
func TestDuplicatesShrink(t *testing.T) {
	models := []string{"a", "b", "c"}
	votes := simulate(rand.New(rand.NewPCG(3, 3)), []float64{0.5, 0, -0.5}, 30, 1, 0)
	var many []stats.Vote
	for i := range 4 {
		for _, v := range votes {
			v.Query = fmt.Sprint(v.Query, "/", i)
			many = append(many, v)
		}
	}
	a, errA := stats.FitVotes(models, votes, stats.VoteOptions{})
	b, errB := stats.FitVotes(models, many, stats.VoteOptions{})
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for i := range models {
		if math.Abs(a.Theta[i]-b.Theta[i]) > 1e-6 || math.Abs(a.SE.Model[i]-2*b.SE.Model[i]) > 1e-6 {
			t.Errorf("%v ± %v, four times %v ± %v", a.Theta[i], a.SE.Model[i], b.Theta[i], b.SE.Model[i])
		}
	}
}

// Bradley-Terry with 1,000 resamples of the queries on as many votes as the paper has.
func BenchmarkBootstrap(b *testing.B) {
	models := []string{"a", "b", "c", "d", "e"}
	votes := simulate(rand.New(rand.NewPCG(1, 1)), []float64{0.6, 0.3, 0, -0.3, -0.6}, 104, 5, 0.5)
	var queries []string
	for q := range 104 {
		queries = append(queries, fmt.Sprint(q))
	}
	samples := stats.Resample(1, 1000, len(queries))
	for b.Loop() {
		stats.BootstrapStrengths(models, votes, queries, samples)
	}
	b.ReportMetric(float64(len(votes)), "votes")
}
