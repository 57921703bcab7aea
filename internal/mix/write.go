package mix

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// enough refuses a plan that wants more than there is.
func (mk *maker) enough(creative, general *checker) error {
	var bad []string
	for _, w := range mk.plan.Configurations {
		for _, k := range []struct {
			kind string
			want Count
			have int
		}{{KindCreative, w.Creative, len(creative.kept)}, {KindGeneral, w.General, len(general.kept)}} {
			switch {
			case k.want != All && int(k.want) > k.have:
				bad = append(bad, fmt.Sprintf("%s wants %d %s rows and there are %d (%d missing)", w.Name, k.want, k.kind, k.have, int(k.want)-k.have))
			case k.want == All && k.have == 0:
				bad = append(bad, fmt.Sprintf("%s wants all %s rows and there are none", w.Name, k.kind))
			}
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return errs.Invalidf("there are too few rows, and nothing was written:\n  %s\nwhere they went:\n  %s\nadd a source, take smaller numbers, or loosen what leaves rows out",
		strings.Join(bad, "\n  "), strings.Join(mk.whereabouts(), "\n  "))
}

// whereabouts tells of each kind what was read and what became of it.
func (mk *maker) whereabouts() (out []string) {
	for _, kind := range []string{KindCreative, KindGeneral} {
		read, gone := 0, map[string]int{}
		for _, s := range mk.m.Sources {
			if s.Kind == kind {
				read += s.Rows
				for why, n := range s.Filtered {
					gone["filtered by "+why] += n
				}
			}
		}
		for why, n := range mk.m.LeftOut.ByReason[kind] {
			gone[strings.ReplaceAll(why, "_", " ")] += n
		}
		line := fmt.Sprintf("%s: %d read", kind, read)
		for _, why := range slices.Sorted(maps.Keys(gone)) {
			line += fmt.Sprintf(", %d %s", gone[why], why)
		}
		out = append(out, line)
	}
	return out
}

// write writes the rows of every configuration in the order of their keys, triplets and general rows as
// they come: a file is shuffled already, and the rows of a smaller one stand in the same order in a larger.
func (mk *maker) write(ctx context.Context, creative, general []*candidate) error {
	for i, w := range mk.plan.Configurations {
		rows := slices.Concat(first(creative, w.Creative), first(general, w.General))
		slices.SortFunc(rows, func(a, b *candidate) int {
			return cmp.Or(bytes.Compare(a.order[:], b.order[:]), strings.Compare(a.kind, b.kind))
		})
		c, err := mk.writeOne(ctx, w.Name, rows)
		if err != nil {
			return err
		}
		mk.m.Configurations = append(mk.m.Configurations, c)
		mk.opts.Progress("writing", int64(i+1), int64(len(mk.plan.Configurations)))
	}
	return nil
}

func first(rows []*candidate, n Count) []*candidate {
	if n == All {
		return rows
	}
	return rows[:n]
}

func (mk *maker) writeOne(ctx context.Context, name string, rows []*candidate) (Configuration, error) {
	t := newTally(name)
	path := filepath.Join(mk.dir, filepath.FromSlash(t.c.File))
	w, err := record.Create(path)
	if err != nil {
		return t.c, err
	}
	defer w.Abort()
	for _, r := range rows {
		line, err := mk.lines.get(r.written)
		if err == nil {
			err = w.WriteLine(line)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return t.c, err
		}
		t.add(Row{Source: mk.m.Sources[r.source].Name, Kind: r.kind, Genre: r.genre, Language: r.language}, r.chars, r.tokens, r.thought)
	}
	if err := w.Close(); err != nil {
		return t.c, err
	}
	t.c.Lengths = mk.ruler.lengths(t.tokens)
	_, t.c.Hash, err = record.HashFile(path)
	return t.c, err
}

// finish writes what stands beside the rows.
func (mk *maker) finish(creative, general *checker) error {
	if err := mk.out.Close(); err != nil {
		return err
	}
	mk.m.LeftOut.Rows = mk.out.Count()
	var err error
	if _, mk.m.LeftOut.Hash, err = record.HashFile(filepath.Join(mk.dir, LeftOutFile)); err != nil {
		return err
	}
	for _, kept := range [][]*candidate{first(creative.kept, mk.plan.most(creativeOf)), first(general.kept, mk.plan.most(generalOf))} {
		for _, r := range kept {
			mk.m.Sources[r.source].Kept++
		}
	}
	for i := range mk.m.Sources {
		mk.m.Sources[i].sum()
	}
	mk.warn(creative.kept, general.kept)
	mk.m.ID = mk.m.identity()
	if err := os.WriteFile(filepath.Join(mk.dir, PlanFile), mk.plan.text, 0o644); err != nil {
		return errs.Unavailablef("mix: %w", err)
	}
	if err := os.WriteFile(filepath.Join(mk.dir, ManifestFile), mk.m.encode(), 0o644); err != nil {
		return errs.Unavailablef("mix: %w", err)
	}
	return nil
}

// warn says what somebody who trains on the mix should know.
func (mk *maker) warn(creative, general []*candidate) {
	say := func(key string, n, of int, format string, a ...any) {
		mk.m.Warnings = append(mk.m.Warnings, Warning{key, n, of, fmt.Sprintf(format, a...)})
	}
	if n := len(creative) - withThought(creative); n > 0 && mk.plan.Reasoning.Creative != None {
		say("no_reasoning", n, len(creative), "%d of %d triplets have no reasoning: they teach to answer without a thought", n, len(creative))
	}
	if n := withThought(general); n > 0 {
		say("general_thought", n, len(general), "%d of %d general rows bring a thought of their own, which is kept; [reasoning] general = \"drop\" takes it out", n, len(general))
	}
	if mk.guard == nil {
		say("no_benchmark", 0, 0, "no benchmark file is named: nothing was held against queries")
	}
	if mk.ruler.tok == nil && mk.plan.Length.Max > 0 {
		say("estimated", 0, 0, "length.max was held against an estimate of tokens; name the model's tokenizer for a count")
	}
}

// withThought is how many rows have one.
func withThought(rows []*candidate) (n int) {
	for _, r := range rows {
		if r.thought {
			n++
		}
	}
	return n
}
