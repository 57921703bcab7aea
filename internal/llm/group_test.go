package llm

import (
	"strings"
	"testing"

	"coigwriter/internal/db"
)

// Writes that share a commit: the first of two that ask the same has the intent, one that comes after
// the answer is told so, an end makes room for a beginning beside it, and one that cannot be stored
// fails alone.
func TestGroup(t *testing.T) {
	t.Parallel()
	d, c, _, p := setup(t)
	j, err := c.journalOf(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(id string) *question {
		q, err := newQuestion(c, p, askData{Text(id)}, About{"source", id})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	commit := func(group ...*write) {
		for _, w := range group {
			w.err = make(chan error, 1)
		}
		j.commit(group)
	}
	intents := func() (n int) {
		t.Helper()
		if err := d.One(t.Context(), &n, `SELECT COUNT(*) FROM llm_intent`); err != nil {
			t.Fatal(err)
		}
		return n
	}

	first, same, other := &write{begin: ask("a")}, &write{begin: ask("a")}, &write{begin: ask("b")}
	commit(first, same, other)
	if !first.mine || same.mine || !other.mine || intents() != 2 {
		t.Errorf("%v %v %v, %d intents", first.mine, same.mine, other.mine, intents())
	}
	again := &write{begin: ask("a")}
	if commit(again); again.mine || again.calls != 0 {
		t.Errorf("while it is asked: %+v", again)
	}

	// The answer to a comes; of those who begin it in the same commit one knew of it.
	late, knowing := &write{begin: ask("a")}, &write{begin: ask("c")}
	commit(&write{end: ask("a"), call: ask("a").newCall(c, 0)}, late, knowing)
	if late.mine || late.calls != 1 || !knowing.mine || intents() != 2 {
		t.Errorf("late %+v, knowing %+v, %d intents", late, knowing, intents())
	}
	answered := &write{begin: ask("a")}
	if commit(answered); answered.mine || answered.calls != 1 || intents() != 2 {
		t.Errorf("answered long ago: %+v, %d intents", answered, intents())
	}
	next := &write{begin: ask("a"), known: 1}
	if commit(next); !next.mine || intents() != 3 {
		t.Errorf("next %+v, %d intents", next, intents())
	}

	// One of three has a text that no database keeps.
	bad := ask("b").newCall(c, 0)
	bad.Response = "\x00"
	well, ill, drop := &write{end: ask("c"), call: ask("c").newCall(c, 0)}, &write{end: ask("b"), call: bad}, &write{end: ask("a")}
	commit(well, ill, drop)
	if e1, e2, e3 := <-well.err, <-ill.err, <-drop.err; e1 != nil || e2 == nil || !strings.Contains(e2.Error(), "NUL") || e3 != nil {
		t.Error(e1, e2, e3)
	}
	if n := intents(); n != 1 {
		t.Errorf("%d intents", n)
	}
}

// Calls of more than a statement should hold are added in several, and one that is larger alone.
func TestInsertCalls(t *testing.T) {
	t.Parallel()
	d, c, _, p := setup(t)
	var calls []*Call
	for i, size := range []int{10, maxInsert, 10, maxInsert + 10, maxInsert / 2, maxInsert / 2, 10} {
		q, err := newQuestion(c, p, askData{Text(strings.Repeat("字", i+1))}, About{"source", "x"})
		if err != nil {
			t.Fatal(err)
		}
		k := q.newCall(c, 0)
		k.Response = strings.Repeat("x", size)
		calls = append(calls, k)
	}
	err := d.Transact(t.Context(), func(tx *db.DB) error { return insertCalls(t.Context(), tx, calls) })
	if err != nil {
		t.Fatal(err)
	}
	stored, err := Calls(t.Context(), d, About{"source", "x"})
	if err != nil || len(stored) != len(calls) {
		t.Fatalf("%d calls, %v", len(stored), err)
	}
}
