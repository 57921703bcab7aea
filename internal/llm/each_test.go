package llm

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Each asks in order and all, ends on what every further question would meet, on enough, on an error of
// its own, and on a cancelled context; notes come one at a time.
func TestEach(t *testing.T) {
	t.Parallel()
	c, err := NewClient(Endpoint{BaseURL: "http://127.0.0.1:9/v1", Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	things := make([]int, 100)
	for i := range things {
		things[i] = i
	}
	own := errors.New("own")
	for name, tt := range map[string]struct {
		fails   func(i int) (*Failure, error)
		enough  func(done int) bool
		cancel  int // after so many
		few     int // things; 0 for all
		least   int
		most    int
		stopped Kind
		err     error
	}{
		"all":                {least: 100, most: 100},
		"some fail for good": {fails: func(i int) (*Failure, error) { return map[bool]*Failure{true: {Kind: KindRefused}}[i%2 == 0], nil }, least: 100, most: 100},
		"no server":          {fails: func(int) (*Failure, error) { return &Failure{Kind: KindNoEndpoint}, nil }, least: 1, most: 4, stopped: KindNoEndpoint},
		"silent":             {fails: func(int) (*Failure, error) { return &Failure{Kind: KindTransient}, nil }, least: enough, most: enough + 3, stopped: KindTransient},
		"the key, of few":    {few: 3, fails: func(int) (*Failure, error) { return &Failure{Kind: KindAuth}, nil }, least: 3, most: 3, stopped: KindAuth},
		"enough":             {enough: func(done int) bool { return done >= 10 }, least: 10, most: 14},
		"an error":           {fails: func(i int) (*Failure, error) { return nil, map[bool]error{true: own}[i == 20] }, least: 10, most: 30, err: own},
		"cancelled":          {cancel: 10, least: 10, most: 14, err: context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			of := things
			if tt.few > 0 {
				of = things[:tt.few]
			}
			done := 0 // notes come one at a time: no lock
			var ended func() bool
			if tt.enough != nil {
				ended = func() bool { return tt.enough(done) }
			}
			stopped, err := Each(ctx, c, of, 4, ended, func(_ context.Context, i int) (f *Failure, note func(), err error) {
				if tt.fails != nil {
					f, err = tt.fails(i)
				}
				return f, func() {
					if done++; done == tt.cancel {
						cancel()
					}
				}, err
			})
			if done < tt.least || done > tt.most || !errors.Is(err, tt.err) || (stopped == nil) != (tt.stopped == "") || stopped != nil && stopped.Kind != tt.stopped {
				t.Errorf("%d done, stopped by %v, %v", done, stopped, err)
			}
		})
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	looked := 0
	ended := Until(time.Now().Add(time.Hour), func() bool { looked++; return false })
	for range 100 {
		if ended() {
			t.Fatal("it ended before its time")
		}
	}
	if looked != 1 {
		t.Errorf("looked %d times within a second", looked)
	}
	if !Until(time.Now().Add(-time.Second), func() bool { return false })() || !Until(time.Now().Add(time.Hour), func() bool { return true })() {
		t.Error("it goes on after its end")
	}
}
