package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// autosaves measures what a writer waits for until the page says "saved": the whole request,
// over HTTP, with the text on disk.
func (s *suite) autosaves(ctx context.Context, c *campaign) error {
	sec := s.rep.section("Autosave", "POST /annotate/{id}/save", "The form the workspace sends, with 800 bytes of prompt and 1,500 of reasoning, acknowledged when the transaction is durable. "+
		"Thirty writers at once save every 2 seconds each, as people who type and pause do; without a pause they only measure the queue, which stands below without a bound.")
	srv, err := s.serve(ctx, c.store)
	if err != nil {
		return err
	}
	if err := srv.until(ctx, "/login", nil); err != nil {
		return err
	}
	for _, run := range []struct {
		name    string
		writers int
		saves   int
		pause   time.Duration
		bound   time.Duration
	}{
		{"1 writer, without a pause", 1, s.size.Saves, 0, boundSave},
		{"30 writers, a save every 2 s each", writersMany, max(s.size.Saves/30, 3), 2 * time.Second, boundSave},
		{"30 writers, without a pause", writersMany, s.size.Saves * 4 / writersMany, 0, 0},
	} {
		began := time.Now()
		all, err := s.writers(ctx, srv, c, run.writers, run.saves, run.pause)
		if err != nil {
			return err
		}
		sec.times(run.name, all, run.bound, atMedian)
		if run.pause == 0 {
			sec.fact(run.name+": rate", fmt.Sprintf("%.0f saves/s", float64(len(all))/time.Since(began).Seconds()))
		}
	}
	return srv.stop()
}

// writers lets people save their drafts at once and returns how long each save took.
func (s *suite) writers(ctx context.Context, srv *server, c *campaign, writers, saves int, pause time.Duration) (dist, error) {
	var (
		mu    sync.Mutex
		all   dist
		first error
		wg    sync.WaitGroup
	)
	for w := range writers {
		form := formOf(c)
		wg.Go(func() {
			time.Sleep(pause * time.Duration(w) / time.Duration(writers))
			took, err := typing(ctx, srv, c, w, form, saves, pause)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	return all, first
}

func formOf(c *campaign) url.Values {
	v := c.content()
	return url.Values{
		"prompt": {v.Prompt}, "reasoning": {v.Reasoning}, "theme": {v.Attributes.Theme}, "style": {v.Attributes.Style}, "step": {"2"},
		"facet_interpretation": {v.Facets.Interpretation}, "facet_narrative": {v.Facets.Narrative}, "pasted": {"0"},
	}
}

// typing saves one draft again and again, each time a little longer.
func typing(ctx context.Context, srv *server, c *campaign, writer int, form url.Values, saves int, pause time.Duration) (dist, error) {
	address := srv.base + "/annotate/" + c.drafts[writer] + "/save"
	revision := c.revisions[writer]
	var took dist
	reasoning := form.Get("reasoning")
	for n := range saves {
		form.Set("reasoning", reasoning+strings.Repeat("又", n+1))
		r, err := http.NewRequestWithContext(ctx, "POST", address, strings.NewReader(form.Encode()))
		if err != nil {
			return took, err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("If-Match", strconv.Quote(strconv.Itoa(revision)))
		r.AddCookie(c.cookies[writer])
		began := time.Now()
		reply, err := client.Do(r)
		if err != nil {
			return took, err
		}
		body, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		if err != nil || reply.StatusCode != http.StatusNoContent {
			return took, fmt.Errorf("save of draft %d: status %d, %v\n%.300s", writer, reply.StatusCode, err, body)
		}
		took = append(took, time.Since(began))
		if revision, err = strconv.Atoi(strings.Trim(reply.Header.Get("ETag"), `"`)); err != nil {
			return took, err
		}
		c.revisions[writer] = revision
		time.Sleep(pause)
	}
	return took, nil
}
