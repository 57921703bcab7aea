// Package report tells the whole story of a comparison as one HTML file, with its tables as CSV and LaTeX
// and its figures as SVG and PNG beside it. A report is a directory: inputs/ holds the records it rests on,
// frozen, manifest.json their hashes and every choice, and the rest is a pure function of the two, so that
// anyone can build it again and compare ([Verify]). Pure: no database, no network, no clock.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"coigwriter/internal/analysis"
	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/plot"
	"coigwriter/internal/record"
	"coigwriter/internal/text"
)

// A build is a report under way: everything its pages are made of.
type build struct {
	m       Manifest
	tax     *genre.Taxonomy
	studies []Study
	release *Release
	corpus  *analysis.Corpus // what people said, and all texts
	judges  []judgeCorpus    // what each model judge said, kept apart from people and from each other
	counts  map[string]int   // records by kind
}

// A judgeCorpus is what one judge said.
type judgeCorpus struct {
	name string
	*analysis.Corpus
}

// judgesStudy is the analysis that calibrates model judges against people. What it finds stands in the
// section on judges, whichever corpus it comes from.
const judgesStudy = "judges"

// A Summary is what a build found, for whoever called it.
type Summary struct {
	Pages    []string          `json:"pages"`
	Tables   int               `json:"tables"`
	Figures  int               `json:"figures"`
	Records  map[string]int    `json:"records"`
	NotCount int               `json:"not_counted"` // records that were read and do not count
	Problems []string          `json:"-"`           // the first of them, in words
	Findings []analysis.Note   `json:"findings"`
	Limits   []analysis.Note   `json:"limits"`
	Results  []string          `json:"analyses"`
	docs     []analysis.Result // in the last language
}

// Build makes the pages, tables and figures of a report in out, from the inputs and the manifest alone:
// the same two give the same bytes.
func Build(ctx context.Context, inputs string, m Manifest, out string) (s Summary, err error) {
	if err := m.check(); err != nil {
		return s, err
	}
	b := &build{m: m, counts: map[string]int{}}
	if err := b.read(ctx, inputs); err != nil {
		return s, err
	}
	s.Records = b.counts
	problems, notCount := b.corpus.Problems, b.corpus.NotCount // of reading; each run of the results adds its own
	for _, lang := range m.Options.langs() {
		b.corpus.Problems, b.corpus.NotCount = slices.Clone(problems), notCount
		d, err := b.document(ctx, lang)
		if err != nil {
			return s, err
		}
		page := "report.html"
		if m.Options.Lang == Both {
			page = "report." + lang + ".html"
		}
		if err := d.write(out, page, m.Options.Lang == Both); err != nil {
			return s, err
		}
		s.Pages, s.Tables, s.Figures = append(s.Pages, page), s.Tables+len(d.tables), s.Figures+len(d.figures)
		s.NotCount, s.Problems, s.Findings, s.Limits, s.docs = b.corpus.NotCount, b.corpus.Problems, d.findings, d.limits, d.results
	}
	for _, r := range s.docs {
		s.Results = append(s.Results, r.Name)
	}
	return s, nil
}

// options are the manifest's choices for the analyses; the language is set for each page.
func (b *build) options() analysis.Options {
	o := b.m.Options
	return analysis.Options{
		Lang: Chinese, Theme: plot.Light, Bootstrap: o.Bootstrap, Seed: o.Seed, Models: o.Models, Taxonomy: b.tax, Tokens: text.Tokens{Punctuation: o.Punctuation},
		AtLeast: o.Success, Dimension: o.Dimension, Categories: o.Categories,
	}
}

// outputsTogether is how many outputs are held to be measured side by side.
const outputsTogether = 64

// read takes the inputs in.
func (b *build) read(ctx context.Context, inputs string) error {
	if err := b.documents(inputs); err != nil {
		return err
	}
	b.corpus = analysis.NewCorpus(b.options())
	byName := map[string]*analysis.Corpus{}
	var outputs []record.Generation // that wait to be measured together
	flush := func() {
		b.corpus.AddOutputs(outputs)
		outputs = outputs[:0]
	}
	for _, kind := range kinds {
		judged := kind == JudgeVotes || kind == JudgeRatings
		err := eachInput(inputs, kind, func(r any) {
			b.counts[kind]++
			if g, ok := r.(record.Generation); ok {
				if outputs = append(outputs, g); len(outputs) == outputsTogether {
					flush()
				}
				return
			}
			if !judged {
				b.corpus.Add(r)
				return
			}
			name := raterOf(r)
			b.corpus.Add(record.AsJudge(r, name)) // for the calibration alone
			r = record.AsJudge(r, "")
			if byName[name] == nil {
				byName[name] = analysis.NewCorpus(b.options())
				b.judges = append(b.judges, judgeCorpus{name, byName[name]})
			}
			byName[name].Add(r)
		})
		if err != nil {
			return err
		}
		flush()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if len(b.judges) == 0 {
		return nil
	}
	return eachInput(inputs, Queries, func(r any) { // they say of which genre what judges rated is
		for _, j := range b.judges {
			j.Add(r)
		}
	})
}

// documents reads what is no list of records.
func (b *build) documents(inputs string) error {
	b.tax = genre.Default()
	for name, use := range map[string]func([]byte) error{
		studiesFile: func(data []byte) (err error) { b.studies, err = decodeStudies(data); return err },
		releaseFile: func(data []byte) error {
			if err := json.Unmarshal(data, &b.release); err != nil {
				return errs.Invalidf("%s: %w", releaseFile, err)
			}
			return nil
		},
		taxonomyFile: func(data []byte) (err error) { b.tax, err = genre.Parse(taxonomyFile, data); return err },
	} {
		data, err := os.ReadFile(filepath.Join(inputs, name))
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return errs.Unavailablef("report: %w", err)
		}
		if err := use(data); err != nil {
			return err
		}
	}
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
