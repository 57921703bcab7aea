package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
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
	n, err := ParseCount(strings.Trim(string(v), `"`))
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

var countShape = regexp.MustCompile(`^([0-9][0-9,]*(?:\.[0-9]+)?)\s*([万亿wWkKmM]?)\+?(?:\s*(?:个|次|人|赞|热度|likes?))?$`)

// ParseCount reads a number of people or clicks in the spellings of the web.
func ParseCount(s string) (int64, error) {
	m := countShape.FindStringSubmatch(strings.TrimSpace(s))
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
	case "k", "K":
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

// A Date is a point in time as somebody wrote it, with what is known of its precision.
type Date struct {
	Raw     string
	Time    time.Time // in Zone when the text named none
	Precise string    // second, day, month or year
	Zoned   bool      // whether the text named its zone
}

// Zone is where a date without a zone is taken to be: nearly all texts come from there.
var Zone = time.FixedZone("Asia/Shanghai", 8*3600)

var dateForms = []struct {
	layout, precise string
	zoned           bool
}{
	{time.RFC3339Nano, "second", true},
	{"2006-01-02T15:04:05Z0700", "second", true},
	{"2006-01-02T15:04Z07:00", "second", true},
	{time.RFC1123Z, "second", true},
	{time.RFC1123, "second", true},
	{"2006-1-2 15:4:5 -0700", "second", true},
	{"2006-1-2 15:4:5 -0700 MST", "second", true},
	{"2006-1-2 15:4:5Z07:00", "second", true},
	{"2006-1-2T15:4:5", "second", false},
	{"2006-1-2T15:4", "second", false},
	{"2006-1-2 15:4:5", "second", false},
	{"2006-1-2 15:4", "second", false},
	{"2006-1-2", "day", false},
	{"20060102", "day", false},
	{"Jan 2, 2006", "day", false},
	{"January 2, 2006", "day", false},
	{"2 Jan 2006", "day", false},
	{"2006-1", "month", false},
	{"2006", "year", false},
}

var chineseDate = strings.NewReplacer("年", "-", "月", "-", "日", " ", "号", " ", "时", ":", "点", ":", "分", ":", "秒", "", "/", "-", "：", ":", "　", " ")

// ParseDate reads a date in the spellings of the web: RFC 3339, 2023-05-01, 2023/5/1 12:30,
// 2023年5月1日, Unix seconds or milliseconds.
func ParseDate(s string) (Date, error) {
	raw := strings.TrimSpace(s)
	d := Date{Raw: raw}
	if raw == "" || len(raw) > 64 {
		return d, fmt.Errorf("%q is not a date; write 2023-05-01 or 2023-05-01T12:30:00+08:00", cut(raw))
	}
	if n, err := strconv.ParseInt(raw, 10, 64); err == nil && len(raw) >= 10 {
		if len(raw) == 13 {
			d.Time, d.Precise, d.Zoned = time.UnixMilli(n), "second", true
			return d, nil
		}
		if len(raw) == 10 {
			d.Time, d.Precise, d.Zoned = time.Unix(n, 0), "second", true
			return d, nil
		}
	}
	forms := []string{raw}
	if cn := strings.Trim(strings.Join(strings.Fields(chineseDate.Replace(raw)), " "), " -:"); cn != raw {
		forms = append(forms, cn)
	}
	for _, text := range forms {
		for _, f := range dateForms {
			if t, err := time.ParseInLocation(f.layout, text, Zone); err == nil {
				d.Time, d.Precise, d.Zoned = t, f.precise, f.zoned
				return d, nil
			}
		}
	}
	return d, fmt.Errorf("%q is not a date; write 2023-05-01 or 2023-05-01T12:30:00+08:00", cut(raw))
}
