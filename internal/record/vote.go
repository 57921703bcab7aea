package record

import (
	"encoding/json"
	"strings"
)

// The winners of a vote.
const (
	WinnerA       = "a"
	WinnerB       = "b"
	WinnerTie     = "tie"
	WinnerBothBad = "both_bad"
)

// A Vote is one rater's choice between the outputs of two models for one query.
type Vote struct {
	QueryID, Language, Genre string
	ModelA, ModelB           string
	Winner                   string // WinnerA and so on
	Rater                    string // "" when the file does not say
	// Judge names the model that judged; "" for a person. A judge is its own Rater.
	Judge            string
	Readings         []string // a judge's verdict on each order, both as Winner; none where the file does not say
	First            string   // the side that was shown first or left: a, b, or "" when unknown
	LengthA, LengthB float64
	Ranked           bool // one of the votes that a ranking stands for
	Of               int  // how many models that ranking holds
}

var winners = map[string]string{
	"a": WinnerA, "model_a": WinnerA, "left": WinnerA, "1": WinnerA,
	"b": WinnerB, "model_b": WinnerB, "right": WinnerB, "2": WinnerB,
	"tie": WinnerTie, "draw": WinnerTie, "equal": WinnerTie, "both_bad": WinnerBothBad, "bothbad": WinnerBothBad, "tie (bothbad)": WinnerBothBad, "bad": WinnerBothBad, "neither": WinnerBothBad,
}

// DecodeVotes reads a record as votes: either a vote (query_id, language, genre, model_a, model_b,
// winner: a, b, tie or both_bad, or the model's name; rater, or judge where a model judged, readings;
// shown_first, length_a, length_b), or a ranking (query_id, …, ranked: the models, best first), which is k(k-1)/2 votes that belong together.
// A *BadRecord names the field that is wrong.
func DecodeVotes(raw Raw) ([]Vote, error) {
	f, err := newFields(raw)
	if err != nil {
		return nil, err
	}
	v := Vote{
		QueryID: f.text("query_id", "query", "question_id", "id"), Language: f.text("language", "lang"), Genre: f.text("genre"),
		Rater: f.text("rater", "annotator", "evaluator"), Judge: f.text("judge"),
	}
	v.Rater, v.Judge = raterOrJudge(v.Rater, v.Judge)
	if v.QueryID == "" {
		return nil, f.badf("query_id", "is missing; votes on one query belong together")
	}
	if list, ok := f.m["ranked"]; ok {
		return v.ranking(f, list)
	}
	v.ModelA, v.ModelB = f.text("model_a", "a"), f.text("model_b", "b")
	said, first := f.text("winner", "outcome", "preference"), f.text("shown_first", "first", "left")
	v.LengthA, v.LengthB = f.number("length_a", "len_a"), f.number("length_b", "len_b")
	if err := f.err(); err != nil {
		return nil, err
	}
	switch {
	case v.LengthA < 0 || v.LengthB < 0:
		return nil, f.badf("length_a", "a length is %v; lengths are not negative", min(v.LengthA, v.LengthB))
	case v.ModelA == "" || v.ModelB == "":
		return nil, f.badf("model_a", "model_a and model_b must both be named (or ranked, a list of models)")
	case v.ModelA == v.ModelB:
		return nil, f.badf("model_b", "both sides are %q; a model is not compared with itself", cut(v.ModelA))
	case said == "":
		return nil, f.badf("winner", "is missing; write a, b, tie or both_bad")
	case said == v.ModelA:
		v.Winner = WinnerA
	case said == v.ModelB:
		v.Winner = WinnerB
	default:
		if v.Winner = winners[strings.ToLower(strings.TrimSpace(said))]; v.Winner == "" {
			return nil, f.badf("winner", "%q is not a winner of %q against %q; write a, b, tie or both_bad", cut(said), cut(v.ModelA), cut(v.ModelB))
		}
	}
	if list, ok := f.m["readings"]; ok {
		if json.Unmarshal(list, &v.Readings) != nil || len(v.Readings) != 2 || winners[v.Readings[0]] == "" || winners[v.Readings[1]] == "" {
			return nil, f.badf("readings", "must be two of a, b, tie, both_bad: the verdict on each order")
		}
	}
	switch strings.ToLower(first) {
	case "a", "model_a", strings.ToLower(v.ModelA):
		v.First = WinnerA
	case "b", "model_b", strings.ToLower(v.ModelB):
		v.First = WinnerB
	case "":
	default:
		return nil, f.badf("shown_first", "%q is neither side; write a or b", cut(first))
	}
	return []Vote{v}, nil
}

// ranking turns a list of models, best first, into the votes it stands for.
func (v Vote) ranking(f *fields, list json.RawMessage) ([]Vote, error) {
	var models []string
	if err := json.Unmarshal(list, &models); err != nil {
		return nil, f.badf("ranked", "must be a list of models, best first: %v", err)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if len(models) < 2 {
		return nil, f.badf("ranked", "has %d models; a ranking needs at least two", len(models))
	}
	var out []Vote
	for i, better := range models {
		for _, worse := range models[i+1:] {
			if better == worse || better == "" {
				return nil, f.badf("ranked", "%q stands twice, or a name is empty", cut(better))
			}
			w := v
			w.ModelA, w.ModelB, w.Winner, w.Ranked, w.Of = better, worse, WinnerA, true, len(models)
			out = append(out, w)
		}
	}
	return out, nil
}

// number reads a number that may be missing (0).
func (f *fields) number(names ...string) float64 {
	name, v, ok := f.take(names...)
	if !ok {
		return 0
	}
	var x float64
	if json.Unmarshal(v, &x) != nil {
		what := kindOf(v)
		if what == "a number" {
			what = cut(string(v)) // too large for one
		}
		f.errs = append(f.errs, f.badf(name, "is %s, must be a number", what))
	}
	return x
}

// A Ranking is one rater's order of the outputs for one query.
type Ranking struct {
	QueryID, Rater string
	Models         []string // best first
}

// DecodeRanking reads a record as a ranking; ok is false for a record without one.
func DecodeRanking(raw Raw) (r Ranking, ok bool, err error) {
	f, err := newFields(raw)
	if err != nil {
		return r, false, err
	}
	if _, ok := f.m["ranked"]; !ok {
		return r, false, nil
	}
	votes, err := DecodeVotes(raw)
	if err != nil {
		return r, false, err
	}
	r.QueryID, r.Rater = votes[0].QueryID, votes[0].Rater
	if r.Rater == "" {
		return r, false, f.badf("rater", "is missing; agreement is between raters")
	}
	return r, true, json.Unmarshal(f.m["ranked"], &r.Models)
}
