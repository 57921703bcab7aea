package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"coigwriter/jieba"
)

// The bounds of the analyses.
const (
	boundRatings   = 200 * time.Millisecond // strengths of 5,570 votes with 1,000 resamples, the whole command
	boundAgreement = time.Second            // agreement of 1,000 items by five raters with 1,000 resamples
	boundJieba     = 20.0                   // times as fast as Python's jieba on one core
)

// analyses times segmentation and the commands over votes, ratings and outputs.
func (s *suite) analyses(ctx context.Context) error {
	sec := s.rep.section("Analyses", "coigwriter ratings|agreement|analyze FILE", "Whole commands, start to exit, each on one file; no database. Segmentation is timed inside this program on one "+
		"core, after the dictionary is loaded; Python's jieba in a process of its own cuts the same file in the same run, timed after its dictionary is loaded.")
	rng := rand.New(rand.NewPCG(5, 5))
	small, large := s.pool.text(rng, 2<<20), s.pool.text(rng, 20<<20)
	jieba.Cut("预热")
	rate := func(text string) float64 {
		began := time.Now()
		n := 0
		for range jieba.Tokens(text) {
			n++
		}
		return float64(len(text)) / 1e6 / time.Since(began).Seconds()
	}
	a, b := rate(small), rate(large)
	sec.fact("segmentation of 2 MB", fmt.Sprintf("%.1f MB/s", a))
	sec.fact("segmentation of 20 MB", fmt.Sprintf("%.1f MB/s", b))
	if python, err := s.pythonJieba(ctx, small); err != nil {
		sec.fact("against Python's jieba", "not measured: "+err.Error())
	} else {
		sec.fact("Python's jieba on the 2 MB", fmt.Sprintf("%.2f MB/s", python))
		sec.least("segmentation over Python's jieba", a/python, boundJieba)
	}
	votes, ratings := filepath.Join(s.dir, "votes.jsonl"), filepath.Join(s.dir, "ratings.jsonl")
	if err := writeVotes(votes, rng); err != nil {
		return err
	}
	if err := writeRatings(ratings, rng); err != nil {
		return err
	}
	for _, c := range []struct {
		what, name, file string
		bound            time.Duration
	}{{"ratings of 5,570 votes, 1,000 resamples", "ratings", votes, boundRatings}, {"agreement of 1,000 items x 5 raters, 1,000 resamples", "agreement", ratings, boundAgreement}} {
		var d dist
		for range 5 {
			u, err := measure(ctx, s.bin, c.name, c.file)
			if err != nil {
				return err
			}
			d = append(d, u.Took)
		}
		sec.times(c.what, d, c.bound, atMedian)
	}
	for _, n := range []int{s.size.File / 100, s.size.File / 10} {
		file := filepath.Join(s.dir, fmt.Sprintf("outputs-%d.jsonl", n))
		bytes, err := writeOutputs(file, s.pool, n, rng)
		if err != nil {
			return err
		}
		u, err := measure(ctx, s.bin, "analyze", "diversity", file, "--bootstrap", "100")
		if err != nil {
			return err
		}
		sec.fact(fmt.Sprintf("diversity of %s outputs (%.0f MB)", thousands(n), float64(bytes)/1e6), fmt.Sprintf("%.2f s, peak RSS %.0f MB", u.Took.Seconds(), u.PeakMB))
	}
	return nil
}

// pythonJieba returns the rate of Python's jieba in MB/s.
func (s *suite) pythonJieba(ctx context.Context, text string) (float64, error) {
	file := filepath.Join(s.dir, "jieba.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return 0, err
	}
	const script = `import sys, time, jieba
jieba.initialize()
s = open(sys.argv[1], encoding='utf-8').read()
t = time.perf_counter(); jieba.lcut(s); print(time.perf_counter() - t)`
	out, err := exec.CommandContext(ctx, "python3", "-c", script, file).Output()
	if err != nil {
		return 0, fmt.Errorf("python3 with jieba 0.42.1 is not here (pip install jieba)")
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		return 0, err
	}
	return float64(len(text)) / 1e6 / seconds, nil
}

func writeLines(path string, write func(*json.Encoder) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(json.NewEncoder(f)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// writeVotes writes as many votes as the paper has, on 104 queries in two languages.
func writeVotes(path string, rng *rand.Rand) error {
	models := []string{"CW", "CW+1k", "CW+5k", "CW+10k", "G"}
	return writeLines(path, func(enc *json.Encoder) error {
		for n := range 5570 {
			i, j := rng.IntN(5), rng.IntN(4)
			if j >= i {
				j++
			}
			winner := []string{"a", "b", "a", "b", "tie"}[rng.IntN(5)]
			if err := enc.Encode(map[string]any{"query_id": n % 208, "language": []string{"zh", "en"}[n%2], "model_a": models[i], "model_b": models[j], "winner": winner, "rater": fmt.Sprint("r", n/208)}); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeRatings(path string, rng *rand.Rand) error {
	return writeLines(path, func(enc *json.Encoder) error {
		for item := range 1000 {
			level := rng.IntN(4)
			for rater := range 5 {
				score := min(max(level+rng.IntN(3)-1, 0), 3)
				if err := enc.Encode(map[string]any{"item_id": item, "rater": fmt.Sprint("r", rater), "score": score}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func writeOutputs(path string, p *pool, n int, rng *rand.Rand) (bytes int64, err error) {
	err = writeLines(path, func(enc *json.Encoder) error {
		for i := range n {
			if err := enc.Encode(map[string]any{"query_id": i, "model": fmt.Sprint("m", i%5), "language": "zh", "output": p.text(rng, 3000)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}
