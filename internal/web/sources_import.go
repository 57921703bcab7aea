package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/project"
	"coigwriter/internal/screen"
	"coigwriter/internal/source"
	"coigwriter/internal/user"
)

// importForm is the page that takes uploads.
type importForm struct {
	Groups          []optionGroup
	Past            []source.Imported
	Names           map[string]string
	Err             error
	Genre, Platform string
}

// sourceImportPage is the form and the imports there were.
func (s *Server) sourceImportPage(w http.ResponseWriter, r *http.Request) error {
	return s.showImport(w, r, importForm{}, http.StatusOK)
}

func (s *Server) showImport(w http.ResponseWriter, r *http.Request, f importForm, status int) error {
	ctx := r.Context()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	f.Groups = append([]optionGroup{{"", []Option{{"", T(ctx, "sources.genre_leave")}}}}, genresOnly(ctx, tax)...)
	if f.Past, err = source.Imports(ctx, s.db, 20); err != nil {
		return err
	}
	if f.Names, err = user.Names(ctx, s.db); err != nil {
		return err
	}
	p := Page{Title: T(ctx, "sources.import"), Lede: T(ctx, "sources.import_lede"), Section: "sources", Up: []Crumb{{T(ctx, "sources.title"), "/sources"}}}.With(status)
	return s.render(w, r, p, importPage(f))
}

// sourceUpload imports the files of a form and leads to the report.
func (s *Server) sourceUpload(w http.ResponseWriter, r *http.Request) error {
	long := http.NewResponseController(w)
	_ = long.SetReadDeadline(time.Time{}) // a server without deadlines has none to lift
	_ = long.SetWriteDeadline(time.Time{})
	sp, err := receive(r)
	if err != nil {
		if len(errs.FieldsOf(err)) == 0 {
			return err
		}
		_, _ = io.Copy(io.Discard, r.Body) // the browser shows our answer only when it has sent all
		return s.showImport(w, r, importForm{Err: err}, http.StatusUnprocessableEntity)
	}
	defer sp.close()
	genreID, err := s.genreID(r.Context(), sp.fields["genre"])
	if err != nil {
		return s.showImport(w, r, importForm{Err: err, Platform: sp.fields["platform"]}, http.StatusUnprocessableEntity)
	}
	rep, err := s.importSpool(r.Context(), sp, genreID)
	if rep.Read == 0 && errors.Is(err, errs.Invalid) {
		err = fileWrong(strings.ReplaceAll(err.Error(), sp.root()+string(filepath.Separator), ""), "")
		return s.showImport(w, r, importForm{Err: err, Genre: genreID, Platform: sp.fields["platform"]}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/imports/"+rep.ImportID, Flash{Good, T(r.Context(), "sources.imported", "n", rep.Added), ""})
}

// maxMendable bounds the unreadable records that are kept for download.
const maxMendable = 16 << 20

func (s *Server) importSpool(ctx context.Context, sp *spool, genreID string) (source.Report, error) {
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return source.Report{}, err
	}
	set, err := project.Get(ctx, s.db)
	if err != nil {
		return source.Report{}, err
	}
	refused := filepath.Join(sp.dir, "refused.jsonl")
	rep, err := source.Import(ctx, s.db, source.ImportOptions{
		Paths: sp.paths, By: viewOf(ctx).Person.ID, Taxonomy: tax, Gate: dateGate(set), Genre: genreID,
		Platform: strings.TrimSpace(sp.fields["platform"]), Refused: refused, Strip: sp.root() + string(filepath.Separator),
		Check: screen.Checker(tax, set.Languages()...),
	})
	if rep.RefusedFile != "" {
		b, rerr := os.ReadFile(refused)
		if rerr == nil {
			rerr = source.KeepRefused(context.WithoutCancel(ctx), s.db, rep.ImportID, string(wholeLines(b, maxMendable)))
		}
		err = errors.Join(err, rerr)
	}
	return rep, err
}

// wholeLines is the beginning of a text of lines, at most so many bytes, without half a line.
func wholeLines(b []byte, most int) []byte {
	if len(b) <= most {
		return b
	}
	return b[:bytes.LastIndexByte(b[:most], '\n')+1]
}

// importShow is the report of one import.
func (s *Server) importShow(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	im, err := source.GetImport(ctx, s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	names, err := user.Names(ctx, s.db)
	if err != nil {
		return err
	}
	p := Page{Title: T(ctx, "sources.report"), Section: "sources", Up: []Crumb{{T(ctx, "sources.title"), "/sources"}, {T(ctx, "sources.import"), "/sources/import"}}}
	return s.render(w, r, p, reportPage(im, names))
}

// importRefused downloads the records of an import that could not be read, to be mended.
func (s *Server) importRefused(w http.ResponseWriter, r *http.Request) error {
	records, err := source.RefusedRecords(r.Context(), s.db, r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Content-Disposition", `attachment; filename="refused.jsonl"`)
	_, _ = io.WriteString(w, records) // the client has gone; there is nobody to tell
	return nil
}

// importFiles are the names of an import's files, without their folders.
func importFiles(im *source.Imported) string {
	var names []string
	for _, f := range im.Files.V {
		names = append(names, filepath.Base(f))
	}
	more := ""
	if len(names) > 4 {
		names, more = names[:4], " …"
	}
	return strings.Join(names, ", ") + more
}

// byCount orders the keys of a count, the largest first.
func byCount(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if m[a] != m[b] {
			return m[b] - m[a]
		}
		return strings.Compare(a, b)
	})
	return keys
}
