package train

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// shell writes one word so that a POSIX shell reads it as it is.
func shell(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./=:,+@%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func shellAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shell(w)
	}
	return strings.Join(quoted, " ")
}

// String is the command as one line for a POSIX shell.
func (c Command) String() string {
	line := shellAll(c.Args)
	if len(c.Env) > 0 {
		line = "env " + shellAll(c.Env) + " " + line
	}
	if c.Dir != "" {
		line = "cd " + shell(c.Dir) + " && " + line
	}
	return line
}

// A pair is one line of an engine's YAML file. The order is kept, so that two runs can be compared.
type pair struct {
	key   string
	value any // string, bool, int, int64, float64, []string, nil, or a literal
}

// A literal is YAML text that stands as it is.
type literal string

// yamlFile writes pairs as YAML that PyYAML and OmegaConf read as meant. A string is always quoted, as
// JSON does it: what looks like a number or like "no" stays a string.
func yamlFile(head string, pairs []pair) string {
	var b strings.Builder
	for line := range strings.Lines(head) {
		b.WriteString("# " + line)
	}
	if head != "" {
		b.WriteByte('\n')
	}
	for _, p := range pairs {
		value := yamlValue(p.value)
		if !strings.HasPrefix(value, "\n") { // a list begins on the next line
			value = " " + value
		}
		b.WriteString(p.key + ":" + value + "\n")
	}
	return b.String()
}

func yamlValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case literal:
		return string(v)
	case string:
		return yamlString(v)
	case []string:
		var b strings.Builder
		for _, s := range v {
			b.WriteString("\n  - " + yamlString(s))
		}
		return b.String()
	case float64:
		return yamlFloat(v)
	default:
		return fmt.Sprint(v)
	}
}

// yamlFloat writes a point into every number: PyYAML takes 2e-05 for a string.
func yamlFloat(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	switch mantissa, exponent, scaled := strings.Cut(s, "e"); {
	case math.IsInf(f, 0) || math.IsNaN(f) || strings.Contains(mantissa, "."):
		return s
	case scaled:
		return mantissa + ".0e" + exponent
	}
	return s + ".0"
}

func yamlString(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// dnsName makes a name that Kubernetes and Ray take: lower-case letters, digits and dashes, 50 at most.
func dnsName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '+':
			b.WriteString("-plus-")
		default:
			b.WriteByte('-')
		}
	}
	words := strings.FieldsFunc(b.String(), func(r rune) bool { return r == '-' })
	s := "train-" + strings.Join(words, "-")
	return strings.TrimRight(s[:min(50, len(s))], "-")
}

// below says whether path is dir or lies in it.
func below(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
