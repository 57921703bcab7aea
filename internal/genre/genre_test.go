package genre_test

import (
	"encoding/csv"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
)

func TestDefault(t *testing.T) {
	tax := genre.Default()
	if len(tax.Genres) != 51 || len(tax.Categories) != 8 || len(tax.Domains) != 8 || tax.MinCount != 15 {
		t.Fatalf("%d genres, %d categories, %d domains, minimum %d", len(tax.Genres), len(tax.Categories), len(tax.Domains), tax.MinCount)
	}
	for name, want := range map[string]string{
		"诗歌": "poetry", "Poetry": "poetry", "wuxia novels": "wuxia-novel", "小说-故事": "story", "小说": "story",
		"小说／故事": "story", "ＥＳＳＡＹ": "essay", "role play": "role-play",
	} {
		if g, ok := tax.Find(name); !ok || g.ID != want {
			t.Errorf("Find(%q) = %q, %v; want %q", name, g.ID, ok, want)
		}
	}
	if _, ok := tax.Find("食谱"); ok {
		t.Error("an unknown genre was found")
	}
	if got := tax.Nearest("武侠", 1); len(got) != 1 || got[0] != "武侠小说" {
		t.Errorf("Nearest(武侠) = %v", got)
	}
	if got := tax.Title("poetry", "en"); got != "Poetry" {
		t.Errorf("Title = %q", got)
	}
	if g, _ := tax.Get("poetry"); g.Tier != genre.Specialist {
		t.Error("poetry must be reviewed by specialists")
	}
}

// Every genre of the paper's list is found under its own names, in its own category.
func TestDefaultHoldsThePapersGenres(t *testing.T) {
	f, err := os.Open("../../../shared/paper/genres.csv")
	if err != nil {
		t.Skip("the paper's list of genres is not here:", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		for _, name := range []string{r[2], r[3]} {
			g, ok := genre.Default().Find(name)
			if !ok || g.Category != r[0] || g.Domain != r[1] {
				t.Errorf("%s: found %q in %s, %s", name, g.ID, g.Category, g.Domain)
			}
		}
		g, _ := genre.Default().Find(r[3])
		if r[4] == "" {
			if !g.Estimated {
				t.Errorf("%s: the paper counts none, so its ranges are ours", g.ID)
			}
			continue
		}
		for i, have := range []genre.Range{g.Article, g.Prompt, g.Reasoning} {
			least, _ := strconv.Atoi(r[5+3*i])
			most, _ := strconv.Atoi(r[7+3*i])
			if !have.Holds(least) || !have.Holds(most) {
				t.Errorf("%s: range %v would surprise at the paper's own %d to %d", g.ID, have, least, most)
			}
		}
	}
}

const small = `name: t
version: "1"
categories:
  - {id: a, zh: 甲, en: A}
domains:
  - {id: d, zh: 丁, en: D}
genres:
  - id: one
    zh: 一
    en: One
    category: a
    domain: d
    tier: standard
    article: [10, 20]
    prompt: [10, 20]
    reasoning: [10, 20]
`

func TestParseNamesLineAndRemedy(t *testing.T) {
	if _, err := genre.Parse("t.yaml", []byte(small)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown category", "category: a", "category: b", `t.yaml:11: genre "one": unknown category "b"`},
		{"unknown domain", "domain: d", "domain: x", `t.yaml:12: genre "one": unknown domain "x"`},
		{"bad tier", "tier: standard", "tier: gold", `t.yaml:13: genre "one": tier is "gold"`},
		{"turned range", "article: [10, 20]", "article: [20, 10]", `t.yaml:14: genre "one": article length is [20, 10]`},
		{"bad id", "id: one", "id: One!", `t.yaml:8: id "One!"`},
		{"no chinese name", "    zh: 一\n", "", `"one" has no name in "zh"`},
		{"unknown key", "tier: standard", "teir: standard", `t.yaml:13: unknown field "teir"`},
		{"not yaml", "genres:", "genres: [", `t.yaml:`},
		{"wrong type", "[10, 20]", "long", `t.yaml:14: genres[0].article is "long"; give [least, greatest]`},
		{"three numbers", "article: [10, 20]", "article: [1, 2, 3]", `t.yaml:14: genres[0].article is a list of 3`},
		{"half a number", "article: [10, 20]", "article: [1, 2.5]", `t.yaml:14: genres[0].article is "2.5"`},
		{"duplicate id", "genres:\n", "genres:\n  - {id: one, zh: 二, en: Two, category: a, domain: d, tier: standard, article: [1, 2], prompt: [1, 2], reasoning: [1, 2]}\n", `t.yaml:9: genre id "one" stands twice`},
		{"a name taken", "genres:\n", "genres:\n  - {id: two, zh: 二, en: ONE, category: a, domain: d, tier: standard, article: [1, 2], prompt: [1, 2], reasoning: [1, 2]}\n", `already`},
		{"an alias", "tier: standard", "tier: *x", `t.yaml:13:`},
		{"a second document", "name: t", "name: t\n---\nname: u", `a second document`},
		{"deep", "name: t", "name: " + strings.Repeat("[", 99), `t.yaml:1: nested more than`},
		{"deep lists", "name: t", "name:\n" + strings.Repeat("- ", 99), `t.yaml:2: nested more than`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := genre.Parse("t.yaml", []byte(strings.Replace(small, tc.old, tc.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
			if !errors.Is(err, errs.Invalid) {
				t.Errorf("kind of %v", err)
			}
		})
	}
}

func TestParseListsEveryProblem(t *testing.T) {
	bad := strings.NewReplacer("category: a", "category: b", "tier: standard", "tier: gold").Replace(small)
	_, err := genre.Parse("t.yaml", []byte(bad))
	if len(genre.Problems(err)) != 2 {
		t.Errorf("want two problems, got %v", err)
	}
	wrong := strings.NewReplacer("name: t", "nmae: t", "tier:", "teir:", "domain: d", "domain: [d]").Replace(small)
	_, err = genre.Parse("t.yaml", []byte(wrong))
	var lines []int
	for _, p := range genre.Problems(err) {
		lines = append(lines, p.Line)
	}
	// two unknown keys, a list for a text, and what is then missing: tier (at its genre) and domain
	if d := cmp.Diff([]int{1, 8, 12, 12, 13}, lines); d != "" {
		t.Errorf("lines %s\n%v", d, err)
	}
	if _, err := genre.Parse("t.yaml", nil); err == nil {
		t.Error("an empty file is no taxonomy")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, s := range []string{"genres: [{id: a, <<: *x}]", "genres: [{article: [1,2,3]}]", "a: &a [*a]", "? [a]\n: b", "name: |\n  x", "--- !!t\nname: x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tax, err := genre.Parse("f.yaml", data)
		if err != nil {
			return
		}
		for _, g := range tax.Genres {
			if got, ok := tax.Find(g.ZH); !ok || got.ID != g.ID {
				t.Errorf("genre %q is not found by its name %q", g.ID, g.ZH)
			}
		}
	})
}
