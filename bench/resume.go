package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"coigwriter/internal/db"
	"coigwriter/internal/llm"
)

// The size of the paper's main comparison: queries, and models that answer each.
const (
	resumeQueries = 557
	resumeModels  = 5
)

// dying is the variable under which this program is started once more to ask until it is killed: the
// database and the server, with a blank between.
const dying = "COIGWRITER_BENCH_DYING"

// askUntilKilled asks everything; its parent does not let it finish.
func askUntilKilled(ctx context.Context, at string) error {
	store, url, _ := strings.Cut(at, " ")
	d, err := db.Open(ctx, store)
	if err != nil {
		return err
	}
	defer d.Close()
	return askEverything(ctx, d, url)
}

// askEverything puts every query to every model.
func askEverything(ctx context.Context, d *db.DB, url string) error {
	prompt, err := llm.ReadPrompt[engineReply](engineFiles, "bench")
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	for m := range resumeModels {
		client, err := llm.NewClient(llm.Endpoint{BaseURL: url, Model: fmt.Sprintf("scripted-%d", m), MaxInFlight: 16})
		if err != nil {
			return err
		}
		defer client.Close()
		slots := make(chan bool, 24)
		for q := range resumeQueries {
			g.Go(func() error {
				slots <- true
				defer func() { <-slots }()
				_, _, err := llm.Ask(ctx, d, client, prompt, engineData{llm.Text(fmt.Sprintf("第 %d 题：雨停了。", q))}, llm.About{Kind: "query", ID: fmt.Sprint(q)})
				return err
			})
		}
	}
	return g.Wait()
}

// resumed kills a run of 557 queries by 5 models in the middle and lets another process go on.
func (s *suite) resumed(ctx context.Context, sec *section) error {
	url, stop, err := startModel(ctx, 20*time.Millisecond)
	if err != nil {
		return err
	}
	defer stop()
	store, err := s.stores.open(ctx, "resume")
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, store)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, self)
	child.Env = append(os.Environ(), dying+"="+store+" "+url)
	if err := child.Start(); err != nil {
		return err
	}
	count := func(query string) (n int, err error) { err = d.One(ctx, &n, query); return n, err }
	finished := 0
	for finished < resumeQueries*resumeModels/3 {
		time.Sleep(10 * time.Millisecond)
		if finished, err = count(`SELECT COUNT(*) FROM llm_call`); err != nil {
			return err
		}
	}
	if err := child.Process.Kill(); err != nil {
		return err
	}
	_ = child.Wait() // killed
	if finished, err = count(`SELECT COUNT(*) FROM llm_call`); err != nil {
		return err
	}
	inFlight, err := count(`SELECT COUNT(*) FROM llm_intent`)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := askEverything(ctx, d, url); err != nil {
		return err
	}
	took := time.Since(began)
	answered, err := count(`SELECT COUNT(DISTINCT key) FROM llm_call WHERE failure = ''`)
	if err != nil {
		return err
	}
	lost, err := count(`SELECT COUNT(*) FROM llm_call WHERE failure = 'lost'`)
	if err != nil {
		return err
	}
	all, err := count(`SELECT COUNT(*) FROM llm_call`)
	if err != nil {
		return err
	}
	sec.fact("557 queries × 5 models, killed (kill -9) and resumed", fmt.Sprintf("%d finished, %d in flight or next in line at the kill; %d answered after %.1f s more; %d of those stand in the ledger as lost: they may have been paid for", finished, inFlight, answered, took.Seconds(), lost))
	sec.none("finished calls that were repeated", all-lost-answered)
	if answered != resumeQueries*resumeModels || lost > inFlight {
		return fmt.Errorf("%d of %d answered, %d lost of %d in flight", answered, resumeQueries*resumeModels, lost, inFlight)
	}
	return nil
}
