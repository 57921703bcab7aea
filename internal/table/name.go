package table

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
)

// FileName makes a file's name of a table's or figure's, which may hold a model's: letters, digits and
// a few marks stay. A name that is taken gets a number.
func FileName(name string, taken map[string]int) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_+.", r) {
			return r
		}
		return '-'
	}, name)
	letters := []rune(strings.TrimLeft(cmp.Or(name, "table"), "."))
	base := string(letters[:min(len(letters), 60)])
	name = base
	for n := 2; taken[name] > 0; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	taken[name]++
	return name
}
