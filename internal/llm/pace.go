package llm

import (
	"context"
	"time"

	"golang.org/x/time/rate"
)

// A pace keeps calls within what a provider allows in a minute, requests and tokens; nil bounds nothing.
// What a prompt will use is estimated before it is sent; what the reply used is owed afterwards, and the
// next calls wait for it.
type pace struct {
	requests, tokens       *rate.Limiter // nil where that is not bounded
	perRequests, perTokens float64       // a second, of all processes together
}

// burst is the part of a minute's allowance that may be used at once.
const burst = 4

func newPace(requests, tokens int) *pace {
	limiter := func(perMinute int) (*rate.Limiter, float64) {
		if perMinute <= 0 {
			return nil, 0
		}
		perSecond := float64(perMinute) / 60
		return rate.NewLimiter(rate.Limit(perSecond), max(1, perMinute/burst)), perSecond
	}
	p := &pace{}
	p.requests, p.perRequests = limiter(requests)
	p.tokens, p.perTokens = limiter(tokens)
	return p
}

// wait waits until a question may be sent; tokens estimates what its prompt uses, where that is asked for.
func (p *pace) wait(ctx context.Context, tokens func() int64) error {
	if p.requests != nil {
		if err := p.requests.Wait(ctx); err != nil {
			return err
		}
	}
	if p.tokens != nil {
		return p.tokens.WaitN(ctx, min(int(tokens()), p.tokens.Burst()))
	}
	return nil
}

// owe counts the tokens of a reply.
func (p *pace) owe(tokens int) {
	for now := time.Now(); p.tokens != nil && tokens > 0; tokens -= p.tokens.Burst() {
		p.tokens.ReserveN(now, min(tokens, p.tokens.Burst()))
	}
}

// share gives this process its part of what all may use together.
func (p *pace) share(processes int) {
	n := float64(max(processes, 1))
	if p.requests != nil {
		p.requests.SetLimit(rate.Limit(p.perRequests / n))
	}
	if p.tokens != nil {
		p.tokens.SetLimit(rate.Limit(p.perTokens / n))
	}
}
