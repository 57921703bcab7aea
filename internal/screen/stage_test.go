package screen

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"coigwriter/internal/errs"
	"coigwriter/internal/source"
)

func five(n ...int) Judgement {
	j := Judgement{Scores: map[string]int{}}
	for i, dim := range Dimensions[Assessment] {
		j.Scores[dim] = n[i]
	}
	return j
}

func two(quality, creativity int) Judgement {
	return Judgement{Scores: map[string]int{"quality": quality, "creativity": creativity}}
}

func TestThresholds(t *testing.T) {
	t.Parallel()
	th := DefaultThresholds()
	for _, tt := range []struct {
		name  string
		stage string
		j     Judgement
		want  Ruling
		bit   []string
	}{
		{"just enough", Assessment, five(5, 6, 6, 6, 7), Pass, nil},
		{"mean too low", Assessment, five(5, 6, 6, 6, 6), Fail, []string{"mean 5.8 < 6"}},
		{"one too low", Assessment, five(10, 10, 10, 4, 10), Fail, []string{"logic 4 < 5"}},
		{"both", Assessment, five(1, 1, 5, 5, 5), Fail, []string{"completeness 1 < 5", "format 1 < 5", "mean 3.4 < 6"}},
		{"seven and seven", Screening, two(7, 7), Pass, nil},
		{"six", Screening, two(10, 6), Fail, []string{"creativity 6 < 7"}},
		{"a score is missing", Screening, Judgement{Scores: map[string]int{"quality": 10}}, Ask, []string{"creativity: give a whole number from 1 to 10"}},
		{"eleven", Screening, two(11, 8), Ask, []string{"quality: give a whole number from 1 to 10"}},
		{"no scores at all", Assessment, Judgement{}, Ask, nil},
		{"usable", Usability, Judgement{Usable: Yes}, Pass, nil},
		{"unusable", Usability, Judgement{Usable: No}, Fail, []string{"usable = no"}},
		{"unsure", Usability, Judgement{Usable: Unsure}, Ask, []string{"usable = unsure"}},
		{"nothing said", Usability, Judgement{}, Ask, []string{"usable: choose yes, no or unsure"}},
		{"talks to its judge", Usability, Judgement{Usable: Yes, SpeaksToJudge: true}, Ask, []string{"speaks to its judge"}},
		{"unknown stage", "taste", two(9, 9), Ask, []string{`stage "taste": use assessment, screening or usability`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, bit := th.Rule(tt.stage, tt.j)
			if got != tt.want {
				t.Errorf("ruling %s, want %s (%v)", got, tt.want, bit)
			}
			if tt.bit != nil {
				if diff := cmp.Diff(tt.bit, bit); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// Whatever is said, a pass means that every score is there, in range and over its threshold.
func TestNothingPassesUnscored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		stage := rapid.SampledFrom(Stages).Draw(t, "stage")
		j := Judgement{
			Scores: rapid.MapOf(rapid.SampledFrom(append([]string{"total"}, append(Dimensions[Assessment], "quality")...)), rapid.IntRange(-2, 20)).Draw(t, "scores"),
			Usable: rapid.SampledFrom([]string{"", Yes, No, Unsure, "YES"}).Draw(t, "usable"),
		}
		ruling, _ := DefaultThresholds().Rule(stage, j)
		if ruling != Pass {
			return
		}
		if stage == Usability && j.Usable != Yes {
			t.Fatalf("%+v passed", j)
		}
		for _, dim := range Dimensions[stage] {
			if s := j.Scores[dim]; s < 5 || s > 10 || stage == Screening && s < 7 {
				t.Fatalf("%+v passed", j)
			}
		}
	})
}

func TestThresholdsCheck(t *testing.T) {
	t.Parallel()
	if err := DefaultThresholds().Check(); err != nil {
		t.Error(err)
	}
	// Thresholds of zero would let everything through.
	if f := errs.FieldsOf(Thresholds{}.Check()); len(f) != 3 {
		t.Errorf("fields %v", f)
	}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	model := func(id string) Verdict { return Verdict{ID: id, Stage: Screening, JudgeKind: ByModel} }
	person := func(id string) Verdict { return Verdict{ID: id, Stage: Screening, JudgeKind: ByPerson} }
	for _, tt := range []struct {
		vs   []Verdict
		want string
	}{
		{[]Verdict{model("1"), model("2")}, "2"},
		{[]Verdict{person("1"), model("2")}, "1"},
		{[]Verdict{person("1"), model("2"), person("3"), model("4")}, "3"},
	} {
		if got := Current(tt.vs)[Screening].ID; got != tt.want {
			t.Errorf("%v: %s, want %s", tt.vs, got, tt.want)
		}
	}
}

// Every move that a verdict can cause is an arrow of source's table.
func TestNextIsAlwaysATransition(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, tr := range source.Transitions {
		known[tr.From+">"+tr.To] = true
	}
	all := map[string]Verdict{}
	for _, st := range Stages {
		all[st] = Verdict{Stage: st, Passed: true}
	}
	for _, state := range []string{source.Waiting, source.Held, source.Pool} {
		for _, reason := range []string{"", "date.ask", ReasonFailed + "bad_output"} {
			for _, ruling := range []Ruling{Pass, Fail, Ask} {
				for _, kind := range []string{ByModel, ByPerson} {
					s := &source.Source{State: state, Reason: reason}
					latest := Verdict{Stage: Usability, JudgeKind: kind, Passed: ruling == Pass}
					now := map[string]Verdict{Assessment: all[Assessment], Screening: all[Screening], Usability: latest}
					to, why := next(s, now, latest, ruling)
					if to != state && !known[state+">"+to] {
						t.Errorf("%s > %s", state, to)
					}
					if to == source.Refused && why == "" {
						t.Errorf("%s refused without a reason", state)
					}
					if to == source.Pool && state != source.Pool && (ruling != Pass || strings.HasPrefix(reason, "date.")) && state == source.Held {
						t.Errorf("held for %q, ruled %s, and in the pool", reason, ruling)
					}
					if state == source.Waiting && ruling != Pass && to == source.Pool {
						t.Errorf("ruled %s and in the pool", ruling)
					}
				}
			}
		}
	}
}
