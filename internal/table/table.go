// Package table is the one kind of table of the program: rows of text and numbers that print
// aligned in a terminal (Chinese is two cells wide) and as CSV, JSON, Markdown, and as plain
// data for pages. Pure: it writes to an io.Writer and knows nothing else.
package table

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	ptext "github.com/jedib0t/go-pretty/v6/text"
)

// A Column is a heading, and whether the cells under it are numbers (aligned to the right).
type Column struct {
	Title string `json:"title"`
	Num   bool   `json:"num"`
}

// Text is a column of words.
func Text(title string) Column { return Column{Title: title} }

// Num is a column of numbers.
func Num(title string) Column { return Column{Title: title, Num: true} }

// A Percent is a share between 0 and 1 that prints as per cent with one decimal.
type Percent float64

// A Table has a title, columns, and rows of cells: strings, integers, floats, [Percent], or nil
// for a cell without a value.
type Table struct {
	Name    string   `json:"name,omitempty"` // of its file, without an extension
	Title   string   `json:"title"`
	Note    string   `json:"note,omitempty"`
	Columns []Column `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// New returns a table without rows.
func New(title string, columns ...Column) *Table {
	return &Table{Title: title, Columns: columns}
}

// As names the table's file, and returns the table.
func (t *Table) As(name string) *Table {
	t.Name = name
	return t
}

// Add appends a row. A row of another width than the columns is a mistake in the program.
func (t *Table) Add(cells ...any) {
	if len(cells) != len(t.Columns) {
		panic(fmt.Sprintf("table %q: row of %d cells under %d columns", t.Title, len(cells), len(t.Columns)))
	}
	t.Rows = append(t.Rows, cells)
}

// Cell formats a value for people: floats with at most two decimals, shares as per cent, a
// missing or undefined value as a dash.
func Cell(v any) string {
	switch x := v.(type) {
	case nil:
		return "–"
	case string:
		return x
	case Percent:
		if math.IsNaN(float64(x)) {
			return "–"
		}
		return strconv.FormatFloat(round(100*float64(x), 10), 'f', 1, 64) + "%"
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return "–"
		}
		s := strconv.FormatFloat(round(x, 100), 'f', 2, 64)
		return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return fmt.Sprint(v)
}

// round rounds x to 1/unit with ties to even, as numpy, pandas and R do and as the paper's tables
// were: 442.575 is 442.58 although the nearest binary number lies below it, 4625.625 is 4625.62.
func round(x, unit float64) float64 {
	if y := x * unit; math.Abs(y) < 1<<52 {
		return math.RoundToEven(y)/unit + 0 // + 0: never "-0"
	}
	return x
}

// Terminal prints the table aligned, with its title above and its note below.
func (t *Table) Terminal(w io.Writer) error {
	p := pretty.NewWriter()
	p.SetStyle(pretty.StyleLight)
	p.Style().Format.Header = ptext.FormatDefault
	p.Style().Options = pretty.Options{SeparateHeader: true}
	p.Style().Box.PaddingLeft, p.Style().Box.PaddingRight = "", "  "
	head, configs := make(pretty.Row, len(t.Columns)), make([]pretty.ColumnConfig, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = printable(c.Title)
		configs[i] = pretty.ColumnConfig{Number: i + 1}
		if c.Num {
			configs[i].Align, configs[i].AlignHeader = ptext.AlignRight, ptext.AlignRight
		}
	}
	p.AppendHeader(head)
	p.SetColumnConfigs(configs)
	p.SuppressTrailingSpaces() // a padded last column would wrap into blank lines
	for _, r := range t.Rows {
		row := make(pretty.Row, len(r))
		for i, v := range r {
			row[i] = printable(Cell(v))
		}
		p.AppendRow(row)
	}
	var b strings.Builder
	if t.Title != "" {
		b.WriteString(printable(t.Title) + "\n")
	}
	b.WriteString(p.Render() + "\n")
	if t.Note != "" {
		b.WriteString(printable(t.Note) + "\n")
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

// printable keeps terminal escapes, line breaks and marks that reorder text out of a cell.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// CSV writes the table with a heading line, in full precision, and guarded against cells that
// a spreadsheet would run as formulas.
func (t *Table) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	row := make([]string, len(t.Columns))
	for i, col := range t.Columns {
		row[i] = Guard(col.Title)
	}
	if err := c.Write(row); err != nil {
		return err
	}
	for _, r := range t.Rows {
		for i, v := range r {
			switch x := v.(type) {
			case nil:
				row[i] = ""
			case string:
				row[i] = Guard(x)
			case Percent:
				row[i] = number(float64(x))
			case float64:
				row[i] = number(x)
			default:
				row[i] = fmt.Sprint(v)
			}
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// number writes a number in full; an undefined one is an empty cell, which every reader takes
// for missing.
func number(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// Guard puts an apostrophe before a text that a spreadsheet would take for a formula, also when
// white space stands before it or the sign is full-width (some spreadsheets read those too).
func Guard(s string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, unicode.IsSpace))
	if strings.ContainsRune("=+-@＝＋－＠", first) || strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") || strings.HasPrefix(s, "\n") {
		return "'" + s
	}
	return s
}

// JSON writes the table as one document.
func (t *Table) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(t)
}

// MarshalJSON writes undefined numbers as null, since JSON has no NaN, and a table without rows
// with an empty list.
func (t Table) MarshalJSON() ([]byte, error) {
	type plain Table // without this method
	rows := make([][]any, len(t.Rows))
	for i, r := range t.Rows {
		rows[i] = make([]any, len(r))
		for j, v := range r {
			rows[i][j] = defined(v)
		}
	}
	t.Rows = rows
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(plain(t))
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// defined returns a number that JSON can hold, or nil.
func defined(v any) any {
	x := 0.0
	switch f := v.(type) {
	case float64:
		x = f
	case Percent:
		x = float64(f)
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return v
}

// Cells returns the rows as people read them: the strings a page puts, escaped, into its cells.
func (t *Table) Cells() [][]string {
	out := make([][]string, len(t.Rows))
	for i, r := range t.Rows {
		out[i] = make([]string, len(r))
		for j, v := range r {
			out[i][j] = Cell(v)
		}
	}
	return out
}

// Markdown writes the rows as GitHub reads them. Title and note are left to the document around
// them, which has its own headings.
func (t *Table) Markdown(w io.Writer) error {
	esc := strings.NewReplacer(`\`, `\\`, "|", `\|`, "\n", " ", "\r", " ", "<", "&lt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`)
	line := func(cells []string) string { return "| " + strings.Join(cells, " | ") + " |\n" }
	head, rule := make([]string, len(t.Columns)), make([]string, len(t.Columns))
	for i, c := range t.Columns {
		head[i], rule[i] = esc.Replace(c.Title), "---"
		if c.Num {
			rule[i] = "---:"
		}
	}
	var b strings.Builder
	b.WriteString(line(head) + line(rule))
	for _, r := range t.Cells() {
		for i := range r {
			r[i] = esc.Replace(r[i])
		}
		b.WriteString(line(r))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
