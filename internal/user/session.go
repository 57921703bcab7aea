package user

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
)

// A SessionStore keeps browser sessions in our database; it is scs's CtxStore.
type SessionStore struct{ DB *db.DB }

// FindCtx returns a session that has not expired.
func (s SessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data string
	err := s.DB.One(ctx, &data, `SELECT data FROM session WHERE token = ? AND expiry > ?`, token, s.DB.Now())
	if errors.Is(err, errs.NotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	b, err := base64.StdEncoding.DecodeString(data)
	return b, err == nil, err
}

// CommitCtx stores a session.
func (s SessionStore) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	_, err := s.DB.Exec(ctx, `INSERT INTO session (token, data, expiry) VALUES (?, ?, ?)
		ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry`,
		token, base64.StdEncoding.EncodeToString(b), expiry.UTC())
	return err
}

// DeleteCtx ends a session.
func (s SessionStore) DeleteCtx(ctx context.Context, token string) error {
	_, err := s.DB.Exec(ctx, `DELETE FROM session WHERE token = ?`, token)
	return err
}

// Find, Commit and Delete are there for scs's older interface.
func (s SessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit stores a session.
func (s SessionStore) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// Delete ends a session.
func (s SessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// CleanSessions removes expired sessions.
func CleanSessions(ctx context.Context, d *db.DB) error {
	_, err := d.Exec(ctx, `DELETE FROM session WHERE expiry < ?`, d.Now())
	return err
}
