package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/mix"
)

// maxPlan bounds what is kept of a plan's file.
const maxPlan = 1 << 20

// A Mix is a mix that runs read, as it was when it was added.
type Mix struct {
	bun.BaseModel `bun:"table:mix"`

	ID        string                `json:"id"`
	Hash      string                `json:"hash"`
	Name      string                `json:"name"`
	Path      string                `json:"path"`
	Manifest  db.JSON[mix.Manifest] `json:"manifest"`
	Plan      string                `json:"-"`
	CreatedAt time.Time             `json:"created_at"`
	CreatedBy string                `json:"created_by"`
}

// ReadMix reads the directory that coigwriter mix wrote. What it returns is in no database.
func ReadMix(dir string) (m Mix, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return m, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return m, errs.NotFoundf("there is no mix at %s: make one with coigwriter mix PLAN --out DIR", dir)
	}
	man, err := mix.OpenManifest(dir)
	if err != nil {
		return m, err
	}
	plan, err := os.ReadFile(filepath.Join(dir, mix.PlanFile))
	if err != nil && !os.IsNotExist(err) {
		return m, errs.Unavailablef("%w", err)
	}
	return Mix{Hash: man.ID, Name: man.Name, Path: dir, Manifest: db.AsJSON(man), Plan: string(plan[:min(len(plan), maxPlan)])}, nil
}

// AddMix keeps a mix, by what its manifest says it is. One that is there already and has moved gets its
// new path.
func AddMix(ctx context.Context, d *db.DB, by, dir string) (m Mix, err error) {
	if m, err = ReadMix(dir); err != nil {
		return m, err
	}
	read := m
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := tx.Lock(ctx, "mixes"); err != nil {
			return err
		}
		err := tx.One(ctx, &m, `SELECT * FROM mix WHERE hash = ?`, read.Hash)
		switch {
		case errors.Is(err, errs.NotFound):
			m = read
			m.ID, m.CreatedAt, m.CreatedBy = db.NewID(), tx.Now(), by
			if err := tx.Insert(ctx, &m); err != nil {
				return err
			}
			return audit.Record(ctx, tx, audit.Entry{Kind: "mix", ID: m.ID, Actor: by, Action: "add", Data: map[string]any{"name": m.Name, "path": m.Path, "hash": m.Hash}})
		case err != nil || m.Path == read.Path:
			return err
		}
		from := m.Path
		m.Path = read.Path
		if _, err := tx.Exec(ctx, `UPDATE mix SET path = ? WHERE id = ?`, m.Path, m.ID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "mix", ID: m.ID, Actor: by, Action: "move", Data: map[string]any{"from": from, "to": m.Path}})
	})
	return m, err
}

// Mixes returns all mixes, the newest first.
func Mixes(ctx context.Context, d *db.DB) ([]Mix, error) {
	var ms []Mix
	err := d.All(ctx, &ms, `SELECT * FROM mix ORDER BY created_at DESC, id DESC`)
	return ms, err
}

// GetMix returns a mix by its ID, or NotFound.
func GetMix(ctx context.Context, d *db.DB, id string) (m Mix, err error) {
	defer errs.Wrap(&err, "mix %s", id)
	return m, d.One(ctx, &m, `SELECT * FROM mix WHERE id = ?`, id)
}

// FindMix returns a mix by its name (the newest of that name), its ID or the beginning of its hash.
func FindMix(ctx context.Context, d *db.DB, name string) (m Mix, err error) {
	ms, err := Mixes(ctx, d)
	if err != nil {
		return m, err
	}
	for _, m := range ms {
		if m.Name == name || m.ID == name || len(name) >= 8 && strings.HasPrefix(m.Hash, name) {
			return m, nil
		}
	}
	return m, errs.NotFoundf("nothing was trained on a mix called %q; coigwriter train list --json names the mixes of runs", name)
}
