package analysis_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"coigwriter/internal/analysis"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
	"coigwriter/internal/table"
	"coigwriter/internal/text"
)

func TestTripletStats(t *testing.T) {
	s := analysis.NewTripletStats(genre.Default())
	for _, tr := range []record.Triplet{
		{Genre: "诗歌", Prompt: "写诗", Reasoning: "想一想", Article: "山\n水"},
		{Genre: "Poetry", Prompt: "写一首诗", Article: "山水之间"},
		{Genre: "武侠小说", Prompt: "x", Reasoning: "yy", Article: "🌧雨"},
		{Genre: "食谱", Prompt: "x", Reasoning: "y", Article: "z"},
		{Prompt: "x", Reasoning: "y", Article: "z"},
	} {
		s.Add(tr)
	}
	got := s.Summary("en")
	ignore := cmpopts.IgnoreUnexported(analysis.Spread{})
	poetry := analysis.Group{
		ID: "poetry", Name: "Poetry", Category: "poetry", Count: 2, Share: 0.4,
		Article:   analysis.Spread{N: 2, Min: 3, Mean: 3.5, Max: 4},
		Prompt:    analysis.Spread{N: 2, Min: 2, Mean: 3, Max: 4},
		Reasoning: analysis.Spread{N: 1, Min: 3, Mean: 3, Max: 3},
	}
	if d := cmp.Diff(poetry, got.Genres[0], ignore); d != "" {
		t.Error(d)
	}
	names := []string{}
	for _, g := range got.Genres {
		names = append(names, g.Name)
	}
	if d := cmp.Diff([]string{"Poetry", "(no genre given)", "Wuxia Novels", "食谱"}, names); d != "" {
		t.Error(d)
	}
	if c := got.Categories[0]; c.ID != "" || c.Name != "(no known genre)" || c.Count != 2 {
		t.Errorf("triplets of no known genre are in %+v", c)
	}
	if len(got.Categories) != 3 || got.Categories[0].Count != 2 {
		t.Errorf("categories %+v", got.Categories)
	}
	if got.Overall.Count != 5 || got.Overall.Article.Mean != (3+4+2+1+1)/5.0 {
		t.Errorf("overall %+v", got.Overall)
	}
	total := 0
	for _, tab := range s.Tables("zh")[1:] {
		for _, r := range tab.Rows {
			total += r[1].(int)
		}
	}
	if total != 5 {
		t.Errorf("the tables hold %d of 5 triplets", total)
	}
	var b strings.Builder
	if err := s.Tables("zh")[0].Terminal(&b); err != nil || !strings.Contains(b.String(), "1—2.2—4") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestTripletStatsOfNothing(t *testing.T) {
	s := analysis.NewTripletStats(genre.Default())
	if got := s.Summary("zh"); got.Overall.Count != 0 || len(got.Genres) != 0 {
		t.Errorf("%+v", got)
	}
	if got := s.Tables("zh")[0].Rows[0][3]; got != "–" {
		t.Errorf("the lengths of nothing are %v", got)
	}
}

// Different unknown genres without end take a bounded number of rows, and none is lost.
func TestTripletStatsAreBounded(t *testing.T) {
	s := analysis.NewTripletStats(genre.Default())
	for i := range 3000 {
		s.Add(record.Triplet{Genre: fmt.Sprint("体裁", i), Article: "a", Prompt: "p"})
		s.Add(record.Triplet{Genre: strings.Repeat("长", 1000), Article: "a", Prompt: "p"})
	}
	got := s.Summary("zh")
	if len(got.Genres) > 600 || len(got.Categories) != 1 || got.Categories[0].Count != 6000 {
		t.Errorf("%d genres, categories %+v", len(got.Genres), got.Categories)
	}
	n := 0
	for _, g := range got.Genres {
		n += g.Count
		if text.Len(g.Name) > 61 {
			t.Errorf("a name of %d characters", text.Len(g.Name))
		}
	}
	if n != 6000 || got.Genres[1].Name != "（其余未知体裁）" {
		t.Errorf("%d of 6000 counted; second is %s", n, got.Genres[1].Name)
	}
}

// A corpus built to have the genres' counts and lengths of the paper gives the paper's overall
// row; its categories' means are those that follow from the records, which five rows of the
// paper's Table 5 are not.
func TestThePapersTables(t *testing.T) {
	f, err := os.Open("../../../shared/paper/genres.csv")
	if err != nil {
		t.Skip("the paper's table of genres is not here:", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	tax, s := genre.Default(), analysis.NewTripletStats(genre.Default())
	num := func(v string) float64 { x, _ := strconv.ParseFloat(v, 64); return x }
	want := map[string][3]string{}
	for _, r := range rows[1:] {
		if r[4] == "" {
			continue
		}
		n := int(num(r[4]))
		var parts [3][]int
		cells := [3]string{}
		for i := range parts {
			lo, mean, hi := num(r[5+3*i]), num(r[6+3*i]), num(r[7+3*i])
			parts[i] = lengthsOf(n, int(lo), mean, int(hi))
			cells[i] = r[5+3*i] + "—" + table.Cell(mean) + "—" + r[7+3*i]
		}
		g, _ := tax.Find(r[3])
		want[g.ID] = cells
		for i := range n {
			s.AddLengths(g.ID, g.Category, parts[0][i], parts[1][i], parts[2][i])
		}
	}
	got := s.Summary("en")
	if got.Overall.Count != 1665 || len(got.Genres) != 46 || len(got.Categories) != 7 {
		t.Fatalf("%d triplets, %d genres, %d categories", got.Overall.Count, len(got.Genres), len(got.Categories))
	}
	for _, g := range got.Genres {
		have := [3]string{g.Article.String(), g.Prompt.String(), g.Reasoning.String()}
		if d := cmp.Diff(want[g.ID], have); d != "" {
			t.Errorf("%s %s", g.ID, d)
		}
	}
	means := func(g analysis.Group) [3]string {
		return [3]string{fmt.Sprintf("%.2f", g.Article.Mean), fmt.Sprintf("%.2f", g.Prompt.Mean), fmt.Sprintf("%.2f", g.Reasoning.Mean)}
	}
	if d := cmp.Diff([3]string{"2214.31", "283.22", "1089.44"}, means(got.Overall)); d != "" {
		t.Errorf("overall %s", d)
	}
	for _, c := range got.Categories {
		switch c.ID {
		case "funny-literature": // 730, 186, 703 in the paper
			if d := cmp.Diff([3]string{"862.60", "197.59", "707.59"}, means(c)); d != "" {
				t.Errorf("%s %s", c.ID, d)
			}
		case "communication":
			if c.Count != 481 || table.Cell(table.Percent(c.Share)) != "28.9%" {
				t.Errorf("%s: %d, %v", c.ID, c.Count, c.Share)
			}
		}
	}
}

// lengthsOf returns n lengths with the given least, mean (to two decimals) and greatest.
func lengthsOf(n, lo int, mean float64, hi int) []int {
	out := make([]int, n)
	rest := int(math.Round(mean*float64(n))) - lo - hi
	out[0], out[n-1] = lo, hi
	for i := 1; i < n-1; i++ {
		out[i] = max(lo, min(hi, int(math.Round(float64(rest)/float64(n-1-i)))))
		rest -= out[i]
	}
	return out
}

func TestStatsOfTheReleasedSample(t *testing.T) {
	f, err := os.Open("../../../shared/data/coig_writer_repo/sample_triplet.jsonl")
	if err != nil {
		t.Skip("the released sample is not here:", err)
	}
	defer f.Close()
	rd, err := record.NewReader("sample", f)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	raw, err := rd.Next()
	if err != nil {
		t.Fatal(err)
	}
	tr, err := record.DecodeTriplet(raw)
	if err != nil {
		t.Fatal(err)
	}
	s := analysis.NewTripletStats(genre.Default())
	s.Add(tr)
	// Counted by another program: Python's len() over the same fields.
	got := s.Summary("en").Overall
	if d := cmp.Diff([4]int{1, 225, 151, 145}, [4]int{got.Count, got.Article.Max, got.Prompt.Max, got.Reasoning.Max}); d != "" {
		t.Error(d)
	}
}
