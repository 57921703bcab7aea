package analysis

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"coigwriter/internal/record"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

// Rankings collects what raters ranked for each query, to see how far they agree.
type Rankings struct {
	by         map[string]map[string][]string // query → rater → models, best first
	Duplicates int
	Problems   []string
}

// NewRankings collects rankings.
func NewRankings() *Rankings { return &Rankings{by: map[string]map[string][]string{}} }

// Add takes one ranking; a rater's second one of a query is left out and counted.
func (r *Rankings) Add(query, rater string, ranked []string) {
	if r.by[query] == nil {
		r.by[query] = map[string][]string{}
	}
	if r.by[query][rater] != nil {
		r.Duplicates++
		if len(r.Problems) < keepProblems {
			r.Problems = append(r.Problems, fmt.Sprintf("query %s: rater %s has ranked it before; the first ranking counts", query, rater))
		}
		return
	}
	r.by[query][rater] = ranked
}

// Len is the number of queries with rankings.
func (r *Rankings) Len() int { return len(r.by) }

// A RankAgreement is how far raters order the same outputs alike.
type RankAgreement struct {
	Queries  int       `json:"queries"`
	Shared   int       `json:"queries_with_two_raters"`
	Partial  int       `json:"rankings_of_fewer_models"` // than the longest ranking; compared on what both have
	Measures []Measure `json:"measures"`                 // tau: mean over pairs of raters of a query; w: Kendall's, where all ranked the same
	Notes    []Note    `json:"notes"`
}

// Agreement measures it; intervals resample queries.
func (r *Rankings) Agreement(bootstrap int, seed uint64) RankAgreement {
	out := RankAgreement{Queries: len(r.by)}
	longest := 0
	for _, raters := range r.by {
		for _, models := range raters {
			longest = max(longest, len(models))
		}
	}
	for _, raters := range r.by {
		for _, models := range raters {
			if len(models) < longest {
				out.Partial++
			}
		}
	}
	var taus, ws []float64 // by query; NaN where there is none
	for _, q := range slices.Sorted(maps.Keys(r.by)) {
		raters := r.by[q]
		if len(raters) < 2 {
			continue
		}
		out.Shared++
		names := slices.Sorted(maps.Keys(raters))
		same := true
		models := slices.Sorted(slices.Values(raters[names[0]]))
		var rows stats.Ratings
		for range models {
			rows = append(rows, make([]float64, len(names)))
		}
		for j, n := range names {
			same = same && slices.Equal(slices.Sorted(slices.Values(raters[n])), models)
			for i, m := range models {
				rows[i][j] = float64(slices.Index(raters[n], m))
			}
		}
		var sum, pairs float64
		for i, a := range names {
			for _, b := range names[i+1:] {
				if t := tauOf(raters[a], raters[b]); !math.IsNaN(t) {
					sum, pairs = sum+t, pairs+1
				}
			}
		}
		taus = append(taus, sum/pairs)
		w := math.NaN()
		if same {
			w, _, _ = rows.KendallW()
		}
		ws = append(ws, w)
	}
	for _, m := range []struct {
		name   string
		values []float64
	}{{"kendall_tau", taus}, {"kendall_w", ws}} {
		values := slices.DeleteFunc(slices.Clone(m.values), math.IsNaN)
		x := Measure{Name: m.name, Value: Number(stats.Mean(values)), Interval: Interval{Number(math.NaN()), Number(math.NaN())}}
		switch b := BoxOf(values, bootstrap, seed); {
		case len(values) == 0 && out.Shared == 0:
			x.Why = note("没有一题由两人排过", "no query was ranked by two raters")
		case len(values) == 0:
			x.Why = note("同一题的评测员排的模型不同", "raters of a query ranked different models")
		default:
			x.Interval = b.MeanIn
		}
		out.Measures = append(out.Measures, x)
	}
	out.Notes = []Note{note("先按题计算再平均；区间按题重抽（%d 次，种子 %d）", "means over queries; intervals resample the queries (%d resamples, seed %d)", bootstrap, seed)}
	return out
}

// tauOf compares two rankings on the models that both have.
func tauOf(a, b []string) float64 {
	var x, y []float64
	for i, m := range a {
		if j := slices.Index(b, m); j >= 0 {
			x, y = append(x, float64(i)), append(y, float64(j))
		}
	}
	return stats.Tau(x, y)
}

// Table shows the agreement.
func (a RankAgreement) Table(lang string) *table.Table {
	t := table.New(pick(lang, "排名的一致", "Agreement of rankings"), table.Text(pick(lang, "系数", "coefficient")), table.Num(pick(lang, "值", "value")), table.Num("95%"), table.Text(pick(lang, "说明", "remark"))).As("rankings")
	t.Note = fmt.Sprintf(pick(lang, "%d 题，其中 %d 题有两人以上排名；%d 份排名少列了模型；", "%d queries, %d ranked by two or more; %d rankings leave models out; "), a.Queries, a.Shared, a.Partial) + joined(lang, a.Notes...)
	for _, m := range a.Measures {
		value, why := "–", ""
		if m.Value.Defined() {
			value = fmt.Sprintf("%.3f", m.Value)
		}
		if !m.Why.IsZero() {
			why = pick(lang, "无定义：", "undefined because ") + m.Why.In(lang)
		}
		t.Add(m.Name, value, span3(m.Interval), why)
	}
	return t
}

func rankings(c *Corpus) Study {
	all := NewRankings()
	return Study{"rankings", func(r any) {
		if x, ok := r.(record.Ranked); ok && x.Rater != "" {
			all.Add(x.QueryID, x.Rater, x.Models)
		}
	}, func() (Result, error) {
		if all.Len() == 0 {
			return Result{}, nil
		}
		a := all.Agreement(c.Bootstrap, c.Seed)
		return Result{Doc: a, Tables: []*table.Table{a.Table(c.Lang)}}, nil
	}}
}
