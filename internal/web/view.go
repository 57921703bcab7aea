package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/project"
	"coigwriter/internal/user"
)

// A view is what every template may ask about the request it answers. It travels in the
// context, because templ hands the context to each component.
type view struct {
	Person    *user.Person // nil for a stranger
	Lang      string       // zh-CN or en
	Prefs     map[string]string
	Path      string // path and query, for the way back
	RequestID string
	Now       time.Time
	Zone      *time.Location
	Project   project.Settings
	Counts    map[string]int // what waits for this person, by rail entry (rail.go)
	Flash     *Flash
	assets    *assets
	unknown   error // why it could not be found out who asks
}

type viewKey struct{}

// viewOf returns the view of a request; outside one (tests of single components), a
// plain Chinese one.
func viewOf(ctx context.Context) *view {
	if v, ok := ctx.Value(viewKey{}).(*view); ok {
		return v
	}
	return &view{Lang: "zh-CN", Now: time.Now(), Zone: time.UTC}
}

func withView(ctx context.Context, v *view) context.Context {
	return context.WithValue(ctx, viewKey{}, v)
}

// Can reports whether the person who looks at the page may do what permission names;
// templates ask it before they show a button.
func Can(ctx context.Context, permission user.Permission) bool {
	return viewOf(ctx).Person.May(permission)
}

// Lang returns the language of the page: zh-CN or en.
func Lang(ctx context.Context) string { return viewOf(ctx).Lang }

// A preference is a choice about how pages look that lives in a cookie of the browser,
// so that the server renders it and nothing jumps. The first value is the default.
type preference struct {
	Name   string
	Values []string
}

var preferences = []preference{
	{"theme", []string{"auto", "light", "dark"}},
	{"rail", []string{"auto", "wide", "narrow"}},
	{"face", []string{"sans", "serif"}},
	{"size", []string{"18", "16", "20", "22", "24"}}, // of reading and writing, in px
	{"lang", []string{"", "zh-CN", "en"}},
}

// readPreferences returns a valid value for each preference.
func readPreferences(r *http.Request) map[string]string {
	out := make(map[string]string, len(preferences))
	for _, p := range preferences {
		out[p.Name] = p.Values[0]
		if c, err := r.Cookie(p.Name); err == nil && slices.Contains(p.Values, c.Value) {
			out[p.Name] = c.Value
		}
	}
	return out
}

// setPreference stores choices in cookies and goes back to the page it was made on.
// Scripts read and write the same cookies (static/prefs.js).
func (s *Server) setPreference(w http.ResponseWriter, r *http.Request) error {
	for _, p := range preferences {
		if value := r.FormValue(p.Name); r.Form.Has(p.Name) && slices.Contains(p.Values, value) {
			http.SetCookie(w, &http.Cookie{
				Name: p.Name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600,
				SameSite: http.SameSiteLaxMode, Secure: s.opt.Secure,
			})
		}
	}
	http.Redirect(w, r, localPath(r.FormValue("back")), http.StatusSeeOther)
	return nil
}

// localPath returns path when it leads to a page of this site, and the first page
// otherwise: a link must not send people elsewhere.
func localPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// chooseLang picks the language of a page: the person's choice, then the browser's
// cookie, then what the browser asks for, then Chinese.
func chooseLang(person, cookie, accept string) string {
	for _, want := range []string{person, cookie} {
		if slices.Contains(Langs, want) {
			return want
		}
	}
	for part := range strings.SplitSeq(accept, ",") {
		tag, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.ReplaceAll(quality, " ", "") == "q=0" {
			continue
		}
		switch base, _, _ := strings.Cut(strings.ToLower(tag), "-"); base {
		case "zh":
			return "zh-CN"
		case "en":
			return "en"
		}
	}
	return "zh-CN"
}

// isFramed reports whether the page stands in the frame, which brings the title.
func isFramed(ctx context.Context) bool { return viewOf(ctx).Person != nil }

// wayBack is the page an error page leads back to: the one that was asked for.
func wayBack(ctx context.Context) string { return localPath(viewOf(ctx).Path) }
