package user

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// hashing admits two argon2id hashes at a time: each takes 64 MB.
var hashing = make(chan struct{}, 2)

// nobody is compared with when a login does not exist, so that the time tells nothing.
var nobody = func() string {
	h, err := argon2id.CreateHash(rand.Text(), argon2id.DefaultParams)
	if err != nil {
		panic(err) // no randomness: the program must not start
	}
	return h
}()

const minPassword = 10

func hashPassword(login, password string) (string, error) {
	if len([]rune(password)) < minPassword || len(password) > 512 {
		return "", errs.Fields(errs.Field{Name: "password", Msg: "use at least 10 characters", Key: "people.short_password"})
	}
	low := strings.ToLower(password)
	if strings.Contains(low, login) || strings.Count(low, low[:1]) == len(low) || slices.Contains(trivial, low) {
		return "", errs.Fields(errs.Field{Name: "password", Msg: "too easy to guess; use several words", Key: "people.weak_password"})
	}
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2id.CreateHash(password, argon2id.DefaultParams)
}

var trivial = []string{"1234567890", "0123456789", "password123", "qwertyuiop", "1q2w3e4r5t", "administrator", "coigwriter", "coigwriter1"}

// SetPassword gives a person a password and ends all their sessions.
func SetPassword(ctx context.Context, d *db.DB, by, id, password string) error {
	p, err := Get(ctx, d, id)
	if err != nil {
		return err
	}
	hash, err := hashPassword(p.Login, password)
	if err != nil {
		return err
	}
	return d.Transact(ctx, func(tx *db.DB) error { return putPassword(ctx, tx, by, id, hash) })
}

func putPassword(ctx context.Context, tx *db.DB, by, id, hash string) error {
	if _, err := tx.Exec(ctx, `UPDATE person SET password_hash = ? WHERE id = ?`, hash, id); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: id, Actor: by, Action: "password"})
}

// Authenticate returns the person with this login and password. Whatever is wrong, it is the
// same errs.Forbidden after the same work.
func Authenticate(ctx context.Context, d *db.DB, login, password string) (*Person, error) {
	p, err := ByLogin(ctx, d, login)
	if err != nil && !errors.Is(err, errs.NotFound) {
		return nil, err
	}
	hash := nobody
	if p != nil && p.PasswordHash != "" {
		hash = p.PasswordHash
	}
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	<-hashing
	if err != nil {
		return nil, err
	}
	if !ok || p == nil || p.PasswordHash == "" || p.DisabledAt != nil {
		return nil, errs.Forbiddenf("login or password is wrong")
	}
	return p, nil
}

// Stamp changes whenever a person's sessions must end: with the password.
func (p *Person) Stamp() string { return digest(p.PasswordHash)[:16] }

func digest(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

const (
	setupLife    = 24 * time.Hour
	passwordLife = 72 * time.Hour
)

// EnsureSetup returns the secret of a fresh one-time set-up link while there is no lead; the
// links made before stop working. With a lead it returns "" and no error.
func EnsureSetup(ctx context.Context, d *db.DB) (string, error) {
	n, err := leads(ctx, d)
	if err != nil || n > 0 {
		return "", err
	}
	return newInvite(ctx, d, "setup", "", setupLife)
}

// NewPasswordLink returns the secret of a one-time link by which a person sets their password.
func NewPasswordLink(ctx context.Context, d *db.DB, by, id string) (string, error) {
	p, err := Get(ctx, d, id)
	if err != nil {
		return "", err
	}
	secret, err := newInvite(ctx, d, "password", p.ID, passwordLife)
	if err != nil {
		return "", err
	}
	return secret, d.Transact(ctx, func(tx *db.DB) error {
		return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: id, Actor: by, Action: "password-link"})
	})
}

func newInvite(ctx context.Context, d *db.DB, purpose, person string, life time.Duration) (string, error) {
	secret := rand.Text() + rand.Text()
	var who any
	if person != "" {
		who = person
	}
	return secret, d.Transact(ctx, func(tx *db.DB) error {
		if _, err := tx.Exec(ctx, `UPDATE invite SET used_at = ? WHERE purpose = ? AND used_at IS NULL AND COALESCE(person_id, '') = ?`, tx.Now(), purpose, person); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO invite (hash, purpose, person_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
			digest(secret), purpose, who, tx.Now(), tx.Now().Add(life))
		return err
	})
}

// CheckInvite returns whom a link is for: nil for the set-up link. A link that was used, has
// expired or never was is errs.NotFound.
func CheckInvite(ctx context.Context, d *db.DB, purpose, secret string) (*Person, error) {
	var row struct{ PersonID *string }
	err := d.One(ctx, &row, `SELECT person_id FROM invite WHERE hash = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?`, digest(secret), purpose, d.Now())
	if errors.Is(err, errs.NotFound) {
		return nil, errs.NotFoundf("this link was used already, or is too old; ask for a new one")
	}
	if err != nil || row.PersonID == nil {
		return nil, err
	}
	return Get(ctx, d, *row.PersonID)
}

// useInvite marks a link as used; of two at once, one wins.
func useInvite(ctx context.Context, tx *db.DB, purpose, secret string) error {
	n, err := tx.Exec(ctx, `UPDATE invite SET used_at = ? WHERE hash = ? AND purpose = ? AND used_at IS NULL AND expires_at > ?`, tx.Now(), digest(secret), purpose, tx.Now())
	if err == nil && n != 1 {
		return errs.NotFoundf("this link was used already, or is too old; ask for a new one")
	}
	return err
}

// RedeemSetup makes the first lead, once.
func RedeemSetup(ctx context.Context, d *db.DB, secret, login, name, password string) (*Person, error) {
	n := New{Login: login, Name: name, Roles: []Role{Lead, Engineer}}
	if err := n.check(); err != nil {
		return nil, err
	}
	hash, err := hashPassword(n.Login, password)
	if err != nil {
		return nil, err
	}
	var p *Person
	err = d.Transact(ctx, func(tx *db.DB) error {
		if err := useInvite(ctx, tx, "setup", secret); err != nil {
			return err
		}
		if p, err = add(ctx, tx, "", n); err != nil {
			return err
		}
		p.PasswordHash = hash
		return putPassword(ctx, tx, p.ID, p.ID, hash)
	})
	return p, err
}

// RedeemPassword sets the password a link is for, once.
func RedeemPassword(ctx context.Context, d *db.DB, secret, password string) (*Person, error) {
	p, err := CheckInvite(ctx, d, "password", secret)
	if err != nil {
		return nil, err
	}
	hash, err := hashPassword(p.Login, password)
	if err != nil {
		return nil, err
	}
	p.PasswordHash = hash
	return p, d.Transact(ctx, func(tx *db.DB) error {
		if err := useInvite(ctx, tx, "password", secret); err != nil {
			return err
		}
		return putPassword(ctx, tx, p.ID, p.ID, hash)
	})
}

const tokenPrefix = "cw_"

// A Token is an API token as lists show it: never with its secret.
type Token struct {
	ID         string                `json:"id"`
	PersonID   string                `json:"person_id"`
	Name       string                `json:"name"`
	Scopes     db.JSON[[]Permission] `json:"scopes"`
	CreatedAt  time.Time             `json:"created_at"`
	ExpiresAt  *time.Time            `json:"expires_at,omitempty"`
	LastUsedAt *time.Time            `json:"last_used_at,omitempty"`
	RevokedAt  *time.Time            `json:"revoked_at,omitempty"`
}

// NewToken makes an API token of a person and returns its secret, the only time it is seen.
// Scopes narrow what the person's roles allow; life 0 means it does not expire.
func NewToken(ctx context.Context, d *db.DB, by, person, name string, scopes []Permission, life time.Duration) (string, error) {
	if strings.TrimSpace(name) == "" {
		return "", errs.Fields(errs.Field{Name: "name", Msg: "say what the token is for", Key: "people.token_name"})
	}
	if len(scopes) == 0 {
		return "", errs.Fields(errs.Field{Name: "scopes", Msg: "give at least one permission, such as stats.read", Key: "people.token_scopes"})
	}
	for _, s := range scopes {
		if s == Public || s == Self || RolesWith(s) == nil {
			return "", errs.Fields(errs.Field{Name: "scopes", Msg: fmt.Sprintf("%q is no permission", s), Key: "people.token_scopes"})
		}
	}
	secret := tokenPrefix + rand.Text() + rand.Text()
	var expires any
	if life > 0 {
		expires = d.Now().Add(life)
	}
	return secret, d.Transact(ctx, func(tx *db.DB) error {
		if _, err := Get(ctx, tx, person); err != nil {
			return err
		}
		id := db.NewID()
		_, err := tx.Exec(ctx, `INSERT INTO api_token (id, person_id, name, hash, scopes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			id, person, name, digest(secret), db.AsJSON(scopes), tx.Now(), expires)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: person, Actor: by, Action: "token", Data: map[string]any{"token": id, "name": name, "scopes": scopes}})
	})
}

// Tokens returns a person's tokens, newest first.
func Tokens(ctx context.Context, d *db.DB, person string) ([]Token, error) {
	var ts []Token
	err := d.All(ctx, &ts, `SELECT id, person_id, name, scopes, created_at, expires_at, last_used_at, revoked_at FROM api_token WHERE person_id = ? ORDER BY id DESC`, person)
	return ts, err
}

// RevokeToken ends a token of a person at once.
func RevokeToken(ctx context.Context, d *db.DB, by, person, id string) error {
	return d.Transact(ctx, func(tx *db.DB) error {
		n, err := tx.Exec(ctx, `UPDATE api_token SET revoked_at = ? WHERE id = ? AND person_id = ? AND revoked_at IS NULL`, tx.Now(), id, person)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.NotFoundf("there is no such token")
		}
		return audit.Record(ctx, tx, audit.Entry{Kind: "person", ID: person, Actor: by, Action: "revoke-token", Data: map[string]string{"token": id}})
	})
}

// ByToken returns the person a token speaks for, with the token's scopes.
func ByToken(ctx context.Context, d *db.DB, secret string) (*Person, error) {
	if !strings.HasPrefix(secret, tokenPrefix) {
		return nil, errs.Forbiddenf("not an API token of coigwriter")
	}
	var t Token
	err := d.One(ctx, &t, `SELECT id, person_id, name, scopes, created_at, expires_at, last_used_at, revoked_at FROM api_token
		WHERE hash = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)`, digest(secret), d.Now())
	if errors.Is(err, errs.NotFound) {
		return nil, errs.Forbiddenf("the API token is unknown, revoked or expired")
	}
	if err != nil {
		return nil, err
	}
	p, err := Get(ctx, d, t.PersonID)
	if err != nil {
		return nil, err
	}
	if p.DisabledAt != nil {
		return nil, errs.Forbiddenf("the API token's owner is disabled")
	}
	p.Scopes = t.Scopes.V
	if t.LastUsedAt == nil || d.Now().Sub(*t.LastUsedAt) > time.Minute {
		_, err = d.Exec(ctx, `UPDATE api_token SET last_used_at = ? WHERE id = ?`, d.Now(), t.ID)
	}
	return p, err
}
