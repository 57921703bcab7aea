package llm

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A minute's allowance holds over minutes, whatever the calls use, and is shared between processes.
func TestPace(t *testing.T) {
	for name, c := range map[string]struct {
		requests, tokens, processes int
		prompt                      int64
		reply                       int
		want                        int // calls in four minutes, the first burst included
	}{
		"requests":            {60, 0, 1, 100, 100, 255},
		"tokens of prompts":   {0, 6000, 1, 100, 0, 255},
		"tokens of replies":   {0, 6000, 1, 50, 50, 255},
		"two processes":       {60, 0, 2, 100, 100, 135},
		"larger than allowed": {0, 60, 1, 1000, 0, 16},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
				defer cancel()
				p := newPace(c.requests, c.tokens)
				p.share(c.processes)
				n := 0
				for p.wait(ctx, func() int64 { return c.prompt }) == nil {
					n++
					p.owe(c.reply)
				}
				if n < c.want-3 || n > c.want+3 {
					t.Errorf("%d calls in four minutes, want about %d", n, c.want)
				}
			})
		})
	}
	if err := newPace(0, 0).wait(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
