// Package dossier writes what a project knows of its studies as the frozen inputs of a report: the records
// that count, the queries and answers they are about, how each study was planned and done, and a release.
// What a report says rests on these files alone (package report); this is where they come from.
package dossier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"coigwriter/internal/bench"
	"coigwriter/internal/db"
	"coigwriter/internal/errs"
	"coigwriter/internal/evaluate"
	"coigwriter/internal/project"
	"coigwriter/internal/release"
	"coigwriter/internal/report"
)

// A Scope says what of a project a report is about.
type Scope struct {
	Studies []string // by name or ID; none for all that are closed
	Release string   // a version, "latest", or "" for no triplets
}

// Collect writes the inputs. The first studies' models come first in the order of the tables, which is
// returned.
func Collect(ctx context.Context, d *db.DB, scope Scope, in *report.Inputs) (order []string, err error) {
	defer errs.Wrap(&err, "collect")
	picked, err := studiesOf(ctx, d, scope.Studies)
	if err != nil {
		return nil, err
	}
	yaml, err := project.TaxonomyYAML(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := in.Taxonomy(yaml); err != nil {
		return nil, err
	}
	var out []report.Study
	models := map[string][]string{} // set → models whose answers belong in
	samples := map[string]map[int]bool{}
	for _, s := range picked {
		r, err := evaluate.RecordsOf(ctx, d, s)
		if err != nil {
			return nil, err
		}
		if err := records(in, r); err != nil {
			return nil, err
		}
		told, err := tell(ctx, d, s, r)
		if err != nil {
			return nil, err
		}
		out = append(out, told)
		for _, m := range told.Models {
			if !slices.Contains(order, m) {
				order = append(order, m)
			}
		}
		set := s.Plan.V.SetID
		if set == "" { // an imported study has none
			continue
		}
		models[set] = append(models[set], s.Plan.V.Models...)
		if samples[set] == nil {
			samples[set] = map[int]bool{}
		}
		samples[set][s.Plan.V.Sample] = true
	}
	for _, s := range picked {
		set := s.Plan.V.SetID
		if models[set] == nil {
			continue
		}
		if err := answers(ctx, d, in, set, models[set], samples[set]); err != nil {
			return nil, err
		}
		delete(models, set) // once for all its studies
	}
	if err := in.Studies(out); err != nil {
		return nil, err
	}
	if scope.Release == "" {
		return order, nil
	}
	return order, triplets(ctx, d, in, scope.Release)
}

// studiesOf finds the studies asked for; without a name all that are closed, oldest first.
func studiesOf(ctx context.Context, d *db.DB, names []string) (out []evaluate.Study, err error) {
	for _, name := range names {
		s, err := evaluate.Find(ctx, d, name)
		if err != nil {
			return nil, err
		}
		if s.State != evaluate.Open && s.State != evaluate.Closed {
			return nil, errs.Conflictf("%s is %s: there is nothing to report", s.Name, s.State)
		}
		out = append(out, s)
	}
	if len(names) > 0 {
		return out, nil
	}
	all, err := evaluate.Studies(ctx, d)
	if err != nil {
		return nil, err
	}
	for _, s := range slices.Backward(all) {
		if s.State == evaluate.Closed {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, errs.Invalidf("no study is closed yet; name those to report with --study")
	}
	return out, nil
}

// records writes what people said, and in files of their own what models said.
func records(in *report.Inputs, r evaluate.Records) error {
	for _, x := range r.Votes {
		if err := in.Write(report.Votes, x); err != nil {
			return err
		}
	}
	for _, x := range r.Rankings {
		if err := in.Write(report.Rankings, x); err != nil {
			return err
		}
	}
	for _, x := range r.Ratings {
		if err := in.Write(report.Ratings, x); err != nil {
			return err
		}
	}
	for _, x := range r.JudgeVotes {
		if err := in.Write(report.JudgeVotes, x); err != nil {
			return err
		}
	}
	for _, x := range r.JudgeRatings {
		if err := in.Write(report.JudgeRatings, x); err != nil {
			return err
		}
	}
	return nil
}

// answers writes the queries of a set that stand, and the answers of the models compared.
func answers(ctx context.Context, d *db.DB, in *report.Inputs, setID string, models []string, samples map[int]bool) error {
	qs, err := bench.Queries(ctx, d, setID)
	if err != nil {
		return err
	}
	byID := map[string]bench.Query{}
	for _, q := range bench.Standing(qs) {
		byID[q.ID] = q
		if err := in.Write(report.Queries, q.Record()); err != nil {
			return err
		}
	}
	as, err := bench.Answers(ctx, d, setID, models...)
	if err != nil {
		return err
	}
	for _, a := range as {
		q, ok := byID[a.QueryID]
		if !ok || !samples[a.Sample] || a.Failure != "" {
			continue
		}
		if err := in.Write(report.Generations, bench.RecordOf(q, a)); err != nil {
			return err
		}
	}
	return nil
}

// tell writes down how a study was planned and done.
func tell(ctx context.Context, d *db.DB, s evaluate.Study, r evaluate.Records) (out report.Study, err error) {
	p := s.Plan.V
	out = report.Study{
		ID: s.ID, Name: s.Name, Kind: s.Kind, PlanHash: s.PlanHash, OpenedAt: stamp(s.OpenedAt), FrozenAt: stamp(s.OpenedAt), ClosedAt: stamp(s.ClosedAt),
		Models: r.Models(p), Evaluators: len(r.Raters), Languages: p.Languages, Tasks: s.Drawn.V.Tasks,
	}
	if s.Frozen != "" {
		out.Plan = json.RawMessage(s.Frozen)
	}
	if p.SetID != "" {
		set, err := bench.GetSet(ctx, d, p.SetID)
		if err != nil {
			return out, err
		}
		out.Set = report.QuerySet{Name: set.Name, Version: fmt.Sprintf("v%d", set.Version), Hash: set.Hash}
	}
	for _, rule := range evaluate.Rules {
		n := s.Drawn.V.Count(rule.Key)
		if i := slices.IndexFunc(r.Found, func(f evaluate.Found) bool { return f.Rule == rule.Key }); i >= 0 {
			n += r.Found[i].Count
		}
		out.Rules = append(out.Rules, report.Rule{Key: rule.Key, ZH: rule.Words.ZH, EN: rule.Words.EN, Count: n})
	}
	ds, err := evaluate.Deviations(ctx, d, s.ID)
	if err != nil {
		return out, err
	}
	for _, x := range ds {
		out.Deviations = append(out.Deviations, report.Deviation{At: stamp(&x.At), What: x.What, Why: x.Why})
	}
	for _, p := range r.Raters {
		out.Done += p.Done
		out.Raters = append(out.Raters, raterOf(p))
	}
	judges, err := evaluate.Judges(ctx, d, s.ID)
	if err != nil {
		return out, err
	}
	for _, j := range judges {
		out.Judges = append(out.Judges, judgeOf(j))
	}
	return out, nil
}

func raterOf(p evaluate.Rater) report.Rater {
	r := report.Rater{
		Pseudonym: p.Pseudonym, Votes: p.Done, AttentionPassed: p.Passed, AttentionN: p.Checked, RepeatN: p.Repeated,
		SelfConsistent: int(p.Consistent*float64(p.Repeated) + 0.5), Excluded: p.Excluded, Why: p.Why,
	}
	if p.Done > 0 {
		median, fast := p.Median, float64(p.Fast)/float64(p.Done)
		r.MedianSeconds, r.FastShare = &median, &fast
	}
	return r
}

func judgeOf(j evaluate.Judge) report.Judge {
	name, version, _ := strings.Cut(j.Prompt, "@")
	out := report.Judge{Model: j.Model, Prompt: name, Version: version, Pairs: j.Verdicts, Flipped: j.Flipped}
	if parts := strings.Split(j.Judge, " · "); len(parts) > 0 {
		if b, err := json.Marshal(parts[len(parts)-1]); err == nil {
			out.Parameters = b
		}
	}
	return out
}

// triplets writes a release as it was frozen.
func triplets(ctx context.Context, d *db.DB, in *report.Inputs, version string) error {
	rel, err := release.Get(ctx, d, version)
	if err != nil {
		return err
	}
	err = release.Each(ctx, d, rel, func(it *release.Item) error {
		return in.Write(report.Triplets, json.RawMessage(it.Record))
	})
	if err != nil {
		return err
	}
	return in.Release(report.Release{Version: rel.Version, ContentHash: rel.ContentHash, Items: rel.Items, CutAt: stamp(&rel.CutAt)})
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
