package llm

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// How often a process says that it is alive, and after how long a silence it counts as dead.
const (
	heartbeat = 2 * time.Second
	deadAfter = 20 * time.Second
)

// A journal writes a client's intents and calls to one database. Before a question is sent, an
// intent is durable; its answer and the end of the intent are one transaction. So whatever kills a
// process, at most the calls then in flight are paid again, and it is known which. Writes that
// arrive together share one commit: a slow disk costs the wait of one, not of each.
type journal struct {
	d       *db.DB
	c       *Client
	process string
	host    string
	known   map[string]bool // hashes of prompts whose text is stored; the writer's
	own     map[string]bool // keys of the intents of this process; the writer's

	asking atomic.Int64 // questions that are being asked
	queue  chan *write
	quit   chan struct{} // closed to end the writer and the heartbeat
	done   sync.WaitGroup
}

// journalOf returns the journal for a database, and starts it when this is its first call.
func (c *Client) journalOf(ctx context.Context, d *db.DB) (*journal, error) {
	c.journalMu.Lock()
	defer c.journalMu.Unlock()
	if j := c.journals[d]; j != nil {
		return j, nil
	}
	if c.closed {
		return nil, errors.New("the model client is closed")
	}
	j := &journal{
		d: d, c: c, process: db.NewID(), host: thisHost(), known: map[string]bool{}, own: map[string]bool{},
		queue: make(chan *write, maxGroup), quit: make(chan struct{}),
	}
	now := d.Now()
	_, err := d.Exec(ctx, `INSERT INTO llm_process (id, host, pid, endpoint, started_at, seen_at) VALUES (?, ?, ?, ?, ?, ?)`,
		j.process, j.host, os.Getpid(), c.e.BaseURL, now, now)
	if err != nil {
		return nil, err
	}
	j.beat(ctx)
	j.done.Go(j.writeGroups)
	j.done.Go(j.keepAlive)
	if c.journals == nil {
		c.journals = map[*db.DB]*journal{}
	}
	c.journals[d] = j
	return j, nil
}

// busy reports whether several questions are being asked for a database, so that one more is better
// looked up together with others.
func (c *Client) busy(d *db.DB) bool {
	if !c.Configured() {
		return false // stored answers are all there is
	}
	c.journalMu.Lock()
	defer c.journalMu.Unlock()
	j := c.journals[d]
	return j != nil && j.asking.Load() >= several
}

// thisHost names this machine and, where there are several on it, this space of process numbers.
func thisHost() string {
	name, _ := os.Hostname()
	space, _ := os.Readlink("/proc/self/ns/pid")
	return name + " " + space
}

// close ends the journal. What is queued is written first.
func (j *journal) close() {
	close(j.quit)
	j.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// Its intents, should there be any, stay: the calls behind them may have been paid for.
	_, _ = j.d.Exec(ctx, `DELETE FROM llm_process WHERE id = ?`, j.process)
}

// An intent is a question that somebody is about to ask, or is asking: a row of llm_intent.
type intent struct {
	bun.BaseModel `bun:"table:llm_intent"`

	Key       string `bun:"key"`
	Process   string
	Prompt    string
	ItemKind  string
	ItemID    string `bun:"item_id"`
	Model     string
	Endpoint  string
	StartedAt time.Time
}

// begin writes that q is about to be asked. It waits while another asks the same; known is how many
// calls of the key the caller has seen. It returns again = true, and no intent, when there are more
// by now. The intent of a dead process is taken over, and its call stored as lost.
func (j *journal) begin(ctx context.Context, q *question, known int) (again bool, err error) {
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		w := &write{begin: q, known: known}
		if err := j.write(w); err != nil {
			return false, err
		}
		switch {
		case w.mine:
			return false, nil
		case w.calls > known:
			return true, nil
		}
		taken, err := j.takeOver(ctx, q, known)
		if err != nil || taken {
			return taken, err
		}
		if err := sleep(ctx, wait); err != nil {
			return false, err
		}
	}
}

// takeOver ends the intent of a dead process: what it may have paid for is stored as a lost call.
// It reports whether there was one.
func (j *journal) takeOver(ctx context.Context, q *question, known int) (taken bool, err error) {
	var by intent
	err = j.d.One(ctx, &by, `SELECT process, started_at FROM llm_intent WHERE key = ?`, q.key)
	if errors.Is(err, errs.NotFound) {
		return false, nil // it has just ended
	}
	if err != nil || by.Process == j.process {
		return false, err
	}
	alive, err := j.alive(ctx, by.Process)
	if err != nil || alive {
		return false, err
	}
	k := q.newCall(j.c, known)
	k.Failure, k.FailureDetail = string(KindLost), "the program ended before the answer was stored; it may have been paid for"
	err = j.d.Transact(ctx, func(tx *db.DB) error {
		n, err := tx.Exec(ctx, `DELETE FROM llm_intent WHERE key = ? AND process = ?`, q.key, by.Process)
		if err != nil || n == 0 {
			return err // somebody was faster
		}
		k.CreatedAt = by.StartedAt
		return tx.Insert(ctx, k)
	})
	return err == nil, err
}

// alive reports whether a process still gives signs of life.
func (j *journal) alive(ctx context.Context, process string) (bool, error) {
	var p struct {
		Host   string
		PID    int
		SeenAt time.Time
	}
	err := j.d.One(ctx, &p, `SELECT host, pid, seen_at FROM llm_process WHERE id = ?`, process)
	switch {
	case errors.Is(err, errs.NotFound):
		return false, nil // it ended in order, and left this behind
	case err != nil:
		return false, err
	case j.d.Now().Sub(p.SeenAt) > deadAfter:
		return false, nil
	}
	return p.Host != j.host || p.PID == os.Getpid() || running(p.PID), nil
}

// running reports whether this machine has a process of that number.
func running(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// finish stores what came of a question, and ends its intent.
func (j *journal) finish(q *question, k *Call) error { return j.write(&write{end: q, call: k}) }

// drop ends the intent of a question that was not sent.
func (j *journal) drop(q *question) error { return j.write(&write{end: q}) }

func (j *journal) keepAlive() {
	t := time.NewTicker(heartbeat)
	defer t.Stop()
	for {
		select {
		case <-j.quit:
			return
		case <-t.C:
			ctx, cancel := context.WithTimeout(context.Background(), deadAfter)
			j.beat(ctx)
			cancel()
		}
	}
}

// beat says that this process is alive and how the endpoint bears it, and hears the same from others.
// A beat that fails is no reason to stop: the next one may get through.
func (j *journal) beat(ctx context.Context) {
	now := j.d.Now()
	inFlight, ceiling, pause, why := j.c.limiter.state()
	err := j.d.Transact(ctx, func(tx *db.DB) error {
		if _, err := tx.Exec(ctx, `UPDATE llm_process SET seen_at = ?, in_flight = ? WHERE id = ?`, now, inFlight, j.process); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO llm_endpoint (endpoint, ceiling, updated_at) VALUES (?, 0, ?) ON CONFLICT (endpoint) DO NOTHING`, j.c.e.BaseURL, now); err != nil {
			return err
		}
		if ceiling > 0 { // this process has learnt something
			if _, err := tx.Exec(ctx, `UPDATE llm_endpoint SET ceiling = ?, updated_at = ? WHERE endpoint = ?`, ceiling, now, j.c.e.BaseURL); err != nil {
				return err
			}
		}
		if pause.After(now) {
			_, err := tx.Exec(ctx, `UPDATE llm_endpoint SET paused_until = ?, pause_reason = ?, updated_at = ? WHERE endpoint = ? AND (paused_until IS NULL OR paused_until < ?)`, pause, why, now, j.c.e.BaseURL, pause)
			return err
		}
		return nil
	})
	if err != nil {
		slog.Debug("heartbeat of the model client", "error", err)
		return
	}
	var seen struct {
		Ceiling     int
		PausedUntil *time.Time
		Processes   int
	}
	err = j.d.One(ctx, &seen, `SELECT e.ceiling, e.paused_until, (SELECT COUNT(*) FROM llm_process p WHERE p.endpoint = e.endpoint AND p.seen_at > ?) AS processes
		FROM llm_endpoint e WHERE e.endpoint = ?`, now.Add(-deadAfter), j.c.e.BaseURL)
	if err != nil {
		slog.Debug("heartbeat of the model client", "error", err)
		return
	}
	until := time.Time{}
	if seen.PausedUntil != nil {
		until = *seen.PausedUntil
	}
	j.c.limiter.hear(seen.Ceiling, seen.Processes, until)
	j.c.pace.share(seen.Processes)
}
