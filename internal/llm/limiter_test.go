package llm

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// serve runs as many workers against a limiter as it lets through. A call takes latency while no more
// than bears are in flight, and in proportion longer beyond.
func serveCalls(ctx context.Context, l *limiter, workers, bears int, latency time.Duration) {
	for range workers {
		go func() {
			for ctx.Err() == nil {
				if l.acquire(ctx, false) != nil {
					return
				}
				running, _, _, _ := l.state()
				took := latency * time.Duration(max(running, bears)) / time.Duration(bears)
				time.Sleep(took)
				l.release(took, 100, true)
			}
		}()
	}
}

func (l *limiter) now64() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}

// The limit climbs to what is configured while the server gets faster by it, and stays near what the
// server bears where it does not.
func TestLimiterClimbsAndHolds(t *testing.T) {
	for name, c := range map[string]struct {
		bears    int
		from, to float64
	}{
		"a server that bears all": {1000, 64, 64},
		"one that bears 20":       {20, 18, 42},
		"one at a time":           {1, 8, 14},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				l := newLimiter(64)
				if l.now64() != 8 {
					t.Errorf("it starts at %v", l.now64())
				}
				serveCalls(ctx, l, 100, c.bears, 50*time.Millisecond)
				time.Sleep(20 * time.Second)
				if got := l.now64(); got < c.from || got > c.to {
					t.Errorf("the limit is %v, want %v to %v", got, c.from, c.to)
				}
				cancel()
				time.Sleep(time.Minute) // for the last calls to end
			})
		})
	}
}

// Overload lowers the limit once for those in flight together, and makes everybody wait.
func TestLimiterBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(100)
		l.limit = 100
		for range 40 {
			l.overloaded(l.now().Add(3*time.Second), "429")
		}
		if got := l.now64(); got != 70 {
			t.Errorf("the limit is %v", got)
		}
		if p := l.paused(); p != 3*time.Second {
			t.Errorf("paused for %s", p)
		}
		time.Sleep(4 * time.Second)
		if l.paused() > 0 {
			t.Error("still paused")
		}
		l.overloaded(l.now().Add(time.Second), "503")
		if got := l.now64(); got != 49 {
			t.Errorf("the limit is %v", got)
		}
	})
}

// Processes share the limit; each gets a part, and at least one call.
func TestLimiterShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(64)
		l.hear(40, 4, time.Time{})
		if l.limit != 20 || l.room() != 5 {
			t.Errorf("limit %v, room %d", l.limit, l.room())
		}
		l.hear(40, 100, l.now().Add(time.Minute))
		if l.room() != 1 || l.paused() != time.Minute {
			t.Errorf("room %d, paused %s", l.room(), l.paused())
		}
	})
}

// Whoever gives up waiting takes nobody's turn, and turns come in order.
func TestLimiterGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		if err := l.acquire(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() { gaveUp <- l.acquire(ctx, false) }()
		synctest.Wait()
		next := make(chan error, 1)
		go func() { next <- l.acquire(t.Context(), false) }()
		synctest.Wait()
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		l.release(time.Second, 1, true)
		if err := <-next; err != nil {
			t.Error(err)
		}
		l.release(time.Second, 1, true)
		if l.running != 0 || len(l.waiting) != 0 {
			t.Errorf("%d running, %d waiting", l.running, len(l.waiting))
		}
	})
}
