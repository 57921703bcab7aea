package web

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/release"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// releaseList is all versions, and what the next one would hold.
type releaseList struct {
	Rows     []release.Release
	Accepted int      // goes into the next
	Open     []Figure // does not, yet
	Names    map[string]string
	Form     url.Values
	Wrong    string
}

// releases lists the frozen versions, with the form for the next.
func (s *Server) releases(w http.ResponseWriter, r *http.Request) error {
	return s.showReleases(w, r, nil, http.StatusOK)
}

func (s *Server) showReleases(w http.ResponseWriter, r *http.Request, cause error, status int) error {
	ctx := r.Context()
	l := releaseList{Form: url.Values{}}
	var err error
	if l.Rows, err = release.List(ctx, s.db); err != nil {
		return err
	}
	counts, err := triplet.Counts(ctx, s.db, "")
	if err != nil {
		return err
	}
	if l.Names, err = user.Names(ctx, s.db); err != nil {
		return err
	}
	l.Accepted = counts[triplet.Accepted]
	for _, st := range []string{triplet.Draft, triplet.Submitted, triplet.Returned, triplet.InReview, triplet.Disputed, triplet.Removal} {
		f := Figure{Label: statusWord(ctx, "triplets", st), Count: counts[st], Alert: st == triplet.Disputed || st == triplet.Removal}
		if Can(ctx, user.TripletRead) {
			f.URL = "/triplets?state=" + st
		}
		l.Open = append(l.Open, f)
	}
	l.Form.Set("version", release.NextVersion(l.Rows))
	if cause != nil {
		l.Form, l.Wrong = r.PostForm, cause.Error()
	}
	p := Page{Title: T(ctx, "releases.title"), Lede: T(ctx, "releases.lede"), Section: "releases"}.With(status)
	return s.render(w, r, p, releasesPage(l))
}

// releaseCut freezes the accepted triplets as a new version.
func (s *Server) releaseCut(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rel, err := release.Cut(ctx, s.db, release.Options{Version: r.FormValue("version"), Notes: text(r, "notes"), By: viewOf(ctx).Person.ID})
	if errors.Is(err, errs.Invalid) || errors.Is(err, errs.Conflict) {
		return s.showReleases(w, r, err, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/releases/"+rel.Version, Flash{Good, T(ctx, "releases.cut_done", "n", rel.Items), ""})
}

// releaseView is one version.
type releaseView struct {
	R        *release.Release
	Latest   bool
	Genres   []genreCount
	Changes  map[string]int // against the version before: added, changed, removed
	Verified bool
	Faults   []release.Fault
}

type genreCount struct {
	Name string
	N    int
	Thin bool // below the wanted minimum
}

// releaseShow shows a version: what is in it, what changed, and the ways to take it away.
func (s *Server) releaseShow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.releaseViewOf(r)
	if err != nil {
		return err
	}
	return s.showRelease(w, r, v)
}

// releaseVerify recomputes every hash of a version and shows the outcome.
func (s *Server) releaseVerify(w http.ResponseWriter, r *http.Request) error {
	v, err := s.releaseViewOf(r)
	if err != nil {
		return err
	}
	v.Verified = true
	if v.Faults, err = release.Verify(r.Context(), s.db, v.R.Version); err != nil {
		return err
	}
	return s.showRelease(w, r, v)
}

func (s *Server) releaseViewOf(r *http.Request) (*releaseView, error) {
	ctx := r.Context()
	rel, err := release.Get(ctx, s.db, r.PathValue("version"))
	if err != nil {
		return nil, err
	}
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return nil, err
	}
	v := &releaseView{R: rel, Genres: genreCounts(tax, rel.Manifest.V.Genres, Lang(ctx))}
	if prev := rel.Manifest.V.Previous; prev != "" {
		changes, err := release.Diff(ctx, s.db, prev, rel.Version)
		if err != nil {
			return nil, err
		}
		v.Changes = map[string]int{}
		for _, c := range changes {
			v.Changes[c.What]++
		}
	}
	return v, nil
}

func genreCounts(tax *genre.Taxonomy, counts map[string]int, lang string) []genreCount {
	var out []genreCount
	for id, n := range counts {
		out = append(out, genreCount{tax.Title(id, lang), n, n < tax.MinCount})
	}
	slices.SortFunc(out, func(a, b genreCount) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func (s *Server) showRelease(w http.ResponseWriter, r *http.Request, v *releaseView) error {
	ctx := r.Context()
	p := Page{
		Title: T(ctx, "releases.version", "version", v.R.Version), Section: "releases",
		Up: []Crumb{{T(ctx, "releases.title"), "/releases"}}, Actions: verifyButton(v.R.Version),
	}
	return s.render(w, r, p, releasePage(v))
}

// releaseDownload sends a version in one format as a zip: data, manifest, card, check sums.
func (s *Server) releaseDownload(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rel, err := release.Get(ctx, s.db, r.PathValue("version"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "coigwriter-export-")
	if err != nil {
		return errs.Unavailablef("no room for the export: %w", err)
	}
	defer os.RemoveAll(dir)
	format := r.PathValue("format")
	files, err := release.Export(ctx, s.db, rel.Version, release.ExportOptions{Format: format, Reasoning: r.FormValue("reasoning"), Dir: dir})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("coigwriter-%s-%s", rel.Version, format)
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`.zip"`)
	z := zip.NewWriter(w)
	for _, file := range files {
		if err := zipFile(z, name+"/"+file, filepath.Join(dir, file), rel.CutAt); err != nil {
			s.opt.Log.WarnContext(ctx, "download cut short", "version", rel.Version, "error", err)
			panic(http.ErrAbortHandler) // the browser must see a broken download, not a short one
		}
	}
	if err := z.Close(); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func zipFile(z *zip.Writer, name, path string, at time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
