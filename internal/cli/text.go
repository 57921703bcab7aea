package cli

import (
	"bufio"
	"context"
	"encoding/json"

	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

type textCmd struct {
	Segment segmentCmd `cmd:"" needs:"files" help:"The tokens that the analyses see, one JSON line a text."`
	Count   countCmd   `cmd:"" needs:"files" help:"Characters, tokens, types and language, one JSON line a text."`
}

type textFlags struct {
	Files       []string `arg:"" help:"Files of sources, triplets or generations (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	Punctuation bool     `help:"Count punctuation as tokens."`
}

// each writes what f makes of every text as a JSON line.
func (c textFlags) each(ctx context.Context, con *console, f func(id, s string) any) error {
	var bad refusals
	w := bufio.NewWriter(con.out)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	err := eachRecord(ctx, con, c.Files, &bad, func(raw record.Raw) error {
		id, s, err := record.MainText(raw)
		if err != nil {
			return err
		}
		return enc.Encode(f(id, s))
	})
	if e := w.Flush(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return bad.report(con)
}

type segmentCmd struct{ textFlags }

// Run computes on files alone: no database, no configuration.
func (c segmentCmd) Run(ctx context.Context, con *console) error {
	t := text.Tokens{Punctuation: c.Punctuation}
	return c.each(ctx, con, func(id, s string) any {
		return struct {
			ID     string   `json:"id,omitempty"`
			Tokens []string `json:"tokens"`
		}{id, append([]string{}, t.Words(s)...)}
	})
}

type countCmd struct{ textFlags }

// Run computes on files alone: no database, no configuration.
func (c countCmd) Run(ctx context.Context, con *console) error {
	t := text.Tokens{Punctuation: c.Punctuation}
	return c.each(ctx, con, func(id, s string) any {
		l := text.NewLexicon(t.Words(s))
		return struct {
			ID         string `json:"id,omitempty"`
			Language   string `json:"language"`
			Characters int    `json:"characters"`
			Tokens     int    `json:"tokens"`
			Types      int    `json:"types"`
		}{id, text.Language(s), text.Len(s), l.Tokens(), l.Types()}
	})
}
