package mix

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// Write counts bytes that were read.
func (mk *maker) Write(b []byte) (int, error) {
	mk.done += int64(len(b))
	return len(b), nil
}

// read calls take with every row of a source that can be read and passes its filter. again reads a source
// once more, with nothing counted or listed.
func (mk *maker) read(ctx context.Context, source int, f Filter, decode func(record.Raw) (record.Conversation, error), again bool, take func(candidate, []record.Turn) error) error {
	s := &mk.m.Sources[source]
	stage := "reading " + s.Name
	for n, in := range mk.files[source] {
		bad := func(b *record.BadRecord) error {
			if again {
				return nil
			}
			s.Bad++
			why := b.Msg
			if b.Field != "" {
				why = b.Field + ": " + why
			}
			return mk.leave(LeftOutRow{Kind: s.Kind, Source: s.Name, At: fmt.Sprintf("%s:%d", in.name, b.Line), Reason: Bad, Why: why})
		}
		sum, rows, err := in.each(ctx, mk, func(raw record.Raw) error {
			if mk.seen++; mk.seen%256 == 0 {
				mk.opts.Progress(stage, mk.done, mk.total)
			}
			c, err := decode(raw)
			if err != nil {
				return err
			}
			if why := mk.plan.ambiguous(s.Kind, c.Turns); why != "" {
				return &record.BadRecord{File: raw.File, Line: raw.Line, Msg: why}
			}
			if why := f.drops(&c); why != "" {
				if !again {
					s.Filtered[why]++
				}
				return nil
			}
			if !again {
				s.Pool++
			}
			row := newCandidate(mk.plan.Seed, s.Kind, c)
			row.source, row.file, row.line = source, n, raw.Line
			return take(row, c.Turns)
		}, bad)
		if err != nil {
			return err
		}
		if !again {
			s.Rows += rows
			s.Files = append(s.Files, File{Name: in.name, Hash: sum, Rows: rows})
		}
	}
	return nil
}

// drops says why a filter keeps a row out; "" when it does not. It settles the row's language.
func (f Filter) drops(c *record.Conversation) string {
	s := said(c.Turns)
	if c.Language == "" {
		c.Language = f.Language
	}
	if c.Language == "" {
		c.Language = text.Language(s)
	}
	c.Language = primary(c.Language)
	n := text.Len(s) - len(c.Turns) + text.Len(thoughts(c.Turns)) // without the line ends between turns
	switch {
	case len(f.Languages) > 0 && !slices.ContainsFunc(f.Languages, func(l string) bool { return primary(l) == c.Language }):
		return "language"
	case len(f.Genres) > 0 && !slices.Contains(f.Genres, c.Genre):
		return "genre"
	case n < f.MinCharacters:
		return "short"
	case f.MaxCharacters > 0 && n > f.MaxCharacters:
		return "long"
	}
	return ""
}

// primary is a language without its region: zh of zh-CN.
func primary(language string) string {
	l := strings.ToLower(strings.TrimSpace(language))
	if i := strings.IndexAny(l, "-_"); i > 0 {
		l = l[:i]
	}
	return l
}

// creative reads and checks all triplets, whether or not a configuration takes them: general rows are held
// against them, and are then the same in every configuration.
func (mk *maker) creative(ctx context.Context) (*checker, error) {
	c := mk.checker(mk.plan.Duplicates.Creative)
	if mk.plan.Duplicates.AgainstCreative > 0 && mk.plan.most(generalOf) != 0 {
		c.index = &text.Index{}
	}
	all := newPool(mk.spool, 0)
	for i, s := range mk.plan.Creative {
		err := mk.read(ctx, i, s.Filter, tripletTurns, false, all.add)
		if err != nil {
			return nil, err
		}
	}
	if err := mk.spool.settle(); err != nil {
		return nil, err
	}
	rows := all.drain()
	_, err := c.check(ctx, rows, All, func(n int) { mk.opts.Progress("checking triplets", int64(n), int64(len(rows))) })
	return c, err
}

// tripletTurns reads a triplet as a question, a thought and an answer.
func tripletTurns(raw record.Raw) (record.Conversation, error) {
	t, err := record.DecodeTriplet(raw)
	if err != nil {
		return record.Conversation{}, err
	}
	c := record.Conversation{ID: t.ID, Genre: t.Genre, Language: t.Language}
	var system string
	if json.Unmarshal(t.Extra["system"], &system) == nil && system != "" {
		c.Turns = append(c.Turns, record.Turn{Role: "system", Text: system})
	}
	c.Turns = append(c.Turns, record.Turn{Role: "user", Text: t.Prompt}, record.Turn{Role: "assistant", Text: t.Article, Thought: t.Reasoning})
	return c, nil
}

// general draws as many general rows as the largest configuration takes. The pool is wider than that by
// half, for rows that fall out; where even those are not enough it is read again from there on.
func (mk *maker) general(ctx context.Context, creative *checker) (*checker, error) {
	c := mk.checker(mk.plan.Duplicates.General)
	want := mk.plan.most(generalOf)
	if want == 0 {
		return c, nil
	}
	if mk.plan.Duplicates.AgainstCreative > 0 && len(creative.kept) > 0 {
		c.against, c.others = creative.index, creative.kept
		c.against.Freeze()
	}
	width := 0
	if want != All {
		width = int(want) + int(want)/2 + 4096
	}
	drawn := newPool(mk.spool, width)
	for again := false; ; again = true {
		for i, s := range mk.plan.General {
			decode := func(raw record.Raw) (record.Conversation, error) {
				return record.DecodeConversation(raw, s.Format, s.Fields)
			}
			if err := mk.read(ctx, len(mk.plan.Creative)+i, s.Filter, decode, again, drawn.add); err != nil {
				return nil, err
			}
		}
		if err := mk.spool.settle(); err != nil {
			return nil, err
		}
		rows := drawn.drain()
		_, err := c.check(ctx, rows, want, func(n int) { mk.opts.Progress("checking general rows", int64(n), int64(max(want, 0))) })
		if err != nil || c.enough(want) || !drawn.lost {
			return c, err
		}
		drawn.next(rows[len(rows)-1].draw)
		mk.done = 0
	}
}
