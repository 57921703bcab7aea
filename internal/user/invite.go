package user

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// What a one-time link is for, and how long it works.
const (
	forSetup     = "setup"
	forPassword  = "password"
	setupLife    = 24 * time.Hour
	passwordLife = 72 * time.Hour
)

var errSpent = errs.NotFoundf("this link was used already, or is too old; ask for a new one")

// EnsureSetup returns the secret of a fresh one-time set-up link while there is no lead; the
// links made before stop working. With a lead it returns "" and no error.
func EnsureSetup(ctx context.Context, d *db.DB) (secret string, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		n, err := leads(ctx, tx)
		if err != nil || n > 0 {
			return err
		}
		secret, err = putInvite(ctx, tx, forSetup, "", setupLife)
		return err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// NewPasswordLink returns the secret of a one-time link by which a person sets their password
// within three days. Links made for them before stop working. Somebody who is disabled is
// errs.Conflict.
func NewPasswordLink(ctx context.Context, d *db.DB, by, id string) (secret string, err error) {
	err = d.Transact(ctx, func(tx *db.DB) error {
		p, err := Get(ctx, tx, id)
		if err != nil {
			return err
		}
		if p.DisabledAt != nil {
			return errs.Conflictf("%s is disabled; enable them first", p.Login)
		}
		if secret, err = putInvite(ctx, tx, forPassword, id, passwordLife); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: id, Actor: by, Action: "password-link"})
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// putInvite stores the hash of a new link's secret in place of the unused ones before it.
func putInvite(ctx context.Context, tx *db.DB, purpose, person string, life time.Duration) (string, error) {
	if err := endInvites(ctx, tx, purpose, person); err != nil {
		return "", err
	}
	secret := rand.Text() + rand.Text()
	var who any
	if person != "" {
		who = person
	}
	_, err := tx.Exec(ctx, `INSERT INTO invite (hash, purpose, person_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
		digest(secret), purpose, who, tx.Now(), tx.Now().Add(life))
	return secret, err
}

func endInvites(ctx context.Context, tx *db.DB, purpose, person string) error {
	_, err := tx.Exec(ctx, `UPDATE invite SET used_at = ? WHERE purpose = ? AND used_at IS NULL AND COALESCE(person_id, '') = ?`, tx.Now(), purpose, person)
	return err
}

// CheckInvite returns whom a link is for: nil for the set-up link. A link that was used, has
// expired or never was is errs.NotFound; so is a set-up link once there is a lead.
func CheckInvite(ctx context.Context, d *db.DB, purpose, secret string) (*Person, error) {
	var row struct{ PersonID *string }
	err := d.One(ctx, &row, `SELECT person_id FROM invite WHERE hash = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?`, digest(secret), purpose, d.Now())
	if errors.Is(err, errs.NotFound) {
		return nil, errSpent
	}
	if err != nil {
		return nil, err
	}
	if row.PersonID == nil {
		return nil, needsLead(ctx, d)
	}
	return Get(ctx, d, *row.PersonID)
}

// needsLead keeps a set-up link from making a second lead when the first came another way,
// such as by the command line, while the link lay in a terminal's history.
func needsLead(ctx context.Context, d *db.DB) error {
	n, err := leads(ctx, d)
	if err == nil && n > 0 {
		return errs.NotFoundf("there is a lead already; ask them to add you")
	}
	return err
}

// useInvite marks a link as used; of two at once, one wins.
func useInvite(ctx context.Context, tx *db.DB, purpose, secret string) error {
	n, err := tx.Exec(ctx, `UPDATE invite SET used_at = ? WHERE hash = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?`, tx.Now(), digest(secret), purpose, tx.Now())
	if err == nil && n != 1 {
		return errSpent
	}
	return err
}

// RedeemSetup makes the first lead, once. Bad fields leave the link as it was.
func RedeemSetup(ctx context.Context, d *db.DB, secret, login, name, password string) (*Person, error) {
	n := New{Login: login, Name: name, Roles: []Role{Lead, Engineer}}
	if err := n.check(); err != nil {
		return nil, err
	}
	if _, err := CheckInvite(ctx, d, forSetup, secret); err != nil { // before the work of hashing
		return nil, err
	}
	hash, err := hashPassword(ctx, n.Login, password)
	if err != nil {
		return nil, err
	}
	var p *Person
	err = d.Transact(ctx, func(tx *db.DB) (err error) {
		if err := tx.Lock(ctx, "leads"); err != nil {
			return err
		}
		if err := useInvite(ctx, tx, forSetup, secret); err != nil {
			return err
		}
		if err := needsLead(ctx, tx); err != nil {
			return err
		}
		if p, err = add(ctx, tx, "", n); err != nil {
			return err
		}
		p.PasswordHash = hash
		return putPassword(ctx, tx, p.ID, p.ID, hash)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// RedeemPassword sets the password a link is for, once. A weak password leaves the link as it was.
func RedeemPassword(ctx context.Context, d *db.DB, secret, password string) (*Person, error) {
	p, err := CheckInvite(ctx, d, forPassword, secret)
	if err != nil {
		return nil, err
	}
	hash, err := hashPassword(ctx, p.Login, password)
	if err != nil {
		return nil, err
	}
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := useInvite(ctx, tx, forPassword, secret); err != nil {
			return err
		}
		return putPassword(ctx, tx, p.ID, p.ID, hash)
	})
	if err != nil {
		return nil, err
	}
	p.PasswordHash = hash
	return p, nil
}
