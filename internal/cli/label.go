package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"coigwriter/internal/errs"
	"coigwriter/internal/label"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
)

type labelCmd struct {
	Files []string `arg:"" help:"Generation files (JSON Lines or JSON, .gz, .zst); - reads stdin."`
	To    string   `help:"File of labels to write, for analyze reasoning --labels." required:"" type:"path" placeholder:"FILE"`
	At    int      `help:"Generations judged at once." default:"4"`
}

type labelDoc struct {
	Generations int            `json:"generations"`
	Labels      int            `json:"labels"`
	Failures    map[string]int `json:"failures"`
	refusals
}

// Run has the configured model label the units of every generation. Raw replies are kept in the
// database, so a run that stopped goes on where it was; the file appears whole at the end.
func (c labelCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	if c.At < 1 || c.At > 256 {
		return errs.Invalidf("--at %d: give 1 to 256", c.At)
	}
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	client, err := cfg.client()
	if err != nil {
		return err
	}
	if !client.Configured() {
		return errs.Unavailablef("no model is configured: set --llm-url and --llm-model")
	}
	doc := labelDoc{Failures: map[string]int{}}
	var gs []record.Generation
	err = eachRecord(ctx, con, c.Files, &doc.refusals, func(raw record.Raw) error {
		model, _, _ := strings.Cut(filepath.Base(raw.File), ".json")
		g, err := record.DecodeGeneration(raw, model)
		if err == nil {
			gs = append(gs, g)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(gs) == 0 {
		return doc.nothing("generations", c.Files)
	}
	doc.Generations = len(gs)
	labels := make([][]label.Label, len(gs))
	bar := con.progress("label")
	bar.ChangeMax(len(gs))
	var mu sync.Mutex
	group, run := errgroup.WithContext(ctx)
	group.SetLimit(c.At)
	for i, g := range gs {
		group.Go(func() error {
			out, err := label.Generation(run, d, client, g)
			mu.Lock()
			defer mu.Unlock()
			_ = bar.Add(1)
			f := llm.FailureOf(err)
			switch {
			case f != nil && (f.Kind == llm.KindAuth || f.Kind == llm.KindNoEndpoint):
				return err // every other question would end so
			case f != nil || errors.Is(err, label.ErrLabels):
				kind := "labels"
				if f != nil {
					kind = string(f.Kind)
				}
				doc.Failures[kind]++
				doc.add(fmt.Sprintf("query %s of %s: %v", g.QueryID, g.Model, err))
				return nil
			}
			labels[i] = out
			return err
		})
	}
	err = group.Wait()
	_ = bar.Finish()
	if err != nil {
		return err
	}
	if doc.Labels, err = c.write(labels); err != nil {
		return err
	}
	fmt.Fprintf(con.err, "%d labels of %d generations in %s\n", doc.Labels, doc.Generations-sumOf(doc.Failures), c.To)
	return finish(con, doc, nil, doc.refusals)
}

func sumOf(counts map[string]int) int {
	n := 0
	for _, k := range counts {
		n += k
	}
	return n
}

// write puts the labels into their file, which appears whole or not at all.
func (c labelCmd) write(labels [][]label.Label) (n int, err error) {
	f, err := os.CreateTemp(filepath.Dir(c.To), ".labels-*")
	if err != nil {
		return 0, errs.Unavailablef("labels: %w", err)
	}
	defer os.Remove(f.Name())
	enc := json.NewEncoder(f)
	for _, ls := range labels {
		for _, l := range ls {
			n++
			if err := enc.Encode(l); err != nil {
				return 0, errors.Join(err, f.Close())
			}
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return 0, errs.Unavailablef("labels: %w", err)
	}
	return n, os.Rename(f.Name(), c.To)
}
