// Package evaluate compares what models wrote: by blind people, and, kept apart from them, by models
// that judge (paper sections 2.4 and 3.1).
//
// A study is planned (study.go, size.go), drawn and frozen (field.go, draw.go, open.go), put before
// people one task at a time (task.go) and read as records of the file contract (records.go, raters.go),
// which the analyses compute on. judge.go asks models, panel.go has them judge a whole study, prefer.go
// makes preference data of what people chose.
package evaluate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// The kinds of study: what one task asks.
const (
	Pair = "pair" // which of two answers is better, or neither
	Rank = "rank" // the order of three to eight answers
	Rate = "rate" // marks from 0 to 3 on five dimensions of one answer
)

// Kinds lists them.
var Kinds = []string{Pair, Rank, Rate}

// The states of a study.
const (
	Draft     = "draft"
	Open      = "open" // the plan is frozen, tasks are drawn, people vote
	Closed    = "closed"
	Abandoned = "abandoned"
)

// Transitions are all the moves of a study.
var Transitions = audit.Transitions{
	{From: "", To: Draft, Action: "plan", Who: "study.manage"},
	{From: "", To: Closed, Action: "import", Who: "study.manage"},
	{From: Draft, To: Open, Action: "open", Who: "study.manage"},
	{From: Open, To: Closed, Action: "close", Who: "study.manage"},
	{From: Closed, To: Open, Action: "reopen", Who: "study.manage", Reason: true},
	{From: Draft, To: Abandoned, Action: "abandon", Who: "study.manage"},
	{From: Open, To: Abandoned, Action: "abandon", Who: "study.manage", Reason: true},
}

// Where a study's verdicts were given.
const (
	Here     = "here"
	Imported = "imported"
)

// A Study is one planned comparison.
type Study struct {
	bun.BaseModel `bun:"table:study"`

	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Kind      string         `json:"kind"`
	State     string         `json:"state"`
	Origin    string         `json:"origin"`
	Plan      db.JSON[Plan]  `json:"plan"`
	PlanHash  string         `json:"plan_hash,omitempty"`
	Frozen    string         `json:"-"` // the bytes PlanHash is of
	Drawn     db.JSON[Drawn] `json:"drawn"`
	CreatedAt time.Time      `json:"created_at"`
	CreatedBy string         `json:"created_by"`
	OpenedAt  *time.Time     `json:"opened_at,omitempty"`
	ClosedAt  *time.Time     `json:"closed_at,omitempty"`
}

// A Plan is what is decided before anybody votes. Its fields never change once the study is open; what
// is done otherwise is a [Deviation].
type Plan struct {
	Question string `json:"question"` // what the study is to find out, in words

	SetID     string   `json:"set_id"`
	Languages []string `json:"languages"` // of the queries; none for all
	Genres    []string `json:"genres"`    // of the queries; none for all
	Queries   int      `json:"queries"`   // taken of them, drawn evenly over genres; 0 for all
	Models    []string `json:"models"`
	Sample    int      `json:"sample"` // which of a model's answers

	Pairs int `json:"pairs_per_query"` // pair: of all pairs of models; 0 for all
	Size  int `json:"size"`            // rank: answers in one ranking, 3 to 8; 0 for all models

	Evaluators []string `json:"evaluators"` // IDs of people
	// Assignment says who gets what: balanced (every rater meets all models evenly), or by-model (rate:
	// every rater has a fixed set of models, as in the paper; then a model's marks and its raters'
	// severity cannot be told apart).
	Assignment string  `json:"assignment"`
	Overlap    int     `json:"overlap"`       // raters of a shared item
	Shared     float64 `json:"shared"`        // share of items that Overlap raters get; the others get one
	Repeats    float64 `json:"repeats"`       // share of a rater's items that come again, turned
	Attention  int     `json:"attention"`     // attention items a rater gets
	MaxFailed  int     `json:"max_failed"`    // attention items a rater may fail and still count
	MinSeconds float64 `json:"min_seconds"`   // a faster verdict is a signal, and counts
	Seed       uint64  `json:"seed"`          // of everything that is drawn
	Alpha      float64 `json:"alpha"`         // of the tests, after correction
	Power      float64 `json:"power"`         // wanted, for
	Detect     float64 `json:"detect"`        // this share of wins to be told from one half
	ICC        float64 `json:"icc"`           // assumed likeness of votes on one item, for the design effect
	Bootstrap  int     `json:"bootstrap"`     // resamples of the intervals
	PerMinute  Reading `json:"per_minute"`    // assumed pace of reading
	Deciding   float64 `json:"deciding_secs"` // assumed time to decide
}

// Reading is how much a rater reads in a minute.
type Reading struct {
	Characters float64 `json:"zh_characters"`
	Words      float64 `json:"en_words"`
}

// The ways to assign.
const (
	Balanced = "balanced"
	ByModel  = "by-model"
)

// Assignments lists them.
var Assignments = []string{Balanced, ByModel}

// DefaultPlan is a plan to start from. The pace of reading is ours: silent reading of prose with care.
func DefaultPlan() Plan {
	return Plan{
		Assignment: Balanced, Overlap: 2, Shared: 0.2, Repeats: 0.05, Attention: 2, MaxFailed: 0, MinSeconds: 5, Seed: 1,
		Alpha: 0.05, Power: 0.8, Detect: 0.6, ICC: 0.3, Bootstrap: 1000, PerMinute: Reading{Characters: 400, Words: 220}, Deciding: 15,
	}
}

// Read takes the fields of a plan from a JSON object; those that it leaves out stay as they are. No data is
// an object without fields. A name that is no field of a plan is an error that says which.
func (p *Plan) Read(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	var given, known map[string]json.RawMessage
	if err := json.Unmarshal(data, &given); err != nil {
		return errs.Invalidf("the plan must be an object: %w", err)
	}
	b, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(b, &known)
	}
	if err != nil {
		return err
	}
	for name := range given {
		if known[name] == nil {
			return errs.Fields(errs.Field{Name: "plan." + name, Key: "settings.bad_choice", Msg: "a plan has no such field"})
		}
	}
	if err := json.Unmarshal(data, p); err != nil {
		return errs.Invalidf("the plan: %w", err)
	}
	return nil
}

// The least and the most answers of one ranking.
const (
	MinRanked = 3
	MaxRanked = 8
)

// check says what is wrong with a plan of a kind, apart from what the database knows.
func (p Plan) check(kind string) error {
	var bad []errs.Field
	add := func(ok bool, field, key, format string, args ...any) {
		if !ok {
			bad = append(bad, errs.Field{Name: field, Key: key, Msg: fmt.Sprintf(format, args...)})
		}
	}
	within := func(field string, v, lo, hi float64) {
		if !(v >= lo && v <= hi) { // also for NaN
			bad = append(bad, errs.Field{Name: field, Key: "study.bad_range", Msg: fmt.Sprintf("from %g to %g", lo, hi), Args: []any{"lo", lo, "hi", hi}})
		}
	}
	add(slices.Contains(Kinds, kind), "kind", "settings.bad_choice", "%q: pair, rank or rate", kind)
	add(p.SetID != "", "set_id", "study.no_set", "choose a set of queries")
	least := map[string]int{Pair: 2, Rank: MinRanked, Rate: 1}[kind]
	add(len(p.Models) >= least, "models", "study.few_models", "choose at least %d models", least)
	add(len(p.Models) == len(slices.Compact(slices.Sorted(slices.Values(p.Models)))), "models", "study.twice", "a model stands twice")
	add(len(p.Evaluators) > 0, "evaluators", "study.no_raters", "choose who evaluates")
	add(len(p.Evaluators) == len(slices.Compact(slices.Sorted(slices.Values(p.Evaluators)))), "evaluators", "study.twice", "a person stands twice")
	add(slices.Contains(Assignments, p.Assignment), "assignment", "settings.bad_choice", "%q: balanced or by-model", p.Assignment)
	add(p.Assignment != ByModel || kind == Rate, "assignment", "study.by_model_rates", "a fixed set of models is for ratings: who compares must see several")
	within("overlap", float64(p.Overlap), 1, float64(max(len(p.Evaluators), 1)))
	within("shared", p.Shared, 0, 1)
	within("repeats", p.Repeats, 0, 0.5)
	within("attention", float64(p.Attention), 0, 50)
	within("max_failed", float64(p.MaxFailed), 0, 50)
	within("min_seconds", p.MinSeconds, 0, 600)
	within("alpha", p.Alpha, 0.0001, 0.5)
	within("power", p.Power, 0.1, 0.999)
	within("detect", p.Detect, 0.501, 0.999)
	within("icc", p.ICC, 0, 1)
	within("bootstrap", float64(p.Bootstrap), 100, 10_000)
	within("queries", float64(p.Queries), 0, 1e6)
	within("sample", float64(p.Sample), 0, 1e6)
	within("per_minute", p.PerMinute.Characters, 50, 5000)
	within("per_minute", p.PerMinute.Words, 50, 5000)
	within("deciding_secs", p.Deciding, 0, 600)
	if kind == Pair {
		within("pairs_per_query", float64(p.Pairs), 0, float64(len(p.Models)*(len(p.Models)-1)/2))
	}
	if kind == Rank {
		within("size", float64(p.ranked()), MinRanked, float64(min(MaxRanked, max(len(p.Models), MinRanked))))
	}
	add(len([]rune(p.Question)) <= 4000, "question", "annotate.too_long", "is longer than 4000 characters")
	return errs.Fields(bad...)
}

// ranked is how many answers one ranking has.
func (p Plan) ranked() int {
	if p.Size == 0 {
		return len(p.Models)
	}
	return p.Size
}

// checkName says what is wrong with the name of a study. Raters see it, so that it must not name a model.
func checkName(name string, models []string) error {
	var bad []errs.Field
	if n := len([]rune(strings.TrimSpace(name))); n == 0 || n > 80 {
		bad = append(bad, errs.Field{Name: "name", Key: "study.bad_name", Msg: "give a name of at most 80 characters"})
	}
	for _, m := range models {
		if len([]rune(m)) >= shortest && strings.Contains(strings.ToLower(name), strings.ToLower(m)) {
			bad = append(bad, errs.Field{Name: "name", Key: "study.names_model", Args: []any{"model", m}, Msg: fmt.Sprintf("raters see the name, and it names %s: give another", m)})
			break
		}
	}
	return errs.Fields(bad...)
}

// A frozenPlan is all that a study rests on when it opens. Its JSON is what the hash is of.
type frozenPlan struct {
	Name    string            `json:"name"`
	Kind    string            `json:"kind"`
	Plan    Plan              `json:"plan"`
	Set     string            `json:"query_set"`      // name and version
	SetHash string            `json:"query_set_hash"` // over its queries
	Rubric  string            `json:"rubric"`         // of ratings
	Answers map[string]string `json:"answers"`        // model → sha256 over its answers' texts, in the order of the queries
	Drawn   Drawn             `json:"drawn"`
	Tasks   string            `json:"tasks"` // sha256 over items, people and orders
	At      time.Time         `json:"frozen_at"`
}

// An importedPlan is what a study of verdicts made elsewhere rests on: nothing of how they were made.
type importedPlan struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Origin    string   `json:"origin"`
	Models    []string `json:"models"`
	Records   int      `json:"records"`
	Hash      string   `json:"records_hash"` // sha256 over their lines
	Seed      uint64   `json:"seed"`
	Bootstrap int      `json:"bootstrap"`
}

// frozen writes a plan and its hash: SHA-256 in hex over the very bytes that people can download.
func frozen(plan any) (doc, hash string, err error) {
	b, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		return "", "", err
	}
	doc = string(b) + "\n"
	return doc, hashOf(doc), nil
}

// hashOf is the SHA-256 of a text in hex.
func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// A storedRecord is one verdict of an imported study.
type storedRecord struct {
	bun.BaseModel `bun:"table:study_record"`

	ID       string
	StudyID  string
	Position int
	Kind     string // vote, ranking, rating
	Record   string // JSON
}

// A Deviation is something that was done otherwise than the frozen plan says; a report shows them all.
type Deviation struct {
	bun.BaseModel `bun:"table:study_deviation"`

	ID      string                  `json:"-"`
	StudyID string                  `json:"-"`
	At      time.Time               `json:"at"`
	ByID    string                  `json:"by"`
	What    string                  `json:"what"` // reopen, reassign, exclude, include, close-early
	Why     string                  `json:"why"`
	Data    db.JSON[map[string]any] `json:"data"`
}
