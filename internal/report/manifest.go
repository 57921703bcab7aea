package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"coigwriter/internal/errs"
)

// The names of what a report's directory holds.
const (
	manifestFile = "manifest.json"
	inputsDir    = "inputs"
	tablesDir    = "tables"
	figuresDir   = "figures"

	studiesFile  = "studies.json"
	releaseFile  = "release.json"
	taxonomyFile = "taxonomy.yaml"
)

// The languages of a report: one, or both as two pages.
const (
	Chinese = "zh"
	English = "en"
	Both    = "both"
)

// A Manifest is everything that decides what a report says: its inputs by hash, and the choices. It holds
// no time but what the caller gives.
type Manifest struct {
	Format  int     `json:"format"`          // of the directory; 1
	Title   string  `json:"title,omitempty"` // "" for that of the page's language
	Date    string  `json:"date,omitempty"`  // as it stands on the page
	Program Program `json:"program"`
	Options Options `json:"options"`
	Inputs  []Input `json:"inputs"`
	Refused Refused `json:"refused"`
}

// A Program is what made the report.
type Program struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Platform string `json:"platform"` // numbers may differ in their last digit on another
}

// Options are the choices of the analyses.
type Options struct {
	Lang        string    `json:"language"` // Chinese, English or Both
	Seed        uint64    `json:"seed"`
	Bootstrap   int       `json:"bootstrap"`
	TiePolicy   string    `json:"tie_policy"`       // decided: ties are shown and leave the rate alone
	Models      []string  `json:"models,omitempty"` // that take part in votes, in the order of the tables
	Punctuation bool      `json:"punctuation"`      // counts as tokens in lexical diversity
	Categories  []float64 `json:"categories,omitempty"`
	Success     float64   `json:"success"` // the mean rating from which on an output succeeds
	Dimension   string    `json:"dimension,omitempty"`
}

// An Input is one frozen file under inputs/.
type Input struct {
	File    string `json:"file"`
	Records int    `json:"records"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
}

// Refused are the records that were given and could not be read; they are not among the inputs.
type Refused struct {
	Count    int      `json:"count"`
	Missing  int      `json:"missing_scores"`     // ratings that were not given
	Problems []string `json:"problems,omitempty"` // the first of them, with file, line and reason
}

// TitleIn is the title of a page in a language.
func (m Manifest) TitleIn(lang string) string {
	return cmp.Or(m.Title, pick(lang, "模型写作评测报告", "Report on models' writing"))
}

// ReadManifest reads the manifest of a report's directory.
func ReadManifest(dir string) (m Manifest, err error) {
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return m, errs.Invalidf("%s is no report: %w", dir, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return m, errs.Invalidf("%s: %w", filepath.Join(dir, manifestFile), err)
	}
	return m, m.check()
}

// check refuses choices that no report is made with.
func (m Manifest) check() error {
	switch {
	case m.Format != 1:
		return errs.Invalidf("%s has format %d; this program reads 1", manifestFile, m.Format)
	case m.Options.Lang != Chinese && m.Options.Lang != English && m.Options.Lang != Both:
		return errs.Invalidf("language %q: give zh, en or both", m.Options.Lang)
	case m.Options.Bootstrap < 0 || m.Options.Bootstrap > 100_000:
		return errs.Invalidf("bootstrap %d: give 0 to 100000", m.Options.Bootstrap)
	case m.Options.TiePolicy != tiePolicy:
		return errs.Invalidf("tie policy %q: the one there is is %q", m.Options.TiePolicy, tiePolicy)
	}
	for _, in := range m.Inputs {
		if in.File != filepath.Base(in.File) || in.File == "." || in.File == ".." {
			return errs.Invalidf("%s names the input %q, which is no file name", manifestFile, in.File)
		}
	}
	return nil
}

// tiePolicy is how ties count: see analysis.TiePolicy.
const tiePolicy = "decided"

// bytes is the manifest as it is written.
func (m Manifest) bytes() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		panic(err) // texts and numbers always encode
	}
	return b.Bytes()
}

// Hash is that of the manifest, and so of everything the report rests on.
func (m Manifest) Hash() string {
	h := sha256.Sum256(m.bytes())
	return hex.EncodeToString(h[:])
}

func (m Manifest) write(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, manifestFile), m.bytes(), 0o644); err != nil {
		return errs.Unavailablef("manifest: %w", err)
	}
	return nil
}

// langs are the languages that pages are made in.
func (o Options) langs() []string {
	if o.Lang == Both {
		return []string{Chinese, English}
	}
	return []string{o.Lang}
}
