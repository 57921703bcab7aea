package evaluate

import (
	"context"
	"time"

	"coigwriter/internal/db"
)

// A Summary is a study with how far it is.
type Summary struct {
	Study  `bun:",extend"`
	Raters int `json:"raters"`
	Tasks  int `json:"tasks"`
	Done   int `json:"done"`
	Judged int `json:"judged"` // verdicts of models
}

// Summaries returns all studies, the newest first, with how far they are.
func Summaries(ctx context.Context, d *db.DB) ([]Summary, error) {
	ss, err := Studies(ctx, d)
	if err != nil {
		return nil, err
	}
	type count struct {
		StudyID                     string
		Raters, Tasks, Done, Judged int
	}
	var rows []count
	err = d.All(ctx, &rows, `SELECT study_id, COUNT(DISTINCT person_id) AS raters, COUNT(*) AS tasks, SUM(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS done, 0 AS judged FROM study_task GROUP BY study_id
		UNION ALL SELECT study_id, 0, 0, 0, COUNT(*) FROM study_judgement WHERE failure = '' GROUP BY study_id
		UNION ALL SELECT study_id, 0, COUNT(*), COUNT(*), 0 FROM study_record GROUP BY study_id`)
	if err != nil {
		return nil, err
	}
	by := map[string]count{}
	for _, r := range rows {
		c := by[r.StudyID]
		c.Raters, c.Tasks, c.Done, c.Judged = c.Raters+r.Raters, c.Tasks+r.Tasks, c.Done+r.Done, c.Judged+r.Judged
		by[r.StudyID] = c
	}
	out := make([]Summary, len(ss))
	for i, s := range ss {
		c := by[s.ID]
		out[i] = Summary{s, c.Raters, c.Tasks, c.Done, c.Judged}
	}
	return out, nil
}

// A Pace is how far one rater is, and when they will be done.
type Pace struct {
	PersonID string
	Done     int
	Of       int
	LastAt   *time.Time
	Recent   int           // verdicts of the last seven days
	Left     time.Duration // in front of the screen, at their own median time; 0 before there is one
	Finish   *time.Time    // at the pace of the last seven days; nil where nothing came
}

// paceDays is how far back a rater's pace is taken from.
const paceDays = 7

// PaceOf says how far every rater is and when they will be done, by person.
func PaceOf(ctx context.Context, d *db.DB, s Study, raters []Rater) (map[string]Pace, error) {
	var rows []struct {
		PersonID string
		First    *time.Time
		LastAt   *time.Time
		Recent   int
	}
	now := d.Now()
	since := now.AddDate(0, 0, -paceDays)
	err := d.All(ctx, &rows, `SELECT t.person_id, MIN(CASE WHEN v.given_at > ? THEN v.given_at END) AS first, MAX(v.given_at) AS last_at, SUM(CASE WHEN v.given_at > ? THEN 1 ELSE 0 END) AS recent
		FROM study_verdict v JOIN study_task t ON t.id = v.task_id WHERE v.study_id = ? AND v.taken_back_at IS NULL GROUP BY t.person_id`, since, since, s.ID)
	if err != nil {
		return nil, err
	}
	out := map[string]Pace{}
	for _, r := range raters {
		p := Pace{PersonID: r.PersonID, Done: r.Done, Of: r.Tasks, Left: time.Duration(float64(r.Tasks-r.Done) * r.Median * float64(time.Second))}
		for _, row := range rows {
			if row.PersonID != r.PersonID {
				continue
			}
			p.LastAt, p.Recent = row.LastAt, row.Recent
			if open := r.Tasks - r.Done; open > 0 && row.Recent > 1 && row.First != nil {
				each := now.Sub(*row.First) / time.Duration(row.Recent)
				at := now.Add(each * time.Duration(open))
				p.Finish = &at
			}
		}
		out[r.PersonID] = p
	}
	return out, nil
}
