package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing/fstest"
	"time"

	"golang.org/x/sync/errgroup"

	"coigwriter/internal/db"
	"coigwriter/internal/llm"
)

// The bounds of the model engine.
const (
	boundThroughput = 97.0 // per cent of calls in flight over latency
	boundCPU        = 1.0  // ms for a call
	boundHeld       = 30.0 // kB held for a call in flight
)

// modelLatency is the variable under which this program is started once more as a fake model server of
// fixed latency.
const modelLatency = "COIGWRITER_BENCH_MODEL"

// fakeModel answers every question after the same time. It is a fake and speaks the protocol. Asked for
// /latency it says how long its answers have taken on average since it was last asked, in microseconds: a
// sleep is never shorter than what was asked for, and often longer.
func fakeModel(latency time.Duration) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	answer, err := json.Marshal(map[string]any{
		"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": `{"reasons":"稳","quality":8}`}}},
		"usage":   map[string]any{"prompt_tokens": 900, "completion_tokens": 12},
	})
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/v1\n", l.Addr())
	var calls, took atomic.Int64
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/latency" {
			fmt.Fprint(w, took.Swap(0)/max(calls.Swap(0), 1))
			return
		}
		start := time.Now()
		time.Sleep(latency)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
		took.Add(time.Since(start).Microseconds())
		calls.Add(1)
	}))
}

// latencyOf is what the fake's answers have taken since this was last called.
func latencyOf(ctx context.Context, url string) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/v1")+"/latency", http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var micros int64
	_, err = fmt.Fscan(res.Body, &micros)
	return time.Duration(micros) * time.Microsecond, err
}

// startModel starts the fake in a process of its own.
func startModel(ctx context.Context, latency time.Duration) (url string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), modelLatency+"="+latency.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	url, err = bufio.NewReader(out).ReadString('\n')
	return strings.TrimSpace(url), func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }, err
}

type engineReply struct {
	Reasons string `json:"reasons"`
	Quality int    `json:"quality" min:"1" max:"10"`
}

type engineData struct{ Text llm.Text }

var engineFiles = fstest.MapFS{"prompts/bench.tmpl": {Data: []byte(`{{define "system"}}给文章打分，只输出 JSON。{{end}}{{define "user"}}{{.Text}}{{end}}`)}}

// engine times the asking of models against a server of fixed latency: what the engine adds is what is
// missing from calls in flight over latency.
func (s *suite) engine(ctx context.Context) error {
	sec := s.rep.section("Model engine", "llm.Ask", "Questions about texts of 500 characters to a fake server of fixed latency in a process of its own; every intent and every raw reply is durable in the database. "+
		"Measured once the limit has climbed to the calls in flight named; the ideal is calls in flight over the latency that the server itself measured in the same time. CPU is this process's, user and system; memory held is what is reachable while the calls are under way over what was before, divided by the questions that were being asked.")
	for _, c := range []struct {
		inFlight int
		latency  time.Duration
	}{{8, 50 * time.Millisecond}, {64, 50 * time.Millisecond}, {256, 500 * time.Millisecond}} {
		if err := s.engineAt(ctx, sec, c.inFlight, c.latency); err != nil {
			return err
		}
	}
	return s.resumed(ctx, sec)
}

func (s *suite) engineAt(ctx context.Context, sec *section, inFlight int, latency time.Duration) error {
	url, stop, err := startModel(ctx, latency)
	if err != nil {
		return err
	}
	defer stop()
	store, err := s.stores.open(ctx, fmt.Sprintf("engine-%d", inFlight))
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
	client, err := llm.NewClient(llm.Endpoint{BaseURL: url, Model: "scripted-fixed", MaxInFlight: inFlight})
	if err != nil {
		return err
	}
	defer client.Close()
	prompt, err := llm.ReadPrompt[engineReply](engineFiles, "bench")
	if err != nil {
		return err
	}
	text := strings.Repeat("雨停了，巷口的灯亮起来。", 42)
	bare, err := bareRate(ctx, url, text, inFlight, s.size.Engine/2)
	if err != nil {
		return err
	}
	var asked, next atomic.Int64
	idle := held()
	run, end := context.WithCancel(ctx)
	defer end()
	g, inner := errgroup.WithContext(run)
	workers := client.AtOnce()
	for range workers {
		g.Go(func() error {
			for inner.Err() == nil {
				n := next.Add(1)
				_, _, err := llm.Ask(inner, d, client, prompt, engineData{llm.Text(fmt.Sprint(n, text))}, llm.About{Kind: "bench", ID: fmt.Sprint(n)})
				if inner.Err() != nil {
					return nil
				}
				if err != nil {
					return err
				}
				asked.Add(1)
			}
			return nil
		})
	}
	time.Sleep(5*time.Second + 12*latency) // the limit climbs
	if _, err := latencyOf(ctx, url); err != nil {
		return err
	}
	before, cpu, bytes := asked.Load(), cpuTime(), allocated()
	began := time.Now()
	time.Sleep(s.size.Engine)
	calls, took := float64(asked.Load()-before), time.Since(began)
	cpu, bytes = cpuTime()-cpu, allocated()-bytes
	served, err := latencyOf(ctx, url)
	if err != nil {
		return err
	}
	busy := held()
	end()
	if err := g.Wait(); err != nil {
		return err
	}
	rate, ideal := calls/took.Seconds(), float64(inFlight)/served.Seconds()
	what := fmt.Sprintf("%d in flight at %s", inFlight, latency)
	sec.fact(what, fmt.Sprintf("%.0f calls a second, the ideal is %.0f (the server took %.1f ms for a call); a bare HTTP client makes %.0f", rate, ideal, served.Seconds()*1e3, bare))
	sec.least(what+": per cent of the ideal", 100*rate/ideal, boundThroughput)
	sec.fact(what+": per cent of the bare client", fmt.Sprintf("%.1f", 100*rate/bare))
	sec.bound(what+": CPU for a call", cpu.Seconds()*1e3/calls, boundCPU, "ms")
	sec.bound(what+": memory held for a call", max(busy-idle, 1)/float64(workers)/1e3, boundHeld, "kB")
	sec.fact(what+": allocated and let go for a call", fmt.Sprintf("%.0f kB", bytes/calls/1e3))
	return nil
}

// bareRate is what the server gives to plain requests, without engine and database.
func bareRate(ctx context.Context, url, text string, inFlight int, during time.Duration) (float64, error) {
	body, err := json.Marshal(map[string]any{"model": "scripted-fixed", "messages": []any{map[string]any{"role": "user", "content": text}}})
	if err != nil {
		return 0, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = inFlight
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()
	run, end := context.WithTimeout(ctx, during)
	defer end()
	var n atomic.Int64
	g, inner := errgroup.WithContext(run)
	for range inFlight {
		g.Go(func() error {
			for inner.Err() == nil {
				req, err := http.NewRequestWithContext(inner, http.MethodPost, url+"/chat/completions", bytes.NewReader(body))
				if err != nil {
					return err
				}
				res, err := client.Do(req)
				if err != nil {
					if inner.Err() != nil {
						return nil
					}
					return err
				}
				_, err = io.Copy(io.Discard, res.Body)
				if err := errors.Join(err, res.Body.Close()); err != nil && inner.Err() == nil {
					return err
				}
				n.Add(1)
			}
			return nil
		})
	}
	err = g.Wait()
	return float64(n.Load()) / during.Seconds(), err
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// held is what is reachable now.
func held() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func allocated() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.TotalAlloc)
}
