package source

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, want, precise string
		zone              bool
	}{
		{"2024-05-31T15:59:59.000Z", "2024-05-31T23:59:59+08:00", PreciseSecond, true},
		{"2024-05-06 18:12:51 +0800 +0800", "2024-05-06T18:12:51+08:00", PreciseSecond, true},
		{"Sat May 06 2023 16:49:08 GMT+0800 (China Standard Time)", "2023-05-06T16:49:08+08:00", PreciseSecond, true},
		{"2020-10-15 17:37:00", "2020-10-15T17:37:00+08:00", PreciseSecond, false},
		{"2023年4月2日", "2023-04-02T00:00:00+08:00", PreciseDay, false},
		{"2023年4月2日 星期日 21:05", "2023-04-02T21:05:00+08:00", PreciseSecond, false},
		{"2023/4/2", "2023-04-02T00:00:00+08:00", PreciseDay, false},
		{"2023.04.02", "2023-04-02T00:00:00+08:00", PreciseDay, false},
		{"20230402", "2023-04-02T00:00:00+08:00", PreciseDay, false},
		{"2023-04", "2023-04-01T00:00:00+08:00", PreciseMonth, false},
		{"2023年", "2023-01-01T00:00:00+08:00", PreciseYear, false},
		{"1680390000", "2023-04-02T07:00:00+08:00", PreciseSecond, true},
		{"1680390000000", "2023-04-02T07:00:00+08:00", PreciseSecond, true},
		{"January 2, 2023", "2023-01-02T00:00:00+08:00", PreciseDay, false},
		{"0001-01-01T00:00:00Z", "0001-01-01T08:00:00+08:00", PreciseSecond, true},
		{"发表于 2023-04-02 12:30:00", "2023-04-02T12:30:00+08:00", PreciseSecond, false},
	} {
		got, ok := ParseDate(tt.in)
		want, err := time.Parse(time.RFC3339, tt.want)
		if err != nil {
			t.Fatal(err)
		}
		if !ok || !got.At.Equal(want) || got.Precise != tt.precise || got.Zone != tt.zone {
			t.Errorf("%q: got %v %s zone %v (%v), want %s %s zone %v", tt.in, got.At.In(Shanghai), got.Precise, got.Zone, ok, tt.want, tt.precise, tt.zone)
		}
	}
	for _, bad := range []string{"", "昨天", "18-03-08", "2023-02-30", "2023-13-01", "02/03/2023", "12345", "v2.0.23", "img/2023/12/231203_1.jpg"} {
		if d, ok := ParseDate(bad); ok {
			t.Errorf("%q read as %v", bad, d)
		}
	}
}

func TestPathDate(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/2023/04/02/title/":           "2023-04-02",
		"/blog/202304021835/":          "2023-04-02",
		"/posts/2023-04-02-title.html": "2023-04-02",
		"/2023/04/title.html":          "2023-04-01",
		"/p/3403/":                     "",
		"/posts/61f6b271/":             "",
		"/post/2023/":                  "",
		"/2023/13/01/":                 "",
	} {
		d, _, ok := PathDate(path)
		got := ""
		if ok {
			got = d.At.In(Shanghai).Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func ev(kind, raw string) Evidence { return NewEvidence(kind, raw, "") }

func TestDateGate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name            string
		ev              []Evidence
		outcome, reason string
	}{
		{"nothing", nil, DateAsk, "date.none"},
		{"two kinds agree", []Evidence{ev(KindMeta, "2023-05-01"), ev(KindURL, "2023-05-02")}, DatePassed, "date.agreed"},
		{"one group twice is one", []Evidence{ev(KindTime, "2023-05-01"), ev(KindVisible, "2023-05-01")}, DateAsk, "date.single"},
		{"month echoes the day", []Evidence{ev(KindTime, "2022-11-20"), ev(KindURL, "2022-11")}, DatePassed, "date.agreed"},
		{"year is too weak", []Evidence{ev(KindTime, "2023-05-01"), ev(KindURL, "2023")}, DateAsk, "date.single"},
		{"declared alone", []Evidence{ev(KindField, "2023-05-01")}, DatePassed, "date.declared"},
		{"declared month alone", []Evidence{ev(KindField, "2023-05")}, DateAsk, "date.single"},
		{"declared, contradicted", []Evidence{ev(KindField, "2023-05-01"), ev(KindURL, "2020-05-01")}, DateAsk, "date.conflict"},
		{"conflict", []Evidence{ev(KindMeta, "2023-05-01"), ev(KindURL, "2023-05-20")}, DateAsk, "date.conflict"},
		{"all before", []Evidence{ev(KindMeta, "2021-05-01"), ev(KindURL, "2020-01-20")}, DateRefused, "date.before"},
		{"one, before", []Evidence{ev(KindMeta, "2021-05-01")}, DateRefused, "date.before"},
		{"one is before", []Evidence{ev(KindMeta, "2023-05-01"), ev(KindJSONLD, "2023-05-01"), ev(KindURL, "2021-05-01")}, DateAsk, "date.conflict"},
		{"on the cut-off day", []Evidence{ev(KindField, "2022-11-01")}, DateAsk, "date.near_cutoff"},
		{"the day before", []Evidence{ev(KindField, "2022-10-31")}, DateAsk, "date.near_cutoff"},
		{"the day after", []Evidence{ev(KindField, "2022-11-02")}, DatePassed, "date.declared"},
		{"well before", []Evidence{ev(KindField, "2022-10-30")}, DateRefused, "date.before"},
		{"2031", []Evidence{ev(KindField, "2031-01-01")}, DateAsk, "date.impossible"},
		{"2031 beside a good one", []Evidence{ev(KindField, "2023-05-01"), ev(KindMeta, "2031-01-01")}, DateAsk, "date.impossible"},
		{"year 0001", []Evidence{ev(KindMeta, "0001-01-01T00:00:00Z")}, DateAsk, "date.impossible"},
		{"unreadable", []Evidence{ev(KindMeta, "yesterday")}, DateAsk, "date.none"},
		{"seen before the cut-off", []Evidence{ev(KindMeta, "2023-05-01"), ev(KindJSONLD, "2023-05-01"), ev(KindFirstSeen, "2021-05-01")}, DateRefused, "date.seen_before"},
		{"seen before its date", []Evidence{ev(KindMeta, "2023-05-01"), ev(KindJSONLD, "2023-05-01"), ev(KindFirstSeen, "2023-03-01")}, DateAsk, "date.seen_earlier"},
		{"seen long after", []Evidence{ev(KindMeta, "2023-05-01"), ev(KindJSONLD, "2023-05-01"), ev(KindFirstSeen, "2026-03-01")}, DatePassed, "date.agreed"},
		{"only seen", []Evidence{ev(KindFirstSeen, "2024-03-01")}, DateAsk, "date.none"},
	} {
		if v := DefaultDateGate().Judge(tt.ev, now); v.Outcome != tt.outcome || v.Reason != tt.reason {
			t.Errorf("%s: got %s %s, want %s %s", tt.name, v.Outcome, v.Reason, tt.outcome, tt.reason)
		}
	}
	g := DefaultDateGate()
	g.SingleEvidence = "pass"
	if v := g.Judge([]Evidence{ev(KindMeta, "2023-05-01")}, now); v.Outcome != DatePassed {
		t.Errorf("single_evidence pass: got %+v", v)
	}
}

// Whatever the evidence says, a text with a claim or a sighting before the cut-off never passes.
func TestNothingOldPasses(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	kinds := []string{KindJSONLD, KindMeta, KindTime, KindURL, KindField, KindFirstSeen, KindScript}
	rapid.Check(t, func(t *rapid.T) {
		g := DefaultDateGate()
		g.SingleEvidence = rapid.SampledFrom([]string{"ask", "pass"}).Draw(t, "single")
		var all []Evidence
		old := false
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			at := g.Cutoff.Add(time.Duration(rapid.IntRange(-400, 400).Draw(t, "days")) * 24 * time.Hour)
			all = append(all, ev(rapid.SampledFrom(kinds).Draw(t, "kind"), at.Format(time.DateOnly)))
			old = old || at.Before(g.Cutoff)
		}
		if v := g.Judge(all, now); old && v.Outcome == DatePassed {
			t.Fatalf("passed with %+v", all)
		}
	})
}
