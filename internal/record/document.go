package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"coigwriter/internal/errs"
)

// ErrEmpty is why a file without a byte cannot be read.
var ErrEmpty = errors.New("the file is empty")

// begin tells a JSON document (a list of objects, or an object over several lines) from JSON
// Lines by its first characters.
func (r *Reader) begin() error {
	head, _ := r.br.Peek(4096)
	head = bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(head) == 0:
		if _, err := r.br.Peek(1); errors.Is(err, io.EOF) {
			return errs.Invalidf("%s: %w", r.name, ErrEmpty)
		}
		return nil
	case head[0] == '[':
		r.document()
		if _, err := r.list.Token(); err != nil {
			return errs.Invalidf("%s: %w", r.name, err)
		}
	case head[0] == '{' && spansLines(head):
		r.document()
		r.one = true
	}
	return nil
}

func (r *Reader) document() {
	r.feed = &bounded{r: r}
	r.list = json.NewDecoder(r.feed)
}

// spansLines reports whether an object's first line is not yet the whole object: "{" alone, or
// a first line that ends within it and is followed by an indented field.
func spansLines(head []byte) bool {
	line, rest, found := bytes.Cut(head, []byte("\n"))
	if !found {
		return false
	}
	line, rest = bytes.TrimSpace(line), bytes.TrimLeft(rest, " \t\r\n")
	return bytes.Equal(line, []byte("{")) || (bytes.HasSuffix(line, []byte(",")) && bytes.HasPrefix(rest, []byte(`"`)))
}

// nextElement returns the next object of a document. A broken document cannot be read past the
// break, so that is an error which ends the file.
func (r *Reader) nextElement() (Raw, error) {
	if !r.one && !r.list.More() {
		if _, err := r.list.Token(); err != nil {
			return Raw{}, r.broken(err)
		}
		return Raw{}, io.EOF
	}
	var v json.RawMessage
	if err := r.list.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) && r.one {
			return Raw{}, io.EOF
		}
		return Raw{}, r.broken(err)
	}
	r.seen++
	v = bytes.TrimSpace(v)
	r.line = r.feed.lineAt(r.list.InputOffset() - int64(len(v)))
	if len(v) == 0 || v[0] != '{' {
		return Raw{}, r.bad(v, "not a JSON object; each element of the list must be one {...}")
	}
	if msg := r.spoilt(v); msg != "" {
		return Raw{}, r.bad(v, "%s", msg)
	}
	return Raw{File: r.name, Line: r.line, Data: v}, nil
}

func (r *Reader) broken(err error) error {
	line := r.feed.lineAt(r.list.InputOffset())
	return errs.Invalidf("%s:%d: element %d: %w; what came before it is kept, what follows is not read", r.name, line, r.seen+1, noEOF(err))
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends in the middle")
	}
	return err
}

// A bounded reader refuses to feed the decoder more than one element's limit ahead of what it
// has handed out, so that one endless string cannot fill the memory. It counts lines on the way.
type bounded struct {
	r     *Reader
	read  int64
	line  int     // line ends before all of ends
	ends  []int64 // offsets of the line ends that were read but not yet passed
	spent int     // how many of ends were passed
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.r.list != nil && b.read-b.r.list.InputOffset() > int64(b.r.MaxLine) {
		return 0, fmt.Errorf("the element is longer than %d MB; write the file as JSON Lines, or raise the limit", b.r.MaxLine>>20)
	}
	n, err := b.r.br.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			b.ends = append(b.ends, b.read+int64(i))
		}
	}
	b.read += int64(n)
	return n, err
}

// lineAt returns the 1-based line of an offset; offsets must not go back.
func (b *bounded) lineAt(offset int64) int {
	for b.spent < len(b.ends) && b.ends[b.spent] < offset {
		b.spent++
	}
	if b.spent > 1<<12 { // forget what was passed
		b.line += b.spent
		b.ends = append(b.ends[:0], b.ends[b.spent:]...)
		b.spent = 0
	}
	return b.line + b.spent + 1
}
