package web

import (
	"errors"
	"net"
	"net/http"

	"github.com/a-h/templ"

	"coigwriter/internal/errs"
	"coigwriter/internal/user"
)

// signForm is a form at the door: what was typed (never the password) and what is wrong.
type signForm struct {
	Action, Login, Name, Next string
	Err                       error
}

// loginPage asks who comes.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) error {
	if viewOf(r.Context()).Person != nil {
		http.Redirect(w, r, localPath(r.FormValue("next")), http.StatusSeeOther)
		return nil
	}
	return s.door(w, r, "login.title", LoginPage(signForm{Next: r.FormValue("next")}), 0)
}

func (s *Server) door(w http.ResponseWriter, r *http.Request, title string, body templ.Component, status int) error {
	return s.render(w, r, Page{Title: T(r.Context(), title), Alone: true, status: status}, body)
}

// login lets somebody in. Guessing is slowed down by login and by address.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	f := signForm{Login: r.FormValue("login"), Next: r.FormValue("next")}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if !s.throttle.Allow("login "+f.Login) || !s.throttle.Allow("address "+host) {
		f.Err = errs.Fields(errs.Field{Name: "password", Key: "login.slow", Msg: "too many tries; wait a minute"})
		return s.door(w, r, "login.title", LoginPage(f), http.StatusTooManyRequests)
	}
	p, err := user.Authenticate(r.Context(), s.db, f.Login, r.FormValue("password"))
	if errors.Is(err, errs.Forbidden) {
		f.Err = errs.Fields(errs.Field{Name: "password", Key: "login.wrong", Msg: err.Error()})
		return s.door(w, r, "login.title", LoginPage(f), http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	if err := s.signIn(r.Context(), p); err != nil {
		return err
	}
	http.Redirect(w, r, localPath(f.Next), http.StatusSeeOther)
	return nil
}

// logout ends the session.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}

// setupPage is where the first start's link leads.
func (s *Server) setupPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := user.CheckInvite(r.Context(), s.db, "setup", r.PathValue("secret")); err != nil {
		return err
	}
	return s.door(w, r, "login.setup", SetupPage(signForm{Action: r.URL.Path}), 0)
}

// setup makes the first lead.
func (s *Server) setup(w http.ResponseWriter, r *http.Request) error {
	f := signForm{Action: r.URL.Path, Login: r.FormValue("login"), Name: r.FormValue("name")}
	p, err := user.RedeemSetup(r.Context(), s.db, r.PathValue("secret"), f.Login, f.Name, r.FormValue("password"))
	if len(errs.FieldsOf(err)) > 0 {
		f.Err = err
		return s.door(w, r, "login.setup", SetupPage(f), http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	if err := s.signIn(r.Context(), p); err != nil {
		return err
	}
	return s.done(w, r, "/settings", Flash{Tone: Good, Text: T(r.Context(), "login.setup_done")})
}

// passwordPage is where a lead's link for a password leads.
func (s *Server) passwordPage(w http.ResponseWriter, r *http.Request) error {
	p, err := user.CheckInvite(r.Context(), s.db, "password", r.PathValue("secret"))
	if err != nil {
		return err
	}
	return s.door(w, r, "login.password_title", PasswordPage(signForm{Action: r.URL.Path, Login: p.Login, Name: p.Name}), 0)
}

// password sets it, once.
func (s *Server) password(w http.ResponseWriter, r *http.Request) error {
	invited, err := user.CheckInvite(r.Context(), s.db, "password", r.PathValue("secret"))
	if err != nil {
		return err
	}
	p, err := user.RedeemPassword(r.Context(), s.db, r.PathValue("secret"), r.FormValue("password"))
	if len(errs.FieldsOf(err)) > 0 {
		f := signForm{Action: r.URL.Path, Login: invited.Login, Name: invited.Name, Err: err}
		return s.door(w, r, "login.password_title", PasswordPage(f), http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	if err := s.signIn(r.Context(), p); err != nil {
		return err
	}
	return s.done(w, r, "/", Flash{Tone: Good, Text: T(r.Context(), "login.password_done")})
}

// accountPage shows a person what the project knows of them, and their password form.
func (s *Server) accountPage(w http.ResponseWriter, r *http.Request) error {
	return s.account(w, r, nil)
}

func (s *Server) account(w http.ResponseWriter, r *http.Request, bad error) error {
	status := 0
	if bad != nil {
		status = http.StatusUnprocessableEntity
	}
	return s.render(w, r, Page{Title: T(r.Context(), "frame.account"), status: status}, AccountPage(viewOf(r.Context()).Person, bad))
}

// accountPassword changes one's own password, knowing the old one.
func (s *Server) accountPassword(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	me := viewOf(ctx).Person
	if !s.throttle.Allow("password " + me.ID) {
		return s.account(w, r, errs.Fields(errs.Field{Name: "old", Key: "login.slow", Msg: "too many tries; wait a minute"}))
	}
	if _, err := user.Authenticate(ctx, s.db, me.Login, r.FormValue("old")); errors.Is(err, errs.Forbidden) {
		return s.account(w, r, errs.Fields(errs.Field{Name: "old", Key: "login.wrong_old", Msg: "the old password is wrong"}))
	} else if err != nil {
		return err
	}
	err := user.SetPassword(ctx, s.db, me.ID, me.ID, r.FormValue("password"))
	if len(errs.FieldsOf(err)) > 0 {
		return s.account(w, r, err)
	}
	if err != nil {
		return err
	}
	p, err := user.Get(ctx, s.db, me.ID)
	if err != nil {
		return err
	}
	if err := s.signIn(ctx, p); err != nil { // this browser stays; all others must sign in anew
		return err
	}
	return s.done(w, r, "/account", Flash{Tone: Good, Text: T(ctx, "login.password_done")})
}
