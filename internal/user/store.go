package user

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// Add adds a person who has no password yet and returns them. A login that is taken is errs.Conflict.
func Add(ctx context.Context, d *db.DB, by string, n New) (*Person, error) {
	var p *Person
	err := d.Transact(ctx, func(tx *db.DB) (err error) {
		p, err = add(ctx, tx, by, n)
		return err
	})
	return p, err
}

func add(ctx context.Context, tx *db.DB, by string, n New) (*Person, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	p := &Person{
		ID: db.NewID(), Login: n.Login, Name: n.Name, Pseudonym: "writer-" + strings.ToLower(rand.Text()[:6]),
		Specialist: n.Specialist, CreatedAt: tx.Now(), Roles: n.Roles,
	}
	if by == "" {
		by = p.ID // the first person adds themself
	}
	if err := tx.Insert(ctx, p); err != nil {
		if tx.IsUnique(err) { // or, once in a billion, the pseudonym: trying again helps
			return nil, errs.Conflictf("the login %q is taken", n.Login)
		}
		return nil, err
	}
	if err := putRoles(ctx, tx, p.ID, n.Roles); err != nil {
		return nil, err
	}
	return p, audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: p.ID, Actor: by, Action: "add", To: "active", Data: map[string]any{"roles": n.Roles}})
}

func putRoles(ctx context.Context, tx *db.DB, id string, roles []Role) error {
	if _, err := tx.Exec(ctx, `DELETE FROM person_role WHERE person_id = ?`, id); err != nil {
		return err
	}
	for _, r := range roles {
		if _, err := tx.Exec(ctx, `INSERT INTO person_role (person_id, role) VALUES (?, ?) ON CONFLICT DO NOTHING`, id, string(r)); err != nil {
			return err
		}
	}
	return nil
}

// Get returns a person with their roles.
func Get(ctx context.Context, d *db.DB, id string) (*Person, error) {
	return one(ctx, d, `SELECT * FROM person WHERE id = ?`, id)
}

// ByLogin returns the person with a login, whatever its case.
func ByLogin(ctx context.Context, d *db.DB, login string) (*Person, error) {
	return one(ctx, d, `SELECT * FROM person WHERE login = ?`, strings.ToLower(strings.TrimSpace(login)))
}

func one(ctx context.Context, d *db.DB, query, arg string) (*Person, error) {
	p := &Person{}
	if err := d.One(ctx, p, query, arg); err != nil {
		if errors.Is(err, errs.NotFound) {
			return nil, errs.NotFoundf("there is no person %q", arg)
		}
		return nil, err
	}
	if err := d.All(ctx, &p.Roles, `SELECT role FROM person_role WHERE person_id = ? ORDER BY role`, p.ID); err != nil {
		return nil, err
	}
	return p, nil
}

// List returns everybody by login, disabled people last.
func List(ctx context.Context, d *db.DB) ([]*Person, error) {
	var ps []*Person
	if err := d.All(ctx, &ps, `SELECT * FROM person ORDER BY CASE WHEN disabled_at IS NULL THEN 0 ELSE 1 END, login`); err != nil {
		return nil, err
	}
	var rows []struct {
		PersonID string
		Role     Role
	}
	if err := d.All(ctx, &rows, `SELECT person_id, role FROM person_role ORDER BY role`); err != nil {
		return nil, err
	}
	byID := make(map[string]*Person, len(ps))
	for _, p := range ps {
		byID[p.ID] = p
	}
	for _, r := range rows {
		if p := byID[r.PersonID]; p != nil {
			p.Roles = append(p.Roles, r.Role)
		}
	}
	return ps, nil
}

// Names returns everybody's shown name by ID, for pages that show who did what.
func Names(ctx context.Context, d *db.DB) (map[string]string, error) {
	var rows []struct{ ID, Name string }
	if err := d.All(ctx, &rows, `SELECT id, name FROM person`); err != nil {
		return nil, err
	}
	m := make(map[string]string, len(rows))
	for _, r := range rows {
		m[r.ID] = r.Name
	}
	return m, nil
}

// SetRoles replaces a person's roles and whether they are a specialist. The last lead stays one.
func SetRoles(ctx context.Context, d *db.DB, by, id string, roles []Role, specialist bool) error {
	if b := badRoles(roles); b != nil {
		return errs.Fields(*b)
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		p, err := Get(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := putRoles(ctx, tx, id, roles); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE person SET specialist = ? WHERE id = ?`, specialist, id); err != nil {
			return err
		}
		if p.leads() && !slices.Contains(roles, Lead) {
			if err := keepLead(ctx, tx); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.Entry{
			Kind: "person", ID: id, Actor: by, Action: "roles",
			Data: map[string]any{"from": p.Roles, "to": roles, "specialist": specialist},
		})
	})
}

// SetName changes the name colleagues see. The pseudonym stays.
func SetName(ctx context.Context, d *db.DB, by, id, name string) error {
	name = strings.TrimSpace(name)
	if b := badName(name); b != nil {
		return errs.Fields(*b)
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		p, err := Get(ctx, tx, id)
		if err != nil || p.Name == name {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE person SET name = ? WHERE id = ?`, name, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: id, Actor: by, Action: "name", Data: map[string]string{"from": p.Name, "to": name}})
	})
}

// SetEnabled lets a person in again or shuts them out at once; the last lead cannot be shut out.
func SetEnabled(ctx context.Context, d *db.DB, by, id string, enabled bool) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		p, err := Get(ctx, tx, id)
		if err != nil {
			return err
		}
		if enabled == (p.DisabledAt == nil) {
			return nil
		}
		from, to, action := "active", "disabled", "disable"
		var at any = tx.Now()
		if enabled {
			from, to, action, at = to, from, "enable", nil
		}
		if _, err := tx.Exec(ctx, `UPDATE person SET disabled_at = ? WHERE id = ?`, at, id); err != nil {
			return err
		}
		if p.leads() && !enabled {
			if err := keepLead(ctx, tx); err != nil {
				return err
			}
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: id, Actor: by, Action: action, From: from, To: to})
	})
}

// keepLead refuses a change after which nobody could manage the project. It takes its lock
// after the change: of two leads shut out at once, the second sees the first gone.
func keepLead(ctx context.Context, tx *db.DB) error {
	if err := tx.Lock(ctx, "leads"); err != nil {
		return err
	}
	n, err := leads(ctx, tx)
	if err == nil && n == 0 {
		return errs.Conflictf("this is the last lead; make another person lead first")
	}
	return err
}

func leads(ctx context.Context, d *db.DB) (n int, err error) {
	err = d.One(ctx, &n, `SELECT COUNT(*) FROM person p JOIN person_role r ON r.person_id = p.id
		WHERE r.role = 'lead' AND p.disabled_at IS NULL`)
	return n, err
}

// SetPreferences stores how the pages look to a person: locale zh-CN, en or "", theme light,
// dark or "". Only the person does this for themself.
func SetPreferences(ctx context.Context, d *db.DB, id, locale, theme string) error {
	if !slices.Contains([]string{"", "zh-CN", "en"}, locale) || !slices.Contains([]string{"", "light", "dark"}, theme) {
		return errs.Invalidf("unknown language %q or theme %q", locale, theme)
	}
	return d.Transact(ctx, func(tx *db.DB) error {
		p, err := Get(ctx, tx, id)
		if err != nil || p.Locale == locale && p.Theme == theme {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE person SET locale = ?, theme = ? WHERE id = ?`, locale, theme, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: id, Actor: id, Action: "preferences", Data: map[string]string{"locale": locale, "theme": theme}})
	})
}
