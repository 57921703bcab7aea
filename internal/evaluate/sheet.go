package evaluate

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

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
// the first that was left open; NotFound when this is the last. but is a task that is being judged while
// this one is fetched ahead; "" for none.
func Then(ctx context.Context, d *db.DB, personID string, sh Sheet, but string) (id string, err error) {
	err = d.One(ctx, &id, `SELECT t.id FROM study_task t JOIN study_item i ON i.id = t.item_id JOIN query q ON q.id = i.query_id
		WHERE t.person_id = ? AND t.study_id = ? AND t.state = 'open' AND t.id <> ? AND t.id <> ? AND q.withdrawn_at IS NULL
		ORDER BY CASE WHEN t.position > ? THEN 0 ELSE 1 END, t.position LIMIT 1`, personID, sh.StudyID, sh.TaskID, but, sh.Place)
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
