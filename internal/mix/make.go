package mix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
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
		GeneralThought: p.Reasoning.General, MaxTokens: p.Length.Max, Configurations: []Configuration{}, Warnings: []Warning{},
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
