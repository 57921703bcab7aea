package evaluate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// A VoteRecord is a vote as files carry it; analyses read the same fields.
type VoteRecord struct {
	QueryID  string   `json:"query_id"`
	Language string   `json:"language"`
	Genre    string   `json:"genre"`
	ModelA   string   `json:"model_a"`
	ModelB   string   `json:"model_b"`
	Winner   string   `json:"winner"`             // a, b, tie, both_bad
	Rater    string   `json:"rater,omitempty"`    // pseudonym
	Judge    string   `json:"judge,omitempty"`    // the model that judged, in the place of a rater
	Readings []string `json:"readings,omitempty"` // a judge's verdict on each order
	First    string   `json:"shown_first,omitempty"`
	LengthA  int      `json:"length_a"` // characters
	LengthB  int      `json:"length_b"`
	Seconds  float64  `json:"seconds,omitempty"`
	Study    string   `json:"study"`
	Item     string   `json:"item"` // its number in the study
	Note     string   `json:"note,omitempty"`

	ItemID string `json:"-"`
	TaskID string `json:"-"`
}

// Vote is the record as the analyses take it.
func (v VoteRecord) Vote() record.Vote {
	return record.Vote{QueryID: v.QueryID, Language: v.Language, Genre: v.Genre, ModelA: v.ModelA, ModelB: v.ModelB, Winner: v.Winner, Rater: cmp.Or(v.Rater, v.Judge), Judge: v.Judge, Readings: v.Readings, First: v.First, LengthA: float64(v.LengthA), LengthB: float64(v.LengthB)}
}

// A RankingRecord is a ranking as files carry it.
type RankingRecord struct {
	QueryID  string   `json:"query_id"`
	Language string   `json:"language"`
	Genre    string   `json:"genre"`
	Rater    string   `json:"rater"`
	Ranked   []string `json:"ranked"` // models, best first
	Shown    []string `json:"shown"`  // models in the order they were shown
	Seconds  float64  `json:"seconds,omitempty"`
	Study    string   `json:"study"`
	Item     string   `json:"item"`
	Note     string   `json:"note,omitempty"`

	ItemID string `json:"-"`
	TaskID string `json:"-"`
}

// Votes are the votes that a ranking stands for; they depend on each other.
func (r RankingRecord) Votes() []record.Vote {
	var out []record.Vote
	for i, better := range r.Ranked {
		for _, worse := range r.Ranked[i+1:] {
			out = append(out, record.Vote{QueryID: r.QueryID, Language: r.Language, Genre: r.Genre, ModelA: better, ModelB: worse, Winner: record.WinnerA, Rater: r.Rater, Ranked: true})
		}
	}
	return out
}

// A RatingRecord is one mark as files carry it.
type RatingRecord struct {
	ItemID    string  `json:"item_id"` // query · model
	QueryID   string  `json:"query_id"`
	Model     string  `json:"model"`
	Language  string  `json:"language"`
	Genre     string  `json:"genre"`
	Rater     string  `json:"rater,omitempty"`
	Judge     string  `json:"judge,omitempty"`
	Dimension string  `json:"dimension"`
	Score     float64 `json:"score"`
	Study     string  `json:"study"`
	Item      string  `json:"item"`

	Of     string `json:"-"` // the item's ID
	TaskID string `json:"-"`
}

// Rating is the record as the analyses take it.
func (r RatingRecord) Rating() record.Rating {
	return record.Rating{Item: r.ItemID, Query: r.QueryID, Rater: cmp.Or(r.Rater, r.Judge), Judge: r.Judge, Dimension: r.Dimension, Model: r.Model, Genre: r.Genre, Language: r.Language, Score: r.Score}
}

// Records are all that a study has to say, as files carry it: what people said, and in lists of their own
// what models said. Found says what does not count, by rule.
type Records struct {
	Votes    []VoteRecord
	Rankings []RankingRecord
	Ratings  []RatingRecord

	JudgeVotes   []VoteRecord
	JudgeRatings []RatingRecord

	Raters []Rater
	Found  []Found // in the order of Rules
}

// RecordsOf reads a study's records. Repeats, attention items, verdicts of excluded raters and verdicts
// on queries withdrawn since do not count; each is counted in Found.
func RecordsOf(ctx context.Context, d *db.DB, s Study) (r Records, err error) {
	defer errs.Wrap(&err, "records of %s", s.Name)
	if s.Origin == Imported {
		return importedRecords(ctx, d, s)
	}
	js, err := judgedIn(ctx, d, s)
	if err != nil {
		return r, err
	}
	if r.Raters, err = ratersOf(ctx, d, s, js); err != nil {
		return r, err
	}
	var counted Drawn
	if err := notDone(ctx, d, s, &counted); err != nil {
		return r, err
	}
	x, err := newIndex(ctx, d, s)
	if err != nil {
		return r, err
	}
	rater := map[string]Rater{}
	for _, p := range r.Raters {
		rater[p.PersonID] = p
	}
	for _, j := range js {
		p := rater[j.PersonID]
		if rule := whyNot(j.Kind, j.RepeatOf != "", j.Withdrawn, p.Excluded); rule != "" {
			counted.found(rule, "", "")
			continue
		}
		r.add(s, x, j, p.Pseudonym)
	}
	counted.sort()
	r.Found = counted.Found
	return r, r.judged(ctx, d, s, x)
}

// whyNot is the rule by which a verdict does not count; "" where it counts.
func whyNot(kind string, repeat, withdrawn, excluded bool) string {
	switch {
	case kind == Attention:
		return RuleAttention
	case repeat:
		return RuleRepeat
	case withdrawn:
		return RuleNotCounted
	case excluded:
		return RuleExcluded
	}
	return ""
}

// notDone counts tasks without a verdict and verdicts that were taken back.
func notDone(ctx context.Context, d *db.DB, s Study, counted *Drawn) error {
	for _, q := range []struct{ rule, sql string }{
		{RuleUnfinished, `SELECT COUNT(*) FROM study_task WHERE study_id = ? AND state = 'open'`},
		{RuleTakenBack, `SELECT COUNT(*) FROM study_verdict WHERE study_id = ? AND taken_back_at IS NOT NULL`},
	} {
		var n int
		if err := d.One(ctx, &n, q.sql, s.ID); err != nil {
			return err
		}
		if n > 0 {
			counted.Found = append(counted.Found, Found{Rule: q.rule, Count: n})
		}
	}
	return nil
}

// An index knows the queries, the lengths of the answers and the numbers of the items of a study.
type index struct {
	query  map[string]bench.Query
	chars  map[string]int
	number map[string]int // item → its position
}

func newIndex(ctx context.Context, d *db.DB, s Study) (x index, err error) {
	x = index{map[string]bench.Query{}, map[string]int{}, map[string]int{}}
	qs, err := bench.Queries(ctx, d, s.Plan.V.SetID)
	if err != nil {
		return x, err
	}
	for _, q := range qs {
		x.query[q.ID] = q
	}
	var lengths []struct {
		ID    string
		Chars int
	}
	if err := d.All(ctx, &lengths, `SELECT a.id, a.chars FROM answer a JOIN query q ON q.id = a.query_id WHERE q.set_id = ?`, s.Plan.V.SetID); err != nil {
		return x, err
	}
	for _, l := range lengths {
		x.chars[l.ID] = l.Chars
	}
	var places []struct {
		ID       string
		Position int
	}
	if err := d.All(ctx, &places, `SELECT id, position FROM study_item WHERE study_id = ?`, s.ID); err != nil {
		return x, err
	}
	for _, p := range places {
		x.number[p.ID] = p.Position
	}
	return x, nil
}

func (x index) item(id string) string { return fmt.Sprint(x.number[id]) }

// add writes one verdict as records.
func (r *Records) add(s Study, x index, j judged, rater string) {
	q := x.query[j.QueryID]
	switch s.Kind {
	case Pair:
		v := x.vote(s, q, j.Answers.V, j.Models.V, 0, 1, j.ItemID)
		v.Winner, v.Rater, v.Seconds, v.Note, v.TaskID = winnerIn[j.Winner], rater, j.Seconds, j.Note, j.TaskID
		v.First = sides[j.Shown[0]]
		r.Votes = append(r.Votes, v)
	case Rank:
		k := RankingRecord{QueryID: q.Code, Language: q.Language, Genre: q.Genre, Rater: rater, Seconds: j.Seconds, Study: s.Name, Item: x.item(j.ItemID), Note: j.Note, ItemID: j.ItemID, TaskID: j.TaskID}
		for _, a := range j.Ranked.V {
			k.Ranked = append(k.Ranked, j.Models.V[a])
		}
		for _, a := range j.Shown {
			k.Shown = append(k.Shown, j.Models.V[a])
		}
		r.Rankings = append(r.Rankings, k)
	case Rate:
		for _, dim := range Dimensions {
			m := x.rating(s, q, j.Models.V[0], j.ItemID)
			m.Rater, m.Dimension, m.Score, m.TaskID = rater, dim.Key, float64(j.Marks.V[dim.Key]), j.TaskID
			r.Ratings = append(r.Ratings, m)
		}
	}
}

// winnerIn writes stored winners as files do.
var winnerIn = map[string]string{winFirst: record.WinnerA, winSecond: record.WinnerB, winTie: record.WinnerTie, winBothBad: record.WinnerBothBad}

func (x index) vote(s Study, q bench.Query, answers, models []string, a, b int, itemID string) VoteRecord {
	return VoteRecord{
		QueryID: q.Code, Language: q.Language, Genre: q.Genre, ModelA: models[a], ModelB: models[b],
		LengthA: x.chars[answers[a]], LengthB: x.chars[answers[b]], Study: s.Name, Item: x.item(itemID), ItemID: itemID,
	}
}

func (x index) rating(s Study, q bench.Query, model, itemID string) RatingRecord {
	return RatingRecord{ItemID: q.Code + " · " + model, QueryID: q.Code, Model: model, Language: q.Language, Genre: q.Genre, Study: s.Name, Item: x.item(itemID), Of: itemID}
}

// judged reads what models said.
func (r *Records) judged(ctx context.Context, d *db.DB, s Study, x index) error {
	type row struct {
		Judgement
		Answers db.JSON[[]string]
		Models  db.JSON[[]string]
		QueryID string
	}
	return db.Each(ctx, d, func(j *row) error {
		q := x.query[j.QueryID]
		if s.Kind == Rate {
			for _, dim := range Dimensions {
				m := x.rating(s, q, j.Models.V[0], j.ItemID)
				m.Judge, m.Dimension, m.Score = j.Judge, dim.Key, float64(j.Marks.V[dim.Key])
				r.JudgeRatings = append(r.JudgeRatings, m)
			}
			return nil
		}
		v := x.vote(s, q, j.Answers.V, j.Models.V, j.First, j.Second, j.ItemID)
		v.Judge, v.Winner, v.Readings = j.Judge, judgeWinner[j.Winner], []string{judgeWinner[j.InOrder], judgeWinner[j.Turned]}
		r.JudgeVotes = append(r.JudgeVotes, v)
		return nil
	}, `SELECT j.*, i.answers, i.models, i.query_id FROM study_judgement j JOIN study_item i ON i.id = j.item_id JOIN query q ON q.id = i.query_id
		WHERE j.study_id = ? AND j.failure = '' AND i.kind = 'real' AND q.withdrawn_at IS NULL ORDER BY j.judge, i.position, j.first, j.second`, s.ID)
}

// judgeWinner writes a judge's outcome as files do.
var judgeWinner = map[string]string{First: record.WinnerA, Second: record.WinnerB, Tie: record.WinnerTie, BothBad: record.WinnerBothBad}

// importedRecords reads the records of a study whose verdicts were given elsewhere.
func importedRecords(ctx context.Context, d *db.DB, s Study) (r Records, err error) {
	err = db.Each(ctx, d, func(row *struct{ Kind, Record string }) error {
		var err error
		switch row.Kind {
		case "vote":
			var v VoteRecord
			err = json.Unmarshal([]byte(row.Record), &v)
			if v.Judge != "" {
				r.JudgeVotes = append(r.JudgeVotes, v)
			} else {
				r.Votes = append(r.Votes, v)
			}
		case "ranking":
			var k RankingRecord
			err = json.Unmarshal([]byte(row.Record), &k)
			r.Rankings = append(r.Rankings, k)
		default:
			var m RatingRecord
			err = json.Unmarshal([]byte(row.Record), &m)
			if m.Judge != "" {
				r.JudgeRatings = append(r.JudgeRatings, m)
			} else {
				r.Ratings = append(r.Ratings, m)
			}
		}
		return err
	}, `SELECT kind, record FROM study_record WHERE study_id = ? ORDER BY position`, s.ID)
	return r, err
}

// Models are those of the records of people, in the order of the plan where it names them.
func (r Records) Models(p Plan) []string {
	if len(p.Models) > 0 {
		return p.Models
	}
	seen := map[string]bool{}
	for _, v := range r.Votes {
		seen[v.ModelA], seen[v.ModelB] = true, true
	}
	for _, k := range r.Rankings {
		for _, m := range k.Ranked {
			seen[m] = true
		}
	}
	for _, m := range r.Ratings {
		seen[m.Model] = true
	}
	out := make([]string, 0, len(seen))
	for m := range seen {
		out = append(out, m)
	}
	slices.Sort(out)
	return out
}
