package evaluate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/llm"
)

// A Judgement is what a model said of one pair of an item's answers (in both orders), or its marks of one
// answer. Judgements are never among people's verdicts.
type Judgement struct {
	bun.BaseModel `bun:"table:study_judgement"`

	ID       string                  `json:"id"`
	StudyID  string                  `json:"-"`
	ItemID   string                  `json:"item_id"`
	Judge    string                  `json:"judge"` // model, prompt and its version, parameters: all that a result rests on
	Model    string                  `json:"model"`
	Prompt   string                  `json:"prompt"`
	First    int                     `json:"first"`            // of the item's answers; rating: the only one
	Second   int                     `json:"second"`           // rating: -1
	Winner   string                  `json:"winner,omitempty"` // First, Second, Tie, BothBad
	Flipped  bool                    `json:"flipped"`          // the orders disagreed: a tie
	InOrder  string                  `json:"in_order,omitempty"`
	Turned   string                  `json:"turned,omitempty"` // seen as in order
	Marks    db.JSON[map[string]int] `json:"marks"`
	Reasons  db.JSON[[]string]       `json:"reasons"`
	Calls    db.JSON[[]string]       `json:"calls"`
	Failure  string                  `json:"failure,omitempty"`
	Scripted bool                    `json:"scripted,omitempty"`
	At       time.Time               `json:"at"`
}

// A JudgeRun is a model judging a study.
type JudgeRun struct {
	StudyID     string
	By          string
	Limit       int // pairs or answers at most, 0 for all that are open
	Concurrency int // at once; 0 for the client's number in flight
	// Enough ends the run where it reports true: nothing is begun after that; nil for never.
	Enough func() bool
	// Progress is called after each, one at a time; nil for none.
	Progress func(j Judgement, f *llm.Failure)
}

// A JudgeSummary counts what a run did.
type JudgeSummary struct {
	Judge    string           `json:"judge"`
	Wanted   int              `json:"wanted"` // pairs of answers, or answers
	There    int              `json:"there"`  // before the run
	Added    int              `json:"added"`
	Flipped  int              `json:"flipped"` // of Added: the orders disagreed
	Failed   int              `json:"failed"`  // for good: refused, too long, bad output
	Open     int              `json:"open"`
	Failures map[llm.Kind]int `json:"failures,omitempty"`
	Stopped  *llm.Failure     `json:"-"`
}

// Identity names a judge by all that its verdicts rest on.
func Identity(c *llm.Client, kind string) (judge, prompt string) {
	name, version := pairPrompt.Name, pairPrompt.Version(c)
	if kind == Rate {
		name, version = ratingPrompt.Name, ratingPrompt.Version(c)
	}
	prompt = name + "@" + version
	return strings.TrimSpace(c.Endpoint().Model+" · "+prompt) + " · " + c.Endpoint().Sampling(), prompt
}

// A wish is one pair of an item's answers to be judged, or one answer.
type wish struct {
	item          Item
	first, second int
}

// JudgeStudy has the client's model judge what people compare or rate: every pair of an item in both
// orders, or every answer. What was judged by the same judge is not asked again, and a run that was
// stopped goes on. Attention items are not judged.
func JudgeStudy(ctx context.Context, d *db.DB, c *llm.Client, run JudgeRun) (sum JudgeSummary, err error) {
	defer errs.Wrap(&err, "judge study")
	s, err := Get(ctx, d, run.StudyID)
	if err != nil {
		return sum, err
	}
	if err := judgeable(s); err != nil {
		return sum, err
	}
	if !c.Configured() {
		return sum, errs.Unavailablef("no model is configured: set the endpoint's address and model")
	}
	judge, prompt := Identity(c, s.Kind)
	sum = JudgeSummary{Judge: judge, Failures: map[llm.Kind]int{}}
	wishes, err := judgeWishes(ctx, d, s, judge, run.Limit, &sum)
	if err != nil {
		return sum, err
	}
	sum.Stopped, err = llm.Each(ctx, c, wishes, run.Concurrency, run.Enough, func(ctx context.Context, w wish) (*llm.Failure, func(), error) {
		j := Judgement{ID: db.NewID(), StudyID: s.ID, ItemID: w.item.ID, Judge: judge, Model: c.Endpoint().Model, Prompt: prompt, First: w.first, Second: w.second, Scripted: c.Endpoint().Scripted()}
		f, err := judgeOne(ctx, d, c, s, w, &j, run.By)
		return f, func() {
			sum.add(j, f)
			if run.Progress != nil {
				run.Progress(j, f)
			}
		}, err
	})
	sum.Open = sum.Wanted - sum.There - sum.Added - sum.Failed
	return sum, err
}

func (s *JudgeSummary) add(j Judgement, f *llm.Failure) {
	switch {
	case f == nil:
		s.Added++
		if j.Flipped {
			s.Flipped++
		}
	case f.Kind.Final():
		s.Failed++
		s.Failures[f.Kind]++
	default:
		s.Failures[f.Kind]++
	}
}

func judgeWishes(ctx context.Context, d *db.DB, s Study, judge string, limit int, sum *JudgeSummary) (out []wish, err error) {
	var items []Item
	err = d.All(ctx, &items, `SELECT i.* FROM study_item i JOIN query q ON q.id = i.query_id WHERE i.study_id = ? AND i.kind = 'real' AND q.withdrawn_at IS NULL ORDER BY i.position`, s.ID)
	if err != nil {
		return nil, err
	}
	type key struct {
		ItemID        string
		First, Second int
	}
	var have []key
	if err := d.All(ctx, &have, `SELECT item_id, first, second FROM study_judgement WHERE study_id = ? AND judge = ?`, s.ID, judge); err != nil {
		return nil, err
	}
	there := map[key]bool{}
	for _, h := range have {
		there[h] = true
	}
	add := func(it Item, first, second int) {
		sum.Wanted++
		if there[key{it.ID, first, second}] {
			sum.There++
		} else if limit <= 0 || len(out) < limit {
			out = append(out, wish{it, first, second})
		}
	}
	for _, it := range items {
		if s.Kind == Rate {
			add(it, 0, -1)
			continue
		}
		for i := range it.Answers.V {
			for j := i + 1; j < len(it.Answers.V); j++ {
				add(it, i, j)
			}
		}
	}
	return out, nil
}

// judgeOne asks and stores. A failure that says nothing about the answers stores nothing: it stays open.
func judgeOne(ctx context.Context, d *db.DB, c *llm.Client, s Study, w wish, j *Judgement, by string) (*llm.Failure, error) {
	q, err := bench.GetQuery(ctx, d, w.item.QueryID)
	if err != nil {
		return nil, err
	}
	answers, err := answersOf(ctx, d, w.item.Answers.V)
	if err != nil {
		return nil, err
	}
	first := answers[w.item.Answers.V[w.first]].Output
	about := llm.About{Kind: "study-item", ID: w.item.ID}
	j.Marks, j.Reasons, j.Calls = db.AsJSON(map[string]int{}), db.AsJSON([]string{}), db.AsJSON([]string{})
	if s.Kind == Rate {
		r, reasons, call, asked := JudgeRating(ctx, d, c, q.Prompt, first, about)
		err = asked
		j.Reasons.V, j.Calls.V, j.Marks.V = []string{reasons}, []string{call}, r.Marks()
	} else {
		v, asked := JudgePair(ctx, d, c, q.Prompt, first, answers[w.item.Answers.V[w.second]].Output, about)
		err = asked
		j.Winner, j.Flipped, j.InOrder, j.Turned = v.Winner, v.Flipped, v.Said[0], v.Said[1]
		j.Reasons.V, j.Calls.V = v.Reasons[:], v.CallIDs[:]
	}
	f := llm.FailureOf(err)
	switch {
	case err != nil && f == nil:
		return nil, err
	case f != nil && !f.Kind.Final():
		return f, nil
	case f != nil:
		j.Failure, j.Winner = string(f.Kind), ""
	}
	return f, d.Transact(ctx, func(tx *db.DB) error {
		j.At = tx.Now()
		// Another process may have had the same verdict from the same calls.
		n, err := tx.Exec(ctx, `INSERT INTO study_judgement (id, study_id, item_id, judge, model, prompt, first, second, winner, flipped, in_order, turned, marks, reasons, calls, failure, scripted, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			j.ID, j.StudyID, j.ItemID, j.Judge, j.Model, j.Prompt, j.First, j.Second, j.Winner, j.Flipped, j.InOrder, j.Turned, j.Marks, j.Reasons, j.Calls, j.Failure, j.Scripted, j.At)
		if err != nil || n == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Kind: "judgement", ID: j.ID, Actor: "model:" + j.Model, Action: "judge", Reason: j.Failure,
			Data: map[string]any{"item": j.ItemID, "judge": j.Judge, "first": j.First, "second": j.Second, "winner": j.Winner, "flipped": j.Flipped, "marks": j.Marks.V, "calls": j.Calls.V, "by": by},
		})
	})
}

// A Judge is a model that judged a study, with what it did.
type Judge struct {
	Judge    string `json:"judge"`
	Model    string `json:"model"`
	Prompt   string `json:"prompt"`
	Verdicts int    `json:"verdicts"`
	Flipped  int    `json:"flipped"`
	Failed   int    `json:"failed"`
	// FirstPlace and Decided: of all single readings that chose a side, those that chose what stood first.
	FirstPlace int  `json:"chose_first"`
	Decided    int  `json:"readings_decided"`
	Scripted   bool `json:"scripted,omitempty"`
}

// Judges returns the models that judged a study.
func Judges(ctx context.Context, d *db.DB, studyID string) ([]Judge, error) {
	var js []Judge
	err := d.All(ctx, &js, `SELECT judge, model, prompt, SUM(CASE WHEN failure = '' THEN 1 ELSE 0 END) AS verdicts, SUM(CASE WHEN flipped THEN 1 ELSE 0 END) AS flipped,
			SUM(CASE WHEN failure <> '' THEN 1 ELSE 0 END) AS failed,
			SUM(CASE WHEN in_order = 'A' THEN 1 ELSE 0 END) + SUM(CASE WHEN turned = 'B' THEN 1 ELSE 0 END) AS first_place,
			SUM(CASE WHEN in_order IN ('A', 'B') THEN 1 ELSE 0 END) + SUM(CASE WHEN turned IN ('A', 'B') THEN 1 ELSE 0 END) AS decided,
			MAX(CASE WHEN scripted THEN 1 ELSE 0 END) = 1 AS scripted
		FROM study_judgement WHERE study_id = ? GROUP BY judge, model, prompt ORDER BY judge`, studyID)
	return js, err
}

// JudgementsOn returns what models said of an item.
func JudgementsOn(ctx context.Context, d *db.DB, itemID string) ([]Judgement, error) {
	var js []Judgement
	err := d.All(ctx, &js, `SELECT * FROM study_judgement WHERE item_id = ? ORDER BY judge, first, second`, itemID)
	return js, err
}

// String says in words what a run did.
func (s JudgeSummary) String() string {
	return fmt.Sprintf("%s: %d of %d judged, %d flipped, %d failed, %d open", s.Judge, s.There+s.Added, s.Wanted, s.Flipped, s.Failed, s.Open)
}
