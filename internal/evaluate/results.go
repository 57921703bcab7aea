package evaluate

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"coigwriter/internal/analysis"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// Findings are what the verdicts of people, or of one judge, say. They are computed on the same records
// by the same functions as coigwriter winrate, ratings and agreement compute on the exported files, with
// the resamples and the seed of the plan.
type Findings struct {
	TiePolicy  analysis.Note           `json:"tie_policy"`
	Languages  []analysis.WinRates     `json:"languages"`
	Strengths  []analysis.Strengths    `json:"strengths"`
	Genres     []analysis.GenreRates   `json:"genres"`
	Categories []analysis.GenreRates   `json:"categories"`
	Rankings   *analysis.RankAgreement `json:"ranking_agreement,omitempty"`
	Marks      []analysis.MeanMarks    `json:"marks"`
	Agreement  []analysis.Agreement    `json:"marks_agreement"` // by dimension
	Verdicts   int                     `json:"verdicts"`        // votes, rankings or rated outputs
	Duplicates int                     `json:"duplicates"`      // a rater's second verdict on the same: the first counts
	Problems   []string                `json:"problems,omitempty"`
}

// Results are the findings of a study: people's, and apart from them those of every judge.
type Results struct {
	Study    string          `json:"study"`
	Kind     string          `json:"kind"`
	State    string          `json:"state"`
	Origin   string          `json:"origin"`
	PlanHash string          `json:"plan_hash"`
	Models   []string        `json:"models"`
	People   Findings        `json:"people"`
	Judges   []JudgeFindings `json:"judges"`
	// Calibration holds judges against people, on what both judged; none without both.
	Calibration []analysis.JudgeLine  `json:"calibration"`
	MarksApart  []analysis.JudgeMarks `json:"marks_calibration"`
	Raters      []Rater               `json:"raters"`
	Found       []Found               `json:"not_counted"` // by rule
}

// JudgeFindings are what one judge's verdicts say.
type JudgeFindings struct {
	Judge
	Findings Findings `json:"findings"`
}

// ResultsOf computes the results of a study from its records. Genres are named by the taxonomy.
func ResultsOf(ctx context.Context, d *db.DB, s Study, r Records, tax *genre.Taxonomy) (out Results, err error) {
	defer errs.Wrap(&err, "results of %s", s.Name)
	p := s.Plan.V
	models := r.Models(p)
	out = Results{Study: s.Name, Kind: s.Kind, State: s.State, Origin: s.Origin, PlanHash: s.PlanHash, Models: models, Raters: r.Raters, Found: r.Found}
	if out.People, err = findings(ctx, p, models, tax, r.Votes, r.Rankings, r.Ratings); err != nil {
		return out, err
	}
	judges, err := judgesOf(ctx, d, s, r)
	if err != nil {
		return out, err
	}
	for _, j := range judges {
		own := JudgeFindings{Judge: j}
		votes := slices.DeleteFunc(slices.Clone(r.JudgeVotes), func(v VoteRecord) bool { return v.Judge != j.Judge })
		marks := slices.DeleteFunc(slices.Clone(r.JudgeRatings), func(m RatingRecord) bool { return m.Judge != j.Judge })
		if own.Findings, err = findings(ctx, p, models, tax, votes, nil, marks); err != nil {
			return out, err
		}
		out.Judges = append(out.Judges, own)
	}
	out.calibrate(r, p, tax)
	return out, nil
}

// judgesOf are the models that judged here, and those that judged what was imported.
func judgesOf(ctx context.Context, d *db.DB, s Study, r Records) ([]Judge, error) {
	judges, err := Judges(ctx, d, s.ID)
	if err != nil || len(judges) > 0 {
		return judges, err
	}
	n := map[string]int{}
	for _, v := range r.JudgeVotes {
		n[v.Judge]++
	}
	for _, m := range r.JudgeRatings {
		n[m.Judge]++
	}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		judges = append(judges, Judge{Judge: name, Model: name, Verdicts: n[name]})
	}
	return judges, nil
}

// calibrate holds what judges said against what people said of the same answers.
func (out *Results) calibrate(r Records, p Plan, tax *genre.Taxonomy) {
	if len(out.Judges) == 0 {
		return
	}
	c := analysis.NewCalibration()
	for _, v := range slices.Concat(r.Votes, r.JudgeVotes) {
		c.Add(v.Vote())
	}
	for _, k := range r.Rankings {
		for _, v := range k.Votes() {
			c.Add(v)
		}
	}
	group := analysis.Options{Taxonomy: tax}.Genres(analysis.ByGenre).Of
	out.Calibration = c.Lines(analysis.VoteOptions{Bootstrap: p.Bootstrap, Seed: p.Seed, Group: group})
	var marks []record.Rating
	for _, m := range slices.Concat(r.Ratings, r.JudgeRatings) {
		marks = append(marks, m.Rating())
	}
	out.MarksApart = analysis.CalibrateMarks(marks)
}

// findings computes what verdicts say; languages at once, since each is its own computation.
func findings(ctx context.Context, p Plan, models []string, tax *genre.Taxonomy, votes []VoteRecord, rankings []RankingRecord, ratings []RatingRecord) (f Findings, err error) {
	f = Findings{TiePolicy: analysis.TiePolicy, Verdicts: len(votes) + len(rankings)}
	all := analysis.NewVotes(models...)
	for _, v := range votes {
		all.Add(v.Vote())
	}
	ranked := analysis.NewRankings()
	for _, k := range rankings {
		for _, v := range k.Votes() {
			all.Add(v)
		}
		ranked.Add(k.QueryID, k.Rater, k.Ranked)
	}
	f.Duplicates, f.Problems = all.Duplicates, all.Problems
	if err := f.votes(ctx, all, models, p, tax); err != nil {
		return f, err
	}
	if ranked.Len() > 0 {
		a := ranked.Agreement(p.Bootstrap, p.Seed)
		f.Rankings = &a
		f.Duplicates = ranked.Duplicates
	}
	f.marks(ratings, models, p)
	return f, nil
}

func (f *Findings) votes(ctx context.Context, all *analysis.Votes, models []string, p Plan, tax *genre.Taxonomy) error {
	languages := all.Languages()
	o := analysis.VoteOptions{Bootstrap: p.Bootstrap, Seed: p.Seed}
	f.Languages, f.Strengths = make([]analysis.WinRates, len(languages)), make([]analysis.Strengths, len(languages))
	genres, categories := make([][]analysis.GenreRates, len(languages)), make([][]analysis.GenreRates, len(languages))
	g, _ := errgroup.WithContext(ctx)
	for i, lang := range languages {
		g.Go(func() error {
			f.Languages[i] = all.WinRates(lang, o)
			for by, into := range map[string]*[]analysis.GenreRates{analysis.ByGenre: &genres[i], analysis.ByCategory: &categories[i]} {
				group := analysis.Options{Taxonomy: tax}.Genres(by).Of
				for _, m := range f.Languages[i].Models {
					if r := all.Genres(lang, m, analysis.VoteOptions{Group: group}); len(r.Genres) > 0 {
						*into = append(*into, r)
					}
				}
			}
			return nil
		})
		g.Go(func() (err error) {
			f.Strengths[i], err = all.Strengths(lang, o)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	f.Genres, f.Categories = slices.Concat(genres...), slices.Concat(categories...)
	return nil
}

func (f *Findings) marks(ratings []RatingRecord, models []string, p Plan) {
	if len(ratings) == 0 {
		return
	}
	set, marks := analysis.NewRatingSet(), analysis.NewMarks()
	type sheet struct{ item, rater string }
	sheets := map[sheet]bool{}
	scale := true // every mark is one of the form's
	for _, r := range ratings {
		set.Add(r.Rating())
		marks.Add(r.Rating())
		sheets[sheet{r.ItemID, cmp.Or(r.Rater, r.Judge)}] = true
		scale = scale && r.Score >= 0 && r.Score <= MaxMark && r.Score == float64(int(r.Score))
	}
	f.Verdicts += len(sheets)
	f.Duplicates += set.Duplicates
	f.Problems = append(f.Problems, set.Problems...)
	var order []string
	for _, dim := range Dimensions {
		order = append(order, dim.Key)
	}
	f.Marks = marks.Means(models, order, analysis.VoteOptions{Bootstrap: p.Bootstrap, Seed: p.Seed})
	o := analysis.AgreementOptions{Bootstrap: p.Bootstrap, Seed: p.Seed}
	if scale {
		o.Categories = []float64{0, 1, 2, 3}
	}
	for _, dim := range set.Dimensions() {
		f.Agreement = append(f.Agreement, set.Agreement(dim, o))
	}
	slices.SortStableFunc(f.Agreement, func(a, b analysis.Agreement) int {
		return slices.Index(order, a.Dimension) - slices.Index(order, b.Dimension)
	})
}

// Version says in a few words what a study's records rest on: as long as it is the same, so are they.
func Version(ctx context.Context, d *db.DB, s Study) (string, error) {
	var v struct{ V string }
	err := d.One(ctx, &v, `SELECT CAST((SELECT COUNT(*) FROM study_verdict WHERE study_id = ?) AS TEXT)
		|| ' ' || COALESCE((SELECT MAX(id) FROM study_verdict WHERE study_id = ?), '')
		|| ' ' || CAST((SELECT COUNT(*) FROM study_verdict WHERE study_id = ? AND taken_back_at IS NOT NULL) AS TEXT)
		|| ' ' || CAST((SELECT COUNT(*) FROM study_judgement WHERE study_id = ?) AS TEXT)
		|| ' ' || CAST((SELECT COUNT(*) FROM study_deviation WHERE study_id = ?) AS TEXT)
		|| ' ' || CAST((SELECT COUNT(*) FROM study_task WHERE study_id = ? AND state = 'open') AS TEXT)
		|| ' ' || CAST((SELECT COUNT(*) FROM query WHERE set_id = ? AND withdrawn_at IS NOT NULL) AS TEXT)
		|| ' ' || COALESCE((SELECT CAST(MAX(withdrawn_at) AS TEXT) FROM query WHERE set_id = ?), '') AS v`,
		s.ID, s.ID, s.ID, s.ID, s.ID, s.ID, s.Plan.V.SetID, s.Plan.V.SetID)
	return s.State + " " + v.V, err
}
