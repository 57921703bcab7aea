package genre

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"coigwriter/internal/errs"
)

// maxFile bounds a project's own taxonomy; the default has 14 kB.
const maxFile = 256 << 10

// maxDepth bounds how deep brackets and blocks nest; a taxonomy needs three. The YAML parser's
// memory grows with the square of the depth: 200 kB of "[" would take the whole machine.
const maxDepth = 32

// A Problem is one thing wrong with a taxonomy file.
type Problem struct {
	Line int
	Msg  string
}

// problems is the error of a file with several things to mend.
type problems struct {
	file string
	list []Problem
}

func (p *problems) Error() string {
	lines := make([]string, len(p.list))
	for i, q := range p.list {
		lines[i] = fmt.Sprintf("%s:%d: %s", p.file, q.Line, q.Msg)
	}
	return strings.Join(lines, "\n")
}

func (p *problems) Unwrap() error { return errs.Invalid }

// Problems returns what an error of [Parse] lists, for a page that shows each beside its line;
// nil for any other error.
func Problems(err error) []Problem {
	var p *problems
	if errors.As(err, &p) {
		return p.list
	}
	return nil
}

// Parse reads a taxonomy file; name is how errors call it. The error is errs.Invalid and
// lists every problem with its line. Anchors, aliases and tags are refused: the file says what
// it means.
func Parse(name string, data []byte) (*Taxonomy, error) {
	if len(data) > maxFile {
		return nil, errs.Invalidf("%s: %d bytes is more than a taxonomy may have (%d)", name, len(data), maxFile)
	}
	if line := tooDeep(data); line > 0 {
		return nil, &problems{name, []Problem{{line, fmt.Sprintf("nested more than %d deep", maxDepth)}}}
	}
	w := &walker{lines: map[string]int{}}
	t := &Taxonomy{hash: hashOf(data), MinCount: 15}
	if err := w.read(data, t); err != nil {
		return nil, syntaxError(name, err)
	}
	c := &checker{t: t, walker: w}
	c.check()
	if len(w.list) > 0 {
		slices.SortStableFunc(w.list, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		return nil, &problems{file: name, list: slices.Compact(w.list)}
	}
	return t, nil
}

// read fills t from the file. The parser is not ours and has panicked on broken input before:
// that is an error of the file, not the end of the program.
func (w *walker) read(data []byte, t *Taxonomy) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not readable as YAML: %v", r)
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return err
	}
	w.taxonomy(file, t)
	return nil
}

// tooDeep returns the line where the nesting passes maxDepth, or 0.
func tooDeep(data []byte) int {
	open, line := 0, 0
	for l := range strings.Lines(string(data)) {
		line++
		indent, marks := 0, 0
		for ; indent < len(l) && strings.IndexByte(" -?:\t", l[indent]) >= 0; indent++ {
			if l[indent] != ' ' {
				marks++
			}
		}
		if marks > maxDepth || indent > 8*maxDepth {
			return line
		}
		for _, r := range l {
			switch r {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			if open > maxDepth {
				return line
			}
		}
	}
	return 0
}

func syntaxError(name string, err error) error {
	line, msg := 1, err.Error()
	var ye yaml.Error
	if errors.As(err, &ye) {
		msg = ye.GetMessage()
		if tok := ye.GetToken(); tok != nil && tok.Position != nil {
			line = tok.Position.Line
		}
	}
	msg, _, _ = strings.Cut(msg, "\n")
	return &problems{file: name, list: []Problem{{Line: line, Msg: msg}}}
}
