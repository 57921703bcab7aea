package llm

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// Text is text from outside: an article, a title, what a person typed. Printed in a prompt
// template it comes out between marks that its own content decides ([Delimit]), so that a
// template cannot forget to. What is not Text in a template's data must be ours.
type Text string

// String delimits the text.
func (t Text) String() string { return Delimit(string(t)) }

// markLen is how many hex digits of the text's hash name its marks: 64 bits, so a text that
// closes its own marks would have to contain a part of its own hash.
const markLen = 16

// controlTokens match what a server's tokenizer or our own marks could take for structure:
// chat markers of the common model families, thinking tags, and marks of the form made here.
var controlTokens = regexp.MustCompile(`(?i)<[\|｜]|<\s*/?\s*text-|<\s*/?\s*(s|bos|eos|think|(start|end)_of_(turn|text))\s*>|<<\s*/?\s*SYS\s*>>|\[\s*/?\s*INST\s*\]`)

// Delimit puts text between marks named by its own hash and defuses what inside it could
// pass for a mark or a chat token: the opening bracket of such a token becomes its full-width
// form. Characters without width that can hide instructions (Unicode tags) and NUL are
// dropped. Nothing else changes, and the same text always gives the same result.
func Delimit(text string) string {
	sum := sha256.Sum256([]byte(text))
	mark := "text-" + hex.EncodeToString(sum[:])[:markLen]
	return "<" + mark + ">\n" + defuse(text) + "\n</" + mark + ">"
}

func defuse(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == 0 || r >= 0xE0000 && r <= 0xE007F {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if !strings.ContainsAny(text, "<[") { // as every one of them begins
		return text
	}
	return controlTokens.ReplaceAllStringFunc(text, func(tok string) string {
		if tok[0] == '[' {
			return "［" + tok[1:]
		}
		return "＜" + strings.ReplaceAll(tok[1:], "<", "＜")
	})
}
