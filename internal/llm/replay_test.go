package llm

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/db"
)

// A reply that an older parser read in another way is found and mended; nobody is called.
func TestReplay(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, level := range allLevels {
		d, _, s, p := setup(t)
		e := s.Endpoint()
		e.Structured = level
		c := client(t, e)
		ask := func(id string, mode ScriptMode) string {
			t.Helper()
			s.SetRules(ScriptRule{Mode: mode})
			_, call, _ := Ask(ctx, d, c, p, askData{Text("雪" + id)}, About{"source", id})
			return call
		}
		good, mended, broken := ask("1", ScriptGood), ask("2", ScriptThink), ask("3", ScriptGood)
		ask("4", ScriptProse) // two calls, both bad
		ask("5", ScriptBusy)  // no reply
		aside := ask("6", ScriptProse)
		odd := ask("7", ScriptGood)
		for _, q := range []struct {
			sql string
			id  string
		}{
			{`UPDATE llm_call SET failure = 'bad_output', failure_detail = 'an older parser stumbled' WHERE id = ?`, mended},
			{`UPDATE llm_call SET response = REPLACE(response, 'quality', 'qualität') WHERE id = ?`, broken},
			{`UPDATE llm_call SET failure = 'set_aside' WHERE item_id = (SELECT item_id FROM llm_call WHERE id = ?)`, aside},
			{`UPDATE llm_call SET request = '{"messages":[]}' WHERE id = ?`, odd},
		} {
			if _, err := d.Exec(ctx, q.sql, q.id); err != nil {
				t.Fatal(err)
			}
		}
		asked := s.Calls()
		got, changes, err := Replay(ctx, d, "")
		if err != nil {
			t.Fatal(err)
		}
		want := []Replayed{{Prompt: p.Name, Version: p.Hash(nil), Model: e.Model, Calls: 6, Good: 2, Mended: 1, Broken: 1, Unreadable: 1}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", level, diff)
		}
		if len(changes) != 2 || changes[0].CallID != mended || changes[0].From != "bad_output" || changes[0].To != "" || changes[1].CallID != broken || changes[1].To != "bad_output" {
			t.Fatalf("%s: %+v", level, changes)
		}
		if none, _, err := Replay(ctx, d, "another"); err != nil || len(none) != 0 {
			t.Error(none, err)
		}
		for i, want := range []bool{true, true, false} { // the last has changed meanwhile
			c := changes[min(i, 1)]
			if err := d.Transact(ctx, func(tx *db.DB) error {
				applied, err := c.Apply(ctx, tx)
				if applied != want {
					t.Errorf("change %d applied: %v", i, applied)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if _, changes, err = Replay(ctx, d, p.Name); err != nil || len(changes) != 0 || s.Calls() != asked {
			t.Errorf("%s: once more: %+v, %v, %d calls", level, changes, err, s.Calls()-asked)
		}
		if k, err := GetCall(ctx, d, good); err != nil || k.Failure != "" {
			t.Error(k.Failure, err)
		}
	}
}

// What was cut off by the server is told apart again without asking.
func TestReparseCutOff(t *testing.T) {
	t.Parallel()
	d, c, _, p := setup(t)
	_, id, err := Ask(t.Context(), d, c, p, article, About{"source", "1"})
	if err != nil {
		t.Fatal(err)
	}
	k, err := GetCall(t.Context(), d, id)
	if err != nil {
		t.Fatal(err)
	}
	if reply, f, err := k.Reparse(); err != nil || f != nil || reply["quality"] == nil {
		t.Error(reply, f, err)
	}
	k.PromptTokens = 1
	if _, f, err := k.Reparse(); err != nil || f == nil || f.Kind != KindTooLong {
		t.Error(f, err)
	}
	k.HTTPStatus = 500
	if _, _, err := k.Reparse(); err == nil {
		t.Error("no reply, and no error")
	}
}
