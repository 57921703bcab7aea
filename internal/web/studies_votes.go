package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/genre"
	"coigwriter/internal/user"
)

// votesShown is how many verdicts a page lists.
const votesShown = 100

// A voteFilter picks verdicts; the address holds it.
type voteFilter struct{ A, B, Lang, Genre, Rater, Winner, By string }

func readVoteFilter(q url.Values) voteFilter {
	return voteFilter{q.Get("a"), q.Get("b"), q.Get("lang"), q.Get("genre"), q.Get("rater"), q.Get("winner"), q.Get("by")}
}

func (f voteFilter) query() url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"a": f.A, "b": f.B, "lang": f.Lang, "genre": f.Genre, "rater": f.Rater, "winner": f.Winner, "by": f.By} {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q
}

// A voteRow is one verdict in the list.
type voteRow struct {
	Item, ItemID, Query, Language, Genre, Rater string
	Said                                        string
	First                                       string // the model that was shown first; "" where unknown
	Seconds                                     float64
	Note                                        string
}

// votesView is a list of verdicts that count.
type votesView struct {
	S      evaluate.Study
	Filter voteFilter
	Rows   []voteRow
	Pager  Cursor
	Tax    *genre.Taxonomy
	Models []Option
	Raters []Option
	Langs  []Option
	Genres []Option
	Wins   []Option
}

// studyVotes lists the verdicts behind a cell.
func (s *Server) studyVotes(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rv, err := s.resultsOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := votesView{S: rv.S, Filter: readVoteFilter(r.URL.Query()), Tax: rv.Tax}
	if err := rv.choose(v.Filter.By); err != nil {
		return err
	}
	records, _, err := s.recordsOf(ctx, v.S)
	if err != nil {
		return err
	}
	judge := ""
	if rv.J != nil {
		judge = rv.J.Judge
	}
	rows := voteRows(ctx, records, judge, v.Filter)
	v.choices(ctx, rv)
	from, _ := strconv.Atoi(r.FormValue("from")) // nonsense is the beginning
	from = min(max(from, 0), len(rows))
	v.Rows = rows[from:min(from+votesShown, len(rows))]
	v.Pager = Cursor{Shown: len(v.Rows), Total: len(rows)}
	at := func(n int) string {
		q := v.Filter.query()
		if n > 0 {
			q.Set("from", strconv.Itoa(n))
		}
		return addressOf(studyPath(v.S.ID)+"/votes", q)
	}
	if from > 0 {
		v.Pager.Prev = at(max(from-votesShown, 0))
	}
	if from+votesShown < len(rows) {
		v.Pager.Next = at(from + votesShown)
	}
	p := Page{Title: T(ctx, "study.votes"), Section: "studies", Up: []Crumb{{T(ctx, "study.title"), "/studies"}, {v.S.Name, studyPath(v.S.ID)}, {T(ctx, "study.results"), studyPath(v.S.ID) + "/results"}}}
	if v.Filter.A != "" && v.Filter.B != "" {
		p.Lede = T(ctx, "study.votes_of", "a", v.Filter.A, "b", v.Filter.B)
	}
	return s.render(w, r, p, votesPage(v))
}

// passes reports whether the filter takes a verdict on some models of a query by somebody.
func (f voteFilter) passes(language, genre, rater string, models []string) bool {
	return (f.Lang == "" || f.Lang == language) && (f.Genre == "" || f.Genre == genre) && (f.Rater == "" || f.Rater == rater) &&
		(f.A == "" || slices.Contains(models, f.A)) && (f.B == "" || slices.Contains(models, f.B))
}

// voteRows are the verdicts that the filter takes, of people or of one judge.
func voteRows(ctx context.Context, r evaluate.Records, judge string, f voteFilter) (out []voteRow) {
	votes, ratings := r.Votes, r.Ratings
	if judge != "" {
		votes, ratings = r.JudgeVotes, r.JudgeRatings
	}
	for _, x := range votes {
		if x.Judge != judge || !f.passes(x.Language, x.Genre, x.Rater, []string{x.ModelA, x.ModelB}) {
			continue
		}
		winner := map[string]string{"a": x.ModelA, "b": x.ModelB}[x.Winner]
		if f.Winner != "" && f.Winner != winner && f.Winner != x.Winner {
			continue
		}
		row := voteRow{Item: x.Item, ItemID: x.ItemID, Query: x.QueryID, Language: x.Language, Genre: x.Genre, Rater: x.Rater, Seconds: x.Seconds, Note: x.Note, First: map[string]string{"a": x.ModelA, "b": x.ModelB}[x.First]}
		if winner != "" {
			loser := x.ModelB
			if winner == loser {
				loser = x.ModelA
			}
			row.Said = winner + " › " + loser
		} else {
			row.Said = x.ModelA + " · " + x.ModelB + " " + T(ctx, "evaluate.said_"+x.Winner)
		}
		out = append(out, row)
	}
	if judge == "" {
		for _, x := range r.Rankings {
			if !f.passes(x.Language, x.Genre, x.Rater, x.Ranked) {
				continue
			}
			if a, b := slices.Index(x.Ranked, f.A), slices.Index(x.Ranked, f.B); f.Winner != "" && a >= 0 && b >= 0 && x.Ranked[min(a, b)] != f.Winner {
				continue
			}
			row := voteRow{Item: x.Item, ItemID: x.ItemID, Query: x.QueryID, Language: x.Language, Genre: x.Genre, Rater: x.Rater, Said: strings.Join(x.Ranked, " › "), Seconds: x.Seconds, Note: x.Note}
			if len(x.Shown) > 0 {
				row.First = x.Shown[0]
			}
			out = append(out, row)
		}
	}
	return append(out, markRows(ctx, ratings, judge, f)...)
}

// markRows puts the marks of one sheet into one row.
func markRows(ctx context.Context, ratings []evaluate.RatingRecord, judge string, f voteFilter) (out []voteRow) {
	place := map[[2]string]int{}
	for _, x := range ratings {
		if x.Judge != judge || !f.passes(x.Language, x.Genre, x.Rater, []string{x.Model}) {
			continue
		}
		k := [2]string{x.ItemID, x.Rater}
		i, ok := place[k]
		if !ok {
			i = len(out)
			place[k] = i
			out = append(out, voteRow{Item: x.Item, ItemID: x.Of, Query: x.QueryID, Language: x.Language, Genre: x.Genre, Rater: x.Rater, Said: x.Model + T(ctx, "study.colon")})
		}
		out[i].Said += fmt.Sprintf("%s %g ", dimensionWord(ctx)(x.Dimension), x.Score)
	}
	return out
}

// choices are what the filter offers.
func (v *votesView) choices(ctx context.Context, rv resultsView) {
	any := func(key string) []Option { return []Option{{"", T(ctx, key)}} }
	v.Models, v.Raters, v.Langs, v.Genres, v.Wins = any("study.any_model"), any("study.any_rater"), any("study.any_language"), any("study.any_genre"), any("study.any_winner")
	for _, m := range rv.R.Models {
		v.Models = append(v.Models, Option{m, m})
	}
	for _, r := range rv.R.Raters {
		v.Raters = append(v.Raters, Option{r.Pseudonym, r.Pseudonym})
	}
	languages, genres := map[string]bool{}, map[string]bool{}
	for _, w := range rv.F.Languages {
		languages[w.Language] = true
	}
	for _, m := range rv.F.Marks {
		languages[m.Language] = true
	}
	for _, g := range rv.F.Genres {
		for _, x := range g.Genres {
			genres[x.Genre] = true
		}
	}
	for _, l := range []string{"zh", "en"} {
		if languages[l] {
			v.Langs = append(v.Langs, Option{l, languageWord(ctx, l)})
		}
	}
	for _, g := range v.Tax.Genres {
		if genres[g.ID] {
			v.Genres = append(v.Genres, Option{g.ID, v.Tax.Title(g.ID, Lang(ctx))})
		}
	}
	if v.S.Kind == evaluate.Rate {
		return
	}
	for _, m := range []string{v.Filter.A, v.Filter.B} {
		if m != "" {
			v.Wins = append(v.Wins, Option{m, T(ctx, "study.won_by", "model", m)})
		}
	}
	if v.S.Kind == evaluate.Pair {
		v.Wins = append(v.Wins, Option{evaluate.Tie, T(ctx, "evaluate.said_tie")}, Option{evaluate.BothBad, T(ctx, "evaluate.said_both_bad")})
	}
}

// itemView is an item with its texts side by side and all that was said of it.
type itemView struct {
	S     evaluate.Study
	Whole evaluate.Whole
	Tax   *genre.Taxonomy
	Names map[string]string
}

// studyItem shows one item.
func (s *Server) studyItem(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	rv, err := s.resultsOf(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	if rv.S.Origin != evaluate.Here {
		return errs.NotFoundf("the texts of %s are not here: its verdicts were imported", rv.S.Name)
	}
	records, _, err := s.recordsOf(ctx, rv.S)
	if err != nil {
		return err
	}
	v := itemView{S: rv.S, Tax: rv.Tax}
	if v.Whole, err = evaluate.WholeItem(ctx, s.db, v.S, r.PathValue("item"), records.Raters); err != nil {
		return err
	}
	if v.Names, err = user.Names(ctx, s.db); err != nil {
		return err
	}
	p := Page{Title: T(ctx, "study.item", "n", v.Whole.Position), Section: "studies", Up: []Crumb{{T(ctx, "study.title"), "/studies"}, {v.S.Name, studyPath(v.S.ID)}, {T(ctx, "study.results"), studyPath(v.S.ID) + "/results"}}, Actions: itemWays(v)}
	return s.render(w, r, p, itemPage(v))
}

// saidOf writes a verdict with the models' names.
func saidOf(ctx context.Context, kind string, x evaluate.ItemVerdict) string {
	switch kind {
	case evaluate.Rank:
		return strings.Join(x.Ranked, " › ")
	case evaluate.Rate:
		var parts []string
		for _, dim := range evaluate.Dimensions {
			parts = append(parts, fmt.Sprintf("%s %d", dim.Name.In(Lang(ctx)), x.Marks[dim.Key]))
		}
		return strings.Join(parts, " · ")
	}
	if x.Winner == evaluate.Tie || x.Winner == evaluate.BothBad {
		return T(ctx, "evaluate.said_"+x.Winner)
	}
	return T(ctx, "study.won_by", "model", x.Winner)
}

// judgedWords write what a judge said, with the models' names.
func (v itemView) judgedWords(ctx context.Context, j evaluate.Judgement) string {
	if j.Failure != "" {
		return failureWord(ctx, j.Failure)
	}
	if j.Second < 0 {
		var parts []string
		for _, dim := range evaluate.Dimensions {
			parts = append(parts, fmt.Sprintf("%s %d", dim.Name.In(Lang(ctx)), j.Marks.V[dim.Key]))
		}
		return strings.Join(parts, " · ")
	}
	return v.outcome(ctx, j, j.Winner)
}

// outcome names the winner of a judgement.
func (v itemView) outcome(ctx context.Context, j evaluate.Judgement, winner string) string {
	switch winner {
	case evaluate.First:
		return T(ctx, "study.won_by", "model", v.Whole.Models.V[j.First])
	case evaluate.Second:
		return T(ctx, "study.won_by", "model", v.Whole.Models.V[j.Second])
	case "":
		return "–"
	}
	return T(ctx, "evaluate.said_"+winner)
}

// reading names one of a judge's readings with what it said.
func (v itemView) reading(ctx context.Context, j evaluate.Judgement, i int) string {
	if j.Second < 0 {
		return T(ctx, "study.reasons")
	}
	said := j.InOrder
	if i == 1 {
		said = j.Turned
	}
	return T(ctx, "study.reading_"+strconv.Itoa(i+1), "said", v.outcome(ctx, j, said))
}
