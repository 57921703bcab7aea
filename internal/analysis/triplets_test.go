package analysis_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"coigwriter/internal/analysis"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
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
	if d := cmp.Diff([]string{"Poetry", "(no known genre)", "Wuxia Novels", "食谱"}, names); d != "" {
		t.Error(d)
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
