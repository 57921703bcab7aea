package text

import (
	"sync"
	"unicode"

	"golang.org/x/text/encoding/traditionalchinese"
)

// Shares says which part of a text's visible characters belongs to which script; the parts
// of Han, Latin, Kana, Hangul, Cyrillic, Other, Digit and Punct sum to 1 (or 0 for no text).
type Shares struct {
	Han, Latin, Kana, Hangul, Cyrillic, Other, Digit, Punct float64
	N                                                       int // visible characters
}

// Scripts counts the scripts of s.
func Scripts(s string) Shares {
	var sh Shares
	for _, r := range s {
		if unicode.IsSpace(r) {
			continue
		}
		sh.N++
		switch {
		case unicode.Is(unicode.Han, r):
			sh.Han++
		case unicode.Is(unicode.Latin, r):
			sh.Latin++
		case unicode.Is(unicode.Hiragana, r), unicode.Is(unicode.Katakana, r):
			sh.Kana++
		case unicode.Is(unicode.Hangul, r):
			sh.Hangul++
		case unicode.Is(unicode.Cyrillic, r):
			sh.Cyrillic++
		case unicode.IsDigit(r):
			sh.Digit++
		case unicode.IsLetter(r):
			sh.Other++
		default:
			sh.Punct++
		}
	}
	if sh.N > 0 {
		for _, p := range []*float64{&sh.Han, &sh.Latin, &sh.Kana, &sh.Hangul, &sh.Cyrillic, &sh.Other, &sh.Digit, &sh.Punct} {
			*p /= float64(sh.N)
		}
	}
	return sh
}

// Language guesses the language by scripts alone: zh, ja, ko, en, ru, or und when there is too
// little to go by. Kana make Japanese of Han; Latin letters are taken for English.
func Language(s string) string {
	sh := Scripts(s)
	sh.Latin /= 4 // four letters of an alphabet say about as much as one Han character
	sh.Cyrillic /= 4
	letters := sh.Han + sh.Latin + sh.Kana + sh.Hangul + sh.Cyrillic + sh.Other
	if letters == 0 {
		return "und"
	}
	switch {
	case sh.Kana/letters > 0.15:
		return "ja"
	case sh.Hangul/letters > 0.3:
		return "ko"
	case sh.Han/letters > 0.5:
		return "zh"
	case sh.Cyrillic/letters > 0.5:
		return "ru"
	case sh.Latin/letters > 0.5:
		return "en"
	}
	return "und"
}

// Variant tells the script of a Chinese text by the characters that only one of them has: Hans
// (simplified), Hant (traditional), or "" when fewer than three are telling or they disagree. What
// "has" means is decided by the old character sets: GB 2312 for simplified, Big5 for traditional.
func Variant(s string) string {
	simplified, big5 := gbkCodes(), big5Codes()
	hans, hant := 0, 0
	for _, r := range s {
		if r < 0x4E00 || r > 0x9FFF {
			continue
		}
		code := simplified[r]
		inGB2312 := code>>8 >= 0xB0 && code>>8 <= 0xF7 && code&0xFF >= 0xA1
		switch inBig5 := big5[r] != 0; {
		case inGB2312 && !inBig5:
			hans++
		case inBig5 && !inGB2312:
			hant++
		}
	}
	switch {
	case hans >= 3 && hans > 4*hant:
		return "Hans"
	case hant >= 3 && hant > 4*hans:
		return "Hant"
	}
	return ""
}

var big5Codes = sync.OnceValue(func() *[0x10000]uint16 { return codesOf(traditionalchinese.Big5) })
