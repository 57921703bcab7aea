package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"coigwriter/internal/genre"
	"coigwriter/internal/text"
)

func TestStarterCoversTheTaxonomy(t *testing.T) {
	tax := genre.Default()
	for _, lang := range Languages {
		qs := starter(t, lang)
		if len(qs) != 104 {
			t.Errorf("%s: %d queries, want 104", lang, len(qs))
		}
		genres, short := Cover(qs, tax)
		for _, g := range genres {
			if g.Short {
				t.Errorf("%s: %s has %d queries, want %d", lang, g.Genre, g.Count[lang], EachGenre)
			}
		}
		if short != 0 || len(genres) != 51 {
			t.Errorf("%s: %d genres, %d of them short", lang, len(genres), short)
		}
		levels := map[string]int{}
		for _, q := range qs {
			levels[q.Difficulty]++
		}
		for _, d := range Difficulties {
			if share := float64(levels[d]) / float64(len(qs)); share < 0.15 || share > 0.6 {
				t.Errorf("%s: %d of %d queries are %s", lang, levels[d], len(qs), d)
			}
		}
	}
}

func TestStarterQueriesAreWhole(t *testing.T) {
	tax := genre.Default()
	least := map[string]int{"zh": 60, "en": 40} // code points, words
	for _, lang := range Languages {
		count := map[string]int{}
		for _, q := range starter(t, lang) {
			was := q.Record()
			if err := q.settle(tax); err != nil {
				t.Errorf("%s: %v", q.Code, err)
				continue
			}
			count[q.Genre]++
			if want := fmt.Sprintf("%s-%s-%d", lang, q.Genre, count[q.Genre]); q.Code != want {
				t.Errorf("id %s, want %s", q.Code, want)
			}
			if now := q.Record(); now.Genre != was.Genre || now.Prompt != was.Prompt {
				t.Errorf("%s: the genre is no id, or the prompt is not as it is stored", q.Code)
			}
			if q.Language != lang || text.Language(q.Prompt) != lang || text.Language(q.Context) != lang {
				t.Errorf("%s: is not in %s throughout", q.Code, lang)
			}
			if q.Style == "" || q.Theme == "" || q.Context == "" || q.LengthMin <= 0 || q.LengthMax < q.LengthMin {
				t.Errorf("%s: style, theme, context or length is missing", q.Code)
			}
			size := text.Len(q.Prompt)
			if lang == "en" {
				size = len(strings.Fields(q.Prompt))
			}
			if size < least[lang] {
				t.Errorf("%s: the prompt is %d long, want at least %d", q.Code, size, least[lang])
			}
		}
	}
}

// A line is what we would write ourselves: these fields in this order, and nothing else.
func TestStarterLinesAreOurs(t *testing.T) {
	for _, lang := range Languages {
		data, err := starterFiles.ReadFile("starter/" + lang + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		for _, q := range starter(t, lang) {
			line, err := json.Marshal(q.Record())
			if err != nil {
				t.Fatal(err)
			}
			want.Write(append(line, '\n'))
		}
		got := strings.Split(string(data), "\n")
		for i, line := range strings.Split(want.String(), "\n") {
			if i >= len(got) || got[i] != line {
				t.Fatalf("%s.jsonl, line %d: want\n%s", lang, i+1, line)
			}
		}
	}
}

func TestStarterHasNoTwins(t *testing.T) {
	for _, lang := range Languages {
		qs := starter(t, lang)
		if twins := NewDetector(qs).Twins(); len(twins) > 0 {
			t.Errorf("%s: nearly the same: %v", lang, twins)
		}
		again := qs[0]
		again.Code = "again"
		if twins := NewDetector(append(qs, again)).Twins(); len(twins) != 1 {
			t.Errorf("%s: a query added twice makes %d pairs, want 1", lang, len(twins))
		}
	}
}

// Models see nothing but the prompt, so the length that an answer is held to must stand in it.
func TestStarterPromptsSayTheirLength(t *testing.T) {
	seen := map[string]bool{}
	for _, lang := range Languages {
		for _, q := range starter(t, lang) {
			seen[q.LengthUnit] = true
			if !saysLength(q) {
				t.Errorf("%s: no length in %v within %d to %d %s: %s", q.Code, lengthsIn(q.Prompt, q.LengthUnit), q.LengthMin, q.LengthMax, q.LengthUnit, q.Prompt)
			}
			other := q
			other.LengthMin, other.LengthMax = q.LengthMax*2+1, q.LengthMax*4
			if saysLength(other) {
				t.Errorf("%s: says %v, which passes for twice its length too", q.Code, lengthsIn(q.Prompt, q.LengthUnit))
			}
		}
	}
	for _, unit := range Units {
		if !seen[unit] {
			t.Errorf("no query counts %s", unit)
		}
	}
	for _, c := range []struct {
		prompt, unit string
		want         []int
	}{
		{"写六百到九百字，分三段", "characters", []int{600, 900}},
		{"一千二百字上下，每条 20 字以内", "characters", []int{1200, 20}},
		{"十六到二十二行，两千零五年", "lines", []int{16, 22}},
		{"between 1,100 and 1,400 words in 12 letters", "words", []int{1100, 1400}},
		{"nineteen lines, thirty-six stresses", "lines", []int{19}},
		{"写得长一些", "characters", nil},
	} {
		if got := lengthsIn(c.prompt, c.unit); !slices.Equal(got, c.want) {
			t.Errorf("%s: lengths %v, want %v", c.prompt, got, c.want)
		}
	}
}

func starter(t *testing.T, lang string) (qs []Query) {
	t.Helper()
	rs, err := Starter(lang)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if len(r.Extra) > 0 {
			t.Errorf("%s: has fields of no meaning: %v", r.ID, r.Extra)
		}
		qs = append(qs, QueryOf(r))
	}
	return qs
}

// saysLength reports whether the prompt names a number of the query's unit that its range allows.
func saysLength(q Query) bool {
	return slices.ContainsFunc(lengthsIn(q.Prompt, q.LengthUnit), func(n int) bool { return n >= q.LengthMin && n <= q.LengthMax })
}

const (
	numeral = `([0-9][0-9,]*|[一二两三四五六七八九十百千零]+|[a-z]+(?:-[a-z]+)?)`
	between = `(?:` + numeral + ` ?(?:到|至|to|and) ?)?` + numeral
)

var lengthPatterns = map[string]*regexp.Regexp{
	"characters": regexp.MustCompile(between + ` ?个?字`),
	"words":      regexp.MustCompile(between + `[ -]words?`),
	"lines":      regexp.MustCompile(between + `(?: ?行| lines)`),
}

// lengthsIn lists the numbers, in figures or written out, that stand before a unit.
func lengthsIn(prompt, unit string) (out []int) {
	for _, m := range lengthPatterns[unit].FindAllStringSubmatch(strings.ToLower(prompt), -1) {
		for _, s := range m[1:] {
			if n := number(s); n > 0 {
				out = append(out, n)
			}
		}
	}
	return out
}

var numbers = map[string]int{
	"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
	"eight": 8, "twelve": 12, "fourteen": 14, "sixteen": 16, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
}

// number reads 1,200, 一千二百 and forty; 0 for what is no number.
func number(s string) (n int) {
	if v, err := strconv.Atoi(strings.ReplaceAll(s, ",", "")); err == nil {
		return v
	}
	if v, ok := numbers[s]; ok {
		return v
	}
	digit := 0
	for _, r := range s {
		switch unit := map[rune]int{'十': 10, '百': 100, '千': 1000}[r]; {
		case unit > 0:
			n, digit = n+max(digit, 1)*unit, 0
		case r == '零':
		default:
			if digit = numbers[string(r)]; digit == 0 {
				return 0
			}
		}
	}
	return n + digit
}
