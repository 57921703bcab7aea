package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/user"
)

const (
	evaluators = 100
	votePause  = 2 * time.Second // between two votes of one evaluator
	boundVote  = 100 * time.Millisecond
)

// voting measures what evaluators wait for: the next pair, and the verdict on disk.
func (s *suite) voting(ctx context.Context) (err error) {
	c := &campaign{suite: s, rng: rand.New(rand.NewPCG(8, 8))}
	if c.store, err = s.stores.open(ctx, "voting"); err != nil {
		return err
	}
	srv, err := s.serve(ctx, c.store) // it makes the tables
	if err != nil {
		return err
	}
	if err := srv.until(ctx, "/login", nil); err != nil {
		return err
	}
	if c.db, err = db.Open(ctx, c.store); err != nil {
		return err
	}
	defer c.db.Close()
	tasks, err := c.study(ctx)
	if err != nil {
		return err
	}
	sec := s.rep.section("Voting", "GET and POST /evaluate/task/{id}", fmt.Sprintf(
		"%d evaluators in one study of pairs, two texts of about 8,000 characters each; every one votes every %v, so that %.0f votes a second arrive, "+
			"and fetches the next pair ahead as the page does. Whole requests over HTTP; a vote is answered when its transaction is durable.",
		evaluators, votePause, evaluators/votePause.Seconds()))
	var (
		mu             sync.Mutex
		shown, decided dist
		first          error
		wg             sync.WaitGroup
	)
	for i := range evaluators {
		wg.Go(func() {
			time.Sleep(votePause * time.Duration(i) / evaluators)
			a, b, err := judging(ctx, srv, c.cookies[i], tasks[i])
			mu.Lock()
			defer mu.Unlock()
			shown, decided = append(shown, a...), append(decided, b...)
			if first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	if first != nil {
		return first
	}
	sec.times("next pair", shown, boundVote, atP99)
	sec.times("verdict", decided, boundVote, atP99)
	return srv.stop()
}

// study opens a study of pairs and returns the tasks of each evaluator, in their order.
func (c *campaign) study(ctx context.Context) (tasks [][]string, err error) {
	lead, err := user.Add(ctx, c.db, "system", user.New{Login: "lead", Name: "lead", Roles: []user.Role{user.Lead}})
	if err != nil {
		return nil, err
	}
	p := evaluate.DefaultPlan()
	p.Overlap, p.Shared, p.Repeats, p.Attention = 2, 1, 0, 0
	for i := range evaluators {
		e, err := user.Add(ctx, c.db, "system", user.New{Login: fmt.Sprintf("eye-%d", i), Name: fmt.Sprintf("eye %d", i), Roles: []user.Role{user.Evaluator}})
		if err != nil {
			return nil, err
		}
		if err := user.SetPassword(ctx, c.db, "system", e.ID, password); err != nil {
			return nil, err
		}
		cookie, err := c.signIn(e.Login)
		if err != nil {
			return nil, err
		}
		p.Evaluators, c.cookies = append(p.Evaluators, e.ID), append(c.cookies, cookie)
	}
	p.Models = []string{"a", "b", "c", "d", "e", "f"} // 15 pairs a query, 30 tasks
	var qs []record.Query
	var gs []record.Generation
	tax := genre.Default()
	for i := range c.size.Votes * evaluators / 30 {
		q := record.Query{ID: fmt.Sprintf("q%d", i), Genre: tax.Genres[i%len(tax.Genres)].ID, Language: "zh", Prompt: fmt.Sprintf("请写第%d篇。%s", i, c.pool.text(c.rng, 300))}
		qs = append(qs, q)
		for _, m := range p.Models {
			gs = append(gs, record.Generation{QueryID: q.ID, Model: m, Output: c.pool.text(c.rng, 24_000)})
		}
	}
	set, refused, err := bench.ImportQueries(ctx, c.db, tax, lead.ID, "bench", "", qs, true)
	if err != nil || len(refused) > 0 {
		return nil, fmt.Errorf("queries: %d refused, %w", len(refused), err)
	}
	if _, err := bench.ImportAnswers(ctx, c.db, lead.ID, set.ID, gs); err != nil {
		return nil, err
	}
	p.SetID = set.ID
	s, err := evaluate.New(ctx, c.db, lead.ID, "bench", evaluate.Pair, p)
	if err != nil {
		return nil, err
	}
	if s, err = evaluate.Begin(ctx, c.db, lead.ID, s.ID); err != nil {
		return nil, err
	}
	for _, e := range p.Evaluators {
		var own []string
		if err := c.db.All(ctx, &own, `SELECT id FROM study_task WHERE study_id = ? AND person_id = ? ORDER BY position`, s.ID, e); err != nil {
			return nil, err
		}
		tasks = append(tasks, own)
	}
	return tasks, nil
}

// judging is one evaluator's work: fetch a pair, show it, decide after a pause.
func judging(ctx context.Context, srv *server, cookie *http.Cookie, tasks []string) (shown, decided dist, err error) {
	for n, id := range tasks {
		path := srv.base + "/evaluate/task/" + id
		began := time.Now()
		status, body, err := ask(ctx, path+"?part=1", cookie)
		if err != nil || status != http.StatusOK || !strings.Contains(body, `id="sheet"`) {
			return shown, decided, fmt.Errorf("next pair: status %d, %v", status, err)
		}
		shown = append(shown, time.Since(began))
		if _, err := post(ctx, path+"/seen", cookie, nil); err != nil {
			return shown, decided, err
		}
		time.Sleep(votePause - time.Since(began))
		began = time.Now()
		reply, err := post(ctx, path, cookie, url.Values{"winner": {[]string{"a", "b", "tie", "both_bad"}[n%4]}})
		if err != nil {
			return shown, decided, err
		}
		decided = append(decided, time.Since(began))
		if reply["said"] == "" {
			return shown, decided, fmt.Errorf("a verdict was answered with %v", reply)
		}
	}
	return shown, decided, nil
}

// post sends a form as the page's script does.
func post(ctx context.Context, address string, cookie *http.Cookie, form url.Values) (out map[string]any, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.AddCookie(cookie)
	reply, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("POST %s: status %d, %v\n%.300s", address, reply.StatusCode, err, body)
	}
	return out, json.Unmarshal(body, &out)
}
