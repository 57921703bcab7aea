package source

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"coigwriter/internal/errs"
)

var metaCharset = regexp.MustCompile(`(?i)<meta[^>]{1,200}charset\s*=\s*["']?\s*([a-z0-9_-]{2,40})`)

// decodePage turns the bytes of a page into text. What the bytes are goes before what the page
// claims, because real pages claim gb2312 and are UTF-8: byte order mark, valid UTF-8, the meta
// element, then GB18030 (never plain GB2312, which lacks the characters people use).
func decodePage(b []byte) (string, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xEF\xBB\xBF")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xFF\xFE")) || bytes.HasPrefix(b, []byte("\xFE\xFF")):
		return decodeWith(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), b)
	}
	if utf8.Valid(b) {
		return string(b), nil
	}
	claimed := encoding.Encoding(simplifiedchinese.GB18030)
	if m := metaCharset.FindSubmatch(b[:min(len(b), 4096)]); m != nil {
		name := strings.ToLower(string(m[1]))
		if name == "utf-8" || name == "utf8" {
			// A page cut inside a character, or with one spoilt byte, is still UTF-8.
			if s := strings.ToValidUTF8(string(b), "\uFFFD"); strings.Count(s, "\uFFFD")*200 < len(b) {
				return s, nil
			}
		} else if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement && !strings.HasPrefix(name, "gb") {
			claimed = e
		}
	}
	return decodeWith(claimed, b)
}

func decodeWith(e encoding.Encoding, b []byte) (string, error) {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", errs.Invalidf("cannot be decoded: %w; save it as UTF-8", err)
	}
	s := string(out)
	if bad := strings.Count(s, "\uFFFD"); bad*50 > len(s) {
		return "", errs.Invalidf("the character set cannot be told (%d unreadable places); save it as UTF-8", bad)
	}
	return s, nil
}
