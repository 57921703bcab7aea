package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/text"
)

// A wish is one answer that is missing.
type wish struct {
	q      Query
	sample int
	old    *Answer // the failure that it is to stand in the place of, nil for none
}

// maxSamples bounds the answers of one model to one query.
const maxSamples = 1000

// wishesOf lists what is missing: the first answer to every query, then the second ones.
func wishesOf(ctx context.Context, d *db.DB, run Run, sum *Summary) (out []wish, err error) {
	set, err := GetSet(ctx, d, run.SetID)
	if err != nil {
		return nil, err
	}
	if err := set.answerable(); err != nil {
		return nil, err
	}
	samples := max(run.Samples, 1)
	if samples > maxSamples {
		return nil, errs.Invalidf("%d samples of each query: at most %d", samples, maxSamples)
	}
	if len(run.Model) > maxModel {
		return nil, errs.Invalidf("the name of the answers is longer than %d bytes", maxModel)
	}
	qs, err := Queries(ctx, d, run.SetID)
	if err != nil {
		return nil, err
	}
	type place struct {
		QueryID string
		Sample  int
	}
	var have []Answer
	err = d.All(ctx, &have, `SELECT a.id, a.query_id, a.sample, a.failure, a.call_id, a.origin FROM answer a JOIN query q ON q.id = a.query_id WHERE q.set_id = ? AND a.model = ?`,
		run.SetID, run.Model)
	if err != nil {
		return nil, err
	}
	there := map[place]*Answer{}
	for i := range have {
		there[place{have[i].QueryID, have[i].Sample}] = &have[i]
	}
	picked := func(want []string, s string) bool { return len(want) == 0 || slices.Contains(want, s) }
	for sample := range samples {
		for _, q := range Standing(qs) {
			if !picked(run.Languages, q.Language) || !picked(run.Genres, q.Genre) {
				continue
			}
			sum.Wanted++
			old := there[place{q.ID, sample}]
			if old != nil && (old.Failure == "" || !run.Again) {
				sum.There++
				continue
			}
			if run.Limit <= 0 || len(out) < run.Limit {
				out = append(out, wish{q, sample, old})
			}
		}
	}
	return out, nil
}

// sameSettings refuses a run that would put answers of other settings under a name that has some: what
// is compared under one name must have been made in one way.
func sameSettings(ctx context.Context, d *db.DB, c *llm.Client, run Run) error {
	var made []Answer
	err := d.All(ctx, &made, `SELECT DISTINCT a.sample, a.settings FROM answer a JOIN query q ON q.id = a.query_id
		WHERE q.set_id = ? AND a.model = ? AND a.origin = ? AND a.failure = '' AND a.sample < ?`, run.SetID, run.Model, Generated, max(run.Samples, 1))
	if err != nil {
		return err
	}
	for _, a := range made {
		now, err := c.SettingsOf(run.System, a.Sample)
		if err != nil {
			return err
		}
		if what := differs(a.Settings.V, now); what != "" {
			return errs.Conflictf("%s has answers to this set with other settings (%s): give the new ones another name, or ask with the same settings", run.Model, what)
		}
	}
	return nil
}

// differs names the first setting that is not the same, with both values; "" where all are.
func differs(before, now json.RawMessage) string {
	var a, b map[string]json.RawMessage
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(now, &b) != nil || len(a) == 0 {
		return ""
	}
	both := maps.Clone(a)
	maps.Copy(both, b)
	for _, name := range slices.Sorted(maps.Keys(both)) {
		if !bytes.Equal(a[name], b[name]) {
			return fmt.Sprintf("%s %s, now %s", name, orNone(a[name]), orNone(b[name]))
		}
	}
	return ""
}

func orNone(v json.RawMessage) string {
	if len(v) == 0 {
		return "none"
	}
	return text.Excerpt(string(v), 60)
}

// one asks for one answer and stores it. A failure that says nothing about the query stores nothing.
func one(ctx context.Context, d *db.DB, c *llm.Client, run Run, w wish) (step Step, err error) {
	step.Query, step.Sample = w.q, w.sample
	if w.old != nil && w.old.CallID != "" {
		// Only this model's question is opened again; what it failed with stays until there is better.
		if err := d.Transact(ctx, func(tx *db.DB) error { _, err := llm.SetAsideCall(ctx, tx, w.old.CallID); return err }); err != nil {
			return step, err
		}
	}
	said, err := llm.Write(ctx, d, c, run.System, w.q.Prompt, w.sample, llm.About{Kind: "query", ID: w.q.ID})
	step.Failure = llm.FailureOf(err)
	if err != nil && step.Failure == nil {
		return step, err
	}
	if step.Failure != nil && !step.Failure.Kind.Final() {
		return step, nil
	}
	a := &Answer{
		ID: db.NewID(), QueryID: w.q.ID, Model: run.Model, Sample: w.sample, Reasoning: said.Thought, Output: said.Content, Finish: said.Finish,
		PromptTokens: said.PromptTokens, CompletionTokens: said.CompletionTokens, Origin: Generated, CallID: said.CallID, Scripted: c.Endpoint().Scripted(),
		CreatedBy: run.By,
	}
	a.Settings.V = said.Settings
	if said.Unfinished {
		a.Thought = "unclosed"
	}
	if f := step.Failure; f != nil {
		a.Failure, a.FailureDetail, a.Output = string(f.Kind), f.Message, ""
		a.Reasoning = strings.ReplaceAll(a.Reasoning, "\x00", "") // the call keeps it as it came
	}
	a.measure()
	step.Answer = a
	step.Raced, err = keep(ctx, d, run, w, a)
	return step, err
}

// keep stores an answer; raced says that another process was faster, and that its answer stands.
func keep(ctx context.Context, d *db.DB, run Run, w wish, a *Answer) (raced bool, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		raced = false // the transaction may be tried again
		data := map[string]any{"query": w.q.Code, "model": a.Model, "sample": a.Sample, "call": a.CallID, "output": text.ContentHash(a.Output), "by": run.By}
		if w.old != nil {
			n, err := tx.Exec(ctx, `DELETE FROM answer WHERE id = ? AND failure <> ''`, w.old.ID)
			if err != nil {
				return err
			}
			if n > 0 {
				data["instead_of"] = map[string]string{"answer": w.old.ID, "failure": w.old.Failure, "call": w.old.CallID}
			}
		}
		a.CreatedAt = tx.Now()
		n, err := tx.InsertNew(ctx, a)
		if err != nil || n == 0 {
			raced = n == 0
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "answer", ID: a.ID, Actor: "model:" + a.Model, Action: "generate", Reason: a.Failure, Data: data})
	})
	return raced, err
}
