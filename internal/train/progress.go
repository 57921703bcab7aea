package train

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// longestLine bounds a line of a log. A point is a few hundred bytes; what is longer is a summary that
// repeats all points.
const longestLine = 1 << 20

// readPoints reads a log of JSON Lines that an engine appends to while it is read. A line that is no
// JSON (the last may be half written) or no point is passed over. After a resume the engine logs steps
// again that it had logged before it died: what comes later counts, and what lies beyond it is not true
// any more.
func readPoints(path string, point func(line []byte) (Point, bool)) ([]Point, error) {
	var c curve
	err := eachLine(path, func(line []byte) {
		if p, ok := point(finite(line)); ok {
			c.add(p)
		}
	})
	return c, err
}

// A curve is the points so far, in the order of their steps.
type curve []Point

func (c *curve) add(p Point) {
	if p.Step < 1 {
		return
	}
	points := *c
	for len(points) > 0 && points[len(points)-1].Step >= p.Step {
		points = points[:len(points)-1]
	}
	*c = append(points, p)
}

// eachLine calls f with every line of a file up to longestLine; a file that is not there has none.
func eachLine(path string, f func(line []byte)) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer file.Close()
	if err := linesOf(file, f); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func linesOf(r io.Reader, f func(line []byte)) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	for long := false; ; {
		part, more, err := br.ReadLine()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		long = long || len(line)+len(part) > longestLine
		if !long {
			line = append(line, part...)
		}
		if more {
			continue
		}
		if !long {
			f(line)
		}
		line, long = line[:0], false
	}
}

// finite makes JSON of what Python writes: NaN, Infinity and -Infinity become strings, which [number]
// reads.
func finite(line []byte) []byte {
	if !bytes.Contains(line, []byte("NaN")) && !bytes.Contains(line, []byte("Infinity")) {
		return line
	}
	var out []byte
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\' && i+1 < len(line):
			out = append(out, c, line[i+1])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case !quoted:
			if word := notFinite.Find(line[i:]); word != nil {
				out = append(append(append(out, '"'), word...), '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, line[i])
	}
	return out
}

var notFinite = regexp.MustCompile(`^(NaN|-?Infinity)`)

// A number is a JSON number, or one as a string: engines write both, and NaN.
type number struct {
	value float64
	there bool
}

func (n *number) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return err
	}
	*n = number{f, true}
	return nil
}

// set stores the number in a point's field; what is not finite is said, and left out.
func (n number) set(field *float64, p *Point) {
	if math.IsNaN(n.value) || math.IsInf(n.value, 0) {
		p.NotFinite = true
		return
	}
	*field = n.value
}

// whole is the number as a count; what cannot be one is 0.
func (n number) whole() int {
	if n.value >= 0 && n.value < 1<<53 {
		return int(n.value)
	}
	return 0
}

// seconds is a number of seconds as a time; what cannot be one is 0.
func seconds(s float64) time.Duration {
	if s >= 0 && s < 1e9 {
		return time.Duration(s * float64(time.Second))
	}
	return 0
}

var (
	clock = regexp.MustCompile(`^(?:(\d{1,6}) days?, )?(\d{1,6}):(\d\d):(\d\d)$`)
	units = regexp.MustCompile(`^(?:(\d{1,6})d ?)?(?:(\d{1,6})h ?)?(?:(\d{1,6})m ?)?(?:(\d{1,6})s)?$`)
)

// span reads a time as Python's timedelta writes it (1 day, 2:03:04) or with units (1d 2h 3m 4s); what
// is neither is 0.
func span(s string) time.Duration {
	m := clock.FindStringSubmatch(s)
	if m == nil {
		m = units.FindStringSubmatch(s)
	}
	if m == nil {
		return 0
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if n, err := strconv.Atoi(m[i+1]); err == nil {
			d += time.Duration(n) * unit
		}
	}
	return d
}

var (
	saidRows  = regexp.MustCompile(`\bNum examples = ([\d,]+)`)
	saidSteps = regexp.MustCompile(`\bTotal optimization steps = ([\d,]+)`)
)

// saidLoaded reads from what the engine printed how many rows and steps transformers' trainer counted:
// the last time it began.
func saidLoaded(dir string) (l Loaded, err error) {
	count := func(m [][]byte, n *int) {
		if m != nil {
			*n, _ = strconv.Atoi(strings.ReplaceAll(string(m[1]), ",", ""))
		}
	}
	err = eachLine(filepath.Join(dir, LogFile), func(line []byte) {
		count(saidRows.FindSubmatch(line), &l.Rows)
		count(saidSteps.FindSubmatch(line), &l.Steps)
	})
	return l, err
}

// decode reads one line of a log into v and says whether it is JSON.
func decode(line []byte, v any) bool { return json.Unmarshal(line, v) == nil }
