// Package jieba cuts Chinese text into words, exactly as Python jieba 0.42.1's lcut does with
// its default dictionary and HMM: token for token.
//
// The algorithm is the published one. A run of Han characters, ASCII letters, digits and a few
// signs is cut along the most probable path over the dictionary's words; single characters left
// side by side on that path are joined into unknown words by a hidden Markov model over the
// places B(egin), M(iddle), E(nd), S(ingle). Everything else is one token a character, except
// that a carriage return and its line feed stay together.
//
// Tokens are substrings of the text, in order, and together they are the text: also where it is
// not valid UTF-8, each bad byte being a token of its own.
//
// The dictionary and the model's tables are jieba's own (MIT, see data/LICENSE); they are
// unpacked at the first use (BenchmarkLoad).
package jieba

import (
	"iter"
	"sync"
	"unicode/utf8"
)

// standard is jieba's own dictionary and model.
var standard = sync.OnceValue(func() *Segmenter {
	return &Segmenter{words: standardWords(), hmm: standardModel()}
})

// Cut returns the tokens of a text, as jieba.lcut(text).
func Cut(text string) []string {
	tokens := make([]string, 0, len(text)/4+1)
	for t := range Tokens(text) {
		tokens = append(tokens, t)
	}
	return tokens
}

// Tokens yields the tokens of a text one by one, so that a long text needs no long slice.
func Tokens(text string) iter.Seq[string] { return standard().Tokens(text) }

// A Segmenter cuts texts with a dictionary of its own. It may be used by many goroutines.
type Segmenter struct {
	words *dictionary
	hmm   *model
}

// Tokens yields the tokens of a text one by one.
func (s *Segmenter) Tokens(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		c := cutter{Segmenter: s, yield: yield}
		for i := 0; i < len(text); {
			r, n := utf8.DecodeRuneInString(text[i:])
			switch {
			case inBlock(r):
				end := i + n
				for end < len(text) {
					r, n := utf8.DecodeRuneInString(text[end:])
					if !inBlock(r) {
						break
					}
					end += n
				}
				if !c.block(text[i:end]) {
					return
				}
				i = end
				continue
			case r == '\r' && i+1 < len(text) && text[i+1] == '\n':
				n = 2
			}
			if !yield(text[i : i+n]) {
				return
			}
			i += n
		}
	}
}

// inBlock tells the characters that jieba hands to the dictionary: [\u4E00-\u9FD5a-zA-Z0-9+#&._%-].
func inBlock(r rune) bool {
	switch {
	case isHan(r), 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	switch r {
	case '+', '#', '&', '.', '_', '%', '-':
		return true
	}
	return false
}

// isHan tells the characters that jieba's model knows as Han; later additions to Unicode are not.
func isHan(r rune) bool { return 0x4E00 <= r && r <= 0x9FD5 }
