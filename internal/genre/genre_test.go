package genre_test

import (
	"encoding/csv"
	"errors"
	"os"
	"strings"
	"testing"

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
		{"wrong type", "[10, 20]", "long", `t.yaml:14:`},
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
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("want two problems, got %v", err)
	}
	if _, err := genre.Parse("t.yaml", nil); err == nil {
		t.Error("an empty file is no taxonomy")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("genres: [{id: a, <<: *x}]"))
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
