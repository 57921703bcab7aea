package analysis

import (
	"fmt"
	"math"
	"slices"

	"coigwriter/internal/stats"
)

// VoteOptions say how votes are analysed.
type VoteOptions struct {
	Bootstrap int // resamples of queries; 0 leaves the bootstrap out
	Seed      uint64
	// Group turns a genre into what Genres groups by, such as its category; nil leaves it.
	Group func(genre string) string
}

func (o VoteOptions) group(genre string) string {
	if o.Group == nil {
		return genre
	}
	return o.Group(genre)
}

// TiePolicy is how ties count, in words that stand under every table.
var TiePolicy = note("胜率 = 胜 /（胜 + 负）；平局与“都不好”照列，不进胜率；半平率里各算半胜",
	"rate = wins / (wins + losses); ties and both-bad votes are shown and leave the rate alone; in the half-tie rate each is half a win")

// A WinRates is the paper's Table 2 for one language.
type WinRates struct {
	Language string       `json:"language"`
	Votes    int          `json:"votes"`
	Ranked   int          `json:"from_rankings"`            // votes that rankings stand for
	Partial  int          `json:"rankings_of_fewer_models"` // than the longest ranking of the language
	Most     int          `json:"votes_of_one_query"`       // on one pair, at most: from 2 on, queries are the unit
	Queries  int          `json:"queries"`
	Raters   int          `json:"raters"`
	Models   []string     `json:"models"`
	Pairs    []WinPair    `json:"pairs"`
	Mean     []Number     `json:"mean_rate"` // of each model over its opponents
	Position PositionBias `json:"position"`
	Notes    []Note       `json:"notes"`
}

// A WinPair is one cell of the matrix: model A against model B. P values are exact, two-sided,
// against one half; Holm and BH correct over all pairs of the language.
type WinPair struct {
	A       string   `json:"a"`
	B       string   `json:"b"`
	Wins    int      `json:"wins"` // of A
	Losses  int      `json:"losses"`
	Ties    int      `json:"ties"`
	BothBad int      `json:"both_bad"`
	N       int      `json:"n"` // decided: wins + losses
	Rate    Number   `json:"rate"`
	HalfTie Number   `json:"half_tie_rate"`
	Wilson  Interval `json:"wilson"`  // as if votes were independent
	Cluster Interval `json:"cluster"` // percentile bootstrap over queries; undefined without one
	P       Number   `json:"p_exact"`
	Holm    Number   `json:"p_holm"`
	BH      Number   `json:"p_bh"`
	Sign    Sign     `json:"sign_by_query"`
	// Equal is the rate at equal length, where every vote carries both lengths: ties count half.
	Equal *LengthControl `json:"length_controlled,omitempty"`
}

// A Sign is the exact sign test with queries as the unit: how many favour A, how many B.
type Sign struct {
	For     int    `json:"for"`
	Against int    `json:"against"`
	Even    int    `json:"even"` // queries whose votes cancel out; they do not count
	P       Number `json:"p"`
	Holm    Number `json:"p_holm"`
}

// A LengthControl is a win rate without what length alone explains (AlpacaEval 2, minimal form).
type LengthControl struct {
	Rate          Number   `json:"rate"`
	Interval      Interval `json:"interval"` // delta method on the sandwich errors, votes independent
	PrefersLonger Number   `json:"prefers_longer"`
	Why           string   `json:"why,omitempty"` // why there is none
}

// PositionBias is how often the side shown first won.
type PositionBias struct {
	Known    bool     `json:"known"`   // some votes say what was shown first
	Unknown  int      `json:"unknown"` // votes that do not; they are left out here
	First    int      `json:"first"`
	N        int      `json:"n"`
	Rate     Number   `json:"rate"`
	Interval Interval `json:"interval"`
	P        Number   `json:"p_exact"`
}

// WinRates computes the matrix of a language.
func (v *Votes) WinRates(language string, o VoteOptions) WinRates {
	p := v.poll(language)
	c := stats.Count(p.models, p.votes)
	out := WinRates{Language: language, Votes: len(p.votes), Ranked: p.ranked, Partial: p.partial.n, Most: p.most(), Queries: len(p.queries), Raters: len(p.raters), Models: p.models, Position: p.position()}
	samples, per, long := stats.Resample(o.Seed, o.Bootstrap, len(p.queries)), stats.CountByQuery(p.models, p.votes, p.queries), p.withLengths()
	var signs []float64
	for _, r := range c.Pairs() {
		sign := per.Sign(r.I, r.J)
		signs = append(signs, sign.P)
		w := WinPair{
			A: p.models[r.I], B: p.models[r.J], Wins: int(r.Wins), Losses: int(r.Losses), Ties: int(r.Ties), BothBad: int(r.Bad), N: int(r.N()),
			Rate: Number(r.Rate), HalfTie: Number(r.HalfTie), Wilson: intervalOf(r.Wilson), P: Number(r.P), Holm: Number(r.Holm), BH: Number(r.BH),
			Cluster: clusterInterval(per.BootstrapRate(samples, r.I, r.J), r.Rate, sign), Sign: Sign{For: sign.For, Against: sign.Against, Even: sign.Even, P: Number(sign.P)},
		}
		if len(long.votes) > 0 {
			w.Equal = long.lengthControl(w.A, w.B)
		}
		out.Pairs = append(out.Pairs, w)
	}
	for i, holm := range stats.Holm(signs) {
		out.Pairs[i].Sign.Holm = Number(holm)
	}
	for _, m := range c.MeanRates() {
		out.Mean = append(out.Mean, Number(m))
	}
	out.Notes = out.notes(p, o, len(long.votes))
	if other := v.others(); !other.IsZero() {
		out.Notes = append(out.Notes, other)
	}
	return out
}

// clusterInterval is the percentile interval of rates over resampled queries. Where all resamples give
// one rate they know nothing of chance (every query said the same): then it is Wilson's with queries as
// the unit.
func clusterInterval(draws []float64, rate float64, sign stats.SignTest) Interval {
	if len(draws) < 2 {
		return Interval{Number(math.NaN()), Number(math.NaN())}
	}
	i := stats.Percentiles(draws, 0.95)
	if i.Lo == i.Hi {
		n := float64(sign.For + sign.Against + sign.Even)
		i = stats.Wilson(rate*n, n, 0.95)
	}
	return intervalOf(i)
}

// lengthControl is the rate of model a against b at equal length.
func (p poll) lengthControl(a, b string) *LengthControl {
	i, j := slices.Index(p.models, a), slices.Index(p.models, b)
	var preference, difference []float64
	for _, v := range p.votes {
		if !(v.Left == i && v.Right == j || v.Left == j && v.Right == i) {
			continue
		}
		won, d := 0.5, v.Covariates[1]
		switch v.Outcome {
		case stats.LeftWins:
			won = 1
		case stats.RightWins:
			won = 0
		}
		if v.Left == j {
			won, d = 1-won, -d
		}
		preference, difference = append(preference, won), append(difference, d)
	}
	nan := Number(math.NaN())
	c, err := stats.ControlLength(preference, difference)
	if err != nil {
		return &LengthControl{Rate: nan, Interval: Interval{nan, nan}, PrefersLonger: nan, Why: err.Error()}
	}
	return &LengthControl{
		Rate: Number(c.Controlled), Interval: Interval{Number(c.Controlled - 1.96*c.ControlledSE), Number(c.Controlled + 1.96*c.ControlledSE)}, PrefersLonger: Number(c.PrefersLonger),
	}
}

func (p poll) position() PositionBias {
	b := PositionBias{Rate: Number(math.NaN()), P: Number(math.NaN()), Interval: Interval{Number(math.NaN()), Number(math.NaN())}}
	sided := p.withSides().votes
	b.Unknown = len(p.votes) - len(sided)
	if b.Known = len(sided) > 0; b.Known {
		x := stats.PositionOf(sided)
		b.First, b.N, b.Rate, b.Interval, b.P = int(x.Left), int(x.N), Number(x.Rate), intervalOf(x.Interval), Number(x.P)
	}
	return b
}

// note says it in words; empty where nothing is known.
func (b PositionBias) note() Note {
	if !b.Known || b.N == 0 {
		return Note{}
	}
	n := note("先显示的一方胜 %d/%d = %.1f%% [%s]，p %s", "what was shown first won %d of %d = %.1f%% [%s], p %s", b.First, b.N, 100*b.Rate, percentRange(b.Interval), PText(b.P))
	if b.Unknown > 0 {
		n.ZH, n.EN = n.ZH+fmt.Sprintf("（另有 %d 票未说明先后）", b.Unknown), n.EN+fmt.Sprintf(" (%d more votes do not say what was first)", b.Unknown)
	}
	return n
}

// notes are the methods in words, from what was done.
func (w WinRates) notes(p poll, o VoteOptions, long int) []Note {
	notes := []Note{
		TiePolicy,
		note("p：已分胜负的票对一半的精确双侧二项检验，按 Holm 对本语言的 %d 对校正", "p: exact two-sided binomial test of the decided votes against one half, corrected by Holm over the %d pairs of this language", len(w.Pairs)),
	}
	switch {
	case p.ranked > 0 && o.Bootstrap > 0:
		notes = append(notes, note("票由排名展开，彼此相关：区间按 %d 道题重抽 %d 次（种子 %d），检验以题为单位；Wilson 与二项检验会把它们当作独立，故略去", "votes come from rankings and belong together: intervals resample the %d queries %d times (seed %d), and queries are the unit of the test; Wilson's and the binomial would treat them as independent and are left out", w.Queries, o.Bootstrap, o.Seed))
	case o.Bootstrap > 0:
		notes = append(notes, note("区间：Wilson 视各票独立；聚类区间按 %d 道题重抽 %d 次（种子 %d）", "intervals: Wilson's treat votes as independent; clustered ones resample the %d queries %d times (seed %d)", w.Queries, o.Bootstrap, o.Seed))
	default:
		notes = append(notes, note("区间：Wilson 视各票独立；没有重抽，就不知道几票同出一题", "intervals: Wilson's treat votes as independent; without a bootstrap nothing knows that votes share queries"))
	}
	if w.Most > 1 {
		n := note("同一题同一对最多有 %d 票，并不独立：星号按以题为单位的符号检验（p 按题）", "a query and pair has up to %d votes, which are not independent: stars follow the sign test with queries as the unit (p by queries)", w.Most)
		if o.Bootstrap > 0 {
			n.ZH, n.EN = n.ZH+"，矩阵与图里的区间按题重抽", n.EN+", and matrix and figure show the intervals over queries"
		}
		notes = append(notes, n)
	}
	for _, n := range []Note{p.partial.note(), w.Position.note()} {
		if !n.IsZero() {
			notes = append(notes, n)
		}
	}
	if p.unnamed > 0 && p.unnamed < len(p.votes) || p.unnamed > 0 && w.Most > 1 {
		notes = append(notes, note("%d 票未写评测员：同一人重复投票无从得知", "%d votes name no rater: whether one person voted twice cannot be told", p.unnamed))
	}
	if long > 0 && long < len(p.votes) {
		notes = append(notes, note("等长时的胜率用有双方长度的 %d 票（共 %d）", "rates at equal length rest on the %d of %d votes that carry both lengths", long, len(p.votes)))
	}
	return notes
}

// dependent reports whether votes belong together, so that queries are the unit.
func (w WinRates) dependent() bool { return w.Ranked > 0 || w.Most > 1 }

// Interval is the one to show for a pair: from resampled queries where votes belong together, else
// Wilson's.
func (w WinRates) Interval(p WinPair) Interval {
	if w.Ranked > 0 || w.dependent() && p.Cluster.Lo.Defined() {
		return p.Cluster
	}
	return p.Wilson
}

// Corrected is the p-value that decides on stars: after Holm, of the sign test over queries where votes
// belong together, else of the votes.
func (w WinRates) Corrected(p WinPair) Number {
	if w.dependent() {
		return p.Sign.Holm
	}
	return p.Holm
}

// Pair returns the cell of row a against column b, turned round where it stands so.
func (w WinRates) Pair(a, b string) (WinPair, bool) {
	for _, p := range w.Pairs {
		if p.A == a && p.B == b {
			return p, true
		}
		if p.A == b && p.B == a {
			flip := func(i Interval) Interval { return Interval{1 - i.Hi, 1 - i.Lo} }
			p.A, p.B, p.Wins, p.Losses, p.Sign.For, p.Sign.Against = a, b, p.Losses, p.Wins, p.Sign.Against, p.Sign.For
			p.Rate, p.HalfTie, p.Wilson, p.Cluster = 1-p.Rate, 1-p.HalfTie, flip(p.Wilson), flip(p.Cluster)
			if p.Equal != nil {
				e := *p.Equal
				e.Rate, e.Interval = 1-e.Rate, flip(e.Interval)
				p.Equal = &e
			}
			return p, true
		}
	}
	return WinPair{}, false
}

// LanguageName is a language in words.
func LanguageName(code, lang string) string {
	switch code {
	case "zh":
		return pick(lang, "中文", "Chinese")
	case "en":
		return pick(lang, "英文", "English")
	case "und":
		return pick(lang, "语言不定", "no one language")
	case "":
		return pick(lang, "未注明语言", "no language given")
	}
	return code
}

func winrates(c *Corpus) Study {
	return Study{"winrate", nil, func() (out Result, err error) {
		var doc []WinRates
		for _, lang := range c.Votes.Languages() {
			w := c.Votes.WinRates(lang, c.votes())
			doc = append(doc, w)
			out.Tables, out.Figures = append(out.Tables, w.Tables(c.Lang)...), append(out.Figures, w.Figure(c.Lang, c.Theme))
		}
		out.Doc = doc
		return out, nil
	}}
}
