// Bench measures what is promised about speed, on the machine it runs on: it
// builds the program, fills databases with texts cut from real ones, runs the commands and the
// server as people would, and writes docs/BENCHMARKS.md. It exits with 1 when a bound is broken.
//
//	go run ./bench            all of it, some minutes
//	go run ./bench -quick     a tenth of the sizes, to see that everything runs
//
// Where to start: suite.go says what is measured in which order and the bounds; texts.go makes
// the data; campaign.go fills the project whose pages are asked for; measure.go has clocks and
// memory; report.go writes the page. No figure is written that this run did not measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// sizes are how much of everything there is.
type sizes struct {
	Sources  int // behind the pages
	Triplets int // accepted ones behind the pages, all in one release; a tenth more in other states
	Small    int // the smaller import
	Large    int // the larger import
	File     int // triplets of the large statistics file
	Starts   int
	Asks     int           // of each page
	Votes    int           // of each of a hundred evaluators
	Saves    int           // of the lone writer; thirty writers share four times as many
	Mixed    int           // triplets of the mixes
	Drawn    int           // general rows that the largest takes
	Pool     int           // general rows of the largest pool
	Engine   time.Duration // how long the model engine is watched
}

var (
	full  = sizes{Sources: 50_000, Triplets: 5_000, Small: 10_000, Large: 100_000, File: 50_000, Starts: 10, Asks: 30, Votes: 15, Saves: 300, Mixed: 1_665, Drawn: 10_000, Pool: 1_000_000, Engine: 10 * time.Second}
	quick = sizes{Sources: 5_000, Triplets: 500, Small: 1_000, Large: 10_000, File: 5_000, Starts: 3, Asks: 10, Votes: 3, Saves: 60, Mixed: 166, Drawn: 1_000, Pool: 100_000, Engine: 3 * time.Second}
)

func main() {
	if latency, err := time.ParseDuration(os.Getenv(modelLatency)); err == nil {
		fmt.Fprintln(os.Stderr, fakeModel(latency))
		return
	}
	if at := os.Getenv(dying); at != "" {
		fmt.Fprintln(os.Stderr, askUntilKilled(context.Background(), at))
		return
	}
	short := flag.Bool("quick", false, "a tenth of the sizes")
	out := flag.String("out", filepath.Join("docs", "BENCHMARKS.md"), "page to write; - is stdout")
	url := flag.String("db", "", "PostgreSQL to use schemas of (postgres://…); SQLite files without it")
	texts := flag.String("texts", "", "folder of real texts (.md, .txt, .json, .jsonl) to make the data from; the sample's texts without it")
	only := flag.String("only", "", "run one step alone, such as \"model engine\", and print its page instead of writing it")
	keep := flag.String("keep", "", "directory to work in and keep (default: a temporary one)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *short, *out, *url, *texts, *keep, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, short bool, out, url, texts, dir, only string) (err error) {
	size, command := full, []string{"go run ./bench"}
	if short {
		size, command = quick, append(command, "-quick")
	}
	if only != "" {
		out = "-"
	}
	if url != "" {
		command = append(command, "-db postgres://…")
	}
	if texts != "" {
		command = append(command, "-texts DIR")
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "coigwriter-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	pool, err := loadPool(texts)
	if err != nil {
		return err
	}
	rep := &report{Command: strings.Join(command, " "), Began: time.Now(), LoadBefore: loadAverage(), Texts: pool.String(), Quick: short}
	s := &suite{size: size, dir: dir, stores: &stores{dir: dir, url: url}, pool: pool, rep: rep, only: only}
	defer func() { err = errors.Join(err, s.stores.drop()) }()
	if err := s.run(ctx); err != nil {
		return err
	}
	rep.Database = s.stores.version
	if err := rep.write(out); err != nil {
		return err
	}
	if n := rep.broken(); n > 0 {
		return fmt.Errorf("%d bounds are broken on this machine; see %s", n, out)
	}
	return nil
}
