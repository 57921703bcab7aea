package analysis

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Note is a remark that stands beside figures, in both languages; JSON has the English one.
type Note struct{ ZH, EN string }

// note writes the same arguments into the words of both languages.
func note(zh, en string, args ...any) Note {
	return Note{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}
}

// In returns the note in the language asked for.
func (n Note) In(lang string) string { return pick(lang, n.ZH, n.EN) }

// IsZero reports whether there is nothing to say; JSON then leaves the note out (omitzero).
func (n Note) IsZero() bool { return n == Note{} }

// MarshalJSON writes the English text.
func (n Note) MarshalJSON() ([]byte, error) { return json.Marshal(n.EN) }

// joined writes notes one after another, the empty ones left out.
func joined(lang string, notes ...Note) string {
	var out []string
	for _, n := range notes {
		if !n.IsZero() {
			out = append(out, n.In(lang))
		}
	}
	return strings.Join(out, pick(lang, "；", "; "))
}
