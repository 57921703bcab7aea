package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// A report is the page that is written.
type report struct {
	Command, Database, Texts, LoadBefore string
	Began                                time.Time
	Quick                                bool
	sections                             []*section
}

// A section is one subject: a table of times, a table of facts, or both.
type section struct {
	title, command, note string
	notes                []string // below the tables
	timed, facts         [][]string
	failed               int
}

// Which figure of a sample a bound holds for.
const (
	atMedian = 0.5
	atP95    = 0.95
	atP99    = 0.99
	atMax    = 1.0
)

func (r *report) section(title, command, note string) *section {
	s := &section{title: title, command: command, note: note}
	r.sections = append(r.sections, s)
	return s
}

// times adds a sample; bound 0 is none, else the figure at q must stay under it.
func (s *section) times(what string, d dist, bound time.Duration, q float64) {
	verdict := "–"
	if bound > 0 {
		name := map[float64]string{atMedian: "median", atP95: "p95", atP99: "p99", atMax: "max"}[q]
		verdict = s.judge(d.at(q) < bound, fmt.Sprintf("%s < %s ms", name, ms(bound)))
	}
	s.timed = append(s.timed, []string{what, strconv.Itoa(len(d)), ms(d.at(0.5)), ms(d.at(0.95)), ms(d.at(1)), verdict})
}

// fact adds a figure without a bound.
func (s *section) fact(what, figure string) {
	s.facts = append(s.facts, []string{what, figure, "–"})
}

// least adds a figure that must reach a bound.
func (s *section) least(what string, figure, bound float64) {
	verdict := s.judge(figure >= bound, fmt.Sprintf("at least %.0f", bound))
	s.facts = append(s.facts, []string{what, fmt.Sprintf("%.1f", figure), verdict})
}

// bound adds a figure that must stay under a bound; one that was not measured breaks it.
func (s *section) bound(what string, figure, bound float64, unit string) {
	shown := fmt.Sprintf("%.1f %s", figure, unit)
	if unit == "times" {
		shown = fmt.Sprintf("%.2f", figure)
	}
	s.facts = append(s.facts, []string{what, shown, s.judge(figure > 0 && figure < bound, fmt.Sprintf("< %g %s", bound, strings.TrimPrefix(unit, "times")))})
}

// none demands that there are none.
func (s *section) none(what string, n int) {
	s.facts = append(s.facts, []string{what, strconv.Itoa(n), s.judge(n == 0, "none")})
}

func (s *section) judge(kept bool, bound string) string {
	bound = strings.TrimSpace(bound)
	if kept {
		return "kept: " + bound
	}
	s.failed++
	return "**broken**: " + bound
}

// broken counts the bounds that do not hold.
func (r *report) broken() (n int) {
	for _, s := range r.sections {
		n += s.failed
	}
	return n
}

// ms writes a time in milliseconds with three figures where it is short.
func ms(d time.Duration) string {
	f := float64(d) / float64(time.Millisecond)
	switch {
	case f < 10:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 100:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

// thousands groups a number by commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// write makes the page.
func (r *report) write(path string) error {
	var b bytes.Buffer
	b.WriteString("# Benchmarks\n\nWritten by the command below on the machine below; nothing here is typed by hand. Run it on yours.\n\n")
	if r.Quick {
		b.WriteString("**This is a quick run at a tenth of the sizes.** The figures show that everything runs, not how fast.\n\n")
	}
	writeTable(&b, []string{"run", ""}, [][]string{
		{"command", "`" + r.Command + "`"},
		{"began", r.Began.UTC().Format("2006-01-02 15:04 UTC") + ", took " + time.Since(r.Began).Round(time.Second).String()},
		{"machine", machine()},
		{"database", r.Database},
		{"load average (1, 5, 15 min)", r.LoadBefore + " before, " + loadAverage() + " after"},
		{"texts", r.Texts},
		{"bounds broken", strconv.Itoa(r.broken())},
	}, 0)
	b.WriteString("\nTimes are in milliseconds; p95 is the nearest rank. This program and the one it measures share the machine; requests go over HTTP on loopback and count until the last byte.\n")
	for _, s := range r.sections {
		fmt.Fprintf(&b, "\n## %s\n\n", s.title)
		if s.command != "" {
			fmt.Fprintf(&b, "`%s`. ", s.command)
		}
		b.WriteString(s.note + "\n")
		if len(s.timed) > 0 {
			b.WriteString("\n")
			writeTable(&b, []string{"what", "n", "median", "p95", "max", "bound"}, s.timed, 4)
		}
		if len(s.facts) > 0 {
			b.WriteString("\n")
			writeTable(&b, []string{"what", "figure", "bound"}, s.facts, 0)
		}
		for _, n := range s.notes {
			b.WriteString("\n" + n + "\n")
		}
	}
	if path == "-" {
		_, err := os.Stdout.Write(b.Bytes())
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// writeTable writes a Markdown table whose columns are aligned in the source too; the columns
// 1 to numbers are numbers, aligned to the right.
func writeTable(b *bytes.Buffer, head []string, rows [][]string, numbers int) {
	width := make([]int, len(head))
	for i := range head {
		width[i] = max(cells(head[i]), 3)
		for _, r := range rows {
			width[i] = max(width[i], cells(r[i]))
		}
	}
	line := func(row []string) {
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-cells(cell))
			if i >= 1 && i <= numbers {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
	}
	line(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i])
		if i >= 1 && i <= numbers {
			rule[i] = rule[i][1:] + ":"
		}
	}
	line(rule)
	for _, r := range rows {
		line(r)
	}
}

// cells is how wide a text stands in a terminal or an editor: Chinese takes two.
func cells(s string) (n int) {
	for _, r := range s {
		if n++; r >= 0x2E80 {
			n++
		}
	}
	return n
}

// commandLine is a command as people type it, without the directories of this run.
func commandLine(args []string) string {
	out := "coigwriter"
	for _, a := range args {
		if strings.HasPrefix(a, "/") {
			a = "DIR"
		}
		out += " " + a
	}
	return out
}
