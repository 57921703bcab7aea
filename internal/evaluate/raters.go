package evaluate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/stats"
)

// The rules of what is counted, beside those of what is drawn.
const (
	RuleNotCounted = "withdrawn-since" // the query was withdrawn after it was voted on
	RuleRepeat     = "repeat"
	RuleAttention  = "attention"
	RuleExcluded   = "excluded"
	RuleUnfinished = "unfinished"
	RuleTakenBack  = "taken-back"
)

// A Rater is one person in a study: how much they did, and how carefully.
type Rater struct {
	PersonID   string  `json:"-"`
	Pseudonym  string  `json:"rater"`
	Name       string  `json:"-"`
	Tasks      int     `json:"tasks"`
	Done       int     `json:"done"`
	Checked    int     `json:"attention"`         // attention items answered
	Passed     int     `json:"attention_passed"`  // of them
	Repeated   int     `json:"repeats"`           // answered twice
	Consistent float64 `json:"repeats_agreement"` // rank: mean tau; rate: share of marks that differ by at most 1; else share that is the same
	Median     float64 `json:"median_seconds"`
	Fast       int     `json:"fast"`     // verdicts faster than the plan's least time: a signal only
	Sees       bool    `json:"unblind"`  // may see who wrote what: their roles allow it
	Excluded   bool    `json:"excluded"` // their verdicts do not count
	Why        string  `json:"why,omitempty"`
	ByRule     bool    `json:"by_rule"` // excluded by the rule of attention items that was written down before
}

// A judged is a verdict with all that its counting needs.
type judged struct {
	Verdict
	PersonID string
	ItemID   string
	Shown    []int
	RepeatOf string
	place    int // in the person's order
	*judgedItem
}

// A judgedItem is what a verdict is about.
type judgedItem struct {
	ID        string
	Position  int
	Kind      string
	Foil      int
	Answers   db.JSON[[]string]
	Models    db.JSON[[]string]
	QueryID   string
	Withdrawn bool
}

// judgedIn reads the verdicts of a study that stand, in the order of items, people and tasks. Tables are
// joined here and lists sorted here: of twenty thousand verdicts a database makes slower work.
func judgedIn(ctx context.Context, d *db.DB, s Study) ([]judged, error) {
	var items []judgedItem
	err := d.All(ctx, &items, `SELECT i.id, i.position, i.kind, i.foil, i.answers, i.models, i.query_id, CASE WHEN q.withdrawn_at IS NULL THEN FALSE ELSE TRUE END AS withdrawn
		FROM study_item i JOIN query q ON q.id = i.query_id WHERE i.study_id = ?`, s.ID)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*judgedItem, len(items))
	for i := range items {
		byID[items[i].ID] = &items[i]
	}
	var tasks []struct {
		ID, ItemID, PersonID, Shown, RepeatOf string
		Position                              int
	}
	if err := d.All(ctx, &tasks, `SELECT id, item_id, person_id, shown, repeat_of, position FROM study_task WHERE study_id = ? AND state = 'done'`, s.ID); err != nil {
		return nil, err
	}
	at := make(map[string]int, len(tasks))
	for i, t := range tasks {
		at[t.ID] = i
	}
	var verdicts []struct {
		ID, TaskID, Winner, Said, Note string
		Seconds                        float64
		GivenAt                        time.Time
	}
	said := map[string]string{Pair: "''", Rank: "ranked", Rate: "marks"}[s.Kind]
	if err := d.All(ctx, &verdicts, `SELECT id, task_id, winner, `+said+` AS said, note, seconds, given_at FROM study_verdict WHERE study_id = ? AND taken_back_at IS NULL`, s.ID); err != nil {
		return nil, err
	}
	js := make([]judged, 0, len(verdicts))
	for _, v := range verdicts {
		i, ok := at[v.TaskID]
		if !ok {
			continue // it was taken back between the two readings
		}
		t := tasks[i]
		j := judged{Verdict: Verdict{ID: v.ID, TaskID: v.TaskID, Winner: v.Winner, Note: v.Note, Seconds: v.Seconds, GivenAt: v.GivenAt}, PersonID: t.PersonID, ItemID: t.ItemID, RepeatOf: t.RepeatOf, place: t.Position, judgedItem: byID[t.ItemID]}
		err := json.Unmarshal([]byte(t.Shown), &j.Shown)
		switch s.Kind {
		case Rank:
			err = errors.Join(err, json.Unmarshal([]byte(v.Said), &j.Ranked.V))
		case Rate:
			err = errors.Join(err, json.Unmarshal([]byte(v.Said), &j.Marks.V))
		}
		if err != nil {
			return nil, err
		}
		js = append(js, j)
	}
	slices.SortFunc(js, func(a, b judged) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.PersonID, b.PersonID), cmp.Compare(a.place, b.place))
	})
	return js, nil
}

// passed reports whether an attention item was answered with the rule: the answer to this query beats
// the one to another query; in a ranking the other one is last; as a task it is fulfilled at most in part.
func (j judged) passed(kind string) bool {
	switch kind {
	case Pair:
		return j.Winner == winFirst && j.Foil == 1 || j.Winner == winSecond && j.Foil == 0
	case Rank:
		return len(j.Ranked.V) > 0 && j.Ranked.V[len(j.Ranked.V)-1] == j.Foil
	}
	return j.Marks.V["task_fulfilment"] <= 1
}

// agrees is how far a verdict on the same item is the same: 0 to 1; for a ranking Kendall's tau.
func (j judged) agrees(kind string, other judged) float64 {
	switch kind {
	case Rank:
		n := len(j.Ranked.V)
		x, y := make([]float64, n), make([]float64, n)
		for place, a := range j.Ranked.V {
			x[a] = float64(place)
		}
		for place, a := range other.Ranked.V {
			y[a] = float64(place)
		}
		return stats.Tau(x, y)
	case Rate:
		near := 0
		for _, dim := range Dimensions {
			if gap := j.Marks.V[dim.Key] - other.Marks.V[dim.Key]; gap >= -1 && gap <= 1 {
				near++
			}
		}
		return float64(near) / float64(len(Dimensions))
	}
	if j.Winner == other.Winner {
		return 1
	}
	return 0
}

// Raters describes the people of a study, by pseudonym.
func Raters(ctx context.Context, d *db.DB, s Study) ([]Rater, error) {
	js, err := judgedIn(ctx, d, s)
	if err != nil {
		return nil, err
	}
	return ratersOf(ctx, d, s, js)
}

func ratersOf(ctx context.Context, d *db.DB, s Study, js []judged) ([]Rater, error) {
	var rows []struct {
		PersonID, Pseudonym, Name string
		Tasks, Done               int
		Sees                      bool
		Why                       string
	}
	err := d.All(ctx, &rows, `SELECT p.id AS person_id, p.pseudonym, p.name, COUNT(*) AS tasks, SUM(CASE WHEN t.state = 'done' THEN 1 ELSE 0 END) AS done,
			EXISTS (SELECT 1 FROM person_role r WHERE r.person_id = p.id AND r.role IN ('lead', 'engineer')) AS sees,
			COALESCE((SELECT x.why FROM study_exclusion x WHERE x.study_id = ? AND x.person_id = p.id), '') AS why
		FROM study_task t JOIN person p ON p.id = t.person_id WHERE t.study_id = ? GROUP BY p.id, p.pseudonym, p.name ORDER BY p.pseudonym`, s.ID, s.ID)
	if err != nil {
		return nil, err
	}
	byPerson, byTask := map[string][]judged{}, map[string]judged{}
	for _, j := range js {
		byPerson[j.PersonID] = append(byPerson[j.PersonID], j)
		byTask[j.TaskID] = j
	}
	var out []Rater
	for _, row := range rows {
		r := Rater{PersonID: row.PersonID, Pseudonym: row.Pseudonym, Name: row.Name, Tasks: row.Tasks, Done: row.Done, Sees: row.Sees, Why: row.Why, Excluded: row.Why != ""}
		var seconds []float64
		agree := 0.0
		for _, j := range byPerson[row.PersonID] {
			seconds = append(seconds, j.Seconds)
			if j.Seconds < s.Plan.V.MinSeconds {
				r.Fast++
			}
			if j.Kind == Attention {
				r.Checked++
				if j.passed(s.Kind) {
					r.Passed++
				}
			}
			if first, ok := byTask[j.RepeatOf]; ok && j.RepeatOf != "" {
				r.Repeated++
				agree += j.agrees(s.Kind, first)
			}
		}
		if r.Repeated > 0 {
			r.Consistent = agree / float64(r.Repeated)
		}
		if len(seconds) > 0 {
			slices.Sort(seconds)
			r.Median = stats.Quantile(seconds, 0.5)
		}
		if r.Checked-r.Passed > s.Plan.V.MaxFailed && !r.Excluded {
			r.Excluded, r.ByRule, r.Why = true, true, RuleAttention
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Rater) int { return cmp.Compare(a.Pseudonym, b.Pseudonym) })
	return out, nil
}
