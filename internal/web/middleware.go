package web

import (
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"coigwriter/internal/project"
)

// contentPolicy allows what this site serves itself and nothing inline.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// middleware wraps the router; the outermost comes first.
func (s *Server) middleware(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, errCrossOrigin)
	}))
	next = cross.Handler(next)
	next = s.bounded(next)
	next = s.recovered(next)
	next = compressed(next)
	next = s.viewed(next)
	next = s.withSession(next)
	next = secured(next)
	return s.logged(next)
}

// viewed finds out who asks and how pages shall look for them.
func (s *Server) viewed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &view{
			Prefs: readPreferences(r), Path: r.URL.RequestURI(), RequestID: w.Header().Get("X-Request-Id"),
			Now: s.db.Now(), Zone: s.opt.Zone, assets: s.assets,
		}
		if !strings.HasPrefix(r.URL.Path, "/static/") {
			v.Person, v.unknown = s.identify(r)
			if v.unknown == nil {
				v.Project, v.unknown = project.Get(r.Context(), s.db)
			}
		}
		personal := ""
		if v.Person != nil {
			personal = v.Person.Locale
		}
		v.Lang = chooseLang(personal, v.Prefs["lang"], r.Header.Get("Accept-Language"))
		next.ServeHTTP(w, r.WithContext(withView(r.Context(), v)))
	})
}

// secured sets the headers that hold for every reply.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store") // assets and downloads set their own
		next.ServeHTTP(w, r)
	})
}

// bounded refuses bodies that are larger than a form of this site can be.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := s.opt.MaxBody
		if n, ok := uploads[r.Method+" "+r.URL.Path]; ok {
			limit = n
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into the page for internal errors and logs where it was.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}()
		next.ServeHTTP(w, r)
	})
}

// logged gives the request an id and writes one line when it is answered.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.db.Now()
		id := rand.Text()[:12]
		w.Header().Set("X-Request-Id", id)
		seen := &watched{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.opt.Log.InfoContext(r.Context(), "request", "id", id, "method", r.Method, "path", r.URL.Path,
			"status", seen.status, "bytes", seen.bytes, "took", s.db.Now().Sub(start))
	})
}

// watched remembers what was sent, for the log.
type watched struct {
	http.ResponseWriter
	status, bytes int
	wrote         bool
}

func (w *watched) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(b []byte) (int, error) {
	w.wrote = true
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection (flushing a stream).
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.ReplaceAll(quality, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

var gzipPool = sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(io.Discard, 5); return z }}

// compressed gzips text that the handler has not encoded itself; streams pass as they are.
func compressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !acceptsGzip(r) {
			next.ServeHTTP(w, r)
			return
		}
		z := &zipped{ResponseWriter: w}
		defer z.close()
		next.ServeHTTP(z, r)
	})
}

// zipped decides at the first byte whether a reply is worth compressing.
type zipped struct {
	http.ResponseWriter
	gz      *gzip.Writer
	decided bool
}

func (z *zipped) decide(status int) {
	if z.decided {
		return
	}
	z.decided = true
	h := z.Header()
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	text := slices.Contains([]string{"text/html", "text/plain", "text/csv", "application/json", "application/problem+json", "image/svg+xml"}, kind)
	if !text || h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" || status < 200 || status == 204 || status == 304 {
		return
	}
	h.Set("Content-Encoding", "gzip")
	h.Add("Vary", "Accept-Encoding")
	h.Del("Content-Length")
	z.gz = gzipPool.Get().(*gzip.Writer)
	z.gz.Reset(z.ResponseWriter)
}

func (z *zipped) WriteHeader(status int) { z.decide(status); z.ResponseWriter.WriteHeader(status) }

func (z *zipped) Write(b []byte) (int, error) {
	z.decide(http.StatusOK)
	if z.gz != nil {
		return z.gz.Write(b)
	}
	return z.ResponseWriter.Write(b)
}

func (z *zipped) close() {
	if z.gz != nil {
		_ = z.gz.Close() // the client has gone; there is nobody to tell
		gzipPool.Put(z.gz)
	}
}

// Unwrap lets http.ResponseController reach the connection (flushing a stream).
func (z *zipped) Unwrap() http.ResponseWriter { return z.ResponseWriter }

// hashOf returns a short hash over lines in any order.
func hashOf(lines []string) string {
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:6])
}
