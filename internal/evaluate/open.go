package evaluate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"coigwriter/internal/audit"
	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/stats"
	"coigwriter/internal/text"
)

// A drawing is a whole study before anybody has voted.
type drawing struct {
	set   bench.Set
	items []drawnItem
	tasks [][]drawnTask // by evaluator
	drawn Drawn
}

// draw makes everything that a plan decides: the same plan, queries and answers make the same drawing.
func draw(ctx context.Context, d *db.DB, kind string, p Plan) (x drawing, err error) {
	if x.set, err = bench.GetSet(ctx, d, p.SetID); err != nil {
		return x, err
	}
	queries, err := bench.Queries(ctx, d, p.SetID)
	if err != nil {
		return x, err
	}
	answers, err := bench.Answers(ctx, d, p.SetID, p.Models...)
	if err != nil {
		return x, err
	}
	var field []entry
	field, x.drawn = fieldOf(kind, p, queries, answers, p.rng(streamField))
	x.items = drawItems(kind, p, field, &x.drawn)
	x.tasks = drawTasks(kind, p, x.items)
	for _, ts := range x.tasks {
		x.drawn.Tasks += len(ts)
	}
	x.drawn.sort()
	return x, nil
}

// Begin freezes a draft's plan, draws its items and tasks, and opens it: from then on people vote.
func Begin(ctx context.Context, d *db.DB, by, id string) (s Study, err error) {
	defer errs.Wrap(&err, "begin study %s", id)
	if s, err = Get(ctx, d, id); err != nil {
		return s, err
	}
	x, err := draw(ctx, d, s.Kind, s.Plan.V)
	if err != nil {
		return s, err
	}
	if x.drawn.Items == 0 {
		return s, errs.Invalidf("there is nothing to compare: %s", x.drawn.why())
	}
	if x.drawn.Attention < s.Plan.V.Attention {
		return s, errs.Fields(errs.Field{
			Name: "attention", Key: "study.few_attention", Args: []any{"n", x.drawn.Attention},
			Msg: "attention items need answers to queries of another genre in the same language; there are enough for fewer only",
		})
	}
	plan := s.Plan.V
	err = d.Transact(ctx, func(tx *db.DB) error {
		if s, err = locked(ctx, tx, id); err != nil {
			return err
		}
		tr, err := Transitions.Find("study", s.State, Open, "")
		if err != nil || s.State != Draft {
			return cmp.Or(err, errs.Conflictf("%s is %s already", s.Name, s.State))
		}
		if !sameJSON(plan, s.Plan.V) {
			return errs.Conflictf("the plan of %s was changed meanwhile; look at it again", s.Name)
		}
		if err := rests(ctx, tx, plan); err != nil {
			return err
		}
		now := tx.Now()
		s.State, s.OpenedAt, s.Drawn.V = Open, &now, x.drawn
		f := frozenPlan{Name: s.Name, Kind: s.Kind, Plan: plan, Set: x.set.Title(), SetHash: x.set.Hash, Rubric: rubricVersion(), Answers: x.answerHashes(plan), Drawn: x.drawn, Tasks: x.hash(), At: now}
		if s.Frozen, s.PlanHash, err = frozen(f); err != nil {
			return err
		}
		if err := x.insert(ctx, tx, s); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE study SET state = ?, opened_at = ?, drawn = ?, frozen = ?, plan_hash = ? WHERE id = ?`, s.State, s.OpenedAt, s.Drawn, s.Frozen, s.PlanHash, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "study", ID: id, Actor: by, Action: tr.Action, From: Draft, To: Open, Data: map[string]any{"plan_hash": s.PlanHash, "items": x.drawn.Items, "tasks": x.drawn.Tasks}})
	})
	return s, err
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// why says in words what was left out.
func (d Drawn) why() string {
	if len(d.Found) == 0 {
		return "no query is of the languages and genres chosen"
	}
	var parts []string
	for _, f := range d.Found {
		parts = append(parts, f.Rule)
	}
	return strings.Join(parts, ", ") + "; " + strings.Join(d.Examples[:min(len(d.Examples), 3)], "; ")
}

// insert stores items and tasks.
func (x drawing) insert(ctx context.Context, tx *db.DB, s Study) error {
	items := make([]Item, len(x.items))
	for i, it := range x.items {
		items[i] = Item{ID: db.NewID(), StudyID: s.ID, Position: i + 1, Kind: it.kind, QueryID: it.query.ID, Foil: it.foil}
		for _, a := range it.answers {
			items[i].Answers.V, items[i].Models.V = append(items[i].Answers.V, a.ID), append(items[i].Models.V, a.Model)
		}
	}
	var tasks []Task
	for r, own := range x.tasks {
		first := len(tasks)
		for i, t := range own {
			task := Task{ID: db.NewID(), StudyID: s.ID, ItemID: items[t.item].ID, PersonID: s.Plan.V.Evaluators[r], Position: i + 1, Shown: db.AsJSON(t.shown), State: TaskOpen}
			if t.repeat >= 0 {
				task.RepeatOf = tasks[first+t.repeat].ID
			}
			tasks = append(tasks, task)
		}
	}
	for part := range slices.Chunk(items, 500) {
		if err := tx.Insert(ctx, &part); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(tasks, 500) {
		if err := tx.Insert(ctx, &part); err != nil {
			return err
		}
	}
	return nil
}

// hash identifies what was drawn: items by the texts of their answers, people, orders.
func (x drawing) hash() string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, it := range x.items {
		texts := make([]string, len(it.answers))
		for i, a := range it.answers {
			texts[i] = a.Model + " " + text.ContentHash(a.Output)
		}
		_ = enc.Encode([]any{it.kind, it.query.Code, texts, it.foil}) // texts and numbers always encode
	}
	for r, ts := range x.tasks {
		for _, t := range ts {
			_ = enc.Encode([]any{r, t.item, t.shown, t.repeat})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// answerHashes identifies each model's answers that are compared, in the order of the items.
func (x drawing) answerHashes(p Plan) map[string]string {
	out := map[string]string{}
	for _, m := range p.Models {
		h, seen := sha256.New(), map[string]bool{}
		for _, it := range x.items {
			for _, a := range it.answers {
				if a.Model == m && it.kind == Real && !seen[a.ID] {
					seen[a.ID] = true
					h.Write([]byte(text.ContentHash(a.Output)))
				}
			}
		}
		out[m] = hex.EncodeToString(h.Sum(nil))
	}
	return out
}

// An Outlook is what a plan comes to, before it is frozen: load, time and what it can tell.
type Outlook struct {
	Drawn  Drawn  `json:"drawn"`
	Raters []Load `json:"raters"`
	// VotesLeast and VotesMost are the real verdicts of the pair of models (rating: of the model) with
	// the fewest and the most; a ranking is one verdict of each of its pairs.
	VotesLeast int `json:"votes_least"`
	VotesMost  int `json:"votes_most"`
	// Effective is VotesLeast less what votes on one item repeat of each other (design effect).
	Effective float64 `json:"effective"`
	// Needed is how many independent decided votes a pair needs, at alpha over all pairs.
	Needed     int     `json:"needed"`
	Detectable float64 `json:"detectable"` // the least share above one half that Effective votes detect
	SharedLess int     `json:"shared_least"`
	Pairs      int     `json:"pairs"` // of models: tests that are corrected for
}

// Load is what one rater is asked for.
type Load struct {
	PersonID  string  `json:"person_id"`
	Tasks     int     `json:"tasks"`
	Repeats   int     `json:"repeats"`
	Attention int     `json:"attention"`
	Minutes   float64 `json:"minutes"` // by the plan's pace of reading
}

// Look draws a plan without keeping anything and says what it comes to.
func Look(ctx context.Context, d *db.DB, kind string, p Plan) (o Outlook, err error) {
	defer errs.Wrap(&err, "look at the plan")
	if err := p.check(kind); err != nil {
		return o, err
	}
	x, err := draw(ctx, d, kind, p)
	if err != nil {
		return o, err
	}
	return x.outlook(kind, p), nil
}

func (x drawing) outlook(kind string, p Plan) Outlook {
	o := Outlook{Drawn: x.drawn}
	votes := map[string]int{}
	together := map[[2]int]int{}
	by := make([][]int, len(x.items)) // raters of each item
	for r, ts := range x.tasks {
		l := Load{PersonID: p.Evaluators[r], Tasks: len(ts)}
		for _, t := range ts {
			it := x.items[t.item]
			l.Minutes += minutes(it, p)
			switch {
			case it.kind == Attention:
				l.Attention++
			case t.repeat >= 0:
				l.Repeats++
			default:
				by[t.item] = append(by[t.item], r)
				for _, k := range votesOn(kind, it) {
					votes[k]++
				}
			}
		}
		o.Raters = append(o.Raters, l)
	}
	shared := 0
	for _, rs := range by {
		if len(rs) > 1 {
			shared++
		}
		for i, a := range rs {
			for _, b := range rs[i+1:] {
				together[[2]int{min(a, b), max(a, b)}]++
			}
		}
	}
	o.SharedLess = math.MaxInt
	for a := range x.tasks {
		for b := range a {
			o.SharedLess = min(o.SharedLess, together[[2]int{b, a}])
		}
	}
	if len(x.tasks) < 2 {
		o.SharedLess = 0
	}
	first := true
	for _, n := range votes {
		if first || n < o.VotesLeast {
			o.VotesLeast = n
		}
		o.VotesMost = max(o.VotesMost, n)
		first = false
	}
	k := len(p.Models)
	o.Pairs = k * (k - 1) / 2
	perItem := 1 + p.Shared*float64(p.Overlap-1)
	o.Effective = float64(o.VotesLeast) / stats.DesignEffect(perItem, p.ICC)
	if kind != Rate {
		alpha := p.Alpha / float64(max(o.Pairs, 1))
		o.Needed = int(math.Ceil(stats.SampleSize(p.Detect, alpha, p.Power)))
		if o.Effective >= 1 {
			o.Detectable = stats.Detectable(o.Effective, alpha, p.Power)
		}
	}
	return o
}

// votesOn names what a verdict on an item is about, for counting.
func votesOn(kind string, it drawnItem) (keys []string) {
	if kind == Rate {
		return []string{it.query.Language + "\x00" + it.answers[0].Model}
	}
	for i, a := range it.answers {
		for _, b := range it.answers[i+1:] {
			keys = append(keys, it.query.Language+"\x00"+min(a.Model, b.Model)+"\x00"+max(a.Model, b.Model))
		}
	}
	return keys
}

// minutes is how long an item takes by the plan's pace.
func minutes(it drawnItem, p Plan) float64 {
	m := p.Deciding / 60
	for _, a := range it.answers {
		if a.OutputLanguage == "en" {
			m += float64(len(strings.Fields(a.Output))) / p.PerMinute.Words
		} else {
			m += float64(a.Chars) / p.PerMinute.Characters
		}
	}
	return m
}
