package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/job"
)

type greet struct {
	Name string `json:"name"`
}

func (greet) Kind() string { return "greet" }

type doomed struct{}

func (doomed) Kind() string { return "doomed" }

func start(t *testing.T, d *db.DB, hs ...job.Handler) *job.Client {
	t.Helper()
	ctx := context.Background()
	if err := job.Migrate(ctx, d); err != nil {
		t.Fatal(err)
	}
	q, err := job.New(d, job.Config{Handlers: hs, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return q
}

func TestEnqueueIsPartOfTheTransaction(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	got := make(chan string, 4)
	q := start(t, d, job.Handle(func(_ context.Context, a greet) error { got <- a.Name; return nil }))

	boom := errors.New("boom")
	err := d.Transact(ctx, func(tx *db.DB) error {
		if err := q.Enqueue(ctx, tx, greet{"never"}); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if err := d.Transact(ctx, func(tx *db.DB) error { return q.Enqueue(ctx, tx, greet{"雨"}) }); err != nil {
		t.Fatal(err)
	}
	if name := <-got; name != "雨" {
		t.Errorf("worked on %q", name)
	}
	if err := q.Enqueue(ctx, d, greet{"x"}); err == nil {
		t.Error("Enqueue outside a transaction must be refused")
	}
}

func TestFailuresStayVisible(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	q := start(t, d, job.Handle(func(context.Context, doomed) error { return job.Cancel(errors.New("没有用")) }))
	if err := d.Transact(ctx, func(tx *db.DB) error { return q.Enqueue(ctx, tx, doomed{}) }); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		fs, err := job.Failures(ctx, d, 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(fs) == 1 {
			if fs[0].State != "cancelled" || fs[0].Error == "" {
				t.Errorf("got %+v", fs[0])
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the failed job never showed")
		}
	}
	if cs, err := job.Counts(ctx, d); err != nil || len(cs) != 1 || cs[0].N != 1 {
		t.Errorf("counts %+v, %v", cs, err)
	}
}
