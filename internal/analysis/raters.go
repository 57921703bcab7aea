package analysis

import (
	"fmt"
	"math"
	"strings"

	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

// A RaterLine is one rater's habits.
type RaterLine struct {
	Rater     string   `json:"rater"`
	Votes     int      `json:"votes"`
	First     Number   `json:"first_share"` // of decided votes that went to what was shown first
	FirstIn   Interval `json:"first_interval"`
	FirstHolm Number   `json:"first_p_holm"` // exact, against one half, corrected over raters: below 0.05 is a liking of places
	TieShare  Number   `json:"tie_share"`
	Agreement Number   `json:"agreement"` // with others on the same query and pair
	Shared    int      `json:"shared"`    // votes that others gave too
}

// raterLines are each rater's habits.
func (p poll) raterLines() []RaterLine {
	own := map[string][]stats.Vote{}
	for _, v := range p.votes {
		own[v.Rater] = append(own[v.Rater], v)
	}
	said, _ := stats.Outcomes(p.votes, false) // columns are raters by name, as p.raters
	var out []RaterLine
	liking := make([]float64, len(p.raters))
	for j, rater := range p.raters {
		liking[j] = math.NaN()
		r := RaterLine{Rater: rater, Votes: len(own[rater]), First: Number(math.NaN()), FirstIn: Interval{Number(math.NaN()), Number(math.NaN())}}
		if sided := p.of(func(i int) bool { return p.sided[i] && p.votes[i].Rater == rater }).votes; len(sided) > 0 {
			x := stats.PositionOf(sided)
			r.First, r.FirstIn, liking[j] = Number(x.Rate), intervalOf(x.Interval), x.P
		}
		r.TieShare = Number(1 - float64(len(stats.Decided(own[rater])))/float64(r.Votes))
		agree := 0
		for _, row := range said {
			for other, x := range row {
				if other == j || math.IsNaN(x) || math.IsNaN(row[j]) {
					continue
				}
				r.Shared++
				if x == row[j] {
					agree++
				}
			}
		}
		r.Agreement = Number(float64(agree) / float64(r.Shared))
		out = append(out, r)
	}
	for j, p := range stats.Holm(liking) {
		out[j].FirstHolm = Number(p)
	}
	return out
}

// raterAgreement is how far raters say the same of the same pair of outputs, of four things: one or the
// other is better, a tie, both bad. Intervals resample queries.
func (p poll) raterAgreement(samples [][]int) []Measure {
	said, queries := stats.Outcomes(p.votes, true)
	if len(p.raters) < 2 {
		return nil
	}
	rows := map[string][]int{}
	for i, q := range queries {
		rows[q] = append(rows[q], i)
	}
	units := make([][]int, len(p.queries))
	for i, q := range p.queries {
		units[i] = rows[q]
	}
	n := said.Counts([]float64{0, 1, 2, 3})
	var out []Measure
	for _, m := range coefficients[:2] { // percent, and alpha for categories without an order
		x := Measure{Name: m.name, Value: Number(m.of(n)), Interval: Interval{Number(math.NaN()), Number(math.NaN())}}
		draws, undefined := n.BootstrapUnits(samples, units, m.of)
		x.Undefined = undefined
		switch {
		case !x.Value.Defined():
			x.Value, x.Why = Number(math.NaN()), note("没有一对输出由两人评过，或人人说法都一样", "no pair of outputs was judged by two raters, or all said the same of all")
		case len(draws) > 1:
			x.Interval = intervalOf(stats.Percentiles(draws, 0.95))
		}
		out = append(out, x)
	}
	return out
}

// sidesDiffer tests whether raters differ in how often they choose what is shown first.
func (p poll) sidesDiffer() Number {
	if len(p.raters) < 2 || len(p.withSides().votes) == 0 {
		return Number(math.NaN())
	}
	first, n := make([]int, len(p.raters)), make([]int, len(p.raters))
	place := map[string]int{}
	for i, r := range p.raters {
		place[r] = i
	}
	for k, v := range p.votes {
		i, ok := place[v.Rater]
		if !ok || !p.sided[k] || v.Outcome > stats.RightWins {
			continue
		}
		n[i]++
		if v.Outcome == stats.LeftWins {
			first[i]++
		}
	}
	_, _, pv := stats.Heterogeneity(first, n)
	return Number(pv)
}

// raterTable shows raters and how far they agree.
func (s Strengths) raterTable(lang string) *table.Table {
	t := table.New(pick(lang, "评测员", "Raters"), table.Text(pick(lang, "评测员", "rater")), table.Num(pick(lang, "票数", "votes")), table.Num(pick(lang, "选先显示的", "chose the first")), table.Num("95%"), table.Num("p (Holm)"), table.Num(pick(lang, "平局", "ties")), table.Num(pick(lang, "与他人一致", "agree with others")), table.Num(pick(lang, "共同票", "shared"))).As("raters-" + slug(s.Language))
	var says []string
	for _, m := range s.Agree {
		switch {
		case m.Value.Defined():
			says = append(says, fmt.Sprintf("%s %.3f [%s]", m.Name, m.Value, span3(m.Interval)))
		case m.Name == "percent":
			says = append(says, m.Why.In(lang))
		}
	}
	if s.SidesDiffer.Defined() {
		says = append(says, pick(lang, "各人选先显示者之差 p ", "raters differ in choosing the first: p ")+PText(s.SidesDiffer))
	}
	t.Note = strings.Join(says, pick(lang, "；", "; "))
	for _, r := range s.Raters {
		t.Add(r.Rater, r.Votes, table.Percent(r.First), percentRange(r.FirstIn), PText(r.FirstHolm)+stars(r.FirstHolm), table.Percent(r.TieShare), table.Percent(r.Agreement), r.Shared)
	}
	return t
}
