package mix

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"coigwriter/internal/text"
)

// A LeftOutRow is a row that did not come in, as left_out.jsonl lists it.
type LeftOutRow struct {
	Kind   string   `json:"kind"`
	Source string   `json:"source"`
	ID     string   `json:"id"`
	At     string   `json:"at"` // file and line in the source
	Reason string   `json:"reason"`
	Of     *RowRef  `json:"of,omitempty"`    // the row that it is a copy of
	Query  *TextRef `json:"query,omitempty"` // the text of the benchmark that it holds, or stands in
	Share  float64  `json:"share,omitempty"` // of what they have in common
	Run    string   `json:"run,omitempty"`   // the longest that stands in both
	RunLen int      `json:"run_characters,omitempty"`
	Tokens int      `json:"tokens,omitempty"`
	Why    string   `json:"why,omitempty"` // of a bad row
}

// A RowRef names a row.
type RowRef struct {
	Kind   string `json:"kind"`
	Source string `json:"source"`
	ID     string `json:"id"`
}

// A TextRef names a text of the benchmark.
type TextRef struct {
	Kind string `json:"kind"` // query or reference
	ID   string `json:"id"`
	File string `json:"file"`
}

// Why rows are left out.
const (
	Duplicate     = "duplicate"      // the same turns as another row
	NearDuplicate = "near_duplicate" // much like another row
	Contaminated  = "contaminated"   // holds a text of the benchmark
	TooLong       = "too_long"
	Bad           = "bad" // cannot be read, or not be written
)

// A checker decides which rows of one kind come in, in the order of their keys.
type checker struct {
	plan    Plan
	spool   *spool
	guard   *guard
	ruler   *ruler
	near    *near
	against *text.Index // triplets that general rows must not be like; nil for none
	others  []*candidate
	name    func(source int) string
	at      func(source, file, line int) string

	kept []*candidate
	out  func(LeftOutRow) error
	long []LeftOutRow // of a plan that refuses them
}

// findings are what one row's text says, found on any CPU.
type findings struct {
	set, bands []uint64
	leak       *hit
	like       int // the triplet that it is like, in others; -1 for none
	share      float64
	err        error
}

const checkedAtOnce = 128 // their shingles are in memory together: of novels that is 30 MB

// check takes rows in order until there are enough; All takes every one. It reports how many it looked at.
func (c *checker) check(ctx context.Context, rows []*candidate, enough Count, step func(int)) (looked int, err error) {
	for from := 0; from < len(rows) && !c.enough(enough); from += checkedAtOnce {
		batch := rows[from:min(from+checkedAtOnce, len(rows))]
		found := make([]findings, len(batch))
		var next atomic.Int64
		var wg sync.WaitGroup
		for range min(runtime.GOMAXPROCS(0), len(batch)) {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(batch)) && ctx.Err() == nil; i = next.Add(1) - 1 {
					found[i] = c.look(batch[i])
				}
			})
		}
		wg.Wait()
		if ctx.Err() != nil {
			return looked, ctx.Err()
		}
		for i, f := range found {
			if c.enough(enough) {
				break
			}
			if f.err != nil {
				return looked, f.err
			}
			looked++
			if err := c.decide(batch[i], f); err != nil {
				return looked, err
			}
		}
		step(len(c.kept))
	}
	return looked, nil
}

func (c *checker) enough(n Count) bool { return n != All && len(c.kept) >= int(n) }

// look finds out all that hangs on the row alone.
func (c *checker) look(r *candidate) (f findings) {
	f.like = -1
	turns, err := c.spool.get(r.at)
	if err != nil {
		f.err = err
		return f
	}
	s := said(turns)
	units := text.ShinglesOf(s)
	f.set = units.Runs(shingleOf)
	f.bands = c.near.bandsOf(f.set)
	if c.guard != nil {
		thought := thoughts(turns)
		if thought == "" {
			f.leak = c.guard.find(units, f.set, s)
		} else {
			both := text.ShinglesOf(s + thought)
			f.leak = c.guard.find(both, both.Runs(shingleOf), s+thought)
		}
	}
	if c.against != nil {
		c.against.Shared(f.set, func(i, n int) {
			of := min(c.against.Size(i), len(f.set))
			if share := float64(n) / float64(of); n >= leastShared && share >= c.plan.Duplicates.AgainstCreative && share > f.share {
				f.like, f.share = i, share
			}
		})
	}
	ms := c.plan.messages(r, turns)
	r.tokens, r.chars, r.thought = c.ruler.tokens(ms), characters(ms), thinking(ms)
	return f
}

// decide takes a row in or leaves it out, for the first reason that there is.
func (c *checker) decide(r *candidate, f findings) error {
	for _, d := range r.copies {
		if err := c.out(LeftOutRow{Kind: r.kind, Source: c.name(d.source), ID: d.id, At: c.at(d.source, d.file, d.line), Reason: Duplicate, Of: c.ref(r)}); err != nil {
			return err
		}
	}
	l := LeftOutRow{Kind: r.kind, Source: c.name(r.source), ID: r.id, At: c.at(r.source, r.file, r.line)}
	switch {
	case f.leak != nil:
		l.Reason, l.Share, l.Run, l.RunLen = Contaminated, round(f.leak.share), text.Excerpt(f.leak.run, 80), text.Len(f.leak.run)
		l.Query = &TextRef{f.leak.kind, f.leak.id, f.leak.file}
		return c.out(l)
	case f.like >= 0:
		l.Reason, l.Share, l.Of = NearDuplicate, round(f.share), c.ref(c.others[f.like])
		return c.out(l)
	}
	twin, share, err := c.near.find(f.set, f.bands, c.setOf)
	if err != nil {
		return err
	}
	if twin >= 0 {
		l.Reason, l.Share, l.Of = NearDuplicate, round(share), c.ref(c.kept[twin])
		return c.out(l)
	}
	if limit := c.plan.Length.Max; limit > 0 && r.tokens > limit {
		l.Reason, l.Tokens = TooLong, r.tokens
		if c.plan.Length.Over == Refuse {
			c.long = append(c.long, l)
		}
		return c.out(l)
	}
	if c.near.threshold > 0 {
		c.near.add(f.bands)
	}
	c.kept = append(c.kept, r)
	return nil
}

// round keeps four decimals of a share.
func round(x float64) float64 { return float64(int(x*1e4+0.5)) / 1e4 }

func (c *checker) ref(r *candidate) *RowRef { return &RowRef{r.kind, c.name(r.source), r.id} }

// setOf reads the shingles of a row that came in.
func (c *checker) setOf(i int) ([]uint64, error) {
	turns, err := c.spool.get(c.kept[i].at)
	if err != nil {
		return nil, err
	}
	return text.Shingles(said(turns), shingleOf), nil
}
