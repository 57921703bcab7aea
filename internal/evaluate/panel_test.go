package evaluate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
	"coigwriter/internal/record"
)

// A judge that takes the first place in both orders says nothing of the answers: every pair is a flipped
// tie, and the share of first places shows it. What it judged stays out of people's records, and a second
// run asks nothing.
func TestJudgeStudy(t *testing.T) {
	t.Parallel()
	l := newLab(t, 4, 2, nil)
	s := l.begin(t, "一", Pair, l.plan(func(p *Plan) { p.Attention, p.Repeats = 1, 0 }))
	l.everybody(t, s, careful(Pair))
	c, script := judge(t, llm.ScriptRule{Reply: `{"reasons":"先看到的好","winner":"A"}`})
	sum, err := JudgeStudy(t.Context(), l.d, c, JudgeRun{StudyID: s.ID, By: l.lead})
	if err != nil || sum.Wanted != 40 || sum.Added != 40 || sum.Flipped != 40 || sum.Open != 0 || script.Calls() != 80 {
		t.Fatalf("%+v after %d calls, %v", sum, script.Calls(), err)
	}
	again, err := JudgeStudy(t.Context(), l.d, c, JudgeRun{StudyID: s.ID, By: l.lead})
	if err != nil || again.There != 40 || again.Added != 0 || script.Calls() != 80 {
		t.Errorf("%+v after %d calls, %v", again, script.Calls(), err)
	}
	js, err := Judges(t.Context(), l.d, s.ID)
	if err != nil || len(js) != 1 || js[0].Verdicts != 40 || js[0].Flipped != 40 || js[0].FirstPlace != 80 || js[0].Decided != 80 || !js[0].Scripted {
		t.Errorf("%+v, %v", js, err)
	}
	r, err := RecordsOf(t.Context(), l.d, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.JudgeVotes) != 40 || slices.ContainsFunc(r.Votes, func(v VoteRecord) bool { return v.Judge != "" }) {
		t.Errorf("%d votes by the judge", len(r.JudgeVotes))
	}
	for _, v := range r.JudgeVotes {
		if v.Winner != record.WinnerTie || !slices.Equal(v.Readings, []string{"a", "b"}) || v.Rater != "" || !strings.Contains(v.Judge, "judge-pair@") || !strings.Contains(v.Judge, "temperature 0") {
			t.Fatalf("%+v", v)
		}
	}
}

// A judge that was stopped goes on; refusals are failures and no verdicts; marks are kept by dimension.
func TestJudgeStudyResumesAndFailsClosed(t *testing.T) {
	t.Parallel()
	l := newLab(t, 4, 2, nil)
	s := l.begin(t, "一", Rate, l.plan(func(p *Plan) { p.Attention = 0 }))
	marks := `{"reasons":"好","content_quality":3,"creative_merit":2,"cultural_appropriateness":1,"task_fulfilment":0,"overall_preference":2}`
	c, script := judge(t, llm.ScriptRule{Contains: "第2号作品", Mode: llm.ScriptRefused}, llm.ScriptRule{Reply: marks})
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := JudgeStudy(ctx, l.d, c, JudgeRun{StudyID: s.ID, By: l.lead, Concurrency: 2, Progress: func(Judgement, *llm.Failure) {
		if n++; n == 5 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	sum, err := JudgeStudy(t.Context(), l.d, c, JudgeRun{StudyID: s.ID, By: l.lead})
	if err != nil || sum.Wanted != 20 || sum.There < 3 || sum.Open != 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	js, err := Judges(t.Context(), l.d, s.ID)
	if err != nil || js[0].Verdicts != 15 || js[0].Failed != 5 {
		t.Errorf("%+v, %v; %d calls", js, err, script.Calls())
	}
	r, err := RecordsOf(t.Context(), l.d, s)
	if err != nil || len(r.JudgeRatings) != 15*len(Dimensions) {
		t.Fatalf("%d marks, %v", len(r.JudgeRatings), err)
	}
	for _, m := range r.JudgeRatings {
		if want := map[string]float64{"content_quality": 3, "creative_merit": 2, "cultural_appropriateness": 1, "task_fulfilment": 0, "overall_preference": 2}[m.Dimension]; m.Score != want {
			t.Fatalf("%+v", m)
		}
	}
	draft, err := New(t.Context(), l.d, l.lead, "草稿", Pair, l.plan(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := JudgeStudy(t.Context(), l.d, c, JudgeRun{StudyID: draft.ID}); !errors.Is(err, errs.Conflict) {
		t.Errorf("a draft: %v", err)
	}
}
