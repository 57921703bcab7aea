package record

import (
	"encoding/json"
	"math"
	"strconv"
)

// A Rating is one score that a rater gave an item on one dimension.
type Rating struct {
	Item, Query, Rater, Dimension string
	Model, Genre, Language        string // of the output that was rated; "" where the file does not say
	Judge                         string // the model that judged; "" for a person. A judge is its own Rater
	Score                         float64
}

// DecodeRating reads a record as a rating: item_id (or query_id and model), rater, dimension ("" for the
// only one), score, query_id where items of one query belong together, and model, genre and language of
// what was rated. A score that is no number is refused; null is a
// rating that was not given, and ok is false.
func DecodeRating(raw Raw) (r Rating, ok bool, err error) {
	f, err := newFields(raw)
	if err != nil {
		return r, false, err
	}
	r.Item, r.Query, r.Rater, r.Dimension = f.text("item_id", "item", "id"), f.text("query_id"), f.text("rater", "annotator", "evaluator"), f.text("dimension", "criterion")
	r.Rater, r.Judge = raterOrJudge(r.Rater, f.text("judge"))
	r.Model, r.Genre, r.Language = f.text("model", "generator"), f.text("genre"), f.text("language", "lang")
	if r.Item == "" && r.Query != "" && r.Model != "" {
		r.Item = r.Query + " · " + r.Model
	}
	if r.Item == "" {
		return r, false, f.badf("item_id", "is missing; it says what was rated")
	}
	if r.Rater == "" {
		return r, false, f.badf("rater", "is missing; agreement is between raters")
	}
	name, v, given := f.take("score", "rating", "value", "label")
	if err := f.err(); err != nil || !given {
		return r, false, err
	}
	if json.Unmarshal(v, &r.Score) == nil {
		return r, true, nil
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		if x, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			r.Score = x
			return r, true, nil
		}
	}
	return r, false, f.badf(name, "%s is not a number", cut(string(v)))
}
