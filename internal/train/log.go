package train

import (
	"strings"
)

// lines are the lines of a piece of a log as a terminal would show them in the end: of a progress bar,
// which draws over itself, the last picture. The first is left out where it is torn.
func lines(raw []byte, torn bool) string {
	s := string(raw)
	if torn {
		_, s, _ = strings.Cut(s, "\n")
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		text := strings.TrimRight(line, "\r\n")
		b.WriteString(text[strings.LastIndexByte(text, '\r')+1:])
		b.WriteByte('\n')
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1 // colours and cursor moves
		}
		return r
	}, strings.ToValidUTF8(b.String(), "�"))
}
