package table

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
)

// longRows is from how many rows on a LaTeX table may break across pages.
const longRows = 40

// latexSpecial writes the characters that TeX would act on, or would set as another one: a pair of
// hyphens is a dash, and a question mark before a backquote a Spanish one.
var latexSpecial = strings.NewReplacer(
	`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "$", `\$`, "&", `\&`, "#", `\#`, "_", `\_`, "%", `\%`,
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "<", `\textless{}`, ">", `\textgreater{}`, "|", `\textbar{}`,
	"--", "-{}-{}", "``", "`{}`", "?`", "?{}`", "!`", "!{}`", "''", "'{}'",
)

// EscapeLaTeX makes any text safe and literal in LaTeX; letters of every script pass through, for an
// engine that reads UTF-8 with a font that has them (XeLaTeX or LuaLaTeX with ctex for Chinese).
func EscapeLaTeX(s string) string { return latexSpecial.Replace(printable(s)) }

var notInLabel = regexp.MustCompile(`[^a-zA-Z0-9]+`)

// LaTeX writes the table as a float with the rules of booktabs, its title as the caption and its note
// below. One of more than 40 rows is a longtable, which breaks across pages and repeats its head.
func (t *Table) LaTeX(w io.Writer) error {
	var b strings.Builder
	var format strings.Builder
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		format.WriteString(map[bool]string{true: "r", false: "l"}[c.Num])
		head[i] = EscapeLaTeX(c.Title)
	}
	caption := fmt.Sprintf("\\caption{%s}\\label{tab:%s}", EscapeLaTeX(t.Title), strings.Trim(notInLabel.ReplaceAllString(t.Name, "-"), "-"))
	long := len(t.Rows) > longRows
	b.WriteString("% needs \\usepackage{booktabs}" + map[bool]string{true: " and \\usepackage{longtable}"}[long] + "; for Chinese also \\usepackage{ctex} and XeLaTeX or LuaLaTeX\n")
	if long {
		fmt.Fprintf(&b, "\\begin{longtable}{%s}\n%s\\\\\n\\toprule\n%s \\\\\n\\midrule\n\\endhead\n\\bottomrule\n\\endfoot\n", format.String(), caption, strings.Join(head, " & "))
	} else {
		fmt.Fprintf(&b, "\\begin{table}\n\\centering\n%s\n\\begin{tabular}{%s}\n\\toprule\n%s \\\\\n\\midrule\n", caption, format.String(), strings.Join(head, " & "))
	}
	for _, row := range t.Cells() {
		for i, cell := range row {
			row[i] = latexCell(cell, i == 0)
		}
		b.WriteString(strings.Join(row, " & ") + " \\\\\n")
	}
	if long {
		b.WriteString("\\end{longtable}\n")
	} else {
		b.WriteString("\\bottomrule\n\\end{tabular}\n")
	}
	if t.Note != "" {
		fmt.Fprintf(&b, "\\par\\smallskip{\\footnotesize %s\\par}\n", EscapeLaTeX(t.Note))
	}
	if !long {
		b.WriteString("\\end{table}\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// latexCell is one cell. After the end of a row TeX looks for a star or a bracket, so that one at the
// start of the next must be hidden in a group.
func latexCell(s string, first bool) string {
	s = EscapeLaTeX(s)
	if start := strings.TrimLeftFunc(s, unicode.IsSpace); first && (strings.HasPrefix(start, "*") || strings.HasPrefix(start, "[")) {
		return "{}" + s
	}
	return s
}
