package web

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed locales
var localeFiles embed.FS

// Langs are the languages of the interface; the first is the default.
var Langs = []string{"zh-CN", "en"}

// A message is one text, or two where a language tells one from many.
// In the files it is a string, or {"one": "…", "other": "…"} chosen by the argument n.
type message struct{ One, Other string }

func (m *message) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &m.Other)
	}
	var forms struct{ One, Other string }
	if err := json.Unmarshal(b, &forms); err != nil {
		return err
	}
	if forms.One == "" || forms.Other == "" {
		return fmt.Errorf("a message with forms needs both one and other")
	}
	*m = message(forms)
	return nil
}

// messages holds every text by language and key. The files are part of the program and
// tests read them all, so a broken one is found before anybody runs it.
var messages, messagesErr = loadMessages(localeFiles)

// loadMessages merges locales/<lang>/*.json. Each page family has a file of its own, and
// its keys start with the file's name, so that families cannot collide.
func loadMessages(files fs.FS) (map[string]map[string]message, error) {
	all := map[string]map[string]message{}
	for _, lang := range Langs {
		all[lang] = map[string]message{}
		names, err := fs.Glob(files, path.Join("locales", lang, "*.json"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			raw, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			family := map[string]message{}
			if err := json.Unmarshal(raw, &family); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			prefix := strings.TrimSuffix(path.Base(name), ".json") + "."
			for key, m := range family {
				if !strings.HasPrefix(key, prefix) {
					return nil, fmt.Errorf("%s: key %q does not start with %q", name, key, prefix)
				}
				all[lang][key] = m
			}
		}
	}
	return all, nil
}

// T returns the text of key in the page's language. Arguments come in pairs of a name and
// a value and fill {name}: T(ctx, "sources.found", "n", 12). Whole numbers are written as
// the language writes them; n chooses between one and many. A key that does not exist
// is returned as it is (a test finds it first).
func T(ctx context.Context, key string, args ...any) string {
	return translate(Lang(ctx), key, args...)
}

func translate(lang, key string, args ...any) string {
	m, ok := messages[lang][key]
	if !ok {
		return key
	}
	text := m.Other
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		name := fmt.Sprint(args[i])
		value := fmt.Sprint(args[i+1])
		if n, ok := args[i+1].(int); ok {
			value = number(lang, n)
			if name == "n" && n == 1 && m.One != "" {
				text = m.One
			}
		}
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// has reports whether key has a text; dynamic keys (a state's name) fall back with it.
func has(lang, key string) bool { _, ok := messages[lang][key]; return ok }

// family returns the texts of one message file, for scripts.
func family(lang, name string) map[string]string {
	out := map[string]string{}
	for key, m := range messages[lang] {
		if rest, ok := strings.CutPrefix(key, name+"."); ok {
			out[rest] = m.Other
		}
	}
	return out
}
