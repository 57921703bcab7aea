package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"coigwriter/internal/bench"
)

// The bounds of mixes.
const (
	boundMix    = 20 * time.Second // the paper's largest configuration, every check on
	boundMixRSS = 500.0            // MB, whatever the size of the pool
)

// mixes makes the paper's five configurations, and draws the same from pools of growing size.
func (s *suite) mixes(ctx context.Context) error {
	guarded, err := bench.Starter("")
	if err != nil {
		return err
	}
	sec := s.rep.section("Mixes", "coigwriter mix PLAN --out DIR", fmt.Sprintf(
		"Whole commands, start to exit; no database. The paper's five configurations of %s triplets and up to %s general rows: reading, drawing, exact and near duplicates within and "+
			"between both, %s queries to hold them against, lengths by estimate, five files with their hashes. General rows are drawn from the pool that is named.",
		thousands(s.size.Mixed), thousands(s.size.Drawn), thousands(len(guarded))))
	if _, err := writeTriplets(filepath.Join(s.dir, "mix-triplets.jsonl"), s.pool, s.size.Mixed); err != nil {
		return err
	}
	queries, err := filepath.Abs(filepath.Join("internal", "bench", "starter"))
	if err != nil {
		return err
	}
	var peaks []float64
	for i, n := range []int{s.size.Drawn * 3 / 2, s.size.Pool / 10, s.size.Pool} {
		file := filepath.Join(s.dir, "mix-general.jsonl")
		bytes, err := writeGeneral(file, s.pool, n)
		if err != nil {
			return err
		}
		checked, err := s.mix(ctx, fmt.Sprintf("[benchmark]\nqueries = [%q]\n", queries))
		if err != nil {
			return err
		}
		what := fmt.Sprintf("from %s general rows (%.0f MB)", thousands(n), float64(bytes)/1e6)
		if i == 0 {
			sec.times(what, dist{checked.Took}, boundMix, atMax)
			plain, err := s.mix(ctx, "[duplicates]\ncreative = 0\ngeneral = 0\nagainst_creative = 0\n")
			if err != nil {
				return err
			}
			sec.times("the same, near duplicates and queries not looked for", dist{plain.Took}, 0, atMax)
			sec.fact("time with the checks over time without", fmt.Sprintf("%.1f", checked.Took.Seconds()/plain.Took.Seconds()))
			sec.bound(what+": peak RSS", checked.PeakMB, boundMixRSS, "MB")
			continue
		}
		sec.fact(what+": rate", fmt.Sprintf("%.0f rows/s, %.1f MB/s in %.1f s", float64(n)/checked.Took.Seconds(), float64(bytes)/1e6/checked.Took.Seconds(), checked.Took.Seconds()))
		sec.bound(what+": peak RSS", checked.PeakMB, boundMixRSS, "MB")
		peaks = append(peaks, checked.PeakMB)
		os.Remove(file)
	}
	sec.bound("peak RSS of the largest pool over a tenth of it", peaks[1]/peaks[0], boundFlat, "times")
	return nil
}

// mix makes the five configurations of the files at hand.
func (s *suite) mix(ctx context.Context, more string) (usage, error) {
	plan := "[[creative]]\nname = \"cw\"\npaths = [\"mix-triplets.jsonl\"]\n[[general]]\nname = \"g\"\npaths = [\"mix-general.jsonl\"]\n" + more
	for _, c := range []struct {
		name     string
		creative any
		general  int
	}{{"CW", `"all"`, 0}, {"CW+1k", `"all"`, s.size.Drawn / 10}, {"CW+5k", `"all"`, s.size.Drawn / 2}, {"CW+10k", `"all"`, s.size.Drawn}, {"G", 0, s.size.Drawn}} {
		plan += fmt.Sprintf("[[configuration]]\nname = %q\ncreative = %v\ngeneral = %d\n", c.name, c.creative, c.general)
	}
	file := filepath.Join(s.dir, "mix.toml")
	if err := os.WriteFile(file, []byte(plan), 0o644); err != nil {
		return usage{}, err
	}
	return measure(ctx, s.bin, "mix", file, "--out", filepath.Join(s.dir, "mix"), "-q")
}

// writeGeneral writes n rows of a question and an answer, as long as those of general instruction data are.
func writeGeneral(path string, p *pool, n int) (int64, error) {
	rng := rand.New(rand.NewPCG(4, uint64(n)))
	return writeRecords(path, n, func(int) any {
		return map[string]string{"instruction": p.text(rng, 80), "input": "", "output": p.text(rng, 200+rng.IntN(400))}
	})
}
