package text

import "strings"

// A change is what was taken out and put in between two runs of equal text.
type change struct {
	out, in strings.Builder
}

// joinEdits turns operations on tokens into runs of text, deletions before insertions, with the
// shortest islands of equal text drowned in the changes around them.
func joinEdits(ops []int8, a, b []string) []Edit {
	var edits []Edit
	var c change
	flush := func() {
		if c.out.Len() > 0 {
			edits = append(edits, Edit{Delete, c.out.String()})
		}
		if c.in.Len() > 0 {
			edits = append(edits, Edit{Insert, c.in.String()})
		}
		c = change{}
	}
	for i := 0; i < len(ops); {
		j := i
		for j < len(ops) && ops[j] == ops[i] {
			j++
		}
		n := j - i
		switch ops[i] {
		case Delete:
			c.out.WriteString(strings.Join(a[:n], ""))
			a = a[n:]
		case Insert:
			c.in.WriteString(strings.Join(b[:n], ""))
			b = b[n:]
		default:
			run := strings.Join(a[:n], "")
			a, b = a[n:], b[n:]
			if island(run, n, i == 0, j == len(ops)) && c.out.Len() > 0 && c.in.Len() > 0 && changes(ops[j:]) {
				c.out.WriteString(run)
				c.in.WriteString(run)
				break
			}
			flush()
			edits = append(edits, Edit{Equal, run})
		}
		i = j
	}
	flush()
	return edits
}

// island reports whether equal text is too short to help a reader: one or two tokens inside a
// rewritten passage. A line end is never one.
func island(run string, n int, first, last bool) bool {
	return n <= 2 && !first && !last && !strings.Contains(run, "\n")
}

// changes reports whether both a deletion and an insertion follow before the next equal text.
func changes(ops []int8) bool {
	out, in := false, false
	for _, op := range ops {
		switch op {
		case Delete:
			out = true
		case Insert:
			in = true
		default:
			return out && in
		}
	}
	return out && in
}
