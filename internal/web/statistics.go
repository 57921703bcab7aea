package web

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strings"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/project"
	"coigwriter/internal/record"
	"coigwriter/internal/release"
	"coigwriter/internal/triplet"
	"coigwriter/internal/user"
)

// maxStatistics bounds a file whose statistics are asked for; it is read as it comes and not kept.
const maxStatistics = 256 << 20

// problemsShown bounds the records named that could not be counted.
const problemsShown = 20

// statsView is the paper's Tables 5 to 10 for the project, a release, or a file.
type statsView struct {
	analysis.Summary
	Min      int    // wanted triplets of a genre
	Of       string // what it is of
	Release  string
	Releases []Option
	File     bool
	Refused  int
	Problems []string
}

// genresOf are the genres of a category, largest first.
func (v statsView) genresOf(category string) []analysis.Group {
	var out []analysis.Group
	for _, g := range v.Genres {
		if g.Category == category {
			out = append(out, g)
		}
	}
	return out
}

// statistics shows the statistics of the accepted triplets, or of a release.
func (s *Server) statistics(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	st, err := s.statsOf(ctx, tax, r.FormValue("release"))
	if err != nil {
		return err
	}
	v := statsView{Summary: st.Summary(Lang(ctx)), Min: tax.MinCount, Of: T(ctx, "statistics.of_project"), Release: r.FormValue("release")}
	if v.Release != "" {
		v.Of = T(ctx, "releases.version", "version", v.Release)
	}
	return s.showStatistics(w, r, v)
}

func (s *Server) statsOf(ctx context.Context, tax *genre.Taxonomy, version string) (*analysis.TripletStats, error) {
	if version != "" {
		rel, err := release.Get(ctx, s.db, version)
		if err != nil {
			return nil, err
		}
		return release.Stats(ctx, s.db, rel, tax)
	}
	st := analysis.NewTripletStats(tax)
	return st, triplet.EachLength(ctx, s.db, triplet.Accepted, func(genre string, article, prompt, reasoning int) {
		g, _ := tax.Get(genre)
		st.AddLengths(genre, g.Category, article, prompt, reasoning)
	})
}

func (s *Server) showStatistics(w http.ResponseWriter, r *http.Request, v statsView) error {
	ctx := r.Context()
	v.Releases = []Option{{"", T(ctx, "statistics.of_project")}}
	if Can(ctx, user.ReleaseRead) {
		rs, err := release.List(ctx, s.db)
		if err != nil {
			return err
		}
		for _, rel := range rs {
			v.Releases = append(v.Releases, Option{rel.Version, T(ctx, "releases.version", "version", rel.Version)})
		}
	}
	p := Page{Title: T(ctx, "statistics.title"), Lede: T(ctx, "statistics.lede"), Section: "statistics"}
	if !v.File {
		p.Actions = statsDownloads(v.Release)
	}
	return s.render(w, r, p, statisticsPage(v))
}

// statisticsCSV sends the same numbers as a table.
func (s *Server) statisticsCSV(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	st, err := s.statsOf(ctx, tax, r.FormValue("release"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="statistics.csv"`)
	return st.Flat(Lang(ctx)).CSV(w)
}

// statisticsFigure sends one of the figures as SVG, in the theme the address asks for.
func (s *Server) statisticsFigure(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	st, err := s.statsOf(ctx, tax, r.FormValue("release"))
	if err != nil {
		return err
	}
	for _, f := range st.Figures(Lang(ctx), themeOf(r)) {
		if f.Name == r.PathValue("figure") {
			return sendFigure(w, f)
		}
	}
	return errs.NotFoundf("there is no figure %q", r.PathValue("figure"))
}

// figureURL is the address of a figure, without its theme.
func figureURL(name, release string) string {
	return "/statistics/figure/" + name + "?" + url.Values{"release": {release}}.Encode()
}

// inTheme is the address of a figure drawn in a theme.
func inTheme(address, theme string) string {
	if strings.Contains(address, "?") {
		return address + "&theme=" + theme
	}
	return address + "?theme=" + theme
}

// statisticsFile counts a triplet file of any shape that we read; nothing of it is stored.
func (s *Server) statisticsFile(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	tax, err := project.Taxonomy(ctx, s.db)
	if err != nil {
		return err
	}
	body, err := r.MultipartReader()
	if err != nil {
		return errs.Invalidf("this is no upload: %w", err)
	}
	for {
		part, err := body.NextPart()
		if errors.Is(err, io.EOF) {
			return fileWrong("choose a file", "statistics.no_file")
		}
		if err != nil {
			return uploadBroke(err)
		}
		if part.FileName() == "" {
			continue
		}
		v, err := countFile(ctx, tax, part)
		if err != nil {
			return err
		}
		v.Min = tax.MinCount
		return s.showStatistics(w, r, v)
	}
}

func countFile(ctx context.Context, tax *genre.Taxonomy, part *multipart.Part) (statsView, error) {
	name := path.Base(part.FileName())
	v := statsView{Of: name, File: true}
	in, err := record.NewReader(name, part)
	if err != nil {
		return v, err
	}
	defer in.Close()
	st := analysis.NewTripletStats(tax)
	for ctx.Err() == nil {
		raw, err := in.Next()
		if errors.Is(err, io.EOF) {
			v.Summary = st.Summary(Lang(ctx))
			return v, nil
		}
		var t record.Triplet
		if err == nil {
			t, err = record.DecodeTriplet(raw)
		}
		var bad *record.BadRecord
		switch {
		case errors.As(err, &bad):
			if v.Refused++; v.Refused <= problemsShown {
				v.Problems = append(v.Problems, bad.Error())
			}
		case err != nil:
			return v, uploadBroke(err)
		default:
			st.Add(t)
		}
	}
	return v, ctx.Err()
}
