package bench

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// Where an answer came from.
const (
	Generated = "generated"
	Imported  = "imported"
)

// An Answer is one model's answer to one query: a generation. One that failed has no output.
type Answer struct {
	bun.BaseModel `bun:"table:answer"`

	ID               string                   `json:"id"`
	QueryID          string                   `json:"-"`
	Model            string                   `json:"model"`
	Sample           int                      `json:"sample"` // 0, 1 …
	Reasoning        string                   `json:"reasoning,omitempty"`
	Output           string                   `json:"output"`
	Finish           string                   `json:"finish_reason,omitempty"`
	Thought          string                   `json:"thought,omitempty"` // how the reasoning was marked (record.SplitThought)
	Failure          string                   `json:"failure,omitempty"` // an llm.Kind
	FailureDetail    string                   `json:"failure_detail,omitempty"`
	Chars            int                      `json:"chars"` // code points of the output
	OutputLanguage   string                   `json:"output_language"`
	PromptTokens     int64                    `json:"prompt_tokens"`
	CompletionTokens int64                    `json:"completion_tokens"`
	Settings         db.JSON[json.RawMessage] `json:"settings"` // the request's fields as they were sent, messages apart
	Origin           string                   `json:"origin"`
	CallID           string                   `json:"call_id,omitempty"`
	Scripted         bool                     `json:"scripted,omitempty"`
	CreatedAt        time.Time                `json:"created_at"`
	CreatedBy        string                   `json:"created_by"`
}

// Cut reports whether the answer ended at the limit of tokens.
func (a Answer) Cut() bool { return a.Finish == "length" }

// measure fills in what is known from the output.
func (a *Answer) measure() {
	a.Chars = text.Len(strings.TrimSpace(a.Output))
	if a.Chars > 0 {
		a.OutputLanguage = text.Language(a.Output)
	}
	if len(a.Settings.V) == 0 {
		a.Settings.V = json.RawMessage("{}")
	}
}

// AnswerRecord is an answer as a file carries it: what analyses read, and how it was made.
type AnswerRecord struct {
	QueryID   string          `json:"query_id"`
	Model     string          `json:"model"`
	Sample    int             `json:"sample,omitempty"`
	Language  string          `json:"language"`
	Genre     string          `json:"genre"`
	Prompt    string          `json:"prompt"`
	Reasoning string          `json:"reasoning,omitempty"`
	Output    string          `json:"output"`
	Usage     Usage           `json:"usage"`
	Finish    string          `json:"finish_reason,omitempty"`
	Thought   string          `json:"thought,omitempty"`
	Failure   string          `json:"failure,omitempty"`
	Scripted  bool            `json:"scripted,omitempty"`
	Settings  json.RawMessage `json:"settings,omitempty"`
	CallID    string          `json:"call_id,omitempty"`
}

// Usage is the tokens of an answer.
type Usage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
}

// RecordOf writes an answer as a record.
func RecordOf(q Query, a Answer) AnswerRecord {
	return AnswerRecord{
		QueryID: q.Code, Model: a.Model, Sample: a.Sample, Language: q.Language, Genre: q.Genre, Prompt: q.Prompt, Reasoning: a.Reasoning, Output: a.Output,
		Usage: Usage{a.PromptTokens, a.CompletionTokens}, Finish: a.Finish, Thought: a.Thought, Failure: a.Failure, Scripted: a.Scripted, Settings: a.Settings.V, CallID: a.CallID,
	}
}

// Answers returns the answers to the queries of a set: of all models, or of some; in the order of
// queries, then model and sample.
func Answers(ctx context.Context, d *db.DB, setID string, models ...string) ([]Answer, error) {
	q := `SELECT a.* FROM answer a JOIN query q ON q.id = a.query_id WHERE q.set_id = ?`
	args := []any{setID}
	if len(models) > 0 {
		q, args = q+` AND a.model IN (?)`, append(args, bun.List(models))
	}
	var as []Answer
	err := d.All(ctx, &as, q+` ORDER BY q.position, q.id, a.model, a.sample`, args...)
	return as, err
}

// AnswersTo returns the answers to one query, by model and sample.
func AnswersTo(ctx context.Context, d *db.DB, queryID string) ([]Answer, error) {
	var as []Answer
	err := d.All(ctx, &as, `SELECT * FROM answer WHERE query_id = ? ORDER BY model, sample`, queryID)
	return as, err
}

// A ModelCount is what a model has answered of a set's queries that stand.
type ModelCount struct {
	Model    string  `json:"model"`
	Queries  int     `json:"queries"` // with at least one answer
	Answers  int     `json:"answers"`
	Failed   int     `json:"failed"`         // no output, and why is known
	Empty    int     `json:"empty"`          // an output of no letters
	Cut      int     `json:"cut"`            // at the limit of tokens
	Switched int     `json:"other_language"` // in another language than the query's
	Thought  int     `json:"with_reasoning"`
	Chars    float64 `json:"mean_chars"` // of outputs that are not empty
	Tokens   int64   `json:"completion_tokens"`
	Scripted bool    `json:"scripted,omitempty"`
}

// Counts returns what every model has answered of a set, by model.
func Counts(ctx context.Context, d *db.DB, setID string) ([]ModelCount, error) {
	var out []ModelCount
	err := d.All(ctx, &out, `SELECT a.model, COUNT(DISTINCT a.query_id) AS queries, COUNT(*) AS answers,
			SUM(CASE WHEN a.failure <> '' THEN 1 ELSE 0 END) AS failed,
			SUM(CASE WHEN a.failure = '' AND a.chars = 0 THEN 1 ELSE 0 END) AS empty,
			SUM(CASE WHEN a.finish = 'length' THEN 1 ELSE 0 END) AS cut,
			SUM(CASE WHEN a.output_language NOT IN ('', 'und', q.language) THEN 1 ELSE 0 END) AS switched,
			SUM(CASE WHEN a.reasoning <> '' THEN 1 ELSE 0 END) AS thought,
			COALESCE(AVG(CASE WHEN a.chars > 0 THEN a.chars * 1.0 END), 0) AS chars,
			SUM(a.completion_tokens) AS tokens, MAX(CASE WHEN a.scripted THEN 1 ELSE 0 END) = 1 AS scripted
		FROM answer a JOIN query q ON q.id = a.query_id WHERE q.set_id = ? AND q.withdrawn_at IS NULL GROUP BY a.model ORDER BY a.model`, setID)
	return out, err
}

// An ImportReport says what became of the answers of a file.
type ImportReport struct {
	Read    int       `json:"read"`
	Added   int       `json:"added"`
	Same    int       `json:"same"` // there already, with the same output
	Models  []string  `json:"models"`
	Refused []Refused `json:"-"`
}

// ImportAnswers adds answers that were made elsewhere to the queries of a frozen set, matched by query
// id; sample says which of a model's answers each is. One that is there already with another output is
// refused: an answer never changes under the votes about it.
func ImportAnswers(ctx context.Context, d *db.DB, by, setID string, gs []record.Generation) (rep ImportReport, err error) {
	defer errs.Wrap(&err, "import answers")
	s, err := GetSet(ctx, d, setID)
	if err != nil {
		return rep, err
	}
	if s.State == Draft {
		return rep, errs.Conflictf("%s is a draft: freeze it first, so that what was answered cannot change", s.Title())
	}
	qs, err := Queries(ctx, d, setID)
	if err != nil {
		return rep, err
	}
	byCode := map[string]Query{}
	for _, q := range qs {
		byCode[q.Code] = q
	}
	rep.Read = len(gs)
	for from := 0; from < len(gs); from += 200 {
		if err := d.Transact(ctx, func(tx *db.DB) error { return importSome(ctx, tx, by, byCode, gs[from:min(from+200, len(gs))], &rep) }); err != nil {
			return rep, err
		}
	}
	seen := map[string]bool{}
	for _, g := range gs {
		if !seen[g.Model] {
			seen[g.Model], rep.Models = true, append(rep.Models, g.Model)
		}
	}
	return rep, nil
}

func importSome(ctx context.Context, tx *db.DB, by string, byCode map[string]Query, gs []record.Generation, rep *ImportReport) error {
	refuse := func(g record.Generation, format string, args ...any) {
		rep.Refused = append(rep.Refused, Refused{g, errs.Invalidf(format, args...)})
	}
	for _, g := range gs {
		q, ok := byCode[g.QueryID]
		switch {
		case !ok:
			refuse(g, "query_id %q is no query of this set", g.QueryID)
			continue
		case g.Model == "":
			refuse(g, "query %s: the record names no model", g.QueryID)
			continue
		case strings.ContainsRune(g.Output+g.Reasoning, 0):
			refuse(g, "query %s: the output holds a NUL character", g.QueryID)
			continue
		}
		a := Answer{
			ID: db.NewID(), QueryID: q.ID, Model: g.Model, Sample: g.Sample, Reasoning: g.Reasoning, Output: g.Output, Finish: g.Finish, Thought: g.Thought,
			CompletionTokens: int64(g.Tokens), Origin: Imported, CreatedAt: tx.Now(), CreatedBy: by, Scripted: llm.IsScripted(g.Model),
		}
		a.measure()
		var old []Answer
		if err := tx.All(ctx, &old, `SELECT * FROM answer WHERE query_id = ? AND model = ? AND sample = ?`, q.ID, a.Model, a.Sample); err != nil {
			return err
		}
		if len(old) > 0 {
			if old[0].Output == a.Output {
				rep.Same++
			} else {
				refuse(g, "query %s: %s has another answer already (sample %d); give it another sample number, or the model another name", g.QueryID, g.Model, a.Sample)
			}
			continue
		}
		if err := tx.Insert(ctx, &a); err != nil {
			return err
		}
		rep.Added++
		if err := audit.Record(ctx, tx, audit.Entry{Kind: "answer", ID: a.ID, Actor: by, Action: "import", Data: map[string]any{"query": q.Code, "model": a.Model, "sample": a.Sample, "output": text.ContentHash(a.Output)}}); err != nil {
			return err
		}
	}
	return nil
}
