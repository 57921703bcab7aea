package evaluate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A Preference is what people chose of two models' answers to one query.
type Preference struct {
	Study         string  `json:"study"`
	QueryID       string  `json:"query_id"`
	Language      string  `json:"language"`
	Genre         string  `json:"genre"`
	Prompt        string  `json:"prompt"`
	Chosen        string  `json:"chosen"`
	Rejected      string  `json:"rejected"`
	ChosenModel   string  `json:"chosen_model"`
	RejectedModel string  `json:"rejected_model"`
	Votes         int     `json:"votes"` // decided ones
	Share         float64 `json:"share"` // of them for what was chosen
	// Margin is the share for what was chosen less the share for what was rejected, 0 to 1.
	Margin float64 `json:"margin"`
	// RankGap is how many places apart they stood, on average over rankings; 0 where people compared pairs.
	RankGap float64 `json:"rank_gap,omitempty"`
	// Agreement is the share of pairs of raters who chose the same; undefined (null) with one.
	Agreement *float64 `json:"agreement"`
}

// PreferOptions say which preferences are taken.
type PreferOptions struct {
	MinMargin float64 // 0 to 1
	MinVotes  int     // decided votes, at least 1
}

// A PreferReport counts what became of what people said.
type PreferReport struct {
	Study      string         `json:"study"`
	PlanHash   string         `json:"plan_hash"`
	Format     string         `json:"format"`
	Pairs      int            `json:"pairs"`   // of answers that people compared
	Written    int            `json:"written"` // of them
	Ties       int            `json:"tie_votes"`
	Even       int            `json:"even"`       // pairs left out: as many for one as for the other, or only ties
	FewVotes   int            `json:"few_votes"`  // pairs left out by MinVotes
	LowMargin  int            `json:"low_margin"` // pairs left out by MinMargin
	Excluded   int            `json:"verdicts_of_excluded_raters"`
	MinMargin  float64        `json:"min_margin"`
	MinVotes   int            `json:"min_votes"`
	Models     map[string]int `json:"chosen_by_model"`
	NotCounted []Found        `json:"not_counted"`
	QuerySet   string         `json:"query_set"`
	SetHash    string         `json:"query_set_hash"`
	Warning    string         `json:"warning"`
}

// PreferWarning stands in the help of the command and in every manifest.
const PreferWarning = "these texts answer the queries of a benchmark: a model that is trained on them has seen it, and may no longer be compared on these queries"

// choice counts the votes on two answers to a query.
type choice struct {
	first                 VoteRecord // names the query, and the models in the order counted
	wins, losses, ties, n int
	gap                   float64
	ranked                int
}

// Preferences turns the verdicts of people into preferences. Ties count for neither side, and what does
// not count in results does not count here.
func Preferences(ctx context.Context, d *db.DB, s Study, o PreferOptions) (ps []Preference, rep PreferReport, err error) {
	defer errs.Wrap(&err, "preferences of %s", s.Name)
	rep = PreferReport{Study: s.Name, PlanHash: s.PlanHash, MinMargin: o.MinMargin, MinVotes: max(o.MinVotes, 1), Models: map[string]int{}, Warning: PreferWarning}
	switch {
	case !(o.MinMargin >= 0 && o.MinMargin <= 1):
		return nil, rep, errs.Invalidf("the least margin is a share from 0 to 1, not %g", o.MinMargin)
	case s.Kind == Rate:
		return nil, rep, errs.Invalidf("%s is a study of marks: nobody chose between two answers", s.Name)
	case s.Origin != Here:
		return nil, rep, errs.Invalidf("the verdicts of %s were given elsewhere, and their texts are not here", s.Name)
	}
	r, err := RecordsOf(ctx, d, s)
	if err != nil {
		return nil, rep, err
	}
	set, err := bench.GetSet(ctx, d, s.Plan.V.SetID)
	if err != nil {
		return nil, rep, err
	}
	rep.QuerySet, rep.SetHash, rep.NotCounted = set.Title(), set.Hash, r.Found
	for _, f := range r.Found {
		if f.Rule == RuleExcluded {
			rep.Excluded = f.Count
		}
	}
	texts, err := textsOf(ctx, d, s)
	if err != nil {
		return nil, rep, err
	}
	for _, c := range choices(r) {
		rep.Pairs++
		rep.Ties += c.ties
		p := c.preference(texts)
		switch {
		case c.wins == c.losses:
			rep.Even++
		case p.Votes < rep.MinVotes:
			rep.FewVotes++
		case p.Margin < o.MinMargin:
			rep.LowMargin++
		default:
			rep.Models[p.ChosenModel]++
			ps = append(ps, p)
		}
	}
	rep.Written = len(ps)
	return ps, rep, nil
}

// choices adds up votes and rankings by query and pair of models, in the order of the items.
func choices(r Records) []*choice {
	byPair := map[[3]string]*choice{}
	var out []*choice
	of := func(v VoteRecord) (c *choice, turned bool) {
		turned = v.ModelA > v.ModelB
		key := [3]string{v.QueryID, min(v.ModelA, v.ModelB), max(v.ModelA, v.ModelB)}
		if c = byPair[key]; c == nil {
			v.ModelA, v.ModelB = key[1], key[2]
			c = &choice{first: v}
			byPair[key] = c
			out = append(out, c)
		}
		return c, turned
	}
	add := func(v VoteRecord, gap float64) {
		c, turned := of(v)
		c.n++
		switch {
		case v.Winner != "a" && v.Winner != "b":
			c.ties++
			return
		case (v.Winner == "a") != turned:
			c.wins++
		default:
			c.losses++
			gap = -gap
		}
		if gap != 0 {
			c.gap += gap
			c.ranked++
		}
	}
	for _, v := range r.Votes {
		add(v, 0)
	}
	for _, k := range r.Rankings {
		for i, better := range k.Ranked {
			for j := i + 1; j < len(k.Ranked); j++ {
				add(VoteRecord{QueryID: k.QueryID, Language: k.Language, Genre: k.Genre, ModelA: better, ModelB: k.Ranked[j], Winner: "a", Study: k.Study}, float64(j-i))
			}
		}
	}
	return out
}

func (c *choice) preference(texts map[[2]string]string) Preference {
	v := c.first
	p := Preference{Study: v.Study, QueryID: v.QueryID, Language: v.Language, Genre: v.Genre, Prompt: texts[[2]string{v.QueryID, ""}], Votes: c.wins + c.losses}
	won := c.wins
	p.ChosenModel, p.RejectedModel = v.ModelA, v.ModelB
	if c.losses > c.wins {
		won, p.ChosenModel, p.RejectedModel = c.losses, v.ModelB, v.ModelA
	}
	p.Chosen, p.Rejected = texts[[2]string{v.QueryID, p.ChosenModel}], texts[[2]string{v.QueryID, p.RejectedModel}]
	if p.Votes > 0 {
		p.Share = float64(won) / float64(p.Votes)
		p.Margin = 2*p.Share - 1
	}
	if c.ranked > 0 {
		p.RankGap = math.Abs(c.gap) / float64(c.ranked)
	}
	if c.n > 1 {
		pairs := func(k int) float64 { return float64(k) * float64(k-1) / 2 }
		a := (pairs(c.wins) + pairs(c.losses) + pairs(c.ties)) / pairs(c.n)
		p.Agreement = &a
	}
	return p
}

// textsOf returns the answers that a study compares, by query and model, and under "" the query itself.
func textsOf(ctx context.Context, d *db.DB, s Study) (map[[2]string]string, error) {
	qs, err := bench.Queries(ctx, d, s.Plan.V.SetID)
	if err != nil {
		return nil, err
	}
	out, code := map[[2]string]string{}, map[string]string{}
	for _, q := range qs {
		out[[2]string{q.Code, ""}], code[q.ID] = q.Prompt, q.Code
	}
	as, err := bench.Answers(ctx, d, s.Plan.V.SetID, s.Plan.V.Models...)
	if err != nil {
		return nil, err
	}
	for _, a := range as {
		if a.Sample == s.Plan.V.Sample {
			out[[2]string{code[a.QueryID], a.Model}] = a.Output
		}
	}
	return out, nil
}

// A PreferFormat is one shape in which trainers read preferences. A new one is a function and a line in
// [PreferFormats].
type PreferFormat struct {
	Name string
	Doc  string
	line func(Preference) any
	llf  map[string]any // how LLaMA-Factory's dataset_info.json describes it
}

// PreferFormats are all of them.
var PreferFormats = []PreferFormat{
	{Name: "trl", Doc: "prompt, chosen, rejected: TRL's DPOTrainer, standard", line: trlLine},
	{Name: "trl-chat", Doc: "the same as messages: TRL, conversational", line: trlChatLine},
	{Name: "llamafactory", Doc: "ranking ShareGPT with its dataset_info.json: LLaMA-Factory's dpo, orpo, simpo and rm", line: llamaFactoryLine, llf: map[string]any{
		"ranking": true, "formatting": "sharegpt", "columns": map[string]string{"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
	}},
	{Name: "reward", Doc: "chosen and rejected as whole conversations, with margin: TRL's RewardTrainer", line: rewardLine},
	{Name: "jsonl", Doc: "everything that is known of each preference", line: func(p Preference) any { return p }},
}

// PreferFormatOf returns the format of a name.
func PreferFormatOf(name string) (PreferFormat, error) {
	var names []string
	for _, f := range PreferFormats {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return PreferFormat{}, errs.Invalidf("there is no format %q; there are %s", name, strings.Join(names, ", "))
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type turn struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

func trlLine(p Preference) any {
	return struct {
		Prompt   string  `json:"prompt"`
		Chosen   string  `json:"chosen"`
		Rejected string  `json:"rejected"`
		Margin   float64 `json:"margin"`
		Votes    int     `json:"votes"`
	}{p.Prompt, p.Chosen, p.Rejected, p.Margin, p.Votes}
}

func trlChatLine(p Preference) any {
	return struct {
		Prompt   []message `json:"prompt"`
		Chosen   []message `json:"chosen"`
		Rejected []message `json:"rejected"`
		Margin   float64   `json:"margin"`
		Votes    int       `json:"votes"`
	}{[]message{{"user", p.Prompt}}, []message{{"assistant", p.Chosen}}, []message{{"assistant", p.Rejected}}, p.Margin, p.Votes}
}

func llamaFactoryLine(p Preference) any {
	return struct {
		Conversations []turn `json:"conversations"`
		Chosen        turn   `json:"chosen"`
		Rejected      turn   `json:"rejected"`
	}{[]turn{{"human", p.Prompt}}, turn{"gpt", p.Chosen}, turn{"gpt", p.Rejected}}
}

func rewardLine(p Preference) any {
	whole := func(answer string) []message { return []message{{"user", p.Prompt}, {"assistant", answer}} }
	return struct {
		Chosen   []message `json:"chosen"`
		Rejected []message `json:"rejected"`
		Margin   float64   `json:"margin"`
	}{whole(p.Chosen), whole(p.Rejected), p.Margin}
}

// Write writes preferences as JSON Lines.
func (f PreferFormat) Write(w io.Writer, ps []Preference) error {
	out := make([]any, len(ps))
	for i, p := range ps {
		out[i] = f.line(p)
	}
	return lines(out)(w)
}

// DatasetInfo is LLaMA-Factory's description of a file of this format, or nil.
func (f PreferFormat) DatasetInfo(name, file string) ([]byte, error) {
	if f.llf == nil {
		return nil, nil
	}
	entry := map[string]any{"file_name": file}
	for k, v := range f.llf {
		entry[k] = v
	}
	b, err := json.MarshalIndent(map[string]any{name: entry}, "", "  ")
	return append(b, '\n'), err
}

// Words sums a report up.
func (r PreferReport) Words() string {
	models := make([]string, 0, len(r.Models))
	for m := range r.Models {
		models = append(models, m)
	}
	slices.SortFunc(models, func(a, b string) int { return cmp.Or(r.Models[b]-r.Models[a], cmp.Compare(a, b)) })
	for i, m := range models {
		models[i] = fmt.Sprintf("%s %d", m, r.Models[m])
	}
	return strings.Join(models, ", ")
}
