package llm

import (
	"context"
	"errors"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A Filter picks calls. Zero fields pick all.
type Filter struct {
	Since, Until time.Time // from and before
	ItemKind     string
	Prompt       string
	Model        string
	Person       string         // who asked, or [NoPerson]
	Failure      string         // a Kind or "set_aside"; [AnyFailure], [NoFailure]
	Items        []Items        // only calls about these
	Zone         *time.Location // where days begin; nil is UTC
}

// Filters by failure that are no kind.
const (
	AnyFailure = "any"
	NoFailure  = "none"
)

// NoPerson picks what runs asked, and nobody in particular.
const NoPerson = "none"

// Items are things of one kind that calls are about; IDs is the SQL that selects their IDs.
type Items struct {
	Kind string
	IDs  string
	Args []any
}

func (f Filter) zone() *time.Location {
	if f.Zone == nil {
		return time.UTC
	}
	return f.Zone
}

// span is the filter's time, from the first call to the last where it has no bounds.
func (f Filter) span() (since, until time.Time) {
	since, until = f.Since, f.Until
	if since.IsZero() {
		since = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if until.IsZero() {
		until = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return since, until
}

// where is the filter as a condition on llm_call, for the calls within [since, until).
func (f Filter) where(since, until time.Time) (sql string, args []any) {
	sql, args = "created_at >= ? AND created_at < ?", []any{since.UTC(), until.UTC()}
	for _, c := range []struct{ column, value string }{{"item_kind", f.ItemKind}, {"prompt", f.Prompt}, {"model", f.Model}} {
		if c.value != "" {
			sql, args = sql+" AND "+c.column+" = ?", append(args, c.value)
		}
	}
	switch f.Person {
	case "":
	case NoPerson:
		sql += " AND person_id = ''"
	default:
		sql, args = sql+" AND person_id = ?", append(args, f.Person)
	}
	switch f.Failure {
	case "":
	case AnyFailure:
		sql += " AND failure <> ''"
	case NoFailure:
		sql += " AND failure = ''"
	default:
		sql, args = sql+" AND failure = ?", append(args, f.Failure)
	}
	if len(f.Items) > 0 {
		var sets []string
		for _, it := range f.Items {
			sets = append(sets, "(item_kind = ? AND item_id IN ("+it.IDs+"))")
			args = append(append(args, it.Kind), it.Args...)
		}
		sql += " AND (" + strings.Join(sets, " OR ") + ")"
	}
	return sql, args
}

// ListCalls returns the calls that f picks, newest first, at most limit (1 to 500), without
// their texts; after is the ID of the last one seen. next is what to ask for after these, ""
// when there are no more.
func ListCalls(ctx context.Context, d *db.DB, f Filter, after string, limit int) (calls []Call, next string, err error) {
	defer errs.Wrap(&err, "model calls")
	limit = min(max(limit, 1), 500)
	cond, args := f.where(f.span())
	if after != "" {
		cond += " AND (created_at, id) < ((SELECT created_at FROM llm_call WHERE id = ?), ?)"
		args = append(args, after, after)
	}
	// The page is found in the index alone; only its rows, which are long, are read.
	err = d.All(ctx, &calls, `SELECT `+withoutTexts+` FROM llm_call WHERE id IN (SELECT id FROM llm_call WHERE `+cond+` ORDER BY created_at DESC, id DESC LIMIT ?)
		ORDER BY created_at DESC, id DESC`, append(args, limit+1)...)
	if err == nil && len(calls) > limit {
		calls = calls[:limit]
		next = calls[limit-1].ID
	}
	return calls, next, err
}

// withoutTexts are the columns of a call but what was sent and received.
const withoutTexts = `id, key, attempt, prompt, prompt_hash, item_kind, item_id, model, endpoint, level, http_status, failure, failure_detail,
	prompt_tokens, completion_tokens, duration_ms, scripted, person_id, flavour, cached_tokens, reasoning_tokens, tokens_estimated, finish_reason, created_at`

// Attempts returns the calls that asked the same question, in order, without their texts.
func Attempts(ctx context.Context, d *db.DB, key string) (calls []Call, err error) {
	defer errs.Wrap(&err, "attempts")
	err = d.All(ctx, &calls, `SELECT `+withoutTexts+` FROM llm_call WHERE key = ? ORDER BY attempt`, key)
	return calls, err
}

// CountCalls counts what [ListCalls] lists.
func CountCalls(ctx context.Context, d *db.DB, f Filter) (n int, err error) {
	defer errs.Wrap(&err, "model calls")
	cond, args := f.where(f.span())
	err = d.One(ctx, &n, `SELECT COUNT(*) FROM llm_call WHERE `+cond, args...)
	return n, err
}

// A Stage is what models were asked about, with which prompt.
type Stage struct{ ItemKind, Prompt string }

// Stages returns what models were asked about with which prompts, and the models, for the choices
// of a filter. It steps through an index from one to the next, since calls are many and these few.
func Stages(ctx context.Context, d *db.DB) (stages []Stage, models []string, err error) {
	defer errs.Wrap(&err, "model calls")
	for at := (Stage{}); ; {
		err := d.One(ctx, &at, `SELECT item_kind, prompt FROM llm_call WHERE (item_kind, prompt) > (?, ?) ORDER BY item_kind, prompt LIMIT 1`, at.ItemKind, at.Prompt)
		if errors.Is(err, errs.NotFound) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		stages = append(stages, at)
	}
	for at := ""; ; {
		err := d.One(ctx, &at, `SELECT model FROM llm_call WHERE model > ? ORDER BY model LIMIT 1`, at)
		if errors.Is(err, errs.NotFound) {
			return stages, models, nil
		}
		if err != nil {
			return nil, nil, err
		}
		models = append(models, at)
	}
}
