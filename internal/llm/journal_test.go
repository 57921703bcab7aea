package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"coigwriter/internal/db"
	"coigwriter/internal/dbtest"
)

// aSlowServer answers every question after a while, and counts how often each was answered.
type aSlowServer struct {
	*httptest.Server
	asked, running, most atomic.Int64
	mu                   sync.Mutex
	answered             map[string]int
}

func slowServer(t testing.TB, latency time.Duration) *aSlowServer {
	s := &aSlowServer{answered: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		n := s.running.Add(1)
		defer s.running.Add(-1)
		for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
		}
		text, _ := io.ReadAll(r.Body)
		select {
		case <-time.After(latency):
		case <-r.Context().Done():
			return
		}
		var q ScriptRequest
		_ = json.Unmarshal(text, &q)
		s.mu.Lock()
		s.answered[q.Messages[1].Content]++
		s.mu.Unlock()
		w.Write(body(good, "stop"))
	}))
	t.Cleanup(s.Close)
	return s
}

// soon waits until something is so, for half a minute at most.
func soon(t testing.TB, so func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Error("it did not come to pass")
			return
		}
	}
}

func questionsOf(n int) (out []askData) {
	for i := range n {
		out = append(out, askData{Text(fmt.Sprintf("第 %d 篇：雪落无声。", i))})
	}
	return out
}

func askAll(ctx context.Context, d *db.DB, c *Client, p *Prompt[sheet], workers int, qs []askData) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i, q := range qs {
		g.Go(func() error {
			_, _, err := Ask(ctx, d, c, p, q, About{"source", fmt.Sprint(i)})
			return err
		})
	}
	return g.Wait()
}

func askPrompt(t testing.TB) *Prompt[sheet] {
	t.Helper()
	p, err := ReadPrompt[sheet](os.DirFS("testdata"), "ask")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Two programs on one database ask the same questions at once: each is paid for once.
func TestTwoProcessesPayOnce(t *testing.T) {
	t.Parallel()
	s, p := slowServer(t, 5*time.Millisecond), askPrompt(t)
	d := dbtest.Open(t)
	e := Endpoint{BaseURL: s.URL + "/v1", Model: "m"}
	one, two := client(t, e), client(t, e)
	qs := questionsOf(60)
	var g errgroup.Group
	for _, c := range []*Client{one, two} {
		g.Go(func() error { return askAll(t.Context(), d, c, p, 10, qs) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := s.asked.Load(); n != 60 {
		t.Errorf("%d calls for 60 questions", n)
	}
	var left, processes int
	if err := d.One(t.Context(), &left, `SELECT COUNT(*) FROM llm_intent`); err != nil || left != 0 {
		t.Errorf("%d intents are left, %v", left, err)
	}
	if err := d.One(t.Context(), &processes, `SELECT COUNT(*) FROM llm_process`); err != nil || processes != 2 {
		t.Errorf("%d processes, %v", processes, err)
	}
}

// TestDying is the program that the next test kills: it asks until its end comes.
func TestDying(t *testing.T) {
	dir, url := os.Getenv("COIGWRITER_DYING_DB"), os.Getenv("COIGWRITER_DYING_URL")
	if dir == "" {
		t.Skip("runs in a process of its own")
	}
	d, err := db.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClient(Endpoint{BaseURL: url, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	_ = askAll(t.Context(), d, c, askPrompt(t), 12, questionsOf(400))
}

// A program that is killed with calls in flight: whoever goes on repeats no finished call, pays at most
// those in flight again, and the ledger has them as lost.
func TestKilledAndResumed(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a process")
	}
	s, p := slowServer(t, 25*time.Millisecond), askPrompt(t)
	path := filepath.Join(t.TempDir(), "killed.db")
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestDying$", "-test.timeout=60s")
	child.Env = append(os.Environ(), "COIGWRITER_DYING_DB="+path, "COIGWRITER_DYING_URL="+s.URL+"/v1")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	soon(t, func() bool { return s.asked.Load() >= 60 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	var stored, inFlight int
	if err := d.One(t.Context(), &stored, `SELECT COUNT(*) FROM llm_call`); err != nil {
		t.Fatal(err)
	}
	if err := d.One(t.Context(), &inFlight, `SELECT COUNT(*) FROM llm_intent`); err != nil {
		t.Fatal(err)
	}
	if stored < 10 || inFlight == 0 {
		t.Fatalf("%d stored and %d in flight when it was killed", stored, inFlight)
	}
	if err := askAll(t.Context(), d, client(t, Endpoint{BaseURL: s.URL + "/v1", Model: "m"}), p, 12, questionsOf(400)); err != nil {
		t.Fatal(err)
	}
	twice := 0
	s.mu.Lock()
	for text, n := range s.answered {
		if twice += n - 1; n > 2 {
			t.Errorf("answered %d times: %.40s", n, text)
		}
	}
	s.mu.Unlock()
	if twice > inFlight {
		t.Errorf("%d answers were paid for twice, %d calls were in flight", twice, inFlight)
	}
	var lost, left int
	if err := d.One(t.Context(), &lost, `SELECT COUNT(*) FROM llm_call WHERE failure = 'lost'`); err != nil || lost != inFlight {
		t.Errorf("the ledger has %d lost calls, %d were in flight (%v)", lost, inFlight, err)
	}
	if err := d.One(t.Context(), &left, `SELECT COUNT(*) FROM llm_intent`); err != nil || left != 0 {
		t.Errorf("%d intents are left", left)
	}
}

// A run that is stopped with calls in flight says so of each; those that were not sent leave nothing.
func TestStoppedInFlight(t *testing.T) {
	t.Parallel()
	s, p := slowServer(t, time.Minute), askPrompt(t)
	d := dbtest.Open(t)
	c := client(t, Endpoint{BaseURL: s.URL + "/v1", Model: "m"})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		soon(t, func() bool { return s.running.Load() >= 8 }) // as many as the limit lets through at first
		cancel()
	}()
	var wg sync.WaitGroup
	for i, q := range questionsOf(20) {
		wg.Go(func() {
			if _, _, err := Ask(ctx, d, c, p, q, About{"source", fmt.Sprint(i)}); err == nil || FailureOf(err) != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var calls []Call
	if err := d.All(t.Context(), &calls, `SELECT * FROM llm_call`); err != nil {
		t.Fatal(err)
	}
	for _, k := range calls {
		if k.Failure != string(KindLost) || !strings.Contains(k.FailureDetail, "stopped") {
			t.Errorf("%+v", k)
		}
	}
	var left int
	if err := d.One(t.Context(), &left, `SELECT COUNT(*) FROM llm_intent`); err != nil || left != 0 || len(calls) != 8 {
		t.Errorf("%d lost, %d intents left (%v)", len(calls), left, err)
	}
}

// What servers call the tokens they count, and what is estimated where they do not.
func TestUsage(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Call{
		`{"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":3}}}`: {PromptTokens: 9, CompletionTokens: 4, CachedTokens: 8, ReasoningTokens: 3},
		`{"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_cache_hit_tokens":5,"reasoning_tokens":2}}`:                                               {PromptTokens: 9, CompletionTokens: 4, CachedTokens: 5, ReasoningTokens: 2},
		`{"usage":{"prompt_tokens":-9,"completion_tokens":"many"},"choices":[{"finish_reason":"stop","message":{"content":"雪雪雪"}}]}`:                         {PromptTokens: 7, CompletionTokens: 2, TokensEstimated: true, FinishReason: "stop"},
		`{}`: {PromptTokens: 7, TokensEstimated: true},
	} {
		k := Call{Response: raw}
		k.count([]Message{{"user", strings.Repeat("雪", 11)}})
		want.Response = raw
		if k != want {
			t.Errorf("%s: %+v", raw, k)
		}
	}
}
