package llm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// repairs is how often a model is shown what was wrong with its reply and asked again.
const repairs = 1

// About names the item a question is about, so that its calls can be found.
type About struct {
	Kind string // source, triplet …
	ID   string
}

// Ask returns the model's reply to p filled with data, and the ID of the call that holds it.
//
// A question asked before is answered from the store without a call; a question whose earlier
// failure was final fails again without a call (see [SetAside]). A nil client asks nobody. Otherwise the server is
// called, the raw reply stored, then parsed; a reply that breaks the schema is shown to the
// model once with the error. A failure is returned as a [*Failure], with the ID of the call
// that showed it when there was one. It must not be called inside a transaction.
func Ask[Reply any](ctx context.Context, d *db.DB, c *Client, p *Prompt[Reply], data any, about About) (reply Reply, callID string, err error) {
	defer errs.Wrap(&err, "ask %s about %s %s", p.Name, about.Kind, about.ID)
	if d.InTx() {
		return reply, "", fmt.Errorf("a model must not be called inside a transaction")
	}
	if c == nil {
		return reply, "", noEndpoint()
	}
	q, err := newQuestion(c, p, data, about)
	if err != nil {
		return reply, "", err
	}
	var calls []Call
	if !c.busy(d) { // else the journal tells with the intent whether there are calls, for many questions in one statement
		if calls, err = callsByKey(ctx, d, q.key); err != nil {
			return reply, "", err
		}
	}
	var bad []*Call // answered, but not usable, since a person last put the question's failures aside
	for i := 0; ; i++ {
		fresh := i == len(calls)
		if fresh {
			k, err := q.call(ctx, d, c, bad, i)
			if err != nil {
				return reply, "", err
			}
			if k == nil { // somebody else has asked it meanwhile
				fresh = false
				if calls, err = callsByKey(ctx, d, q.key); err != nil {
					return reply, "", err
				}
			} else {
				calls = append(calls, *k)
			}
		}
		k := &calls[i]
		if k.SetAside() {
			bad = nil
			continue
		}
		reply, f := judge[Reply](q, k)
		if err := k.recordFailure(ctx, d, f); err != nil {
			return reply, k.ID, err
		}
		switch {
		case f == nil:
			return reply, k.ID, nil
		case !f.Kind.Final() && !fresh:
			continue // the server may be well again
		}
		bad = append(bad, k)
		if f.Kind != KindBadOutput || len(bad) > repairs {
			return reply, k.ID, f
		}
	}
}

func noEndpoint() error {
	return failf(KindNoEndpoint, "no model is configured: set the endpoint's address and model")
}

// judge reads a stored call: the transport's failure, a text the server silently cut, or the reply.
func judge[Reply any](q *question, k *Call) (reply Reply, f *Failure) {
	if k.HTTPStatus != 200 {
		return reply, &Failure{Kind: Kind(k.Failure), Message: k.FailureDetail, HTTP: k.HTTPStatus}
	}
	reply, f = ParseReply[Reply](q.schema, []byte(k.Response))
	if f == nil && q.cutOff(k.PromptTokens) {
		var zero Reply
		return zero, failf(KindTooLong, "the server read only %d tokens of the text and cut the rest: raise its context length", k.PromptTokens)
	}
	return reply, f
}

// A question is a rendered prompt with its key.
type question struct {
	file       *promptFile
	about      About
	messages   []Message
	schema     *Schema // nil when words are asked for
	parameters parameters
	key        string
}

func newQuestion[Reply any](c *Client, p *Prompt[Reply], data any, about About) (*question, error) {
	s, err := p.Schema(data)
	if err != nil {
		return nil, err
	}
	return questionOf(c, p.file, s, data, about)
}

func questionOf(c *Client, ours *promptFile, s *Schema, data any, about About) (*question, error) {
	file := c.promptFile(ours)
	msgs, err := file.render(data)
	if err != nil {
		return nil, err
	}
	q := &question{file: file, about: about, messages: msgs, schema: s, parameters: c.e.parameters(0)}
	q.key, err = q.makeKey(c.e)
	return q, err
}

// makeKey hashes what decides the reply. The address and the key of the server are not part
// of it, nor is the level of structure: the same question has one answer.
func (q *question) makeKey(e Endpoint) (string, error) {
	var schema json.RawMessage // null for words
	if q.schema != nil {
		schema = q.schema.JSON
	}
	text, err := json.Marshal(struct {
		V          int             `json:"v"`
		Model      string          `json:"model"`
		Digest     string          `json:"digest,omitempty"`
		Messages   []Message       `json:"messages"`
		Parameters parameters      `json:"parameters"`
		Schema     json.RawMessage `json:"schema"`
		Sample     int             `json:"sample"`
	}{1, e.Model, e.Digest, q.messages, q.parameters, schema, 0})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// call asks the server and stores what came back. bad are the replies so far, of which the
// last is to be mended; asked is the number of calls the key has, which numbers this one and
// moves its seed. A nil call means that there are more calls by now than were known.
func (q *question) call(ctx context.Context, d *db.DB, c *Client, bad []*Call, asked int) (*Call, error) {
	msgs, p := q.messages, q.parameters
	p.Seed += int64(asked)
	if len(bad) > 0 {
		msgs = repair(msgs, bad[len(bad)-1])
	}
	if !c.Configured() {
		return nil, noEndpoint()
	}
	j, err := c.journalOf(ctx, d)
	if err != nil {
		return nil, err
	}
	j.asking.Add(1)
	defer j.asking.Add(-1)
	if again, err := j.begin(ctx, q, asked); err != nil || again {
		return nil, err
	}
	k := q.newCall(c, asked)
	k.PersonID = personOf(ctx)
	x, err := c.ask(ctx, msgs, q.schema, p)
	k.CreatedAt, k.DurationMS = d.Now(), x.took.Milliseconds()
	switch {
	case errors.As(err, &interruptedError{}):
		k.Failure, k.FailureDetail = string(KindLost), "the program was stopped before the answer came; it may have been paid for"
		return nil, errors.Join(err, j.finish(q, k))
	case err != nil:
		return nil, errors.Join(err, j.drop(q))
	}
	k.Level, k.Request, k.Response, k.HTTPStatus = string(x.level), string(x.request), string(x.response), x.status
	if x.failure != nil {
		k.Failure, k.FailureDetail = string(x.failure.Kind), x.failure.Message
	} else {
		k.count(msgs)
	}
	return k, j.finish(q, k)
}

// newCall starts the row of a call, the one after those that were asked.
func (q *question) newCall(c *Client, asked int) *Call {
	return &Call{
		ID: db.NewID(), Key: q.key, Attempt: int64(asked) + 1,
		Prompt: q.file.name, PromptHash: q.file.hash, ItemKind: q.about.Kind, ItemID: q.about.ID,
		Model: c.e.Model, Endpoint: c.e.BaseURL, Flavour: c.e.Flavour, Scripted: c.e.Scripted(),
	}
}

type personKey struct{}

// ForPerson says for whom models are asked under ctx; without it the ledger counts calls to nobody.
func ForPerson(ctx context.Context, personID string) context.Context {
	return context.WithValue(ctx, personKey{}, personID)
}

func personOf(ctx context.Context) string {
	id, _ := ctx.Value(personKey{}).(string)
	return id
}

// repair continues the conversation with the bad reply and what was wrong with it.
func repair(msgs []Message, bad *Call) []Message {
	said := clip(defuse(bad.content()), 2000)
	if said == "" {
		said = "（空）"
	}
	return append(append([]Message{}, msgs...),
		Message{Role: "assistant", Content: said},
		Message{Role: "user", Content: "上一条回复不能用：" + defuse(bad.FailureDetail) +
			"。请重新作答：只输出一个符合要求的 JSON 对象，不要有别的文字。"})
}

// cutOff reports whether the server counted fewer tokens than the messages can have: some cut
// a long text without saying so, and would judge half an article. The bounds are generous: no
// tokenizer packs more than about 2.5 Han characters or 10 others into a token on average.
func (q *question) cutOff(promptTokens int64) bool {
	if promptTokens <= 0 {
		return false
	}
	var bytes, han, all int
	for _, m := range q.messages {
		bytes += len(m.Content)
	}
	if float64(promptTokens) >= float64(bytes)/7.5 { // what they were if all were Han: nothing has fewer bytes a token
		return false
	}
	for _, m := range q.messages {
		all += utf8.RuneCountInString(m.Content)
		for _, r := range m.Content {
			if unicode.Is(unicode.Han, r) {
				han++
			}
		}
	}
	return float64(promptTokens) < float64(han)/2.5+float64(all-han)/10
}
