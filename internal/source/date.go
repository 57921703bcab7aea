package source

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Shanghai is the zone of a date that names none: the cut-off is a Chinese one and so are
// most pages. China has had no summer time since 1991, so a fixed offset is exact.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// How precisely a date was given.
const (
	PreciseSecond = "second" // a time of day (minutes are enough)
	PreciseDay    = "day"
	PreciseMonth  = "month"
	PreciseYear   = "year"
)

// A Date is one reading of a date as somebody wrote it.
type Date struct {
	At      time.Time // start of the period, UTC
	Precise string    // one of the Precise constants
	Zone    bool      // whether the writer named a time zone
}

// Layouts that cannot be mistaken for another, tried before the looser patterns. The doubled
// offset is what Go's time.Time.String prints, and what some Hugo themes publish.
var layouts = []struct {
	layout string
	zone   bool
}{
	{time.RFC3339Nano, true},
	{"2006-01-02T15:04:05.999999999Z0700", true},
	{"2006-01-02T15:04Z07:00", true},
	{"2006-01-02 15:04:05.999999999 -0700 MST", true},
	{"2006-01-02 15:04:05 -0700 -0700", true},
	{"2006-01-02 15:04:05 -0700", true},
	{"2006-01-02 15:04:05Z07:00", true},
	{time.RFC1123Z, true},
	{time.RFC1123, true},
	{time.RFC850, true},
	{time.RubyDate, true},
	{"Mon Jan 02 2006 15:04:05 GMT-0700", true},
	{"2 Jan 2006 15:04:05 -0700", true},
	{"Jan 2, 2006 15:04:05", false},
	{"January 2, 2006", false},
	{"Jan 2, 2006", false},
	{"2 January 2006", false},
	{"2 Jan 2006", false},
	{"20060102150405", false},
	{"20060102", false},
}

// A year first, so that 18-03-08 (a day? a year?) is never read: day-first guessing is how
// date libraries turn a page of 2018 into one of 2008.
var (
	dayPattern = regexp.MustCompile(`(?:^|[^0-9/._=])((?:19|20)\d{2}|0001)\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})\s*日?` +
		`(?:[T\s,，]*(?:星期.|周.)?[T\s]*(\d{1,2})[:：时点](\d{1,2})(?:[:：分](\d{1,2}))?)?`)
	monthPattern = regexp.MustCompile(`^((?:19|20)\d{2})\s*(?:[-/.]|年)\s*(\d{1,2})\s*月?$`)
	yearPattern  = regexp.MustCompile(`^((?:19|20)\d{2})\s*年?$`)
)

// ParseDate reads a whole value that is meant to be a date: ISO 8601 and RFC forms, Chinese
// 2023年4月2日, Unix seconds or milliseconds. ok is false when it is none of these; impossible
// dates such as 2023-02-30 are not dates.
func ParseDate(s string) (d Date, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 100 {
		return Date{}, false
	}
	if i := strings.Index(s, " ("); i > 0 && strings.Contains(s[:i], "GMT") {
		s = s[:i] // JavaScript: … GMT+0800 (China Standard Time)
	}
	for _, l := range layouts {
		t, err := time.ParseInLocation(l.layout, s, Shanghai)
		if err != nil {
			continue
		}
		precise := PreciseSecond
		if !strings.Contains(l.layout, "15") {
			precise = PreciseDay
		}
		return Date{At: t.UTC(), Precise: precise, Zone: l.zone}, true
	}
	if t, ok := unixTime(s); ok {
		return Date{At: t, Precise: PreciseSecond, Zone: true}, true
	}
	if d, _, ok := FindDate(s); ok {
		return d, true
	}
	if m := monthPattern.FindStringSubmatch(s); m != nil {
		return civil(m[1], m[2], "1", PreciseMonth)
	}
	if m := yearPattern.FindStringSubmatch(s); m != nil {
		return civil(m[1], "1", "1", PreciseYear)
	}
	return Date{}, false
}

// FindDate returns the first full date (year, month, day) inside a running text, with the
// words it was read from. A time zone in running text is not looked for.
func FindDate(s string) (d Date, raw string, ok bool) {
	for len(s) > 0 {
		loc := dayPattern.FindStringSubmatchIndex(s)
		if loc == nil {
			return Date{}, "", false
		}
		group := func(i int) string {
			if loc[2*i] < 0 {
				return ""
			}
			return s[loc[2*i]:loc[2*i+1]]
		}
		raw = strings.TrimSpace(s[loc[2]:loc[1]])
		if end := loc[7]; end < len(s) && s[end] >= '0' && s[end] <= '9' { // 2023/12/231203_1.jpg
			s = s[loc[3]:]
			continue
		}
		if d, ok = civil(group(1), group(2), group(3), PreciseDay); ok {
			if group(4) != "" {
				d = withClock(d, group(4), group(5), group(6))
			}
			return d, raw, true
		}
		s = s[loc[3]:]
	}
	return Date{}, "", false
}

func civil(y, m, d, precise string) (Date, bool) {
	year, _ := strconv.Atoi(y)
	month, _ := strconv.Atoi(m)
	day, _ := strconv.Atoi(d)
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, Shanghai)
	if t.Year() != year || int(t.Month()) != month || t.Day() != day {
		return Date{}, false
	}
	return Date{At: t.UTC(), Precise: precise}, true
}

func withClock(d Date, h, m, s string) Date {
	hour, _ := strconv.Atoi(h)
	minute, _ := strconv.Atoi(m)
	second, _ := strconv.Atoi(s)
	if hour > 23 || minute > 59 || second > 59 {
		return d
	}
	d.At = d.At.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	d.Precise = PreciseSecond
	return d
}

// unixTime reads ten digits as seconds and thirteen as milliseconds, within 1990 to 2100.
func unixTime(s string) (time.Time, bool) {
	if len(s) != 10 && len(s) != 13 {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	t := time.Unix(n, 0)
	if len(s) == 13 {
		t = time.UnixMilli(n)
	}
	t = t.UTC()
	return t, t.Year() >= 1990 && t.Year() <= 2100
}

// Dates in paths and addresses: /2023/04/02/, /2023/04/, /2023-04-02-title, /202304021835/.
var (
	pathDay     = regexp.MustCompile(`(?:^|/)((?:19|20)\d{2})[/-](\d{1,2})[/-](\d{1,2})(?:[/_.-]|$)`)
	pathCompact = regexp.MustCompile(`(?:^|[/_-])((?:19|20)\d{2})(\d{2})(\d{2})(?:(\d{2})(\d{2})(?:\d{2})?)?(?:[/_.-]|$)`)
	pathMonth   = regexp.MustCompile(`(?:^|/)((?:19|20)\d{2})[/-](\d{1,2})(?:[/_.-]|$)`)
)

// PathDate reads the date that many sites put into the path of a page.
func PathDate(path string) (d Date, raw string, ok bool) {
	if m := pathDay.FindStringSubmatch(path); m != nil {
		if d, ok = civil(m[1], m[2], m[3], PreciseDay); ok {
			return d, strings.Trim(m[0], "/_.-"), true
		}
	}
	if m := pathCompact.FindStringSubmatch(path); m != nil {
		if d, ok = civil(m[1], m[2], m[3], PreciseDay); ok {
			return d, strings.Trim(m[0], "/_.-"), true
		}
	}
	if m := pathMonth.FindStringSubmatch(path); m != nil {
		if d, ok = civil(m[1], m[2], "1", PreciseMonth); ok {
			return d, strings.Trim(m[0], "/_.-"), true
		}
	}
	return Date{}, "", false
}

// span returns the period a date covers: from At up to, not including, the end.
func (d Date) span() (from, to time.Time) {
	local := d.At.In(Shanghai)
	switch d.Precise {
	case PreciseYear:
		return d.At, local.AddDate(1, 0, 0)
	case PreciseMonth:
		return d.At, local.AddDate(0, 1, 0)
	case PreciseDay:
		return d.At, local.AddDate(0, 0, 1)
	default:
		return d.At, d.At
	}
}
