package evaluate

import (
	"strings"
	"testing"

	"coigwriter/internal/analysis"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/llm"
)

func judge(t *testing.T, rules ...llm.ScriptRule) (*llm.Client, *llm.Script) {
	t.Helper()
	s, err := llm.StartScript(rules...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c, err := llm.NewClient(s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, s
}

func TestJudgePair(t *testing.T) {
	t.Parallel()
	reply := func(winner string) string {
		return `{"reasons":"甲有水声，乙没有。","winner":"` + winner + `"}`
	}
	for name, tt := range map[string]struct {
		first, second string // what it says of each order
		want          string
		flipped       bool
	}{
		"the same answer twice":        {"A", "B", First, false},
		"the other":                    {"B", "A", Second, false},
		"likes the first place":        {"A", "A", Tie, true},
		"likes the second place":       {"B", "B", Tie, true},
		"a tie":                        {"tie", "tie", Tie, false},
		"neither":                      {"both_bad", "both_bad", BothBad, false},
		"a tie one way, not the other": {"tie", "A", Tie, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, s := judge(t, llm.ScriptRule{Times: 1, Reply: reply(tt.first)}, llm.ScriptRule{Times: 1, Reply: reply(tt.second)})
			d := dbtest.Open(t)
			v, err := JudgePair(t.Context(), d, c, "写雨夜", "水龙头滴答。", "雨很大。", llm.About{Kind: "pair", ID: "1"})
			if err != nil || v.Winner != tt.want || v.Flipped != tt.flipped || s.Calls() != 2 || v.CallIDs[0] == v.CallIDs[1] {
				t.Fatalf("%+v after %d calls, %v", v, s.Calls(), err)
			}
		})
	}
}

// A pair that was judged one way only has no verdict.
func TestJudgePairFailsClosed(t *testing.T) {
	t.Parallel()
	c, _ := judge(t, llm.ScriptRule{Times: 1, Reply: `{"reasons":"好","winner":"A"}`}, llm.ScriptRule{Mode: llm.ScriptRefused})
	v, err := JudgePair(t.Context(), dbtest.Open(t), c, "写雨夜", "甲文", "乙文", llm.About{Kind: "pair", ID: "1"})
	if f := llm.FailureOf(err); f == nil || f.Kind != llm.KindRefused || v.Winner != "" {
		t.Fatalf("%+v %v", v, err)
	}
}

func TestJudgeRating(t *testing.T) {
	t.Parallel()
	c, s := judge(t, llm.ScriptRule{Times: 1, Reply: `{"reasons":"稳","content_quality":3,"creative_merit":2,"cultural_appropriateness":2,"task_fulfilment":3,"overall_preference":2}`}, llm.ScriptRule{Mode: llm.ScriptRange})
	d := dbtest.Open(t)
	r, why, id, err := JudgeRating(t.Context(), d, c, "写雨夜", "水龙头滴答。", llm.About{Kind: "answer", ID: "1"})
	if err != nil || r != (Rating{3, 2, 2, 3, 2}) || why != "稳" || id == "" {
		t.Fatal(r, why, id, err)
	}
	if _, _, _, err := JudgeRating(t.Context(), d, c, "写雨夜", "另一篇。", llm.About{Kind: "answer", ID: "2"}); llm.FailureOf(err) == nil || s.Calls() != 3 {
		t.Fatalf("%v after %d calls", err, s.Calls())
	}
}

// A dimension has one name, on the form and in the tables of results.
func TestDimensionNames(t *testing.T) {
	for _, dim := range Dimensions {
		if zh, en := analysis.DimensionName(dim.Key, "zh"), analysis.DimensionName(dim.Key, "en"); zh != dim.Name.ZH || !strings.EqualFold(en, dim.Name.EN) {
			t.Errorf("%s is %s, %s on the form and %s, %s in tables", dim.Key, dim.Name.ZH, dim.Name.EN, zh, en)
		}
	}
}
