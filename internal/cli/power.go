package cli

import (
	"context"
	"fmt"
	"math"

	"coigwriter/internal/errs"
	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

type powerCmd struct {
	Share    float64 `help:"True share of wins to tell from one half." default:"0.55" placeholder:"P"`
	Power    float64 `help:"Chance to find it." default:"0.8"`
	Alpha    float64 `help:"Level of the two-sided test." default:"0.05"`
	PerQuery float64 `help:"Votes on one query and pair." default:"1" placeholder:"M"`
	ICC      float64 `help:"How alike votes on one query are, 0 to 1." default:"0.2" placeholder:"R"`
	Votes    []int   `help:"Also what so many decided votes can tell." placeholder:"N,…"`
	Lang     string  `help:"Language of the tables: ${enum}." enum:"zh,en" default:"en"`
}

type powerDoc struct {
	Normal       int         `json:"votes_normal"`
	ExactFirst   int         `json:"votes_exact_first"`
	ExactForGood int         `json:"votes_exact_for_good"`
	DesignEffect float64     `json:"design_effect"`
	Needed       int         `json:"votes_needed"`
	Queries      int         `json:"queries_needed"`
	Votes        []powerLine `json:"votes,omitempty"`
}

type powerLine struct {
	N                int     `json:"n"`
	Power            float64 `json:"power"`
	LeastSignificant int     `json:"least_significant"`
	Detectable       float64 `json:"detectable_share"`
}

// Run says how large a vote must be before it starts.
func (c powerCmd) Run(_ context.Context, con *console) error {
	switch {
	case c.Share <= 0.5 || c.Share >= 1:
		return errs.Invalidf("--share %v: give a share above 0.5 and below 1", c.Share)
	case c.Power <= 0 || c.Power >= 1 || c.Alpha <= 0 || c.Alpha >= 1 || c.ICC < 0 || c.ICC > 1 || c.PerQuery < 1:
		return errs.Invalidf("--power and --alpha lie between 0 and 1, --icc from 0 to 1, --per-query is at least 1")
	}
	n := stats.SampleSize(c.Share, c.Alpha, c.Power)
	if n > 1e6 {
		return errs.Invalidf("--share %v needs over a million votes; nobody will cast them", c.Share)
	}
	doc := powerDoc{Normal: int(math.Ceil(n)), DesignEffect: stats.DesignEffect(c.PerQuery, c.ICC)}
	doc.ExactFirst, doc.ExactForGood = stats.ExactSampleSize(c.Share, c.Alpha, c.Power)
	doc.Needed = int(math.Ceil(float64(doc.ExactForGood) * doc.DesignEffect))
	doc.Queries = int(math.Ceil(float64(doc.Needed) / c.PerQuery))
	zh := c.Lang == "zh"
	say := func(a, b string) string {
		if zh {
			return a
		}
		return b
	}
	t := table.New(fmt.Sprintf(say("分清 %.1f%% 与 50%%", "To tell %.1f%% from 50%%"), 100*c.Share), table.Text(say("什么", "what")), table.Num("n"))
	t.Add(say("正态近似", "normal approximation"), doc.Normal)
	t.Add(say("精确检验：最早达到", "exact test: first reaches it"), doc.ExactFirst)
	t.Add(say("精确检验：此后都达到", "exact test: from here on"), doc.ExactForGood)
	t.Add(fmt.Sprintf(say("每题 %v 票、组内相关 %v：需要的票数", "with %v votes a query, icc %v: votes"), c.PerQuery, c.ICC), doc.Needed)
	t.Add(say("……需要的题数", "… and queries"), doc.Queries)
	t.Note = fmt.Sprintf(say("双侧，水平 %v，功效 %v；只数已分胜负的票", "two-sided at %v, power %v; decided votes only"), c.Alpha, c.Power)
	tables := []*table.Table{t}
	if len(c.Votes) > 0 {
		v := table.New(say("已有的票数能说明什么", "What so many votes can tell"), table.Num(say("票数", "votes")), table.Num(say("功效", "power")), table.Num(say("最少显著", "least significant")), table.Num(say("能分清", "detectable")))
		for _, n := range c.Votes {
			if n < 1 || n > 1_000_000 {
				return errs.Invalidf("--votes %d: give 1 to 1000000", n)
			}
			l := powerLine{n, stats.BinomialPower(c.Share, n, c.Alpha), stats.LeastSignificant(n, c.Alpha), stats.Detectable(float64(n), c.Alpha, c.Power)}
			doc.Votes = append(doc.Votes, l)
			v.Add(l.N, table.Percent(l.Power), l.LeastSignificant, table.Percent(l.Detectable))
		}
		tables = append(tables, v)
	}
	return finish(con, doc, tables, refusals{})
}
