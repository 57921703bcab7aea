package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/table"
)

// A File is one file of an exported study.
type File struct {
	Name    string
	Records int
	Write   func(w io.Writer) error
}

// Files are what a study is exported as: people's verdicts in a file of their kind, each judge's in one
// of its own, the frozen plan byte for byte, and what was done otherwise. Anonymous: raters are pseudonyms.
func Files(ctx context.Context, d *db.DB, s Study, r Records) ([]File, error) {
	ds, err := Deviations(ctx, d, s.ID)
	if err != nil {
		return nil, err
	}
	var out []File
	add := func(name string, n int, write func(w io.Writer) error) {
		if n > 0 {
			out = append(out, File{name, n, write})
		}
	}
	add("plan.json", len(s.Frozen), func(w io.Writer) error {
		_, err := io.WriteString(w, s.Frozen)
		return err
	})
	add("votes.jsonl", len(r.Votes), lines(r.Votes))
	add("rankings.jsonl", len(r.Rankings), lines(r.Rankings))
	add("ratings.jsonl", len(r.Ratings), lines(r.Ratings))
	judges, err := judgesOf(ctx, d, s, r)
	if err != nil {
		return nil, err
	}
	taken := map[string]int{}
	for _, j := range judges {
		name := table.FileName(j.Model, taken)
		var votes []VoteRecord
		for _, v := range r.JudgeVotes {
			if v.Judge == j.Judge {
				votes = append(votes, v)
			}
		}
		var marks []RatingRecord
		for _, m := range r.JudgeRatings {
			if m.Judge == j.Judge {
				marks = append(marks, m)
			}
		}
		add("judge-votes-"+name+".jsonl", len(votes), lines(votes))
		add("judge-ratings-"+name+".jsonl", len(marks), lines(marks))
	}
	add("raters.jsonl", len(r.Raters), lines(r.Raters))
	add("deviations.jsonl", len(ds), lines(ds))
	add("not-counted.jsonl", len(r.Found), lines(r.Found))
	return out, nil
}

// lines writes records as JSON Lines.
func lines[T any](records []T) func(w io.Writer) error {
	return func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, r := range records {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// Export writes a study's files into a directory.
func Export(ctx context.Context, d *db.DB, s Study, dir string) (files []File, err error) {
	defer errs.Wrap(&err, "export %s", s.Name)
	r, err := RecordsOf(ctx, d, s)
	if err != nil {
		return nil, err
	}
	if files, err = Files(ctx, d, s, r); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, errs.Unavailablef("output directory: %w", err)
	}
	for _, f := range files {
		out, err := os.Create(filepath.Join(dir, f.Name))
		if err != nil {
			return nil, errs.Unavailablef("output: %w", err)
		}
		if err := errors.Join(f.Write(out), out.Close()); err != nil {
			return nil, err
		}
	}
	return files, nil
}
