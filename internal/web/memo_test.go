package web

import (
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
