package record

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/width"
)

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
	{time.RubyDate, "second", true}, // Weibo
	{"2006-1-2 15:4:5 -0700", "second", true},
	{"2006-1-2 15:4:5 -0700 MST", "second", true},
	{"2006-1-2 15:4:5Z07:00", "second", true},
	{"2006-1-2T15:4:5", "second", false},
	{"2006-1-2T15:4", "second", false},
	{"2006-1-2 15:4:5", "second", false},
	{"2006-1-2 15:4", "second", false},
	{"2006-1-2 PM3:4:5", "second", false},
	{"2006-1-2 PM3:4", "second", false},
	{"2006-1-2", "day", false},
	{"20060102", "day", false},
	{"Jan 2, 2006", "day", false},
	{"January 2, 2006", "day", false},
	{"2 Jan 2006", "day", false},
	{"2006-1", "month", false},
	{"2006", "year", false},
}

var chineseDate = strings.NewReplacer("年", "-", "月", "-", "日", " ", "号", " ", "时", ":", "点", ":", "分", ":", "秒", "",
	"上午", " AM", "下午", " PM", "晚上", " PM", "/", "-", "\u3000", " ")

var (
	weekday = regexp.MustCompile(`[(（]?(?:星期|周|礼拜)[一二三四五六日天][)）]?`)
	dotted  = regexp.MustCompile(`^(\d{4})\.(\d{1,2})(?:\.(\d{1,2}))?(\D|$)`)
	seconds = regexp.MustCompile(`^\d{10}(?:\.\d{1,9})?$`)
	millis  = regexp.MustCompile(`^\d{13}$`)
	spaced  = regexp.MustCompile(`\s+`)
	halfDay = regexp.MustCompile(`([AP]M) +`)
)

// ParseDate reads a date in the spellings of the web: RFC 3339, 2023-05-01, 2023/5/1 12:30,
// 2023.5.1, 2023年5月1日 下午3:05, Unix seconds (also with a fraction) or milliseconds. Dates
// that depend on the day they were read ("yesterday", 05-01) are refused.
func ParseDate(s string) (Date, error) {
	raw := strings.TrimSpace(s)
	d := Date{Raw: raw}
	bad := fmt.Errorf("%q is not a date; write 2023-05-01 or 2023-05-01T12:30:00+08:00", cut(raw))
	if raw == "" || len(raw) > 64 {
		return d, bad
	}
	if t, ok := unixTime(raw); ok {
		d.Time, d.Precise, d.Zoned = t, "second", true
		return d, nil
	}
	forms := []string{raw}
	if plain := plainDate(raw); plain != raw {
		forms = append(forms, plain)
	}
	for _, text := range forms {
		for _, f := range dateForms {
			if t, err := time.ParseInLocation(f.layout, text, Zone); err == nil {
				d.Time, d.Precise, d.Zoned = t, f.precise, f.zoned
				return d, nil
			}
		}
	}
	return d, bad
}

// plainDate writes a Chinese spelling with hyphens and colons.
func plainDate(s string) string {
	s = weekday.ReplaceAllString(width.Fold.String(s), " ")
	s = dotted.ReplaceAllString(s, "$1-$2-$3$4")
	s = chineseDate.Replace(s)
	s = halfDay.ReplaceAllString(s, "$1")
	return strings.Trim(spaced.ReplaceAllString(s, " "), " -:")
}

func unixTime(s string) (time.Time, bool) {
	if millis.MatchString(s) {
		n, err := strconv.ParseInt(s, 10, 64)
		return time.UnixMilli(n), err == nil
	}
	if !seconds.MatchString(s) {
		// A fractional or very long JSON number may have been written with an exponent.
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || !strings.ContainsAny(s, "eE") || x < 1e9 || x > 9e12 {
			return time.Time{}, false
		}
		if x > 1e11 {
			return time.UnixMilli(int64(x)), true
		}
		return time.UnixMicro(int64(x * 1e6)), true
	}
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	ns, _ := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	return time.Unix(n, ns), err == nil
}
