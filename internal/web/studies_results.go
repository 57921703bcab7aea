package web

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/genre"
	"coigwriter/internal/plot"
	"coigwriter/internal/project"
	"coigwriter/internal/table"
)

// resultsView is what a study found, by people or by one judge: never both in one table.
type resultsView struct {
	S    evaluate.Study
	R    evaluate.Results
	By   string // "" for people, judge-1 …, or calibration
	F    evaluate.Findings
	J    *evaluate.Judge // whose findings F are; nil for people
	Tabs []Tab
	Tax  *genre.Taxonomy
	AsOf time.Time        // when what is shown was computed, if verdicts have come since
	Odd  []evaluate.Found // answers that were cut, or are in another language
}

const byCalibration = "calibration"

// resultsOf computes a study's results, or remembers them: those of many verdicts may lag behind the last
// few while they are computed anew.
func (s *Server) resultsOf(ctx context.Context, id string) (v resultsView, err error) {
	if v.S, err = evaluate.Get(ctx, s.db, id); err != nil {
		return v, err
	}
	if v.S.State == evaluate.Draft || v.S.State == evaluate.Abandoned {
		return v, errs.NotFoundf("%s is %s: there are no results", v.S.Name, v.S.State)
	}
	if v.Tax, err = project.Taxonomy(ctx, s.db); err != nil {
		return v, err
	}
	version, err := evaluate.Version(ctx, s.db, v.S)
	if err != nil {
		return v, err
	}
	whole := context.WithoutCancel(ctx)
	v.R, v.AsOf, err = s.results.live(id, version+" "+v.Tax.Hash(), func() (evaluate.Results, error) {
		records, _, err := s.recordsOf(whole, v.S)
		if err != nil {
			return evaluate.Results{}, err
		}
		return evaluate.ResultsOf(whole, s.db, v.S, records, v.Tax)
	})
	return v, err
}

// choose picks whose findings are shown.
func (v *resultsView) choose(by string) error {
	v.By, v.F = by, v.R.People
	switch {
	case by == "" || by == byCalibration && len(v.R.Judges) > 0:
		return nil
	default:
		n, ok := strings.CutPrefix(by, "judge-")
		i, err := strconv.Atoi(n)
		if !ok || err != nil || i < 1 || i > len(v.R.Judges) {
			return errs.NotFoundf("nobody called %q judged this study", by)
		}
		v.J, v.F = &v.R.Judges[i-1].Judge, v.R.Judges[i-1].Findings
	}
	return nil
}

// studyResults shows what a study found.
func (s *Server) studyResults(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.resultsOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := v.choose(r.FormValue("by")); err != nil {
		return err
	}
	v.tabs(ctx)
	for _, f := range v.S.Drawn.V.Found {
		if f.Rule == evaluate.RuleCut || f.Rule == evaluate.RuleSwitched {
			v.Odd = append(v.Odd, f)
		}
	}
	p := Page{Title: T(ctx, "study.results"), Lede: v.S.Plan.V.Question, Section: "studies", Up: []Crumb{{T(ctx, "study.title"), "/studies"}, {v.S.Name, studyPath(v.S.ID)}}}
	return s.render(w, r, p, resultsPage(v))
}

// tabs are people and, apart from them, every judge.
func (v *resultsView) tabs(ctx context.Context) {
	at := studyPath(v.S.ID) + "/results"
	v.Tabs = []Tab{{T(ctx, "study.by_people"), at, v.R.People.Verdicts, v.By == ""}}
	for i, j := range v.R.Judges {
		by := fmt.Sprintf("judge-%d", i+1)
		v.Tabs = append(v.Tabs, Tab{T(ctx, "study.by_judge", "model", j.Model), at + "?by=" + by, j.Verdicts, v.By == by})
	}
	if len(v.R.Judges) > 0 {
		v.Tabs = append(v.Tabs, Tab{T(ctx, "study.by_calibration"), at + "?by=" + byCalibration, -1, v.By == byCalibration})
	}
}

// studyFigure sends one of the figures as SVG.
func (s *Server) studyFigure(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := s.resultsOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := v.choose(r.FormValue("by")); err != nil {
		return err
	}
	f, ok := v.figure(r.PathValue("figure"), Lang(ctx), themeOf(r))
	if !ok {
		return errs.NotFoundf("there is no figure %q", r.PathValue("figure"))
	}
	return sendFigure(w, f)
}

// figure draws one figure by what it shows and its language: winrate.zh.
func (v resultsView) figure(name, lang string, theme plot.Theme) (f analysis.Named, ok bool) {
	what, of, _ := strings.Cut(name, ".")
	switch what {
	case "winrate":
		for _, w := range v.F.Languages {
			if w.Language == of {
				return w.Figure(lang, theme), true
			}
		}
	case "strengths":
		for _, x := range v.F.Strengths {
			if x.Language == of {
				return x.Figure(lang, theme), true
			}
		}
	case "genres", "categories":
		if rates := v.genres(what, of); len(rates) > 0 {
			return analysis.GenreFigure(rates, v.grouping(what, lang), lang, theme), true
		}
	case "marks":
		of, dimension, _ := strings.Cut(of, ".")
		for _, x := range v.F.Marks {
			if x.Language == of && len(x.Means) > 0 {
				return x.Figure(dimension, lang, theme), true
			}
		}
	}
	return f, false
}

// genres are the rates of a language by genre or category.
func (v resultsView) genres(what, language string) (out []analysis.GenreRates) {
	all := v.F.Genres
	if what == "categories" {
		all = v.F.Categories
	}
	for _, g := range all {
		if g.Language == language {
			out = append(out, g)
		}
	}
	return out
}

// grouping is by genre, or by category.
func (v resultsView) grouping(what, lang string) analysis.Grouping {
	by := analysis.ByGenre
	if what == "categories" {
		by = analysis.ByCategory
	}
	return analysis.Options{Lang: lang, Taxonomy: v.Tax}.Genres(by)
}

// genreTables are the same as tables.
func (v resultsView) genreTables(ctx context.Context, what, language string) (out []*table.Table) {
	by := v.grouping(what, Lang(ctx))
	for _, g := range v.genres(what, language) {
		out = append(out, g.Table(Lang(ctx), by))
	}
	return out
}

// strengths are those of a language.
func (v resultsView) strengths(language string) (analysis.Strengths, bool) {
	for _, x := range v.F.Strengths {
		if x.Language == language {
			return x, true
		}
	}
	return analysis.Strengths{}, false
}

// figureAt is the address of a figure.
func (v resultsView) figureAt(name string) string {
	q := url.Values{}
	if v.By != "" {
		q.Set("by", v.By)
	}
	return addressOf(studyPath(v.S.ID)+"/results/figure/"+url.PathEscape(name), q)
}

// votesAt is the list of verdicts behind a cell: row a against column b, or on a where b is "".
func (v resultsView) votesAt(a, b, language string) string {
	return addressOf(studyPath(v.S.ID)+"/votes", voteFilter{A: a, B: b, Lang: language, By: v.By}.query())
}

// verdictsOn links the models that a table names to the verdicts on them in a language.
func (v resultsView) verdictsOn(language string) func(cell any) string {
	return func(cell any) string {
		if name, ok := cell.(string); ok && slices.Contains(v.R.Models, name) {
			return v.votesAt(name, "", language)
		}
		return ""
	}
}

// linkOf is where a cell leads; a nil link leads nowhere.
func linkOf(link func(cell any) string, cell any) string {
	if link == nil {
		return ""
	}
	return link(cell)
}

// heat is the class of a cell by its share: five steps each way from one half.
func heat(share analysis.Number) string {
	if !share.Defined() {
		return "cell"
	}
	step := int(math.Round((float64(share) - 0.5) * 10))
	switch {
	case step > 0:
		return fmt.Sprintf("cell high-%d", step)
	case step < 0:
		return fmt.Sprintf("cell low-%d", -step)
	}
	return "cell even"
}

// rangeWords writes an interval of shares in per cent.
func rangeWords(i analysis.Interval) string {
	if !i.Lo.Defined() {
		return "–"
	}
	return fmt.Sprintf("%.0f–%.0f", 100*i.Lo, 100*i.Hi)
}

// starsOf marks what stands after correction.
func starsOf(p analysis.Number) string {
	switch {
	case p < 0.01:
		return "**"
	case p < 0.05:
		return "*"
	}
	return ""
}

// noteWords joins what was done, in one paragraph.
func noteWords(ctx context.Context, notes []analysis.Note) string {
	var out []string
	for _, n := range notes {
		out = append(out, n.In(Lang(ctx)))
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, T(ctx, "study.semicolon")) + T(ctx, "sources.stop")
}

// dimensionWord names a dimension of marks.
func dimensionWord(ctx context.Context) func(string) string {
	return func(key string) string { return analysis.DimensionName(key, Lang(ctx)) }
}

// decisive is the dimension whose figure is shown: overall preference, or the first.
func decisive(x analysis.MeanMarks) string {
	for _, d := range x.Dimensions {
		if d == "overall_preference" {
			return d
		}
	}
	return x.Dimensions[0]
}
