package user

import (
	"context"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

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

// A Throttle slows down guessing: a few tries at once per key, then one every few seconds. It
// forgets the oldest keys beyond its size, so that it cannot be made to fill memory.
type Throttle struct {
	mu    sync.Mutex
	keys  map[string]*rate.Limiter
	order []string
}

const throttleKeys = 10_000

// Allow reports whether another try under this key (a login, an address) is due.
func (t *Throttle) Allow(key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keys == nil {
		t.keys = map[string]*rate.Limiter{}
	}
	l := t.keys[key]
	if l == nil {
		if len(t.order) >= throttleKeys {
			delete(t.keys, t.order[0])
			t.order = t.order[1:]
		}
		l = rate.NewLimiter(rate.Every(6*time.Second), 8)
		t.keys[key] = l
		t.order = append(t.order, key)
	}
	return l.Allow()
}
