package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"coigwriter/internal/errs"
)

// Failures of the site itself, beside the kinds of errs.
var (
	errSignIn      = errors.New("sign in first")
	errMethod      = errors.New("this address does not take that kind of request")
	errCrossOrigin = errors.New("the request came from another site")
)

// A trouble is an error as a person sees it. Name picks the words (errors.<name>.title,
// .what, .todo); Detail is what the domain said, shown for kinds a person can mend.
type trouble struct {
	Status int
	Name   string
	Detail string
	Fields []errs.Field
	ID     string
}

// troubleOf maps an error to status and words: the one place where that happens.
func troubleOf(err error) trouble {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return trouble{Status: http.StatusRequestEntityTooLarge, Name: "too_large"}
	case errors.Is(err, errMethod):
		return trouble{Status: http.StatusMethodNotAllowed, Name: "method"}
	case errors.Is(err, errCrossOrigin):
		return trouble{Status: http.StatusForbidden, Name: "cross_origin"}
	case errors.Is(err, errSignIn):
		return trouble{Status: http.StatusUnauthorized, Name: "sign_in"}
	case errors.Is(err, errs.NotFound):
		return trouble{Status: http.StatusNotFound, Name: "not_found", Detail: err.Error()}
	case errors.Is(err, errs.Forbidden):
		return trouble{Status: http.StatusForbidden, Name: "forbidden", Detail: err.Error()}
	case errors.Is(err, errs.Conflict):
		return trouble{Status: http.StatusConflict, Name: "conflict", Detail: err.Error()}
	case errors.Is(err, errs.Invalid):
		return trouble{Status: http.StatusUnprocessableEntity, Name: "invalid", Detail: err.Error(), Fields: errs.FieldsOf(err)}
	case errors.Is(err, errs.Unavailable):
		return trouble{Status: http.StatusServiceUnavailable, Name: "unavailable", Detail: err.Error()}
	}
	return trouble{Status: http.StatusInternalServerError, Name: "internal"}
}

// fail answers with the page, or the JSON, of an error. A stranger who asks for a page
// that needs a person is sent to sign in and comes back afterwards.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the browser has gone away
	}
	t := troubleOf(err)
	v := viewOf(r.Context())
	t.ID = v.RequestID
	if t.Status == http.StatusInternalServerError {
		s.opt.Log.ErrorContext(r.Context(), "request failed", "id", t.ID, "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if t.Status == http.StatusUnauthorized && r.Method == http.MethodGet && !wantsJSON(r) {
		http.Redirect(w, r, "/login?next="+url.QueryEscape(localPath(r.URL.RequestURI())), http.StatusSeeOther)
		return
	}
	if wantsJSON(r) {
		writeProblem(w, v.Lang, t)
		return
	}
	page := Page{Title: T(r.Context(), "errors."+t.Name+".title"), Alone: v.Person == nil, status: t.Status}
	if err := s.render(w, r, page, ErrorPage(t)); err != nil {
		s.opt.Log.ErrorContext(r.Context(), "error page failed", "id", t.ID, "error", err)
		http.Error(w, t.Name, t.Status)
	}
}

// wantsJSON reports whether the client asks for JSON rather than a page.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// writeProblem sends an error as a problem document (RFC 9457).
func writeProblem(w http.ResponseWriter, lang string, t trouble) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(t.Status)
	fields := map[string]string{}
	for _, f := range t.Fields {
		fields[f.Name] = fieldText(lang, f)
	}
	detail := t.Detail
	if detail == "" {
		detail = translate(lang, "errors."+t.Name+".what")
	}
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client has gone; there is nobody to tell
		"title": translate(lang, "errors."+t.Name+".title"), "status": t.Status,
		"detail": detail, "fields": fields, "request_id": t.ID,
	})
}

// fieldText returns what is wrong with a field, translated where its message has a key.
func fieldText(lang string, f errs.Field) string {
	if f.Key != "" && has(lang, f.Key) {
		return translate(lang, f.Key, f.Args...)
	}
	return f.Msg
}
