package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"coigwriter/internal/errs"
)

// A Page is what the frame needs to know about a page.
type Page struct {
	Title   string          // says where; also the h1 unless Wide
	Lede    string          // a line under the title; may be empty
	Section string          // key of the rail entry it belongs to (rail.go)
	Up      []Crumb         // the way up, outermost first
	Actions templ.Component // at the right of the title; one of them primary
	Wide    bool            // the body fills the window and brings its own h1 (workspaces)
	Alone   bool            // no rail: signing in, setting up
	status  int
}

// A Crumb is one stop on the way up.
type Crumb struct{ Title, URL string }

// With returns the page with another HTTP status: a form that comes back with errors is 422.
func (p Page) With(status int) Page { p.status = status; return p }

// render writes a page. It is rendered whole before the first byte is sent, so that a
// template that fails gives an error page and never half a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, p Page, body templ.Component) error {
	v := viewOf(r.Context())
	v.Flash = takeFlash(w, r)
	if !p.Alone && v.Person != nil && v.Counts == nil {
		waits, err := s.waiting(r.Context())
		if err != nil {
			return err
		}
		v.Counts = waits.rail(r.Context())
	}
	var b bytes.Buffer
	if err := Layout(p, body).Render(r.Context(), &b); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Add("Vary", "Accept-Language, Cookie")
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	_, err := w.Write(b.Bytes())
	if err != nil {
		s.opt.Log.DebugContext(r.Context(), "reader went away", "id", v.RequestID, "error", err)
	}
	return nil
}

// renderPart writes a component without the frame, for a script that replaces a part of a page.
func (s *Server) renderPart(w http.ResponseWriter, r *http.Request, part templ.Component) error {
	var b bytes.Buffer
	if err := part.Render(r.Context(), &b); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // the reader has gone; there is nobody to tell
	return nil
}

// A Flash is a message that the next page shows once, with a way to undo what was done.
type Flash struct {
	Tone Tone
	Text string
	Undo string `json:",omitempty"` // path that a POST goes to; "" for no undo
}

const flashCookie = "flash"

// flash leaves a message for the next page.
func (s *Server) flash(w http.ResponseWriter, r *http.Request, f Flash) {
	raw, err := json.Marshal(f)
	if err != nil {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(raw), Path: "/", MaxAge: 60,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.opt.Secure,
	})
}

// done leaves a message and goes to a page: what an action that worked ends with.
func (s *Server) done(w http.ResponseWriter, r *http.Request, path string, f Flash) error {
	s.flash(w, r, f)
	http.Redirect(w, r, localPath(path), http.StatusSeeOther)
	return nil
}

func takeFlash(w http.ResponseWriter, r *http.Request) *Flash {
	c, err := r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return nil
	}
	f := &Flash{}
	if json.Unmarshal(raw, f) != nil || f.Text == "" {
		return nil
	}
	if f.Undo != "" {
		f.Undo = localPath(f.Undo)
	}
	return f
}

// text returns a form value as it was typed: forms travel with CRLF, texts are kept with LF.
func text(r *http.Request, name string) string {
	return strings.ReplaceAll(r.FormValue(name), "\r\n", "\n")
}

// revision returns the revision a save is based on: If-Match, which <auto-save> sends, or
// the form's hidden field when scripts are off.
func revision(r *http.Request) (int, error) {
	raw := strings.Trim(r.Header.Get("If-Match"), `"`)
	if raw == "" {
		raw = r.FormValue("revision")
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 {
		return 0, errs.Invalidf("the save names no revision it is based on: reload the page, your text is kept in this browser")
	}
	return n, nil
}

// saved answers a save that went well: nothing but the new revision. Without scripts it
// goes back to the page.
func (s *Server) saved(w http.ResponseWriter, r *http.Request, rev int, page string) error {
	if r.Header.Get("If-Match") == "" {
		return s.done(w, r, page, Flash{Good, T(r.Context(), "frame.saved", "n", rev), ""})
	}
	w.Header().Set("ETag", strconv.Quote(strconv.Itoa(rev)))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// stale answers a save based on an old revision with the newer state, so that the person
// can choose between the two texts. fields maps the form's names to the stored values.
func (s *Server) stale(w http.ResponseWriter, rev int, fields map[string]string) error {
	h := w.Header()
	h.Set("ETag", strconv.Quote(strconv.Itoa(rev)))
	h.Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusConflict)
	return json.NewEncoder(w).Encode(map[string]any{"revision": rev, "fields": fields})
}
