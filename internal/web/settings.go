package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/user"
)

// settingsPage is the project's settings, its taxonomy, and who may do what.
type settingsPage struct {
	S        project.Settings
	Tax      *genre.Taxonomy
	Own      bool // the taxonomy is the project's own
	Err      error
	Taxonomy string // what is wrong with an uploaded taxonomy, line by line
}

func (s *Server) settings(w http.ResponseWriter, r *http.Request) error {
	set, err := project.Get(r.Context(), s.db)
	if err != nil {
		return err
	}
	return s.showSettings(w, r, settingsPage{S: set}, 0)
}

func (s *Server) showSettings(w http.ResponseWriter, r *http.Request, p settingsPage, status int) error {
	var err error
	if p.Tax, err = project.Taxonomy(r.Context(), s.db); err != nil {
		return err
	}
	p.Own = p.Tax.Hash() != genre.Default().Hash()
	return s.render(w, r, Page{Title: T(r.Context(), "settings.title"), Section: "settings", status: status}, SettingsPage(p))
}

// saveSettings stores them; a number that is none is left to the settings' own check.
func (s *Server) saveSettings(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	num := func(name string) int {
		n, err := strconv.Atoi(strings.TrimSpace(r.FormValue(name)))
		if err != nil {
			return -1
		}
		return n
	}
	var want project.Settings
	var err error
	_, err = project.Update(ctx, s.db, viewOf(ctx).Person.ID, func(p *project.Settings) {
		p.Name, p.Language, p.Cutoff = strings.TrimSpace(r.FormValue("name")), r.FormValue("language"), strings.TrimSpace(r.FormValue("cutoff"))
		p.SingleEvidence, p.ScoreBy = r.FormValue("single_evidence"), r.FormValue("score_by")
		p.AssessmentEach, p.ScreeningEach = num("assessment_each"), num("screening_each")
		if p.AssessmentMean, err = strconv.ParseFloat(strings.TrimSpace(r.FormValue("assessment_mean")), 64); err != nil {
			p.AssessmentMean = -1
		}
		p.MinTotal, p.MinEach = num("min_total"), num("min_each")
		p.Standard, p.Specialist = num("standard"), num("specialist")
		p.MaxReturns, p.MaxDrafts = num("max_returns"), num("max_drafts")
		want = *p
	})
	if len(errs.FieldsOf(err)) > 0 {
		return s.showSettings(w, r, settingsPage{S: want, Err: err}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/settings", Flash{Tone: Good, Text: T(ctx, "settings.saved")})
}

// saveTaxonomy makes a pasted taxonomy the project's.
func (s *Server) saveTaxonomy(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	_, err := project.SetTaxonomy(ctx, s.db, viewOf(ctx).Person.ID, "taxonomy", []byte(text(r, "yaml")))
	if k := errs.Kind(err); k == errs.Invalid || k == errs.Conflict {
		set, e := project.Get(ctx, s.db)
		if e != nil {
			return e
		}
		return s.showSettings(w, r, settingsPage{S: set, Taxonomy: err.Error()}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/settings", Flash{Tone: Good, Text: T(ctx, "settings.taxonomy_saved")})
}

// mayTable is the table of who may do what, for the page.
func mayTable() [][]bool {
	out := make([][]bool, len(user.Allowed))
	for i, row := range user.Allowed {
		for _, role := range user.Roles {
			out[i] = append(out[i], hasRole(row.Roles, role))
		}
	}
	return out
}

func mayColumns(ctx context.Context) []Column {
	cols := []Column{{Label: T(ctx, "settings.permission")}}
	for _, r := range user.Roles {
		cols = append(cols, Column{Label: T(ctx, "people.role_"+string(r))})
	}
	return cols
}
