package record

// raterOrJudge is who rated: a record that names a judge and no rater is a model's, which is then its own
// rater; where a rater is named, a judge beside it says nothing of who rated.
func raterOrJudge(rater, judge string) (string, string) {
	if rater != "" {
		return rater, ""
	}
	return judge, judge
}

// JudgeOf names the model that gave a vote, a ranking or a rating; "" for a person's, and for records of
// another kind.
func JudgeOf(r any) string {
	switch r := r.(type) {
	case Vote:
		return r.Judge
	case Ranked:
		return r.Votes[0].Judge
	case Rating:
		return r.Judge
	}
	return ""
}

// AsJudge is a vote, a ranking or a rating as given by a model of this name; "" makes it one like people's.
// A record of another kind stays as it is.
func AsJudge(r any, name string) any {
	switch r := r.(type) {
	case Vote:
		r.Judge = name
		return r
	case Ranked:
		votes := make([]Vote, len(r.Votes))
		for i, v := range r.Votes {
			v.Judge = name
			votes[i] = v
		}
		r.Votes = votes
		return r
	case Rating:
		r.Judge = name
		return r
	}
	return r
}
