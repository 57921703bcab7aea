package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// The winners of a comparison, in the order of an item's answers: as a vote of a pair stores them.
const (
	winFirst   = "0"
	winSecond  = "1"
	winTie     = Tie
	winBothBad = BothBad
)

// TakeBackFor is how long a verdict can be taken back.
const TakeBackFor = time.Minute

// A Verdict is what a person said about a task.
type Verdict struct {
	bun.BaseModel `bun:"table:study_verdict"`

	ID          string                  `json:"id"`
	StudyID     string                  `json:"-"`
	TaskID      string                  `json:"task_id"`
	Winner      string                  `json:"winner,omitempty"` // pair: 0 or 1 of the item's answers, tie, both_bad
	Ranked      db.JSON[[]int]          `json:"ranked,omitempty"` // rank: the item's answers, best first
	Marks       db.JSON[map[string]int] `json:"marks,omitempty"`  // rate
	Note        string                  `json:"note,omitempty"`
	Seconds     float64                 `json:"seconds"` // in front of the person
	GivenAt     time.Time               `json:"given_at"`
	TakenBackAt *time.Time              `json:"taken_back_at,omitempty"`
}

// same reports whether two verdicts say the same.
func (v Verdict) same(w Verdict) bool {
	return v.Winner == w.Winner && v.Note == w.Note && slices.Equal(v.Ranked.V, w.Ranked.V) && sameJSON(v.Marks.V, w.Marks.V)
}

// A Sheet is a task as its person sees it. Nothing in it says which models wrote the texts, how long they
// are, or in which order they were made: what the server sends to an evaluator is made of it alone.
type Sheet struct {
	TaskID    string
	StudyID   string
	Study     string // its name
	State     string // of the study
	Kind      string
	Language  string // of the query
	Genre     string
	Prompt    string
	Context   string
	Texts     []string // in the order they are shown
	Withdrawn bool     // the query was taken out of its set meanwhile: a verdict would not count
	Done      bool
	Given     *Given        // what the person said, in the order they saw; nil before
	Back      time.Duration // for which it can still be taken back
	Place     int           // in the person's order; with gaps where tasks moved to somebody else
	Judged    int           // of the person's tasks in the study
	Of        int           // tasks about withdrawn queries count only where they are judged
}

// Given is a verdict in terms of what is shown: places count from 0.
type Given struct {
	Winner string         // pair: a (the first shown), b, tie, both_bad
	Ranked []int          // rank: places, best first
	Marks  map[string]int // rate
	Note   string
}

// My is a study as an evaluator sees it in the list of theirs.
type My struct {
	ID     string
	Name   string
	Kind   string
	State  string
	Done   int
	Of     int
	OpenAt *time.Time
}

// mine selects the studies in which a person has tasks; tasks about withdrawn queries count only where
// they are judged.
const mine = `SELECT s.id, s.name, s.kind, s.state, s.opened_at AS open_at, COUNT(*) AS of,
		SUM(CASE WHEN t.state = 'done' THEN 1 ELSE 0 END) AS done
	FROM study_task t JOIN study s ON s.id = t.study_id JOIN study_item i ON i.id = t.item_id JOIN query q ON q.id = i.query_id
	WHERE t.person_id = ? AND (q.withdrawn_at IS NULL OR t.state = 'done') AND `

const mineBy = ` GROUP BY s.id, s.name, s.kind, s.state, s.opened_at ORDER BY CASE WHEN s.state = 'open' THEN 0 ELSE 1 END, s.opened_at DESC, s.id`

// Mine returns the studies in which a person has tasks: open ones first, then the newest.
func Mine(ctx context.Context, d *db.DB, personID string) ([]My, error) {
	var ms []My
	return ms, d.All(ctx, &ms, mine+`s.state IN ('open', 'closed')`+mineBy, personID)
}

// MineOf returns one of them; one that was abandoned is still theirs. A study without a task of this
// person is not found: that it exists is not theirs to know.
func MineOf(ctx context.Context, d *db.DB, personID, studyID string) (m My, err error) {
	err = d.One(ctx, &m, mine+`s.id = ?`+mineBy, personID, studyID)
	if errors.Is(err, errs.NotFound) {
		return m, errs.NotFoundf("there is no such study among yours")
	}
	return m, err
}

// Waiting is how many tasks a person has open in open studies, for the rail.
func Waiting(ctx context.Context, d *db.DB, personID string) (n int, err error) {
	err = d.One(ctx, &n, `SELECT COUNT(*) FROM study_task t JOIN study s ON s.id = t.study_id JOIN study_item i ON i.id = t.item_id JOIN query q ON q.id = i.query_id
		WHERE t.person_id = ? AND t.state = 'open' AND s.state = 'open' AND q.withdrawn_at IS NULL`, personID)
	return n, err
}

// Next returns the ID of the person's next open task of a study that comes after a place in their order
// (0 for the first), or NotFound when there is none. Tasks about withdrawn queries are passed over.
func Next(ctx context.Context, d *db.DB, personID, studyID string, after int) (id string, err error) {
	err = d.One(ctx, &id, `SELECT t.id FROM study_task t JOIN study_item i ON i.id = t.item_id JOIN query q ON q.id = i.query_id
		WHERE t.person_id = ? AND t.study_id = ? AND t.state = 'open' AND t.position > ? AND q.withdrawn_at IS NULL ORDER BY t.position LIMIT 1`, personID, studyID, after)
	return id, err
}

// Then returns the ID of the open task that a person goes on to from one: the next in their order, else
// the first that was left open; NotFound when this is the last.
func Then(ctx context.Context, d *db.DB, personID string, sh Sheet) (id string, err error) {
	err = d.One(ctx, &id, `SELECT t.id FROM study_task t JOIN study_item i ON i.id = t.item_id JOIN query q ON q.id = i.query_id
		WHERE t.person_id = ? AND t.study_id = ? AND t.state = 'open' AND t.id <> ? AND q.withdrawn_at IS NULL
		ORDER BY CASE WHEN t.position > ? THEN 0 ELSE 1 END, t.position LIMIT 1`, personID, sh.StudyID, sh.TaskID, sh.Place)
	return id, err
}

// taskOf returns a person's own task with its study and item. Somebody else's is not found: that it
// exists is not theirs to know.
func taskOf(ctx context.Context, d *db.DB, personID, taskID string) (t Task, s Study, it Item, err error) {
	err = d.One(ctx, &t, `SELECT * FROM study_task WHERE id = ? AND person_id = ?`, taskID, personID)
	if errors.Is(err, errs.NotFound) {
		return t, s, it, errs.NotFoundf("there is no such task among yours")
	}
	if err != nil {
		return t, s, it, err
	}
	// Not the whole study: its frozen plan is long, and names who wrote what.
	if err = d.One(ctx, &s, `SELECT id, name, kind, state FROM study WHERE id = ?`, t.StudyID); err != nil {
		return t, s, it, err
	}
	it, err = GetItem(ctx, d, t.ItemID)
	return t, s, it, err
}

// Show returns a task as its person sees it. seen says that it is in front of them now, and not only
// fetched ahead: their time begins to count.
func Show(ctx context.Context, d *db.DB, personID, taskID string, seen bool) (sh Sheet, err error) {
	defer errs.Wrap(&err, "task")
	t, s, it, err := taskOf(ctx, d, personID, taskID)
	if err != nil {
		return sh, err
	}
	q, err := bench.GetQuery(ctx, d, it.QueryID)
	if err != nil {
		return sh, err
	}
	sh = Sheet{
		TaskID: t.ID, StudyID: s.ID, Study: s.Name, State: s.State, Kind: s.Kind, Language: q.Language, Genre: q.Genre, Prompt: q.Prompt, Context: q.Context,
		Withdrawn: q.WithdrawnAt != nil, Done: t.State == TaskDone, Place: t.Position,
	}
	if sh.Texts, err = shownTexts(ctx, d, t, it); err != nil {
		return sh, err
	}
	m, err := MineOf(ctx, d, personID, s.ID)
	if err != nil && !errors.Is(err, errs.NotFound) { // nothing that counts is left: the query was withdrawn
		return sh, err
	}
	sh.Judged, sh.Of = m.Done, m.Of
	if sh.Done {
		v, err := verdictOn(ctx, d, t.ID)
		if err != nil {
			return sh, err
		}
		sh.Given = t.given(v)
		if left := TakeBackFor - d.Now().Sub(v.GivenAt); left > 0 && s.State == Open {
			sh.Back = left
		}
	}
	if seen && t.SeenAt == nil && !sh.Done && s.State == Open {
		return sh, begin(ctx, d, t.ID)
	}
	return sh, nil
}

// begin starts a task's time. Its loss costs only a measured time: it is no change of state and has no
// history.
func begin(ctx context.Context, d *db.DB, taskID string) error {
	_, err := d.Exec(ctx, `UPDATE study_task SET seen_at = ? WHERE id = ? AND state = 'open' AND seen_at IS NULL`, d.Now(), taskID)
	return err
}

// Seen says that a task which was fetched ahead is in front of its person now: their time begins to
// count. It reports whether the task still waits for a verdict, which another window may have given.
func Seen(ctx context.Context, d *db.DB, personID, taskID string) (waits bool, err error) {
	defer errs.Wrap(&err, "task")
	t, s, _, err := taskOf(ctx, d, personID, taskID)
	if err != nil || t.State != TaskOpen || s.State != Open {
		return false, err
	}
	return true, begin(ctx, d, taskID)
}

// shownTexts returns a task's texts in the order they are shown; nothing else of an answer is read.
func shownTexts(ctx context.Context, d *db.DB, t Task, it Item) ([]string, error) {
	var rows []struct{ ID, Output string }
	if err := d.All(ctx, &rows, `SELECT id, output FROM answer WHERE id IN (?)`, bun.List(it.Answers.V)); err != nil {
		return nil, err
	}
	out := make([]string, len(t.Shown.V))
	for place, j := range t.Shown.V {
		for _, r := range rows {
			if r.ID == it.Answers.V[j] {
				out[place] = r.Output
			}
		}
	}
	return out, nil
}

func verdictOn(ctx context.Context, d *db.DB, taskID string) (v Verdict, err error) {
	return v, d.One(ctx, &v, `SELECT * FROM study_verdict WHERE task_id = ? AND taken_back_at IS NULL`, taskID)
}

// given turns a stored verdict into the order in which the person saw the answers.
func (t Task) given(v Verdict) *Given {
	g := &Given{Winner: v.Winner, Marks: v.Marks.V, Note: v.Note}
	place := func(answer int) int { return slices.Index(t.Shown.V, answer) }
	switch v.Winner {
	case winFirst:
		g.Winner = sides[place(0)]
	case winSecond:
		g.Winner = sides[place(1)]
	}
	for _, j := range v.Ranked.V {
		g.Ranked = append(g.Ranked, place(j))
	}
	return g
}

// sides are the names of the places of a pair.
var sides = []string{"a", "b"}

// verdict turns what a person said, in the order they saw, into the order of the item's answers. What
// is missing, twice or unknown is named.
func (t Task) verdict(kind string, g Given) (v Verdict, err error) {
	if len([]rune(g.Note)) > 2000 {
		return v, errs.Fields(errs.Field{Name: "note", Key: "annotate.too_long", Msg: "is longer than 2000 characters"})
	}
	v = Verdict{Note: g.Note, Ranked: db.AsJSON([]int{}), Marks: db.AsJSON(map[string]int{})}
	switch kind {
	case Pair:
		switch g.Winner {
		case "a", "b":
			v.Winner = fmt.Sprint(t.Shown.V[slices.Index(sides, g.Winner)])
		case winTie, winBothBad:
			v.Winner = g.Winner
		default:
			return v, errs.Fields(errs.Field{Name: "winner", Key: "evaluate.need_winner", Msg: "say a, b, tie or both_bad"})
		}
	case Rank:
		n := len(t.Shown.V)
		seen := map[int]bool{}
		for _, p := range g.Ranked {
			if p < 0 || p >= n || seen[p] {
				return v, errs.Fields(errs.Field{Name: "ranked", Key: "evaluate.bad_ranking", Msg: fmt.Sprintf("each of the %d answers has one place: no ties, none twice", n), Args: []any{"n", n}})
			}
			seen[p] = true
			v.Ranked.V = append(v.Ranked.V, t.Shown.V[p])
		}
		if len(g.Ranked) != n {
			return v, errs.Fields(errs.Field{Name: "ranked", Key: "evaluate.gaps", Msg: fmt.Sprintf("%d of %d answers have a place; give every one a place", len(g.Ranked), n), Args: []any{"have", len(g.Ranked), "n", n}})
		}
	case Rate:
		if err := checkMarks(g.Marks); err != nil {
			return v, err
		}
		v.Marks.V = g.Marks
	}
	return v, nil
}

// Give records a person's verdict on their task, and is durable when it returns. The same verdict again
// (a double click, a lost reply) changes nothing; another one is refused until the first is taken back.
func Give(ctx context.Context, d *db.DB, personID, taskID string, g Given) (v Verdict, err error) {
	defer errs.Wrap(&err, "verdict")
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "task "+taskID); err != nil {
			return err
		}
		t, s, _, err := taskOf(ctx, tx, personID, taskID)
		if err != nil {
			return err
		}
		if v, err = t.verdict(s.Kind, g); err != nil {
			return err
		}
		if t.State == TaskDone {
			old, err := verdictOn(ctx, tx, taskID)
			if err != nil {
				return err
			}
			if old.same(v) {
				v = old
				return nil
			}
			return errs.Conflictf("you have decided this already; take it back first, which is possible for a minute")
		}
		if s.State != Open {
			return errs.Conflictf("%s is %s: no verdicts are taken any more", s.Name, s.State)
		}
		now := tx.Now()
		v.ID, v.StudyID, v.TaskID, v.GivenAt = db.NewID(), s.ID, taskID, now
		if t.SeenAt != nil {
			v.Seconds = math.Max(now.Sub(*t.SeenAt).Seconds(), 0)
		}
		if err := tx.Insert(ctx, &v); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE study_task SET state = 'done', done_at = ? WHERE id = ?`, now, taskID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "task", ID: taskID, Actor: personID, Action: "judge", From: TaskOpen, To: TaskDone, Data: map[string]any{"verdict": v.ID, "winner": v.Winner, "ranked": v.Ranked.V, "marks": v.Marks.V}})
	})
	return v, err
}

// TakeBack opens a task again within a minute of its verdict, which stays in the history.
func TakeBack(ctx context.Context, d *db.DB, personID, taskID string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "task "+taskID); err != nil {
			return err
		}
		t, s, _, err := taskOf(ctx, tx, personID, taskID)
		if err != nil {
			return err
		}
		if t.State == TaskOpen {
			return nil // it is what was asked for
		}
		v, err := verdictOn(ctx, tx, taskID)
		if err != nil {
			return err
		}
		now := tx.Now()
		if s.State != Open || now.Sub(v.GivenAt) > TakeBackFor {
			return errs.Conflictf("a verdict can be taken back for a minute, while the study is open")
		}
		if _, err := tx.Exec(ctx, `UPDATE study_verdict SET taken_back_at = ? WHERE id = ?`, now, v.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE study_task SET state = 'open', done_at = NULL, seen_at = ? WHERE id = ?`, now, taskID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "task", ID: taskID, Actor: personID, Action: "take-back", From: TaskDone, To: TaskOpen, Data: map[string]any{"verdict": v.ID}})
	})
}

// Last returns the person's newest verdict in a study that can still be taken back, or NotFound.
func Last(ctx context.Context, d *db.DB, personID, studyID string) (taskID string, left time.Duration, err error) {
	var row struct {
		TaskID  string
		GivenAt time.Time
	}
	err = d.One(ctx, &row, `SELECT v.task_id, v.given_at FROM study_verdict v JOIN study_task t ON t.id = v.task_id JOIN study s ON s.id = v.study_id
		WHERE t.person_id = ? AND v.study_id = ? AND v.taken_back_at IS NULL AND s.state = 'open' AND v.given_at > ? ORDER BY v.given_at DESC LIMIT 1`,
		personID, studyID, d.Now().Add(-TakeBackFor))
	if err != nil {
		return "", 0, err
	}
	return row.TaskID, TakeBackFor - d.Now().Sub(row.GivenAt), nil
}
