package llm

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	texts "coigwriter/internal/text"
)

// setAside marks a failed call that a person has put aside, so that its question is open again.
const setAside = "set_aside"

// A Call is one stored question with its raw answer: a row of llm_call.
type Call struct {
	bun.BaseModel `bun:"table:llm_call"`

	ID               string
	Key              string    `bun:"key"`
	Attempt          int64     // 1, 2 … for one key
	Prompt           string    // the prompt's name
	PromptHash       string    // and version
	ItemKind         string    // what it is about
	ItemID           string    `bun:"item_id"`
	Model            string    //
	Endpoint         string    // base URL; never holds a secret
	Level            string    // json_schema, json_object or prompt
	Request          string    // JSON sent
	Response         string    // raw body received
	HTTPStatus       int       `bun:"http_status"` // 0: no answer
	Failure          string    // a Kind, "" for none, or "set_aside"
	FailureDetail    string    //
	PromptTokens     int64     // as the server counts, 0 when it does not say
	CompletionTokens int64     //
	DurationMS       int64     `bun:"duration_ms"`
	Scripted         bool      // answered by the scripted server
	PersonID         string    // who asked for it, "" for a run
	Flavour          string    // of the server, "" when it was not probed
	CachedTokens     int64     // of PromptTokens, those the server had at hand
	ReasoningTokens  int64     // of CompletionTokens, those of the thought
	TokensEstimated  bool      // the server did not say: counted by us
	FinishReason     string    // as the server gave it
	CreatedAt        time.Time //
}

// SetAside reports whether a person has put the call aside (see [SetAside]).
func (k *Call) SetAside() bool { return k.Failure == setAside }

// content is what the model said, "" when that cannot be read.
func (k *Call) content() string {
	c, f := decodeCompletion([]byte(k.Response))
	if f != nil || c.Choices[0].Message.Content == nil {
		return ""
	}
	return *c.Choices[0].Message.Content
}

// count fills in the tokens and the finish reason. What the server does not count is estimated, and
// marked so.
func (k *Call) count(messages []Message) {
	var c completion
	_ = json.Unmarshal([]byte(k.Response), &c)
	k.PromptTokens, k.CompletionTokens = int64(c.Usage.Prompt), int64(c.Usage.Completion)
	k.CachedTokens, k.ReasoningTokens = int64(c.Usage.Cached), int64(c.Usage.Reasoning)
	said := ""
	if len(c.Choices) > 0 {
		k.FinishReason = clip(c.Choices[0].FinishReason, 40)
		if text := c.Choices[0].Message.Content; text != nil {
			said = *text
		}
	}
	if k.PromptTokens > 0 {
		return
	}
	k.TokensEstimated = true
	for _, m := range messages {
		k.PromptTokens += int64(texts.EstimateTokens(m.Content))
	}
	k.CompletionTokens = int64(texts.EstimateTokens(said))
}

// recordFailure writes what the parser made of a stored answer, so that failures can be listed.
// A later parser may think otherwise.
func (k *Call) recordFailure(ctx context.Context, d *db.DB, f *Failure) error {
	var kind, detail string
	if f != nil {
		kind, detail = string(f.Kind), f.Message
	}
	if k.Failure == kind && k.FailureDetail == detail {
		return nil
	}
	k.Failure, k.FailureDetail = kind, detail
	_, err := d.Exec(context.WithoutCancel(ctx), `UPDATE llm_call SET failure = ?, failure_detail = ? WHERE id = ?`,
		k.Failure, k.FailureDetail, k.ID)
	return err
}

func callsByKey(ctx context.Context, d *db.DB, key string) ([]Call, error) {
	// Most questions are new. To learn that by the shorter statement takes a third of the time.
	var any []int
	if err := d.All(ctx, &any, `SELECT 1 FROM llm_call WHERE key = ? LIMIT 1`, key); err != nil || len(any) == 0 {
		return nil, err
	}
	var calls []Call
	err := d.All(ctx, &calls, `SELECT * FROM llm_call WHERE key = ? ORDER BY attempt`, key)
	return calls, err
}

// GetCall returns one stored call.
func GetCall(ctx context.Context, d *db.DB, id string) (_ Call, err error) {
	defer errs.Wrap(&err, "model call %s", id)
	var k Call
	err = d.One(ctx, &k, `SELECT * FROM llm_call WHERE id = ?`, id)
	return k, err
}

// Calls returns the calls about one item, oldest first.
func Calls(ctx context.Context, d *db.DB, about About) (_ []Call, err error) {
	defer errs.Wrap(&err, "model calls about %s %s", about.Kind, about.ID)
	var calls []Call
	err = d.All(ctx, &calls, `SELECT * FROM llm_call WHERE item_kind = ? AND item_id = ? ORDER BY created_at, attempt`, about.Kind, about.ID)
	return calls, err
}

// SetAside opens the questions about an item that failed for good, so that the next [Ask]
// calls the model again. The raw answers stay. It returns how many calls were put aside;
// the caller records who did it.
func SetAside(ctx context.Context, tx *db.DB, about About) (n int64, err error) {
	defer errs.Wrap(&err, "set aside model calls about %s %s", about.Kind, about.ID)
	return tx.Exec(ctx, `UPDATE llm_call SET failure = ? WHERE item_kind = ? AND item_id = ? AND failure IN (?, ?, ?)`,
		setAside, about.Kind, about.ID, string(KindRefused), string(KindTooLong), string(KindBadOutput))
}

// SetAsideCall opens the question of one call that failed for good; otherwise it is [SetAside].
func SetAsideCall(ctx context.Context, tx *db.DB, callID string) (n int64, err error) {
	defer errs.Wrap(&err, "set aside model call %s", callID)
	return tx.Exec(ctx, `UPDATE llm_call SET failure = ? WHERE id = ? AND failure IN (?, ?, ?)`,
		setAside, callID, string(KindRefused), string(KindTooLong), string(KindBadOutput))
}

// A FailureCount is how many calls about a kind of item failed in one way.
type FailureCount struct {
	Failure string
	Count   int
}

// A StageFailure is how many items have no answer to one prompt because a model failed in one way.
type StageFailure struct {
	Prompt  string `json:"stage"`
	Failure string `json:"failure"` // a Kind
	Count   int    `json:"count"`
}

// FailureCounts counts the failed calls about a kind of item, most frequent first.
func FailureCounts(ctx context.Context, d *db.DB, itemKind string) ([]FailureCount, error) {
	var counts []FailureCount
	// Two comparisons and not NOT IN: they are the condition of the index llm_call_failed.
	err := d.All(ctx, &counts, `SELECT failure, COUNT(*) AS count FROM llm_call
		WHERE item_kind = ? AND failure <> '' AND failure <> ? GROUP BY failure ORDER BY COUNT(*) DESC, failure`, itemKind, setAside)
	return counts, err
}
