package llm

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
)

// How writes share commits and statements.
const (
	maxGroup   = 256                   // writes of one commit
	linger     = 10 * time.Millisecond // that a commit waits for more, while several questions are asked
	leisure    = 70 * time.Millisecond // that it waits further, while as many stand ready as may be in flight,
	worthwhile = 32                    // or until the group is so large
	several    = 3                     //
	maxInsert  = 1 << 20               // bytes of the calls that one statement adds, or one call
)

// A write is what a question leaves in the database before it is sent, or after. It waits for its commit.
type write struct {
	begin *question // its intent, unless another has it or there are more calls than known
	known int
	mine  bool // the intent was written
	calls int  // that the key has; looked at only where no intent of this process stood before

	end  *question // its intent ends
	call *Call     // and this came of it; nil for nothing

	err chan error
}

// write returns once w is durable.
func (j *journal) write(w *write) error {
	w.err = make(chan error, 1)
	select {
	case j.queue <- w:
		return <-w.err
	case <-j.quit:
		return errors.New("the model client is closed")
	}
}

func (j *journal) writeGroups() {
	for {
		var first *write
		select {
		case first = <-j.queue:
		case <-j.quit:
			select {
			case first = <-j.queue:
			default:
				return
			}
		}
		j.commit(j.gather(first))
	}
}

// gather returns the writes that are waiting. While several questions are asked it waits a little for
// more: nobody notices it beside a model's answer, and a commit costs the same for one as for twenty. As
// long as enough questions stand ready it waits longer for a group worth its commit.
func (j *journal) gather(first *write) []*write {
	group := []*write{first}
	var late <-chan time.Time
	if j.asking.Load() >= several {
		late = time.After(linger)
	}
	atLeisure := false
	for len(group) < maxGroup {
		select {
		case w := <-j.queue:
			group = append(group, w)
			continue
		default:
		}
		if late == nil || atLeisure && len(group) >= worthwhile {
			break
		}
		select {
		case w := <-j.queue:
			group = append(group, w)
		case <-late:
			late = nil
			if !atLeisure && len(group) < worthwhile && j.c.limiter.ready() {
				late, atLeisure = time.After(leisure), true
			}
		case <-j.quit:
			late = nil
		}
	}
	return group
}

// commit writes a group in one transaction. Where one of them fails they are written one by one, so
// that it fails alone.
func (j *journal) commit(group []*write) {
	ctx := context.Background() // what was paid for is kept even when the caller has been cancelled
	err := j.d.Transact(ctx, func(tx *db.DB) error { return j.put(ctx, tx, group) })
	if err != nil && len(group) > 1 {
		for _, w := range group {
			j.commit([]*write{w})
		}
		return
	}
	for _, w := range group {
		if err == nil {
			j.settle(w)
		}
		w.err <- err
	}
}

// settle remembers what has become durable.
func (j *journal) settle(w *write) {
	if w.begin != nil {
		j.known[w.begin.file.hash] = true
		if w.mine {
			j.own[w.begin.key] = true
		}
	}
	if w.end != nil {
		delete(j.own, w.end.key)
	}
}

// put writes a group with few statements: first what ends, then what begins.
func (j *journal) put(ctx context.Context, tx *db.DB, group []*write) error {
	var calls []*Call
	var ended []string
	begun := map[string]*write{} // key → the first of the group that begins it
	for _, w := range group {
		if w.end != nil {
			ended = append(ended, w.end.key)
			if w.call != nil {
				calls = append(calls, w.call)
			}
		}
		if w.begin != nil {
			w.mine, w.calls = false, 0
			if begun[w.begin.key] == nil {
				begun[w.begin.key] = w
			}
		}
	}
	if err := insertCalls(ctx, tx, calls); err != nil {
		return err
	}
	if len(ended) > 0 {
		if _, err := tx.Exec(ctx, `DELETE FROM llm_intent WHERE key IN (?) AND process = ?`, bun.List(ended), j.process); err != nil {
			return err
		}
	}
	for _, w := range begun {
		if j.own[w.begin.key] && !slices.Contains(ended, w.begin.key) {
			delete(begun, w.begin.key) // this process asks it already
		}
	}
	return j.putIntents(ctx, tx, begun)
}

// insertCalls adds rows, in as many statements as their length asks for.
func insertCalls(ctx context.Context, tx *db.DB, calls []*Call) error {
	for len(calls) > 0 {
		n, size := 0, 0
		for n < len(calls) && (n == 0 || size < maxInsert) {
			size += len(calls[n].Request) + len(calls[n].Response)
			n++
		}
		part := calls[:n]
		if err := tx.Insert(ctx, &part); err != nil {
			return err
		}
		calls = calls[n:]
	}
	return nil
}

// answered takes out the questions that have more calls than known: a run that goes on meets many.
func answered(ctx context.Context, tx *db.DB, begun map[string]*write) error {
	if len(begun) == 0 {
		return nil
	}
	var have []struct {
		Key   string
		Calls int
	}
	err := tx.All(ctx, &have, `SELECT key, COUNT(*) AS calls FROM llm_call WHERE key IN (?) GROUP BY key`, bun.List(slices.Collect(maps.Keys(begun))))
	for _, h := range have {
		if w := begun[h.Key]; h.Calls > w.known {
			w.calls = h.Calls
			delete(begun, h.Key)
		}
	}
	return err
}

// putIntents writes the intents of questions that begin, and takes back those that come too late. The
// calls of a key are counted only with the intent in hand: another's intent may have ended, and its call
// been stored, while this one waited for it.
func (j *journal) putIntents(ctx context.Context, tx *db.DB, begun map[string]*write) error {
	if err := answered(ctx, tx, begun); err != nil || len(begun) == 0 {
		return err
	}
	keys := slices.Sorted(maps.Keys(begun)) // in one order everywhere, so that two processes do not wait for each other
	rows := make([]*intent, 0, len(keys))
	now := tx.Now()
	for _, key := range keys {
		w := begun[key]
		if err := j.know(ctx, tx, w.begin.file); err != nil {
			return err
		}
		rows = append(rows, &intent{
			Key: key, Process: j.process, Prompt: w.begin.file.name, ItemKind: w.begin.about.Kind, ItemID: w.begin.about.ID,
			Model: j.c.e.Model, Endpoint: j.c.e.BaseURL, StartedAt: now,
		})
	}
	if _, err := tx.InsertNew(ctx, &rows); err != nil {
		return err
	}
	var stand []struct {
		Key     string
		Process string
		Calls   int
	}
	err := tx.All(ctx, &stand, `SELECT i.key, i.process, (SELECT COUNT(*) FROM llm_call c WHERE c.key = i.key) AS calls FROM llm_intent i WHERE i.key IN (?)`, bun.List(keys))
	if err != nil {
		return err
	}
	var late []string
	for _, s := range stand {
		w := begun[s.Key]
		w.calls = s.Calls
		w.mine = s.Process == j.process && w.calls <= w.known
		if s.Process == j.process && !w.mine {
			late = append(late, s.Key)
		}
	}
	if len(late) == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, `DELETE FROM llm_intent WHERE key IN (?) AND process = ?`, bun.List(late), j.process)
	return err
}
