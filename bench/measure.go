package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A dist is the times of one thing done many times.
type dist []time.Duration

// at returns the time that a share q of the sample does not exceed: the nearest rank, so it is
// always one that was measured.
func (d dist) at(q float64) time.Duration {
	s := slices.Sorted(slices.Values(d))
	rank := int(q*float64(len(s)) + 0.999999)
	return s[min(max(rank, 1), len(s))-1]
}

// usage is what one process took.
type usage struct {
	Took   time.Duration
	PeakMB float64 // VmHWM in 10^6 bytes; 0 where there is no /proc
}

// measure runs a process to its end. A bad exit is an error with what it said.
func measure(ctx context.Context, name string, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	var u usage
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case err := <-done:
			tick.Stop()
			u.Took = time.Since(began)
			if err != nil {
				return u, fmt.Errorf("%s: %w\n%s", commandLine(args), err, said.String())
			}
			return u, nil
		case <-tick.C:
			u.PeakMB = max(u.PeakMB, peakMB(cmd.Process.Pid))
		}
	}
}

// peakMB reads a process's high-water mark. The rusage of wait4 would not do: Linux starts it
// from the memory of the parent.
func peakMB(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return field(string(status), "VmHWM:") * 1024 / 1e6
}

// field returns the number after a key in a /proc file, 0 when it is not there.
func field(text, key string) float64 {
	_, after, ok := strings.Cut(text, key)
	words := strings.Fields(after)
	if !ok || len(words) == 0 {
		return 0
	}
	f, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return 0
	}
	return f
}

// A server is a running "coigwriter serve".
type server struct {
	cmd  *exec.Cmd
	base string
	said bytes.Buffer
}

// serve starts the program on a port that is free; it does not wait for it.
func (s *suite) serve(ctx context.Context, store string) (*server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := ln.Addr().String()
	ln.Close()
	srv := &server{base: "http://" + addr}
	srv.cmd = exec.CommandContext(ctx, s.bin, "serve", "--data", s.dir+"/data", "--db", store, "--listen", addr, "--log-level", "warn", "-q")
	srv.cmd.Stdout, srv.cmd.Stderr = &srv.said, &srv.said
	return srv, srv.cmd.Start()
}

// until asks for a page until it is there.
func (srv *server) until(ctx context.Context, path string, cookie *http.Cookie) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
		if status, _, err := ask(ctx, srv.base+path, cookie); err == nil && status == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("%s never answered 200 in 30 s\n%s", path, srv.said.String())
}

// stop ends the server as Ctrl-C does.
func (srv *server) stop() error {
	if err := srv.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	if err := srv.cmd.Wait(); err != nil {
		return fmt.Errorf("serve: %w\n%s", err, srv.said.String())
	}
	return nil
}

// machine describes where this runs, without names of hosts or paths.
func machine() string {
	cpu := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := strings.Cut(string(info), "model name"); ok {
			line, _, _ := strings.Cut(after, "\n")
			cpu = strings.Trim(line, " \t:")
		}
	}
	memory := ""
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		memory = fmt.Sprintf(", %.0f GB memory", field(string(info), "MemTotal:")*1024/1e9)
	}
	return fmt.Sprintf("%s, %d CPUs%s, %s/%s, %s", cpu, runtime.NumCPU(), memory, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// loadAverage is the system's load over 1, 5 and 15 minutes: other work falsifies these figures.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}
