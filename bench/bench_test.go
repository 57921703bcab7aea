package main

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestDistIsOfMeasuredTimes(t *testing.T) {
	var d dist
	for i := range 20 {
		d = append(d, time.Duration(20-i)*time.Millisecond)
	}
	for q, want := range map[float64]int{atMedian: 10, atP95: 19, atMax: 20} {
		if got := d.at(q); got != time.Duration(want)*time.Millisecond {
			t.Errorf("at %v: %v, want %d ms", q, got, want)
		}
	}
	if got := (dist{time.Second}).at(atP95); got != time.Second {
		t.Errorf("of one: %v", got)
	}
}

func TestBoundsBreak(t *testing.T) {
	r := &report{}
	s := r.section("x", "", "")
	s.times("kept", dist{time.Millisecond}, 2*time.Millisecond, atMax)
	s.bound("kept", 100, 150, "MB")
	if r.broken() != 0 {
		t.Fatal("broken too early")
	}
	s.times("broken", dist{3 * time.Millisecond}, 2*time.Millisecond, atMax)
	s.bound("broken", 151, 150, "MB")
	s.bound("not measured", 0, 150, "MB")
	if r.broken() != 3 {
		t.Errorf("%d broken, want 3", r.broken())
	}
}

func TestTextsComeFromTheSample(t *testing.T) {
	t.Chdir("..")
	p, err := loadPool("")
	if err != nil {
		t.Fatal(err)
	}
	a, b := p.text(rand.New(rand.NewPCG(1, 1)), 2000), p.text(rand.New(rand.NewPCG(1, 1)), 2000)
	if a != b || len(a) < 2000 || len(a) > 2500 {
		t.Errorf("%d bytes, the same twice: %v", len(a), a == b)
	}
	if strings.Contains(a, "**") || !strings.HasSuffix(a, "。") {
		t.Errorf("no sentences: %.60q", a)
	}
}

func TestTablesAreAligned(t *testing.T) {
	var b bytes.Buffer
	writeTable(&b, []string{"what", "n"}, [][]string{{"春天", "1"}, {"a", "300"}}, 1)
	want := "| what |   n |\n| ---- | --: |\n| 春天 |   1 |\n| a    | 300 |\n"
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
}
