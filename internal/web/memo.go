package web

import (
	"cmp"
	"sync"
	"time"
)

// How long a remembered answer is given again without asking: always for tenFold times what it took to
// compute, and for as long as fresh where its version says that nothing has changed. What is quickly
// computed is not remembered.
const (
	quick      = 20 * time.Millisecond
	tenFold    = 10
	fresh      = 10 * time.Second
	stale      = time.Minute            // how old an answer is given while a newer one is computed
	moment     = 200 * time.Millisecond // that who asks waits for the newer one
	remembered = 64                     // answers of one memo
)

// A memo remembers what is slow to compute from many rows, so that watching a page costs little however
// often it is loaded. The zero value is ready.
type memo[K comparable, V any] struct {
	mu       sync.Mutex
	kept     map[K]memoed[V]
	renewals map[K]*renewal[V] // under way
	moment   time.Duration     // that live waits; 0 for moment
}

type memoed[V any] struct {
	v       V
	version string
	made    time.Time
	took    time.Duration
}

// A renewal is an answer that is being computed behind the back of who asks.
type renewal[V any] struct {
	done chan struct{} // closed once the rest can be read
	memoed[V]
	err error
}

// get returns what compute computes, or what it did before. The value is shared: nobody may change it.
func (m *memo[K, V]) get(key K, version string, compute func() (V, error)) (V, error) {
	old, ok := m.old(key)
	if age := time.Since(old.made); ok && (age < tenFold*old.took || version == old.version && age < fresh) {
		return old.v, nil
	}
	now, err := m.renew(key, version, compute)
	return now.v, err
}

// exact is get where the version says all that the answer rests on: it is computed anew when, and only
// when, that has changed.
func (m *memo[K, V]) exact(key K, version string, compute func() (V, error)) (V, error) {
	if old, ok := m.old(key); ok && version == old.version {
		return old.v, nil
	}
	now, err := m.renew(key, version, compute)
	return now.v, err
}

// live is exact for what is watched while it changes. Where the version has changed it is computed anew,
// but who asks waits only a moment for that: then they are given what was computed before, if that is no
// older than a minute. asOf is when what they are given was computed, the zero time where it is of this
// version. compute must not stop when a request does.
func (m *memo[K, V]) live(key K, version string, compute func() (V, error)) (v V, asOf time.Time, err error) {
	old, ok := m.old(key)
	switch {
	case ok && version == old.version:
		return old.v, time.Time{}, nil
	case !ok || time.Since(old.made) > stale:
		now, err := m.renew(key, version, compute)
		return now.v, time.Time{}, err
	}
	r := m.behind(key, version, compute)
	select {
	case <-r.done:
		if r.version == version {
			return r.v, time.Time{}, r.err
		}
		return r.v, r.made, r.err
	case <-time.After(cmp.Or(m.moment, moment)):
		return old.v, old.made, nil
	}
}

// behind starts a renewal, or joins the one under way.
func (m *memo[K, V]) behind(key K, version string, compute func() (V, error)) *renewal[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.renewals[key]; r != nil {
		return r
	}
	if m.renewals == nil {
		m.renewals = map[K]*renewal[V]{}
	}
	r := &renewal[V]{done: make(chan struct{})}
	m.renewals[key] = r
	go func() {
		defer close(r.done)
		r.memoed, r.err = m.renew(key, version, compute)
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.renewals, key)
	}()
	return r
}

func (m *memo[K, V]) old(key K) (memoed[V], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.kept[key]
	return old, ok
}

// renew computes an answer and keeps it where that took long. What it did not keep it forgets.
func (m *memo[K, V]) renew(key K, version string, compute func() (V, error)) (memoed[V], error) {
	start := time.Now()
	v, err := compute()
	now := memoed[V]{v, version, time.Now(), time.Since(start)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil || now.took < quick {
		delete(m.kept, key)
		return now, err
	}
	if m.kept == nil || len(m.kept) >= remembered {
		m.kept = map[K]memoed[V]{}
	}
	m.kept[key] = now
	return now, nil
}
