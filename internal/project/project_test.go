package project_test

import (
	"errors"
	"strings"
	"testing"

	"coigwriter/internal/audit"
	"coigwriter/internal/dbtest"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
)

func TestSettings(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	s, err := project.Get(ctx, d)
	if err != nil || s.MinTotal != 50 || s.MinEach != 8 || s.CutoffTime().Format("2006-01-02 -0700") != "2022-11-01 +0800" {
		t.Fatal(s, err)
	}
	if _, err := project.Update(ctx, d, "x", func(s *project.Settings) { s.Name, s.MinEach = "青年写作", 7 }); err != nil {
		t.Fatal(err)
	}
	if s, err = project.Get(ctx, d); err != nil || s.MinEach != 7 || s.Name != "青年写作" {
		t.Fatal(s, err)
	}
	_, err = project.Update(ctx, d, "x", func(s *project.Settings) { s.MinEach, s.Cutoff = 11, "gestern" })
	if fs := errs.FieldsOf(err); len(fs) != 2 {
		t.Errorf("got %v", err)
	}
	if _, err := project.Update(ctx, d, "x", func(*project.Settings) {}); err != nil {
		t.Fatal(err)
	}
	if h, err := audit.History(ctx, d, "project", "project"); err != nil || len(h) != 1 {
		t.Errorf("history has %d entries, %v", len(h), err)
	}
}

func TestTaxonomy(t *testing.T) {
	d, ctx := dbtest.Open(t), t.Context()
	if tax, err := project.Taxonomy(ctx, d); err != nil || tax != genre.Default() {
		t.Fatal(err)
	}
	own := strings.Replace(string(genre.YAML()), "zh: 诗歌\n    en: Poetry", "zh: 新诗\n    en: Modern Poetry", 1)
	if _, err := project.SetTaxonomy(ctx, d, "x", "own.yaml", []byte(own)); err != nil {
		t.Fatal(err)
	}
	tax, err := project.Taxonomy(ctx, d)
	if err != nil || tax.Title("poetry", "zh") != "新诗" {
		t.Fatal(tax.Title("poetry", "zh"), err)
	}
	if _, err := d.Exec(ctx, `INSERT INTO source (id, content_hash, text, chars, genre, date_verdict, state, created_at, updated_at) VALUES ('s','h','t',1,'poetry','passed','pool',?,?)`, d.Now(), d.Now()); err != nil {
		t.Fatal(err)
	}
	_, err = project.SetTaxonomy(ctx, d, "x", "own.yaml", []byte(strings.Replace(own, "id: poetry\n    zh: 新诗", "id: verse\n    zh: 新诗", 1)))
	if !errors.Is(err, errs.Conflict) {
		t.Errorf("dropping a genre in use gave %v", err)
	}
	if _, err := project.SetTaxonomy(ctx, d, "x", "own.yaml", []byte("genres: 3")); !errors.Is(err, errs.Invalid) {
		t.Errorf("a broken file gave %v", err)
	}
}
