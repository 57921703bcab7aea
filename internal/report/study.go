package report

import (
	"encoding/json"

	"coigwriter/internal/errs"
)

// A Study is one blind comparison or rating by people, as its report tells it: inputs/studies.json is a
// list of them. Whoever planned and ran it fills it; times are in UTC as RFC 3339 writes them, and what is
// not known is left out.
type Study struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Kind      string   `json:"kind"` // pair, rank or rate
	Languages []string `json:"languages,omitempty"`
	// Plan is what was planned, any JSON object; the report shows it as it stands, as a table.
	Plan     json.RawMessage `json:"plan,omitempty"`
	PlanHash string          `json:"plan_hash,omitempty"` // of the plan as it was frozen; "" says that it was not
	FrozenAt string          `json:"frozen_at,omitempty"` // before OpenedAt: the plan came before the votes
	OpenedAt string          `json:"opened_at,omitempty"`
	ClosedAt string          `json:"closed_at,omitempty"`

	Set        QuerySet    `json:"set,omitzero"`
	Models     []string    `json:"models,omitempty"` // in the order of the tables
	Evaluators int         `json:"evaluators"`       // people asked
	Tasks      int         `json:"tasks"`            // judgements planned
	Done       int         `json:"done"`             // judgements given
	Rules      []Rule      `json:"rules,omitempty"`
	Deviations []Deviation `json:"deviations,omitempty"`
	Raters     []Rater     `json:"raters,omitempty"`
	Judges     []Judge     `json:"judges,omitempty"`
}

// A QuerySet is the queries of a study in the version it used.
type QuerySet struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Hash    string `json:"hash"`
}

// A Rule is a stated rule under which something was left out or refused, and how often that happened.
// It may be 0: a rule that never bit is worth saying too.
type Rule struct {
	Key   string `json:"key"`
	ZH    string `json:"zh"`
	EN    string `json:"en"`
	Count int    `json:"count"`
}

// A Deviation is a change of the plan after it was frozen.
type Deviation struct {
	At   string `json:"at"`
	What string `json:"what"`
	Why  string `json:"why"`
}

// A Rater is one evaluator under a stable pseudonym. Shares are 0 to 1.
type Rater struct {
	Pseudonym       string   `json:"pseudonym"`
	Votes           int      `json:"votes"`
	AttentionPassed int      `json:"attention_passed"` // of AttentionN attention items
	AttentionN      int      `json:"attention_n"`
	SelfConsistent  int      `json:"self_consistent"` // of RepeatN items that were shown again
	RepeatN         int      `json:"repeat_n"`
	MedianSeconds   *float64 `json:"median_seconds,omitempty"` // of a judgement
	FastShare       *float64 `json:"fast_share,omitempty"`     // of judgements under the minimum reading time
	Excluded        bool     `json:"excluded"`
	Why             string   `json:"why,omitempty"` // of the exclusion
}

// A Judge is a model that judges; model, prompt and parameters together are its identity.
type Judge struct {
	Model      string          `json:"model"`
	Prompt     string          `json:"prompt"`
	Version    string          `json:"version"` // of the prompt
	Parameters json.RawMessage `json:"parameters,omitempty"`
	Pairs      int             `json:"pairs"`   // judged in both orders
	Flipped    int             `json:"flipped"` // of those, said otherwise in the other order: they count as ties
}

// A Release is the version of the triplets that the report speaks of: inputs/release.json.
type Release struct {
	Version     string `json:"version"`
	ContentHash string `json:"content_hash"`
	Items       int    `json:"items"`
	CutAt       string `json:"cut_at,omitempty"`
	Licence     string `json:"licence,omitempty"`
}

// kindIn names the kind of a study.
func (s Study) kindIn(lang string) string {
	switch s.Kind {
	case "pair":
		return pick(lang, "成对比较", "pairs")
	case "rank":
		return pick(lang, "排序", "rankings")
	case "rate":
		return pick(lang, "评分", "ratings")
	}
	return s.Kind
}

// frozenFirst reports whether the plan was written down before the first vote.
func (s Study) frozenFirst() bool {
	return s.PlanHash != "" && s.FrozenAt != "" && (s.OpenedAt == "" || s.FrozenAt <= s.OpenedAt)
}

func decodeStudies(data []byte) ([]Study, error) {
	var out []Study
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, errs.Invalidf("%s: %w", studiesFile, err)
	}
	return out, nil
}
