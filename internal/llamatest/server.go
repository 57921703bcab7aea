package llamatest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"coigwriter/internal/llm"
)

// Start writes the model of a chain and serves it with a real llama-server until the test ends. It skips
// the test where LLAMA_SERVER names none.
func Start(t *testing.T, c Chain, args ...string) llm.Endpoint {
	t.Helper()
	binary := os.Getenv("LLAMA_SERVER")
	if binary == "" {
		t.Skip("LLAMA_SERVER names no llama-server binary of llama.cpp: nothing is tried on a real server")
	}
	model := filepath.Join(t.TempDir(), "chain.gguf")
	out, err := os.Create(model)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.write(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	log, err := os.Create(filepath.Join(t.TempDir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	cmd := exec.Command(binary, append([]string{
		"-m", model, "--host", "127.0.0.1", "--port", fmt.Sprint(port), "--alias", "chain", "-c", "131072", "-np", "4", "-t", "1", "--no-warmup",
	}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("LLAMA_SERVER=%s: %v", binary, err)
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-gone })
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !healthy(ctx, url) {
		select {
		case err := <-gone:
			gone <- err
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("llama-server ended: %v\n%s", err, text[max(0, len(text)-2000):])
		case <-ctx.Done():
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("llama-server is not ready\n%s", text[max(0, len(text)-2000):])
		case <-time.After(50 * time.Millisecond):
		}
	}
	return llm.Endpoint{BaseURL: url + "/v1", Model: "chain", Timeout: time.Minute, Retries: 2}
}

func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/health", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
