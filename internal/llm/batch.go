package llm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A BatchLine is one question in the shape that batch services read: a line of JSON Lines. Its
// custom ID is the question's key, so that an answer read in later is found by [Ask].
type BatchLine struct {
	CustomID string          `json:"custom_id"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`

	call Call   // the call it will be, but for the answer
	text string // of the prompt
}

// Question returns what [Ask] would send for the same arguments, as a line of a batch file. It
// asks nobody.
func Question[Reply any](c *Client, p *Prompt[Reply], data any, about About) (line BatchLine, err error) {
	defer errs.Wrap(&err, "question %s about %s %s", p.Name, about.Kind, about.ID)
	if c == nil || !c.Configured() {
		return line, noEndpoint()
	}
	q, err := newQuestion(c, p, data, about)
	if err != nil {
		return line, err
	}
	first, _ := c.span()
	level := c.e.levels()[first]
	body, err := c.e.requestBody(q.messages, q.schema, q.parameters, level)
	if err != nil {
		return line, err
	}
	return BatchLine{
		CustomID: q.key, Method: "POST", URL: "/v1/chat/completions", Body: body, text: q.file.text,
		call: Call{
			Key: q.key, Prompt: q.file.name, PromptHash: q.file.hash, ItemKind: about.Kind, ItemID: about.ID,
			Model: c.e.Model, Endpoint: c.e.BaseURL, Level: string(level), Request: string(body), Scripted: c.e.Scripted(),
		},
	}, nil
}

// batched is a question in a batch file: a row of llm_batch.
type batched struct {
	bun.BaseModel `bun:"table:llm_batch"`

	Key, Prompt, PromptHash, ItemKind, ItemID string
	Model, Endpoint, Level, Request           string
	ExportedAt                                time.Time
}

// Answered reports whether a question needs no call: it has a reply, or failed for good, and no
// person has put that aside.
func (l BatchLine) Answered(ctx context.Context, d *db.DB) (bool, error) {
	calls, err := callsByKey(ctx, d, l.CustomID)
	for i := range calls {
		if k := &calls[i]; !k.SetAside() && (k.HTTPStatus == 200 || Kind(k.Failure).Final()) {
			return true, err
		}
	}
	return false, err
}

// Remember keeps what an answer to the line will need: its file may be read back by another
// process, under other settings, when the source has long moved on.
func (l BatchLine) Remember(ctx context.Context, d *db.DB) (err error) {
	defer errs.Wrap(&err, "batch line %s", l.CustomID)
	k := l.call
	_, err = d.Exec(ctx, `INSERT INTO llm_prompt (hash, name, text, first_used) VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING`,
		k.PromptHash, k.Prompt, l.text, d.Now())
	if err != nil {
		return err
	}
	_, err = d.Exec(ctx, `INSERT INTO llm_batch (key, prompt, prompt_hash, item_kind, item_id, model, endpoint, level, request, exported_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET exported_at = EXCLUDED.exported_at, level = EXCLUDED.level, request = EXCLUDED.request`,
		k.Key, k.Prompt, k.PromptHash, k.ItemKind, k.ItemID, k.Model, k.Endpoint, k.Level, k.Request, d.Now())
	return err
}

// Imported says what became of the lines of a provider's answers.
type Imported struct {
	Lines     int `json:"lines"`
	Stored    int `json:"stored"`    // kept as calls
	Final     int `json:"final"`     // of Stored: the provider refused for good, which is an answer too
	Before    int `json:"before"`    // kept by an earlier import
	Duplicate int `json:"duplicate"` // a second answer to the same question
	Unknown   int `json:"unknown"`   // never exported from this project
	Failed    int `json:"failed"`    // the provider failed; the question stays open
	Broken    int `json:"broken"`    // no line of answers

	Problems []string `json:"problems,omitempty"` // the first of those that were not kept, by line
}

// Refused counts the lines that were not kept though they should have been.
func (r *Imported) Refused() int { return r.Duplicate + r.Unknown + r.Failed + r.Broken }

// maxProblems bounds the lines that an import names.
const maxProblems = 50

func (r *Imported) problem(count *int, line int, format string, a ...any) {
	*count++
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, a...))
	}
}

// answerLine is one line of a provider's answers.
type answerLine struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int             `json:"status_code"`
		Body       json.RawMessage `json:"body"`
	} `json:"response"`
	Error json.RawMessage `json:"error"`
}

// ImportBatch stores a provider's answers as calls under the keys of their questions, so that
// the next [Ask] is answered from the store. Every good line is kept, whatever the others are;
// reading the same file again changes nothing.
func ImportBatch(ctx context.Context, d *db.DB, r io.Reader) (out Imported, err error) {
	defer errs.Wrap(&err, "batch answers")
	in := bufio.NewReaderSize(r, 64<<10)
	seen := map[string]int{}
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		line, long, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, errs.Unavailablef("line %d: %w", n, err)
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if line = bytes.TrimSpace(line); len(line) == 0 && !long {
			continue
		}
		out.Lines++
		if long {
			out.problem(&out.Broken, n, "longer than %d MB", 2*maxBody>>20)
			continue
		}
		if err := out.take(ctx, d, n, line, seen); err != nil {
			return out, err
		}
	}
}

// readLine reads a line; one that is too long is read to its end and dropped.
func readLine(in *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > 2*maxBody {
			line, long = nil, true
		} else if !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(line) > 0 || long):
			return line, long, nil // the last line has no end
		default:
			return line, long, err
		}
	}
}

// take stores the answer on one line, or says why not. The error is the database's.
func (r *Imported) take(ctx context.Context, d *db.DB, n int, line []byte, seen map[string]int) error {
	var a answerLine
	switch err := json.Unmarshal(line, &a); {
	case err != nil:
		r.problem(&r.Broken, n, "is not JSON: %v", err)
		return nil
	case a.CustomID == "":
		r.problem(&r.Broken, n, "has no custom_id")
		return nil
	case seen[a.CustomID] > 0:
		r.problem(&r.Duplicate, n, "answers %s again, after line %d", clip(a.CustomID, 16), seen[a.CustomID])
		return nil
	}
	var b batched
	err := d.One(ctx, &b, `SELECT * FROM llm_batch WHERE key = ?`, a.CustomID)
	if errors.Is(err, errs.NotFound) {
		return r.unknown(ctx, d, n, a.CustomID, seen)
	}
	if err != nil {
		return err
	}
	k, why := b.answered(a)
	if why != "" {
		r.problem(&r.Failed, n, "%s %s: %s", b.Prompt, b.ItemID, why)
		return nil
	}
	seen[a.CustomID] = n
	if err := keep(ctx, d, k); err != nil {
		return err
	}
	r.Stored++
	if k.HTTPStatus != 200 {
		r.Final++
	}
	return nil
}

// unknown counts an answer to a question that waits for none: read in before, or never asked.
func (r *Imported) unknown(ctx context.Context, d *db.DB, n int, key string, seen map[string]int) error {
	calls, err := callsByKey(ctx, d, key)
	switch {
	case err != nil:
		return err
	case len(calls) > 0:
		seen[key] = n
		r.Before++
	default:
		r.problem(&r.Unknown, n, "answers %s, which this project has not exported", clip(key, 16))
	}
	return nil
}

// answered makes the call of an answer; why says that there is none to keep.
func (b *batched) answered(a answerLine) (k *Call, why string) {
	if a.Response == nil || a.Response.StatusCode == 0 || len(a.Response.Body) == 0 || string(a.Response.Body) == "null" {
		msg, _ := errorText([]byte(`{"error":` + orNull(a.Error) + `}`))
		if msg == "" {
			msg = "no answer"
		}
		return nil, clip(msg, 300)
	}
	body := bytes.ReplaceAll(bytes.ToValidUTF8(a.Response.Body, []byte("\uFFFD")), []byte{0}, nil)
	k = &Call{
		Key: b.Key, Attempt: 1, Prompt: b.Prompt, PromptHash: b.PromptHash, ItemKind: b.ItemKind, ItemID: b.ItemID,
		Model: b.Model, Endpoint: b.Endpoint, Level: b.Level, Request: b.Request, Response: string(body),
		HTTPStatus: a.Response.StatusCode, Scripted: IsScripted(b.Model),
	}
	if k.HTTPStatus == 200 {
		var asked struct {
			Messages []Message `json:"messages"`
		}
		_ = json.Unmarshal([]byte(b.Request), &asked)
		k.count(asked.Messages)
		return k, ""
	}
	f := httpFailure(k.HTTPStatus, body)
	if !f.Kind.Final() {
		return nil, f.Error()
	}
	k.Failure, k.FailureDetail = string(f.Kind), f.Message
	return k, ""
}

func orNull(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "null"
	}
	return string(raw)
}

// keep stores the call, after those that a run may have made meanwhile, and lets go of the question.
func keep(ctx context.Context, d *db.DB, k *Call) error {
	k.ID, k.CreatedAt = db.NewID(), d.Now()
	return d.Transact(context.WithoutCancel(ctx), func(tx *db.DB) error {
		calls, err := callsByKey(ctx, tx, k.Key)
		if err != nil {
			return err
		}
		k.Attempt = int64(len(calls)) + 1
		if err := tx.Insert(ctx, k); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM llm_batch WHERE key = ?`, k.Key)
		return err
	})
}
