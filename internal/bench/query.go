// Package bench is the benchmark (paper section 2.4): sets of queries with versions, what a panel says of
// them, whether they cover the genres and stand in no training text, and what models answer to them,
// generated here or elsewhere.
//
// query.go says what a query and a set are, store.go keeps them, import.go reads files and the starter
// set, check.go looks for gaps, near-duplicates and leaks, answer.go keeps answers, generate.go asks for
// them.
package bench

import (
	"cmp"
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
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// The states of a set.
const (
	Draft   = "draft"   // its queries may change; nothing rests on them yet
	Frozen  = "frozen"  // its queries never change; answers and studies refer to it
	Retired = "retired" // no longer offered; what refers to it stays
)

// Transitions are all the moves of a set.
var Transitions = audit.Transitions{
	{From: "", To: Draft, Action: "add", Who: "benchmark.manage"},
	{From: Draft, To: Frozen, Action: "freeze", Who: "benchmark.manage"},
	{From: Draft, To: Retired, Action: "retire", Who: "benchmark.manage"},
	{From: Frozen, To: Retired, Action: "retire", Who: "benchmark.manage"},
	{From: Retired, To: Frozen, Action: "restore", Who: "benchmark.manage"},
}

// A Set is one version of a list of queries.
type Set struct {
	bun.BaseModel `bun:"table:query_set"`

	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Version   int        `json:"version"`
	State     string     `json:"state"`
	Hash      string     `json:"hash,omitempty"` // once it is frozen
	Note      string     `json:"note,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	FrozenAt  *time.Time `json:"frozen_at,omitempty"`
}

// Title is the set as people call it: its name and version.
func (s Set) Title() string { return fmt.Sprintf("%s v%d", s.Name, s.Version) }

// A Query is one item of a set.
type Query struct {
	bun.BaseModel `bun:"table:query"`

	ID           string                              `json:"-"`
	SetID        string                              `json:"-"`
	Code         string                              `json:"id"` // its id in files
	Position     int                                 `json:"-"`
	Genre        string                              `json:"genre"`
	Language     string                              `json:"language"` // zh or en
	Prompt       string                              `json:"prompt"`
	LengthMin    int                                 `json:"length_min"`
	LengthMax    int                                 `json:"length_max"`
	LengthUnit   string                              `json:"length_unit"`
	Style        string                              `json:"style"`
	Theme        string                              `json:"theme"`
	Context      string                              `json:"context"`
	Difficulty   string                              `json:"difficulty"`
	Extra        db.JSON[map[string]json.RawMessage] `json:"-"`
	WithdrawnAt  *time.Time                          `json:"withdrawn_at,omitempty"`
	WithdrawnWhy string                              `json:"withdrawn_why,omitempty"`
	UpdatedAt    time.Time                           `json:"-"`
}

// Languages, Units and Difficulties are the choices of a query.
var (
	Languages    = []string{"zh", "en"}
	Units        = []string{"characters", "words", "lines"}
	Difficulties = []string{"easy", "medium", "hard"}
)

// Record is the query as files carry it.
func (q Query) Record() record.Query {
	return record.Query{
		ID: q.Code, Genre: q.Genre, Language: q.Language, Prompt: q.Prompt, Context: q.Context, Difficulty: q.Difficulty, Extra: q.Extra.V,
		Constraints: record.Constraints{Length: record.Length{Min: q.LengthMin, Max: q.LengthMax, Unit: q.LengthUnit}, Style: q.Style, Theme: q.Theme},
	}
}

// QueryOf is a query made of a record, not yet in any set.
func QueryOf(r record.Query) Query {
	c := r.Constraints
	return Query{
		Code: r.ID, Genre: r.Genre, Language: r.Language, Prompt: text.Normalize(r.Prompt), Context: r.Context, Difficulty: r.Difficulty, Extra: db.AsJSON(r.Extra),
		LengthMin: c.Length.Min, LengthMax: c.Length.Max, LengthUnit: c.Length.Unit, Style: c.Style, Theme: c.Theme,
	}
}

// maxPrompt bounds a prompt in code points.
const maxPrompt = 20_000

// settle fills in what follows from the rest, and says what is wrong.
func (q *Query) settle(tax *genre.Taxonomy) error {
	var bad []errs.Field
	add := func(ok bool, field, key, format string, args ...any) {
		if !ok {
			bad = append(bad, errs.Field{Name: field, Key: key, Msg: fmt.Sprintf(format, args...)})
		}
	}
	q.Code, q.Prompt = strings.TrimSpace(q.Code), text.Normalize(q.Prompt)
	add(q.Code != "" && len([]rune(q.Code)) <= 100, "id", "benchmark.bad_code", "give an id of at most 100 characters")
	add(strings.TrimSpace(q.Prompt) != "", "prompt", "benchmark.no_prompt", "is empty: it is what the models are told")
	add(len([]rune(q.Prompt)) <= maxPrompt, "prompt", "annotate.too_long", "is longer than %d characters", maxPrompt)
	if g, ok := tax.Find(q.Genre); ok {
		q.Genre = g.ID
	} else {
		add(false, "genre", "benchmark.bad_genre", "%q is not in the taxonomy; near it are %s", q.Genre, strings.Join(tax.Nearest(q.Genre, 3), ", "))
	}
	if q.Language == "" {
		q.Language = text.Language(q.Prompt)
	}
	add(slices.Contains(Languages, q.Language), "language", "settings.bad_choice", "%q: zh or en", q.Language)
	if q.LengthUnit == "" && q.LengthMin+q.LengthMax > 0 {
		q.LengthUnit = Units[0]
	}
	add(q.LengthUnit == "" || slices.Contains(Units, q.LengthUnit), "length_unit", "settings.bad_choice", "%q: characters, words or lines", q.LengthUnit)
	add(q.LengthMin >= 0 && (q.LengthMax == 0 || q.LengthMax >= q.LengthMin), "length_max", "benchmark.bad_length", "from %d to %d is no range", q.LengthMin, q.LengthMax)
	add(q.Difficulty == "" || slices.Contains(Difficulties, q.Difficulty), "difficulty", "settings.bad_choice", "%q: easy, medium or hard", q.Difficulty)
	for _, f := range []struct{ name, value string }{{"style", q.Style}, {"theme", q.Theme}, {"context", q.Context}} {
		add(len([]rune(f.value)) <= 2000, f.name, "annotate.too_long", "is longer than 2000 characters")
	}
	return errs.Fields(bad...)
}

// Hash identifies a list of queries, whatever its order: SHA-256 in hex over their records by id.
func Hash(qs []Query) string {
	qs = slices.Clone(qs)
	slices.SortFunc(qs, func(a, b Query) int { return cmp.Compare(a.Code, b.Code) })
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, q := range qs {
		_ = enc.Encode(q.Record()) // texts and numbers always encode
	}
	return hex.EncodeToString(h.Sum(nil))
}
