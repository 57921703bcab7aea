package llm

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// AtOnce is how many things are best asked about at once: more than are in flight, so that while answers
// are written, many in one commit, the next questions are ready. Three times as many are enough for a
// server that answers in 50 ms, and some hundreds for any.
func (c *Client) AtOnce() int { return c.e.MaxInFlight + min(3*c.e.MaxInFlight, maxGroup) + 8 }

// Each asks about many things, several at once and begun in their order, until all are asked, the server
// fails in a way that every further question would meet (see [Patience]), or enough reports true; nil
// asks them all. atOnce is how many; 0 for a few more than the client has in flight.
//
// ask asks about one thing. It returns what went wrong with the model, or nil, and note, which is then
// called one at a time (nil for nothing to note). An error of its own ends it all, and is returned.
// stopped is the failure that ended a run early, nil where none did.
func Each[T any](ctx context.Context, c *Client, things []T, atOnce int, enough func() bool, ask func(ctx context.Context, thing T) (f *Failure, note func(), err error)) (stopped *Failure, err error) {
	var mu sync.Mutex
	var patience Patience
	g, inner := errgroup.WithContext(ctx)
	if atOnce <= 0 {
		atOnce = c.AtOnce()
	}
	g.SetLimit(atOnce)
	ended := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return inner.Err() != nil || stopped != nil || enough != nil && enough()
	}
	for _, thing := range things {
		if ended() {
			break
		}
		g.Go(func() error {
			if ended() {
				return nil
			}
			f, note, err := ask(inner, thing)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if note != nil {
				note()
			}
			if stop := patience.Saw(f); stop != nil && stopped == nil {
				stopped = stop
			}
			return nil
		})
	}
	err = g.Wait()
	if stopped == nil {
		stopped = patience.Rejected()
	}
	if err == nil {
		err = ctx.Err()
	}
	return stopped, err
}

// Until reports true from a time on, or once ended does, which is asked at most once a second: what
// [Each] takes as enough for work that is done in portions and that a person may stop.
func Until(t time.Time, ended func() bool) func() bool {
	var mu sync.Mutex
	var looked time.Time
	over := false
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); !over && now.Sub(looked) > time.Second {
			looked = now
			over = now.After(t) || ended()
		}
		return over
	}
}
