package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// The bounds; a run that breaks one fails.
const (
	boundStart  = time.Second            // process start to the list of sources
	boundRSS    = 150.0                  // MB while importing
	boundFlat   = 1.25                   // peak memory of ten times the data over that of one
	boundPage   = 100 * time.Millisecond // p95 of any page
	boundSave   = 20 * time.Millisecond  // median of an autosave
	writersMany = 30
)

// A suite runs every measurement over one set of data.
type suite struct {
	size   sizes
	dir    string
	bin    string
	stores *stores
	pool   *pool
	rep    *report
	only   string // the one step to run; "" for all
}

func (s *suite) run(ctx context.Context) error {
	if err := s.build(ctx); err != nil {
		return err
	}
	p := &campaign{suite: s}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"imports", s.imports},
		{"the project behind the pages", p.fill},
		{"releases", func(ctx context.Context) error { return s.releases(ctx, p) }},
		{"starts", func(ctx context.Context) error { return s.starts(ctx, p) }},
		{"pages", func(ctx context.Context) error { return s.pages(ctx, p) }},
		{"autosave", func(ctx context.Context) error { return s.autosaves(ctx, p) }},
		{"voting", s.voting},
		{"statistics", s.statistics},
		{"analyses", s.analyses},
		{"report", s.reports},
		{"mixes", s.mixes},
		{"model engine", s.engine},
	} {
		if s.only != "" && s.only != step.name {
			continue
		}
		began := time.Now()
		fmt.Fprintf(os.Stderr, "%s …\n", step.name)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(os.Stderr, "  %.1f s\n", time.Since(began).Seconds())
	}
	return nil
}

// build makes the binary that is measured: what people run, not this program.
func (s *suite) build(ctx context.Context) error {
	s.bin = filepath.Join(s.dir, "coigwriter")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", s.bin, ".")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the program (run this from the repository): %w", err)
	}
	return nil
}

// cli runs one command of the program on a store.
func (s *suite) cli(ctx context.Context, store string, args ...string) (usage, error) {
	data := filepath.Join(s.dir, "data")
	return measure(ctx, s.bin, append(args, "--data", data, "--db", store, "-q")...)
}

// imports runs the same import at one and at ten times the size, each into an empty database.
func (s *suite) imports(ctx context.Context) error {
	sec := s.rep.section("Import", "coigwriter import sources FILE", "One process from start to exit, into an empty database: reading, date gate, rules, "+
		"exact duplicates and history. Peak RSS is the kernel's VmHWM of that process, read every 10 ms. 1 MB is 10^6 bytes.")
	var peaks []float64
	for _, n := range []int{s.size.Small, s.size.Large} {
		file := filepath.Join(s.dir, fmt.Sprintf("sources-%d.jsonl", n))
		bytes, err := writeSources(file, s.pool, n)
		if err != nil {
			return err
		}
		store, err := s.stores.open(ctx, fmt.Sprintf("import%d", n))
		if err != nil {
			return err
		}
		u, err := s.cli(ctx, store, "import", "sources", file)
		if err != nil {
			return err
		}
		peaks = append(peaks, u.PeakMB)
		what := fmt.Sprintf("%s sources of 2 kB (%.0f MB file)", thousands(n), float64(bytes)/1e6)
		sec.fact(what+": rate", fmt.Sprintf("%.0f sources/s in %.1f s", float64(n)/u.Took.Seconds(), u.Took.Seconds()))
		sec.bound(what+": peak RSS", u.PeakMB, boundRSS, "MB")
		if n != s.size.Sources {
			os.Remove(file)
		}
	}
	flat := fmt.Sprintf("peak RSS at %s over %s", thousands(s.size.Large), thousands(s.size.Small))
	if s.rep.Quick { // the small one is over before buffers are full
		sec.fact(flat, fmt.Sprintf("%.2f", peaks[1]/peaks[0]))
		return nil
	}
	sec.bound(flat, peaks[1]/peaks[0], boundFlat, "times")
	return nil
}

// starts measures from the start of the process to the first pages, with the file cache warm.
func (s *suite) starts(ctx context.Context, p *campaign) error {
	sec := s.rep.section("Start to first page", "coigwriter serve", fmt.Sprintf(
		"From starting the process to status 200, asked every 2 ms, at %s sources. Schema is up to date; the file cache is warm.", thousands(s.size.Sources)))
	var door, list dist
	for range s.size.Starts {
		began := time.Now()
		srv, err := s.serve(ctx, p.store)
		if err != nil {
			return err
		}
		if err := srv.until(ctx, "/login", nil); err != nil {
			return err
		}
		door = append(door, time.Since(began))
		if err := srv.until(ctx, "/sources", p.cookies[0]); err != nil {
			return err
		}
		list = append(list, time.Since(began))
		if err := srv.stop(); err != nil {
			return err
		}
	}
	sec.times("to /login", door, boundStart, atMax)
	sec.times("to /sources, signed in", list, boundStart, atMax)
	return nil
}

// releases measures cut, verify and exports, and the check of the whole history.
func (s *suite) releases(ctx context.Context, p *campaign) error {
	sec := s.rep.section("Release, export, audit", "", fmt.Sprintf("One process each, at %s accepted triplets. No bound is promised for these.", thousands(s.size.Triplets)))
	for _, c := range [][]string{
		{"release", "cut", "1.0.0"},
		{"release", "verify", "1.0.0"},
		{"export", "1.0.0", "--format", "jsonl", "--out", filepath.Join(s.dir, "jsonl")},
		{"export", "1.0.0", "--format", "parquet", "--out", filepath.Join(s.dir, "parquet")},
		{"audit", "verify"},
	} {
		u, err := s.cli(ctx, p.store, c...)
		if err != nil {
			return err
		}
		sec.fact(commandLine(c), fmt.Sprintf("%.2f s, peak RSS %.0f MB", u.Took.Seconds(), u.PeakMB))
	}
	return nil
}

// statistics runs stats over a triplet file and one ten times as large.
func (s *suite) statistics(ctx context.Context) error {
	sec := s.rep.section("Statistics of a file", "coigwriter stats FILE", "One process over a JSON Lines file of triplets; no database.")
	var peaks []float64
	for _, n := range []int{s.size.File / 10, s.size.File} {
		file := filepath.Join(s.dir, fmt.Sprintf("triplets-%d.jsonl", n))
		bytes, err := writeTriplets(file, s.pool, n)
		if err != nil {
			return err
		}
		u, err := measure(ctx, s.bin, "stats", file)
		if err != nil {
			return err
		}
		peaks = append(peaks, u.PeakMB)
		sec.fact(fmt.Sprintf("%s triplets (%.0f MB)", thousands(n), float64(bytes)/1e6),
			fmt.Sprintf("%.2f s, %.0f MB/s, peak RSS %.0f MB", u.Took.Seconds(), float64(bytes)/1e6/u.Took.Seconds(), u.PeakMB))
		os.Remove(file)
	}
	sec.bound("peak RSS of the larger over the smaller", peaks[1]/peaks[0], boundFlat, "times")
	return nil
}
