package llm

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// backoff is the wait before retry n (from 0): full jitter over a doubling span, at most
// longest. draw is in [0,1).
func backoff(n int, first, longest time.Duration, draw float64) time.Duration {
	span := longest
	if n < 20 && first<<n < longest {
		span = first << n
	}
	return time.Duration(draw * float64(span))
}

// retryAfter reads a Retry-After header: seconds, or a date. Zero when it is absent, past or
// makes no sense.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if s < 0 || s > 1e6 || s != s {
			return 0
		}
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}

// sleep waits, or returns early with the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// jitter needs no seed: it decides when a request is sent, never what is in it.
func jitter() float64 { return rand.Float64() }
