package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/llm"
	"coigwriter/internal/table"
)

type llmReplayCmd struct {
	Prompt string `help:"Only replies to this prompt, such as screening." placeholder:"NAME"`
	Apply  bool   `help:"Write what changed to the calls, with a line of history each."`
}

type replayDoc struct {
	Prompts []llm.Replayed `json:"prompts"`
	Changes []llm.Change   `json:"changes"`
	Applied int            `json:"applied"`
}

// Run reads the stored replies again. Nobody is called and nothing is paid.
func (c llmReplayCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	var doc replayDoc
	if doc.Prompts, doc.Changes, err = llm.Replay(ctx, d, c.Prompt); err != nil {
		return err
	}
	if c.Apply {
		if doc.Applied, err = applyChanges(ctx, d, doc.Changes); err != nil {
			return err
		}
	}
	return con.print(doc, func(w io.Writer) error { return doc.table(c.Apply).Terminal(w) })
}

// applyChanges writes the changes in small transactions, so that others can write between them.
func applyChanges(ctx context.Context, d *db.DB, changes []llm.Change) (applied int, err error) {
	for part := range slices.Chunk(changes, 100) {
		n := 0
		err := d.Transact(ctx, func(tx *db.DB) error {
			n = 0 // it may run anew
			for _, c := range part {
				done, err := c.Apply(ctx, tx)
				if err != nil {
					return err
				}
				if !done {
					continue
				}
				n++
				if err := audit.Record(ctx, tx, audit.Entry{
					Kind: "call", ID: c.CallID, Actor: "system", Action: "replay", From: c.From, To: c.To, Reason: c.Detail,
					Data: map[string]any{"parser": llm.ParserVersion, "prompt": c.Prompt, "item_kind": c.ItemKind, "item_id": c.ItemID},
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return applied, err
		}
		applied += n
	}
	return applied, nil
}

func (doc replayDoc) table(apply bool) *table.Table {
	t := table.New("", table.Text("prompt"), table.Text("version"), table.Text("model"), table.Num("replies"), table.Num("good now"), table.Num("mended"), table.Num("broken"), table.Num("other failure"), table.Num("unreadable"))
	for _, r := range doc.Prompts {
		t.Add(r.Prompt, r.Version[:min(8, len(r.Version))], r.Model, r.Calls, r.Good, r.Mended, r.Broken, r.Other, r.Unreadable)
	}
	switch {
	case apply:
		t.Note = fmt.Sprintf("%d calls changed; a source that a failure holds is sent on from the page /sources/failures, and then answered from the store", doc.Applied)
	case len(doc.Changes) > 0:
		t.Note = fmt.Sprintf("%d calls would change: run it with --apply to write that", len(doc.Changes))
	default:
		t.Note = "nothing would change"
	}
	return t
}
