package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"coigwriter/internal/errs"
)

// A ParquetReader yields the rows of a Parquet file as the records that they would be in JSON Lines.
type ParquetReader struct {
	name string
	rows *parquet.GenericReader[any]
	buf  []any
	have []any // of buf, not yet handed out
	row  int
	end  error
}

// parquetBatch is how many rows are decoded at once; a row of a novel is some 100 kB.
const parquetBatch = 64

// NewParquetReader reads the rows of a Parquet file of any flat or nested schema.
func NewParquetReader(name string, in io.ReaderAt, size int64) (r *ParquetReader, err error) {
	defer broken(name, &err)
	f, err := parquet.OpenFile(in, size)
	if err != nil {
		return nil, errs.Invalidf("%s: not a Parquet file: %w", name, err)
	}
	return &ParquetReader{name: name, rows: parquet.NewGenericReader[any](f), buf: make([]any, parquetBatch)}, nil
}

// broken turns a panic into an error: the decoder trusts files more than we do.
func broken(name string, err *error) {
	if p := recover(); p != nil {
		*err = errs.Invalidf("%s: the Parquet file is broken: %v", name, p)
	}
}

// Next returns the next row; its line is the row's number, from 1. Errors are as of [Reader.Next].
func (r *ParquetReader) Next() (Raw, error) {
	if len(r.have) == 0 {
		if err := r.fill(); err != nil {
			return Raw{}, err
		}
	}
	r.row++
	v := r.have[0]
	r.have = r.have[1:]
	raw := Raw{File: r.name, Line: r.row}
	var err error
	if raw.Data, err = json.Marshal(asText(v)); err != nil {
		return Raw{}, &BadRecord{File: r.name, Line: r.row, Msg: fmt.Sprintf("cannot be written as JSON: %v", err)}
	}
	if !utf8.Valid(raw.Data) {
		return Raw{}, &BadRecord{File: r.name, Line: r.row, Msg: "not valid UTF-8"}
	}
	return raw, nil
}

func (r *ParquetReader) fill() (err error) {
	defer broken(r.name, &err)
	if r.end != nil {
		return r.end
	}
	n, err := r.rows.Read(r.buf)
	r.have = r.buf[:n]
	if err != nil && !errors.Is(err, io.EOF) {
		err = errs.Invalidf("%s: after row %d: %w", r.name, r.row+n, err)
	}
	r.end = err
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// asText makes texts of byte arrays that are not annotated as such.
func asText(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case map[string]any:
		for k, x := range v {
			v[k] = asText(x)
		}
	case []any:
		for i, x := range v {
			v[i] = asText(x)
		}
	}
	return v
}

// Close lets go of the file's decoder, not of the file.
func (r *ParquetReader) Close() error { return r.rows.Close() }
