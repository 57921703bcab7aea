package evaluate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/record"
)

// What can be wrong with a record that is imported, beside broken JSON.
const (
	BadUnreadable = "unreadable" // broken JSON, a field of a wrong type, a score that is no number, no winner
	BadOtherKind  = "other-kind" // a study holds votes, rankings or ratings, as its first record is
	BadModel      = "unknown-model"
	BadTies       = "ties"      // a ranking that puts two models on one place
	BadGaps       = "gaps"      // a ranking whose places are not 1, 2, 3 …
	BadNoRater    = "no-rater"  // nobody can be told apart from anybody
	BadTwice      = "duplicate" // a rater's second verdict on the same: the first counts
)

// An ImportReport says what became of the records of files. Nothing is left out in silence.
type ImportReport struct {
	Study   string         `json:"study"`
	Kind    string         `json:"kind"`
	Read    int            `json:"read"`
	Added   int            `json:"added"`
	Same    bool           `json:"same"` // the study is there already, with these very records
	Models  []string       `json:"models"`
	Raters  int            `json:"raters"`
	Queries int            `json:"queries"`
	Partial int            `json:"rankings_of_fewer_models"` // than another rater ranked for the query; they count for what they rank
	Refused map[string]int `json:"refused,omitempty"`        // by what is wrong
	Total   int            `json:"refused_total"`
	Problem []string       `json:"problems,omitempty"` // the first of these, in words
	Hash    string         `json:"hash"`               // sha256 over the records
}

func (r *ImportReport) refuse(kind, why string) {
	r.Refused[kind]++
	r.Total++
	if len(r.Problem) < keepExamples {
		r.Problem = append(r.Problem, why)
	}
}

// An Importer takes the records of any number of files and makes a closed study of them.
type Importer struct {
	Report   ImportReport
	models   []string // that take part; none for all
	seen     map[string]bool
	records  []string // JSON, in their order
	ranked   map[string]map[string]bool
	sizes    []rankedOf
	named    map[string]bool
	raters   map[string]bool
	queries  map[string]bool
	language map[string]bool
}

type rankedOf struct {
	query string
	n     int
}

// NewImporter makes an importer of a study; models, where given, are those that take part, in their order.
func NewImporter(name string, models ...string) *Importer {
	return &Importer{
		Report: ImportReport{Study: strings.TrimSpace(name), Refused: map[string]int{}}, models: models,
		seen: map[string]bool{}, ranked: map[string]map[string]bool{}, named: map[string]bool{}, raters: map[string]bool{}, queries: map[string]bool{}, language: map[string]bool{},
	}
}

// Add takes one record: a vote, a ranking (ranked: the models, best first, or ranks: model → place) or a
// rating. What cannot count is named in the report.
func (m *Importer) Add(raw record.Raw) {
	m.Report.Read++
	where := fmt.Sprintf("%s:%d", raw.File, raw.Line)
	var f map[string]json.RawMessage
	if err := json.Unmarshal(raw.Data, &f); err != nil {
		m.Report.refuse(BadUnreadable, fmt.Sprintf("%s: broken JSON: %v", where, err))
		return
	}
	switch {
	case f["ranked"] != nil || f["ranks"] != nil:
		m.ranking(raw, f, where)
	case f["winner"] != nil || f["outcome"] != nil || f["preference"] != nil || f["model_a"] != nil:
		m.vote(raw, where)
	default:
		m.rating(raw, where)
	}
}

// Broken notes a line that no record could be read from.
func (m *Importer) Broken(why string) {
	m.Report.Read++
	m.Report.refuse(BadUnreadable, why)
}

// kind reports whether a record is of the study's kind, which the first one decides.
func (m *Importer) kind(kind, where string) bool {
	m.Report.Kind = cmp.Or(m.Report.Kind, kind)
	if m.Report.Kind != kind {
		m.Report.refuse(BadOtherKind, fmt.Sprintf("%s: this is of a study of kind %s, and the records before are of kind %s: import it as another study", where, kind, m.Report.Kind))
		return false
	}
	return true
}

func (m *Importer) known(where string, names ...string) bool {
	for _, name := range names {
		if len(m.models) > 0 && !slices.Contains(m.models, name) {
			m.Report.refuse(BadModel, fmt.Sprintf("%s: %q is none of the models given", where, name))
			return false
		}
	}
	return true
}

// keep stores a record unless its key was there before.
func (m *Importer) keep(where, key, query, rater string, models []string, v any) {
	if rater == "" {
		m.Report.refuse(BadNoRater, where+": rater is missing; votes of one person belong together")
		return
	}
	if m.seen[key] {
		m.Report.refuse(BadTwice, fmt.Sprintf("%s: rater %s has judged this before (query %s); the first verdict counts", where, rater, query))
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		m.Report.refuse(BadUnreadable, fmt.Sprintf("%s: %v", where, err))
		return
	}
	m.seen[key], m.raters[rater], m.queries[query] = true, true, true
	for _, name := range models {
		m.named[name] = true
	}
	m.records = append(m.records, string(b))
	m.Report.Added++
}

func (m *Importer) vote(raw record.Raw, where string) {
	vs, err := record.DecodeVotes(raw)
	if err != nil {
		m.Report.refuse(BadUnreadable, err.Error())
		return
	}
	v := vs[0]
	if !m.kind(Pair, where) || !m.known(where, v.ModelA, v.ModelB) {
		return
	}
	x := VoteRecord{
		QueryID: v.QueryID, Language: v.Language, Genre: v.Genre, ModelA: v.ModelA, ModelB: v.ModelB, Winner: v.Winner, Rater: v.Rater, Judge: v.Judge, Readings: v.Readings, First: v.First,
		LengthA: int(v.LengthA), LengthB: int(v.LengthB), Study: m.Report.Study,
	}
	if v.Judge != "" {
		x.Rater = ""
	}
	key := strings.Join([]string{v.QueryID, v.Rater, min(v.ModelA, v.ModelB), max(v.ModelA, v.ModelB)}, "\x00")
	m.keep(where, key, v.QueryID, v.Rater, []string{v.ModelA, v.ModelB}, x)
}

// placed reads a ranking as models, best first, or says what is wrong with it.
func placed(f map[string]json.RawMessage) (models []string, bad, why string) {
	if f["ranked"] != nil {
		var places []json.RawMessage
		if err := json.Unmarshal(f["ranked"], &places); err != nil {
			return nil, BadUnreadable, "ranked must be a list of models, best first"
		}
		for _, p := range places {
			var name string
			var several []string
			switch {
			case json.Unmarshal(p, &name) == nil && name != "":
				models = append(models, name)
			case json.Unmarshal(p, &several) == nil && len(several) == 1:
				models = append(models, several[0])
			case len(several) > 1:
				return nil, BadTies, fmt.Sprintf("%s stand on one place: a ranking has no ties", strings.Join(several, " and "))
			default:
				return nil, BadGaps, "a place holds no model"
			}
		}
	} else {
		var ranks map[string]float64
		if err := json.Unmarshal(f["ranks"], &ranks); err != nil {
			return nil, BadUnreadable, "ranks must be an object of model and place"
		}
		models = slices.Sorted(maps.Keys(ranks))
		slices.SortStableFunc(models, func(a, b string) int { return cmp.Compare(ranks[a], ranks[b]) })
		for i, name := range models {
			if i > 0 && ranks[name] == ranks[models[i-1]] {
				return nil, BadTies, fmt.Sprintf("%s and %s both have place %g: a ranking has no ties", models[i-1], name, ranks[name])
			}
		}
		for i, name := range models {
			if ranks[name] != float64(i+1) {
				return nil, BadGaps, fmt.Sprintf("%s has place %g where %d is next: places are 1, 2, 3 without gaps", name, ranks[name], i+1)
			}
		}
	}
	if sorted := slices.Sorted(slices.Values(models)); len(slices.Compact(sorted)) != len(models) {
		return nil, BadTies, "a model stands twice"
	}
	if len(models) < 2 {
		return nil, BadUnreadable, fmt.Sprintf("ranks %d models; a ranking needs at least two", len(models))
	}
	return models, "", ""
}

func (m *Importer) ranking(raw record.Raw, f map[string]json.RawMessage, where string) {
	models, bad, why := placed(f)
	if bad != "" {
		m.Report.refuse(bad, where+": "+why)
		return
	}
	list, err := json.Marshal(models)
	if err != nil {
		m.Report.refuse(BadUnreadable, where+": "+err.Error())
		return
	}
	f["ranked"] = list
	data, err := json.Marshal(f)
	if err != nil {
		m.Report.refuse(BadUnreadable, where+": "+err.Error())
		return
	}
	vs, err := record.DecodeVotes(record.Raw{File: raw.File, Line: raw.Line, Data: data})
	if err != nil {
		m.Report.refuse(BadUnreadable, err.Error())
		return
	}
	v := vs[0]
	if !m.kind(Rank, where) || !m.known(where, models...) {
		return
	}
	before := m.Report.Added
	m.keep(where, v.QueryID+"\x00"+v.Rater, v.QueryID, v.Rater, models, RankingRecord{QueryID: v.QueryID, Language: v.Language, Genre: v.Genre, Rater: v.Rater, Ranked: models, Shown: []string{}, Study: m.Report.Study})
	if m.Report.Added == before {
		return
	}
	if m.ranked[v.QueryID] == nil {
		m.ranked[v.QueryID] = map[string]bool{}
	}
	for _, name := range models {
		m.ranked[v.QueryID][name] = true
	}
	m.sizes = append(m.sizes, rankedOf{v.QueryID, len(models)})
}

func (m *Importer) rating(raw record.Raw, where string) {
	r, given, err := record.DecodeRating(raw)
	switch {
	case err != nil:
		m.Report.refuse(BadUnreadable, err.Error())
		return
	case !given:
		m.Report.refuse(BadUnreadable, where+": score is missing")
		return
	}
	if !m.kind(Rate, where) || r.Model != "" && !m.known(where, r.Model) {
		return
	}
	x := RatingRecord{ItemID: r.Item, QueryID: r.Query, Model: r.Model, Language: r.Language, Genre: r.Genre, Rater: r.Rater, Judge: r.Judge, Dimension: r.Dimension, Score: r.Score, Study: m.Report.Study}
	if r.Judge != "" {
		x.Rater = ""
	}
	models := []string{r.Model}
	if r.Model == "" {
		models = nil
	}
	m.keep(where, r.Item+"\x00"+r.Rater+"\x00"+r.Dimension, cmp.Or(r.Query, r.Item), r.Rater, models, x)
}

// Store makes the closed study. The same records under the same name again change nothing.
func (m *Importer) Store(ctx context.Context, d *db.DB, by string) (s Study, err error) {
	if err := checkName(m.Report.Study, nil); err != nil {
		return s, err
	}
	if m.Report.Added == 0 {
		return s, errs.Invalidf("there are no votes, rankings or ratings to import; %d records were refused", m.Report.Total)
	}
	for _, x := range m.sizes {
		if x.n < len(m.ranked[x.query]) {
			m.Report.Partial++
		}
	}
	m.Report.Raters, m.Report.Queries = len(m.raters), len(m.queries)
	p := DefaultPlan()
	p.Models = slices.Clone(m.models)
	if len(p.Models) == 0 {
		p.Models = slices.Sorted(maps.Keys(m.named))
	}
	m.Report.Models = p.Models
	x := importedPlan{Name: m.Report.Study, Kind: m.Report.Kind, Origin: Imported, Records: len(m.records), Hash: hashOf(strings.Join(m.records, "\n") + "\n"), Models: p.Models, Seed: p.Seed, Bootstrap: p.Bootstrap}
	m.Report.Hash = x.Hash
	s = Study{ID: db.NewID(), Name: m.Report.Study, Kind: m.Report.Kind, State: Closed, Origin: Imported, Plan: db.AsJSON(p), CreatedBy: by}
	if s.Frozen, s.PlanHash, err = frozen(x); err != nil {
		return s, err
	}
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "import study"); err != nil {
			return err
		}
		old, err := Find(ctx, tx, s.Name)
		switch {
		case err == nil && old.PlanHash == s.PlanHash:
			s, m.Report.Same, m.Report.Added = old, true, 0
			return nil
		case err == nil:
			return errs.Conflictf("there is a study called %q already, with other records: give another name", s.Name)
		case errs.Kind(err) != errs.NotFound:
			return err
		}
		now := tx.Now()
		s.CreatedAt, s.OpenedAt, s.ClosedAt = now, &now, &now
		if err := tx.Insert(ctx, &s); err != nil {
			return taken(tx, s.Name, err)
		}
		if err := m.insert(ctx, tx, s); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "study", ID: s.ID, Actor: by, Action: "import", To: Closed, Data: map[string]any{"records": x.Records, "hash": x.Hash, "refused": m.Report.Refused}})
	})
	return s, err
}

func (m *Importer) insert(ctx context.Context, tx *db.DB, s Study) error {
	kind := map[string]string{Pair: "vote", Rank: "ranking", Rate: "rating"}[s.Kind]
	rows := make([]storedRecord, len(m.records))
	for i, r := range m.records {
		rows[i] = storedRecord{ID: db.NewID(), StudyID: s.ID, Position: i + 1, Kind: kind, Record: r}
	}
	for part := range slices.Chunk(rows, 1000) {
		if err := tx.Insert(ctx, &part); err != nil {
			return err
		}
	}
	return nil
}
