package bench

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
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
	Thought          string                   `json:"reasoning_mark,omitempty"` // how the reasoning was marked (record.SplitThought)
	Failure          string                   `json:"failure,omitempty"`        // an llm.Kind
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
func (a Answer) Cut() bool { return a.Failure == "" && a.Finish == "length" }

// Empty reports whether there is an answer that says nothing.
func (a Answer) Empty() bool { return a.Failure == "" && a.Chars == 0 }

// Switched reports whether the answer is in another language than its query.
func (a Answer) Switched(q Query) bool {
	return a.OutputLanguage != "" && a.OutputLanguage != "und" && a.OutputLanguage != q.Language
}

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
	Thought   string          `json:"reasoning_mark,omitempty"`
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
	where, args := answersOf(setID, models)
	var as []Answer
	err := d.All(ctx, &as, `SELECT a.* FROM answer a JOIN query q ON q.id = a.query_id WHERE `+where+` ORDER BY q.position, q.id, a.model, a.sample`, args...)
	return as, err
}

// AnswersAfter is a page of [Answers]: at most limit of them after the first so many, of one model, or
// of all where model is "".
func AnswersAfter(ctx context.Context, d *db.DB, setID, model string, after, limit int) ([]Answer, error) {
	var models []string
	if model != "" {
		models = []string{model}
	}
	where, args := answersOf(setID, models)
	var as []Answer
	err := d.All(ctx, &as, `SELECT a.* FROM answer a JOIN query q ON q.id = a.query_id WHERE `+where+` ORDER BY q.position, q.id, a.model, a.sample LIMIT ? OFFSET ?`, append(args, limit, after)...)
	return as, err
}

// answersOf is the condition of a set's answers (a) to its queries (q).
func answersOf(setID string, models []string) (where string, args []any) {
	where, args = `q.set_id = ?`, []any{setID}
	if len(models) > 0 {
		where, args = where+` AND a.model IN (?)`, append(args, bun.List(models))
	}
	return where, args
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
	Empty    int     `json:"empty"`          // an output of white space, or none and no reason
	Cut      int     `json:"cut"`            // at the limit of tokens
	Switched int     `json:"other_language"` // in another language than the query's
	Thought  int     `json:"with_reasoning"`
	Chars    float64 `json:"mean_chars"` // of outputs that are not empty
	Tokens   int64   `json:"completion_tokens"`
	Scripted bool    `json:"scripted,omitempty"`

	Failures map[string]int `json:"failures,omitempty" bun:"-"` // by llm.Kind
	Finish   map[string]int `json:"finish_reasons" bun:"-"`     // of the answers that did not fail; "" where it is not known
}

// Counts returns what every model has answered of a set, by model.
func Counts(ctx context.Context, d *db.DB, setID string) ([]ModelCount, error) {
	var out []ModelCount
	err := d.All(ctx, &out, `SELECT a.model, COUNT(DISTINCT CASE WHEN a.failure = '' THEN a.query_id END) AS queries, COUNT(*) AS answers,
			SUM(CASE WHEN a.failure <> '' THEN 1 ELSE 0 END) AS failed,
			SUM(CASE WHEN a.failure = '' AND a.chars = 0 THEN 1 ELSE 0 END) AS empty,
			SUM(CASE WHEN a.failure = '' AND a.finish = 'length' THEN 1 ELSE 0 END) AS cut,
			SUM(CASE WHEN a.output_language NOT IN ('', 'und', q.language) THEN 1 ELSE 0 END) AS switched,
			SUM(CASE WHEN a.reasoning <> '' THEN 1 ELSE 0 END) AS thought,
			COALESCE(AVG(CASE WHEN a.chars > 0 THEN a.chars * 1.0 END), 0) AS chars,
			SUM(a.completion_tokens) AS tokens, MAX(CASE WHEN a.scripted THEN 1 ELSE 0 END) = 1 AS scripted
		FROM answer a JOIN query q ON q.id = a.query_id WHERE q.set_id = ? AND q.withdrawn_at IS NULL GROUP BY a.model ORDER BY a.model`, setID)
	if err != nil {
		return nil, err
	}
	var ends []struct {
		Model, Failure, Finish string
		N                      int
	}
	err = d.All(ctx, &ends, `SELECT a.model, a.failure, CASE WHEN a.failure = '' THEN a.finish ELSE '' END AS finish, COUNT(*) AS n
		FROM answer a JOIN query q ON q.id = a.query_id WHERE q.set_id = ? AND q.withdrawn_at IS NULL GROUP BY 1, 2, 3`, setID)
	at := map[string]*ModelCount{}
	for i := range out {
		out[i].Failures, out[i].Finish = map[string]int{}, map[string]int{}
		at[out[i].Model] = &out[i]
	}
	for _, e := range ends {
		switch m := at[e.Model]; {
		case m == nil: // its first answer came between the two questions
		case e.Failure != "":
			m.Failures[e.Failure] += e.N
		default:
			m.Finish[e.Finish] += e.N
		}
	}
	return out, err
}
