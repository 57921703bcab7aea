package record

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"coigwriter/internal/errs"
)

// A Writer writes JSON Lines to a file that appears, whole and synced, only with Close.
type Writer struct {
	file  *os.File
	path  string
	chain []io.Closer // outermost first
	buf   *bufio.Writer
	enc   *json.Encoder
	n     int
}

// Create starts a file; .gz and .zst in the name compress. An existing file stays as it is
// until Close.
func Create(path string) (*Writer, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, errs.Unavailablef("write %s: %w", path, err)
	}
	w := &Writer{file: f, path: path}
	var out io.Writer = f
	switch {
	case strings.HasSuffix(path, ".gz"):
		z := gzip.NewWriter(f)
		w.chain, out = append(w.chain, z), z
	case strings.HasSuffix(path, ".zst"):
		z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
		if err != nil {
			w.Abort()
			return nil, err
		}
		w.chain, out = append(w.chain, z), z
	}
	w.buf = bufio.NewWriterSize(out, 64<<10)
	w.enc = json.NewEncoder(w.buf)
	w.enc.SetEscapeHTML(false)
	return w, nil
}

// Write appends one record.
func (w *Writer) Write(v any) error {
	w.n++
	if err := w.enc.Encode(v); err != nil {
		return errs.Unavailablef("write %s: %w", w.path, err)
	}
	return nil
}

// WriteLine appends one record that is JSON already.
func (w *Writer) WriteLine(line []byte) error {
	w.n++
	_, err := w.buf.Write(line) // not append(line, '\n'): the bytes behind line are its owner's
	if err == nil {
		err = w.buf.WriteByte('\n')
	}
	if err != nil {
		return errs.Unavailablef("write %s: %w", w.path, err)
	}
	return nil
}

// Count returns how many records were written.
func (w *Writer) Count() int { return w.n }

// Close finishes the file and puts it in its place.
func (w *Writer) Close() error {
	err := w.buf.Flush()
	for _, c := range w.chain {
		if e := c.Close(); err == nil {
			err = e
		}
	}
	if err == nil {
		err = w.file.Chmod(0o644)
	}
	if err == nil {
		err = w.file.Sync()
	}
	if e := w.file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(w.file.Name(), w.path)
	}
	if err != nil {
		os.Remove(w.file.Name())
		return errs.Unavailablef("write %s: %w; the file that was there before is unchanged", w.path, err)
	}
	return nil
}

// Abort gives up; nothing appears. After Close it does nothing that matters.
func (w *Writer) Abort() {
	w.file.Close()
	os.Remove(w.file.Name())
}
