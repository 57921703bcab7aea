package text

import (
	"regexp"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// garbage are pieces that appear only when bytes were read in the wrong encoding.
var garbage = regexp.MustCompile(`\x{FFFD}+|锟斤拷|锟斤|斤拷|烫{4,}|屯{4,}|â€[™œ“”˜¦“\x{9d}]?|Ã[©¨¤¶¼ ¡¢£¥§ª«¯±²³´µ¹º»¿€]|Â[·»«°]|ï¼[Œš›Ÿ‰ˆ]?|ã€[‚Š‹Œ]?`)

// latin is UTF-8 of Chinese text read as Latin-1 or Windows-1252: a lead letter and what its two
// continuation bytes became, of which normalisation may have dropped one as a control character.
var latin = regexp.MustCompile("[ä-é][\u00A1-\u00BF€‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸŽ]{1,2}")

// latinLead counts all letters that could be leads: in French or German most are not followed by
// a sign.
var latinLead = regexp.MustCompile("[ä-é]")

// Mojibake returns the share of characters that show a wrong encoding, and the first such
// piece that was seen: characters that did not decode, the classic pieces (锟斤拷, â€™), UTF-8
// read as Windows-1252 (ä½ å¥½) and UTF-8 read as GBK (浣犲ソ).
func Mojibake(s string) (share float64, seen string) {
	n := Len(s)
	if n == 0 {
		return 0, ""
	}
	spans := garbage.FindAllStringIndex(s, -1)
	if m := latin.FindAllStringIndex(s, -1); len(m) >= 2 && 2*len(m) > len(latinLead.FindAllStringIndex(s, -1)) {
		spans = append(spans, m...)
	}
	spans = append(spans, readAsGBK(s)...)
	bad, first := make([]bool, len(s)), len(s)
	for _, sp := range spans {
		if sp[0] < first {
			first, seen = sp[0], s[sp[0]:sp[1]]
		}
		for i := sp[0]; i < sp[1]; i++ {
			bad[i] = true
		}
	}
	count := 0
	for i := range s { // the starts of characters
		if bad[i] {
			count++
		}
	}
	if r := []rune(seen); len(r) > 12 {
		seen = string(r[:12])
	}
	return float64(count) / float64(n), seen
}

// readAsGBK finds runs of Chinese characters whose GBK bytes are UTF-8: that does not happen to
// Chinese text, whose second bytes are mostly above BF and whose first are rarely E4-E9.
func readAsGBK(s string) (spans [][]int) {
	codes := gbkCodes()
	var run []byte // the GBK bytes of the run that began at from
	from := 0
	end := func(to int) {
		if len(run) >= 6 && isUTF8Han(run) {
			spans = append(spans, []int{from, to})
		}
		run = run[:0]
	}
	for i, r := range s {
		code := uint16(0)
		if r >= 0x80 && r < 0x10000 {
			code = codes[r]
		}
		if code == 0 || code < 0xA400 && code >= 0xA100 { // not in GBK, or its punctuation
			end(i)
			continue
		}
		if len(run) == 0 {
			from = i
		}
		run = append(run, byte(code>>8), byte(code))
	}
	end(len(s))
	return spans
}

// isUTF8Han reports whether most of b is UTF-8 of at least two Chinese characters.
func isUTF8Han(b []byte) bool {
	han, good, all := 0, 0, len(b)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if size == 3 {
			good += size
			if r >= 0x4E00 && r <= 0x9FFF {
				han++
			}
		}
		b = b[size:]
	}
	return han >= 2 && good*10 >= all*8
}

// gbkCodes maps the characters of the basic plane to their two bytes in GBK, or to 0.
var gbkCodes = sync.OnceValue(func() *[0x10000]uint16 { return codesOf(simplifiedchinese.GBK) })

func codesOf(e encoding.Encoding) *[0x10000]uint16 {
	enc := e.NewEncoder()
	var codes [0x10000]uint16
	for r := rune(0x80); r < 0x10000; r++ {
		if b, err := enc.Bytes([]byte(string(r))); err == nil && len(b) == 2 {
			codes[r] = uint16(b[0])<<8 | uint16(b[1])
		}
	}
	return &codes
}
