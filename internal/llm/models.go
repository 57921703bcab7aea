package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Models asks the server which models it serves, once and without retries. It is how a set-up
// is checked; screening does not need it. A failure is a [*Failure].
func (c *Client) Models(ctx context.Context) ([]string, error) {
	if !c.Configured() {
		return nil, noEndpoint()
	}
	res, err := c.request(ctx, http.MethodGet, "/models", nil)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("list models: %w", ctx.Err())
		}
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
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, failf(KindBadEndpoint, "the answer to /models is not a list of models: is base_url complete, up to /v1?")
	}
	var names []string
	for _, m := range list.Data {
		names = append(names, m.ID)
	}
	return names, nil
}

// Redact returns an address without what may be secret in it: password and query.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(not an address)"
	}
	u.RawQuery, u.Fragment = "", ""
	return u.Redacted()
}
