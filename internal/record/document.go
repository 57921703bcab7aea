package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"coigwriter/internal/errs"
)

// begin tells a JSON document (a list of objects, or an object over several lines) from JSON
// Lines by its first characters.
func (r *Reader) begin() error {
	head, _ := r.br.Peek(4096)
	head = bytes.TrimLeft(head, " \t\r\n")
	switch {
	case len(head) == 0:
		if _, err := r.br.Peek(1); errors.Is(err, io.EOF) {
			return errs.Invalidf("%s: the file is empty", r.name)
		}
		return nil
	case head[0] == '[':
		r.list = json.NewDecoder(&bounded{r: r})
		if _, err := r.list.Token(); err != nil {
			return errs.Invalidf("%s: %w", r.name, err)
		}
	case head[0] == '{' && spansLines(head):
		r.list = json.NewDecoder(&bounded{r: r})
		r.one = true
	}
	return nil
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
			return Raw{}, errs.Invalidf("%s: after element %d: %w; what came before it is kept", r.name, r.line, noEOF(err))
		}
		return Raw{}, io.EOF
	}
	var v json.RawMessage
	if err := r.list.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) && r.one {
			return Raw{}, io.EOF
		}
		return Raw{}, errs.Invalidf("%s: element %d: %w; what came before it is kept", r.name, r.line+1, noEOF(err))
	}
	r.line++
	if v = bytes.TrimSpace(v); len(v) == 0 || v[0] != '{' {
		return Raw{}, r.bad(v, "not a JSON object")
	}
	return Raw{File: r.name, Line: r.line, Data: v}, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the file ends in the middle")
	}
	return err
}

// A bounded reader refuses to feed the decoder more than one element's limit ahead of what it
// has handed out, so that one endless string cannot fill the memory.
type bounded struct {
	r    *Reader
	read int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.r.list != nil && b.read-b.r.list.InputOffset() > int64(b.r.MaxLine) {
		return 0, fmt.Errorf("the element is longer than %d MB", b.r.MaxLine>>20)
	}
	n, err := b.r.br.Read(p)
	b.read += int64(n)
	return n, err
}
