package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"coigwriter/internal/stats"
	"coigwriter/internal/table"
)

// A Strength is one model's fitted ability.
type Strength struct {
	Model     string   `json:"model"`
	Theta     Number   `json:"theta"` // natural log, sum zero
	SE        Number   `json:"se"`    // sandwich over queries (CR1)
	Elo       Number   `json:"elo"`   // 1000 + 400/ln 10 · theta
	EloIn     Interval `json:"elo_interval"`
	Bootstrap Interval `json:"elo_bootstrap"` // percentile, over resampled queries
	RankLow   int      `json:"rank_best"`     // 1 + the models whose interval lies wholly above
	BothBad   Number   `json:"both_bad_rate"` // of the votes the model was in
	Votes     int      `json:"votes"`
}

// Strengths are the models of one language ranked by Bradley-Terry, with what speaks for and against
// the ranking.
type Strengths struct {
	Language string     `json:"language"`
	Votes    int        `json:"votes"`
	Decided  int        `json:"decided"`
	Queries  int        `json:"queries"`
	Ranked   int        `json:"from_rankings"`
	Models   []Strength `json:"models"` // strongest first
	// Method is bradley-terry, or ridge where no finite strengths exist; then Why says which models
	// cannot be ranked together, and no interval is given.
	Method string      `json:"method"`
	Why    Note        `json:"why,omitzero"`
	Fit    Fit         `json:"fit"`
	Ties   []TieModel  `json:"tie_models,omitempty"`
	Side   Effect      `json:"side"`   // preference for what was shown first, in logits; undefined where unknown
	Length Effect      `json:"length"` // of (own - other)/(own + other); undefined without lengths
	Equal  []Strength  `json:"at_equal_length,omitempty"`
	Raters []RaterLine `json:"raters,omitempty"`
	// Agree is how far raters agree about the same pair of outputs; SidesDiffer tests whether they differ
	// in how often they choose what is shown first.
	Agree       []Measure    `json:"rater_agreement,omitempty"`
	SidesDiffer Number       `json:"p_first_by_rater"`
	Pos         PositionBias `json:"position"`
	Notes       []Note       `json:"notes"`
}

// Fit is how well one strength a model explains the pairs: deviance against the saturated model.
type Fit struct {
	Deviance Number `json:"deviance"`
	DF       int    `json:"df"`
	P        Number `json:"p"`
}

// A TieModel is a model that explains ties too.
type TieModel struct {
	Name      string   `json:"name"` // davidson, rao-kupper, grounded
	Parameter Number   `json:"parameter"`
	LogLik    Number   `json:"loglik"`
	AIC       Number   `json:"aic"`
	Theta     []Number `json:"theta"` // in the order of Strengths.Models
}

// An Effect is a coefficient in logits with its sandwich error over queries.
type Effect struct {
	Estimate Number `json:"estimate"`
	SE       Number `json:"se"`
	P        Number `json:"p"`
}

// Strengths fits the models of a language.
func (v *Votes) Strengths(language string, o VoteOptions) (Strengths, error) {
	p := v.poll(language)
	c := stats.Count(p.models, p.votes)
	undefined := Effect{Number(math.NaN()), Number(math.NaN()), Number(math.NaN())}
	out := Strengths{
		Language: language, Votes: len(p.votes), Decided: len(stats.Decided(p.votes)), Queries: len(p.queries), Ranked: p.ranked, Method: "bradley-terry",
		Pos: p.position(), Side: undefined, Length: undefined, Fit: Fit{Deviance: Number(math.NaN()), P: Number(math.NaN())}, Raters: p.raterLines(), SidesDiffer: p.sidesDiffer(),
	}
	if other := v.others(); !other.IsZero() {
		out.Notes = append(out.Notes, other)
	}
	samples := stats.Resample(o.Seed, o.Bootstrap, len(p.queries))
	out.Agree = p.raterAgreement(samples)
	fit, err := stats.FitVotes(p.models, p.votes, stats.VoteOptions{})
	switch {
	case errors.Is(err, stats.ErrNotRankable):
		return out, out.ridge(p, c, err)
	case err != nil:
		return out, err
	}
	if bt, err := stats.BradleyTerry(c); err == nil {
		f := bt.TestFit(c)
		out.Fit = Fit{Number(f.Deviance), f.DF, Number(f.P)}
	}
	draws, failed := stats.BootstrapStrengths(p.models, p.votes, p.queries, samples)
	out.Models = p.strengths(c, fit.Theta, fit.SE.CR1, fit.Queries, draws)
	out.Notes = append(out.Notes, note("Bradley-Terry，%d 张已分胜负的票；区间：按 %d 道题聚类的三明治误差（CR1，自由度 %d 的 t）", "Bradley-Terry on %d decided votes; intervals: sandwich over %d queries (CR1, t with %d degrees of freedom)", out.Decided, fit.Queries, fit.Queries-1))
	if f := out.Fit; f.P.Defined() && f.DF > 0 {
		n := note("各对的计数与一模型一实力相合：偏差 %.2f，自由度 %d，p %s", "one strength a model explains the pairs: deviance %.2f on %d df, p %s", f.Deviance, f.DF, PText(f.P))
		switch {
		case f.P < 0.05:
			n = note("各对的计数与一模型一实力不合：偏差 %.2f，自由度 %d，p %s；名次不足以概括，看胜率矩阵", "one strength a model does not explain the pairs: deviance %.2f on %d df, p %s; read the matrix of win rates beside the ranking", f.Deviance, f.DF, PText(f.P))
		case f.P > 0.95:
			n = note("各对的计数比独立的票所能的还要齐整：偏差 %.2f，自由度 %d，p %.3f；也许由排名或评分推得", "the pairs fit more smoothly than independent votes would: deviance %.2f on %d df, p %.3f; they may be derived from rankings or scores", f.Deviance, f.DF, f.P)
		}
		out.Notes = append(out.Notes, n)
	}
	if o.Bootstrap > 0 {
		out.Notes = append(out.Notes, note("重抽：题目 %d 次（种子 %d），其中 %d 次没有有限的实力值，已略去", "bootstrap: %d resamples of queries (seed %d), %d without finite strengths left out", o.Bootstrap, o.Seed, failed))
	}
	out.ties(c)
	if sided := p.withSides(); len(sided.votes) > 0 {
		if f, err := stats.FitVotes(sided.models, sided.votes, stats.VoteOptions{Side: true}); err == nil {
			out.Side = effectOf(f.Side)
		}
	}
	out.equalLength(p)
	return out, nil
}

// equalLength fits the votes that carry both lengths with the length difference in the model.
func (s *Strengths) equalLength(p poll) {
	long := p.withLengths()
	if len(long.votes) == 0 {
		return
	}
	sided := !slices.Contains(long.sided, false)
	f, err := stats.FitVotes(long.models, long.votes, stats.VoteOptions{Side: sided, Covariates: []int{0}})
	if err != nil && sided { // the same model always first: its side cannot be told from its strength
		f, err = stats.FitVotes(long.models, long.votes, stats.VoteOptions{Covariates: []int{0}})
	}
	if err != nil {
		s.Notes = append(s.Notes, note("等长时：%v", "at equal length: %v", err))
		return
	}
	s.Length = effectOf(f.Covariates[0])
	s.Equal = long.strengths(stats.Count(long.models, long.votes), f.Theta, f.SE.CR1, f.Queries, nil)
	s.Notes = append(s.Notes, note("等长时：模型里加入长度差（己 - 彼）/（己 + 彼）后的实力，用有双方长度的 %d 票（共 %d）", "at equal length: strengths with the length difference (own - other)/(own + other) in the model, from the %d of %d votes that carry both lengths", len(long.votes), len(p.votes)))
}

func effectOf(e stats.Effect) Effect { return Effect{Number(e.Estimate), Number(e.CR1), Number(e.P)} }

// strengths puts fitted values into lines, strongest first.
func (p poll) strengths(c stats.Comparisons, theta, se []float64, queries int, draws [][]float64) []Strength {
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(max(queries-1, 1))}.Quantile(0.975)
	elo := func(x float64) Number { return Number(1000 + 400/math.Ln10*x) }
	ranks := stats.RankBounds(theta, se)
	out := make([]Strength, len(p.models))
	for i, m := range p.models {
		s := Strength{
			Model: m, Theta: Number(theta[i]), SE: Number(se[i]), Elo: elo(theta[i]), EloIn: Interval{elo(theta[i] - t*se[i]), elo(theta[i] + t*se[i])},
			RankLow: ranks[i], Bootstrap: Interval{Number(math.NaN()), Number(math.NaN())},
		}
		bad, all := 0.0, 0.0
		for j := range p.models {
			bad += c.BothBad[i][j]
			all += c.Win[i][j] + c.Win[j][i] + c.Tie[i][j] + c.BothBad[i][j]
		}
		s.BothBad, s.Votes = Number(bad/all), int(all)
		if len(draws) > 1 {
			var own []float64
			for _, d := range draws {
				own = append(own, d[i])
			}
			iv := stats.Percentiles(own, 0.95)
			s.Bootstrap = Interval{elo(iv.Lo), elo(iv.Hi)}
		}
		out[i] = s
	}
	slices.SortStableFunc(out, func(a, b Strength) int {
		switch {
		case a.Theta > b.Theta:
			return -1
		case a.Theta < b.Theta:
			return 1
		}
		return 0
	})
	return out
}

// ridgeLambda pulls strengths together where nothing else bounds them.
const ridgeLambda = 0.1

// ridge is the estimate where some models cannot be ranked against others.
func (s *Strengths) ridge(p poll, c stats.Comparisons, why error) error {
	r, err := stats.Ridge(c, ridgeLambda)
	if err != nil {
		return err
	}
	s.Method, s.Why = "ridge", Note{why.Error(), why.Error()}
	if g := c.Connections(); !g.Rankable() {
		s.Why.ZH = fmt.Sprintf("没有有限的实力值：这些票没有把所有模型双向连起来，%s 之间有一方从未输给另一方，或从未相遇", strings.Join(g.Groups(p.models), "、"))
	}
	nan := make([]float64, len(p.models))
	for i := range nan {
		nan[i] = math.NaN()
	}
	s.Models = p.strengths(c, r.Theta, nan, len(p.queries), nil)
	for i := range s.Models {
		s.Models[i].RankLow = 0
	}
	s.Notes = append(s.Notes, note("实力值无有限解；所列为岭估计（lambda %v），没有区间：只是次序，不是测量", "no finite strengths exist; shown is a ridge estimate (lambda %v) without intervals: an order, not a measurement", ridgeLambda))
	return nil
}

// ties fits the models that explain ties, where there are any.
func (s *Strengths) ties(c stats.Comparisons) {
	ties, bad := 0.0, 0.0
	for i := range c.Models {
		for j := range c.Models {
			ties, bad = ties+c.Tie[i][j], bad+c.BothBad[i][j]
		}
	}
	if ties+bad == 0 {
		return
	}
	fits := []struct {
		name string
		fit  func(stats.Comparisons) (stats.Strengths, error)
	}{{"davidson", stats.Davidson}, {"rao-kupper", stats.RaoKupper}}
	if bad > 0 && ties > 0 {
		fits = append(fits, struct {
			name string
			fit  func(stats.Comparisons) (stats.Strengths, error)
		}{"grounded", stats.Grounded})
	}
	for _, f := range fits {
		r, err := f.fit(c)
		if err != nil {
			s.Notes = append(s.Notes, note("%s：%v", "%s: %v", f.name, err))
			continue
		}
		m := TieModel{Name: f.name, Parameter: Number(r.Extra), LogLik: Number(r.LogLik), AIC: Number(2*float64(len(c.Models)) - 2*r.LogLik)}
		if f.name == "grounded" { // one strength more: the ground bounds them all
			m.AIC += 2
		}
		for _, x := range s.Models {
			m.Theta = append(m.Theta, Number(r.Theta[slices.Index(c.Models, x.Model)]))
		}
		s.Ties = append(s.Ties, m)
	}
}

// Tables returns the ranking, the models of ties, and the raters.
func (s Strengths) Tables(lang string) []*table.Table {
	title := pick(lang, "实力 · ", "Strengths · ") + LanguageName(s.Language, lang)
	first := s.strengthTable(lang, title, s.Models).As("strengths-" + slug(s.Language))
	notes := append([]Note{s.Why}, s.Notes...)
	if s.Side.Estimate.Defined() {
		notes = append(notes, s.Pos.note(), note("先显示的好处 %.2f logit ± %.2f，p %s", "being shown first is worth %.2f logits ± %.2f, p %s", s.Side.Estimate, s.Side.SE, PText(s.Side.P)))
	}
	first.Note = joined(lang, notes...)
	out := []*table.Table{first}
	if len(s.Equal) > 0 {
		t := s.strengthTable(lang, pick(lang, "等长时的实力 · ", "Strengths at equal length · ")+LanguageName(s.Language, lang), s.Equal).As("strengths-equal-length-" + slug(s.Language))
		t.Note = fmt.Sprintf(pick(lang, "长度系数 %s ± %s，p %s", "length coefficient %s ± %s, p %s"), table.Cell(float64(s.Length.Estimate)), table.Cell(float64(s.Length.SE)), PText(s.Length.P))
		out = append(out, t)
	}
	if len(s.Ties) > 0 {
		t := table.New(pick(lang, "平局的模型", "Models of ties"), table.Text(pick(lang, "模型", "model")), table.Num(pick(lang, "参数", "parameter")), table.Num("log L"), table.Num("AIC")).As("ties-" + slug(s.Language))
		for _, m := range s.Ties {
			t.Add(m.Name, float64(m.Parameter), float64(m.LogLik), float64(m.AIC))
		}
		out = append(out, t)
	}
	if len(s.Raters) > 0 {
		out = append(out, s.raterTable(lang))
	}
	return out
}

func (s Strengths) strengthTable(lang, title string, models []Strength) *table.Table {
	t := table.New(title, table.Text(pick(lang, "模型", "model")), table.Num("Elo"), table.Num("95%"), table.Num(pick(lang, "重抽 95%", "bootstrap 95%")), table.Num("theta"), table.Num("se"), table.Num(pick(lang, "名次至少", "rank at best")), table.Num(pick(lang, "都不好", "both bad")), table.Num(pick(lang, "票数", "votes")))
	span := func(i Interval) string {
		if !i.Lo.Defined() {
			return "–"
		}
		return fmt.Sprintf("%.0f, %.0f", i.Lo, i.Hi)
	}
	for _, m := range models {
		rank := any(m.RankLow)
		if m.RankLow == 0 {
			rank = nil
		}
		t.Add(m.Model, fmt.Sprintf("%.0f", m.Elo), span(m.EloIn), span(m.Bootstrap), float64(m.Theta), float64(m.SE), rank, table.Percent(m.BothBad), m.Votes)
	}
	return t
}

func strengths(c *Corpus) Study {
	return Study{"ratings", nil, func() (out Result, err error) {
		var doc []Strengths
		for _, lang := range c.Votes.Languages() {
			s, err := c.Votes.Strengths(lang, c.votes())
			if err != nil {
				return out, err
			}
			doc = append(doc, s)
			out.Tables, out.Figures = append(out.Tables, s.Tables(c.Lang)...), append(out.Figures, s.Figure(c.Lang, c.Theme))
		}
		out.Doc = doc
		return out, nil
	}}
}
