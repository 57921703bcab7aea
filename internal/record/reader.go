// Package record reads and writes the records of the file contract: JSON Lines (or one JSON
// document with a list), UTF-8, optionally .gz or .zst, with the field names and aliases that
// are common, and unknown fields passed through. Reading streams: memory is bounded by the
// longest line, whatever the file. Pure: it works on readers and files, no database.
package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"coigwriter/internal/errs"
)

// MaxLine is the longest line a reader takes unless told otherwise. A longer one is refused
// without being held in memory, and reading goes on after it.
const MaxLine = 32 << 20

// A Raw is one record as it stood in the file.
type Raw struct {
	File string
	Line int    // 1-based; for an element of a JSON list, its number
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
	where := fmt.Sprintf("%s:%d", b.File, b.Line)
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
	close []func() error
	line  int
	buf   []byte
	list  *json.Decoder // for a JSON document instead of lines
	one   bool          // the document is a single object
	begun bool
}

// NewReader reads records from r; name is how errors call it. Compression (gzip, zstd) and
// encoding (UTF-8, UTF-16 with mark, GB18030) are recognised by content. Close it after use.
func NewReader(name string, r io.Reader) (*Reader, error) {
	rd := &Reader{name: name, MaxLine: MaxLine}
	br := bufio.NewReaderSize(r, 64<<10)
	magic, _ := br.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, errs.Invalidf("%s: not a gzip file: %w", name, err)
		}
		rd.close = append(rd.close, z.Close)
		br = bufio.NewReaderSize(z, 64<<10)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, errs.Invalidf("%s: not a zstd file: %w", name, err)
		}
		rd.close = append(rd.close, func() error { z.Close(); return nil })
		br = bufio.NewReaderSize(z, 64<<10)
	}
	rd.br = decode(br)
	return rd, nil
}

// decode turns what is surely not UTF-8 into it: a mark of UTF-16, or a start that is no UTF-8
// but GB18030. (Order: mark, UTF-8, GB18030; never plain GB2312.)
func decode(br *bufio.Reader) *bufio.Reader {
	head, _ := br.Peek(32 << 10)
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		br.Discard(3)
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return bufio.NewReaderSize(transform.NewReader(br, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()), 64<<10)
	case !utf8.Valid(trimPartial(head)) && gb18030(head):
		return bufio.NewReaderSize(transform.NewReader(br, simplifiedchinese.GB18030.NewDecoder()), 64<<10)
	}
	return br
}

// trimPartial drops an unfinished character at the end of a buffer.
func trimPartial(b []byte) []byte {
	for i := 1; i <= utf8.UTFMax && i <= len(b); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// gb18030 reports whether a buffer reads as GB18030 nearly without faults.
func gb18030(b []byte) bool {
	out, _, err := transform.Bytes(simplifiedchinese.GB18030.NewDecoder(), b)
	if err != nil {
		return false
	}
	return bytes.Count(out, []byte("\uFFFD"))*100 < utf8.RuneCount(out)
}

// Close lets go of what the reader opened, not of the reader it was given.
func (r *Reader) Close() error {
	var err error
	for _, c := range r.close {
		err = errors.Join(err, c())
	}
	return err
}

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
		if !utf8.Valid(line) {
			return Raw{}, r.bad(line, "not valid UTF-8; convert the file, for example with iconv -f GB18030 -t UTF-8")
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
