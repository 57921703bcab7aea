package mix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// The kinds of rows.
const (
	KindCreative = "creative"
	KindGeneral  = "general"
)

// A Row is one line of a configuration: a conversation to learn from, in the one shape from which each
// engine's own is made.
type Row struct {
	ID       string    `json:"id"`     // the row's own, or the beginning of the hash of its turns
	Source   string    `json:"source"` // its name in the plan
	Kind     string    `json:"kind"`
	Genre    string    `json:"genre"`
	Language string    `json:"language"`
	Messages []Message `json:"messages"`
}

// A Message is one turn.
type Message struct {
	Role      string `json:"role"` // system, user or assistant
	Content   string `json:"content"`
	Reasoning string `json:"reasoning_content,omitempty"`
}

// A key places a row among others: rows are taken in the order of their keys.
type key [16]byte

// A candidate is a row that may be drawn. Its turns wait in the spool.
type candidate struct {
	draw, order key
	kind        string
	source      int // in the manifest's sources
	file, line  int // in the source
	id          string
	genre       string
	language    string
	at, written piece    // its turns, and the row as it is written
	copies      []copied // rows of the same turns that stand back behind it

	// once it was checked
	tokens, chars int
	thought       bool
}

// A copied row has the same turns as another.
type copied struct {
	source, file, line int
	id                 string
}

// newCandidate keys a row by what it says. Neither where it stands nor the plan's templates have a part in
// that, so a pool that grows or is read in another order keeps its order, and a plan that puts thoughts
// elsewhere draws the same rows.
func newCandidate(seed int64, kind string, c record.Conversation) candidate {
	h := contentHash(c.Turns)
	if c.ID == "" {
		c.ID = h[:16]
	}
	return candidate{draw: keyOf("draw", seed, h), order: keyOf("order", seed, h), kind: kind, id: c.ID, genre: c.Genre, language: c.Language}
}

// contentHash is SHA-256 over role, text and thought of every turn, each with a zero byte behind it.
func contentHash(turns []record.Turn) string {
	h := sha256.New()
	for _, t := range turns {
		for _, s := range []string{t.Role, t.Text, t.Thought} {
			_, _ = io.WriteString(h, s) // a hash never fails
			_, _ = h.Write([]byte{0})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// keyOf is the beginning of the SHA-256 of three lines: what the key is for, the seed, the content's hash.
// Keys of one purpose say nothing of those of another: which rows are drawn is not the order they stand in.
func keyOf(purpose string, seed int64, content string) (k key) {
	h := sha256.Sum256([]byte(purpose + "\n" + strconv.FormatInt(seed, 10) + "\n" + content + "\n"))
	copy(k[:], h[:])
	return k
}

// said is the text of a row that copies are told by: questions and answers, no system turn, no thoughts.
func said(turns []record.Turn) string {
	var b strings.Builder
	for _, t := range turns {
		if t.Role != "system" {
			b.WriteString(t.Text)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// thoughts are those of a row.
func thoughts(turns []record.Turn) string {
	var b strings.Builder
	for _, t := range turns {
		if t.Thought != "" {
			b.WriteString(t.Thought)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// messages are the turns as they are trained on: templates filled in, thoughts in their place.
func (p Plan) messages(c *candidate, turns []record.Turn) []Message {
	system := p.Template.GeneralSystem
	user := func(s string) string { return s }
	if c.kind == KindCreative {
		fill := func(template, prompt string) string {
			return strings.NewReplacer("{prompt}", prompt, "{genre}", c.genre, "{language}", c.language).Replace(template)
		}
		user = func(s string) string { return fill(p.Template.User, s) }
		for _, t := range turns {
			if t.Role == "user" {
				system = fill(p.Template.System, t.Text)
				break
			}
		}
	}
	var out []Message
	if system != "" && turns[0].Role != "system" {
		out = append(out, Message{Role: "system", Content: system})
	}
	for _, t := range turns {
		m := Message{Role: t.Role, Content: t.Text}
		switch {
		case t.Role == "user":
			m.Content = user(t.Text)
		case t.Thought == "" || !p.thinks(c.kind):
		case p.Reasoning.Creative == Think:
			m.Content = record.WithThought(t.Thought, t.Text)
		case p.Reasoning.Creative == Field:
			m.Reasoning = t.Thought
		}
		out = append(out, m)
	}
	return out
}

// thinks reports whether thoughts of rows of a kind are kept.
func (p Plan) thinks(kind string) bool {
	return p.Reasoning.Creative != None && (kind == KindCreative || p.Reasoning.General == Keep)
}

// ambiguous says why a row's thought cannot stand in a <think> block; "" when it can. A text that itself
// holds such a tag would end the block at the wrong place.
func (p Plan) ambiguous(kind string, turns []record.Turn) string {
	if p.Reasoning.Creative != Think || !p.thinks(kind) {
		return ""
	}
	for _, t := range turns {
		for _, part := range []struct{ name, s string }{{"thought", t.Thought}, {"answer", t.Text}} {
			if t.Thought != "" && record.HoldsThinkTag(part.s) {
				return "its " + part.name + ` holds a <think> tag, so it cannot stand in a <think> block; mend it, or set [reasoning] creative = "field"`
			}
		}
	}
	return ""
}

// row is a candidate as it is written.
func (p Plan) row(c *candidate, source string, turns []record.Turn) Row {
	return Row{ID: c.id, Source: source, Kind: c.kind, Genre: c.genre, Language: c.language, Messages: p.messages(c, turns)}
}

// encode writes a row, or a part of a manifest, as a line without its end; < and & stay as they are.
func encode(r any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(r)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// characters are the code points of messages, thoughts included.
func characters(ms []Message) (n int) {
	for _, m := range ms {
		n += text.Len(m.Content) + text.Len(m.Reasoning)
	}
	return n
}

// thinking reports whether a thought is in messages, beside an answer or in a <think> block before it.
func thinking(ms []Message) bool {
	for _, m := range ms {
		if thought, _ := record.SplitThink(m.Content); m.Role == "assistant" && (m.Reasoning != "" || thought != "") {
			return true
		}
	}
	return false
}
