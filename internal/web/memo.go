package web

import (
	"sync"
	"time"
)

// How long a remembered answer is given again without asking: always for tenFold times what it took to
// make, and for as long as fresh where its version says that nothing has changed. What is quickly made
// is not remembered.
const (
	quick      = 20 * time.Millisecond
	tenFold    = 10
	fresh      = 10 * time.Second
	remembered = 64 // answers of one memo
)

// A memo remembers what is slow to make from many rows, so that watching a page costs little however
// often it is loaded. The zero value is ready.
type memo[K comparable, V any] struct {
	mu   sync.Mutex
	kept map[K]memoed[V]
}

type memoed[V any] struct {
	v       V
	version string
	made    time.Time
	took    time.Duration
}

// get returns what make makes, or what it made before. The value is shared: nobody may change it.
func (m *memo[K, V]) get(key K, version string, make func() (V, error)) (V, error) {
	old, ok := m.old(key)
	if age := time.Since(old.made); ok && (age < tenFold*old.took || version == old.version && age < fresh) {
		return old.v, nil
	}
	return m.renew(key, version, make)
}

// exact is get where the version says all that the answer rests on: it is made anew when, and only when,
// that has changed.
func (m *memo[K, V]) exact(key K, version string, make func() (V, error)) (V, error) {
	if old, ok := m.old(key); ok && version == old.version {
		return old.v, nil
	}
	return m.renew(key, version, make)
}

func (m *memo[K, V]) old(key K) (memoed[V], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.kept[key]
	return old, ok
}

func (m *memo[K, V]) renew(key K, version string, make func() (V, error)) (V, error) {
	start := time.Now()
	v, err := make()
	took := time.Since(start)
	if err != nil || took < quick {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= remembered {
		m.kept = map[K]memoed[V]{}
	}
	m.kept[key] = memoed[V]{v, version, time.Now(), took}
	return v, nil
}
