package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Check is one thing a probe asked of a server.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	Do     string `json:"do,omitempty"` // what to do where it is not OK
}

// A Probe is what a server is and can do.
type Probe struct {
	Endpoint string     `json:"endpoint"`
	Flavour  string     `json:"flavour"` // "" when it is of no kind we know
	Name     string     `json:"name"`
	Model    string     `json:"model"`
	Models   []string   `json:"models,omitempty"`
	Context  int        `json:"context_tokens,omitempty"` // 0 when it does not say
	Level    Structured `json:"structured"`               // the strongest way to get JSON that worked; "" when none did
	Thought  string     `json:"thought"`                  // where a thought stood in the replies seen: none, a field, inline
	Checks   []Check    `json:"checks"`
	Traps    []Trap     `json:"traps,omitempty"`

	// As its profile has them, "" for a server of no kind we know.
	Errors   string `json:"error_shape,omitempty"` // the body of an error
	Overload string `json:"overload,omitempty"`    // how it says that it has too much to do
}

// OK reports whether the server can judge: it answers, and a reply could be read.
func (p Probe) OK() bool { return p.Level != "" }

type probeReply struct {
	Reason string `json:"reason"`
	Score  int    `json:"score" min:"1" max:"10"`
}

// ProbeServer finds out what kind of server e is, and asks it for what a run will need: its models, a
// short answer, JSON in every way it may know, its count of tokens. Nothing of it is stored. An
// endpoint without a model takes the first that the server lists. The error is the context's.
func ProbeServer(ctx context.Context, e Endpoint) (p Probe, err error) {
	p.Endpoint = Redact(e.BaseURL)
	given := e.Model
	if given == "" {
		e.Model = "unknown"
	}
	e.Retries = -1
	c, err := NewClient(e)
	if err != nil {
		return p, err
	}
	defer c.Close()
	seen := c.listModels(ctx, &p)
	if ctx.Err() != nil {
		return p, ctx.Err()
	}
	if given == "" && len(p.Models) > 0 {
		e.Model = p.Models[0]
	}
	p.Model = e.Model
	profile, ok := recognise(seen)
	if forced, is := ProfileOf(e.Flavour); is {
		profile, ok = forced, true
	}
	p.Name = "OpenAI-compatible, of no kind we know"
	if ok {
		p.Flavour, p.Name, p.Traps = profile.Flavour, profile.Name, profile.Traps
		p.Errors, p.Overload = profile.Errors, profile.Overload
		e.Flavour = profile.Flavour
	}
	if len(p.Checks) > 0 && !p.Checks[0].OK {
		return p, nil // nothing there to ask further
	}
	if c, err = NewClient(e); err != nil {
		return p, err
	}
	defer c.Close()
	c.probeAnswer(ctx, &p)
	c.probeStream(ctx, &p)
	c.probeJSON(ctx, &p)
	c.probeTokens(ctx, &p)
	c.probeRoot(ctx, &p, profile)
	return p, ctx.Err()
}

func (p *Probe) check(name string, ok bool, detail, do string) {
	p.Checks = append(p.Checks, Check{name, ok, detail, do})
}

// listModels asks for the models, and looks around for clues.
func (c *Client) listModels(ctx context.Context, p *Probe) clues {
	seen := clues{paths: map[string]string{}}
	if u, err := url.Parse(c.e.BaseURL); err == nil {
		seen.host = u.Hostname()
	}
	raw, f := c.get(ctx, c.e.BaseURL+"/models")
	if f != nil {
		p.check("models", false, f.Error(), f.Remedy(c.e.BaseURL))
		return seen
	}
	var list struct {
		Data []struct {
			ID    string `json:"id"`
			Owner string `json:"owned_by"`
			Max   int    `json:"max_model_len"`
			Meta  struct {
				Context int `json:"n_ctx"`
			} `json:"meta"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		p.check("models", false, "the answer to /models is not a list of models", "is the address complete, up to /v1?")
		return seen
	}
	for _, m := range list.Data {
		p.Models = append(p.Models, m.ID)
		if seen.owner == "" {
			seen.owner = m.Owner
		}
		if m.ID == c.e.Model || len(list.Data) == 1 {
			p.Context = max(m.Max, m.Meta.Context)
		}
	}
	if c.e.Model != "unknown" && len(p.Models) > 0 && !slices.Contains(p.Models, c.e.Model) {
		p.check("models", false, fmt.Sprintf("it serves %s, not %s", strings.Join(p.Models[:min(len(p.Models), 8)], ", "), c.e.Model), "set --llm-model to one of these")
	} else {
		p.check("models", true, fmt.Sprintf("%d served", len(p.Models)), "")
	}
	if seen.hosted() { // a provider shows nothing at its root, and counts what is asked
		return seen
	}
	root := strings.TrimSuffix(c.e.BaseURL, "/v1")
	for _, path := range rootPaths {
		if raw, f := c.get(ctx, root+path); f == nil {
			seen.paths[path] = string(raw[:min(len(raw), 64<<10)])
		}
	}
	return seen
}

// get reads an address of the server, for at most five seconds.
func (c *Client) get(ctx context.Context, address string) ([]byte, *Failure) {
	return c.send(ctx, http.MethodGet, address, nil)
}

// send sends a body, nil for none, to an address of the server and reads the answer, for at most five seconds.
func (c *Client) send(ctx context.Context, method, address string, body []byte) ([]byte, *Failure) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	res, err := c.requestTo(ctx, method, address, r)
	if err != nil {
		return nil, c.networkFailure(ctx, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return nil, c.networkFailure(ctx, err)
	}
	raw = c.clean(raw)
	if res.StatusCode != http.StatusOK {
		return nil, httpFailure(res.StatusCode, raw[:min(len(raw), maxError)])
	}
	return raw, nil
}

// short is a question of few tokens.
func short(text string) []Message {
	return []Message{{"system", "你只回答所问，不多说。"}, {"user", text}}
}

// probeAnswer asks for a few words, without JSON.
func (c *Client) probeAnswer(ctx context.Context, p *Probe) {
	params := c.e.parameters(0)
	params.MaxTokens = 8
	body, err := c.e.requestBody(short("用一个字说：雨天常见什么？"), nil, params, "")
	if err != nil {
		p.check("answer", false, err.Error(), "")
		return
	}
	x, _, err := c.attempt(ctx, body, nil)
	switch {
	case err != nil:
		return
	case x.failure != nil:
		p.check("answer", false, x.failure.Error(), x.failure.Remedy(c.e.BaseURL))
		return
	}
	said, f := SaidIn(x.response)
	if f != nil {
		p.check("answer", false, f.Error(), "")
		return
	}
	p.Thought = "none"
	if said.Thought != "" {
		p.Thought = "inline"
		for _, field := range []string{"reasoning_content", "reasoning"} {
			if strings.Contains(string(x.response), `"`+field+`":`) {
				p.Thought = field
				break
			}
		}
	}
	p.check("answer", true, fmt.Sprintf("%d ms, finish reason %s, thought: %s", x.took.Milliseconds(), said.Finish, p.Thought), "")
	if said.Thought != "" {
		p.Traps = append(p.Traps, Trap{"the model thinks before it answers, which costs tokens and may be cut off at the limit", "add --llm-no-thinking for judging, or raise --llm-max-tokens"})
	}
}

// probeStream looks whether words come as they are made.
func (c *Client) probeStream(ctx context.Context, p *Probe) {
	params := c.e.parameters(0)
	params.MaxTokens = 8
	body, err := c.e.requestBody(short("数到五。"), nil, params, streamed)
	if err != nil {
		p.check("stream", false, err.Error(), "")
		return
	}
	to := &listener{say: func(Piece) {}}
	x, _, err := c.attempt(ctx, body, to)
	switch {
	case err != nil:
	case x.failure != nil:
		p.check("stream", false, x.failure.Error(), "the annotators' help will fail; judging does not need it")
	case !to.began():
		p.check("stream", false, "the answer came in one piece", "the annotators' help appears all at once")
	default:
		counted := "usage counted"
		if usageOf(x.response).Prompt == 0 {
			counted = "no usage: tokens are estimated"
		}
		p.check("stream", true, fmt.Sprintf("first word after %d ms, %s", to.first.Milliseconds(), counted), "")
	}
}

// probeJSON tries every way to ask for JSON that the flavour may take.
func (c *Client) probeJSON(ctx context.Context, p *Probe) {
	s, err := SchemaOf[probeReply](nil)
	if err != nil {
		p.check("JSON", false, err.Error(), "")
		return
	}
	params := c.e.parameters(0)
	params.MaxTokens = min(params.MaxTokens, 512)
	for _, level := range c.e.levels() {
		body, err := c.e.requestBody(short("给“雨停了。”这句话打分，1 到 10 分，并用一句话说理由。只输出 JSON。"), s, params, level)
		if err != nil {
			p.check(string(level), false, err.Error(), "")
			continue
		}
		x, _, err := c.attempt(ctx, body, nil)
		if err != nil {
			return
		}
		f := x.failure
		if f == nil {
			_, f = ParseReply[probeReply](s, x.response)
		}
		if f != nil {
			p.check(string(level), false, f.Error(), "")
			continue
		}
		p.check(string(level), true, fmt.Sprintf("%d ms", x.took.Milliseconds()), "")
		if p.Level == "" {
			p.Level = level
		}
	}
	switch p.Level {
	case "":
		p.Traps = append(p.Traps, Trap{"no reply could be read as JSON: nothing would be judged", "take another model, or raise --llm-max-tokens if it thinks"})
	case StructuredPrompt:
		p.Traps = append(p.Traps, Trap{"the server does not constrain its output: a reply that does not fit is asked for once more", "expect more bad_output with small models"})
	}
}

// probeTokens looks whether the server counts tokens.
func (c *Client) probeTokens(ctx context.Context, p *Probe) {
	params := c.e.parameters(0)
	params.MaxTokens = 1
	text := probeText
	body, err := c.e.requestBody(short(text), nil, params, "")
	if err != nil {
		return
	}
	x, _, err := c.attempt(ctx, body, nil)
	if err != nil || x.failure != nil {
		return
	}
	u := usageOf(x.response)
	if u.Prompt == 0 {
		p.check("usage", false, "the server does not count tokens: they are estimated, and marked so", "")
		return
	}
	detail := fmt.Sprintf("%d tokens for %d characters", u.Prompt, len([]rune(text)))
	if p.Context > 0 {
		detail += fmt.Sprintf("; context of %d", p.Context)
	}
	p.check("usage", true, detail, "")
	if p.Context > 0 && p.Context < 16384 {
		p.Traps = append(p.Traps, Trap{fmt.Sprintf("the context is %d tokens: articles beyond about %d characters are too long", p.Context, p.Context*3/2), "serve the model with a longer context"})
	}
}

// probeText is what tokens are counted of.
var probeText = strings.Repeat("雨停了，巷口的灯一盏一盏亮起来。", 20)

// probeRoot asks what a flavour offers beside the common protocol: whether it is well, and a count of tokens.
func (c *Client) probeRoot(ctx context.Context, p *Probe, profile Profile) {
	root := strings.TrimSuffix(c.e.BaseURL, "/v1")
	if profile.Health != "" {
		_, f := c.get(ctx, root+profile.Health)
		if f != nil {
			p.check("health", false, f.Error(), f.Remedy(c.e.BaseURL))
		} else {
			p.check("health", true, "GET "+profile.Health, "")
		}
	}
	if profile.Tokenize == "" {
		return
	}
	var count struct {
		Count  int               `json:"count"`
		Tokens []json.RawMessage `json:"tokens"`
	}
	// vLLM and SGLang read prompt, llama.cpp content; what they do not know they pass over.
	body, err := json.Marshal(map[string]any{"model": c.e.Model, "prompt": probeText, "content": probeText})
	if err != nil {
		return
	}
	raw, f := c.send(ctx, http.MethodPost, root+profile.Tokenize, body)
	if f == nil {
		if err := json.Unmarshal(raw, &count); err != nil || max(count.Count, len(count.Tokens)) == 0 {
			f = failf(KindBadOutput, "the answer is no count of tokens")
		}
	}
	if f != nil {
		p.check("tokenize", false, f.Error(), "tokens are taken from usage, or estimated")
		return
	}
	p.check("tokenize", true, fmt.Sprintf("%d tokens for %d characters", max(count.Count, len(count.Tokens)), len([]rune(probeText))), "")
}
