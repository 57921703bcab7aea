package analysis

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"coigwriter/internal/record"
)

func measureOf(a Agreement, name string) Measure {
	for _, m := range a.Measures {
		if m.Name == name {
			return m
		}
	}
	return Measure{}
}

// Where agreement is not defined it is said why, in words, and JSON has null and no number.
func TestUndefinedAgreement(t *testing.T) {
	for name, c := range map[string]struct {
		ratings []record.Rating
		why     string
	}{
		"one rater":         {[]record.Rating{{Item: "1", Rater: "a", Score: 1}, {Item: "2", Rater: "a", Score: 2}}, "only one rater"},
		"nothing in common": {[]record.Rating{{Item: "1", Rater: "a", Score: 1}, {Item: "2", Rater: "b", Score: 2}}, "no item was scored by two raters"},
		"one category":      {[]record.Rating{{Item: "1", Rater: "a", Score: 1}, {Item: "1", Rater: "b", Score: 1}, {Item: "2", Rater: "a", Score: 1}, {Item: "2", Rater: "b", Score: 1}}, "nothing varies"},
	} {
		s := NewRatingSet()
		for _, r := range c.ratings {
			s.Add(r)
		}
		a := s.Agreement("", AgreementOptions{Bootstrap: 20})
		m := measureOf(a, "alpha_ordinal")
		if m.Value.Defined() || !strings.Contains(m.Why.EN, c.why) {
			t.Errorf("%s: %+v", name, m)
		}
		data, err := json.Marshal(a)
		if err != nil || !strings.Contains(string(data), `"value":null`) {
			t.Errorf("%s: %s, %v", name, data, err)
		}
	}
}

// Duplicating every rating leaves the coefficients, and makes no interval wider.
func TestAgreementOfMore(t *testing.T) {
	few, many := NewRatingSet(), NewRatingSet()
	for i := range 60 {
		for _, rater := range []string{"a", "b", "c"} {
			score := float64((i*7 + len(rater)) % 4)
			if i%5 == 0 {
				score = float64((i + int(rater[0])) % 4)
			}
			few.Add(record.Rating{Item: fmt.Sprint(i), Rater: rater, Score: score})
			for copies := range 4 {
				many.Add(record.Rating{Item: fmt.Sprint(i, "/", copies), Rater: rater, Score: score})
			}
		}
	}
	a, b := few.Agreement("", AgreementOptions{Bootstrap: 300, Seed: 1}), many.Agreement("", AgreementOptions{Bootstrap: 300, Seed: 1})
	for _, name := range []string{"percent", "ac2_quadratic", "fleiss_kappa"} {
		x, y := measureOf(a, name), measureOf(b, name)
		if d := x.Value - y.Value; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s: %v of few, %v of many", name, x.Value, y.Value)
		}
		if x.Interval.Hi-x.Interval.Lo <= y.Interval.Hi-y.Interval.Lo {
			t.Errorf("%s: %v of few, %v of many", name, x.Interval, y.Interval)
		}
	}
	if w := measureOf(a, "icc_2_1"); !w.Value.Defined() {
		t.Errorf("%+v", w)
	}
}

// Items of one query are resampled together.
func TestAgreementByQueries(t *testing.T) {
	s := NewRatingSet()
	for i := range 40 {
		for _, rater := range []string{"a", "b"} {
			s.Add(record.Rating{Item: fmt.Sprint(i), Query: fmt.Sprint(i / 8), Rater: rater, Score: float64((i / 8) % 3)})
		}
	}
	a := s.Agreement("", AgreementOptions{Bootstrap: 50, Seed: 1})
	if !strings.Contains(a.Notes[0].EN, "5 queries") {
		t.Error(a.Notes)
	}
}
