package screen

import (
	"fmt"
	"slices"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/project"
)

// The stages after the rules, in order. A source must pass all of them.
const (
	Assessment = "assessment" // five dimensions (paper section 2.1)
	Screening  = "screening"  // quality and creativity of the article (paper section 2.1)
	Usability  = "usability"  // whether an annotator can work from it
)

// Stages are the stages in the order they are judged.
var Stages = []string{Assessment, Screening, Usability}

// Dimensions are what the stages score, from 1 to 10, in the order they are shown.
var Dimensions = map[string][]string{
	Assessment: {"completeness", "format", "correctness", "logic", "creativity"},
	Screening:  {"quality", "creativity"},
	Usability:  {},
}

// The words of a judge on usability. Unsure passes nothing: a person must look.
const (
	Yes    = "yes"
	No     = "no"
	Unsure = "unsure"
)

// A Judgement is what a judge, a model or a person, says of a source at one stage.
type Judgement struct {
	Scores map[string]int `json:"scores,omitempty"` // dimension → 1-10; assessment and screening

	Usable        string `json:"usable,omitempty"`          // Yes, No or Unsure; usability
	Genre         string `json:"genre,omitempty"`           // the genre the judge suggests, an ID of the taxonomy
	Language      string `json:"language,omitempty"`        // the language the judge sees
	SpeaksToJudge bool   `json:"speaks_to_judge,omitempty"` // the text talks to whoever judges it
}

// Thresholds are what a source must reach. The paper names the dimensions but no numbers, so
// the defaults are ours: a first look only keeps out what is plainly poor, and screening asks
// for one point less than the gate of the finished triplet (8), which a revision could mend.
type Thresholds struct {
	AssessmentEach     int     `json:"assessment_each"` // 5: no dimension below the middle band
	AssessmentMean     float64 `json:"assessment_mean"` // 6
	ScreeningEach      int     `json:"screening_each"`  // 7
	AllowSpeaksToJudge bool    `json:"allow_to_judge"`  // false: a text that talks to its judge goes to a person
}

// DefaultThresholds returns the defaults named at the fields.
func DefaultThresholds() Thresholds { return ThresholdsOf(project.Defaults()) }

// ThresholdsOf returns the thresholds that a project has set.
func ThresholdsOf(s project.Settings) Thresholds {
	return Thresholds{AssessmentEach: s.AssessmentEach, AssessmentMean: s.AssessmentMean, ScreeningEach: s.ScreeningEach}
}

// Check reports what is wrong with the thresholds.
func (t Thresholds) Check() error {
	var bad []errs.Field
	for _, f := range []struct {
		name string
		v    float64
	}{{"assessment_each", float64(t.AssessmentEach)}, {"assessment_mean", t.AssessmentMean}, {"screening_each", float64(t.ScreeningEach)}} {
		if !(f.v >= 1 && f.v <= 10) {
			bad = append(bad, errs.Field{Name: f.name, Msg: "must be from 1 to 10"})
		}
	}
	return errs.Fields(bad...)
}

// check reports what is missing or out of range in a judgement at a stage.
func (j Judgement) check(stage string) error {
	dims, ok := Dimensions[stage]
	if !ok {
		return errs.Invalidf("stage %q: use assessment, screening or usability", stage)
	}
	var bad []errs.Field
	for _, dim := range dims {
		if s := j.Scores[dim]; s < 1 || s > 10 {
			bad = append(bad, errs.Field{Name: dim, Msg: "give a whole number from 1 to 10", Key: "error.score_range"})
		}
	}
	for dim := range j.Scores {
		if !slices.Contains(dims, dim) {
			bad = append(bad, errs.Field{Name: dim, Msg: "is not scored at this stage"})
		}
	}
	if stage == Usability && j.Usable != Yes && j.Usable != No && j.Usable != Unsure {
		bad = append(bad, errs.Field{Name: "usable", Msg: "choose yes, no or unsure", Key: "error.choose"})
	}
	return errs.Fields(bad...)
}

// A Ruling is what the thresholds make of a judgement.
type Ruling string

// The rulings. Only Pass lets a source go on.
const (
	Pass Ruling = "pass"
	Fail Ruling = "fail"
	Ask  Ruling = "ask" // a person must decide
)

// Rule holds a judgement against the thresholds and says which of them bit, as in "logic 4 < 5".
// A judgement that lacks a score, or has one outside 1-10, never passes.
func (t Thresholds) Rule(stage string, j Judgement) (Ruling, []string) {
	if err := j.check(stage); err != nil {
		return Ask, []string{err.Error()}
	}
	var bit []string
	least := map[string]int{Assessment: t.AssessmentEach, Screening: t.ScreeningEach}[stage]
	sum := 0
	for _, dim := range Dimensions[stage] {
		sum += j.Scores[dim]
		if j.Scores[dim] < least {
			bit = append(bit, fmt.Sprintf("%s %d < %d", dim, j.Scores[dim], least))
		}
	}
	if n := len(Dimensions[stage]); stage == Assessment && float64(sum)/float64(n) < t.AssessmentMean {
		bit = append(bit, fmt.Sprintf("mean %.1f < %g", float64(sum)/float64(n), t.AssessmentMean))
	}
	if stage == Usability {
		switch {
		case j.Usable == No:
			bit = append(bit, "usable = no")
		case j.Usable == Unsure:
			return Ask, []string{"usable = unsure"}
		case j.SpeaksToJudge && !t.AllowSpeaksToJudge:
			return Ask, []string{"speaks to its judge"}
		}
	}
	if len(bit) > 0 {
		return Fail, bit
	}
	return Pass, nil
}

// Reasons of a source's state that screening gives, as message keys.
const (
	ReasonBelow     = "screen.below."  // + stage: a judge's scores are under a threshold
	ReasonFailed    = "screen.failed." // + llm.Kind: no usable reply, and asking again would not help
	ReasonByPerson  = "screen.by_person"
	reasonsOfScreen = "screen."
)

// ReasonKeys lists every reason, for the message files.
func ReasonKeys() []string {
	keys := []string{ReasonByPerson}
	for _, s := range Stages {
		keys = append(keys, ReasonBelow+s)
	}
	for _, k := range finalKinds {
		keys = append(keys, ReasonFailed+string(k))
	}
	return keys
}

// ours reports whether screening gave this reason.
func ours(reason string) bool { return strings.HasPrefix(reason, reasonsOfScreen) }
