package source

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/goccy/go-yaml"

	"coigwriter/internal/errs"
)

// splitFrontMatter parts a Markdown post into its fields and its body. YAML stands between
// lines of ---, TOML between lines of +++; a post may have none. Hexo also lets the opening
// --- be left out. bodyLine is the line on which the body begins, from 1.
func splitFrontMatter(text string) (fields map[string]any, body string, bodyLine int, err error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for _, mark := range []string{"---", "+++"} {
		if !strings.HasPrefix(text, mark+"\n") {
			continue
		}
		rest := text[len(mark)+1:]
		head, after, found := cutLine(rest, mark)
		if !found {
			if mark == "---" { // a thematic break at the top of a post without front matter
				break
			}
			return nil, "", 0, errs.Invalidf("the front matter is not closed; add a line of %s after it", mark)
		}
		fields = map[string]any{}
		if mark == "+++" {
			_, err = toml.Decode(head, &fields)
		} else {
			err = unmarshalYAML(head, &fields)
		}
		if err != nil {
			return nil, "", 0, errs.Invalidf("front matter: %s; mend it or remove it", firstLine(err.Error()))
		}
		return fields, after, strings.Count(text[:len(text)-len(after)], "\n") + 1, nil
	}
	if head, after, found := cutLine(text, "---"); found && len(head) < 2000 && hexoHead.MatchString(head) {
		if unmarshalYAML(head, &fields) == nil {
			return fields, after, strings.Count(head, "\n") + 2, nil
		}
	}
	return map[string]any{}, text, 1, nil
}

var hexoHead = regexp.MustCompile(`^(title|date|layout)\s*:`)

// maxFrontMatter bounds what the YAML parser is given; aliases in it are refused, so that a few
// bytes cannot unfold into gigabytes.
const maxFrontMatter = 64 << 10

var yamlAlias = regexp.MustCompile(`(?m)[:\-\[,]\s*\*[A-Za-z_]\w*\s*(?:$|[,\]])`)

func unmarshalYAML(s string, fields *map[string]any) (err error) {
	defer func() { // the parser is not ours, and the text is anybody's
		if r := recover(); r != nil {
			err = fmt.Errorf("not YAML that can be read: %v", r)
		}
	}()
	if len(s) > maxFrontMatter {
		return fmt.Errorf("longer than %d bytes", maxFrontMatter)
	}
	if yamlAlias.MatchString(s) {
		return fmt.Errorf("YAML aliases are not read")
	}
	return yaml.Unmarshal([]byte(s), fields)
}

// cutLine cuts s at the first line that is exactly mark.
func cutLine(s, mark string) (before, after string, found bool) {
	for at := 0; at < len(s); {
		end := strings.IndexByte(s[at:], '\n')
		line, next := s[at:], len(s)
		if end >= 0 {
			line, next = s[at:at+end], at+end+1
		}
		if strings.TrimRight(line, " \t") == mark {
			return s[:at], s[next:], true
		}
		at = next
	}
	return s, "", false
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return clip(s, 200)
}

// field returns the first of the named fields as text, whatever type the writer gave it.
func field(fields map[string]any, names ...string) string {
	for _, name := range names {
		for _, key := range []string{name, strings.ToUpper(name[:1]) + name[1:]} {
			switch v := fields[key].(type) {
			case nil:
			case string:
				if v = strings.TrimSpace(v); v != "" {
					return v
				}
			case time.Time:
				if strings.HasSuffix(v.Location().String(), "-local") { // TOML's dates without a zone
					return v.Format("2006-01-02 15:04:05")
				}
				return v.Format(time.RFC3339)
			case []any:
				if len(v) > 0 {
					return strings.TrimSpace(fmt.Sprint(v[0]))
				}
			case map[string]any:
				if n, ok := v["name"].(string); ok {
					return n
				}
			default:
				return strings.TrimSpace(fmt.Sprint(v))
			}
		}
	}
	return ""
}
