package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"coigwriter/internal/errs"
	"coigwriter/internal/genre"
	"coigwriter/internal/record"
)

// The kinds of inputs, one file of JSON Lines each, in the order they are read.
const (
	Queries      = "queries"
	Triplets     = "triplets"
	Generations  = "generations"
	Votes        = "votes"
	Rankings     = "rankings"
	Ratings      = "ratings"
	Labels       = "labels"
	JudgeVotes   = "judge-votes"   // by models; the rater is the judge
	JudgeRatings = "judge-ratings" // by models
)

var kinds = []string{Queries, Triplets, Generations, Votes, Rankings, Ratings, Labels, JudgeVotes, JudgeRatings}

// Inputs freezes records as the inputs of a report: write them, then [Inputs.Freeze]. Memory does not
// grow with the files.
type Inputs struct {
	dir   string
	files map[string]*record.Writer
}

// NewInputs starts the inputs of a report in an empty directory.
func NewInputs(dir string) (*Inputs, error) {
	in := &Inputs{filepath.Join(dir, inputsDir), map[string]*record.Writer{}}
	if err := os.MkdirAll(in.dir, 0o755); err != nil {
		return nil, errs.Unavailablef("report: %w", err)
	}
	return in, nil
}

// Write appends a record of a kind, as JSON writes it: under the names of the file contract.
func (in *Inputs) Write(kind string, rec any) error {
	if !slices.Contains(kinds, kind) {
		return errs.Invalidf("%q is no kind of input; the kinds are %v", kind, kinds)
	}
	w := in.files[kind]
	if w == nil {
		var err error
		if w, err = record.Create(filepath.Join(in.dir, kind+".jsonl")); err != nil {
			return err
		}
		in.files[kind] = w
	}
	return w.Write(rec)
}

// Add appends a record as [record.Decode] returns it; judged says that a model gave it and not a person.
// A record that names a judge says so itself. Of what models say only votes and ratings are taken.
func (in *Inputs) Add(r any, judged bool) error {
	kind, line, ok := record.Line(r)
	if !ok {
		return errs.Invalidf("%T is no record", r)
	}
	if judged || record.JudgeOf(r) != "" {
		switch kind {
		case Votes, Rankings: // a judge's ranking stands for votes too
			kind = JudgeVotes
		case Ratings:
			kind = JudgeRatings
		case Labels: // always by a judge, and say which
		default:
			return errs.Invalidf("%s are not what a judge gives: votes, rankings or ratings are", kind)
		}
	}
	return in.Write(kind, line)
}

// Studies adds what is known of the studies behind the records.
func (in *Inputs) Studies(s []Study) error { return in.document(studiesFile, s) }

// StudiesJSON is [Inputs.Studies] from a file's bytes.
func (in *Inputs) StudiesJSON(data []byte) error {
	s, err := decodeStudies(data)
	if err != nil {
		return err
	}
	return in.Studies(s)
}

// Release adds what is known of the release behind the triplets.
func (in *Inputs) Release(r Release) error { return in.document(releaseFile, r) }

// Taxonomy adds the taxonomy that names and groups the genres; without one it is the program's own.
func (in *Inputs) Taxonomy(yaml []byte) error {
	if _, err := genre.Parse(taxonomyFile, yaml); err != nil {
		return err
	}
	return in.put(taxonomyFile, yaml)
}

func (in *Inputs) document(name string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return errs.Invalidf("%s: %w", name, err)
	}
	return in.put(name, b.Bytes())
}

func (in *Inputs) put(name string, data []byte) error {
	if err := os.WriteFile(filepath.Join(in.dir, name), data, 0o644); err != nil {
		return errs.Unavailablef("report: %w", err)
	}
	return nil
}

// Freeze finishes the files and returns the manifest with their hashes, which it writes beside them.
func (in *Inputs) Freeze(m Manifest) (Manifest, error) {
	m.Format, m.Options.TiePolicy, m.Inputs = 1, tiePolicy, nil
	counts := map[string]int{}
	for _, kind := range kinds {
		w := in.files[kind]
		if w == nil {
			continue
		}
		counts[kind+".jsonl"] = w.Count()
		if err := w.Close(); err != nil {
			return m, err
		}
	}
	entries, err := os.ReadDir(in.dir) // by name
	if err != nil {
		return m, errs.Unavailablef("report: %w", err)
	}
	for _, e := range entries {
		n, sum, err := record.HashFile(filepath.Join(in.dir, e.Name()))
		if err != nil {
			return m, errs.Unavailablef("report: %w", err)
		}
		m.Inputs = append(m.Inputs, Input{File: e.Name(), Records: max(counts[e.Name()], 1), Bytes: n, SHA256: sum})
	}
	if err := m.check(); err != nil {
		return m, err
	}
	return m, m.write(filepath.Dir(in.dir))
}

// Abort gives up; unfinished files disappear.
func (in *Inputs) Abort() {
	for _, w := range in.files {
		w.Abort()
	}
}

// eachInput calls f with every record of a kind. A record that cannot be read is an error: inputs are
// frozen, and were whole.
func eachInput(dir, kind string, f func(any)) error {
	name := filepath.Join(dir, kind+".jsonl")
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errs.Unavailablef("report: %w", err)
	}
	defer file.Close()
	r, err := record.NewReader(kind+".jsonl", file)
	if err != nil {
		return err
	}
	defer r.Close()
	for {
		raw, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		rec, ok, err := decode(kind, raw)
		if err != nil {
			return err
		}
		if ok {
			f(rec)
		}
	}
}

// decode reads a record of a kind that the file's name gives, so that no field can make it another.
func decode(kind string, raw record.Raw) (rec any, ok bool, err error) {
	switch kind {
	case Queries:
		rec, err = record.DecodeQuery(raw)
	case Triplets:
		rec, err = record.DecodeTriplet(raw)
	case Generations:
		rec, err = record.DecodeGeneration(raw, "")
	case Labels:
		rec, err = record.DecodeLabel(raw)
	case Ratings, JudgeRatings:
		return record.DecodeRating(raw)
	default: // votes or rankings
		return record.Decode(raw, "")
	}
	return rec, err == nil, err
}
