package web

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestMemo(t *testing.T) {
	t.Parallel()
	var m memo[string, int]
	made := 0
	get := func(key, version string, slow bool) int {
		t.Helper()
		v, err := m.get(key, version, func() (int, error) {
			if made++; slow {
				time.Sleep(2 * quick)
			}
			return made, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if a, b := get("quick", "1", false), get("quick", "1", false); a == b {
		t.Error("what is quickly made is made anew")
	}
	exact := func(version string) (v int) {
		t.Helper()
		v, err := m.exact("exact", version, func() (int, error) {
			time.Sleep(2 * quick)
			made++
			return made, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if a, b, c := exact("1"), exact("1"), exact("2"); a != b || b == c {
		t.Errorf("%d %d %d: made anew when its version changes, and only then", a, b, c)
	}
	a := get("slow", "1", true)
	if b := get("slow", "1", true); a != b {
		t.Error("made twice, though nothing changed")
	}
	if b := get("slow", "2", true); a != b {
		t.Error("made again at once, though it is slow")
	}
	m.mu.Lock()
	old := m.kept["slow"]
	old.made = old.made.Add(-tenFold*old.took - time.Millisecond)
	m.kept["slow"] = old
	m.mu.Unlock()
	if b := get("slow", "2", true); a == b {
		t.Error("never made again, though something changed")
	}
}

// What is watched while it changes is shown as it was while it is computed anew, and that is never done
// twice at once.
func TestMemoLive(t *testing.T) {
	t.Parallel()
	m := memo[string, string]{moment: time.Millisecond}
	var computed atomic.Int64
	let := make(chan error)
	live := func(version string) (string, bool, error) {
		v, asOf, err := m.live("x", version, func() (string, error) {
			if computed.Add(1); version != "1" {
				if err := <-let; err != nil {
					return "", err
				}
			}
			time.Sleep(2 * quick)
			return "of " + version, nil
		})
		return v, asOf.IsZero(), err
	}
	want := func(version, v string, current bool) {
		t.Helper()
		if got, isCurrent, err := live(version); got != v || isCurrent != current || err != nil {
			t.Errorf("asked for %s: %q, current %v, %v", version, got, isCurrent, err)
		}
	}
	settled := func() {
		t.Helper()
		m.mu.Lock()
		r := m.renewals["x"]
		m.mu.Unlock()
		if r != nil {
			<-r.done
		}
	}
	want("1", "of 1", true)
	want("1", "of 1", true)
	for range 3 {
		want("2", "of 1", false)
	}
	let <- nil
	settled()
	want("2", "of 2", true)
	if n := computed.Load(); n != 2 {
		t.Errorf("computed %d times", n)
	}

	// Who waits long enough is given what is new, and one who asked for something newer still is told so.
	want("3", "of 2", false)
	m.moment = time.Minute
	go func() { let <- nil }()
	if v, current, err := live("4"); v != "of 3" || current || err != nil {
		t.Error(v, current, err)
	}

	// An error is met by who waits for it, and what it could not renew is forgotten.
	go func() { let <- errors.New("broken") }()
	if _, _, err := live("4"); err == nil || err.Error() != "broken" {
		t.Error(err)
	}
	go func() { let <- nil }()
	want("4", "of 4", true)

	// What is too old is not shown.
	m.moment = time.Millisecond
	old := m.kept["x"]
	old.made = old.made.Add(-2 * stale)
	m.kept["x"] = old
	go func() { let <- nil }()
	want("5", "of 5", true)
}
