package record

// Line returns a record of the analyses as it is written, under the names of the file contract and with
// nothing that it does not know, so that a file of lines reads back as the same records: a value for
// [Writer.Write]. kind is what its file is called: votes, rankings, ratings, generations, labels,
// triplets or queries. ok is false for anything else.
func Line(r any) (kind string, line any, ok bool) {
	switch r := r.(type) {
	case Vote:
		return "votes", voteLine{
			QueryID: r.QueryID, Language: r.Language, Genre: r.Genre, ModelA: r.ModelA, ModelB: r.ModelB, Winner: r.Winner,
			Rater: person(r.Rater, r.Judge), Judge: r.Judge, Readings: r.Readings, First: r.First, LengthA: r.LengthA, LengthB: r.LengthB,
		}, true
	case Ranked:
		v := r.Votes[0]
		return "rankings", rankingLine{QueryID: r.QueryID, Language: v.Language, Genre: v.Genre, Rater: person(r.Rater, v.Judge), Judge: v.Judge, Ranked: r.Models}, true
	case Rating:
		r.Rater = person(r.Rater, r.Judge)
		return "ratings", ratingLine(r), true
	case Generation:
		g := generationLine{
			QueryID: r.QueryID, Model: r.Model, Language: r.Language, Genre: r.Genre, Prompt: r.Prompt, Reasoning: r.Reasoning, Output: r.Output,
			Finish: r.Finish, Sample: r.Sample,
		}
		if r.Tokens != 0 {
			g.Usage = &usageLine{r.Tokens}
		}
		return "generations", g, true
	case Label:
		return "labels", r, true
	case Triplet:
		return "triplets", tripletLine{
			ID: r.ID, Genre: r.Genre, Language: r.Language, Prompt: r.Prompt, Reasoning: r.Reasoning, Article: r.Article, Scores: r.Scores,
			Source: sourceLine{r.SourceURL, r.SourcePlatform, r.SourcePublished},
		}, true
	case Query:
		r.Extra = nil
		return "queries", r, true
	}
	return "", nil, false
}

// person is who rated where no model did: a judge stands under its own name.
func person(rater, judge string) string {
	if judge != "" {
		return ""
	}
	return rater
}

type voteLine struct {
	QueryID  string   `json:"query_id"`
	Language string   `json:"language,omitempty"`
	Genre    string   `json:"genre,omitempty"`
	ModelA   string   `json:"model_a"`
	ModelB   string   `json:"model_b"`
	Winner   string   `json:"winner"`
	Rater    string   `json:"rater,omitempty"`
	Judge    string   `json:"judge,omitempty"`
	Readings []string `json:"readings,omitempty"`
	First    string   `json:"shown_first,omitempty"`
	LengthA  float64  `json:"length_a,omitempty"`
	LengthB  float64  `json:"length_b,omitempty"`
}

type rankingLine struct {
	QueryID  string   `json:"query_id"`
	Language string   `json:"language,omitempty"`
	Genre    string   `json:"genre,omitempty"`
	Rater    string   `json:"rater,omitempty"`
	Judge    string   `json:"judge,omitempty"`
	Ranked   []string `json:"ranked"`
}

type ratingLine struct {
	Item      string  `json:"item_id"`
	Query     string  `json:"query_id,omitempty"`
	Rater     string  `json:"rater,omitempty"`
	Dimension string  `json:"dimension,omitempty"`
	Model     string  `json:"model,omitempty"`
	Genre     string  `json:"genre,omitempty"`
	Language  string  `json:"language,omitempty"`
	Judge     string  `json:"judge,omitempty"`
	Score     float64 `json:"score"`
}

type generationLine struct {
	QueryID   string     `json:"query_id"`
	Model     string     `json:"model"`
	Language  string     `json:"language,omitempty"`
	Genre     string     `json:"genre,omitempty"`
	Prompt    string     `json:"prompt,omitempty"`
	Reasoning string     `json:"reasoning,omitempty"`
	Output    string     `json:"output"`
	Usage     *usageLine `json:"usage,omitempty"`
	Finish    string     `json:"finish_reason,omitempty"`
	Sample    int        `json:"sample,omitempty"`
}

type usageLine struct {
	Completion float64 `json:"completion_tokens"`
}

type tripletLine struct {
	ID        string     `json:"id,omitempty"`
	Genre     string     `json:"genre,omitempty"`
	Language  string     `json:"language,omitempty"`
	Prompt    string     `json:"prompt"`
	Reasoning string     `json:"reasoning,omitempty"`
	Article   string     `json:"article"`
	Scores    *Scores    `json:"scores,omitempty"`
	Source    sourceLine `json:"source,omitzero"`
}

type sourceLine struct {
	URL       string `json:"url,omitempty"`
	Platform  string `json:"platform,omitempty"`
	Published string `json:"published_at,omitempty"`
}
