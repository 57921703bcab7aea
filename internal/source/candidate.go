package source

import "coigwriter/internal/record"

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
	Raw  []byte // the record as it was written, to be mended; valid until the next one; nil for a file that is one text
}

// bad makes the error of one record that cannot become a source; the import goes on after it.
func (c *Candidate) bad(field, msg string) *record.BadRecord {
	return &record.BadRecord{File: c.File, Line: c.Line, Field: field, Msg: msg, Data: c.Raw}
}
