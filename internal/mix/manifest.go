package mix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"coigwriter/internal/errs"
)

// The files of a mix beside its rows.
const (
	ManifestFile = "manifest.json"
	PlanFile     = "plan.toml"
	LeftOutFile  = "left_out.jsonl"
	trainDir     = "train"
)

// Format is the version of the manifest that this program writes. It reads 1 as well, whose warnings are
// texts and whose tokens were counted without those that a vocabulary adds.
const Format = 2

// A Manifest says what a mix holds and where it came from. It has no clock and no path of the machine in
// it: the same plan over the same files gives the same bytes anywhere.
type Manifest struct {
	Format         int             `json:"format"`
	ID             string          `json:"id"`   // SHA-256 of the manifest without id and tool
	Tool           string          `json:"tool"` // the program's version
	Name           string          `json:"name"`
	PlanHash       string          `json:"plan_sha256"`
	Seed           int64           `json:"seed"`
	Reasoning      string          `json:"reasoning"`         // think, field or none
	GeneralThought string          `json:"general_reasoning"` // keep or drop
	MaxTokens      int             `json:"max_tokens"`        // of a row; 0 is no bound
	Sources        []Source        `json:"sources"`
	Benchmark      []BenchmarkFile `json:"benchmark"`
	Configurations []Configuration `json:"configurations"`
	LeftOut        LeftOut         `json:"left_out"`
	Warnings       []Warning       `json:"warnings"`
}

// A Warning is something that somebody who trains on the mix should know.
type Warning struct {
	Key string `json:"key"` // no_reasoning, general_thought, no_benchmark or estimated
	N   int    `json:"n"`   // of how many rows it is true, 0 where it is about none
	Of  int    `json:"of"`  //
	Msg string `json:"message"`
}

// UnmarshalJSON reads a warning of format 1 too, which is its text alone.
func (w *Warning) UnmarshalJSON(data []byte) error {
	*w = Warning{}
	if json.Unmarshal(data, &w.Msg) == nil {
		return nil
	}
	type fields Warning
	return json.Unmarshal(data, (*fields)(w))
}

// MarshalJSON writes a warning as it was read, so that a manifest of format 1 keeps its identity.
func (w Warning) MarshalJSON() ([]byte, error) {
	if w.Key == "" {
		return encode(w.Msg)
	}
	type fields Warning
	return encode(fields(w))
}

// A Source is one source of the plan and what was read of it.
type Source struct {
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`              // creative or general
	Release  string         `json:"release,omitempty"` // the version of an export
	Hash     string         `json:"sha256"`            // over the names and hashes of its files
	Files    []File         `json:"files"`
	Rows     int            `json:"rows"`     // read
	Bad      int            `json:"bad"`      // could not be read; listed
	Filtered map[string]int `json:"filtered"` // kept out by the plan's filters: language, genre, short, long
	Pool     int            `json:"pool"`     // could be drawn
	Kept     int            `json:"kept"`     // stand in some configuration
}

// A File is one file of a source, by the name that it has below the plan's path.
type File struct {
	Name string `json:"name"`
	Hash string `json:"sha256"`
	Rows int    `json:"rows"`
}

// A BenchmarkFile is a file of what must not be trained on.
type BenchmarkFile struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"` // queries or references
	Hash  string `json:"sha256"`
	Texts int    `json:"texts"`
}

// A Configuration is one file of rows to train on.
type Configuration struct {
	Name       string         `json:"name"`
	File       string         `json:"file"` // below the mix, with slashes
	Hash       string         `json:"sha256"`
	Rows       int            `json:"rows"`
	Creative   int            `json:"creative"`
	General    int            `json:"general"`
	ByGenre    map[string]int `json:"by_genre"` // "" for rows that name none
	ByLanguage map[string]int `json:"by_language"`
	BySource   map[string]int `json:"by_source"`
	Thoughts   int            `json:"thoughts"`   // rows with a thought in them
	Characters int            `json:"characters"` // code points of all turns, thoughts included
	Lengths    Lengths        `json:"lengths"`
}

// Lengths are how long rows are, in tokens.
type Lengths struct {
	Tokenizer string `json:"tokenizer"` // SHA-256 of the vocabulary's file; "" where tokens are estimated
	Estimated bool   `json:"estimated"`
	Counted   string `json:"counted"` // what was counted, in words
	Min       int    `json:"min"`
	Median    int    `json:"median"`
	P95       int    `json:"p95"`
	P99       int    `json:"p99"`
	Max       int    `json:"max"`
	Total     int    `json:"total"`
}

// LeftOut counts the rows of left_out.jsonl.
type LeftOut struct {
	Hash     string                    `json:"sha256"`
	Rows     int                       `json:"rows"`
	ByReason map[string]map[string]int `json:"by_reason"` // kind → reason → rows
}

// Configuration returns the configuration of a name.
func (m Manifest) Configuration(name string) (Configuration, error) {
	for _, c := range m.Configurations {
		if c.Name == name {
			return c, nil
		}
	}
	return Configuration{}, errs.NotFoundf("the mix has no configuration %q", name)
}

// identity is the hash of what a manifest says, whichever version of the program wrote it.
func (m Manifest) identity() string {
	m.ID, m.Tool = "", ""
	h := sha256.Sum256(m.encode())
	return hex.EncodeToString(h[:])
}

func (m Manifest) encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m); err != nil {
		panic(err) // unreachable: texts and numbers always encode
	}
	return b.Bytes()
}

// OpenManifest reads the manifest of a mix. It holds the manifest to its own identity; whether the rows are
// those that it tells of is what [Verify] says.
func OpenManifest(dir string) (Manifest, error) {
	var m Manifest
	data, err := os.ReadFile(filepath.Join(dir, ManifestFile))
	if err != nil {
		return m, errs.Invalidf("%s is no mix: %w", dir, err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, errs.Invalidf("%s: %w", filepath.Join(dir, ManifestFile), err)
	}
	if err := m.Check(); err != nil {
		return m, errs.Invalidf("%s %w", filepath.Join(dir, ManifestFile), err)
	}
	return m, nil
}

// Check holds a manifest to its format and to its own identity.
func (m Manifest) Check() error {
	switch {
	case m.Format < 1 || m.Format > Format:
		return errs.Invalidf("is of format %d; this program reads 1 to %d", m.Format, Format)
	case m.ID != m.identity():
		return errs.Invalidf("was changed: what it says is not what it was made with")
	}
	return nil
}
