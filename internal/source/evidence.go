package source

import (
	"fmt"
	"time"
)

// Kinds of date evidence. Kinds in one group repeat each other (a <time> element is what the
// reader sees), so agreement inside a group proves nothing.
const (
	KindJSONLD      = "json-ld"      // datePublished in a script of schema.org data
	KindMeta        = "meta"         // a meta element that names the publication
	KindTime        = "time"         // a <time> element near the head of the article
	KindVisible     = "visible"      // the first date after the headline
	KindLabel       = "label"        // a date labelled 发布时间, 发表于, Published …
	KindScript      = "script"       // a JavaScript variable such as publish_time
	KindURL         = "url"          // the path of the page's address
	KindPath        = "path"         // the path of the file, in the folder or the site it came from
	KindFrontMatter = "front-matter" // date of a Markdown post
	KindField       = "field"        // the date field of a record
	KindFirstSeen   = "first-seen"   // when somebody else first saw the text: it is not younger
)

// group returns the mechanism behind a kind; two kinds are independent when their groups differ.
func group(kind string) string {
	switch kind {
	case KindTime, KindVisible, KindLabel:
		return "page"
	case KindURL, KindPath:
		return "address"
	case KindFrontMatter, KindField:
		return "declared"
	}
	return kind
}

// Evidence is one piece of what is known about a text's publication date. It is kept whether
// or not the gate used it, so that a person can see what the gate saw.
type Evidence struct {
	Kind    string     `json:"kind"`
	Raw     string     `json:"raw"`             // as it was written
	At      *time.Time `json:"at,omitempty"`    // nil: it could not be read
	Place   string     `json:"place,omitempty"` // where it was found: a meta name, a field, a column
	Zone    bool       `json:"zone,omitempty"`  // whether Raw named a time zone
	Precise string     `json:"precise"`         // second, day, month, year
	Note    string     `json:"note,omitempty"`  // what the gate thought of it: see the Note constants
}

// What the gate may note on a piece of evidence.
const (
	NoteUnreadable = "unreadable" // not a date
	NoteImpossible = "impossible" // in the future, or before there was a web
	NoteBefore     = "before"     // before the cut-off
	NoteDisagrees  = "disagrees"  // with another piece, by more than the tolerance
)

// NewEvidence reads raw as a date; one that cannot be read is kept with its note.
func NewEvidence(kind, raw, place string) Evidence {
	if d, ok := ParseDate(raw); ok {
		return evidenceOf(kind, d, raw, place)
	}
	return Evidence{Kind: kind, Raw: clip(oneLine(raw), 100), Place: oneLine(place), Precise: PreciseDay, Note: NoteUnreadable}
}

func evidenceOf(kind string, d Date, raw, place string) Evidence {
	at := d.At
	return Evidence{Kind: kind, Raw: clip(oneLine(raw), 100), At: &at, Place: oneLine(place), Zone: d.Zone, Precise: d.Precise}
}

func (e Evidence) span() (from, to time.Time) { return Date{At: *e.At, Precise: e.Precise}.span() }

// Outcomes of the date gate.
const (
	DatePassed  = "passed"
	DateRefused = "refused"
	DateAsk     = "ask" // a person decides
)

// A Verdict is what the date gate says of a text, and why.
type Verdict struct {
	Outcome string     // passed, refused or ask
	At      *time.Time // the earliest credible claim; nil when there is none
	Reason  string     // a message key: date.agreed, date.declared, date.conflict …
	Kinds   []string   // the independent groups that agreed
}

// A DateGate says which publication dates are acceptable. The zero value is not useful; see
// [DefaultDateGate].
type DateGate struct {
	Cutoff         time.Time     // texts published before this moment may be in a base model's training data
	Tolerance      time.Duration // claims this far apart still agree; this near the cut-off a person decides
	SingleEvidence string        // ask or pass: what one kind alone is worth
}

// DefaultDateGate takes texts published "after October 2022" (paper §2.1).
func DefaultDateGate() DateGate {
	return DateGate{
		Cutoff:         time.Date(2022, 11, 1, 0, 0, 0, 0, Shanghai),
		Tolerance:      24 * time.Hour,
		SingleEvidence: DateAsk,
	}
}

// oldest is before the first Chinese web page; an earlier date is an unset one (year 0001, 1970).
var oldest = time.Date(1994, 1, 1, 0, 0, 0, 0, time.UTC)

// Judge weighs the evidence and notes on each piece what it found. A text passes when two
// independent kinds agree and the earliest claim is safely after the cut-off; it is refused
// when every claim, or somebody who saw it, puts it before; in all other cases a person decides.
//
// One kind alone passes in one case: a full date that the collector declared (the date field
// of a record, the front matter of a post) and nothing contradicts. Such files carry no second
// piece by nature, so asking for every line would make a person click the file through without
// looking, which is worse. What a page says of itself is not declared by the collector.
func (g DateGate) Judge(ev []Evidence, now time.Time) Verdict {
	claims, seen, impossible := g.sort(ev, now)
	for _, e := range seen {
		if _, to := e.span(); !to.After(g.Cutoff) {
			e.Note = NoteBefore
			return Verdict{DateRefused, e.At, "date.seen_before", nil}
		}
	}
	if len(claims) == 0 {
		if impossible {
			return Verdict{DateAsk, nil, "date.impossible", nil}
		}
		return Verdict{DateAsk, nil, "date.none", nil}
	}
	first, from := earliest(claims)
	before := 0
	for _, e := range claims {
		if _, to := e.span(); !to.After(g.Cutoff.Add(-g.Tolerance)) {
			e.Note = NoteBefore
			before++
		}
	}
	if before == len(claims) && !impossible {
		return Verdict{DateRefused, first.At, "date.before", nil}
	}
	v := Verdict{DateAsk, first.At, "", groups(claims)}
	switch {
	case impossible:
		v.Reason = "date.impossible"
	case disagree(claims, g.Tolerance):
		v.Reason = "date.conflict"
	case from.Before(g.Cutoff.Add(g.Tolerance)):
		v.Reason = "date.near_cutoff"
	case seenEarlier(seen, from.Add(-g.Tolerance)):
		v.Reason = "date.seen_earlier"
	case len(v.Kinds) >= 2:
		v.Outcome, v.Reason = DatePassed, "date.agreed"
	case len(v.Kinds) == 1 && v.Kinds[0] == "declared":
		v.Outcome, v.Reason = DatePassed, "date.declared"
	case len(v.Kinds) == 1 && g.SingleEvidence == "pass":
		v.Outcome, v.Reason = DatePassed, "date.single"
	default:
		v.Reason = "date.single"
	}
	return v
}

// sort parts claims of publication from sightings, and notes what is impossible.
func (g DateGate) sort(ev []Evidence, now time.Time) (claims, seen []*Evidence, impossible bool) {
	for i := range ev {
		e := &ev[i]
		switch {
		case e.At == nil:
			e.Note = NoteUnreadable
		case e.At.Before(oldest) || e.At.After(now.Add(48*time.Hour)):
			e.Note = NoteImpossible
			impossible = true
		case e.Kind == KindFirstSeen:
			e.Note = ""
			seen = append(seen, e)
		default:
			e.Note = ""
			claims = append(claims, e)
		}
	}
	return claims, seen, impossible
}

// earliest returns the earliest claim and the moment it begins. A month or a year that holds a
// finer claim is only its echo, so the finer one speaks for it.
func earliest(claims []*Evidence) (first *Evidence, from time.Time) {
	for _, e := range claims {
		at, to := e.span()
		coarse := e.Precise == PreciseMonth || e.Precise == PreciseYear
		if coarse && holdsFiner(claims, e, at, to) {
			continue
		}
		if first == nil || at.Before(from) {
			first, from = e, at
		}
	}
	return first, from
}

func holdsFiner(claims []*Evidence, self *Evidence, from, to time.Time) bool {
	for _, f := range claims {
		finer := rank(f.Precise) > rank(self.Precise)
		if finer && !f.At.Before(from) && f.At.Before(to) {
			return true
		}
	}
	return false
}

func rank(precise string) int {
	switch precise {
	case PreciseYear:
		return 0
	case PreciseMonth:
		return 1
	}
	return 2
}

// disagree notes and reports claims that lie further apart than the tolerance.
func disagree(claims []*Evidence, tolerance time.Duration) bool {
	found := false
	for i, a := range claims {
		for _, b := range claims[i+1:] {
			aFrom, aTo := a.span()
			bFrom, bTo := b.span()
			if bFrom.Sub(aTo) > tolerance || aFrom.Sub(bTo) > tolerance {
				later := a
				if bFrom.After(aFrom) {
					later = b
				}
				later.Note = NoteDisagrees
				found = true
			}
		}
	}
	return found
}

func seenEarlier(seen []*Evidence, than time.Time) bool {
	found := false
	for _, e := range seen {
		if _, to := e.span(); to.Before(than) {
			e.Note = NoteDisagrees
			found = true
		}
	}
	return found
}

// groups lists the independent kinds among claims that agree; a bare year is too weak to count.
func groups(claims []*Evidence) []string {
	var gs []string
	have := map[string]bool{}
	for _, e := range claims {
		g := group(e.Kind)
		if e.Precise == PreciseYear || have[g] {
			continue
		}
		// The collector's word alone must be a day, not a month.
		if g == "declared" && e.Precise == PreciseMonth {
			g = "declared month"
		}
		have[g] = true
		gs = append(gs, g)
	}
	return gs
}

// clip shortens s to n code points.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return fmt.Sprintf("%s…", string(r[:n]))
}
