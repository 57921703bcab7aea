package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/errs"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
)

// benchmarkForm is the page that takes query files.
type benchmarkForm struct {
	Name, Note string
	Err        error
	Report     *benchmarkReport
}

// benchmarkReport says what became of an upload.
type benchmarkReport struct {
	Set      bench.Set
	Added    int
	Same     int
	Problems []string
	Refused  int
}

func (rep *benchmarkReport) refuse(why string) {
	if rep.Refused++; len(rep.Problems) < 20 {
		rep.Problems = append(rep.Problems, why)
	}
}

// benchmarkImportPage is the form for query files.
func (s *Server) benchmarkImportPage(w http.ResponseWriter, r *http.Request) error {
	return s.showBenchmarkImport(w, r, benchmarkForm{}, http.StatusOK)
}

func (s *Server) showBenchmarkImport(w http.ResponseWriter, r *http.Request, f benchmarkForm, status int) error {
	ctx := r.Context()
	p := Page{Title: T(ctx, "benchmark.import"), Lede: T(ctx, "benchmark.import_lede"), Section: "benchmark", Up: []Crumb{{T(ctx, "benchmark.title"), "/benchmark"}}}.With(status)
	return s.render(w, r, p, benchmarkImportPage(f))
}

// benchmarkUpload makes a draft of uploaded files.
func (s *Server) benchmarkUpload(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	sp, err := receiveLong(w, r)
	if err != nil {
		if len(errs.FieldsOf(err)) == 0 {
			return err
		}
		return s.showBenchmarkImport(w, r, benchmarkForm{Err: err}, http.StatusUnprocessableEntity)
	}
	defer sp.close()
	f := benchmarkForm{Name: sp.fields["name"], Note: strings.ReplaceAll(sp.fields["note"], "\r\n", "\n"), Report: &benchmarkReport{}}
	var rs []record.Query
	f.Err = eachUploaded(ctx, sp, f.Report, func(raw record.Raw) error {
		q, err := record.DecodeQuery(raw)
		if err == nil {
			rs = append(rs, q)
		}
		return err
	})
	if f.Err == nil && len(rs) == 0 {
		f.Err = fileWrong("no query in it", "benchmark.no_queries")
	}
	if f.Err == nil {
		tax, err := project.Taxonomy(ctx, s.db)
		if err != nil {
			return err
		}
		set, refused, err := bench.ImportQueries(ctx, s.db, tax, viewOf(ctx).Person.ID, f.Name, f.Note, rs, false)
		for _, x := range refused {
			f.Report.refuse(x.Record.(record.Query).ID + ": " + x.Err.Error())
		}
		if f.Report.Set, f.Report.Added, f.Err = set, len(rs)-len(refused), err; err != nil && len(errs.FieldsOf(err)) == 0 && errors.Is(err, errs.Invalid) {
			f.Err = fileWrong("no query in it", "benchmark.no_queries")
		}
	}
	switch {
	case len(errs.FieldsOf(f.Err)) > 0:
		f.Report.Set = bench.Set{}
		return s.showBenchmarkImport(w, r, f, http.StatusUnprocessableEntity)
	case f.Err != nil:
		return f.Err
	case f.Report.Refused > 0:
		return s.showBenchmarkImport(w, r, f, http.StatusOK)
	}
	return s.done(w, r, "/benchmark/"+f.Report.Set.ID, Flash{Good, T(ctx, "benchmark.imported", "name", f.Report.Set.Title(), "n", f.Report.Added), ""})
}

// benchmarkAnswers imports uploaded answers to a frozen set.
func (s *Server) benchmarkAnswers(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.setViewOf(ctx, r.URL.Query().Get("set"))
	if err != nil {
		return err
	}
	v.Tab = "answers"
	sp, err := receiveLong(w, r)
	if err != nil {
		if len(errs.FieldsOf(err)) == 0 {
			return err
		}
		v.Err = err
		return s.showSet(w, r, v, http.StatusUnprocessableEntity)
	}
	defer sp.close()
	var rep benchmarkReport
	var gs []record.Generation
	err = eachUploaded(ctx, sp, &rep, func(raw record.Raw) error {
		base, _, _ := strings.Cut(filepath.Base(raw.File), ".json")
		g, err := record.DecodeGeneration(raw, cmp.Or(strings.TrimSpace(sp.fields["model"]), base))
		if err == nil {
			gs = append(gs, g)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(gs) == 0 {
		v.Err = fileWrong("no answer in it", "benchmark.no_answers")
		return s.showSet(w, r, v, http.StatusUnprocessableEntity)
	}
	got, err := bench.ImportAnswers(ctx, s.db, viewOf(ctx).Person.ID, v.S.ID, gs)
	if err != nil {
		return err
	}
	for _, x := range got.Refused {
		rep.refuse(x.Err.Error())
	}
	f := Flash{Good, T(ctx, "benchmark.answers_imported", "n", got.Added, "same", got.Same), ""}
	if rep.Refused > 0 {
		f = Flash{Warn, f.Text + "\n" + T(ctx, "benchmark.some_refused", "n", rep.Refused, "why", strings.Join(rep.Problems[:min(3, len(rep.Problems))], "\n")), ""}
	}
	return s.done(w, r, "/benchmark/"+v.S.ID+"?tab=answers", f)
}

// receiveLong takes an upload for as long as it needs.
func receiveLong(w http.ResponseWriter, r *http.Request) (*spool, error) {
	long := http.NewResponseController(w)
	_ = long.SetReadDeadline(time.Time{}) // a server without deadlines has none to lift
	_ = long.SetWriteDeadline(time.Time{})
	sp, err := receive(r)
	if len(errs.FieldsOf(err)) > 0 {
		_, _ = io.Copy(io.Discard, r.Body) // the browser shows our answer only when it has sent all
	}
	return sp, err
}

// eachUploaded calls f with every record of an upload; what it refuses as a bad record is noted.
func eachUploaded(ctx context.Context, sp *spool, rep *benchmarkReport, f func(record.Raw) error) error {
	for _, path := range sp.paths {
		err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			return recordsIn(ctx, sp, name, rep, f)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func recordsIn(ctx context.Context, sp *spool, name string, rep *benchmarkReport, f func(record.Raw) error) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	short, err := filepath.Rel(sp.root(), name)
	if err != nil {
		return err
	}
	in, err := record.NewReader(short, file)
	if errors.Is(err, errs.Invalid) {
		rep.refuse(err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	for ctx.Err() == nil {
		raw, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = f(raw)
		}
		var bad *record.BadRecord
		switch {
		case errors.As(err, &bad):
			rep.refuse(bad.Error())
		case err != nil:
			return err
		}
	}
	return ctx.Err()
}

// benchmarkExport sends the queries of a set, or with answers=1 the answers to them, as JSON Lines.
func (s *Server) benchmarkExport(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.setViewOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	answers := r.FormValue("answers") != ""
	what := "queries"
	if answers {
		what = "answers"
	}
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+what+"-v"+Exact(v.S.Version)+`.jsonl"`)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if answers {
		err = bench.EachAnswer(ctx, s.db, v.S.ID, nil, func(a bench.AnswerRecord) error { return enc.Encode(a) })
	}
	for _, q := range bench.Standing(v.All) {
		if err == nil && !answers {
			err = enc.Encode(q.Record())
		}
	}
	if err != nil {
		s.opt.Log.WarnContext(ctx, "export cut short", "set", v.S.ID, "error", err)
		panic(http.ErrAbortHandler) // the browser must see a broken download, not a short one
	}
	return nil
}
