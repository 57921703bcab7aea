// Package text computes over single texts: lengths, normal forms, scripts, repetition. It is
// pure: no database, no network, no files. Lengths are Unicode code points throughout, as the
// paper counts characters.
package text

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// Len returns the length of s in code points.
func Len(s string) int { return utf8.RuneCountInString(s) }

// Normalize returns s as it is stored and shown: NFC, line ends as \n, no byte-order mark, no
// NUL or other control characters, no zero-width characters that hide in copied web text, no
// space at line ends, at most two empty lines in a row, none around. Indentation by
// ideographic spaces stays. Invalid UTF-8 becomes U+FFFD, which the rules then see.
func Normalize(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n").Replace(s)
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r == '\uFEFF', r == '\u200B', r == '\u2060', r == '\u00AD':
			return -1
		case r == '\u00A0':
			return ' '
		}
		return r
	}, s)
	s = norm.NFC.String(s)
	lines := strings.Split(s, "\n")
	out := lines[:0]
	empty := 0
	for _, l := range lines {
		l = strings.TrimRight(l, " \t\u3000")
		if l == "" {
			empty++
			if empty > 2 {
				continue
			}
		} else {
			empty = 0
		}
		out = append(out, l)
	}
	return strings.Trim(strings.Join(out, "\n"), "\n")
}

// Fold returns s with everything removed that copies of one text differ in: white space,
// full- and half-width forms, letter case, invisible characters.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, foldCase(s))
}

// foldCase removes differences of width and case.
func foldCase(s string) string {
	return strings.Map(unicode.ToLower, width.Fold.String(norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))))
}

// ContentHash identifies a text whatever its layout: SHA-256 in hex over [Fold].
func ContentHash(s string) string {
	h := sha256.Sum256([]byte(Fold(s)))
	return hex.EncodeToString(h[:])
}

// Paragraphs returns the non-empty lines of s.
func Paragraphs(s string) []string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		if strings.TrimSpace(l) != "" {
			out = append(out, l)
		}
	}
	return out
}

// Passages parts a text as it is numbered for reading: prose at line breaks, verse at empty lines,
// keeping its lines. The indents that authors type are taken off prose.
func Passages(s string, verse bool) []string {
	sep := "\n"
	if verse {
		sep = "\n\n"
	}
	var out []string
	for part := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), sep) {
		if part = strings.TrimRight(part, " \t\n\u3000"); !verse {
			part = strings.TrimLeft(part, " \t\u3000")
		}
		if part = strings.Trim(part, "\n"); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// Excerpt returns the first n code points of s on one line, with … where it was cut.
func Excerpt(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if Len(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
