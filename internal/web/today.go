package web

import "net/http"

// healthy answers the question of a supervisor whether the program serves requests.
func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}

// today is the page a person starts the day with.
func (s *Server) today(w http.ResponseWriter, r *http.Request) error {
	p := Page{Title: T(r.Context(), "today.title"), Section: "today"}
	return s.render(w, r, p, TodayPage())
}
