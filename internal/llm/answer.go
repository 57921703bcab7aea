package llm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// inWords is the level of a question whose answer is words, asked for in one piece.
const inWords Structured = "words"

// answerFile stands for the prompt in a call that has none of ours: the query itself is what is asked.
var answerFile = &promptFile{name: "query", hash: "query"}

// An Answer is what a model wrote to a query, the query being all that it was told.
type Answer struct {
	Said
	CallID           string
	PromptTokens     int64
	CompletionTokens int64
	Estimated        bool // the tokens, because the server did not count
	// Settings are all the request's fields but the messages, as they were sent: names and values are
	// the server's, such as temperature, top_p, seed, max_tokens. The system message is one of them.
	Settings json.RawMessage
}

// Cut reports whether the answer ended at the limit of tokens and not by itself.
func (a Answer) Cut() bool { return a.Finish == "length" }

// Write asks the model for its answer to a query: prompt is the whole user message, system the system
// message, left out where it is "". sample (0, 1, …) moves the seed, so that a query can be answered
// more than once.
//
// A question answered before is read from the store without a call, and so is one that failed for good;
// an answer that was cut at the limit is an answer. A failure is a [*Failure], with the ID of the call
// that shows it in the answer. It must not be called inside a transaction.
func Write(ctx context.Context, d *db.DB, c *Client, system, prompt string, sample int, about About) (a Answer, err error) {
	defer errs.Wrap(&err, "answer of %s to %s %s", c.modelName(), about.Kind, about.ID)
	if d.InTx() {
		return a, errors.New("a model must not be called inside a transaction")
	}
	if !c.Configured() {
		return a, noEndpoint()
	}
	q := &question{file: answerFile, about: about, parameters: c.e.parameters(sample)}
	if system != "" {
		q.messages = append(q.messages, Message{"system", system})
	}
	q.messages = append(q.messages, Message{"user", prompt})
	if q.key, err = q.makeKey(c.e); err != nil {
		return a, err
	}
	for {
		calls, err := callsByKey(ctx, d, q.key)
		if err != nil {
			return a, err
		}
		if k := settled(calls); k != nil {
			return answerIn(k)
		}
		k, err := q.write(ctx, d, c, len(calls))
		if err != nil {
			return a, err
		}
		if k != nil { // else somebody else has asked it meanwhile
			return answerIn(k)
		}
	}
}

func (c *Client) modelName() string {
	if c == nil {
		return "no model"
	}
	return c.e.Model
}

// settled is the newest call that need not be made again: answered, or failed for good and not put
// aside since. nil without one.
func settled(calls []Call) *Call {
	for i := len(calls) - 1; i >= 0; i-- {
		k := &calls[i]
		if k.SetAside() {
			return nil
		}
		if k.Failure == "" && k.HTTPStatus == http.StatusOK || Kind(k.Failure).Final() {
			return k
		}
	}
	return nil
}

// write asks the server and stores what came. A nil call means that there are more calls by now than
// were known.
func (q *question) write(ctx context.Context, d *db.DB, c *Client, asked int) (*Call, error) {
	j, err := c.journalOf(ctx, d)
	if err != nil {
		return nil, err
	}
	if newer, err := j.begin(ctx, q, asked); err != nil || newer {
		return nil, err
	}
	k := q.newCall(c, asked)
	k.PersonID = personOf(ctx)
	body, err := c.e.requestBody(q.messages, nil, q.parameters, inWords)
	if err != nil {
		return nil, errors.Join(err, j.drop(q))
	}
	x, err := c.askAt(ctx, body, nil)
	k.CreatedAt, k.DurationMS = d.Now(), x.took.Milliseconds()
	switch {
	case errors.As(err, &interruptedError{}):
		k.Failure, k.FailureDetail = string(KindLost), "the program was stopped before the answer came; it may have been paid for"
		return nil, errors.Join(err, j.finish(q, k))
	case err != nil:
		return nil, errors.Join(err, j.drop(q))
	}
	k.Level, k.Request, k.Response, k.HTTPStatus = string(inWords), string(body), string(x.response), x.status
	if x.failure == nil {
		k.count(q.messages)
		x.failure = unwritten(k)
	}
	if x.failure != nil {
		k.Failure, k.FailureDetail = string(x.failure.Kind), x.failure.Message
	}
	return k, j.finish(q, k)
}

// unwritten says why a reply of status 200 is no answer; nil where it is one.
func unwritten(k *Call) *Failure {
	if c, f := decodeCompletion([]byte(k.Response)); f == nil {
		if r := c.Choices[0].Message.Refusal; r != nil && *r != "" {
			return failf(KindRefused, "the model refused: %s", clip(strings.ReplaceAll(*r, "\x00", ""), 200))
		}
		switch finish := c.Choices[0].FinishReason; finish {
		case "abort", "insufficient_system_resource":
			return failf(KindTransient, "the server gave up (finish reason %s)", finish)
		}
	}
	return unsaid([]byte(k.Response))
}

// answerIn reads a stored call as an answer.
func answerIn(k *Call) (a Answer, err error) {
	a.CallID, a.PromptTokens, a.CompletionTokens, a.Estimated = k.ID, k.PromptTokens, k.CompletionTokens, k.TokensEstimated
	a.Settings = settingsIn([]byte(k.Request))
	if k.HTTPStatus == http.StatusOK {
		said, f := SaidIn([]byte(k.Response))
		if f == nil {
			a.Said = said
		}
	}
	if k.Failure != "" {
		return a, &Failure{Kind: Kind(k.Failure), Message: k.FailureDetail, HTTP: k.HTTPStatus}
	}
	if strings.ContainsRune(a.Content+a.Thought, 0) {
		return a, failf(KindBadOutput, "the answer holds a NUL character, which cannot be stored")
	}
	return a, nil
}

// settingsIn are the settings of a request; nil where it cannot be read.
func settingsIn(request []byte) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(request, &fields) != nil {
		return nil
	}
	var messages []Message
	if json.Unmarshal(fields["messages"], &messages) == nil && len(messages) > 0 && messages[0].Role == "system" {
		fields["system"], _ = json.Marshal(messages[0].Content) // a text always encodes
	}
	delete(fields, "messages")
	out, _ := json.Marshal(fields) // they were read from JSON
	return out
}

// SettingsOf are the settings that [Write] would ask with.
func (c *Client) SettingsOf(system string, sample int) (json.RawMessage, error) {
	var messages []Message
	if system != "" {
		messages = append(messages, Message{"system", system})
	}
	body, err := c.e.requestBody(messages, nil, c.e.parameters(sample), inWords)
	return settingsIn(body), err
}
