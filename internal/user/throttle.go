package user

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Throttle slows down guessing: a few tries at once per key, then one every few seconds. It
// forgets the oldest keys beyond its size, so that it cannot be made to fill memory.
type Throttle struct {
	mu    sync.Mutex
	keys  map[string]*rate.Limiter
	order []string
}

const throttleKeys = 10_000

// Allow reports whether another try under this key (a login, an address) is due.
func (t *Throttle) Allow(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keys == nil {
		t.keys = map[string]*rate.Limiter{}
	}
	l := t.keys[key]
	if l == nil {
		if len(t.order) >= throttleKeys {
			delete(t.keys, t.order[0])
			t.order = t.order[1:]
		}
		l = rate.NewLimiter(rate.Every(6*time.Second), 8)
		t.keys[key] = l
		t.order = append(t.order, key)
	}
	return l.Allow()
}
