package llm

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Where the limit on calls in flight starts, and how it moves.
const (
	startInFlight = 8
	climb         = 1.5  // while the server gets faster by it
	backOff       = 0.7  // at every sign of overload
	gain          = 1.03 // what counts as faster
	patience      = 2    // windows without a gain after which it holds
	rest          = 20   // windows of holding after which it tries again
)

// A limiter bounds the calls in flight to one endpoint. It starts low, climbs while throughput rises,
// holds where it does not, and backs off when the server is overloaded. The limit is of all processes
// together: each takes its share of it.
type limiter struct {
	mu      sync.Mutex
	most    int         // as configured
	limit   float64     // at present, of all processes
	share   int         // among how many processes it is shared
	running int         // calls of this process
	waiting []chan turn // in the order of their turns
	learnt  bool        // the limit has moved since the start
	pause   time.Time   // the server asked everybody to wait
	why     string      //
	now     func() time.Time

	// the window in which throughput is measured
	since  time.Time
	tokens int // of completions, or calls where the server does not count
	calls  int
	took   time.Duration // of all calls
	full   bool          // it was as busy as the limit allows
	best   float64       // tokens a second
	good   float64       // the limit at which they were measured
	flat   int           // windows without a gain
}

type turn struct{}

func newLimiter(most int) *limiter {
	return &limiter{most: most, limit: float64(min(startInFlight, most)), share: 1, now: time.Now}
}

// room is how many calls this process may have in flight.
func (l *limiter) room() int {
	return max(1, (int(l.limit)+l.share-1)/l.share)
}

// acquire waits for a turn; release must follow. first goes before all who wait: a person looks at
// the screen, a run does not.
func (l *limiter) acquire(ctx context.Context, first bool) error {
	l.mu.Lock()
	if len(l.waiting) == 0 && l.running < l.room() {
		l.start()
		l.mu.Unlock()
		return ctx.Err()
	}
	l.full = true
	my := make(chan turn, 1)
	if first {
		l.waiting = slices.Insert(l.waiting, 0, my)
	} else {
		l.waiting = append(l.waiting, my)
	}
	l.mu.Unlock()
	select {
	case <-my:
		return nil
	case <-ctx.Done():
		l.mu.Lock()
		defer l.mu.Unlock()
		for i, w := range l.waiting {
			if w == my {
				l.waiting = append(l.waiting[:i], l.waiting[i+1:]...)
				return ctx.Err()
			}
		}
		l.running-- // its turn came at the same moment
		l.wake()
		return ctx.Err()
	}
}

// ready reports whether as many wait for a turn as may be in flight: what comes a little later comes early
// enough.
func (l *limiter) ready() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) >= l.room()
}

func (l *limiter) start() {
	if l.since.IsZero() {
		l.since = l.now()
	}
	l.running++
	l.full = l.full || l.running >= l.room()
}

// wake gives turns to those who wait, as many as there is room for.
func (l *limiter) wake() {
	for len(l.waiting) > 0 && l.running < l.room() {
		my := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.start()
		my <- turn{}
	}
}

// release ends a call that took some time. tokens are those of its reply; 0 where it failed or the
// server does not count.
func (l *limiter) release(took time.Duration, tokens int, answered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	if answered {
		l.calls++
		l.tokens += max(tokens, 1)
		l.took += took
		l.adapt()
	}
	l.wake()
}

// adapt looks at the window once it is long enough to mean something: twice the time of a call, and as
// many calls as fit in.
func (l *limiter) adapt() {
	now := l.now()
	window := now.Sub(l.since)
	mean := l.took / time.Duration(l.calls)
	if window < max(2*mean, 250*time.Millisecond) || l.calls < l.room() {
		return
	}
	rate := float64(l.tokens) / window.Seconds()
	if l.full {
		l.flat++
		switch {
		case rate > l.best*gain:
			l.best, l.good, l.flat = rate, l.limit, 0
			l.move(l.limit * climb)
		case l.flat == patience: // more calls in flight only wait longer
			l.move(l.good)
		case l.flat >= rest: // the server, or what it is asked, may have changed
			l.best, l.good, l.flat = rate, l.limit, 0
			l.move(l.limit * climb)
		}
	}
	l.since, l.tokens, l.calls, l.took, l.full = now, 0, 0, 0, l.running >= l.room()
}

func (l *limiter) move(to float64) {
	to = min(max(to, 1), float64(l.most))
	l.learnt = l.learnt || to != l.limit
	l.limit = to
}

// overloaded lowers the limit and keeps everybody waiting until a time.
func (l *limiter) overloaded(until time.Time, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.After(l.pause) { // those who were in flight together are told off once
		l.move(l.limit * backOff)
		l.best, l.flat = 0, 0
		l.since, l.tokens, l.calls, l.took, l.full = now, 0, 0, 0, false
	}
	if until.After(l.pause) {
		l.pause, l.why = until, why
	}
}

// paused is how long the server still wants to be left alone.
func (l *limiter) paused() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pause.Sub(l.now())
}

// state is what other processes are told; ceiling is 0 while nothing has been learnt.
func (l *limiter) state() (running, ceiling int, pause time.Time, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.learnt {
		ceiling = int(l.limit)
	}
	return l.running, ceiling, l.pause, l.why
}

// hear takes in what other processes say: the limit that was borne before, how many share it, and a
// pause. A limit of its own goes before what it hears.
func (l *limiter) hear(ceiling, processes int, pause time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.share = max(1, processes)
	if !l.learnt && ceiling > 0 { // half of what was borne is a careful start
		l.limit = min(max(float64(ceiling)/2, min(startInFlight, float64(l.most))), float64(l.most))
	}
	if pause.After(l.pause) {
		l.pause, l.why = pause, "another process was told to wait"
	}
	l.wake()
}
