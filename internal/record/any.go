package record

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Ranked is a ranking together with the votes it stands for.
type Ranked struct {
	Ranking
	Votes []Vote
}

// names of the fields that tell kinds of records apart.
var (
	winnerNames  = []string{"winner", "outcome", "preference"}
	scoreNames   = []string{"score", "rating", "value", "label"}
	raterNames   = []string{"rater", "annotator", "evaluator", "judge"}
	madeByNames  = []string{"model", "generator", "model_id", "query_id", "usage", "finish_reason"}
	outputNames  = []string{"output", "response", "completion"}
	articleNames = []string{"article", "answer"}
	promptNames  = []string{"prompt", "query", "instruction", "reverse_inspiration_prompt"}
	thoughtNames = []string{"reasoning", "thought", "reasoning_process", "think"}
)

// Decode reads a record of any kind that the analyses know and returns a [Vote], [Ranked], [Label],
// [Rating], [Generation], [Triplet] or [Query]. The fields decide: ranked makes a ranking; a winner a
// vote; unit and label a label; a score and a rater a rating; an output with a model or query_id a
// generation, and so is one with a prompt and neither genre nor reasoning; any other text with a prompt
// is a triplet; a prompt alone a query. A generation without a model takes the one given. ok is false
// for a rating that was not given.
func Decode(raw Raw, model string) (record any, ok bool, err error) {
	f, err := newFields(raw)
	if err != nil {
		return nil, false, err
	}
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := f.m[name]; return ok })
	}
	switch {
	case has("ranked"):
		votes, err := DecodeVotes(raw)
		if err != nil {
			return nil, false, err
		}
		r := Ranked{Ranking{QueryID: votes[0].QueryID, Rater: votes[0].Rater}, votes}
		return r, true, json.Unmarshal(f.m["ranked"], &r.Models)
	case has(winnerNames...) && has("model_a", "a"):
		votes, err := DecodeVotes(raw)
		if err != nil {
			return nil, false, err
		}
		return votes[0], true, nil
	case has("unit") && has("label"):
		l, err := DecodeLabel(raw)
		return l, err == nil, err
	case has(scoreNames...) && has(raterNames...):
		return DecodeRating(raw)
	case has(madeByNames...) && (has(outputNames...) || has(articleNames...)), has(outputNames...) && !has(thoughtNames...) && !has("genre"):
		g, err := DecodeGeneration(raw, model)
		return g, err == nil, err
	case has(outputNames...) || has(articleNames...) || has(thoughtNames...):
		t, err := DecodeTriplet(raw)
		return t, err == nil, err
	case has(promptNames...):
		q, err := DecodeQuery(raw)
		return q, err == nil, err
	}
	return nil, false, f.badf("", "is no vote, ranking, rating, label, generation, triplet or query")
}

// AllText returns every text in a record, whatever its fields are called and however deep they lie, and
// its id where it has one: to look for something in files of any shape.
func AllText(raw Raw) (id, s string, err error) {
	f, err := newFields(raw)
	if err != nil {
		return "", "", err
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(f.m)) {
		var v any
		if err := json.Unmarshal(f.m[name], &v); err != nil {
			return "", "", f.badf(name, "cannot be read: %v", err)
		}
		textsIn(v, &b)
	}
	if id = f.text("id", "index", "query_id"); id == "" || f.err() != nil {
		id = strconv.Itoa(raw.Line)
	}
	return id, b.String(), nil
}

func textsIn(v any, b *strings.Builder) {
	switch v := v.(type) {
	case string:
		b.WriteString(v)
		b.WriteByte('\n')
	case []any:
		for _, x := range v {
			textsIn(x, b)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			textsIn(v[name], b)
		}
	}
}
