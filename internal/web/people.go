package web

import (
	"net/http"
	"slices"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/user"
)

// peoplePage is everybody, with a form for a new person.
type peoplePage struct {
	People []*user.Person
	Form   user.New
	Err    error
	Link   string // a one-time link that was just made
	For    string // whose it is
}

// personPage is one person with their tokens.
type personPage struct {
	P      *user.Person
	Tokens []user.Token
	Link   string
	Secret string // of a token that was just made, shown once
	Err    error
}

func (s *Server) people(w http.ResponseWriter, r *http.Request) error {
	return s.showPeople(w, r, peoplePage{}, 0)
}

func (s *Server) showPeople(w http.ResponseWriter, r *http.Request, p peoplePage, status int) error {
	var err error
	if p.People, err = user.List(r.Context(), s.db); err != nil {
		return err
	}
	return s.render(w, r, Page{Title: T(r.Context(), "people.title"), Section: "people", status: status}, PeoplePage(p))
}

// addPerson adds somebody and shows their one-time link.
func (s *Server) addPerson(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	p := peoplePage{Form: user.New{Login: r.FormValue("login"), Name: r.FormValue("name"), Specialist: r.FormValue("specialist") != "", Roles: rolesOf(r)}}
	by := viewOf(ctx).Person.ID
	added, err := user.Add(ctx, s.db, by, p.Form)
	if err != nil {
		if len(errs.FieldsOf(err)) == 0 && errs.Kind(err) != errs.Conflict {
			return err
		}
		p.Err = err
		if len(errs.FieldsOf(err)) == 0 {
			p.Err = errs.Fields(errs.Field{Name: "login", Key: "people.taken", Msg: err.Error()})
		}
		return s.showPeople(w, r, p, http.StatusUnprocessableEntity)
	}
	secret, err := user.NewPasswordLink(ctx, s.db, by, added.ID)
	if err != nil {
		return err
	}
	return s.showPeople(w, r, peoplePage{Link: absolute(r, "/password/"+secret), For: added.Name}, 0)
}

func rolesOf(r *http.Request) []user.Role {
	var out []user.Role
	for _, v := range user.Roles {
		if slices.Contains(r.Form["role"], string(v)) {
			out = append(out, v)
		}
	}
	return out
}

// absolute is an address that can be sent to somebody.
func absolute(r *http.Request, path string) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host + path
}

func (s *Server) person(w http.ResponseWriter, r *http.Request) error {
	return s.showPerson(w, r, personPage{}, 0)
}

func (s *Server) showPerson(w http.ResponseWriter, r *http.Request, p personPage, status int) error {
	ctx := r.Context()
	var err error
	if p.P, err = user.Get(ctx, s.db, r.PathValue("id")); err != nil {
		return err
	}
	if p.Tokens, err = user.Tokens(ctx, s.db, p.P.ID); err != nil {
		return err
	}
	page := Page{Title: p.P.Name, Section: "people", Up: []Crumb{{T(ctx, "people.title"), "/people"}}, status: status}
	return s.render(w, r, page, PersonPage(p))
}

// changePerson sets roles.
func (s *Server) changePerson(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return errs.Invalidf("%w", err)
	}
	id := r.PathValue("id")
	err := user.SetRoles(ctx, s.db, viewOf(ctx).Person.ID, id, rolesOf(r), r.FormValue("specialist") != "")
	if len(errs.FieldsOf(err)) > 0 {
		return s.showPerson(w, r, personPage{Err: err}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/people/"+id, Flash{Tone: Good, Text: T(ctx, "people.saved")})
}

// enablePerson lets somebody in or shuts them out; undo is one click away.
func (s *Server) enablePerson(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id := r.PathValue("id")
	on := r.FormValue("on") != ""
	if err := user.SetEnabled(ctx, s.db, viewOf(ctx).Person.ID, id, on); err != nil {
		return err
	}
	key := "people.disabled_done"
	if on {
		key = "people.enabled_done"
	}
	return s.done(w, r, "/people/"+id, Flash{Tone: Good, Text: T(ctx, key)})
}

// personLink makes a one-time link for a password.
func (s *Server) personLink(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	secret, err := user.NewPasswordLink(ctx, s.db, viewOf(ctx).Person.ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.showPerson(w, r, personPage{Link: absolute(r, "/password/"+secret)}, 0)
}

// personToken makes an API token; its secret is shown this once.
func (s *Server) personToken(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if err := r.ParseForm(); err != nil {
		return errs.Invalidf("%w", err)
	}
	scopes := make([]user.Permission, 0, len(r.Form["scope"]))
	for _, v := range r.Form["scope"] {
		scopes = append(scopes, user.Permission(v))
	}
	secret, err := user.NewToken(ctx, s.db, viewOf(ctx).Person.ID, r.PathValue("id"), r.FormValue("name"), scopes, 90*24*time.Hour)
	if len(errs.FieldsOf(err)) > 0 {
		return s.showPerson(w, r, personPage{Err: err}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.showPerson(w, r, personPage{Secret: secret}, 0)
}

// revokeToken ends a token.
func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id := r.PathValue("id")
	if err := user.RevokeToken(ctx, s.db, viewOf(ctx).Person.ID, id, r.PathValue("token")); err != nil {
		return err
	}
	return s.done(w, r, "/people/"+id, Flash{Tone: Good, Text: T(ctx, "people.token_revoked")})
}
