package cli

import (
	"context"
	"io"

	"coigwriter/internal/job"
	"coigwriter/internal/llm"
	"coigwriter/internal/release"
	"coigwriter/internal/review"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/table"
	"coigwriter/internal/triplet"
)

type statusCmd struct{}

type statusDoc struct {
	Sources   map[string]int `json:"sources"`  // by state
	Triplets  map[string]int `json:"triplets"` // by state
	Reviews   int            `json:"reviews_open"`
	Releases  []string       `json:"releases"` // newest first
	Screening screen.Status  `json:"screening"`

	// What models failed to score of the submitted triplets, by part; of sources, screening has it.
	Unscored []llm.StageFailure `json:"unscored,omitempty"`

	Jobs     []job.Count   `json:"jobs"`
	Failures []job.Failure `json:"failing_jobs"`
}

// Run shows where everything stands.
func (statusCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	client, err := cfg.client()
	if err != nil {
		return err
	}
	var doc statusDoc
	if doc.Sources, err = source.Counts(ctx, d); err != nil {
		return err
	}
	if doc.Triplets, err = triplet.Counts(ctx, d, ""); err != nil {
		return err
	}
	board, err := review.DashboardOf(ctx, d)
	if err != nil {
		return err
	}
	doc.Reviews = board.Open
	rs, err := release.List(ctx, d)
	if err != nil {
		return err
	}
	doc.Releases = []string{}
	for _, r := range rs {
		doc.Releases = append(doc.Releases, r.Version)
	}
	if doc.Screening, err = screen.StatusOf(ctx, d, client); err != nil {
		return err
	}
	if doc.Unscored, err = triplet.Unscored(ctx, d); err != nil {
		return err
	}
	if doc.Jobs, err = job.Counts(ctx, d); err != nil {
		return err
	}
	if doc.Failures, err = job.Failures(ctx, d, 20); err != nil {
		return err
	}
	return con.print(doc, func(w io.Writer) error {
		t := table.New("", table.Text("what"), table.Text("state"), table.Num("n"))
		for _, s := range []string{source.Held, source.Waiting, source.Pool, source.Claimed, source.Refused, source.Removed} {
			t.Add("sources", s, doc.Sources[s])
		}
		for _, s := range triplet.States {
			t.Add("triplets", s, doc.Triplets[s])
		}
		t.Add("reviews", "open", doc.Reviews)
		t.Add("releases", "frozen", len(doc.Releases))
		for _, f := range doc.Screening.Unjudged {
			t.Add("sources not judged", f.Prompt+": "+f.Failure, f.Count)
		}
		for _, f := range doc.Unscored {
			t.Add("triplets not judged", f.Prompt+": "+f.Failure, f.Count)
		}
		for _, f := range doc.Failures {
			t.Add("failing job", f.Kind+": "+f.Error, f.Attempt)
		}
		if !doc.Screening.Configured {
			t.Note = "no model is configured: sources wait, people may score by hand"
		}
		return t.Terminal(w)
	})
}
