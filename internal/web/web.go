// Package web is the site people work in: server-rendered pages in Chinese and English.
//
// Where to start: routes.go is the site map, one line a page. A handler parses the
// request, calls one function of the domain and renders a typed page (render.go); an
// error it returns becomes a status and a page in one place (errors.go). The frame and
// the components are in layout.templ and the files beside it; words are in locales/,
// colours and sizes in static/tokens.css, behaviour in small ES modules under static/.
//
// Nothing is fetched from elsewhere, no script or style stands inline (the content
// security policy forbids it), and every page can be read without scripts.
package web

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/llm"
	"coigwriter/internal/train"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// Options is what the site needs from the program that starts it.
type Options struct {
	DB *db.DB
	// LLM is the model that judges; nil or unconfigured means that people do.
	LLM *llm.Client
	// Train is what may be trained with on this machine; the zero value lets pages start nothing.
	Train train.Host
	// Log receives one line a request and every internal error; nil discards them.
	Log *slog.Logger
	// Zone is where exact times are shown; nil is time.Local.
	Zone *time.Location
	// Secure says that people reach the site over TLS only (usually a proxy before it).
	Secure bool
	// MaxBody bounds a request's body in bytes; 0 is 8 MiB. Uploads set their own.
	MaxBody int64
}

// A Server answers requests for pages.
type Server struct {
	db       *db.DB
	opt      Options
	assets   *assets
	sessions *scs.SessionManager
	throttle user.Throttle
	helping  sync.Map // persons whose question a model is answering
	ledgers  memo[ledgerKey, triplet.Ledger]
	records  memo[string, evaluate.Records]
	results  memo[string, evaluate.Results]
	days     memo[callFilter, []llm.Entry]
	checks   memo[string, bench.Check]
	probes   sync.Map // engine → what it said of itself
	routes   []Route
	handle   http.Handler
}

// New makes the site. It fails when a message file or an asset that is built into the
// program is broken, or a route names no permission.
func New(opt Options) (*Server, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if opt.Zone == nil {
		opt.Zone = time.Local
	}
	if opt.MaxBody == 0 {
		opt.MaxBody = 8 << 20
	}
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	if messagesErr != nil {
		return nil, messagesErr
	}
	s := &Server{db: opt.DB, opt: opt, assets: a, sessions: newSessions(opt.DB, opt.Secure)}
	s.routes = s.siteMap()
	for _, r := range s.routes {
		if r.May == "" {
			return nil, fmt.Errorf("route %s %s names no permission: say user.Public if everyone may see it", r.Method, r.Pattern)
		}
	}
	s.handle = s.middleware(s.mux())
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handle.ServeHTTP(w, r) }

// Routes returns the site map, for tests that walk every route and for docs.
func (s *Server) Routes() []Route { return s.routes }
