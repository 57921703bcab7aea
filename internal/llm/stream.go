package llm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// maxSilence is how long a stream that has begun may say nothing; signs of life count as something.
const maxSilence = 90 * time.Second

// streamed is the level of a question whose answer is words, asked for as a stream.
const streamed Structured = "stream"

// A Piece is what a model has said since the last one.
type Piece struct {
	Text    string
	Thought bool // of its thought, and not of its answer
	// Restart says that all words so far were a thought after all: its opening tag was in the prompt.
	Restart bool
}

// Stream asks p filled with data for words, and says them as they come; the last thing it does is to
// return the whole, and the ID of the call that holds it.
//
// A question answered before is said from the store without a call, unless again asks for another
// answer. When ctx ends, the request to the server is cancelled, so that it stops working, and what had
// come is stored as a call that failed with [KindCancelled]; so is what came before a stream broke. The
// partial text is returned with the error, a [*Failure]. It must not be called inside a transaction.
func Stream(ctx context.Context, d *db.DB, c *Client, p *Prose, data any, about About, again bool, say func(Piece)) (said Said, callID string, err error) {
	defer errs.Wrap(&err, "ask %s about %s %s", p.Name, about.Kind, about.ID)
	if d.InTx() {
		return said, "", fmt.Errorf("a model must not be called inside a transaction")
	}
	if !c.Configured() {
		return said, "", noEndpoint()
	}
	q, err := questionOf(c, p.file, nil, data, about)
	if err != nil {
		return said, "", err
	}
	var k *Call
	for k == nil { // until the question is ours to ask, or somebody has its answer
		calls, err := callsByKey(ctx, d, q.key)
		if err != nil {
			return said, "", err
		}
		if whole := lastWhole(calls); whole != nil && !again {
			said, f := SaidIn([]byte(whole.Response))
			if f != nil {
				return said, whole.ID, f
			}
			if said.Thought != "" {
				say(Piece{Text: said.Thought, Thought: true})
			}
			say(Piece{Text: said.Content})
			return said, whole.ID, nil
		}
		if k, err = q.stream(ctx, d, c, len(calls), say); err != nil {
			return said, "", err
		}
		again = false // who asks for another answer at the same time gets that one
	}
	if k.Response != "" && k.HTTPStatus == http.StatusOK {
		said, _ = SaidIn([]byte(k.Response)) // what came of it, though it may have failed
	}
	if k.Failure != "" {
		return said, k.ID, &Failure{Kind: Kind(k.Failure), Message: k.FailureDetail, HTTP: k.HTTPStatus}
	}
	return said, k.ID, nil
}

// lastWhole is the newest call that was answered to the end, nil without one.
func lastWhole(calls []Call) *Call {
	for i := len(calls) - 1; i >= 0; i-- {
		if calls[i].HTTPStatus == http.StatusOK && calls[i].Failure == "" {
			return &calls[i]
		}
	}
	return nil
}

// stream asks the server and stores what came; asked is the number of calls the key has. A nil call
// means that there are more calls by now than were known.
func (q *question) stream(ctx context.Context, d *db.DB, c *Client, asked int, say func(Piece)) (*Call, error) {
	j, err := c.journalOf(ctx, d)
	if err != nil {
		return nil, err
	}
	if newer, err := j.begin(ctx, q, asked); err != nil || newer {
		return nil, err
	}
	k := q.newCall(c, asked)
	k.PersonID = personOf(ctx)
	p := q.parameters
	p.Seed += int64(asked)
	body, err := c.e.requestBody(q.messages, nil, p, streamed)
	if err != nil {
		return nil, errors.Join(err, j.drop(q))
	}
	to := &listener{say: say}
	x, err := c.askAt(ctx, body, to)
	k.CreatedAt, k.DurationMS = d.Now(), x.took.Milliseconds()
	switch {
	case errors.As(err, &interruptedError{}): // before the answer began
		x.failure = failf(KindCancelled, "stopped by the person who asked, before the answer began")
	case err != nil:
		return nil, errors.Join(err, j.drop(q))
	}
	k.Level, k.Request, k.Response, k.HTTPStatus = string(streamed), string(body), string(x.response), x.status
	if x.status == http.StatusOK {
		k.count(q.messages)
	}
	if x.failure == nil {
		x.failure = unsaid(x.response)
	}
	if x.failure == nil && !to.began() { // a server that answers in one piece
		if s, f := SaidIn(x.response); f == nil {
			say(Piece{Text: s.Content})
		}
	}
	if x.failure != nil {
		k.Failure, k.FailureDetail = string(x.failure.Kind), x.failure.Message
	}
	return k, j.finish(q, k)
}

// unsaid reports why a whole answer has no words to read.
func unsaid(raw []byte) *Failure {
	said, f := SaidIn(raw)
	switch {
	case f != nil:
		return f
	case said.Finish == "content_filter":
		return failf(KindRefused, "the provider's filter stopped the reply")
	case said.Unfinished:
		return failf(KindTooLong, "the thought took all the tokens: raise max_tokens, or turn thinking off")
	case strings.TrimSpace(said.Content) == "":
		return failf(KindBadOutput, "the reply is empty")
	}
	return nil
}
