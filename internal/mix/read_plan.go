package mix

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// ReadPlan reads a plan file. Its relative paths start from the file's folder. What is wrong with it is
// said with file, line and field, all at once.
func ReadPlan(path string) (Plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Plan{}, errs.Invalidf("plan: %w", err)
	}
	return ParsePlan(path, filepath.Dir(path), data)
}

// ParsePlan reads a plan; name is how errors call it, dir is what its relative paths start from.
func ParsePlan(name, dir string, data []byte) (Plan, error) {
	p := defaults()
	md, err := toml.Decode(string(data), &p)
	if err != nil {
		return p, syntaxError(name, err)
	}
	p.text, p.file, p.dir = data, name, dir
	lines := keyLines(data)
	bad := &problems{at: func(field string) string {
		for at := field; at != ""; at = at[:max(strings.LastIndexByte(at, '.'), 0)] {
			if n := lines[at]; n > 0 {
				return fmt.Sprintf("%s:%d: %s", name, n, field)
			}
		}
		return name + ": " + field
	}}
	for _, key := range md.Undecoded() {
		table, last := key[:len(key)-1], key[len(key)-1]
		known := keysOf(reflect.TypeFor[Plan](), table)
		if known == nil {
			continue // a key of an unknown table, which is named itself
		}
		bad.list = append(bad.list, errs.Field{Name: unknownAt(name, lines, key), Msg: "no such key; " + nearestOf(last, known)})
	}
	if len(bad.list) == 0 {
		p.check(bad)
	}
	return p, errs.Fields(bad.list...)
}

var typeError = regexp.MustCompile(`^toml: line (\d+) \(last key "(.*?)"\): (.*)$`)

// syntaxError says where a plan is no TOML, or a value of another type than it should be.
func syntaxError(name string, err error) error {
	var at toml.ParseError
	if errors.As(err, &at) {
		if at.LastKey != "" {
			return errs.Invalidf("%s:%d: %s: %s", name, at.Position.Line, at.LastKey, at.Message)
		}
		return errs.Invalidf("%s:%d: %s", name, at.Position.Line, at.Message)
	}
	if m := typeError.FindStringSubmatch(err.Error()); m != nil {
		return errs.Invalidf("%s:%s: %s: %s", name, m[1], m[2], m[3])
	}
	return errs.Invalidf("%s: %w", name, err)
}

// Hash is the SHA-256 of the plan as it was read.
func (p Plan) Hash() string {
	h := sha256.Sum256(p.text)
	return hex.EncodeToString(h[:])
}

// check says what is wrong with the values.
func (p Plan) check(bad *problems) {
	bad.check(p.Seed >= 0, "seed", "%d: give a whole number from 0", p.Seed)
	bad.check(len(p.Creative)+len(p.General) > 0, "creative", "there is no source: add [[creative]] or [[general]] with name and paths")
	names := map[string]bool{}
	source := func(at, name string, paths []string, f Filter) {
		bad.check(nameShape.MatchString(name), at+".name", "%q: give letters, digits and + . _ -, at most 64", name)
		bad.check(!names[name], at+".name", "%q is the name of another source", name)
		names[name] = true
		bad.check(len(paths) > 0, at+".paths", "name files or folders")
		bad.check(f.MinCharacters >= 0, at+".min_characters", "%d: give a number from 0", f.MinCharacters)
		bad.check(f.MaxCharacters == 0 || f.MaxCharacters >= f.MinCharacters, at+".max_characters", "%d is less than min_characters", f.MaxCharacters)
	}
	for i, s := range p.Creative {
		source(fmt.Sprintf("creative[%d]", i), s.Name, s.Paths, s.Filter)
	}
	shapes := []string{"", "auto"}
	for _, s := range record.Shapes {
		shapes = append(shapes, s.Name)
	}
	for i, s := range p.General {
		at := fmt.Sprintf("general[%d]", i)
		source(at, s.Name, s.Paths, s.Filter)
		bad.check(slices.Contains(shapes, s.Format), at+".format", "%q: give %s", s.Format, strings.Join(shapes[1:], ", "))
		for _, ours := range slices.Sorted(maps.Keys(s.Fields)) {
			bad.check(slices.Contains(fieldNames(), ours), at+".fields."+ours, "no field is called so; there are %s", strings.Join(fieldNames(), ", "))
		}
	}
	p.checkConfigurations(bad)
	oneOf := func(field, v string, of ...string) {
		bad.check(slices.Contains(of, v), field, "%q: give %s", v, strings.Join(of, ", "))
	}
	oneOf("reasoning.creative", p.Reasoning.Creative, Think, Field, None)
	oneOf("reasoning.general", p.Reasoning.General, Keep, Drop)
	oneOf("length.over", p.Length.Over, Refuse, List)
	bad.check(p.Length.Max >= 0, "length.max", "%d: give a number of tokens, 0 for no bound", p.Length.Max)
	bad.check(strings.Contains(p.Template.User, "{prompt}"), "template.user", "%q holds no {prompt}", p.Template.User)
	known := func(field, template string) {
		for _, m := range placeholder.FindAllString(template, -1) {
			bad.check(slices.Contains([]string{"{prompt}", "{genre}", "{language}"}, m), field, "%s: there are {prompt}, {genre}, {language}", m)
		}
	}
	known("template.user", p.Template.User)
	known("template.system", p.Template.System)
	share := func(field string, v, least float64) {
		bad.check(v == 0 || (v >= least && v <= 1), field, "%v: give a share from %v to 1, or 0 to look for none", v, least)
	}
	share("duplicates.creative", p.Duplicates.Creative, leastSimilarity)
	share("duplicates.general", p.Duplicates.General, leastSimilarity)
	share("duplicates.against_creative", p.Duplicates.AgainstCreative, 0.1)
	share("benchmark.share", p.Benchmark.Share, 0.1)
	bad.check(p.Benchmark.Run == 0 || p.Benchmark.Run >= 8, "benchmark.run", "%d: give at least 8 characters, or 0 to look for none", p.Benchmark.Run)
}

var placeholder = regexp.MustCompile(`\{[a-z_]+\}`)

func (p Plan) checkConfigurations(bad *problems) {
	bad.check(len(p.Configurations) > 0, "configuration", "there is none: add [[configuration]] with name, creative and general")
	names, files := map[string]bool{}, map[string]string{}
	for i, w := range p.Configurations {
		at := fmt.Sprintf("configuration[%d]", i)
		bad.check(nameShape.MatchString(w.Name), at+".name", "%q: give letters, digits and + . _ -, at most 64", w.Name)
		bad.check(!names[w.Name], at+".name", "%q is there twice", w.Name)
		other := files[FileOf(w.Name)]
		bad.check(other == "" || names[w.Name], at+".name", "%q would have the same file as %q", w.Name, other)
		names[w.Name], files[FileOf(w.Name)] = true, w.Name
		bad.check(w.Creative != 0 || w.General != 0, at, "takes no row at all")
		bad.check(w.Creative == 0 || len(p.Creative) > 0, at+".creative", "%s: there is no [[creative]] source", w.Creative)
		bad.check(w.General == 0 || len(p.General) > 0, at+".general", "%s: there is no [[general]] source", w.General)
	}
}

func fieldNames() []string {
	names := []string{"id", "genre", "language"}
	for _, s := range record.Shapes {
		for _, f := range s.Fields {
			if !slices.Contains(names, f) {
				names = append(names, f)
			}
		}
	}
	return names
}

// keyLines finds the line of every key of a TOML file by its path, such as general[0].format: the decoder
// tells lines of what it cannot read only. It reads the plain forms that plans are written in.
func keyLines(data []byte) map[string]int {
	lines, count, table := map[string]int{}, map[string]int{}, ""
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "[["):
			name, _, _ := strings.Cut(strings.Trim(line, "[] \t"), "]")
			table = fmt.Sprintf("%s[%d]", name, count[name])
			count[name]++
			lines[table] = i + 1
		case strings.HasPrefix(line, "["):
			table, _, _ = strings.Cut(strings.Trim(line, "[] \t"), "]")
			if at, sub, ok := strings.Cut(table, "."); ok && count[at] > 0 { // [general.fields] is of the last [[general]]
				table = fmt.Sprintf("%s[%d].%s", at, count[at]-1, sub)
			}
			lines[table] = i + 1
		default:
			key, _, ok := strings.Cut(line, "=")
			if key = strings.Trim(key, " \t\"'"); !ok || strings.HasPrefix(key, "#") || strings.ContainsAny(key, " \t") {
				continue
			}
			if table != "" {
				key = table + "." + key
			}
			if lines[key] == 0 {
				lines[key] = i + 1
			}
		}
	}
	return lines
}

var inBrackets = regexp.MustCompile(`\[\d+\]`)

// unknownAt says where a key that no plan has stands.
func unknownAt(name string, lines map[string]int, key toml.Key) string {
	at := 0
	for path, n := range lines {
		if inBrackets.ReplaceAllString(path, "") == key.String() && (at == 0 || n < at) {
			at = n
		}
	}
	if at == 0 {
		return name + ": " + key.String()
	}
	return fmt.Sprintf("%s:%d: %s", name, at, key)
}

// keysOf lists the keys that a table of a plan has; nil for a table that no plan has.
func keysOf(t reflect.Type, table toml.Key) (out []string) {
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name := f.Tag.Get("toml")
		switch {
		case name == "":
		case len(table) == 0:
			out = append(out, name)
		case name == table[0]:
			return keysOf(f.Type, table[1:])
		}
	}
	return out
}

// nearestOf proposes a key for one that does not exist.
func nearestOf(key string, known []string) string {
	best, least := "", 1<<30
	for _, k := range known {
		if d := distance(key, k); d < least {
			best, least = k, d
		}
	}
	all := "there are " + strings.Join(known, ", ")
	if least <= max(2, len(key)/3) {
		return "did you mean " + best + "? " + all
	}
	return all
}

// distance is how many letters differ between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := corner
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(above+1, row[j]+1, change)
			corner = above
		}
	}
	return row[len(b)]
}
