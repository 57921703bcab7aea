package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"coigwriter/internal/api"
	"coigwriter/internal/audit"
	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/job"
	"coigwriter/internal/llm"
	"coigwriter/internal/review"
	"coigwriter/internal/screen"
	"coigwriter/internal/train"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
	"coigwriter/internal/web"
)

type serveCmd struct{}

// Run serves until ctx ends, then lets running requests and jobs finish.
func (serveCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	client, err := cfg.client()
	if err != nil {
		return err
	}
	return serve(ctx, con, cfg, d, client, nil)
}

type workCmd struct{}

// Run works on jobs until ctx ends.
func (workCmd) Run(ctx context.Context, con *console, cfg *Config) error {
	d, err := cfg.openExisting(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	client, err := cfg.client()
	if err != nil {
		return err
	}
	log := cfg.logger(con.err)
	q, err := workers(ctx, cfg, d, client, log)
	if err != nil {
		return err
	}
	if err := q.Start(ctx); err != nil {
		return err
	}
	log.Info("working", "database", d.Name())
	<-ctx.Done()
	return stopWorkers(q)
}

// rootJob binds the history's chains.
type rootJob struct{}

func (rootJob) Kind() string               { return "audit.root" }
func (rootJob) InsertOpts() job.InsertOpts { return job.Once() }

// workers makes the queue with every kind of job there is.
func workers(ctx context.Context, cfg *Config, d *db.DB, client *llm.Client, log *slog.Logger) (*job.Client, error) {
	handlers := []job.Handler{job.Handle(func(ctx context.Context, _ rootJob) error {
		if _, err := audit.MakeRoot(ctx, d); err != nil && !errors.Is(err, errs.NotFound) {
			return err
		}
		return user.CleanSessions(ctx, d)
	})}
	handlers = append(handlers, screen.Handlers(d, client)...)
	handlers = append(handlers, triplet.Handlers(d, client)...)
	handlers = append(handlers, review.Handlers(d, newRand)...)
	handlers = append(handlers, bench.Handlers(d, client)...)
	handlers = append(handlers, evaluate.Handlers(d, client)...)
	host, err := cfg.host()
	if err != nil {
		return nil, err
	}
	handlers = append(handlers, train.Handlers(d, host.Web)...)
	return job.New(d, job.Config{
		Handlers: handlers, Workers: cfg.Workers, Log: quietly(log),
		Every: []job.Every{{Interval: time.Hour, Args: rootJob{}}, screen.Every(), triplet.Every(), review.Every(), bench.Every(), evaluate.Every(), train.Every()},
	})
}

// quietly lets only the queue's warnings through: its information is for its own developers.
func quietly(log *slog.Logger) *slog.Logger {
	return slog.New(levelHandler{log.Handler(), slog.LevelWarn})
}

type levelHandler struct {
	slog.Handler
	least slog.Level
}

func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.least && h.Handler.Enabled(ctx, l)
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) }

func stopWorkers(q *job.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return q.Stop(ctx)
}

// serve starts pages, API and workers on an open database. ready, when not nil, is told the
// base address; otherwise a one-time set-up link is printed while there is no lead.
func serve(ctx context.Context, con *console, cfg *Config, d *db.DB, client *llm.Client, ready func(base string) error) error {
	log := cfg.logger(con.err)
	q, err := workers(ctx, cfg, d, client, log)
	if err != nil {
		return err
	}
	host, err := cfg.host()
	if err != nil {
		return err
	}
	site, err := web.New(web.Options{DB: d, Log: log, LLM: client, Train: host, Secure: strings.HasPrefix(cfg.PublicURL, "https://")})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", api.New(api.Options{DB: d, LLM: client, Log: log}))
	mux.Handle("/", site)
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return errs.Unavailablef("listen on %s: %w; choose another with --listen", cfg.Listen, err)
	}
	base := strings.TrimSuffix(cfg.PublicURL, "/")
	if base == "" {
		base = "http://" + ln.Addr().String()
	}
	if !client.Configured() && ready == nil {
		offerAtStart(ctx, con.err)
	}
	if ready == nil {
		ready = func(base string) error { return printSetup(ctx, con.out, d, base) }
	}
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if err := q.Start(ctx); err != nil {
		ln.Close()
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	if err := ready(base); err != nil {
		return errors.Join(err, srv.Close(), stopWorkers(q))
	}
	log.Info("serving", "address", base, "database", d.Name(), "model", client.Endpoint().Model)
	select {
	case err := <-failed:
		return errors.Join(err, stopWorkers(q))
	case <-ctx.Done():
	}
	log.Info("stopping; running requests and jobs may finish")
	last, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	return errors.Join(srv.Shutdown(last), stopWorkers(q))
}

func printSetup(ctx context.Context, w io.Writer, d *db.DB, base string) error {
	secret, err := user.EnsureSetup(ctx, d)
	if err != nil {
		return err
	}
	if secret == "" {
		_, err = fmt.Fprintf(w, "%s\n", base)
		return err
	}
	_, err = fmt.Fprintf(w, "open this link once, within a day, to set up the first lead:\n%s/setup/%s\n", base, secret)
	return err
}
