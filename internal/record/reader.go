// Package record reads and writes the records of the file contract: JSON Lines (or one JSON
// document with a list), UTF-8, optionally .gz or .zst, with the field names and aliases that
// are common, and unknown fields passed through. Reading streams: memory is bounded by the
// longest line, whatever the file. Pure: it works on readers and files, no database.
package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"coigwriter/internal/errs"
)

// MaxLine is the longest line a reader takes unless told otherwise. A longer one is refused
// without being held in memory, and reading goes on after it.
const MaxLine = 32 << 20

// A Raw is one record as it stood in the file.
type Raw struct {
	File string
	Line int    // 1-based; of an element of a JSON list, where it begins
	Data []byte // one JSON object; valid until the next call
}

// A BadRecord is a record that could not be read; reading goes on after it.
type BadRecord struct {
	File  string
	Line  int
	Field string // empty when the whole line is bad
	Msg   string // what is wrong and what to do
	Data  []byte // the line, cut at 64 kB
}

func (b *BadRecord) Error() string {
	where := b.File
	if b.Line > 0 { // 0: the file as a whole
		where += fmt.Sprintf(":%d", b.Line)
	}
	if b.Field != "" {
		where += ": " + b.Field
	}
	return where + ": " + b.Msg
}

// Unwrap makes it an errs.Invalid.
func (b *BadRecord) Unwrap() error { return errs.Invalid }

const keepOfBad = 64 << 10

// A Reader yields the records of one file.
type Reader struct {
	// MaxLine bounds a line in bytes; set it before the first Next.
	MaxLine int

	name  string
	br    *bufio.Reader
	close func() error
	line  int
	buf   []byte
	was   string        // the encoding the file had, if not UTF-8
	list  *json.Decoder // for a JSON document instead of lines
	feed  *bounded      // what list reads
	one   bool          // the document is a single object
	seen  int           // elements of the document so far
	begun bool
}

// NewReader reads records from r; name is how errors call it. Compression (gzip, zstd) and
// encoding (UTF-8, UTF-16, GB18030) are recognised by content, whatever the name says. Close it
// after use.
func NewReader(name string, r io.Reader) (*Reader, error) {
	br, end, err := Plain(name, r)
	if err != nil {
		return nil, err
	}
	rd := &Reader{name: name, MaxLine: MaxLine, close: end}
	rd.br, rd.was = decode(br)
	return rd, nil
}

// Plain returns what r holds without its compression, gzip or zstd, which is recognised by content; name
// is how errors call it. end lets go of what it opened, not of r.
func Plain(name string, r io.Reader) (plain *bufio.Reader, end func() error, err error) {
	br := bufio.NewReaderSize(r, 64<<10)
	magic, _ := br.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, nil, errs.Invalidf("%s: not a gzip file: %w", name, err)
		}
		return bufio.NewReaderSize(z, 64<<10), z.Close, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, nil, errs.Invalidf("%s: not a zstd file: %w", name, err)
		}
		return bufio.NewReaderSize(z, 64<<10), func() error { z.Close(); return nil }, nil
	}
	return br, func() error { return nil }, nil
}

// Close lets go of what the reader opened, not of the reader it was given.
func (r *Reader) Close() error { return r.close() }

// Next returns the next record. A *BadRecord tells of one that cannot be read: go on calling.
// io.EOF ends the file; any other error does too.
func (r *Reader) Next() (Raw, error) {
	if !r.begun {
		r.begun = true
		if err := r.begin(); err != nil {
			return Raw{}, err
		}
	}
	if r.list != nil {
		return r.nextElement()
	}
	for {
		line, tooLong, err := r.readLine()
		if err != nil && (!errors.Is(err, io.EOF) || (len(line) == 0 && !tooLong)) {
			return Raw{}, r.fail(err)
		}
		r.line++
		if tooLong {
			return Raw{}, r.bad(line, "the line is longer than %d MB; split the record, or raise the limit", r.MaxLine>>20)
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if msg := r.spoilt(line); msg != "" {
			return Raw{}, r.bad(line, "%s", msg)
		}
		if line[0] != '{' {
			return Raw{}, r.bad(line, "not a JSON object; each line must be one {...}")
		}
		if !json.Valid(line) {
			return Raw{}, r.bad(line, "%s", syntax(line))
		}
		return Raw{File: r.name, Line: r.line, Data: line}, nil
	}
}

// spoilt says why bytes cannot be text in the file's encoding; "" when they can. What does not
// decode is refused, never replaced in silence.
func (r *Reader) spoilt(b []byte) string {
	switch {
	case r.was != "" && bytes.Contains(b, []byte("\uFFFD")):
		return "bytes that are not " + r.was + ", which the rest of the file is; mend the line, or save the file as UTF-8"
	case !utf8.Valid(b):
		return "not valid UTF-8; convert the file, for example with iconv -f GB18030 -t UTF-8"
	}
	return ""
}

func (r *Reader) fail(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return errs.Invalidf("%s: after line %d: %w", r.name, r.line, err)
}

func (r *Reader) bad(line []byte, format string, a ...any) *BadRecord {
	keep := line[:min(len(line), keepOfBad)]
	return &BadRecord{File: r.name, Line: r.line, Msg: fmt.Sprintf(format, a...), Data: bytes.Clone(keep)}
}

// syntax says where a line stops being JSON.
func syntax(line []byte) string {
	var v json.RawMessage
	err := json.Unmarshal(line, &v)
	var se *json.SyntaxError
	if errors.As(err, &se) {
		return fmt.Sprintf("broken JSON at byte %d: %v", se.Offset, se)
	}
	return "broken JSON"
}

// readLine returns one line without holding more than MaxLine of it; of a longer one it
// returns the start. io.EOF comes with the last, unterminated line, if there is one.
func (r *Reader) readLine() (line []byte, tooLong bool, err error) {
	r.buf = r.buf[:0]
	for {
		part, err := r.br.ReadSlice('\n')
		switch {
		case tooLong:
		case len(r.buf)+len(part) > r.MaxLine:
			tooLong = true
			r.buf = append(r.buf, part[:min(len(part), keepOfBad)]...)
			r.buf = r.buf[:min(len(r.buf), keepOfBad)]
		default:
			r.buf = append(r.buf, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if cap(r.buf) > 4<<20 && len(r.buf) < 1<<20 { // do not keep a giant's clothes
			r.buf = bytes.Clone(r.buf)
		}
		return r.buf, tooLong, err
	}
}

// HashFile returns the size of a file and its SHA-256, in hex.
func HashFile(path string) (n int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	if n, err = io.Copy(h, f); err != nil {
		return n, "", err
	}
	return n, hex.EncodeToString(h.Sum(nil)), nil
}
