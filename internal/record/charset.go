package record

import (
	"bufio"
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// decode turns what is surely not UTF-8 into it, and names the encoding it was ("" for UTF-8).
// Order: byte order mark, zero bytes of UTF-16, UTF-8, GB18030 (never plain GB2312). A file that
// is none of them stays as it is, and its lines are refused one by one.
func decode(br *bufio.Reader) (out *bufio.Reader, was string) {
	head, _ := br.Peek(32 << 10)
	order := unicode.LittleEndian
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = br.Discard(3) // peeked, so it is there
		return br, ""
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
	case bytes.HasPrefix(head, []byte("{\x00")), bytes.HasPrefix(head, []byte("[\x00")):
	case bytes.HasPrefix(head, []byte("\x00{")), bytes.HasPrefix(head, []byte("\x00[")):
		order = unicode.BigEndian
	case gb18030(head):
		return bufio.NewReaderSize(transform.NewReader(br, simplifiedchinese.GB18030.NewDecoder()), 64<<10), "GB18030"
	default:
		return br, ""
	}
	return bufio.NewReaderSize(transform.NewReader(br, unicode.UTF16(order, unicode.UseBOM).NewDecoder()), 64<<10), "UTF-16"
}

// gb18030 reports whether a buffer is GB18030 rather than UTF-8, whole or damaged. UTF-8 with a
// few spoilt bytes often decodes as GB18030 without a fault, into nonsense; but Chinese in
// GB18030 hardly ever holds more good UTF-8 sequences than bad bytes.
func gb18030(b []byte) bool {
	good, bad := 0, 0
	for rest := trimPartial(b); len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		rest = rest[n:]
	}
	if good >= bad { // also for all of ASCII
		return false
	}
	out, _, err := transform.Bytes(simplifiedchinese.GB18030.NewDecoder(), b)
	if err != nil {
		return false
	}
	faults, han := 0, 0
	for _, r := range string(out) {
		switch {
		case r == utf8.RuneError:
			faults++
		case r >= 0x4e00 && r <= 0x9fff:
			han++
		}
	}
	return faults*10 < han // one spoilt byte can shift several characters after it
}

// trimPartial drops an unfinished character at the end of a buffer.
func trimPartial(b []byte) []byte {
	for i := 1; i <= utf8.UTFMax && i <= len(b); i++ {
		if utf8.RuneStart(b[len(b)-i]) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}
