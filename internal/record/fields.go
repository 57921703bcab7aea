package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/width"
)

// fields are a record's top-level members, from which the known ones are taken one by one;
// what is left is passed through.
type fields struct {
	raw  Raw
	m    map[string]json.RawMessage
	errs []*BadRecord
}

func newFields(raw Raw) (*fields, error) {
	f := &fields{raw: raw}
	if err := json.Unmarshal(raw.Data, &f.m); err != nil {
		return nil, f.badf("", "broken JSON: %v", err)
	}
	return f, nil
}

func (f *fields) badf(field, format string, a ...any) *BadRecord {
	return &BadRecord{
		File: f.raw.File, Line: f.raw.Line, Field: field, Msg: fmt.Sprintf(format, a...),
		Data: bytes.Clone(f.raw.Data[:min(len(f.raw.Data), keepOfBad)]),
	}
}

// err returns the first thing that was wrong.
func (f *fields) err() error {
	if len(f.errs) == 0 {
		return nil
	}
	return f.errs[0]
}

// take removes and returns the first of the names that is there and not null. The other names
// stay where they are: a record may carry both "text" and "html".
func (f *fields) take(names ...string) (name string, v json.RawMessage, ok bool) {
	for _, n := range names {
		v, ok := f.m[n]
		if !ok {
			continue
		}
		delete(f.m, n)
		if string(v) != "null" {
			return n, v, true
		}
	}
	return names[0], nil, false
}

func (f *fields) text(names ...string) string {
	name, v, ok := f.take(names...)
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(v, &n) == nil { // ids and dates are often numbers
		return n.String()
	}
	f.errs = append(f.errs, f.badf(name, "is %s, must be a text", kindOf(v)))
	return ""
}

// count reads a number of likes or the like: 12, "1,234", "1.2万", "3亿", "5k".
func (f *fields) count(names ...string) int64 {
	name, v, ok := f.take(names...)
	if !ok {
		return 0
	}
	var s string
	switch v[0] {
	case '"':
		_ = json.Unmarshal(v, &s) // v is valid JSON
	case '{', '[', 't', 'f':
		f.errs = append(f.errs, f.badf(name, "is %s, must be a count", kindOf(v)))
		return 0
	default:
		s = string(v)
		if x, err := strconv.ParseFloat(s, 64); err == nil && x >= 0 && x < 1e15 { // 12.0 or 1e3, as some tools write
			return int64(math.Round(x))
		}
	}
	n, err := ParseCount(s)
	if err != nil {
		f.errs = append(f.errs, f.badf(name, "%v", err))
	}
	return n
}

func kindOf(v json.RawMessage) string {
	switch v[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "true or false"
	case '"':
		return "a text"
	}
	return "a number"
}

var countShape = regexp.MustCompile(`^([0-9][0-9,]*(?:\.[0-9]+)?)\s*([千万亿wWkKmM]?)\+?(?:\s*(?:个|次|人|赞|热度|likes?))?$`)

// ParseCount reads a number of people or clicks in the spellings of the web: 1234, "1,234",
// "1.2万", "3亿", "5k", "10万+". No text at all is 0.
func ParseCount(s string) (int64, error) {
	m := countShape.FindStringSubmatch(strings.TrimSpace(width.Fold.String(cut(s))))
	if m == nil {
		if strings.TrimSpace(s) == "" {
			return 0, nil
		}
		return 0, fmt.Errorf("%q is not a count; write 1234, 1.2万 or 3亿", cut(s))
	}
	x, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", ""), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a count", cut(s))
	}
	switch m[2] {
	case "万", "w", "W":
		x *= 1e4
	case "亿":
		x *= 1e8
	case "千", "k", "K":
		x *= 1e3
	case "m", "M":
		x *= 1e6
	}
	if x > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is too large for a count", cut(s))
	}
	return int64(math.Round(x)), nil
}

func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
