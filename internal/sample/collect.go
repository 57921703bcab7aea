package sample

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
)

// collect imports a wave of texts as one file, as an engineer would.
func (l *loader) collect(ctx context.Context, texts []*text) error {
	dir, err := os.MkdirTemp("", "coigwriter-sample-")
	if err != nil {
		return errs.Unavailablef("%w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "texts.jsonl")
	w, err := record.Create(path)
	if err != nil {
		return err
	}
	for _, t := range texts {
		rec := map[string]any{
			"url": t.URL, "platform": t.Platform, "title": t.Title, "author": t.Author, "text": t.Text, "genre": t.Genre,
			"language": t.Language, "likes": t.Likes, "shares": t.Shares, "comments": t.Comments, "licence": "CC0-1.0",
		}
		if t.PublishedAt != "" {
			rec["published_at"] = t.PublishedAt
		}
		if err := w.Write(rec); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	rep, err := source.Import(ctx, l.d, source.ImportOptions{
		Paths: []string{path}, By: l.people["lu"], Taxonomy: genre.Default(), Check: screen.Checker(genre.Default(), "zh", "en"),
		Strip: filepath.Dir(path) + string(filepath.Separator),
	})
	if err != nil {
		return err
	}
	if rep.Refused > 0 {
		return fmt.Errorf("%d texts could not be read: %v", rep.Refused, rep.Problems)
	}
	var rows []struct{ ID, URL string }
	if err := l.d.All(ctx, &rows, `SELECT id, url FROM source`); err != nil {
		return err
	}
	byURL := map[string]string{}
	for _, r := range rows {
		byURL[r.URL] = r.ID
	}
	for _, t := range texts {
		if t.id = byURL[t.URL]; t.id == "" {
			return fmt.Errorf("%s was not imported", t.Key)
		}
	}
	return nil
}

// The sample's words for where a source ends, besides source's own states.
const (
	failed = "failed" // held, because the model's reply could not be used
)

// carry brings one source, and its triplet, to the state it shall have.
func (l *loader) carry(ctx context.Context, t *text) error {
	l.step(40 * time.Minute)
	s, err := source.Get(ctx, l.d, t.id)
	if err != nil {
		return err
	}
	switch {
	case t.Triplet != nil:
		if err := l.screened(ctx, t, s, true); err != nil {
			return err
		}
		l.step(2 * time.Hour)
		return l.write(ctx, t.id, t.Triplet)
	case t.State == source.Pool:
		return l.screened(ctx, t, s, true)
	case t.State == source.Removed:
		if err := l.screened(ctx, t, s, true); err != nil {
			return err
		}
		l.step(30 * time.Hour)
		return source.Remove(ctx, l.d, t.id, l.people["xu"], t.Why)
	case t.State == failed:
		l.script.SetRules(llm.ScriptRule{Mode: llm.ScriptProse})
		_, err := l.screen.One(ctx, l.d, t.id)
		return err
	case t.State == source.Refused && s.State == source.Waiting, t.Reopened:
		if err := l.screened(ctx, t, s, false); err != nil || !t.Reopened {
			return err
		}
		l.step(8 * time.Hour)
		return source.Reopen(ctx, l.d, t.id, l.people["xu"], "分数偏低，但我想请人看一眼再定")
	case t.State != s.State:
		return fmt.Errorf("it is %s (%s), not %s", s.State, s.Reason, t.State)
	}
	return nil
}

// screened lets people and the scripted server speak on a source: well of what shall pass,
// poorly of what shall not. What a rule held or refused, a person lets go on first.
func (l *loader) screened(ctx context.Context, t *text, s *source.Source, pass bool) error {
	switch s.State {
	case source.Held:
		if err := source.Decide(ctx, l.d, t.id, l.people["lu"], source.DecidePass, "看过原页，日期可信"); err != nil {
			return err
		}
	case source.Refused:
		if err := source.Reopen(ctx, l.d, t.id, l.people["xu"], "体裁如此，规则误伤"); err != nil {
			return err
		}
	}
	return l.judge(ctx, t, pass)
}

// judge lets the scripted server speak on a source: well of what shall pass, poorly otherwise.
func (l *loader) judge(ctx context.Context, t *text, pass bool) error {
	good := func() int { return 7 + l.rng.IntN(3) }
	if !pass {
		good = func() int { return 3 + l.rng.IntN(3) }
	}
	g, ok := genre.Default().Find(t.Genre)
	if !ok {
		return fmt.Errorf("unknown genre %q", t.Genre)
	}
	const note = "（脚本生成的示例，不是模型的判断）"
	var rules []llm.ScriptRule
	for _, r := range []struct {
		stage string
		reply map[string]any
	}{
		{"第一遍看稿", map[string]any{"reasons": note, "completeness": good(), "format": good(), "correctness": good(), "logic": good(), "creativity": good()}},
		{"严格的文学编辑", map[string]any{"reasons": note, "quality": good(), "creativity": good()}},
		{"已经通过质量评审", map[string]any{"reasons": note, "usable": "yes", "genre": g.ID, "language": t.Language, "speaks_to_judge": false}},
	} {
		b, err := json.Marshal(r.reply)
		if err != nil {
			return err
		}
		rules = append(rules, llm.ScriptRule{Contains: r.stage, Reply: string(b)})
	}
	l.script.SetRules(rules...)
	out, err := l.screen.One(ctx, l.d, t.id)
	if err == nil && out.Failure != nil {
		err = out.Failure
	}
	if err == nil && out.NeedsPerson { // a reopened source: a person has the last word
		for _, v := range []struct {
			stage string
			j     screen.Judgement
		}{
			{screen.Assessment, screen.Judgement{Scores: map[string]int{"completeness": 8, "format": 8, "correctness": 8, "logic": 8, "creativity": 8}}},
			{screen.Screening, screen.Judgement{Scores: map[string]int{"quality": 8, "creativity": 8}}},
			{screen.Usability, screen.Judgement{Usable: screen.Yes}},
		} {
			if _, err := screen.Score(ctx, l.d, l.screen.Thresholds, l.people["xu"], t.id, v.stage, v.j, "人工复核"); err != nil {
				return err
			}
		}
	}
	return err
}
