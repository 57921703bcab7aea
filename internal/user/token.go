package user

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

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
	name = strings.TrimSpace(name)
	if !shortLine(name) {
		return "", errs.Fields(errs.Field{Name: "name", Msg: "say in at most 64 characters what the token is for", Key: "people.token_name"})
	}
	if life < 0 {
		return "", errs.Fields(errs.Field{Name: "life", Msg: "give how long the token lives, or 0 for ever", Key: "people.token_life"})
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
	err := d.Transact(ctx, func(tx *db.DB) error {
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
	if err != nil {
		return "", err
	}
	return secret, nil
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
