// Package project is the settings of the one project a database holds, and its taxonomy.
package project

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
)

// Settings are what a lead decides once for a campaign. The zero value is not usable; see
// [Defaults].
type Settings struct {
	Name     string `json:"name"`
	Sample   bool   `json:"sample"`   // the sample project: pages say so everywhere
	Language string `json:"language"` // of the texts: zh, en or both

	// Cutoff is the first day whose texts are collected. The paper says "after October 2022".
	Cutoff string `json:"cutoff"` // 2006-01-02, in Asia/Shanghai
	// SingleEvidence says what a lone date in a web page is worth: ask (a person) or pass.
	SingleEvidence string `json:"single_evidence"`

	// What a source must reach; the paper names the dimensions and no numbers, so these are ours.
	AssessmentEach int     `json:"assessment_each"` // each of the five dimensions, 1 to 10
	AssessmentMean float64 `json:"assessment_mean"` // their mean
	ScreeningEach  int     `json:"screening_each"`  // quality and creativity

	MinTotal int `json:"min_total"` // the gate: sum of the six scores, paper section 2.2: 50
	MinEach  int `json:"min_each"`  // the gate: each score, paper section 2.2: 8
	// ScoreBy says who fills the score sheet the gate reads: model, person, or auto (the model
	// where one is configured, else a person).
	ScoreBy string `json:"score_by"`

	Standard   int `json:"standard"`    // reviews of a standard triplet, paper section 2.3: 2
	Specialist int `json:"specialist"`  // reviews of a specialist one, paper section 2.3: 4
	MaxReturns int `json:"max_returns"` // after so many returns by revise, a lead adjudicates
	MaxDrafts  int `json:"max_drafts"`  // triplets one annotator may have open
}

// Defaults are the paper's values where it gives them, ours where it is silent.
func Defaults() Settings {
	return Settings{
		Name: "未命名项目", Language: "zh", Cutoff: "2022-11-01", SingleEvidence: "ask",
		AssessmentEach: 5, AssessmentMean: 6, ScreeningEach: 7,
		MinTotal: 50, MinEach: 8, ScoreBy: "auto", Standard: 2, Specialist: 4, MaxReturns: 3, MaxDrafts: 5,
	}
}

// Languages are those of the texts that the project collects.
func (s Settings) Languages() []string {
	if s.Language == "both" {
		return []string{"zh", "en"}
	}
	return []string{s.Language}
}

// CutoffTime returns the first moment whose texts are collected.
func (s Settings) CutoffTime() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s.Cutoff, Zone)
	if err != nil {
		t = time.Date(2022, 11, 1, 0, 0, 0, 0, Zone) // unreachable: check refuses it
	}
	return t
}

// Zone is where the cut-off day begins.
var Zone = time.FixedZone("Asia/Shanghai", 8*3600)

func (s Settings) check() error {
	var bad []errs.Field
	add := func(ok bool, field, key, msg string) {
		if !ok {
			bad = append(bad, errs.Field{Name: field, Key: key, Msg: msg})
		}
	}
	add(s.Name != "" && len([]rune(s.Name)) <= 80, "name", "settings.bad_name", "give a name of at most 80 characters")
	_, err := time.ParseInLocation(time.DateOnly, s.Cutoff, Zone)
	add(err == nil, "cutoff", "settings.bad_date", "write a day as 2022-11-01")
	add(s.SingleEvidence == "ask" || s.SingleEvidence == "pass", "single_evidence", "settings.bad_choice", "ask or pass")
	add(s.ScoreBy == "auto" || s.ScoreBy == "model" || s.ScoreBy == "person", "score_by", "settings.bad_choice", "auto, model or person")
	add(s.Language == "zh" || s.Language == "en" || s.Language == "both", "language", "settings.bad_choice", "zh, en or both")
	add(s.AssessmentEach >= 1 && s.AssessmentEach <= 10, "assessment_each", "settings.bad_range", "from 1 to 10")
	add(s.AssessmentMean >= 1 && s.AssessmentMean <= 10, "assessment_mean", "settings.bad_range", "from 1 to 10")
	add(s.ScreeningEach >= 1 && s.ScreeningEach <= 10, "screening_each", "settings.bad_range", "from 1 to 10")
	add(s.MinEach >= 1 && s.MinEach <= 10, "min_each", "settings.bad_range", "from 1 to 10")
	add(s.MinTotal >= 6 && s.MinTotal <= 60, "min_total", "settings.bad_range", "from 6 to 60")
	add(s.Standard >= 1 && s.Standard <= 9, "standard", "settings.bad_range", "from 1 to 9")
	add(s.Specialist >= 1 && s.Specialist <= 9, "specialist", "settings.bad_range", "from 1 to 9")
	add(s.MaxReturns >= 1 && s.MaxReturns <= 20, "max_returns", "settings.bad_range", "from 1 to 20")
	add(s.MaxDrafts >= 1 && s.MaxDrafts <= 100, "max_drafts", "settings.bad_range", "from 1 to 100")
	return errs.Fields(bad...)
}

const (
	settingsKey = "project"
	taxonomyKey = "taxonomy"
)

// Get returns the settings; what was never set has its default.
func Get(ctx context.Context, d *db.DB) (Settings, error) {
	s := Defaults()
	var raw string
	err := d.One(ctx, &raw, `SELECT value FROM setting WHERE key = ?`, settingsKey)
	if errors.Is(err, errs.NotFound) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(raw), &s)
}

// Update changes the settings in one transaction and writes old and new into the history.
func Update(ctx context.Context, d *db.DB, by string, change func(*Settings)) (Settings, error) {
	var s Settings
	err := d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "settings"); err != nil {
			return err
		}
		old, err := Get(ctx, tx)
		if err != nil {
			return err
		}
		s = old
		change(&s)
		if err := s.check(); err != nil {
			return err
		}
		if s == old {
			return nil
		}
		if err := put(ctx, tx, by, settingsKey, s); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "project", ID: settingsKey, Actor: by, Action: "settings", Data: map[string]any{"from": old, "to": s}})
	})
	return s, err
}

func put(ctx context.Context, tx *db.DB, by, key string, v any) error {
	_, err := tx.Exec(ctx, `INSERT INTO setting (key, value, updated_at, updated_by) VALUES (?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
		key, db.JSON[any]{V: v}, tx.Now(), by)
	return err
}

// parsed caches taxonomies by hash: they never change.
var parsed sync.Map

// Taxonomy returns the project's own taxonomy, or the default.
func Taxonomy(ctx context.Context, d *db.DB) (*genre.Taxonomy, error) {
	var hash db.JSON[string]
	err := d.One(ctx, &hash, `SELECT value FROM setting WHERE key = ?`, taxonomyKey)
	if errors.Is(err, errs.NotFound) {
		return genre.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	if t, ok := parsed.Load(hash.V); ok {
		return t.(*genre.Taxonomy), nil
	}
	var text string
	if err := d.One(ctx, &text, `SELECT yaml FROM taxonomy WHERE hash = ?`, hash.V); err != nil {
		return nil, err
	}
	t, err := genre.Parse("taxonomy "+hash.V[:8], []byte(text))
	if err != nil {
		return nil, err
	}
	parsed.Store(hash.V, t)
	return t, nil
}

// TaxonomyYAML returns the file of the project's taxonomy, or of the default.
func TaxonomyYAML(ctx context.Context, d *db.DB) ([]byte, error) {
	var hash db.JSON[string]
	err := d.One(ctx, &hash, `SELECT value FROM setting WHERE key = ?`, taxonomyKey)
	if errors.Is(err, errs.NotFound) {
		return genre.YAML(), nil
	}
	if err != nil {
		return nil, err
	}
	var text string
	err = d.One(ctx, &text, `SELECT yaml FROM taxonomy WHERE hash = ?`, hash.V)
	return []byte(text), err
}

// SetTaxonomy makes a file the project's taxonomy. A genre that sources or triplets already
// carry must not be missing from it.
func SetTaxonomy(ctx context.Context, d *db.DB, by, name string, data []byte) (*genre.Taxonomy, error) {
	t, err := genre.Parse(name, data)
	if err != nil {
		return nil, err
	}
	return t, d.Transact(ctx, func(tx *db.DB) error {
		var used []string
		if err := tx.All(ctx, &used, `SELECT DISTINCT genre FROM source WHERE genre <> '' UNION SELECT DISTINCT genre FROM triplet`); err != nil {
			return err
		}
		for _, id := range used {
			if _, ok := t.Get(id); !ok {
				return errs.Conflictf("%s: genre %q has texts already and must stay in the taxonomy", name, id)
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO taxonomy (hash, yaml, added_at, added_by) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, t.Hash(), string(data), tx.Now(), by); err != nil {
			return err
		}
		if err := put(ctx, tx, by, taxonomyKey, t.Hash()); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "project", ID: taxonomyKey, Actor: by, Action: "taxonomy", To: t.Hash(), Reason: name})
	})
}
