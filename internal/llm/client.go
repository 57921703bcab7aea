package llm

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	texts "coigwriter/internal/text"
)

const (
	maxBody  = 8 << 20  // bytes read of an answer
	maxError = 64 << 10 // bytes kept of an answer that is an error
)

// A Client asks one endpoint: it waits for a free slot, retries what is transient, steps down
// when the server does not take a schema, and never sends the key anywhere else. Safe for
// concurrent use; make one for the process.
type Client struct {
	// Wait sleeps between attempts; tests replace it. It returns early with the context's error.
	Wait func(context.Context, time.Duration) error

	e       Endpoint
	http    *http.Client
	limiter *limiter
	budget  *Budget
	pace    *pace

	mu    sync.Mutex
	level int // index into the endpoint's levels: the strongest that has worked so far

	journalMu sync.Mutex
	journals  map[*db.DB]*journal
	closed    bool
}

// NewClient checks the endpoint and returns its client. An endpoint without a base URL gives
// a client whose every question fails with [KindNoEndpoint], so that callers need no nil.
func NewClient(e Endpoint) (_ *Client, err error) {
	defer errs.Wrap(&err, "llm endpoint")
	e, err = e.withDefaults()
	if err != nil {
		return nil, err
	}
	budget, err := NewBudget(e.MaxCost, e.Prices, e.Model, time.Now())
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = e.MaxInFlight
	return &Client{
		Wait: sleep, e: e, limiter: newLimiter(e.MaxInFlight), budget: budget,
		pace: newPace(e.RequestsPerMinute, e.TokensPerMinute),
		http: &http.Client{
			Transport: transport,
			// A redirect could carry the text, or the key, to another machine.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Endpoint returns the endpoint with its defaults filled in; a nil client has none.
func (c *Client) Endpoint() Endpoint {
	if c == nil {
		return Endpoint{}
	}
	return c.e
}

// Configured reports whether there is a server to ask. A nil client has none.
func (c *Client) Configured() bool { return c != nil && c.e.Configured() }

// Close ends what the client keeps in databases, and lets go of idle connections. It must come before
// the databases are closed.
func (c *Client) Close() {
	if c == nil {
		return
	}
	c.journalMu.Lock()
	defer c.journalMu.Unlock()
	c.closed = true
	for d, j := range c.journals {
		j.close()
		delete(c.journals, d)
	}
	c.http.CloseIdleConnections()
}

// exchange is one question and what came back, ready to be stored.
type exchange struct {
	request  []byte
	response []byte // raw, with the key cut out should the server repeat it
	status   int    // 0: no answer
	level    Structured
	took     time.Duration // of the last attempt
	usage    Usage         // of the response, zero where it says nothing
	failure  *Failure      // nil when the status is 200, whatever the body says; of a stream also what ended it early
}

// ask sends msgs at the strongest level the server takes. The error is the context's; all
// else is in the exchange.
func (c *Client) ask(ctx context.Context, msgs []Message, s *Schema, p parameters) (exchange, error) {
	levels := c.e.levels()
	for i, last := c.span(); ; i++ {
		body, err := c.e.requestBody(msgs, s, p, levels[i])
		if err != nil {
			return exchange{}, err
		}
		x, err := c.askAt(ctx, body, nil)
		x.request, x.level = body, levels[i]
		if err != nil || i == last || !c.refusesStructure(x.failure) {
			if x.failure == nil {
				c.remember(i)
			}
			return x, err
		}
	}
}

// span returns the first and last level to try.
func (c *Client) span() (first, last int) {
	levels := c.e.levels()
	for i, l := range levels {
		if c.e.Structured == l {
			return i, i
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.level, len(levels) - 1
}

func (c *Client) remember(level int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.level = max(c.level, level)
}

// refusesStructure reports whether the server's complaint may be about how JSON was asked for.
func (c *Client) refusesStructure(f *Failure) bool {
	if f == nil || f.Kind != KindBadEndpoint {
		return false
	}
	switch f.HTTP {
	case http.StatusUnprocessableEntity, http.StatusNotImplemented:
		return true
	case http.StatusBadRequest:
		return has(strings.ToLower(f.Message), "response_format", "json", "schema", "structured", "grammar", "support", "unknown field", "extra")
	}
	return false
}

// askAt sends one body until it is answered, fails for good, or the retries are used up. to hears a
// streamed answer as it comes; nil waits for the whole.
func (c *Client) askAt(ctx context.Context, body []byte, to *listener) (exchange, error) {
	for try := 0; ; try++ {
		if err := c.waitPause(ctx); err != nil {
			return exchange{}, err
		}
		x, wait, err := c.attempt(ctx, body, to)
		if err != nil || x.failure == nil || x.failure.Kind != KindTransient {
			return x, err
		}
		if to.began() { // somebody has read its beginning: another answer would be another text
			return x, nil
		}
		if wait > c.e.MaxWait {
			x.failure.Message += fmt.Sprintf(" (the server asks to wait %s: try again later)", wait.Round(time.Second))
			return x, nil
		}
		if try >= c.e.Retries {
			x.failure.Message += fmt.Sprintf(" (attempts: %d)", try+1)
			return x, nil
		}
		wait = max(wait, backoff(try, c.e.RetryWait, c.e.MaxWait, jitter()))
		if overload(x.status) {
			c.limiter.overloaded(time.Now().Add(wait), x.failure.Message)
		}
		if err := c.Wait(ctx, wait); err != nil {
			return exchange{}, err
		}
	}
}

// overload reports whether a status, or a connection that was reset (0), says that the server has too
// much to do: that is its state and not one item's, so every question waits.
func overload(status int) bool {
	switch status {
	case 0, http.StatusTooManyRequests, http.StatusServiceUnavailable, 529:
		return true
	}
	return false
}

func (c *Client) waitPause(ctx context.Context) error {
	d := c.limiter.paused()
	if d <= 0 {
		return ctx.Err()
	}
	return c.Wait(ctx, d)
}

// attempt sends the body once. wait is what the server asked for by Retry-After.
func (c *Client) attempt(ctx context.Context, body []byte, to *listener) (x exchange, wait time.Duration, err error) {
	most := c.budget.Most(len(body), c.e.MaxTokens)
	if err := c.budget.Hold(most); err != nil {
		return x, 0, err
	}
	if err := c.pace.wait(ctx, func() int64 { return int64(texts.EstimateTokens(string(body))) }); err != nil {
		c.budget.Settle(most, 0)
		return x, 0, err
	}
	if err := c.limiter.acquire(ctx, to != nil); err != nil {
		c.budget.Settle(most, 0)
		return x, 0, err
	}
	defer func() { c.pace.owe(x.usage.Completion) }()
	defer func() { c.budget.Settle(most, c.cost(x, err, most)) }()
	defer func() { c.limiter.release(x.took, x.usage.Completion, x.failure == nil && err == nil) }()
	timed, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(c.e.Timeout, cancel)
	defer silence.Stop()
	start := time.Now()
	defer func() {
		x.took = time.Since(start)
		if x.status == http.StatusOK {
			x.usage = usageOf(x.response)
		}
	}()

	res, err := c.request(timed, http.MethodPost, "/chat/completions", bytes.NewReader(body))
	if err == nil {
		defer res.Body.Close()
		x.status = res.StatusCode
		wait = retryAfter(res.Header, time.Now())
		if to != nil && streams(res) {
			x.response, x.failure = to.hear(res.Body, func() { silence.Reset(maxSilence) })
			switch {
			case ctx.Err() != nil:
				x.failure = failf(KindCancelled, "stopped by the person who asked, before the answer was whole")
			case timed.Err() != nil:
				x.failure = failf(KindTransient, "no word for too long in the middle of the answer")
			}
			x.response = c.clean(x.response)
			return x, wait, nil
		}
		x.response, err = io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	}
	if ctx.Err() != nil {
		return exchange{}, 0, interruptedError{ctx.Err()}
	}
	if len(x.response) > maxBody {
		x.response = x.response[:maxError]
		x.failure = failf(KindBadOutput, "the answer is larger than %d MB; its beginning is kept", maxBody>>20)
		x.failure.HTTP = x.status
	}
	x.response = c.clean(x.response)
	switch {
	case x.failure != nil:
	case err != nil:
		x.failure = c.networkFailure(timed, err)
		x.status, x.response = 0, nil
	case x.status >= 300 && x.status < 400:
		x.failure = failf(KindBadEndpoint, "the server redirects, which is not followed: set base_url to the final address")
		x.failure.HTTP = x.status
	case x.status != http.StatusOK:
		x.response = x.response[:min(len(x.response), maxError)]
		x.failure = httpFailure(x.status, x.response)
	}
	return x, wait, nil
}

// cost is what an attempt has cost: by the server's count, at worst where it gives none or was not
// waited for, and nothing where it did not answer.
func (c *Client) cost(x exchange, err error, most int64) int64 {
	switch u := x.usage; {
	case err != nil:
		return most
	case x.status != http.StatusOK:
		return 0
	case u.Prompt+u.Completion == 0:
		return most
	default:
		return c.budget.Cost(Tokens{Prompt: int64(u.Prompt), Cached: int64(u.Cached), Completion: int64(u.Completion), Reasoning: int64(u.Reasoning)})
	}
}

// An interruptedError is the context's, from the time between sending a question and its answer: the
// server may have answered, and charged for it.
type interruptedError struct{ error }

func (e interruptedError) Unwrap() error { return e.error }

// request sends one request to a path below the base; only [Client.requestTo] ever reads the key.
func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	return c.requestTo(ctx, method, c.e.BaseURL+path, body)
}

func (c *Client) requestTo(ctx context.Context, method, address string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "coigwriter")
	if c.e.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+string(c.e.APIKey))
	}
	return c.http.Do(req)
}

// clean makes an answer fit for storing: without our key, and text that both databases hold.
func (c *Client) clean(raw []byte) []byte {
	if c.e.APIKey != "" {
		raw = bytes.ReplaceAll(raw, []byte(c.e.APIKey), []byte("***"))
	}
	return bytes.ReplaceAll(bytes.ToValidUTF8(raw, []byte("\uFFFD")), []byte{0}, nil)
}

func (c *Client) networkFailure(ctx context.Context, err error) *Failure {
	msg := err.Error()
	if c.e.APIKey != "" {
		msg = strings.ReplaceAll(msg, string(c.e.APIKey), "***")
	}
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		return failf(KindBadEndpoint, "the server's certificate is not trusted: %s", clip(msg, 300))
	case ctx.Err() != nil:
		return failf(KindTransient, "no answer within %s", c.e.Timeout)
	}
	return failf(KindTransient, "%s", clip(msg, 300))
}
