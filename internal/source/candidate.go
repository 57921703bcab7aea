package source

import (
	"fmt"

	"coigwriter/internal/errs"
)

// A Candidate is one text as a reader found it, before anything judged it.
type Candidate struct {
	Text     string
	Title    string
	Author   string
	URL      string
	Platform string
	Language string // primary subtag: zh, en, ja; "" when nothing says it
	Genre    string // as it was written: an id or a name; "" when nothing says it
	Likes    int64
	Shares   int64
	Comments int64
	Licence  string
	Evidence []Evidence
	Extra    map[string]any // fields without a place of their own, passed through

	File string // where it was read, as given by the person
	Line int    // line in File, from 1; 0 for a file that is one text
	Raw  []byte // the record as it was written, to be mended; nil for a file that is one text
}

// A BadRecord is one record that cannot become a source; the import goes on without it.
type BadRecord struct {
	File   string
	Line   int    // 0: the whole file
	Field  string // "": the record as a whole
	Kind   string // short and stable, for counting: syntax, missing, encoding, too-long, genre …
	Msg    string // what is wrong
	Remedy string // what to do
	Raw    []byte // the record, when it is small enough to be written out again
}

// Error says where, what and what to do, on one line.
func (b *BadRecord) Error() string {
	where := b.File
	if b.Line > 0 {
		where = fmt.Sprintf("%s:%d", where, b.Line)
	}
	if b.Field != "" {
		where += ": field " + b.Field
	}
	s := where + ": " + b.Msg
	if b.Remedy != "" {
		s += "; " + b.Remedy
	}
	return s
}

// Unwrap makes a bad record an [errs.Invalid].
func (b *BadRecord) Unwrap() error { return errs.Invalid }
