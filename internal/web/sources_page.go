package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	texts "coigwriter/internal/text"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// sourceView is one source with all that is known of it.
type sourceView struct {
	S        *source.Source
	Genre    genre.Genre
	Tax      *genre.Taxonomy
	Evidence []source.Evidence
	Date     source.Verdict // what the gate says of the evidence now
	Findings []source.Finding
	Verdicts []screen.Verdict // oldest first
	Triplets []triplet.Row    // written from it, for those who may read them all, newest first
	History  []audit.Event    // for those who may read it, newest first
	Names    map[string]string
	Err      error      // of the form that came back
	Form     url.Values // what was typed into it
	Blind    bool       // the verdicts of others are folded away
}

// dateGate is the project's date gate.
func dateGate(set project.Settings) source.DateGate {
	return source.DateGate{Cutoff: set.CutoffTime(), Tolerance: 24 * time.Hour, SingleEvidence: set.SingleEvidence}
}

func (s *Server) sourceViewOf(r *http.Request) (*sourceView, error) {
	ctx := r.Context()
	src, err := source.Get(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v := &sourceView{S: src, Form: url.Values{}}
	if v.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return nil, err
	}
	v.Genre, _ = v.Tax.Get(src.Genre)
	if v.Evidence, err = source.EvidenceOf(ctx, s.db, src.ID); err != nil {
		return nil, err
	}
	v.Date = dateGate(viewOf(ctx).Project).Judge(slices.Clone(v.Evidence), s.db.Now())
	if v.Findings, err = source.Findings(ctx, s.db, src.ID); err != nil {
		return nil, err
	}
	if v.Verdicts, err = screen.Verdicts(ctx, s.db, src.ID); err != nil {
		return nil, err
	}
	if Can(ctx, user.TripletRead) {
		if v.Triplets, _, err = triplet.List(ctx, s.db, triplet.Filter{Source: src.ID}); err != nil {
			return nil, err
		}
	}
	if !Can(ctx, user.HistoryRead) {
		return v, nil
	}
	if v.Names, err = user.Names(ctx, s.db); err != nil {
		return nil, err
	}
	if v.History, err = audit.History(ctx, s.db, "source", src.ID); err != nil {
		return nil, err
	}
	slices.Reverse(v.History)
	return v, nil
}

// sourceShow is the page of one source.
func (s *Server) sourceShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.sourceViewOf(r)
	if err != nil {
		return err
	}
	return s.showSource(w, r, v, http.StatusOK)
}

func (s *Server) showSource(w http.ResponseWriter, r *http.Request, v *sourceView, status int) error {
	ctx := r.Context()
	p := Page{Title: sourceTitle(ctx, v.S.Title, v.S.Text), Section: "sources", Wide: true}.With(status)
	return s.render(w, r, p, sourcePage(v))
}

// sourceAct answers an action on a source: done, or the page again with what was wrong.
func (s *Server) sourceAct(w http.ResponseWriter, r *http.Request, err error, done string) error {
	if len(errs.FieldsOf(err)) > 0 {
		v, e := s.sourceViewOf(r)
		if e != nil {
			return e
		}
		v.Err, v.Form = err, r.PostForm
		return s.showSource(w, r, v, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/sources/"+r.PathValue("id"), Flash{Good, T(r.Context(), done), ""})
}

// sourceDecide keeps, refuses or reopens a source.
func (s *Server) sourceDecide(w http.ResponseWriter, r *http.Request) error {
	decision := r.FormValue("decision")
	err := s.moveSource(r.Context(), r.PathValue("id"), decision, strings.TrimSpace(text(r, "reason")))
	return s.sourceAct(w, r, err, "sources.did_"+decision)
}

// sourceGenre gives a source a genre of the taxonomy.
func (s *Server) sourceGenre(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	id, err := s.genreID(ctx, r.FormValue("genre"))
	if err == nil {
		err = source.SetGenre(ctx, s.db, r.PathValue("id"), id, viewOf(ctx).Person.ID)
	}
	return s.sourceAct(w, r, err, "sources.did_genre")
}

// genreID checks the genre of a form; "" is none.
func (s *Server) genreID(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return "", err
	}
	if _, ok := tax.Get(id); !ok {
		return "", errs.Fields(errs.Field{Name: "genre", Msg: "is not a genre of the taxonomy", Key: "sources.genre_unknown"})
	}
	return id, nil
}

// sourceRemove takes a source down, with a reason and a tick that says one means it: there is
// no way back.
func (s *Server) sourceRemove(w http.ResponseWriter, r *http.Request) error {
	ctx, reason := r.Context(), strings.TrimSpace(text(r, "remove_reason"))
	var bad []errs.Field
	if reason == "" {
		bad = append(bad, errs.Field{Name: "remove_reason", Msg: "give a reason", Key: "error.reason_needed"})
	}
	if r.FormValue("sure") == "" {
		bad = append(bad, errs.Field{Name: "sure", Msg: "tick that you are sure", Key: "sources.sure_needed"})
	}
	err := errs.Fields(bad...)
	if err == nil {
		err = source.Remove(ctx, s.db, r.PathValue("id"), viewOf(ctx).Person.ID, reason)
	}
	return s.sourceAct(w, r, err, "sources.did_remove")
}

// sourceCall shows one question to a model about a source with its raw answer.
func (s *Server) sourceCall(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	src, err := source.Get(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	k, err := s.callViewOf(ctx, r.PathValue("call"))
	if err != nil {
		return err
	}
	if k.Call.ItemKind != "source" || k.Call.ItemID != src.ID {
		return errs.NotFoundf("this call is not about source %s", src.ID)
	}
	p := Page{Title: T(ctx, "models.call"), Section: "sources", Up: []Crumb{{T(ctx, "sources.title"), "/sources"}, {sourceTitle(ctx, src.Title, src.Text), "/sources/" + src.ID}}}
	return s.render(w, r, p, callPage(k))
}

// judgeName is who gave a verdict. Whoever may not read the history learns that it was a
// person, not which.
func (v *sourceView) judgeName(ctx context.Context, x *screen.Verdict) string {
	switch {
	case x.JudgeKind == screen.ByModel:
		return x.Judge
	case v.Names[x.Judge] != "":
		return v.Names[x.Judge]
	}
	return T(ctx, "sources.by_person")
}

// counts reports whether a verdict is the one that counts at its stage.
func (v *sourceView) counts(x *screen.Verdict) bool {
	return screen.Current(v.Verdicts)[x.Stage].ID == x.ID
}

// hidden reports whether the text of a removed source stays out of sight of this person.
func (v *sourceView) hidden(ctx context.Context) bool {
	return v.S.State == source.Removed && !Can(ctx, user.SourceRemove)
}

// A span is a piece of a paragraph; Finding is the number of the finding that saw it, 0 for none.
type span struct {
	Text    string
	Finding int
}

// markedParagraphs are the paragraphs of the text with the places the findings name.
func (v *sourceView) markedParagraphs() [][]span {
	var out [][]span
	for _, p := range texts.Passages(v.S.Text, texts.IsVerse(v.S.Text)) {
		out = append(out, []span{{Text: p}})
	}
	for n, f := range v.Findings {
		if !mark(out, f.Args["seen"], n+1) { // what the rule saw, else what stands around it
			mark(out, excerptWords(f.Excerpt), n+1)
		}
	}
	return out
}

// mark marks the first place where words stand, and reports whether there is one.
func mark(paragraphs [][]span, words string, finding int) bool {
	if len([]rune(words)) < 2 {
		return false // a single character stands everywhere
	}
	for i := range paragraphs {
		if split, ok := splitAt(paragraphs[i], words, finding); ok {
			paragraphs[i] = split
			return true
		}
	}
	return false
}

// excerptWords is what of an excerpt can be looked for inside one paragraph: its longest line,
// without the dots that show it was cut.
func excerptWords(excerpt string) string {
	best := ""
	for line := range strings.SplitSeq(excerpt, "\n") {
		for part := range strings.SplitSeq(line, "…") {
			if part = strings.TrimSpace(part); len(part) > len(best) {
				best = part
			}
		}
	}
	return best
}

// splitAt marks the first unmarked occurrence of words.
func splitAt(spans []span, words string, finding int) ([]span, bool) {
	for i, s := range spans {
		at := strings.Index(s.Text, words)
		if s.Finding != 0 || at < 0 {
			continue
		}
		out := slices.Clone(spans[:i])
		for _, part := range []span{{s.Text[:at], 0}, {words, finding}, {s.Text[at+len(words):], 0}} {
			if part.Text != "" {
				out = append(out, part)
			}
		}
		return append(out, spans[i+1:]...), true
	}
	return nil, false
}

// marked reports whether a finding has a place in the text.
func marked(paragraphs [][]span, finding int) bool {
	for _, p := range paragraphs {
		for _, s := range p {
			if s.Finding == finding {
				return true
			}
		}
	}
	return false
}
