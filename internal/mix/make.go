package mix

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// Options say how to make a mix.
type Options struct {
	Tool     string                                // the program's version, for the manifest
	Progress func(stage string, done, total int64) // total 0 is not known; nil tells nobody
}

// A maker makes one mix in a directory of its own.
type maker struct {
	plan  Plan
	opts  Options
	dir   string
	spool *spool // of turns
	lines *spool // of rows that come in
	ruler *ruler
	guard *guard
	out   *record.Writer // left_out.jsonl
	m     Manifest
	files [][]input // of each source
	total int64     // bytes to read
	done  int64
	seen  int // rows
}

// Make makes the mix of a plan in a directory, which appears whole or not at all; one that holds a mix is
// replaced. Rows that cannot be read are left out, counted and listed. A plan that wants more rows than are
// left, or that refuses long rows and has some, is an error that says what is missing.
//
// Memory holds the triplets' shingles (16 bytes a character) and about 500 bytes for every general row
// that the largest configuration takes; it does not grow with the rows that are read.
func Make(ctx context.Context, p Plan, out string, o Options) (m Manifest, err error) {
	if err := free(out); err != nil {
		return m, err
	}
	parent := filepath.Dir(filepath.Clean(out))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return m, errs.Unavailablef("mix: %w", err)
	}
	dir, err := os.MkdirTemp(parent, ".mix-*")
	if err != nil {
		return m, errs.Unavailablef("mix: %w", err)
	}
	defer os.RemoveAll(dir) // it is in its place by then, or half made
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	mk := &maker{plan: p, opts: o, dir: dir}
	if err := mk.make(ctx); err != nil {
		return m, err
	}
	if err := os.RemoveAll(out); err != nil {
		return m, errs.Unavailablef("mix: %w", err)
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Rename(dir, out)); err != nil {
		return m, errs.Unavailablef("mix: %w", err)
	}
	return mk.m, nil
}

// free refuses a directory that holds anything but a mix.
func free(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return errs.Invalidf("output: %w", err)
	}
	mixed := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ManifestFile })
	for _, e := range entries {
		if name := e.Name(); !mixed || !slices.Contains([]string{ManifestFile, PlanFile, LeftOutFile, trainDir}, name) {
			return errs.Invalidf("%s holds %s, which is of no mix: give a new directory", dir, name)
		}
	}
	return nil
}

func (mk *maker) make(ctx context.Context) (err error) {
	p := mk.plan
	mk.m = Manifest{
		Format: Format, Tool: mk.opts.Tool, Name: p.Name, PlanHash: p.Hash(), Seed: p.Seed, Reasoning: p.Reasoning.Creative,
		GeneralThought: p.Reasoning.General, MaxTokens: p.Length.Max, Configurations: []Configuration{}, Warnings: []string{},
		LeftOut: LeftOut{ByReason: map[string]map[string]int{KindCreative: {}, KindGeneral: {}}},
	}
	if err := mk.find(); err != nil {
		return err
	}
	if mk.ruler, err = newRuler(p); err != nil {
		return err
	}
	if mk.guard, mk.m.Benchmark, err = newGuard(ctx, p, io.Discard); err != nil {
		return err
	}
	if len(mk.guard.texts) == 0 {
		mk.guard = nil
	}
	for _, s := range []**spool{&mk.spool, &mk.lines} {
		if *s, err = newSpool(mk.dir); err != nil {
			return err
		}
		defer (*s).close()
	}
	if err := os.Mkdir(filepath.Join(mk.dir, trainDir), 0o755); err != nil {
		return errs.Unavailablef("mix: %w", err)
	}
	if mk.out, err = record.Create(filepath.Join(mk.dir, LeftOutFile)); err != nil {
		return err
	}
	defer mk.out.Abort() // after Close it does nothing
	creative, err := mk.creative(ctx)
	if err != nil {
		return err
	}
	general, err := mk.general(ctx, creative)
	if err != nil {
		return err
	}
	if long := slices.Concat(creative.long, general.long); len(long) > 0 {
		return tooLong(p, long, mk.ruler.tok == nil)
	}
	if err := mk.enough(creative, general); err != nil {
		return err
	}
	if err := mk.lines.settle(); err != nil {
		return err
	}
	if err := mk.write(ctx, creative.kept, general.kept); err != nil {
		return err
	}
	return mk.finish(creative, general)
}

// find names the sources and their files. Sources stand in the order of their names, so that the order of
// the plan makes no difference.
func (mk *maker) find() error {
	add := func(kind, field, name string, paths []string, release string) error {
		files, version, err := mk.plan.inputs(field, paths, release)
		if err != nil {
			return err
		}
		mk.m.Sources = append(mk.m.Sources, Source{Name: name, Kind: kind, Release: version, Filtered: map[string]int{}})
		mk.files = append(mk.files, files)
		for _, f := range files {
			mk.total += f.size
		}
		return nil
	}
	mk.plan.Creative = slices.SortedFunc(slices.Values(mk.plan.Creative), func(a, b Creative) int { return strings.Compare(a.Name, b.Name) })
	mk.plan.General = slices.SortedFunc(slices.Values(mk.plan.General), func(a, b General) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range mk.plan.Creative {
		if err := add(KindCreative, "creative "+s.Name, s.Name, s.Paths, s.Release); err != nil {
			return err
		}
	}
	for _, s := range mk.plan.General {
		if err := add(KindGeneral, "general "+s.Name, s.Name, s.Paths, ""); err != nil {
			return err
		}
	}
	return nil
}

// Write counts bytes that were read.
func (mk *maker) Write(b []byte) (int, error) {
	mk.done += int64(len(b))
	return len(b), nil
}

// read calls take with every row of a source that can be read and passes its filter. again reads a source
// once more, with nothing counted or listed.
func (mk *maker) read(ctx context.Context, source int, f Filter, decode func(record.Raw) (record.Conversation, error), again bool, take func(candidate, []record.Turn) error) error {
	s := &mk.m.Sources[source]
	stage := "reading " + s.Name
	for n, in := range mk.files[source] {
		bad := func(b *record.BadRecord) error {
			if again {
				return nil
			}
			s.Bad++
			why := b.Msg
			if b.Field != "" {
				why = b.Field + ": " + why
			}
			return mk.leave(LeftOutRow{Kind: s.Kind, Source: s.Name, At: fmt.Sprintf("%s:%d", in.name, b.Line), Reason: Bad, Why: why})
		}
		sum, rows, err := in.each(ctx, mk, func(raw record.Raw) error {
			if mk.seen++; mk.seen%256 == 0 {
				mk.opts.Progress(stage, mk.done, mk.total)
			}
			c, err := decode(raw)
			if err != nil {
				return err
			}
			if why := mk.plan.ambiguous(s.Kind, c.Turns); why != "" {
				return &record.BadRecord{File: raw.File, Line: raw.Line, Msg: why}
			}
			if why := f.drops(&c); why != "" {
				if !again {
					s.Filtered[why]++
				}
				return nil
			}
			if !again {
				s.Pool++
			}
			row := newCandidate(mk.plan.Seed, s.Kind, c)
			row.source, row.file, row.line = source, n, raw.Line
			return take(row, c.Turns)
		}, bad)
		if err != nil {
			return err
		}
		if !again {
			s.Rows += rows
			s.Files = append(s.Files, File{Name: in.name, Hash: sum, Rows: rows})
		}
	}
	return nil
}

// drops says why a filter keeps a row out; "" when it does not. It settles the row's language.
func (f Filter) drops(c *record.Conversation) string {
	s := said(c.Turns)
	if c.Language == "" {
		c.Language = f.Language
	}
	if c.Language == "" {
		c.Language = text.Language(s)
	}
	c.Language = primary(c.Language)
	n := text.Len(s) - len(c.Turns) + text.Len(thoughts(c.Turns)) // without the line ends between turns
	switch {
	case len(f.Languages) > 0 && !slices.ContainsFunc(f.Languages, func(l string) bool { return primary(l) == c.Language }):
		return "language"
	case len(f.Genres) > 0 && !slices.Contains(f.Genres, c.Genre):
		return "genre"
	case n < f.MinCharacters:
		return "short"
	case f.MaxCharacters > 0 && n > f.MaxCharacters:
		return "long"
	}
	return ""
}

// primary is a language without its region: zh of zh-CN.
func primary(language string) string {
	l := strings.ToLower(strings.TrimSpace(language))
	if i := strings.IndexAny(l, "-_"); i > 0 {
		l = l[:i]
	}
	return l
}

// leave lists a row that is left out.
func (mk *maker) leave(l LeftOutRow) error {
	mk.m.LeftOut.ByReason[l.Kind][l.Reason]++
	return mk.out.Write(l)
}

func (mk *maker) checker(similar float64) *checker {
	return &checker{
		plan: mk.plan, spool: mk.spool, lines: mk.lines, guard: mk.guard, ruler: mk.ruler, near: newNear(similar), out: mk.leave,
		name: func(source int) string { return mk.m.Sources[source].Name },
		at:   func(source, file, line int) string { return fmt.Sprintf("%s:%d", mk.files[source][file].name, line) },
	}
}

// creative reads and checks all triplets, whether or not a configuration takes them: general rows are held
// against them, and are then the same in every configuration.
func (mk *maker) creative(ctx context.Context) (*checker, error) {
	c := mk.checker(mk.plan.Duplicates.Creative)
	if mk.plan.Duplicates.AgainstCreative > 0 && mk.plan.most(generalOf) != 0 {
		c.index = &text.Index{}
	}
	all := newPool(mk.spool, 0)
	for i, s := range mk.plan.Creative {
		err := mk.read(ctx, i, s.Filter, tripletTurns, false, all.add)
		if err != nil {
			return nil, err
		}
	}
	if err := mk.spool.settle(); err != nil {
		return nil, err
	}
	rows := all.drain()
	_, err := c.check(ctx, rows, All, func(n int) { mk.opts.Progress("checking triplets", int64(n), int64(len(rows))) })
	return c, err
}

// tripletTurns reads a triplet as a question, a thought and an answer.
func tripletTurns(raw record.Raw) (record.Conversation, error) {
	t, err := record.DecodeTriplet(raw)
	if err != nil {
		return record.Conversation{}, err
	}
	c := record.Conversation{ID: t.ID, Genre: t.Genre, Language: t.Language}
	var system string
	if json.Unmarshal(t.Extra["system"], &system) == nil && system != "" {
		c.Turns = append(c.Turns, record.Turn{Role: "system", Text: system})
	}
	c.Turns = append(c.Turns, record.Turn{Role: "user", Text: t.Prompt}, record.Turn{Role: "assistant", Text: t.Article, Thought: t.Reasoning})
	return c, nil
}

// general draws as many general rows as the largest configuration takes. The pool is wider than that by
// half, for rows that fall out; where even those are not enough it is read again from there on.
func (mk *maker) general(ctx context.Context, creative *checker) (*checker, error) {
	c := mk.checker(mk.plan.Duplicates.General)
	want := mk.plan.most(generalOf)
	if want == 0 {
		return c, nil
	}
	if mk.plan.Duplicates.AgainstCreative > 0 && len(creative.kept) > 0 {
		c.against, c.others = creative.index, creative.kept
		c.against.Freeze()
	}
	width := 0
	if want != All {
		width = int(want) + int(want)/2 + 4096
	}
	drawn := newPool(mk.spool, width)
	for again := false; ; again = true {
		for i, s := range mk.plan.General {
			decode := func(raw record.Raw) (record.Conversation, error) {
				return record.DecodeConversation(raw, s.Format, s.Fields)
			}
			if err := mk.read(ctx, len(mk.plan.Creative)+i, s.Filter, decode, again, drawn.add); err != nil {
				return nil, err
			}
		}
		if err := mk.spool.settle(); err != nil {
			return nil, err
		}
		rows := drawn.drain()
		_, err := c.check(ctx, rows, want, func(n int) { mk.opts.Progress("checking general rows", int64(n), int64(max(want, 0))) })
		if err != nil || c.enough(want) || !drawn.lost {
			return c, err
		}
		drawn.next(rows[len(rows)-1].draw)
		mk.done = 0
	}
}

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
	t.c.Hash, err = fileHash(path)
	return t.c, err
}

// finish writes what stands beside the rows.
func (mk *maker) finish(creative, general *checker) error {
	if err := mk.out.Close(); err != nil {
		return err
	}
	mk.m.LeftOut.Rows = mk.out.Count()
	var err error
	if mk.m.LeftOut.Hash, err = fileHash(filepath.Join(mk.dir, LeftOutFile)); err != nil {
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
	say := func(n int, format string, a ...any) {
		if n > 0 {
			mk.m.Warnings = append(mk.m.Warnings, fmt.Sprintf(format, a...))
		}
	}
	without := 0
	for _, r := range creative {
		if !r.thought {
			without++
		}
	}
	if mk.plan.Reasoning.Creative != None {
		say(without, "%d of %d triplets have no reasoning: they teach to answer without a thought", without, len(creative))
	}
	with := 0
	for _, r := range general {
		if r.thought {
			with++
		}
	}
	say(with, "%d of %d general rows bring a thought of their own, which is kept; [reasoning] general = \"drop\" takes it out", with, len(general))
	if mk.guard == nil {
		say(1, "no benchmark file is named: nothing was held against queries")
	}
	if mk.ruler.tok == nil && mk.plan.Length.Max > 0 {
		say(1, "length.max was held against an estimate of tokens; name the model's tokenizer for a count")
	}
}
