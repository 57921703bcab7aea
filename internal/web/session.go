package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/user"
)

// Names of what a session holds.
const (
	sessionPerson = "person"
	sessionStamp  = "stamp" // of the password it was made with: a new password ends old sessions
)

// newSessions keeps sessions in our database, their tokens only as hashes.
// Behind TLS (secure) browsers send the cookie over TLS only.
func newSessions(d *db.DB, secure bool) *scs.SessionManager {
	m := scs.New()
	m.Store = user.SessionStore{DB: d}
	m.HashTokenInStore = true
	m.Lifetime = 14 * 24 * time.Hour
	m.Cookie.Name = "session"
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Secure = secure
	return m
}

// withSession loads the session of requests that can have one; assets cannot.
func (s *Server) withSession(next http.Handler) http.Handler {
	s.sessions.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) { s.fail(w, r, err) }
	loaded := s.sessions.LoadAndSave(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		loaded.ServeHTTP(w, r)
	})
}

// identify returns the person of the request's session, or nil for a stranger.
func (s *Server) identify(r *http.Request) (*user.Person, error) {
	id := s.sessions.GetString(r.Context(), sessionPerson)
	if id == "" {
		return nil, nil
	}
	p, err := user.Get(r.Context(), s.db, id)
	if errors.Is(err, errs.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if p.DisabledAt != nil || p.Stamp() != s.sessions.GetString(r.Context(), sessionStamp) {
		return nil, nil
	}
	return p, nil
}

// signIn starts a session with a fresh token.
func (s *Server) signIn(ctx context.Context, p *user.Person) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, sessionPerson, p.ID)
	s.sessions.Put(ctx, sessionStamp, p.Stamp())
	return nil
}
