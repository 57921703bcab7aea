package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// boundReport is for the report of the paper's size: five models on 557 queries.
const boundReport = 20 * time.Second

// reports times the report of a comparison as large as the paper's, and of one whose texts are five times
// as long.
func (s *suite) reports(ctx context.Context) error {
	sec := s.rep.section("Report", "coigwriter report FILES --out DIR", "One process from start to exit: 5 models x 557 queries (204 Chinese, 353 English by name; all texts are Chinese) with an output each, "+
		"two rankings of the five a query, ratings on five dimensions by two raters an output, 1,000 resamples; the page, its tables and figures. No database.")
	rng := rand.New(rand.NewPCG(7, 7))
	var peaks []float64
	for _, long := range []int{1, 5} {
		file := filepath.Join(s.dir, fmt.Sprintf("comparison-%d.jsonl", long))
		bytes, err := s.writeComparison(file, long, rng)
		if err != nil {
			return err
		}
		out := filepath.Join(s.dir, fmt.Sprintf("report-%d", long))
		u, err := measure(ctx, s.bin, "report", file, "--out", out, "-q")
		if err != nil {
			return err
		}
		peaks = append(peaks, u.PeakMB)
		what := fmt.Sprintf("outputs of %d characters or so (%.0f MB)", 1400*long, float64(bytes)/1e6)
		if long == 1 {
			sec.times("report, "+what, dist{u.Took}, boundReport, atMax)
			v, err := measure(ctx, s.bin, "report", "verify", out)
			if err != nil {
				return err
			}
			sec.times("report verify of it", dist{v.Took}, 0, atMax)
		} else {
			sec.fact("report, "+what, fmt.Sprintf("%.1f s", u.Took.Seconds()))
		}
		sec.fact("peak RSS, "+what, fmt.Sprintf("%.0f MB", u.PeakMB))
		os.Remove(file)
	}
	sec.fact("peak RSS of the longer texts over the shorter", fmt.Sprintf("%.2f", peaks[1]/peaks[0]))
	return nil
}

// writeComparison writes the records of a comparison of the paper's size; texts are some times as long.
func (s *suite) writeComparison(path string, long int, rng *rand.Rand) (int64, error) {
	models := []string{"CW", "CW+1k", "CW+5k", "CW+10k", "G"}
	genres := []string{"诗歌", "小说", "剧本", "演讲稿", "博客", "科普", "童话故事", "武侠小说", "产品评测", "广告文案", "随笔"}
	dimensions := []string{"content_quality", "creative_merit", "cultural_appropriateness", "task_fulfilment", "overall_preference"}
	err := writeLines(path, func(enc *json.Encoder) error {
		for q := range 557 {
			language := map[bool]string{true: "zh", false: "en"}[q < 204]
			of := func(more map[string]any) map[string]any {
				more["query_id"], more["language"], more["genre"] = q, language, genres[q%len(genres)]
				return more
			}
			for _, m := range models {
				text := s.pool.text(rng, 3*long*(800+rng.IntN(1200))) // three bytes a character
				if err := enc.Encode(of(map[string]any{"model": m, "output": text, "reasoning": s.pool.text(rng, 600)})); err != nil {
					return err
				}
			}
			for r := range 2 {
				rater, order := fmt.Sprint("r", (q+6*r)%12), make([]string, len(models))
				for i, at := range rng.Perm(len(models)) {
					order[i] = models[at]
				}
				if err := enc.Encode(of(map[string]any{"rater": rater, "ranked": order})); err != nil {
					return err
				}
				for _, m := range models {
					for _, d := range dimensions {
						if err := enc.Encode(of(map[string]any{"model": m, "rater": rater, "dimension": d, "score": rng.IntN(4)})); err != nil {
							return err
						}
					}
				}
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
