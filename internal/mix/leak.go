package mix

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"

	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// leastShared is how many shingles a row and a reference (or a triplet) must share before their share says
// anything: a row of ten words is in half of all novels.
const leastShared = 10

// A guard knows the texts that must not be trained on: queries, and what answers them.
type guard struct {
	plan  Benchmark
	texts []guarded
	runs  text.Index // of shingleOf units
	long  text.Index // of plan.Run units
}

type guarded struct {
	kind, id, file, text string
}

// A hit is a text of the benchmark that stands in a row, or the row in it.
type hit struct {
	kind, id, file string
	share          float64
	run            string // the longest that they have in common
}

// newGuard reads the benchmark's files. A record that cannot be read is an error: what is not guarded
// against would be trained on.
func newGuard(ctx context.Context, p Plan, counted io.Writer) (*guard, []BenchmarkFile, error) {
	g := &guard{plan: p.Benchmark}
	files := []BenchmarkFile{}
	for _, part := range []struct {
		kind, field string
		paths       []string
		read        func(record.Raw) (string, string, error)
	}{
		{"query", "benchmark.queries", p.Benchmark.Queries, queryText},
		{"reference", "benchmark.references", p.Benchmark.References, referenceText},
	} {
		ins, _, err := p.inputs(part.field, part.paths, "")
		if err != nil {
			return nil, nil, err
		}
		for _, in := range ins {
			n := len(g.texts)
			sum, _, err := in.each(ctx, counted, func(raw record.Raw) error {
				id, s, err := part.read(raw)
				if err == nil {
					g.add(guarded{part.kind, cmp.Or(id, strconv.Itoa(raw.Line)), in.name, s})
				}
				return err
			}, func(b *record.BadRecord) error { return fmt.Errorf("%s: %w", part.field, b) })
			if err != nil {
				return nil, nil, err
			}
			files = append(files, BenchmarkFile{Name: in.name, Kind: part.kind, Hash: sum, Texts: len(g.texts) - n})
		}
	}
	g.runs.Freeze()
	g.long.Freeze()
	return g, files, nil
}

func queryText(raw record.Raw) (string, string, error) {
	q, err := record.DecodeQuery(raw)
	if err == nil && q.Prompt == "" {
		err = &record.BadRecord{File: raw.File, Line: raw.Line, Field: "prompt", Msg: "is missing; the names read are prompt, query, instruction"}
	}
	return q.ID, q.Prompt, err
}

// referenceText takes the main text of a record, or all its texts where it has none that we know.
func referenceText(raw record.Raw) (string, string, error) {
	id, s, err := record.MainText(raw)
	if err != nil || s == "" {
		return record.AllText(raw)
	}
	return id, s, nil
}

func (g *guard) add(t guarded) {
	g.texts = append(g.texts, t)
	units := text.ShinglesOf(t.text)
	g.runs.Add(units.Runs(shingleOf))
	var long []uint64
	if g.plan.Run > 0 && len(units) >= g.plan.Run {
		long = units.Runs(g.plan.Run)
	}
	g.long.Add(long)
}

// find returns the text that a row must not be trained on because of, the one with the largest share; nil
// for none.
func (g *guard) find(units text.Shingled, set []uint64, s string) *hit {
	best, most := -1, 0.0
	take := func(i int, share float64) {
		if best < 0 || share > most {
			best, most = i, share
		}
	}
	if g.plan.Share > 0 {
		g.runs.Shared(set, func(i, n int) {
			if share, enough := g.share(i, n, len(set)); enough && share >= g.plan.Share {
				take(i, share)
			}
		})
	}
	if best < 0 && g.plan.Run > 0 && g.long.Len() > 0 && len(units) >= g.plan.Run {
		g.long.Shared(units.Runs(g.plan.Run), func(i, _ int) { take(i, 0) })
		if best >= 0 {
			g.runs.Shared(set, func(i, n int) {
				if i == best {
					most, _ = g.share(i, n, len(set))
				}
			})
		}
	}
	if best < 0 {
		return nil
	}
	t := g.texts[best]
	run, _ := text.LongestCommonRun(t.text, s)
	return &hit{t.kind, t.id, t.file, most, run}
}

// share is how much of a text stands in a row, by shingles; of a reference, or of the row in it, once they
// share enough. A short query counts whole, a short reference says nothing.
func (g *guard) share(i, n, row int) (share float64, enough bool) {
	if of := g.runs.Size(i); g.texts[i].kind == "query" {
		return float64(n) / float64(of), true
	} else {
		return float64(n) / float64(min(of, row)), n >= leastShared
	}
}
